// tests/fuzz/failures.hpp — how a parser of tools/ says no: by a Failure for wrong usage, with words, and by nothing
// else. Any other exception goes on, and is a finding.
#pragma once

#include "tests/fuzz/fuzz.hpp"
#include "tools/failure.hpp"

namespace daicho::fuzz {

inline constexpr std::size_t words_bytes_max = 4'096;

template <class Work>
bool accepts(const Work& work) {
  try {
    work();
    return true;
  } catch (const Failure& failure) {
    const std::string words = failure.what();
    must(failure.exit == Exit::usage || failure.exit == Exit::not_permitted, "wrong input is said to be wrong input");
    must(!words.empty() && words.size() <= words_bytes_max, "words of a bounded length say what is wrong");
    return false;
  }
}

}  // namespace daicho::fuzz
