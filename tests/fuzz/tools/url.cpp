// URLs and endpoints that the program is told. What parses is printed and reads back.
#include "tests/fuzz/fuzz.hpp"
#include "tools/http/message.hpp"

namespace {

std::string bracketed(const std::string& host) {
  const bool is_plain = host.find(':') == std::string::npos && !host.starts_with('[');
  return is_plain ? host : '[' + host + ']';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  if (const auto url = parse_http_url(text)) {
    const auto again = parse_http_url("http://" + bracketed(url->host) + ':' + url->port + url->path + '/');
    must(again && again->host == url->host && again->port == url->port && again->path == url->path, "a URL reads back");
    must(std::ranges::all_of(url->host + url->path, [](char c) { return c > 0x20 && c < 0x7F; }),
         "nothing of it ends a line of a request");
  }
  if (const auto endpoint = parse_http_endpoint(text)) {
    const auto again = parse_http_endpoint(bracketed(endpoint->address) + ':' + std::to_string(endpoint->port));
    must(again && again->address == endpoint->address && again->port == endpoint->port, "an endpoint reads back");
  }
  return 0;
}
