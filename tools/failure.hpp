// tools/failure.hpp — how the program ends: exit codes of the catalogue, and the error that carries one up to main().
#pragma once

#include <stdexcept>
#include <string>

namespace daicho {

enum class Exit : int {
  done = 0,
  refused = 1,      ///< by a rule
  usage = 2,        ///< wrong usage or input
  integrity = 3,    ///< what is stored is not what was signed
  unavailable = 4,  ///< locked, away, full: the same call may succeed later
  not_permitted = 5,
};

/// Ends the run with words for people and a code for programs. Thrown only in tools/.
struct Failure : std::runtime_error {
  Failure(Exit code, const std::string& words) : std::runtime_error(words), exit(code) {}
  Exit exit;
};

}  // namespace daicho
