#include "projections/accesses.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-LED-3: keys of accesses read back, and sort by investigator, then time, then position") {
  const AccessRow row{"staff-17", noon, 9};
  CHECK(parse_access_row(as_bytes(access_row_key(row))) == row);
  const AccessRow later{"staff-17", noon + 1, 3}, behind{"staff-17", noon, 256}, other{"staff-17b", 0, 0};
  CHECK(access_row_key(row) < access_row_key(behind));
  CHECK(access_row_key(behind) < access_row_key(later));
  CHECK(access_row_key(later) < access_row_key(other));
  CHECK(access_row_key(later).starts_with(access_rows_prefix("staff-17")));
  CHECK(!access_row_key(other).starts_with(access_rows_prefix("staff-17")));
  CHECK(parse_access_row(as_bytes(access_row_key({"", 0, 0}))) == AccessRow{});
  CHECK(!parse_access_row(as_bytes("I")));
  CHECK(!parse_access_row(as_bytes("E" + access_row_key(row).substr(1))));
  CHECK(!parse_access_row(as_bytes(access_row_key(row).substr(0, 20))));
  CHECK(!parse_access_row(as_bytes(access_row_key({std::string("a\0b", 3), noon, 9}))));
}

SCENARIO("R-LED-5: an access is its investigator's; one that is older than that field is its service's") {
  Subject subject = owner();
  subject.issuer.service = "case-team";
  const auto newest = [&](const Draft& event) {
    subject.happened(event);
    return access_of(*Event::parse(as_bytes(subject.envelopes().back())));
  };
  const auto named = newest(draft(fb::AccessRecordedT{.investigator = "staff-17"}, {Rule::led_5}));
  REQUIRE(named);
  CHECK(*named == AccessRow{"staff-17", subject.now, subject.folded().head.position});
  const auto older = newest(draft(fb::AccessRecordedT{.fields = {"profile"}}, {Rule::led_5}));
  REQUIRE(older);
  CHECK(older->investigator == "case-team");
  CHECK(!newest(draft(fb::TwoStepEnabledT{}, {Rule::acc_7})));
}
