// tools/http/message.hpp — HTTP/1.1 as plain values, for those who serve it (tools/http/server.hpp) and those who ask
// (tools/http/client.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daicho {

/// Header fields in the order they came; names without regard to case (RFC 9110 section 5.1).
class HttpFields {
 public:
  struct Field {
    std::string name, value;
  };

  HttpFields() = default;
  HttpFields(std::initializer_list<Field> fields) : all_(fields) {}
  void add(std::string name, std::string value) { all_.push_back({std::move(name), std::move(value)}); }
  std::size_t count(std::string_view name) const;
  /// Its value; of a field that stands there several times, the values with ", " between (RFC 9110 section 5.3).
  std::optional<std::string> get(std::string_view name) const;
  std::vector<Field>::const_iterator begin() const { return all_.begin(); }
  std::vector<Field>::const_iterator end() const { return all_.end(); }

 private:
  std::vector<Field> all_;
};

struct HttpRequest {
  std::string method, target;
  std::string content_type, body;
  HttpFields fields = {};
  std::string peer = {};                                                              ///< the other end's address
  std::chrono::steady_clock::time_point whole_at = std::chrono::steady_clock::now();  ///< its last byte had come
};

/// The next piece of an answer that has no end known beforehand. Empty: nothing yet; nullopt: that was all.
using HttpStream = std::function<std::optional<std::string>()>;

struct HttpAnswer {
  unsigned status = 0;
  std::string content_type, body;
  HttpFields fields = {};
  HttpStream stream = {};  ///< what follows `body`, if it is there: sent as it comes, then the connection ends
};

// Media types.
inline constexpr const char* json_type = "application/json";
inline constexpr const char* ndjson_type = "application/x-ndjson";
inline constexpr const char* problem_type = "application/problem+json";  // RFC 9457
inline constexpr const char* event_stream_type = "text/event-stream";    // WHATWG HTML
inline constexpr const char* text_type = "text/plain";
inline constexpr const char* utf8_text_type = "text/plain; charset=utf-8";
inline constexpr const char* bytes_type = "application/octet-stream";

/// As a status line, and a problem's title, call it (RFC 9110 section 15, RFC 6585).
const char* http_reason(unsigned status);

/// `http[s]://host[:port][/path]`, the host a name, an IPv4 or a bracketed IPv6 address. The path loses its last slash.
struct HttpUrl {
  std::string host, port, path;
  bool is_encrypted = false;  ///< https
};
std::optional<HttpUrl> parse_http_url(std::string_view text);
std::optional<HttpUrl> parse_smtp_url(std::string_view text);  ///< `smtp[s]://host[:port]`
/// RFC 6570 section 3.2.1: everything but unreserved characters is percent-encoded.
std::string percent_encode(std::string_view text);
std::string in_url(const std::string& host);  ///< an IPv6 address in brackets
/// Encrypted, or it never leaves this machine.
bool is_private_way(const HttpUrl& url);

/// A name, or an address without brackets, that never leaves the machine.
bool is_this_machine(std::string_view host);

/// `127.0.0.1:8080`, `[::1]:8080`; nullopt unless the port is a number below 65,536.
struct HttpEndpoint {
  std::string address;
  std::uint16_t port = 0;
};
std::optional<HttpEndpoint> parse_http_endpoint(std::string_view text);

}  // namespace daicho
