// tools/system.hpp — the machine's clock and randomness, and what keeps secrets out of core files. Nothing above tools/
// touches them: they are handed down.
#pragma once

#include <atomic>
#include <memory>

#include "ledger/key_ring.hpp"
#include "ledger/time.hpp"

namespace daicho {

inline constexpr const char* program_version = "0.2.0";

Time system_time();
Entropy system_entropy();

/// A clock that stands still until it is set; it does not go back.
class SimulatedClock {
 public:
  /// False, and nothing changed, when `time` is before the present one.
  bool set(Time time);
  Clock clock() const;

 private:
  std::shared_ptr<std::atomic<Time>> now_ = std::make_shared<std::atomic<Time>>(0);
};

/// No core files, no attaching debugger of the same user: keys are in this process.
void protect_process_memory();
/// Overwrites what the calls before it left on this thread's stack below the caller. A few microseconds.
void wipe_stack();

unsigned processor_count();
/// Raises this process's limit of open files as far as it may; how many it may have then.
std::size_t raise_open_files_limit();

}  // namespace daicho
