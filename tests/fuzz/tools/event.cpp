// Envelopes of events. What parses can be told in words, has a complete header, and is signed only if it is golden.
#include "tests/fuzz/fuzz.hpp"
#include "tools/output.hpp"
#include "tools/query/event_words.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  constexpr std::size_t heap_bytes = 64;  // beyond a short string's own place, so that it is aligned
  std::string envelope = input_text(data, size);
  envelope.reserve(heap_bytes);
  const auto event = Event::parse(as_bytes(envelope));
  if (!event) return 0;
  const EventWords words = describe(*event);
  must(!words.sentence.empty(), "an event is told in a sentence");
  must(json_line(words.fields).ends_with('\n') && json_line(header_json(*event)).ends_with('\n'), "and as JSON");
  must(event->previous().version < event->account_version() || event->account_version() == 0, "it is behind another");
  must(event->verify(golden().verifier) == golden().has(envelope), "it is signed if it is golden, and only then");
  static const SecretKey key{as_bytes(std::string(32, '\5'))};
  must(!event->is_sealed() || !event->open(key), "another key opens nothing");
  return 0;
}
