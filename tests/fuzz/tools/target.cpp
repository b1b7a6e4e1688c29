// Targets of HTTP requests. What parses has no segment that a file system or a router could take for another, and reads
// back from its percent-encoded form.
#include "tools/service/target.hpp"

#include "commands/text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

std::string encoded(const std::string& text) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string all;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    all += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  const auto target = parse_target(text);
  if (!target) return 0;
  must(!target->path.empty() && target->parameters.size() <= parameters_max, "a target keeps to its limits");
  std::string written;
  const auto check = [](const std::string& part) {
    must(is_utf8(part) && part.find('\0') == std::string::npos, "each part is UTF-8 without NUL");
  };
  for (const std::string& segment : target->path) {
    check(segment);
    must(!segment.empty() && segment != "." && segment != "..", "no segment leads elsewhere");
    written += '/' + encoded(segment);
  }
  char separator = '?';
  for (const auto& [name, value] : target->parameters) {
    check(name);
    check(value);
    written += separator + encoded(name) + '=' + encoded(value);
    separator = '&';
  }
  const auto again = parse_target(written);
  must(again && again->path == target->path && again->parameters == target->parameters, "a target reads back");
  const auto rest = match_path("/{first}/{rest…}", target->path);
  must(rest.has_value() == (target->path.size() >= 2), "a pattern takes all that is left");
  must(!rest || (*rest)[0] == target->path[0], "in its order");
  return 0;
}
