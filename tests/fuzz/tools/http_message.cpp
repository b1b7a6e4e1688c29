// What a listener takes from a peer: a request's header, then a body in chunks. What parses holds no line's end and one
// length alone, and reads back; a body comes out the same in whatever pieces it arrives.
#include <algorithm>
#include <optional>

#include "tests/fuzz/fuzz.hpp"
#include "tools/http/parse.hpp"

namespace {

using namespace daicho;
using daicho::fuzz::must;

constexpr std::size_t body_bytes_max = 64;
constexpr std::string_view head_end = "\r\n\r\n";

std::string written(const HttpHead& head) {
  std::string text = head.method + " " + head.target + " HTTP/1." + std::to_string(head.minor_version) + "\r\n";
  for (const auto& [name, value] : head.fields) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

void check_head(std::string_view text) {
  if (has_bare_line_feed(text)) return;
  const auto head = parse_http_head(text);
  if (!head) {
    must(head.error().status >= 400 && *head.error().words != '\0', "a no has a status and words");
    return;
  }
  const auto is_text = [](const std::string& part) {
    return std::ranges::none_of(part, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  };
  must(is_text(head->method) && is_text(head->target), "one line");
  must(head->target == "*" || head->target.starts_with('/'), "a target in origin form");
  must(head->fields.count("Host") <= 1 && head->fields.count("Content-Length") <= 1, "nothing that counts twice");
  must(!head->is_chunked || (head->body_bytes == 0 && head->fields.count("Content-Length") == 0), "one length");
  for (const auto& [name, value] : head->fields) must(is_text(name) && is_text(value), "one line a field");
  const auto again = parse_http_head(written(*head));
  must(again && again->target == head->target && again->body_bytes == head->body_bytes &&
           again->is_chunked == head->is_chunked && again->keep_alive == head->keep_alive,
       "a header reads back");
}

struct Taken {
  unsigned status = 0;  ///< 0: it was taken so far
  bool is_complete = false;
  std::string body;
  bool operator==(const Taken&) const = default;
};

Taken take(std::string_view bytes, std::size_t piece) {
  ChunkedBody chunks(body_bytes_max);
  std::string received;
  while (!chunks.is_complete()) {
    const auto used = chunks.take(received);
    if (!used) return {used.error().status, false, ""};
    must(*used <= received.size(), "no more is used than there is");
    received.erase(0, *used);
    if (chunks.is_complete() || bytes.empty()) break;
    received += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  must(chunks.body().size() <= body_bytes_max, "a body keeps to its limit");
  return {0, chunks.is_complete(), chunks.body()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = daicho::fuzz::input_text(data, size);
  const std::size_t end = text.find(head_end);
  const std::size_t head_bytes = end == std::string::npos ? text.size() : end + head_end.size();
  if (end != std::string::npos) check_head(std::string_view(text).substr(0, head_bytes));
  const std::string_view body = std::string_view(text).substr(head_bytes);
  const Taken whole = take(body, std::max<std::size_t>(body.size(), 1));
  must(take(body, 1) == whole && take(body, 3) == whole, "a body is the same in other pieces");
  return 0;
}
