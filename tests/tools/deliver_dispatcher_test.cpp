#include <doctest/doctest.h>

#include "tools/deliver/dispatcher.hpp"

using namespace daicho;

namespace {

using std::chrono::seconds;

/// A service whose leases run out, a peer and a clock, all made up; what is sent and recorded is written down.
struct FakeWorld {
  struct Waiting {
    DeliveryJob job;
    DeliveryClock::time_point free = {};
  };
  std::vector<Waiting> outbox;
  std::vector<std::string> sent, recorded;
  std::vector<DeliveryClock::time_point> sent_at;
  std::function<Delivery(const DeliveryJob&)> peer = [](const DeliveryJob&) { return Delivery::accepted; };
  bool is_service_away = false;
  DeliveryClock::time_point recording_from = {};
  DeliveryClock::time_point time = {};
  DeliveryClock::time_point end = DeliveryClock::time_point::max();
  DeliveryLimits limits{.is_once = true};

  void add(const std::string& id, std::optional<Time> expires_at = {}) {
    outbox.push_back({{.id = id, .channel = "email", .expires_at = expires_at, .attempt = 0}});
  }
  Time ledger_time() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  }

  DeliveryCounts run() {
    const DeliveryEnds ends{
        .lease = [this](std::size_t count) -> std::optional<std::vector<DeliveryJob>> {
          if (is_service_away) return std::nullopt;
          std::vector<DeliveryJob> jobs;
          for (Waiting& each : outbox) {
            if (each.free > time || jobs.size() == count) continue;
            each.free = time + limits.lease_time;
            each.job.leased_at = ledger_time();
            ++each.job.attempt;
            jobs.push_back(each.job);
          }
          return jobs;
        },
        .send =
            [this](const DeliveryJob& job) {
              sent.push_back(job.id);
              sent_at.push_back(time);
              return DeliveryResult{peer(job), "said"};
            },
        .record =
            [this](const DeliveryJob& job, const DeliveryResult& result) {
              if (is_service_away || time < recording_from) return Recording::later;
              const char* const words[] = {"accepted", "failed", "bounced", "later"};
              recorded.push_back(job.id + " " + words[static_cast<int>(result.outcome)]);
              std::erase_if(outbox, [&](const Waiting& each) { return each.job.id == job.id; });
              return Recording::recorded;
            },
        .now = [this] { return time; },
        .wait = [this](DeliveryClock::time_point until) { time = std::max(time, std::min(until, end)); },
        .is_ending = [this] { return time >= end; },
        .chance = [] { return 0.0; }};
    return deliver(ends, limits);
  }
};

}  // namespace

SCENARIO("what waits is sent once and recorded once") {
  FakeWorld world;
  for (const char* id : {"a", "b", "c"}) world.add(id);
  world.peer = [](const DeliveryJob& job) {
    return job.id == "b" ? Delivery::bounced : job.id == "c" ? Delivery::failed : Delivery::accepted;
  };
  const auto counts = world.run();
  CHECK(world.sent == std::vector<std::string>{"a", "b", "c"});
  CHECK(world.recorded == std::vector<std::string>{"a accepted", "b bounced", "c failed"});
  CHECK(counts.accepted == 1);
  CHECK(counts.bounced == 1);
  CHECK(counts.failed == 1);
  CHECK(counts.left == 0);
}

SCENARIO("more than are held at once are sent in turns") {
  FakeWorld world;
  for (int i = 0; i < 100; ++i) world.add(std::to_string(i));
  CHECK(world.run().accepted == 100);
  CHECK(world.sent.size() == 100);
}

SCENARIO("a peer that is away is asked again after ever longer pauses, while no send can outlive the lease") {
  FakeWorld world;
  world.add("a");
  world.peer = [](const DeliveryJob&) { return Delivery::later; };
  const auto counts = world.run();
  CHECK(counts.left == 1);
  CHECK(world.recorded.empty());
  CHECK(world.outbox.size() == 1);
  REQUIRE(world.sent_at.size() >= 5);
  for (std::size_t i = 2; i < world.sent_at.size(); ++i)
    CHECK(world.sent_at[i] - world.sent_at[i - 1] >= world.sent_at[i - 1] - world.sent_at[i - 2]);
  CHECK(world.sent_at.back() + world.limits.send_time <= world.sent_at.front() + world.limits.lease_time);
}

SCENARIO("one that waits for its next try holds up no other") {
  FakeWorld world;
  world.add("slow");
  world.add("fast");
  world.peer = [](const DeliveryJob& job) { return job.id == "slow" ? Delivery::later : Delivery::accepted; };
  const auto counts = world.run();
  CHECK(counts.accepted == 1);
  CHECK(world.sent.at(1) == "fast");
  CHECK(world.sent_at.at(1) == world.sent_at.at(0));
}

SCENARIO("what stays away for days is tried ever more seldom, and has failed after five days") {
  FakeWorld world;
  world.add("a");
  world.limits.is_once = false;
  world.end = DeliveryClock::time_point(std::chrono::hours(24 * 6));
  world.peer = [](const DeliveryJob&) { return Delivery::later; };
  const auto counts = world.run();
  CHECK(counts.failed == 1);
  CHECK(world.recorded == std::vector<std::string>{"a failed"});
  CHECK(world.sent.size() > 100);
  CHECK(world.sent.size() < 2'000);  // 7,200 leases of a minute, five tries in each that counts
  CHECK(world.sent_at.back() < DeliveryClock::time_point(std::chrono::hours(24 * 5)));
}

SCENARIO("a code that has expired is not sent: it has failed") {
  FakeWorld world;
  world.time = DeliveryClock::time_point(seconds(600));
  world.add("late", 600 * second_us);
  world.add("in time", 600 * second_us + 1);
  for (auto& each : world.outbox) each.job.asked_at = 0;
  world.run();
  CHECK(world.sent == std::vector<std::string>{"in time"});
  CHECK(world.recorded == std::vector<std::string>{"late failed", "in time accepted"});
}

SCENARIO("what was sent and not recorded is recorded later, even after its lease, and not sent again") {
  FakeWorld world;
  world.add("a");
  world.limits.is_once = false;
  world.recording_from = DeliveryClock::time_point(seconds(150));
  world.end = DeliveryClock::time_point(seconds(400));
  const auto counts = world.run();
  CHECK(world.sent == std::vector<std::string>{"a"});
  CHECK(world.recorded == std::vector<std::string>{"a accepted"});
  CHECK(counts.accepted == 1);
}

SCENARIO("a run that ends tries once more to record what it sent, and leaves the rest") {
  FakeWorld world;
  world.add("a");
  world.limits.is_once = false;
  world.end = DeliveryClock::time_point(seconds(20));
  WHEN("recording works again then") {
    world.recording_from = world.end;
    CHECK(world.run().accepted == 1);
  }
  WHEN("it does not") {
    world.recording_from = world.end + seconds(1);
    CHECK(world.run().left == 1);
    CHECK(world.outbox.size() == 1);
  }
}

SCENARIO("a service that is away ends a single run, and not an endless one") {
  FakeWorld world;
  world.add("a");
  world.is_service_away = true;
  WHEN("it runs once") {
    const auto counts = world.run();
    CHECK(counts.is_away);
    CHECK(world.sent.empty());
  }
  WHEN("it goes on") {
    world.limits.is_once = false;
    world.end = DeliveryClock::time_point(seconds(300));
    CHECK(world.run().is_away);
    CHECK(world.outbox.size() == 1);
  }
}

TEST_CASE("leases after which it is tried") {
  for (const unsigned attempt : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 192U, 256U, 320U}) CHECK(is_tried_at(attempt));
  for (const unsigned attempt : {3U, 5U, 6U, 7U, 9U, 63U, 65U, 127U, 130U}) CHECK(!is_tried_at(attempt));
}

TEST_CASE("pauses double up to the longest, half of each by chance") {
  using std::chrono::milliseconds;
  CHECK(pause_after(1, 0) == milliseconds(500));
  CHECK(pause_after(2, 0) == seconds(1));
  CHECK(pause_after(2, 0.5) == milliseconds(1'500));
  CHECK(pause_after(5, 0) == seconds(8));
  CHECK(pause_after(6, 0) == longest_pause / 2);
  CHECK(pause_after(1'000'000, 0) == longest_pause / 2);
}
