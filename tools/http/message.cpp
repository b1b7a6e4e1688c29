#include "tools/http/message.hpp"

#include <algorithm>
#include <charconv>

#include "ledger/ascii.hpp"

namespace daicho {

const char* http_reason(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

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
  constexpr std::size_t host_bytes_max = 255;
  const bool is_host = !host.empty() && host.size() <= host_bytes_max && std::ranges::all_of(host, [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._:").find(c) != std::string_view::npos;
  });
  if (!is_host || (!rest.empty() && (rest.front() != ':' || rest.size() == 1))) return std::nullopt;
  return std::pair(std::string(host), std::string(rest.empty() ? rest : rest.substr(1)));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
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

namespace {

struct Scheme {
  std::string_view plain, encrypted;
  const char *plain_port, *encrypted_port;
};

std::optional<HttpUrl> parse_url(std::string_view text, const Scheme& scheme) {
  const bool is_encrypted = text.starts_with(scheme.encrypted);
  const std::string_view start = is_encrypted ? scheme.encrypted : scheme.plain;
  const auto is_printable = [](char byte) { return byte > 0x20 && byte < 0x7F; };
  const bool is_plain_text = std::ranges::all_of(text, is_printable) && text.find_first_of("@?#") == text.npos;
  if (!text.starts_with(start) || !is_plain_text) return std::nullopt;
  text.remove_prefix(start.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  auto authority = split_authority(text.substr(0, slash));
  if (!authority) return std::nullopt;
  if (authority->second.empty()) authority->second = is_encrypted ? scheme.encrypted_port : scheme.plain_port;
  if (!parse_port(authority->second)) return std::nullopt;
  return HttpUrl{std::move(authority->first), std::move(authority->second), std::string(text.substr(slash)),
                 is_encrypted};
}

}  // namespace

std::optional<HttpUrl> parse_http_url(std::string_view text) {
  auto url = parse_url(text, {"http://", "https://", "80", "443"});
  if (url && url->path.ends_with('/')) url->path.pop_back();
  return url;
}

std::optional<HttpUrl> parse_smtp_url(std::string_view text) {
  auto url = parse_url(text, {"smtp://", "smtps://", "25", "465"});
  return url && url->path.empty() ? url : std::nullopt;
}

std::string in_url(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool is_unreserved =
        is_letter(c) || is_digit(c) || std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_unreserved) {
      encoded.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return encoded;
}

bool is_private_way(const HttpUrl& url) { return url.is_encrypted || is_this_machine(url.host); }

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
