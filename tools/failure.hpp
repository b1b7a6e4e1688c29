// tools/failure.hpp — how the program ends: exit codes of the catalogue, and the error that carries one up to main().
#pragma once

#include <functional>
#include <optional>
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

/// Runs it; an exception becomes its exit code, with its words on standard error.
Exit run_guarded(const std::function<Exit()>& run);

/// Runs it in a child process; nullopt when the child was ended by a signal. For reading what may be damaged: RocksDB
/// checks some of its files with asserts. Must be called while this process has one thread.
std::optional<Exit> run_isolated(const std::function<Exit()>& run);

/// The same for what has something to hand back: `told` is what was handed to `tell` last, whole, however it ended.
struct Isolated {
  std::optional<Exit> exit;
  std::string told;
};
using Tell = std::function<void(const std::string& line)>;  ///< without a newline in it
Isolated run_isolated_telling(const std::function<Exit(const Tell&)>& run);

}  // namespace daicho
