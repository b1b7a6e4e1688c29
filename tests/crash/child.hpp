// tests/crash/child.hpp — other processes: started, listened to, killed, waited for. A child dies with its parent.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace daicho::crash {

using Milliseconds = std::chrono::milliseconds;

/// What a check that failed says.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void check(bool is_good, const std::string& words);

/// A running program; its standard output is read to the end by a thread of its own.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits until the output holds `text`; false when it ended without, or a minute went by.
  bool wait_for_output(const std::string& text);
  void kill();
  /// Its exit code, or minus the signal that ended it. Then output() is complete.
  int wait();
  std::string output();

 private:
  void read(int pipe);

  pid_t process_ = -1;
  int status_ = 0;
  bool is_waited_for_ = false;
  std::mutex mutex_;  // guards output_ and is_ended_
  std::condition_variable grown_;
  std::string output_;
  bool is_ended_ = false;
  std::thread reader_;
};

/// Runs to its end; its exit code.
int run(const std::vector<std::string>& command);

}  // namespace daicho::crash
