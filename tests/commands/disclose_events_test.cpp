#include <doctest/doctest.h>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

DiscloseEvents disclosing(std::vector<Position> positions, bool with_secrets = false) {
  return {{.reason = "order of a court", .case_number = "C-1042"}, std::move(positions), with_secrets};
}

/// Positions of the account's events that have a sealed part, in order.
std::vector<Position> sealed_events(const MemoryLedger& ledger, const Id& account) {
  std::vector<Position> positions;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    if (event->account() == account && event->is_sealed()) positions.push_back(event->position());
  }
  return positions;
}

}  // namespace

SCENARIO("R-LED-1 R-LED-5: a disclosure is an event of the account that says which events, for which case, and why") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto sealed = sealed_events(ledger, owner);
  REQUIRE(sealed.size() >= 3);
  const std::string first = "event:" + std::to_string(sealed[1]), second = "event:" + std::to_string(sealed[2]);
  GIVEN("two of its events are asked for, the later one first") {
    CHECK(outcome(ledger.run(disclosing({sealed[2], sealed[1]}), owner)) == "accepted: AccessRecorded");
    THEN("the record names them in order, the case in clear, the reason sealed") {
      const std::string envelope = ledger.envelopes().back();
      const auto event = Event::parse(as_bytes(envelope));
      const auto* access = event->as<fb::AccessRecorded>();
      REQUIRE(access);
      REQUIRE(access->fields()->size() == 2);
      CHECK(access->fields()->Get(0)->str() == first);
      CHECK(access->fields()->Get(1)->str() == second);
      CHECK(access->case_number()->str() == "C-1042");
      CHECK(envelope.find("order of a court") == std::string::npos);
      CHECK(event->open(*ledger.keys().data_key(ledger.store(), owner))->detail == "order of a court");
    }
  }
  GIVEN("the registration, which seals the password's verifier") {
    const std::size_t events = ledger.envelopes().size();
    CHECK(outcome(ledger.run(disclosing({sealed[0]}), owner)) == "R-LED-6 secrets_included");
    CHECK(ledger.envelopes().size() == events);
    THEN("it takes a word more, which is recorded") {
      CHECK(outcome(ledger.run(disclosing({sealed[0]}, true), owner)) == "accepted: AccessRecorded");
      const std::string envelope = ledger.envelopes().back();
      CHECK(Event::parse(as_bytes(envelope))->as<fb::AccessRecorded>()->fields()->Get(1)->str() == "with_secrets");
    }
  }
}

SCENARIO("R-LED-5: another account's event is none that this account's disclosure opens") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp"), other = ledger.make_owner("other@outlook.jp");
  const Position others = sealed_events(ledger, other)[1];
  const std::size_t events = ledger.envelopes().size();
  CHECK(outcome(ledger.run(disclosing({others}), owner)) == "R-LED-5 event_closed");
  CHECK(outcome(ledger.run(disclosing({events}), owner)) == "R-LED-5 event_closed");
  CHECK(ledger.envelopes().size() == events);
  CHECK(outcome(ledger.run(disclosing({others}), other)) == "accepted: AccessRecorded");
}

SCENARIO("R-LIFE-1 R-LIFE-3: an expired account's events can be disclosed, an erased account's cannot") {
  MemoryLedger ledger;
  const Id expired = ledger.make_owner("expired@outlook.jp"), closed = ledger.make_owner("closed@outlook.jp");
  const Position of_expired = sealed_events(ledger, expired)[1], of_closed = sealed_events(ledger, closed)[1];
  ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, closed);
  ledger.wait(400 * day_us);
  ledger.tick();
  REQUIRE(ledger.account(expired).life.end->kind == EndKind::expired);
  CHECK(outcome(ledger.run(disclosing({of_expired}), expired)) == "accepted: AccessRecorded");
  CHECK(ledger.account(expired).life.end->kind == EndKind::expired);
  const std::size_t events = ledger.envelopes().size();
  CHECK(outcome(ledger.run(disclosing({of_closed}), closed)) == "R-LIFE-1 account_erased");
  CHECK(ledger.envelopes().size() == events);
}

SCENARIO("R-LED-5: what the ledger's own events seal is disclosed on the ledger's own account") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const std::uint64_t size = ledger.envelopes().size();
  const AcceptRestore restore{.size = size, .known_size = size, .known_root = Hash{}, .reason = "a disk burnt down"};
  REQUIRE(outcome(ledger.run(restore)) == "accepted: RestoreAccepted");
  CHECK(outcome(ledger.run(disclosing({size}), owner)) == "R-LED-5 event_closed");
  CHECK(outcome(ledger.run(disclosing({size}))) == "accepted: AccessRecorded");
  const std::string envelope = ledger.envelopes().back();
  CHECK(Event::parse(as_bytes(envelope))->account().is_zero());
  ledger.reopen();
  CHECK(outcome(ledger.run(disclosing({size}))) == "accepted: AccessRecorded");
}

SCENARIO("R-LED-5: a disclosure is one access of its investigator's day, on whichever account") {
  MemoryLedger ledger(Json{{"accesses_per_day", 2}});
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Position position = sealed_events(ledger, owner)[1];
  const std::uint64_t size = ledger.envelopes().size();
  const AcceptRestore restore{.size = size, .known_size = size, .known_root = Hash{}, .reason = "a disk burnt down"};
  REQUIRE(outcome(ledger.run(restore)) == "accepted: RestoreAccepted");
  CHECK(outcome(ledger.run(disclosing({position}), owner)) == "accepted: AccessRecorded");
  CHECK(outcome(ledger.run(disclosing({size}))) == "accepted: AccessRecorded");
  CHECK(outcome(ledger.run(disclosing({position}), owner)) == "R-LED-5 access_limit: CommandRefused");
  CHECK(outcome(ledger.run(disclosing({size}))) == "R-LED-5 access_limit: CommandRefused");
  DiscloseEvents by_another = disclosing({position});
  by_another.investigator = "staff-17";
  CHECK(outcome(ledger.run(by_another, owner)) == "accepted: AccessRecorded");
}
