#include "tools/deliver/dispatcher.hpp"

#include <algorithm>
#include <bit>

namespace daicho {

namespace {

constexpr std::chrono::seconds poll_pause{1};
constexpr unsigned tried_every = 64;

/// A job in hand: to be sent, or sent and to be recorded.
struct Held {
  DeliveryJob job;
  DeliveryClock::time_point leased, next;
  unsigned tries = 0;
  std::optional<DeliveryResult> result;
};

class Dispatcher {
 public:
  Dispatcher(const DeliveryEnds& ends, const DeliveryLimits& limits) : ends_(ends), limits_(limits) {}

  DeliveryCounts run() {
    next_lease_ = ends_.now();
    while (!ends_.is_ending()) {
      lease_if_due();
      const auto first = std::ranges::min_element(held_, {}, &Held::next);
      if (first == held_.end()) {
        if (limits_.is_once) return counts_;
        ends_.wait(next_lease_);
      } else if (first->next > ends_.now()) {
        ends_.wait(may_lease() ? std::min(first->next, next_lease_) : first->next);
      } else if (is_done(*first)) {
        held_.erase(first);
      }
    }
    for (Held& held : held_) record_last(held);
    return counts_;
  }

 private:
  /// Half at once: not one question for each that was sent.
  bool may_lease() const { return !has_leased_all_ && 2 * held_.size() <= limits_.held; }

  void lease_if_due() {
    const auto asked = ends_.now();
    if (!may_lease() || asked < next_lease_) return;
    auto jobs = ends_.lease(limits_.held - held_.size());
    if (!jobs) {
      counts_.is_away = true;
      has_leased_all_ = limits_.is_once;
      next_lease_ = ends_.now() + pause_after(++failed_leases_, ends_.chance());
      return;
    }
    counts_.is_away = false;
    failed_leases_ = 0;
    // One run takes each notification once: what it let go would come again and again.
    has_leased_all_ = limits_.is_once && (jobs->empty() || counts_.left > 0);
    next_lease_ = jobs->empty() ? ends_.now() + poll_pause : ends_.now();
    for (DeliveryJob& job : *jobs) take(std::move(job), asked);
  }

  /// One that was sent and not recorded yet comes again when the service was away for longer than its lease.
  void take(DeliveryJob job, DeliveryClock::time_point asked) {
    const auto is_same = [&](const Held& held) { return held.job.id == job.id; };
    if (std::ranges::any_of(held_, is_same)) return;
    held_.push_back({std::move(job), asked, asked, 0, std::nullopt});
  }

  bool is_done(Held& held) {
    if (!held.result) held.result = outcome_before_sending(held);
    if (!held.result && !may_send(held)) {
      ++counts_.left;
      return true;
    }
    if (!held.result) {
      DeliveryResult result = ends_.send(held.job);
      if (result.outcome == Delivery::later) {
        held.next = ends_.now() + pause_after(++held.tries, ends_.chance());
        return false;
      }
      held.result = std::move(result);
      held.tries = 0;
    }
    if (ends_.record(held.job, *held.result) == Recording::recorded) {
      count(held.result->outcome);
      return true;
    }
    held.next = ends_.now() + pause_after(++held.tries, ends_.chance());
    if (!limits_.is_once || held.next <= held.leased + limits_.lease_time) return false;
    ++counts_.left;
    return true;
  }

  /// What is too late is not sent: a code that has expired only misleads.
  std::optional<DeliveryResult> outcome_before_sending(const Held& held) const {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(ends_.now() - held.leased).count();
    const Time now = held.job.leased_at + since;
    if (held.job.expires_at && *held.job.expires_at <= now)
      return DeliveryResult{Delivery::failed, "it expired before it could be sent"};
    if (held.job.asked_at + give_up_after <= now)
      return DeliveryResult{Delivery::failed, "it could not be sent within five days"};
    return std::nullopt;
  }

  bool may_send(const Held& held) const {
    return is_tried_at(held.job.attempt) && ends_.now() + limits_.send_time <= held.leased + limits_.lease_time;
  }

  void count(Delivery outcome) {
    if (outcome == Delivery::accepted) ++counts_.accepted;
    if (outcome == Delivery::failed) ++counts_.failed;
    if (outcome == Delivery::bounced) ++counts_.bounced;
  }

  void record_last(const Held& held) {
    if (held.result && ends_.record(held.job, *held.result) == Recording::recorded) {
      count(held.result->outcome);
    } else {
      ++counts_.left;
    }
  }

  const DeliveryEnds& ends_;
  const DeliveryLimits& limits_;
  std::vector<Held> held_;
  DeliveryClock::time_point next_lease_;
  unsigned failed_leases_ = 0;
  bool has_leased_all_ = false;
  DeliveryCounts counts_;
};

}  // namespace

DeliveryCounts deliver(const DeliveryEnds& ends, const DeliveryLimits& limits) {
  return Dispatcher(ends, limits).run();
}

bool is_tried_at(unsigned attempt) {
  return attempt <= tried_every ? std::has_single_bit(attempt) : attempt % tried_every == 0;
}

DeliveryClock::duration pause_after(unsigned tries, double chance) {
  DeliveryClock::duration whole = first_pause;
  for (unsigned i = 1; i < tries && whole < longest_pause; ++i) whole *= 2;
  whole = std::min<DeliveryClock::duration>(whole, longest_pause);
  return whole / 2 + std::chrono::duration_cast<DeliveryClock::duration>(whole / 2 * chance);
}

}  // namespace daicho
