// tools/service/process_readings.hpp — what the kernel says of this process (proc(5)), under the names that Prometheus'
// clients have for it.
#pragma once

#include <cstdint>

namespace daicho {

struct ProcessReadings {
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0, open_files_max = 0;
  std::uint64_t threads = 0;
  double processor_seconds = 0;  ///< user's and system's
};

/// What cannot be read is 0. A few system calls.
ProcessReadings read_process();

}  // namespace daicho
