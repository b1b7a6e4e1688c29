// tests/ledger/time_test.cpp — RFC 3339 texts of microsecond instants.
#include "ledger/time.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <limits>

namespace daicho {
namespace {

struct Known {
  Time time;
  std::string_view text;
};

void check_refused(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    CAPTURE(text);
    CHECK(parse_rfc3339(text) == std::nullopt);
  }
}

TEST_CASE("time: known instants, both ways") {
  const Known known[] = {
      {time_min, "1970-01-01T00:00:00.000000Z"},
      {951'827'696'789'012, "2000-02-29T12:34:56.789012Z"},
      {1'709'164'800'000'000, "2024-02-29T00:00:00.000000Z"},
      {1'772'355'600'000'000, "2026-03-01T09:00:00.000000Z"},
      {4'107'542'400'000'000, "2100-03-01T00:00:00.000000Z"},
      {time_max, "9999-12-31T23:59:59.999999Z"},
  };
  for (const Known& each : known) {
    CAPTURE(each.text);
    CHECK(to_rfc3339(each.time) == each.text);
    CHECK(parse_rfc3339(each.text) == each.time);
  }
}

TEST_CASE("time: text comes back, and text order is time order") {
  CHECK(rc::check("round trip", [] {
    const auto a = *rc::gen::inRange<Time>(time_min, time_max + 1);
    const auto b = *rc::gen::inRange<Time>(time_min, time_max + 1);
    RC_ASSERT(parse_rfc3339(to_rfc3339(a)) == a);
    RC_ASSERT((to_rfc3339(a) < to_rfc3339(b)) == (a < b));
  }));
}

TEST_CASE("time: leap years") {
  CHECK(parse_rfc3339("2000-02-29T00:00:00Z"));
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
  CHECK(to_rfc3339(*parse_rfc3339("2024-02-28T23:59:59.999999Z") + 1) == "2024-02-29T00:00:00.000000Z");
  CHECK(to_rfc3339(*parse_rfc3339("2100-02-28T23:59:59.999999Z") + 1) == "2100-03-01T00:00:00.000000Z");
  check_refused({"2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z"});
}

TEST_CASE("time: zero to six decimals") {
  const Time whole = *parse_rfc3339("2026-03-01T09:00:00Z");
  CHECK(parse_rfc3339("2026-03-01T09:00:00.5Z") == whole + 500'000);
  CHECK(parse_rfc3339("2026-03-01T09:00:00.05Z") == whole + 50'000);
  CHECK(parse_rfc3339("2026-03-01T09:00:00.123456Z") == whole + 123'456);
  check_refused({"2026-03-01T09:00:00.Z", "2026-03-01T09:00:00.1234567Z", "2026-03-01T09:00:00.0000000Z",
                 "2026-03-01T09:00:00,5Z", "2026-03-01T09:00:00.5.5Z", "2026-03-01T09:00:00.5",
                 "2026-03-01T09:00:00."});
}

TEST_CASE("time: offsets are taken off") {
  const Time utc = *parse_rfc3339("2026-03-01T09:00:00Z");
  CHECK(parse_rfc3339("2026-03-01T18:00:00+09:00") == utc);
  CHECK(parse_rfc3339("2026-03-01T03:30:00-05:30") == utc);
  CHECK(parse_rfc3339("2026-03-01T09:00:00+00:00") == utc);
  CHECK(parse_rfc3339("2026-03-01T09:00:00-00:00") == utc);  // RFC 3339 section 4.3
  CHECK(parse_rfc3339("2026-03-02T08:59:00.25+23:59") == utc + 250'000);
  CHECK(parse_rfc3339("2026-03-01t09:00:00z") == utc);  // RFC 3339 section 5.6, first note
  check_refused({"2026-03-01T09:00:00", "2026-03-01T09:00:00+09", "2026-03-01T09:00:00+0900",
                 "2026-03-01T09:00:00+24:00", "2026-03-01T09:00:00+09:60", "2026-03-01T09:00:00+9:00",
                 "2026-03-01T09:00:00Z+09:00", "2026-03-01T09:00:00 Z", "2026-03-01T09:00:00+-9:00"});
}

TEST_CASE("time: the range ends at 1970 and at 9999, in UTC") {
  CHECK(parse_rfc3339("1969-12-31T23:30:00-00:30") == time_min);
  CHECK(parse_rfc3339("9999-12-31T23:59:59.999999-00:00") == time_max);
  check_refused({"1969-12-31T23:59:59.999999Z", "1970-01-01T00:29:59.999999+00:30", "0000-01-01T00:00:00Z",
                 "9999-12-31T23:59:59.999999-00:01", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z"});
  CHECK(to_rfc3339(time_min - 1) == "1970-01-01T00:00:00.000000Z");
  CHECK(to_rfc3339(std::numeric_limits<Time>::min()) == "1970-01-01T00:00:00.000000Z");
  CHECK(to_rfc3339(std::numeric_limits<Time>::max()) == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("time: no hour 24, no second 60, no month 13, no other shape") {
  check_refused({"2026-03-01T24:00:00Z", "2026-03-01T23:60:00Z", "2016-12-31T23:59:60Z", "2026-13-01T00:00:00Z",
                 "2026-00-01T00:00:00Z", "2026-03-00T00:00:00Z", "2026-03-32T00:00:00Z", "2026-04-31T00:00:00Z"});
  check_refused({"", "2026", "2026-03-01", "2026-03-01 09:00:00Z", "2026-3-1T09:00:00Z", "20260301T090000Z",
                 "2026-03-01T09:00Z", " 2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z ", "2026/03/01T09:00:00Z",
                 "2026-03-01T09:00:0aZ", "2026-03-01T+9:00:00Z", "2026-03-01T09:00:00Zz"});
}

}  // namespace
}  // namespace daicho
