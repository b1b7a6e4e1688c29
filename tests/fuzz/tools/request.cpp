// Bodies of commands: a byte that chooses the route, then JSON. What parses parses again, from its canonical form, to
// that form; what does not is wrong usage, whatever it is.
#include <numeric>

#include "tests/fuzz/failures.hpp"
#include "tools/routes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  if (size == 0) return 0;
  const auto all = routes();
  const Route& route = all[data[0] % all.size()];
  const std::string text = input_text(data + 1, size - 1);
  const Entropy entropy = [](std::span<std::uint8_t> bytes) { std::iota(bytes.begin(), bytes.end(), 1); };
  const Time now = 1'700'000'000 * second_us;
  ParsedRequest parsed{.request = {.command = Command{}}};
  const bool is_good = accepts([&] {
    const Json body = parse_object(text, "the body");
    parsed = parse_request(route, body, {}, entropy, now);
  });
  if (!is_good) return 0;
  const Request& request = parsed.request;
  must(text.size() <= body_bytes_max, "a body keeps to its limit");
  must(!request.issuer.command_id.empty() && request.issuer.command == route.name, "it says what is asked for");
  must(route.names_account || !request.account, "an account only where there is one");
  const ParsedRequest again = parse_request(route, parse_object(request.body, "its body"), {}, entropy, now);
  must(again.request.body == request.body, "its canonical form has one form");
  must(again.request.command.index() == request.command.index(), "and is the same command");
  return 0;
}
