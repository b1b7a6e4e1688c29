// tools/http.hpp — HTTP/1.1 as plain values, for those who serve it (tools/http_server.hpp) and those who ask
// (tools/http_client.hpp). Only their two .cpp files include Beast.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace daicho {

struct HttpRequest {
  std::string method, target;
  std::string content_type, body;
};

struct HttpAnswer {
  unsigned status = 0;
  std::string content_type, body;
};

/// `http://host[:port][/path]`, the host a name, an IPv4 or a bracketed IPv6 address. The path loses its last slash.
struct HttpUrl {
  std::string host, port, path;
};
std::optional<HttpUrl> parse_http_url(std::string_view text);

/// `127.0.0.1:8080`, `[::1]:8080`; nullopt unless the port is a number below 65,536.
struct HttpEndpoint {
  std::string address;
  std::uint16_t port = 0;
};
std::optional<HttpEndpoint> parse_http_endpoint(std::string_view text);

}  // namespace daicho
