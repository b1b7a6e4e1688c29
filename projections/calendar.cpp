#include "projections/calendar.hpp"

#include <unicode/calendar.h>
#include <unicode/timezone.h>

#include <cassert>
#include <memory>

namespace daicho {

bool is_time_zone(const std::string& name) {
  const std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(name)));
  return *zone != icu::TimeZone::getUnknown();
}

Day day_of(Time now, const std::string& zone) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::Calendar> calendar(icu::Calendar::createInstance(
      icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(zone)), icu::Locale::getRoot(), status));
  assert(U_SUCCESS(status));
  calendar->setTime(static_cast<double>(now / 1'000), status);
  for (const auto field : {UCAL_HOUR_OF_DAY, UCAL_MINUTE, UCAL_SECOND, UCAL_MILLISECOND}) calendar->set(field, 0);
  Day day;
  day.start = static_cast<Time>(calendar->getTime(status)) * 1'000;
  calendar->add(UCAL_DATE, 1, status);
  day.end = static_cast<Time>(calendar->getTime(status)) * 1'000;
  assert(U_SUCCESS(status));
  return day;
}

}  // namespace daicho
