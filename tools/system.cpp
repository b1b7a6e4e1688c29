#include "tools/system.hpp"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

namespace daicho {

Time system_time() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Entropy system_entropy() {
  return [](std::span<std::uint8_t> out) { randombytes_buf(out.data(), out.size()); };
}

bool SimulatedClock::set(Time time) {
  if (time < now_->load()) return false;
  now_->store(time);
  return true;
}

Clock SimulatedClock::clock() const {
  return [now = now_] { return now->load(); };
}

void protect_process_memory() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

void wipe_stack() {
  constexpr std::size_t deepest_call_bytes = 256 << 10;  // Argon2id, RocksDB and ICU keep to a few pages
  sodium_stackzero(deepest_call_bytes);
}

std::size_t raise_open_files_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

unsigned processor_count() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace daicho
