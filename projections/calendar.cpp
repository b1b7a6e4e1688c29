#include "projections/calendar.hpp"

#include <unicode/calendar.h>
#include <unicode/timezone.h>

#include <cassert>
#include <memory>

namespace daicho {

bool is_time_zone(const std::string& name) {
  const std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(name)));
  icu::UnicodeString id, unknown;
  return zone->getID(id) != icu::TimeZone::getUnknown().getID(unknown);
}

Day day_of(Time now, const std::string& zone) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::Calendar> calendar(icu::Calendar::createInstance(
      icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(zone)), icu::Locale::getRoot(), status));
  assert(U_SUCCESS(status));
  calendar->setRepeatedWallTimeOption(UCAL_WALLTIME_FIRST);  // a midnight that comes twice, and one that clocks skip
  calendar->setSkippedWallTimeOption(UCAL_WALLTIME_NEXT_VALID);
  calendar->setTime(static_cast<double>(now / 1'000), status);
  const auto midnight = [&] {
    for (const auto field : {UCAL_HOUR_OF_DAY, UCAL_MINUTE, UCAL_SECOND, UCAL_MILLISECOND}) calendar->set(field, 0);
    return static_cast<Time>(calendar->getTime(status)) * 1'000;
  };
  Day day;
  day.start = midnight();
  calendar->add(UCAL_DATE, 1, status);
  day.end = midnight();
  assert(U_SUCCESS(status));
  return day;
}

}  // namespace daicho
