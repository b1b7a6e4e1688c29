// tests/fuzz/corpus_test.cpp — every fuzz target over its corpus, and over a few thousand changes of it that are the
// same in every run. `./dev fuzz` looks further.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

// name, and how many changed inputs: as many as keep the whole below ten seconds. Formatting would move them each time.
// clang-format off
#define DAICHO_FUZZ_TARGETS(X) \
  X(bundle, 3000) \
  X(disclosure, 1500) \
  X(note, 1500) \
  X(text_forms, 3000) \
  X(tlog_policy, 1500) \
  X(tlog_proof, 1500) \
  X(vkey, 1500) \
  X(witness, 1500) \
  X(row, 1500) \
  X(contact, 1500) \
  X(first_answer, 1500) \
  X(event, 1500) \
  X(kept_file, 1500) \
  X(key_file, 3000) \
  X(request, 3000) \
  X(http_message, 3000) \
  X(service, 300) \
  X(target, 3000) \
  X(url, 3000)
// clang-format on

#define DAICHO_DECLARE(name, count) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
DAICHO_FUZZ_TARGETS(DAICHO_DECLARE)

namespace {

namespace fs = std::filesystem;

struct Target {
  std::string name;
  int (*run)(const std::uint8_t* data, std::size_t size);
  unsigned changes;
};

#define DAICHO_ROW(name, count) Target{#name, fuzz_##name, count},
const std::vector<Target> targets = {DAICHO_FUZZ_TARGETS(DAICHO_ROW)};

std::vector<std::string> corpus_of(const std::string& name) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator("tests/fuzz/corpus/" + name)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> inputs;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

/// Changes an input as fuzzers do. Engine and arithmetic are fixed by the standard: the same everywhere.
class Changer {
 public:
  explicit Changer(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string input = corpus_[below(corpus_.size())];
    for (auto count = below(3) + 1; count > 0; --count) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : static_cast<std::size_t>(engine_() % end); }

  void change(std::string& input) {
    constexpr std::string_view telling = std::string_view("\0\xff\x80\n\r \"\\/%+=.:{}[],0919azAZ-", 28);
    const std::size_t at = below(input.size());
    switch (below(8)) {
      case 0:
        input.insert(at, 1, telling[below(telling.size())]);
        break;
      case 1:
        input.resize(at);
        break;
      case 2:
        input.erase(at, below(8) + 1);
        break;
      case 3:
        input.insert(at, input.substr(at, below(32)));
        break;
      case 4:
        input += corpus_[below(corpus_.size())].substr(0, below(256));
        break;
      case 5:
        splice(input, at);
        break;
      default:
        if (input.empty()) return;
        const bool is_flip = below(2) == 0;
        input[at] = is_flip ? static_cast<char>(input[at] ^ (1 << below(8))) : telling[below(telling.size())];
    }
  }

  /// Its beginning, and another's end.
  void splice(std::string& input, std::size_t at) {
    const std::string& other = corpus_[below(corpus_.size())];
    input.resize(at);
    input += other.substr(below(other.size()));
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 engine_;
};

/// What does not hold; empty: everything did.
std::string broken(const Target& target, const std::string& input) {
  try {
    target.run(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string shown(const std::string& input) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const char c : input.substr(0, 400)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      text += c;
    } else {
      text += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return text;
}

}  // namespace

TEST_CASE("every fuzz target is run here, and has a corpus") {
  std::set<std::string> sources, listed;
  for (const char* folder : {"ledger", "projections", "commands", "tools"}) {
    for (const auto& entry : fs::directory_iterator(std::string("tests/fuzz/") + folder))
      sources.insert(entry.path().stem().string());
  }
  for (const Target& target : targets) {
    INFO(target.name);
    listed.insert(target.name);
    CHECK(!corpus_of(target.name).empty());
  }
  CHECK(listed == sources);
}

TEST_CASE("what every fuzz target asks for holds of its corpus, and of changes of it") {
  for (const Target& target : targets) {
    const auto corpus = corpus_of(target.name);
    for (const std::string& input : corpus) {
      const std::string words = broken(target, input);
      CHECK_MESSAGE(words == "", target.name, ": ", words, ": ", shown(input));
    }
    Changer changer(corpus);
    for (unsigned i = 0; i < target.changes; ++i) {
      const std::string input = changer.next(), words = broken(target, input);
      CHECK_MESSAGE(words == "", target.name, ", change ", i, ": ", words, ": ", shown(input));
    }
  }
}
