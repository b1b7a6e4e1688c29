// Stored first answers, and the marks they begin with. What parses has all its bytes; nothing opens that was not
// sealed.
#include "commands/executor_run.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  static const SecretKey key{as_bytes(std::string(32, '\5'))};
  static const std::string good =
      encode_first_answer(Tag32{}, Id{}, Answer{Json{{"events", Json::array()}}, false, false}, key, "row");
  const ByteView row(data, size);
  if (const auto first = parse_first_answer(row)) {
    std::string written;
    append(written, first->fingerprint.view());
    append(written, first->account.view());
    written += first->sealed;
    must(written == as_text(row), "an answer has all its bytes");
    must(!open_first_answer(*first, key, "row") || written.substr(48) == good.substr(48), "only what was sealed opens");
  }
  std::string changed = good;
  if (size > 0) changed[data[0] % good.size()] = static_cast<char>(data[size - 1]);
  const auto first = parse_first_answer(as_bytes(changed));
  must(first.has_value(), "it is as long as an answer");
  const auto opened = open_first_answer(*first, key, "row");
  must(opened.has_value() == (changed.substr(48) == good.substr(48)), "it opens unless what was sealed is changed");
  must(!open_first_answer(*first, key, "another row"), "and at its own place only");
  return 0;
}
