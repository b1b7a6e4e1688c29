#include "tools/service/access_log.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "ledger/ascii.hpp"
#include "ledger/bytes.hpp"
#include "tools/logging.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_request_id(std::string_view text) {
  const auto is_allowed = [](char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_'; };
  return !text.empty() && text.size() <= request_id_chars_max && std::ranges::all_of(text, is_allowed);
}

/// `VERSION-TRACE-PARENT-FLAGS` in lower-case hex digits: 2, 32, 16, 2. Later versions may go on behind the flags.
std::optional<std::string> trace_id(std::string_view text) {
  constexpr std::size_t size = 55, trace_at = 3, trace_size = 32, parent_at = 36, flags_at = 53;
  if (text.size() < size || text[trace_at - 1] != '-' || text[parent_at - 1] != '-' || text[flags_at - 1] != '-')
    return std::nullopt;
  const std::string_view version = text.substr(0, 2), trace = text.substr(trace_at, trace_size);
  const bool ends_right = text.size() == size || (version != "00" && text[size] == '-');
  const bool is_hex = is_lower_hex(version) && is_lower_hex(trace) &&
                      is_lower_hex(text.substr(parent_at, flags_at - 1 - parent_at)) &&
                      is_lower_hex(text.substr(flags_at, 2));
  if (!ends_right || !is_hex || version == "ff" || trace.find_first_not_of('0') == std::string_view::npos)
    return std::nullopt;
  return std::string(trace);
}

Json fields_of(const AccessLine& line) {
  return {{"request_id", line.request_id}, {"method", line.method}, {"endpoint", line.endpoint}};
}

}  // namespace

std::string request_id_of(const HttpFields& fields) {
  if (auto given = fields.get("X-Request-Id"); given && is_request_id(*given)) return *std::move(given);
  if (const auto parent = fields.get("traceparent")) {
    if (auto trace = trace_id(*parent)) return *std::move(trace);
  }
  std::array<std::uint8_t, 16> drawn;
  system_entropy()(drawn);
  return to_hex(drawn);
}

void log_access(const AccessLine& line) {
  const LogLevel level = line.status == 500 ? LogLevel::warning : LogLevel::debug;
  if (!is_logged(level)) return;
  Json fields = fields_of(line);
  if (!line.service.empty()) fields["service"] = line.service;
  fields["status"] = line.status;
  fields["bytes"] = line.bytes;
  fields["took_us"] = std::chrono::duration_cast<std::chrono::microseconds>(line.took).count();
  log_line(level, "request", fields);
}

void log_failure(const AccessLine& line, const std::string& words) {
  Json fields = fields_of(line);
  fields["error"] = words;
  log_line(LogLevel::error, "request failed", fields);
}

}  // namespace daicho
