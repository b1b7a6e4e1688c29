#include "commands/access.hpp"

#include <doctest/doctest.h>

#include "projections/event_fields.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr Time midnight = noon + 12 * hour_us;  // in Tokyo
const std::string accepted_words = "accepted: AccessRecorded", refused_words = "R-LED-5 access_limit: CommandRefused";

RecordAccess look(const std::string& investigator = "staff-17",
                  const std::vector<std::string>& fields = {"sign_in_name"}) {
  return {{.reason = "complaint of the owner", .case_number = "C-1042", .investigator = investigator}, fields};
}

Envelope from(const std::string& service) { return {.service = service, .command = "record-access"}; }

/// The events of one type, unpacked.
template <class Payload>
std::vector<typename Payload::NativeTableType> all(const MemoryLedger& ledger) {
  std::vector<typename Payload::NativeTableType> found;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (const auto* payload = event->as<Payload>()) payload->UnPackTo(&found.emplace_back());
  }
  return found;
}

std::vector<AccessRow> rows_of(const MemoryLedger& ledger, const std::optional<std::string>& investigator = {}) {
  auto rows = read_accesses(ledger.store(), investigator, 0);
  REQUIRE(rows);
  return *std::move(rows);
}

bool is_replay_equal(const MemoryLedger& ledger) {
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, nullptr));
  return replay.rows() == ledger.rows(Family::rows);
}

/// Two accounts, and so many accesses a day.
struct Desk {
  MemoryLedger ledger;
  Id first, second;

  explicit Desk(std::int64_t per_day, Json changes = Json::object())
      : ledger([&] {
          changes["accesses_per_day"] = per_day;
          return changes;
        }()),
        first(ledger.make_owner("first@outlook.jp")),
        second(ledger.make_owner("second@outlook.jp")) {}

  std::string tries(const Id& account, const std::string& investigator = "staff-17",
                    const std::string& service = "web") {
    return outcome(ledger.run(look(investigator), account, from(service)));
  }
};

}  // namespace

SCENARIO("R-LED-5: a reason of 1024 bytes and the number of a case of 64 are taken, and not one byte more") {
  const Subject subject = owner();
  const auto answer = [&](const std::string& reason, const std::string& case_number) {
    return outcome(subject.when(RecordAccess{{reason, case_number, ""}, {"profile"}}));
  };
  CHECK(answer(std::string(1'024, 'r'), "C-1") == accepted_words);
  CHECK(answer(std::string(1'025, 'r'), "C-1") == "R-LED-5 reason_too_long");
  CHECK(answer("r", std::string(64, 'c')) == accepted_words);
  CHECK(answer("r", std::string(65, 'c')) == "R-LED-5 case_number_too_long");
  for (const char* blank : {"", " ", "\t\n", "\u3000"}) {
    CHECK(answer(blank, "C-1") == "R-LED-5 reason_missing");
    CHECK(answer("r", blank) == "R-LED-5 case_number_missing");
  }
}

SCENARIO("R-LED-6: the number of a case stands in clear: visible ASCII, and nothing that is an address or a name") {
  const Subject subject = owner();
  const auto answer = [&](const std::string& case_number) {
    return outcome(subject.when(RecordAccess{{"a reason", case_number, ""}, {"profile"}}));
  };
  for (const char* good : {"1", "C-1042", "INC0012345", "2026/07-12", "HD#12.3", "!~"})
    CHECK(answer(good) == accepted_words);
  for (const char* bad : {"taro@example.com", "@", "Yamada Taro", "山田", "C\x7f", "C\x1b[2J", "C\n1"})
    CHECK(answer(bad) == "R-LED-5 case_number_not_a_word");
}

SCENARIO("R-LED-5: an investigator is named by an opaque id, written as the name of a service") {
  const Subject subject = owner();
  const auto answer = [&](const std::string& investigator) { return outcome(subject.when(look(investigator))); };
  for (const std::string& good : {std::string("7"), std::string("staff-17"), std::string("a_b"), std::string(64, 's')})
    CHECK(answer(good) == accepted_words);
  for (const std::string& bad : {std::string(65, 's'), std::string("Taro"), std::string("taro@example.com"),
                                 std::string("yamada taro"), std::string("山田"), std::string("a\0b", 3)})
    CHECK(answer(bad) == "R-LED-5 investigator_not_a_word");
}

SCENARIO("R-LED-1 R-LED-5: the event says who, under which case, which fields; the reason is sealed") {
  Desk desk(9);
  const Answer answer = desk.ledger.run(look("staff-17", {"sign_in_name", "profile"}), desk.first, from("case-team"));
  CHECK(outcome(answer) == accepted_words);
  CHECK(answer.body["sign_in_name"] == "first@outlook.jp");
  CHECK(answer.body["profile"].is_object());
  CHECK(answer.body["accesses_left_today"] == 8);
  const std::string envelope = desk.ledger.envelopes().back();
  const auto event = Event::parse(as_bytes(envelope));
  const auto* recorded = event->as<fb::AccessRecorded>();
  REQUIRE(recorded);
  CHECK(event->account() == desk.first);
  CHECK(event->header().service()->str() == "case-team");
  CHECK(recorded->investigator()->str() == "staff-17");
  CHECK(recorded->case_number()->str() == "C-1042");
  CHECK(recorded->fields()->size() == 2);
  CHECK(envelope.find("complaint") == std::string::npos);
  CHECK(event->open(*desk.ledger.keys().data_key(desk.ledger.store(), desk.first))->detail == "complaint of the owner");
  CHECK(rows_of(desk.ledger) == std::vector<AccessRow>{{"staff-17", noon, event->position()}});
}

SCENARIO("R-LED-5: who names no investigator is one: its service") {
  Desk desk(2);
  CHECK(desk.tries(desk.first, "", "case-team") == accepted_words);
  CHECK(desk.tries(desk.first, "", "Old Case Team") == accepted_words);
  CHECK(desk.tries(desk.second, "case-team", "web") == accepted_words);
  CHECK(desk.tries(desk.first, "", "case-team") == refused_words);
  CHECK(desk.tries(desk.first, "staff-17", "case-team") == accepted_words);
  const auto recorded = all<fb::AccessRecorded>(desk.ledger);
  REQUIRE(recorded.size() == 4);
  CHECK(recorded[0].investigator == "case-team");
  CHECK(recorded[1].investigator == "Old Case Team");
  CHECK(rows_of(desk.ledger, "case-team").size() == 2);
  CHECK(is_replay_equal(desk.ledger));
}

SCENARIO("R-LED-1 R-REC-3: one investigator has accesses_per_day a calendar day of the zone, over all accounts") {
  Desk desk(2);
  CHECK(desk.tries(desk.first) == accepted_words);
  CHECK(desk.tries(desk.second) == accepted_words);
  const Answer third = desk.ledger.run(look(), desk.first, from("web"));
  CHECK(outcome(third) == refused_words);
  CHECK(third.body["retry_at"] == to_rfc3339(midnight));
  CHECK(!third.body.contains("sign_in_name"));
  CHECK(desk.tries(desk.second) == refused_words);
  CHECK(desk.tries(desk.first, "staff-18") == accepted_words);  // each has a day of their own
  CHECK(desk.tries(desk.first, "staff-1") == accepted_words);   // the beginning of another's id
  desk.ledger.clock = midnight - 1;
  CHECK(desk.tries(desk.second) == refused_words);
  desk.ledger.clock = midnight;
  CHECK(desk.tries(desk.second) == accepted_words);
  CHECK(desk.tries(desk.first) == accepted_words);
  CHECK(desk.tries(desk.first) == refused_words);
  CHECK(is_replay_equal(desk.ledger));
}

SCENARIO("R-LED-1 R-REC-3: with rolling_24h the next access is allowed a day after the oldest that counts") {
  Desk desk(2, {{"day_kind", "rolling_24h"}});
  CHECK(desk.tries(desk.first) == accepted_words);
  desk.ledger.wait(hour_us);
  CHECK(desk.tries(desk.second) == accepted_words);
  desk.ledger.wait(20 * hour_us);
  CHECK(desk.ledger.run(look(), desk.first, from("web")).body["retry_at"] == to_rfc3339(noon + day_us));
  desk.ledger.clock = noon + day_us - 1;
  CHECK(desk.tries(desk.first) == refused_words);
  desk.ledger.clock = noon + day_us;
  CHECK(desk.tries(desk.first) == accepted_words);
  CHECK(desk.tries(desk.first) == refused_words);
}

SCENARIO("R-LED-4 R-LED-5: a new policy holds for the day that began before it; with 0 nobody reads and no day helps") {
  Desk desk(3);
  CHECK(desk.tries(desk.first) == accepted_words);
  CHECK(desk.tries(desk.first) == accepted_words);
  desk.ledger.run(AdoptPolicy{{{"accesses_per_day", 1}, {"day_kind", "rolling_24h"}}});
  desk.ledger.wait(hour_us);
  CHECK(desk.ledger.run(look(), desk.first, from("web")).body["retry_at"] == to_rfc3339(noon + day_us));
  desk.ledger.run(AdoptPolicy{{{"accesses_per_day", 0}}});
  for (const char* kind : {"rolling_24h", "calendar_day"}) {
    desk.ledger.run(AdoptPolicy{{{"day_kind", kind}}});
    for (const char* investigator : {"staff-17", "staff-18"}) {
      const Answer none = desk.ledger.run(look(investigator), desk.first, from("web"));
      CHECK(outcome(none) == refused_words);
      CHECK(!none.body.contains("retry_at"));
    }
  }
  desk.ledger.run(AdoptPolicy{{{"accesses_per_day", 3}}});
  CHECK(desk.tries(desk.first) == accepted_words);
}

SCENARIO("R-LED-1: an access past the limit is recorded with its investigator, a flood of them is counted") {
  Desk desk(1, {{"recorded_refusals_per_hour", 2}});
  CHECK(desk.tries(desk.first) == accepted_words);
  for (int i = 0; i < 5; ++i) CHECK(desk.tries(desk.first).starts_with("R-LED-5 access_limit"));
  const auto refused = all<fb::CommandRefused>(desk.ledger);
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].code == "access_limit");
  CHECK(refused[0].investigator == "staff-17");
  const auto done = desk.ledger.tick();
  REQUIRE(!done.empty());
  CHECK(done[0].body["count"] == 3);
  CHECK(is_replay_equal(desk.ledger));
}

SCENARIO("R-LED-1 R-LED-6: what was read is shown once: the first answer that is kept holds no value") {
  Desk desk(9);
  Envelope envelope = from("web");
  envelope.key = "once";
  envelope.body = "{}";
  const auto command = look("staff-17", {"sign_in_name", "profile", "proofs"});
  const Answer first = desk.ledger.run(command, desk.first, envelope);
  CHECK(first.body["proofs"].size() == 2);
  CHECK(first.body["shown_once"] == Json{"sign_in_name", "profile", "proofs"});
  const Answer again = desk.ledger.run(command, desk.first, envelope);
  CHECK(again.replayed);
  Json kept = first.body;
  for (const char* field : {"sign_in_name", "profile", "proofs"}) kept.erase(field);
  CHECK(again.body == kept);
  CHECK(again.body.dump().find("first@") == std::string::npos);
  CHECK(all<fb::AccessRecorded>(desk.ledger).size() == 1);
  desk.ledger.reopen();
  CHECK(desk.ledger.run(command, desk.first, envelope).body == kept);
}

SCENARIO("R-LED-1: the access is durable before it reveals: when the disk fails, nothing is shown") {
  for (const DiskLie lie : {DiskLie::failed_and_lost, DiskLie::failed_and_torn, DiskLie::failed_and_stored}) {
    Desk desk(1);
    desk.ledger.disk.set(lie);
    const auto answer = desk.ledger.execute(look(), desk.first, from("web"));
    REQUIRE(!answer);
    CHECK(answer.error().kind == FaultKind::stopped);
    CHECK(answer.error().detail.find("first@") == std::string::npos);
    desk.ledger.disk.set(DiskLie::none);
    desk.ledger.reopen();
    const bool is_stored = lie == DiskLie::failed_and_stored;  // then it counts, though nobody saw anything
    CHECK(rows_of(desk.ledger).size() == (is_stored ? 1 : 0));
    CHECK(all<fb::AccessRecorded>(desk.ledger).size() == (is_stored ? 1 : 0));
    CHECK(desk.tries(desk.second) == (is_stored ? refused_words : accepted_words));
  }
}

SCENARIO("R-LED-1 R-LIFE-1: who read an account is known after it was closed, and nothing of it is read any more") {
  Desk desk(9);
  CHECK(desk.tries(desk.first) == accepted_words);
  CHECK(desk.tries(desk.second) == accepted_words);
  const auto before = rows_of(desk.ledger);
  REQUIRE(!desk.ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, desk.first).is_refusal);
  CHECK(desk.tries(desk.first) == "R-LIFE-1 account_closed");
  CHECK(rows_of(desk.ledger) == before);
  CHECK(rows_of(desk.ledger).size() == 2);
  CHECK(is_replay_equal(desk.ledger));
  CHECK(rebuild(desk.ledger.store(), desk.ledger.keys(), nullptr).value().difference == std::nullopt);
  CHECK(rows_of(desk.ledger) == before);
}

SCENARIO("R-LED-5: only a service with the role reads, whatever investigator it names") {
  Desk desk(9);
  desk.ledger.run(RegisterService{"case-team", {fb::Role::investigator}, ""});
  desk.ledger.run(RegisterService{"shop", {fb::Role::front_end}, ""}, std::nullopt, {.service = "local"});
  CHECK(desk.tries(desk.first, "staff-17", "shop") == "R-LED-5 role_missing: CommandRefused");
  CHECK(desk.tries(desk.first, "staff-17", "case-team") == accepted_words);
  CHECK(all<fb::CommandRefused>(desk.ledger).at(0).investigator.empty());
}
