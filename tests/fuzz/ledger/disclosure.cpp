// Disclosure files. What reads is written as the same bytes; what checks under the golden key holds golden events.
#include "ledger/disclosure.hpp"

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string file = input_text(data, size);
  const auto disclosure = read_disclosure(file);
  if (!disclosure) {
    must(disclosure.error().check == DisclosureCheck::form, "what does not read is of no form");
    must(!disclosure.error().words.empty(), "words say what is wrong");
    return 0;
  }
  must(is_disclosure(file), "it begins as one");
  must(write_disclosure(*disclosure) == file, "a disclosure is written as it was read");
  must(disclosure->events.size() <= disclosure_events_max, "it keeps to its limits");
  const auto checked = check_disclosure(*disclosure, golden().verifier);
  if (!checked) {
    must(checked.error().check != DisclosureCheck::form && !checked.error().words.empty(), "words say what is wrong");
    return 0;
  }
  must(checked->events.size() == disclosure->events.size(), "every event is checked");
  for (const DisclosedEvent& event : disclosure->events) {
    must(event.position < golden().envelopes.size() && golden().envelopes[event.position] == event.envelope,
         "only golden events are disclosed, where they are");
  }
  return 0;
}
