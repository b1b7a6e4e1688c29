#include "tools/http/parse.hpp"

#include <algorithm>
#include <charconv>

#include "ledger/ascii.hpp"

namespace daicho {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view digits = "0123456789";
constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view tchar = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && text.find_first_not_of(tchar) == std::string_view::npos;
}

/// RFC 9110 section 5.5: visible bytes, spaces, tabs, and what is beyond ASCII.
bool is_field_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

/// The line without its end; what is left goes on behind it.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find(line_end);
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + line_end.size());
  return line;
}

using Wrong = std::optional<HttpWrong>;

Wrong parse_version(std::string_view text, HttpHead& head) {
  constexpr std::string_view name = "HTTP/";
  const bool is_version = text.size() == name.size() + 3 && text.starts_with(name) && text[name.size() + 1] == '.' &&
                          digits.find(text[name.size()]) != std::string_view::npos &&
                          digits.find(text.back()) != std::string_view::npos;
  if (!is_version) return HttpWrong{400, "not an HTTP/1.1 request"};
  if (text != "HTTP/1.1" && text != "HTTP/1.0") return HttpWrong{505, "HTTP/1.1 is spoken here"};
  head.minor_version = text.back() == '1' ? 1 : 0;
  return std::nullopt;
}

Wrong parse_request_line(std::string_view line, HttpHead& head) {
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HttpWrong{400, "not an HTTP/1.1 request"};
  const std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1);
  if (!is_token(method)) return HttpWrong{400, "not an HTTP/1.1 request"};
  if (target.empty() || !is_visible(target) || target.find('#') != std::string_view::npos)
    return HttpWrong{400, "the target is malformed"};
  head.method = method;
  head.target = target;
  return parse_version(line.substr(last + 1), head);
}

Wrong parse_field(std::string_view line, HttpFields& fields) {
  if (line.starts_with(' ') || line.starts_with('\t')) return HttpWrong{400, "a field is folded over two lines"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return HttpWrong{400, "a field's name is malformed"};
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_text(value)) return HttpWrong{400, "a field's value is malformed"};
  fields.add(std::string(line.substr(0, colon)), std::string(value));
  return std::nullopt;
}

Wrong check_host(HttpHead& head) {
  const auto host = head.fields.get("Host");
  if (!host && head.minor_version > 0) return HttpWrong{400, "the field Host is wanted"};
  if (host && (!is_visible(*host) || host->find_first_of("/?#@\\,\"<>") != std::string::npos))
    return HttpWrong{400, "the field Host is malformed"};
  return std::nullopt;
}

/// The absolute form (RFC 9112 section 3.2.2) becomes the origin form.
Wrong put_in_origin_form(HttpHead& head) {
  if (head.target.starts_with('/')) return std::nullopt;
  if (head.target == "*" && head.method == "OPTIONS") return std::nullopt;
  const std::string_view target = head.target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_without_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    const auto host = head.fields.get("Host");
    if (end == 0 || !host || !equal_without_case(rest.substr(0, end), *host))
      return HttpWrong{400, "the target names another authority than Host"};
    const std::string_view path = rest.substr(end);
    head.target = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
    return std::nullopt;
  }
  return HttpWrong{400, "the target is malformed"};
}

/// Where the body ends (RFC 9112 section 6.3), told in one way only.
Wrong parse_framing(HttpHead& head) {
  const auto length = head.fields.get("Content-Length"), coding = head.fields.get("Transfer-Encoding");
  if (length && coding) return HttpWrong{400, "Content-Length and Transfer-Encoding exclude each other"};
  if (coding) {
    if (head.minor_version == 0) return HttpWrong{400, "HTTP/1.0 has no Transfer-Encoding"};
    if (!equal_without_case(*coding, "chunked"))
      return HttpWrong{501, "the transfer coding `chunked` alone is understood"};
    head.is_chunked = true;
  }
  if (length) {
    const char* const end = length->data() + length->size();
    const bool is_number = !length->empty() && length->find_first_not_of(digits) == std::string::npos;
    const auto [rest, error] = std::from_chars(length->data(), end, head.body_bytes);
    if (is_number && error == std::errc::result_out_of_range) return HttpWrong{413, "the body is too long"};
    if (!is_number || error != std::errc{} || rest != end) return HttpWrong{400, "Content-Length is not one number"};
  }
  return std::nullopt;
}

/// A word of a comma-separated list (RFC 9110 section 5.6.1).
bool lists(std::string_view list, std::string_view word) {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (equal_without_case(trimmed(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

Wrong parse_wishes(HttpHead& head) {
  const std::string connection = head.fields.get("Connection").value_or("");
  head.keep_alive = !lists(connection, "close") && (head.minor_version > 0 || lists(connection, "keep-alive"));
  const auto expected = head.fields.get("Expect");
  if (expected && head.minor_version > 0) {
    if (!equal_without_case(*expected, "100-continue"))
      return HttpWrong{417, "the expectation `100-continue` alone is met"};
    head.wants_continue = head.is_chunked || head.body_bytes > 0;
  }
  return std::nullopt;
}

}  // namespace

bool has_bare_line_feed(std::string_view bytes) {
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

Result<HttpHead, HttpWrong> parse_http_head(std::string_view text) {
  HttpHead head;
  if (auto wrong = parse_request_line(next_line(text), head)) return Unexpected{*wrong};
  for (std::string_view line = next_line(text); !line.empty(); line = next_line(text)) {
    if (auto wrong = parse_field(line, head.fields)) return Unexpected{*wrong};
  }
  for (const char* once : {"Host", "Content-Length", "Transfer-Encoding", "Content-Type"}) {
    if (head.fields.count(once) > 1) return Unexpected{HttpWrong{400, "a field that may stand once stands twice"}};
  }
  for (const auto check : {check_host, put_in_origin_form, parse_framing, parse_wishes}) {
    if (auto wrong = check(head)) return Unexpected{*wrong};
  }
  return head;
}

Result<std::size_t, HttpWrong> ChunkedBody::take(std::string_view bytes) {
  std::size_t used = 0;
  while (!is_complete()) {
    const std::string_view rest = bytes.substr(used);
    const State before = state_;
    const auto step = state_ == State::size_line  ? take_size_line(rest)
                      : state_ == State::data     ? take_data(rest)
                      : state_ == State::data_end ? take_data_end(rest)
                                                  : take_trailer_line(rest);
    if (!step) return step;
    used += *step;
    if (*step == 0 && state_ == before) break;
  }
  return used;
}

Result<std::size_t, HttpWrong> ChunkedBody::take_size_line(std::string_view bytes) {
  const std::size_t end = bytes.find(line_end);
  const std::string_view line = bytes.substr(0, end);
  if (line.size() > size_line_bytes_max) return Unexpected{HttpWrong{400, "a chunk's size line is too long"}};
  if (end == std::string_view::npos) {
    if (line.find('\n') == std::string_view::npos) return std::size_t{0};
    return Unexpected{HttpWrong{400, "a chunk's size line is malformed"}};
  }
  const std::size_t size_end = std::min(line.find_first_not_of(hex_digits), line.size());
  const bool has_extension = size_end < line.size();
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + size_end, size, 16);
  const bool is_too_long = parsed.ec == std::errc::result_out_of_range;
  // Its form first: what is said of it must not depend on the pieces that it comes in.
  if ((parsed.ec != std::errc{} && !is_too_long) || (has_extension && line[size_end] != ';') || !is_field_text(line))
    return Unexpected{HttpWrong{400, "a chunk's size line is malformed"}};
  if (is_too_long || size > bytes_max_ - body_.size()) return Unexpected{HttpWrong{413, "the body is too long"}};
  left_ = static_cast<std::size_t>(size);
  state_ = size == 0 ? State::trailer : State::data;
  return end + line_end.size();
}

Result<std::size_t, HttpWrong> ChunkedBody::take_data(std::string_view bytes) {
  const std::string_view part = bytes.substr(0, left_);
  body_.append(part);
  left_ -= part.size();
  if (left_ == 0) state_ = State::data_end;
  return part.size();
}

Result<std::size_t, HttpWrong> ChunkedBody::take_data_end(std::string_view bytes) {
  if (!line_end.starts_with(bytes.substr(0, line_end.size())))
    return Unexpected{HttpWrong{400, "a chunk is longer than it said"}};
  if (bytes.size() < line_end.size()) return std::size_t{0};
  state_ = State::size_line;
  return line_end.size();
}

Result<std::size_t, HttpWrong> ChunkedBody::take_trailer_line(std::string_view bytes) {
  const std::size_t end = bytes.find(line_end);
  const std::string_view line = bytes.substr(0, end);
  if (trailer_bytes_ + line.size() > trailer_bytes_max) return Unexpected{HttpWrong{431, "the trailer is too long"}};
  if (end == std::string_view::npos) {
    if (line.find('\n') == std::string_view::npos) return std::size_t{0};
    return Unexpected{HttpWrong{400, "the trailer is malformed"}};
  }
  HttpFields passed_over;
  if (!line.empty()) {
    if (auto wrong = parse_field(line, passed_over)) return Unexpected{*wrong};
  }
  trailer_bytes_ += end + line_end.size();
  if (line.empty()) state_ = State::complete;
  return end + line_end.size();
}

}  // namespace daicho
