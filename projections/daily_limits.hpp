// projections/daily_limits.hpp — what counts against a limit: recovery submissions a day, codes to the account an
// hour, refusals written one by one an hour (R-REC-3, R-CHL-5, R-LED-1). What counts against a proof is with it.
#pragma once

#include "projections/policy.hpp"

namespace daicho {

struct DailyLimits {
  std::vector<Time> recoveries;    ///< submissions of the last days
  std::vector<Time> replacements;  ///< windows opened in the last days
  std::vector<Time> sends;         ///< codes and links of the last hour, all proofs
  std::vector<Time> window_sends;  ///< those to proofs proposed in a window: a stranger's must not use up the owner's
  RefusalMarks refusals;
  std::uint64_t refusals_counted = 0;  ///< beyond those written one by one
  bool operator==(const DailyLimits&) const = default;
};

void evolve(DailyLimits& limits, const Event& event);

inline constexpr Duration day_marks_kept = 3 * day_us;  ///< longer than any calendar day, clock changes included

/// How much of a per-day allowance is used, and when the next is allowed.
struct Allowance {
  std::int64_t used = 0;
  std::int64_t left = 0;
  std::optional<Time> next_allowed_at;  ///< only when nothing is left, and not when nothing is allowed
};

/// Under the policy's day: calendar days of its zone, or any 24 hours (R-REC-3).
Allowance daily_allowance(const std::vector<Time>& marks, std::int64_t per_day, const Policy& policy, Time now);

}  // namespace daicho
