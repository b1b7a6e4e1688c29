#include "tools/http/message.hpp"

#include <algorithm>
#include <charconv>

namespace daicho {

namespace {

/// `host:port`, with the brackets of an IPv6 address taken off; an absent port is empty.
std::optional<std::pair<std::string, std::string>> split_authority(std::string_view text) {
  std::string_view host = text.substr(0, text.find(':')), rest = text.substr(host.size());
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  }
  if (host.empty() || (!rest.empty() && (rest.front() != ':' || rest.size() == 1))) return std::nullopt;
  return std::pair(std::string(host), std::string(rest.empty() ? rest : rest.substr(1)));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::size_t HttpFields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [&](const Field& field) { return equal_without_case(field.name, name); }));
}

std::optional<std::string> HttpFields::get(std::string_view name) const {
  std::optional<std::string> value;
  for (const Field& field : all_) {
    if (!equal_without_case(field.name, name)) continue;
    value = value ? *value + ", " + field.value : field.value;
  }
  return value;
}

std::optional<HttpUrl> parse_http_url(std::string_view text) {
  const auto is_printable = [](char byte) { return byte > 0x20 && byte < 0x7F; };
  const bool is_encrypted = text.starts_with("https://");
  const std::string_view scheme = is_encrypted ? "https://" : "http://";
  if (!text.starts_with(scheme) || !std::ranges::all_of(text, is_printable)) return std::nullopt;
  if (text.find_first_of("@?#") != std::string_view::npos) return std::nullopt;
  text.remove_prefix(scheme.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  auto authority = split_authority(text.substr(0, slash));
  if (!authority) return std::nullopt;
  if (authority->second.empty()) authority->second = is_encrypted ? "443" : "80";
  if (!parse_port(authority->second)) return std::nullopt;
  std::string path(text.substr(slash));
  if (path.ends_with('/')) path.pop_back();
  return HttpUrl{std::move(authority->first), std::move(authority->second), std::move(path), is_encrypted};
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

std::optional<HttpEndpoint> parse_http_endpoint(std::string_view text) {
  auto authority = split_authority(text);
  const auto port = authority ? parse_port(authority->second) : std::nullopt;
  if (!port) return std::nullopt;
  return HttpEndpoint{std::move(authority->first), *port};
}

}  // namespace daicho
