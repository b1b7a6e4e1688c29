#include "tools/logging.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "ledger/time.hpp"

#include "tools/output.hpp"

namespace daicho {

namespace {

/// Of the line that this thread is writing: the logger has no queue, so its formatter runs within the call.
thread_local const Json* fields_of_line = nullptr;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

/// As it is when it is one printable word or, with `spaces`, several; else as a JSON string: no line is made two.
std::string shown(const std::string& text, bool spaces) {
  const auto is_plain = [spaces](char c) { return c > ' ' ? c != '"' && c != '\x7F' : c == ' ' && spaces; };
  const bool is_plain_text = !text.empty() && std::ranges::all_of(text, is_plain);
  return is_plain_text ? text : json_text(text);
}

std::string text_line(const Json& line) {
  std::string text = line["time"].get<std::string>() + " " + line["level"].get<std::string>() + ": " +
                     shown(line["message"].get<std::string>(), true);
  std::size_t number = 0;
  for (const auto& [name, value] : line.items()) {
    if (number++ < 3) continue;
    text += " " + name + "=" + (value.is_string() ? shown(value.get<std::string>(), false) : json_text(value));
  }
  return printable(text);
}

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(bool is_json) : is_json_(is_json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(message.time.time_since_epoch());
    const auto level = spdlog::level::to_string_view(message.level);
    Json line = {{"time", to_rfc3339(since.count())},
                 {"level", std::string(level.data(), level.size())},
                 {"message", std::string(message.payload.data(), message.payload.size())}};
    if (fields_of_line) line.update(*fields_of_line);
    const std::string text = (is_json_ ? json_text(line) : text_line(line)) + "\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(is_json_); }

 private:
  const bool is_json_;
};

}  // namespace

void start_log(const LogOptions& options) {
  auto logger = spdlog::stderr_logger_mt("service");
  logger->set_formatter(std::make_unique<LineFormatter>(options.format == "json"));
  logger->set_level(spdlog::level::from_str(options.level));
  spdlog::set_default_logger(std::move(logger));
}

bool is_logged(LogLevel level) { return spdlog::should_log(spdlog_level(level)); }

void log_line(LogLevel level, std::string_view message, const Json& fields) {
  if (!is_logged(level)) return;
  fields_of_line = &fields;
  spdlog::default_logger_raw()->log(spdlog_level(level), spdlog::string_view_t(message.data(), message.size()));
  fields_of_line = nullptr;
}

}  // namespace daicho
