#include "tools/service/process_readings.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace daicho {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Of /proc/self/status; 0: not there.
void read_status(ProcessReadings& readings) {
  std::ifstream status("/proc/self/status");
  constexpr std::uint64_t kib = 1'024;
  for (std::string name; status >> name;) {
    if (name == "VmRSS:" && status >> readings.resident_bytes) readings.resident_bytes *= kib;
    if (name == "Threads:") status >> readings.threads;
    status.ignore(1'024, '\n');
  }
}

std::uint64_t count_open_files() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error))
    ++count;
  return count > 0 ? count - 1 : 0;  // the listing's own
}

}  // namespace

ProcessReadings read_process() {
  ProcessReadings readings{.open_files = count_open_files()};
  read_status(readings);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) readings.open_files_max = limit.rlim_cur;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    readings.processor_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  return readings;
}

}  // namespace daicho
