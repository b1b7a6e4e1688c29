// tests/fuzz/fuzz.hpp — what the fuzz targets share: a property that must hold of every input, and the golden ledger
// (tests/data/ledger-v1), whose signatures no input may forge. Targets run from the root of the repository.
//
// A target is a file of tests/fuzz/<folder>/ with LLVMFuzzerTestOneInput (libFuzzer), and links the library of that
// folder. `./dev fuzz` builds each with clang; daicho_tests runs each over its corpus (tests/fuzz/corpus_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "ledger/checkpoint.hpp"
#include "ledger/event.hpp"
#include "ledger/tiles.hpp"

namespace daicho::fuzz {

/// A property does not hold: the finding of a fuzzer, and the failure of a test.
inline void must(bool holds, const char* property) {
  if (!holds) throw std::logic_error(property);
}

inline std::string input_text(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

struct Golden {
  std::vector<std::string> envelopes;
  std::string note;
  Verifier verifier;
  Checkpoint checkpoint;

  bool has(const std::string& envelope) const { return std::ranges::count(envelopes, envelope) > 0; }
};

inline const Golden& golden() {
  static const Golden all = [] {
    const auto read = [](const std::string& name) {
      std::ifstream file("tests/data/ledger-v1/" + name, std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const std::string events = read("events"), vkey = read("vkey");
    Golden made;
    const auto entries = entries_of(as_bytes(events));
    const auto verifier = Verifier::parse_vkey(vkey.substr(0, vkey.find('\n')));
    must(entries && verifier, "tests/data/ledger-v1 is there: targets run from the root of the repository");
    for (const ByteView entry : *entries) made.envelopes.emplace_back(as_text(entry));
    made.note = read("checkpoint");
    made.verifier = *verifier;
    const auto checkpoint = open_checkpoint(made.note, *verifier);
    must(checkpoint.has_value(), "the golden checkpoint opens");
    made.checkpoint = *checkpoint;
    return made;
  }();
  return all;
}

}  // namespace daicho::fuzz
