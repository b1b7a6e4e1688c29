// projections/calendar.hpp — calendar days of a time zone (IANA names, through ICU). Any thread.
#pragma once

#include <string>

#include "ledger/time.hpp"

namespace daicho {

struct Day {
  Time start = 0;  ///< first instant of the day
  Time end = 0;    ///< first instant of the next
};

bool is_time_zone(const std::string& name);
Day day_of(Time now, const std::string& zone);

}  // namespace daicho
