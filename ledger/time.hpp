// ledger/time.hpp — instants as int64 microseconds since the Unix epoch; RFC 3339 in text.
// Reading a clock is not here: the clock is handed in as a function.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace daicho {

using Time = std::int64_t;      ///< µs since 1970-01-01T00:00:00Z
using Duration = std::int64_t;  ///< µs

inline constexpr Duration second_us = 1'000'000;
inline constexpr Duration minute_us = 60 * second_us;
inline constexpr Duration hour_us = 60 * minute_us;
inline constexpr Duration day_us = 24 * hour_us;

inline constexpr Time time_min = 0;                        ///< 1970-01-01T00:00:00Z
inline constexpr Time time_max = 253'402'300'799'999'999;  ///< 9999-12-31T23:59:59.999999Z

using Clock = std::function<Time()>;

/// `2026-03-01T09:00:00.000000Z`, always six decimals. A time outside [time_min, time_max] is shown as the nearer end.
std::string to_rfc3339(Time time);
/// RFC 3339 with `Z` or an offset, zero to six decimals; nullopt when malformed or outside [time_min, time_max].
/// There are no leap seconds here: second 60 is refused, and so is 24:00:00.
std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace daicho
