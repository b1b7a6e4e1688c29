#include "tools/service/scheduler.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>

using namespace daicho;

TEST_CASE("the scheduler runs at once, and again after a pause") {
  std::latch thrice(3);
  std::atomic<int> runs = 0;
  {
    const Scheduler scheduler(
        [&] {
          if (++runs <= 3) thrice.count_down();
          return true;
        },
        std::chrono::milliseconds(1));
    thrice.wait();
  }
  const int ended = runs;
  CHECK(ended >= 3);
  CHECK(runs == ended);  // nothing runs after its end
}

TEST_CASE("its end does not wait for the pause, and waits for a run that is under way") {
  std::latch begun(1);
  std::atomic<bool> is_over = false;
  {
    const Scheduler scheduler(
        [&] {
          begun.count_down();
          std::this_thread::yield();
          is_over = true;
          return true;
        },
        std::chrono::hours(24));
    begun.wait();
  }
  CHECK(is_over);
}

TEST_CASE("a run that failed is tried again long before the pause is over") {
  CHECK(Scheduler::pause_after(true, std::chrono::hours(1)) == std::chrono::hours(1));
  CHECK(Scheduler::pause_after(false, std::chrono::hours(1)) == Scheduler::retry_pause_max);
  CHECK(Scheduler::pause_after(false, std::chrono::milliseconds(5)) == std::chrono::milliseconds(5));
}
