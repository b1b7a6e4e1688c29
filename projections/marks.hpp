// projections/marks.hpp — when something last happened, within a bounded span: what limits are counted from.
#pragma once

#include <cstdint>
#include <vector>

#include "ledger/time.hpp"

namespace daicho {

inline constexpr std::size_t marks_max = 128;  ///< more in a span than any policy allows

/// How many of these lie within `span` before `now`.
std::int64_t count_since(const std::vector<Time>& marks, Time now, Duration span);
/// Adds a mark and drops those older than `keep`.
void add_mark(std::vector<Time>& marks, Time now, Duration keep = hour_us);

/// Refusals of one rule that were written as events in the last hour.
struct RecordedRefusals {
  std::uint16_t rule = 0;
  std::vector<Time> marks;
  bool operator==(const RecordedRefusals&) const = default;
};

/// Refusals written one by one, by rule; those beyond the policy's number an hour are counted (R-LED-1).
struct RefusalMarks {
  std::vector<RecordedRefusals> by_rule;
  bool operator==(const RefusalMarks&) const = default;

  void add(std::uint16_t rule, Time now);
  std::int64_t within_hour(std::uint16_t rule, Time now) const;
};

}  // namespace daicho
