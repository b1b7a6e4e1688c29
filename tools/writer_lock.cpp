#include "tools/writer_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "tools/failure.hpp"

namespace daicho {

namespace {

constexpr std::chrono::milliseconds look_pause{100};

}  // namespace

bool has_writer(const std::filesystem::path& directory) {
  const int file = ::open((directory / "store" / "LOCK").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool is_known = ::fcntl(file, F_GETLK, &lock) == 0;
  ::close(file);
  return is_known && lock.l_type != F_UNLCK;
}

void await_writer_lock(const std::filesystem::path& directory, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (has_writer(directory)) {
    if (std::chrono::steady_clock::now() >= end)
      throw Failure(Exit::unavailable,
                    "another process writes to this ledger: it has one writer at a time; "
                    "`--wait-for-lock SECONDS` waits until that one ends");
    std::this_thread::sleep_for(look_pause);
  }
}

}  // namespace daicho
