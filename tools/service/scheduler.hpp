// tools/service/scheduler.hpp — runs what is due again and again on a thread of its own.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace daicho {

/// Calls `run` at once, then `pause` after each one's end; sooner when it says that it has to be tried again. Ends,
/// with a run that is under way, when it is destroyed.
class Scheduler {
 public:
  static constexpr std::chrono::milliseconds retry_pause_max{10'000};
  static std::chrono::milliseconds pause_after(bool is_done, std::chrono::milliseconds pause) {
    return is_done ? pause : std::min(pause, retry_pause_max);
  }

  Scheduler(std::function<bool()> run, std::chrono::milliseconds pause)
      : run_(std::move(run)), pause_(pause), thread_([this] { repeat(); }) {}
  ~Scheduler() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    ending_.notify_one();
    thread_.join();
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

 private:
  void repeat() {
    std::unique_lock lock(mutex_);
    while (!is_ending_) {
      lock.unlock();
      const bool is_done = run_();
      lock.lock();
      ending_.wait_for(lock, pause_after(is_done, pause_), [this] { return is_ending_; });
    }
  }

  const std::function<bool()> run_;
  const std::chrono::milliseconds pause_;
  std::mutex mutex_;  // guards is_ending_
  std::condition_variable ending_;
  bool is_ending_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace daicho
