#include <doctest/doctest.h>

#include "projections/calendar.hpp"
#include "projections/current_proofs.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Time at(const char* text) {
  const auto time = parse_rfc3339(text);
  REQUIRE(time);
  return *time;
}

/// Start and end of the day that holds this instant, which must lie within.
std::string day_at(const char* instant, const char* zone) {
  const Day day = day_of(at(instant), zone);
  CHECK(day.start <= at(instant));
  CHECK(at(instant) < day.end);
  return to_rfc3339(day.start).substr(0, 16) + " " + to_rfc3339(day.end).substr(0, 16);
}

}  // namespace

SCENARIO("R-REC-3: calendar days of Tokyo, to the microsecond") {
  CHECK(day_at("2026-03-01T00:00:00+09:00", "Asia/Tokyo") == "2026-02-28T15:00 2026-03-01T15:00");
  CHECK(day_at("2026-03-01T23:59:59.999999+09:00", "Asia/Tokyo") == "2026-02-28T15:00 2026-03-01T15:00");
  CHECK(day_at("2026-03-02T00:00:00+09:00", "Asia/Tokyo") == "2026-03-01T15:00 2026-03-02T15:00");
  CHECK(day_of(at("2026-03-01T12:34:56.789012Z"), "UTC").start == at("2026-03-01T00:00:00Z"));
}

SCENARIO("R-REC-3: days that clocks make longer or shorter") {
  CHECK(day_at("2026-03-29T12:00:00+02:00", "Europe/Berlin") == "2026-03-28T23:00 2026-03-29T22:00");  // 23 hours
  CHECK(day_at("2026-03-29T01:59:59.999999+01:00", "Europe/Berlin") == "2026-03-28T23:00 2026-03-29T22:00");
  CHECK(day_at("2026-10-25T02:30:00+02:00", "Europe/Berlin") == "2026-10-24T22:00 2026-10-25T23:00");  // 25 hours
  CHECK(day_at("2026-10-25T02:30:00+01:00", "Europe/Berlin") == "2026-10-24T22:00 2026-10-25T23:00");
  CHECK(day_at("2026-10-25T23:59:59.999999+01:00", "Europe/Berlin") == "2026-10-24T22:00 2026-10-25T23:00");
  CHECK(day_at("2026-10-26T00:00:00+01:00", "Europe/Berlin") == "2026-10-25T23:00 2026-10-26T23:00");
}

SCENARIO("R-REC-3: days whose midnight the clocks skip or repeat") {
  // Beirut 2022-03-27: 00:00 -> 01:00, so the day begins at 01:00 and has 23 hours.
  CHECK(day_at("2022-03-27T12:00:00+03:00", "Asia/Beirut") == "2022-03-26T22:00 2022-03-27T21:00");
  CHECK(day_at("2022-03-26T12:00:00+02:00", "Asia/Beirut") == "2022-03-25T22:00 2022-03-26T22:00");
  // Havana 2021-11-07: 01:00 -> 00:00, so midnight comes twice and the first begins the day.
  CHECK(day_at("2021-11-07T00:30:00-04:00", "America/Havana") == "2021-11-07T04:00 2021-11-08T05:00");
  CHECK(day_at("2021-11-07T00:30:00-05:00", "America/Havana") == "2021-11-07T04:00 2021-11-08T05:00");
  CHECK(day_at("2021-11-06T23:59:59-04:00", "America/Havana") == "2021-11-06T04:00 2021-11-07T04:00");
}

SCENARIO("R-REC-3: days follow each other without gap or overlap for years") {
  for (const std::string zone :
       {"Asia/Tokyo", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia"}) {
    CAPTURE(zone);
    Day day = day_of(at("2019-12-31T12:00:00Z"), zone);
    int wrong = 0;
    for (int i = 0; i < 3 * 366; ++i) {
      const Day next = day_of(day.end, zone), last = day_of(day.end - 1, zone);
      wrong += next.start != day.end || last.start != day.start || last.end != day.end || day.end <= day.start;
      day = next;
    }
    CHECK(wrong == 0);
  }
}

SCENARIO("R-LED-4: what is a time zone") {
  for (const char* good : {"Asia/Tokyo", "UTC", "Europe/Berlin"}) CHECK(is_time_zone(good));
  for (const std::string bad : {"", "Tokyo", "Asia/Atlantis", "Etc/Unknown"}) {
    CAPTURE(bad);
    CHECK(!is_time_zone(bad));
  }
}

SCENARIO("R-REC-3: an allowance by calendar day and by rolling day") {
  Policy policy;
  const Time midnight = at("2026-03-02T00:00:00+09:00");
  const std::vector<Time> marks = {midnight - 1, midnight, midnight + hour_us};
  const auto allowance = [&](Time now) { return daily_allowance(marks, 2, policy, now); };
  CHECK(allowance(midnight - 1).used == 1);
  CHECK(allowance(midnight - 1).left == 1);
  CHECK(!allowance(midnight - 1).next_allowed_at);
  CHECK(allowance(midnight + 2 * hour_us).used == 2);
  CHECK(allowance(midnight + 2 * hour_us).left == 0);
  CHECK(*allowance(midnight + 2 * hour_us).next_allowed_at == midnight + day_us);
  CHECK(daily_allowance(marks, 1, policy, midnight + 2 * hour_us).left == 0);
  CHECK(daily_allowance({}, 2, policy, midnight).left == 2);
  policy.day_kind = "rolling_24h";
  CHECK(allowance(midnight + 2 * hour_us).used == 3);
  CHECK(allowance(midnight + 2 * hour_us).left == 0);
  CHECK(*allowance(midnight + 2 * hour_us).next_allowed_at == midnight + day_us);
  CHECK(allowance(midnight + day_us - 1).left == 0);
  CHECK(allowance(midnight + day_us).left == 1);
}

SCENARIO("R-LED-5 R-REC-3: where nothing is allowed a day, no day is the next") {
  Policy policy;
  for (const char* kind : {"calendar_day", "rolling_24h"}) {
    policy.day_kind = kind;
    for (const std::vector<Time>& marks : {std::vector<Time>{}, std::vector<Time>{noon}}) {
      const Allowance none = daily_allowance(marks, 0, policy, noon);
      CHECK(none.left == 0);
      CHECK(none.used == std::ssize(marks));
      CHECK(!none.next_allowed_at);
    }
  }
}

SCENARIO("R-CHL-5: marks are counted within a span that excludes its far end, and old ones are dropped") {
  std::vector<Time> marks;
  add_mark(marks, noon);
  add_mark(marks, noon + 1);
  CHECK(count_since(marks, noon + hour_us - 1, hour_us) == 2);
  CHECK(count_since(marks, noon + hour_us, hour_us) == 1);
  CHECK(count_since(marks, noon + hour_us + 1, hour_us) == 0);
  add_mark(marks, noon + hour_us);
  CHECK(marks == std::vector<Time>{noon + 1, noon + hour_us});
  for (std::size_t i = 0; i < 2 * marks_max; ++i) add_mark(marks, noon + hour_us);
  CHECK(marks.size() == marks_max);
}

SCENARIO("R-LED-1 R-CHL-5: no policy allows more an hour than the marks that are kept") {
  for (const PolicyNumber& entry : policy_numbers()) {
    const std::string name = entry.name;
    if (name == "max_code_guesses" || name == "max_contact_confirmations" || name == "recovery_per_day" ||
        name == "recorded_refusals_per_hour") {
      CAPTURE(name);
      CHECK(entry.max <= static_cast<std::int64_t>(marks_max));
    }
    if (name == "max_codes_per_hour") CHECK(2 * entry.max <= static_cast<std::int64_t>(marks_max));
  }
}

SCENARIO("R-LED-2: each event that draws on a limit is counted, once") {
  Subject subject = owner();
  const auto limits = [&]() -> const DailyLimits& { return subject.folded().limits; };
  const std::size_t sends = limits().sends.size();
  subject.happened(send_code_to(subject.proof(0).id, numbered(70), fb::Channel::email, subject.context()));
  subject.happened(send_link_to(subject.proof(0).id, subject.context()));
  CHECK(count_since(limits().sends, subject.now, hour_us) == 2);
  CHECK(limits().sends.size() <= sends + 2);
  subject.happened(draft(fb::RecoverySubmittedT{.recovery_id = numbered(71)}, {Rule::rec_3}));
  CHECK(limits().recoveries == std::vector<Time>{subject.now});
  subject.happened(draft(fb::RefusalsCountedT{.rule = 703, .count = 40, .since = noon}, {Rule::led_1}));
  subject.happened(draft(fb::RefusalsCountedT{.rule = 703, .count = 2, .since = noon}, {Rule::led_1}));
  CHECK(limits().refusals_counted == 42);
  subject.happened(draft(fb::RecoveryRefusedT{.rule = 703}, {Rule::rec_3}));
  subject.happened(draft(fb::SignInRefusedT{.rule = 801}, {Rule::blk_1}));
  subject.happened(draft(fb::CharacterCheckFailedT{}, {Rule::chl_1}));
  subject.happened(draft(fb::ChallengeEndedT{}, {Rule::chl_2, Rule::chl_9}));
  subject.happened(draft(fb::RecoveryCodeRejectedT{}, {Rule::lost_2, Rule::prf_9}));
  subject.happened(draft(fb::CodeRejectedT{}, {Rule::chl_5}));
  subject.happened(draft(fb::CodeRejectedT{}, {Rule::chl_5}));
  subject.happened(draft(fb::SecretAnswerRejectedT{}, {Rule::chl_9}));
  subject.happened(draft(fb::PasswordRejectedT{}, {Rule::pwd_4, Rule::chl_5}));
  subject.happened(draft(fb::CommandRefusedT{.rule = 711, .code = "not_permitted"}, {Rule::rec_11}));
  subject.happened(draft(fb::ContactConfirmationFailedT{.proof_id = subject.proof(0).id}, {Rule::chl_3}));
  const auto recorded = [&](Rule rule, Duration later) {
    return limits().refusals.within_hour(static_cast<std::uint16_t>(rule), subject.now + later);
  };
  for (const Rule rule :
       {Rule::rec_3, Rule::blk_1, Rule::chl_1, Rule::chl_2, Rule::lost_2, Rule::chl_9, Rule::pwd_4, Rule::rec_11}) {
    CHECK(recorded(rule, 0) == 1);
  }
  CHECK(recorded(Rule::chl_5, 0) == 2);
  CHECK(recorded(Rule::chl_5, hour_us - 1) == 2);
  CHECK(recorded(Rule::chl_5, hour_us) == 0);
  CHECK(recorded(Rule::prf_9, 0) == 0);  // an event is counted for its first rule
  CHECK(recorded(Rule::chl_3, 0) == 0);  // always written: the proof's own budget is counted from it
}
