// The small text forms: ids, hex, base64, numbers, times, lines. What parses is printed as the same, or as its
// canonical form, which parses as the same.
#include "ledger/lines.hpp"
#include "ledger/time.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  if (const auto id = parse_id(text)) must(parse_id(to_text(*id)) == id && text.size() == 36, "an id reads back");
  if (const auto bytes = from_hex(text)) {
    must(bytes->size() * 2 == text.size() && from_hex(to_hex(as_bytes(*bytes))) == bytes, "hex reads back");
  }
  if (const auto bytes = from_base64(text)) must(to_base64(as_bytes(*bytes)) == text, "base64 has one form");
  if (const auto number = parse_decimal(text)) must(std::to_string(*number) == text, "a number has one form");
  if (const auto time = parse_rfc3339(text)) {
    must(*time >= time_min && *time <= time_max, "a time is within its limits");
    must(parse_rfc3339(to_rfc3339(*time)) == time, "a time reads back");
  }
  std::string_view rest = text;
  std::size_t taken = 0;
  while (const auto line = take_line(rest)) {
    must(line->find('\n') == std::string_view::npos, "a line is one line");
    taken += line->size() + 1;
  }
  must(taken + rest.size() == text.size(), "lines are all of the text");
  return 0;
}
