// tools/process.hpp — other programs, started with nothing of this one's but what they are given. Any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/failure.hpp"

namespace daicho {

/// File descriptors of the program's standard input and output.
struct SpawnPlan {
  int input = -1;                    ///< -1: /dev/null
  int output = -1;                   ///< -1: this program's own
  Exit missing = Exit::unavailable;  ///< how a run ends for which there is no such program
  bool has_own_group = false;        ///< an interrupt at the terminal is not its own; it is ended with what it starts
};

/// Found in PATH; with default signals, none of them blocked. Failure(unavailable) when it cannot be started for now.
pid_t spawn(const std::vector<std::string>& command, const SpawnPlan& plan);

}  // namespace daicho
