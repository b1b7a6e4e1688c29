#include "projections/history.hpp"

#include <doctest/doctest.h>

#include "ledger/merkle.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

AccountAt at(const MemoryLedger& ledger, const Id& id, const AsOf& as_of) {
  auto found = account_at(ledger.store(), id, as_of);
  REQUIRE(found);
  REQUIRE(found->has_value());
  return **std::move(found);
}

std::vector<ProofStatus> statuses(const Account& account) {
  std::vector<ProofStatus> result;
  for (const Proof& proof : account.proofs.all) result.push_back(proof.status);
  return result;
}

/// A folded prefix: every event of the account for which `wanted` holds.
template <class Wanted>
Account prefix(const MemoryLedger& ledger, const Id& id, Wanted wanted) {
  Account account;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (event->account() == id && wanted(*event)) evolve(account, *event, leaf_hash(as_bytes(envelope)));
  }
  return account;
}

}  // namespace

SCENARIO("R-LOST-7: the proofs in force before, during and after a window, whenever its completion was appended") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.wait(day_us);
  const auto opened = ledger.open_window(owner, "new@example.org");
  const Time confirmed_at = ledger.clock;
  using enum ProofStatus;
  for (const bool completed : {false, true}) {
    CAPTURE(completed);
    if (completed) {
      ledger.clock = opened.effective_at + 5 * day_us;
      ledger.tick();
    }
    CHECK(statuses(at(ledger, owner, {confirmed_at - 1, {}}).account) == std::vector{verified, verified});
    CHECK(statuses(at(ledger, owner, {confirmed_at, {}}).account) == std::vector{marked_lost, marked_lost, confirmed});
    CHECK(statuses(at(ledger, owner, {opened.effective_at - 1, {}}).account) ==
          std::vector{marked_lost, marked_lost, confirmed});
    CHECK(statuses(at(ledger, owner, {opened.effective_at, {}}).account) == std::vector{removed, removed, verified});
    CHECK(statuses(at(ledger, owner, {opened.effective_at + day_us, {}}).account) ==
          std::vector{removed, removed, verified});
    CHECK(at(ledger, owner, {opened.effective_at + day_us, {}}).account.windows.last->at == opened.effective_at);
    CHECK(at(ledger, owner, {opened.effective_at, {}}).now == opened.effective_at);
  }
}

SCENARIO("R-BLK-3: the block at any instant") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Time before = ledger.clock;
  ledger.wait(hour_us);
  ledger.run(BlockAccount{"suspected_intrusion", ""}, owner, {.service = "risk"});
  const Time blocked_at = ledger.clock;
  ledger.wait(hour_us);
  const Id challenge = ledger.pass_challenge(owner, fb::Purpose::unblock);
  ledger.wait(minute_us);
  CHECK(!ledger.run(UnblockAccount{challenge}, owner).is_refusal);
  const Time lifted_at = ledger.clock;
  CHECK(!at(ledger, owner, {before, {}}).account.block.current);
  CHECK(!at(ledger, owner, {blocked_at - 1, {}}).account.block.current);
  CHECK(at(ledger, owner, {blocked_at, {}}).account.block.current->by == "risk");
  CHECK(at(ledger, owner, {lifted_at - 1, {}}).account.block.current->since == blocked_at);
  CHECK(!at(ledger, owner, {lifted_at, {}}).account.block.current);
  CHECK(at(ledger, owner, {lifted_at, {}}).account.block.last->by == fb::Lifted::by_challenge);
}

SCENARIO("R-LED-2: an account at a position or a time is the fold of its events up to there") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.wait(hour_us);
  const Id other = ledger.make_owner("other@outlook.jp");
  ledger.wait(hour_us);
  ledger.open_window(owner, "new@example.org");
  ledger.pass_challenge(other, fb::Purpose::sensitive_page);
  ledger.wait(minute_us);
  ledger.run(RecordSignIn{.succeeded = true, .device_id = "pc-1"}, owner);
  const Position first = ledger.account(owner).identity.registered;
  for (Position position = 0; position < ledger.log().size(); ++position) {
    const auto found = account_at(ledger.store(), owner, {{}, position});
    REQUIRE(found);
    CHECK(found->has_value() == (position >= first));
    if (!*found) continue;
    CHECK((*found)->account == prefix(ledger, owner, [&](const Event& event) { return event.position() <= position; }));
    CHECK((*found)->now == Event::parse(as_bytes(ledger.envelopes()[position]))->time());
  }
  for (const Time time : {noon, noon + hour_us, noon + 2 * hour_us - 1, noon + 2 * hour_us, noon + 3 * hour_us}) {
    CHECK(at(ledger, owner, {time, {}}).account ==
          prefix(ledger, owner, [&](const Event& event) { return event.time() <= time; }));
  }
  CHECK(at(ledger, owner, {}).account == ledger.account(owner));
  CHECK(!account_at(ledger.store(), owner, {noon - 1, {}})->has_value());
  CHECK(!account_at(ledger.store(), numbered(9), {})->has_value());
}

SCENARIO("R-LED-4: the policy at an instant is the one adopted last before it") {
  MemoryLedger ledger;
  ledger.wait(day_us);
  ledger.run(AdoptPolicy{{{"replacement_days", 7}}});
  ledger.wait(day_us);
  ledger.run(AdoptPolicy{{{"replacement_days", 14}}});
  const auto days = [&](Time time) { return ledger_at(ledger.store(), {time, {}})->policy.replacement_days; };
  CHECK(days(noon) == 30);
  CHECK(days(noon + day_us - 1) == 30);
  CHECK(days(noon + day_us) == 7);
  CHECK(days(noon + 2 * day_us) == 14);
  CHECK(ledger_at(ledger.store(), {})->policy.version == 3);
}

SCENARIO("R-LED-3: a damaged row or event is told as such") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const AccountHead head = ledger.account(owner).head;
  REQUIRE(!ledger.store().write({{Family::rows, account_row_key(owner), "garbage"}}, true));
  CHECK(load_account(ledger.store(), owner).error().fault == StoreFault::corrupt);
  REQUIRE(!ledger.store().write({{Family::rows, ledger_row_key(), std::nullopt}}, true));
  CHECK(load_ledger(ledger.store()).error().fault == StoreFault::corrupt);
  const auto key = big_endian(head.position - 1);
  REQUIRE(!ledger.store().write({{Family::events, std::string(as_text(key)), std::nullopt}}, true));
  CHECK(account_events(ledger.store(), head, {}).error().fault == StoreFault::corrupt);
}
