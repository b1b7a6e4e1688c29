// What people type: e-mail addresses, phone numbers, network addresses. What parses is printed in a form that parses as
// the same, and is masked without what it masks.
#include "commands/text.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  if (const auto email = parse_email(text)) {
    const auto again = parse_email(email->address());
    must(again && again->address() == email->address() && again->folded() == email->folded(), "an address reads back");
    must(is_utf8(email->address()) && email->local.size() <= email_local_bytes_max, "it keeps to its limits");
    must(is_utf8(mask_email(email->address())), "masking cuts no letter in two");
  }
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string number = text.substr(0, end), country = text.substr(std::min(end + 1, text.size()));
  if (const auto phone = parse_phone(number, country)) {
    const auto again = parse_phone(phone->e164, "");
    must(again && again->e164 == phone->e164, "a number reads back");
    const auto digits =
        std::ranges::count_if(mask_phone(phone->national_digits), [](char c) { return c >= '0' && c <= '9'; });
    must(digits <= 2, "a masked number shows two digits");
  }
  const std::string network = coarse_network(text);
  must(network.empty() || coarse_network(network.substr(0, network.find('/'))) == network, "a network is its own");
  must(!is_word(text) || is_hyphenated_word(text), "a word is one with hyphens allowed, too");
  return 0;
}
