// tools/deliver/dispatcher.hpp — the loop of `daicho deliver`: lease, send, record, over and over. Pure: time, waiting,
// chance and both ends are handed in (docs/delivery.md).
//
// A notification that nobody recorded is leased again once its lease has run out, under the same id. So what the loop
// drops is not lost, and what it sent and could not record is sent a second time under the same message id.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/time.hpp"

namespace daicho {

/// A notification as it was leased.
struct DeliveryJob {
  std::string id, account, channel, destination;
  std::string subject, text, language;                      ///< of mail
  std::string body;                                         ///< of a webhook's request
  std::vector<std::pair<std::string, std::string>> fields;  ///< likewise
  Time asked_at = 0;
  std::optional<Time> expires_at;
  Time leased_at = 0;  ///< by the ledger's clock
  unsigned attempt = 1;
};

enum class Delivery {
  accepted,
  failed,   ///< for good
  bounced,  ///< for good: there is no such destination
  later,
};
struct DeliveryResult {
  Delivery outcome = Delivery::later;
  std::string detail;  ///< the peer's words; may tell the destination
};

enum class Recording { recorded, later };

using DeliveryClock = std::chrono::steady_clock;

struct DeliveryEnds {
  /// Up to `count` for `lease_time`; nullopt: the service is away. Throws what ends the run.
  std::function<std::optional<std::vector<DeliveryJob>>(std::size_t count)> lease;
  std::function<DeliveryResult(const DeliveryJob& job)> send;
  std::function<Recording(const DeliveryJob& job, const DeliveryResult& result)> record;
  std::function<DeliveryClock::time_point()> now;
  /// Returns at that time, or earlier when the run is to end.
  std::function<void(DeliveryClock::time_point until)> wait;
  std::function<bool()> is_ending;
  std::function<double()> chance;  ///< 0 to below 1
};

struct DeliveryLimits {
  DeliveryClock::duration lease_time = std::chrono::seconds(60);
  DeliveryClock::duration send_time = std::chrono::seconds(20);  ///< a send takes no longer: none outlives its lease
  std::size_t held = 32;                                         ///< at once
  bool is_once = false;                                          ///< what waits now, then end
};

struct DeliveryCounts {
  std::size_t accepted = 0, failed = 0, bounced = 0;
  std::size_t left = 0;  ///< leases that were let run out
  bool is_away = false;  ///< the run ended because the service did not answer
};
DeliveryCounts deliver(const DeliveryEnds& ends, const DeliveryLimits& limits);

/// Leases after which it is tried: the 1st, 2nd, 4th, 8th, … 64th, and every 64th. So a destination that stays away is
/// asked ever more seldom, whoever leases.
bool is_tried_at(unsigned attempt);
inline constexpr Duration give_up_after = 5 * day_us;  ///< since it was asked for (RFC 5321 section 4.5.4.1)
inline constexpr std::chrono::seconds first_pause{1}, longest_pause{30};
/// Before try `tries` + 1: doubled each time, and half of it by chance.
DeliveryClock::duration pause_after(unsigned tries, double chance);

}  // namespace daicho
