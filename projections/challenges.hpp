// projections/challenges.hpp — identity verifications in progress (R-CHL-*). Which code a challenge waits for is with
// the proof.
#pragma once

#include "ledger/event.hpp"

namespace daicho {

inline constexpr std::size_t challenges_kept_max = 32;  ///< of one account
inline constexpr Duration challenge_kept = 2 * day_us;  ///< longer than any policy lets one be answered or used

struct Challenge {
  Id id;
  fb::Purpose purpose = fb::Purpose::none;
  Tag16 device_tag;  ///< of the device it was started on, all zero when none was named
  Time started_at = 0;
  Position started = 0;
  std::vector<Id> offers;
  bool code_sent = false;  ///< somebody knew the hidden part of a destination
  std::optional<Time> passed_at;
  std::optional<Position> passed;
  Id passed_with;  ///< the proof; all zero: the recovery code
  bool operator==(const Challenge&) const = default;
};

struct Challenges {
  std::vector<Challenge> open;  ///< oldest first
  bool operator==(const Challenges&) const = default;

  const Challenge* find(const Id& id) const;
};

void evolve(Challenges& challenges, const Event& event);

}  // namespace daicho
