#include "projections/replay.hpp"

#include <doctest/doctest.h>

#include "projections/history.hpp"
#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// What a replay finds wrong with the stored rows, in words; empty: nothing.
std::string difference(const MemoryLedger& ledger, bool with_keys = true) {
  Replay replay(ledger.store(), with_keys ? &ledger.keys() : nullptr);
  REQUIRE(!replay_log(ledger.store(), replay, nullptr));
  const auto found = first_difference(ledger.store(), replay);
  REQUIRE(found);
  return *found ? describe(**found) : "";
}

void write_row(MemoryLedger& ledger, const std::string& key, const std::optional<std::string>& value) {
  REQUIRE(!ledger.store().write({{Family::rows, key, value}}, true));
}

}  // namespace

SCENARIO("R-LED-3: whatever happened, replaying the log gives every row byte for byte") {
  std::map<std::string, int> outcomes;
  const bool holds = holds_in_lives("rows = replay", [&](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    for (const auto& [words, times] : life.outcomes()) outcomes[words] += times;
    Replay replay(ledger.store(), &ledger.keys());
    REQUIRE(!replay_log(ledger.store(), replay, nullptr));
    const auto live = ledger.rows(Family::rows);
    expect_in_life(life, replay.rows() == live, "the replay gives other rows");
    expect_in_life(life, !replay.wrong_digest(), "a recorded digest is wrong");
    const auto report = rebuild(ledger.store(), ledger.keys(), nullptr);
    REQUIRE(report);
    const bool is_rebuilt = !report->difference && report->rows == live.size() && ledger.rows(Family::rows) == live;
    expect_in_life(life, is_rebuilt, "rebuilding gives other rows");
    ledger.reopen();
    expect_in_life(life, ledger.rows(Family::rows) == live, "opened again the rows are others");
  });
  CHECK(holds);
  for (const std::string seen :
       {"accepted: ReplacementConfirmed", "accepted: ReplacementCancelled", "accepted: RecoverySubmitted",
        "accepted: ChallengePassed", "ReplacementCompleted", "accepted: AccountBlocked", "accepted: ProofVerified",
        "R-REC-3 attempts_used_up", "R-CHL-5 wrong_code", "accepted: ReplacementDisputed AccountBlocked",
        "R-LOST-4 window_open"}) {
    CAPTURE(seen);
    int times = 0;
    for (const auto& [words, count] : outcomes) times += words.find(seen) == std::string::npos ? 0 : count;
    CHECK(times > 1);  // else the lives are too dull to prove anything
  }
}

SCENARIO("R-LED-3: without keys only the sign-in names and the proof addresses are left out") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  Replay replay(ledger.store(), nullptr);
  REQUIRE(!replay_log(ledger.store(), replay, nullptr));
  auto expected = ledger.rows(Family::rows);
  CHECK(!replay.covers_lookup());
  CHECK(std::erase_if(expected, [](const auto& row) { return row.first[0] == 'N' || row.first[0] == 'P'; }) == 2);
  CHECK(replay.rows() == expected);
  CHECK(replay.accounts() == 1);
  CHECK(replay.events() == ledger.log().size());
  CHECK(difference(ledger, false) == "");
  CHECK(difference(ledger) == "");
  CHECK(!owner.is_zero());
}

SCENARIO("R-LED-3: an altered, missing or additional row is found and named, and rebuilding repairs and reports it") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(BlockAccount{"suspected_intrusion", ""}, owner);
  ledger.open_window(owner, "new@example.org");
  ledger.run(RecordAccess{{"complaint", "C-1042", "staff-17"}, {"profile"}}, owner);
  const auto good = ledger.rows(Family::rows);
  const auto first_of = [&](char table) { return good.lower_bound(std::string(1, table))->first; };
  Account altered = ledger.account(owner);
  altered.limits.recoveries.push_back(noon);
  struct Damage {
    std::string key;
    std::optional<std::string> value;
    std::string words;
  };
  const std::vector<Damage> damages = {
      {account_row_key(owner), encode_row(altered),
       "account state of " + to_text(owner) + ": the row differs from what the events give"},
      {account_row_key(owner), std::nullopt, "account state of " + to_text(owner) + ": the row is missing"},
      {account_row_key(numbered(9)), "x", "account state of " + to_text(numbered(9)) + ": a row that no event gives"},
      {blocked_row_key(owner), std::nullopt, "blocked accounts of " + to_text(owner) + ": the row is missing"},
      {first_of('D'), std::nullopt, "due times: the row is missing"},
      {first_of('N'), std::string(16, 'n'), "sign-in names: the row differs from what the events give"},
      {first_of('I'), std::nullopt, "accesses: the row is missing"},
      {first_of('I'), "x", "accesses: the row differs from what the events give"},
      {access_row_key({"staff-17", noon, 999}), "", "accesses: a row that no event gives"},
      {first_of('O'), std::nullopt, "outbox: the row is missing"},
      {proof_addresses_row_key(owner), std::string(32, 'p'),
       "proof addresses of " + to_text(owner) + ": the row differs from what the events give"},
      {ledger_row_key(), "x", "ledger state: the row differs from what the events give"},
      {"Z", "x", "a row of an unknown table: a row that no event gives"},
  };
  for (const Damage& damage : damages) {
    write_row(ledger, damage.key, damage.value);
    CHECK(difference(ledger) == damage.words);
    const auto report = rebuild(ledger.store(), ledger.keys(), nullptr);
    REQUIRE(report);
    REQUIRE(report->difference);
    CHECK(describe(*report->difference) == damage.words);
    CHECK(report->accounts == 1);
    CHECK(ledger.rows(Family::rows) == good);
    CHECK(difference(ledger) == "");
  }
  ledger.reopen();
  CHECK(ledger.rows(Family::rows) == good);
  CHECK(outcome(ledger.run(UnblockAccount{numbered(1)}, owner)) == "R-BLK-2 challenge_unknown");
}

SCENARIO("R-LED-3: recorded digests are verified by a replay, and a wrong one is named by its position") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.wait(day_us);
  const auto done = ledger.tick();
  REQUIRE(done.size() == 1);
  CHECK(outcome(done[0]) == "accepted: ProjectionDigestsRecorded");
  CHECK(ledger.tick().empty());
  ledger.wait(day_us - 1);
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  CHECK(ledger.tick().empty());
  ledger.wait(1);
  const auto recorded = [&] {
    Replay replay(ledger.store(), nullptr);
    REQUIRE(!replay_log(ledger.store(), replay, nullptr));
    return replay.wrong_digest();
  };
  CHECK(!recorded());
  Account altered = ledger.account(owner);
  altered.limits.recoveries.push_back(noon);
  write_row(ledger, account_row_key(owner), encode_row(altered));
  CHECK(ledger.tick().size() == 1);
  CHECK(recorded() == ledger.log().size() - 1);
  ledger.wait(day_us);
  REQUIRE(rebuild(ledger.store(), ledger.keys(), nullptr));
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  CHECK(ledger.tick().size() == 1);
  CHECK(recorded() == ledger.log().size() - 3);  // the first wrong one, and no later one
}

SCENARIO("R-LED-3: a log with a hole is not replayed past it") {
  MemoryLedger ledger;
  ledger.make_owner("owner@outlook.jp");
  REQUIRE(!ledger.store().write({{Family::events, std::string(as_text(big_endian(4))), std::nullopt}}, true));
  Replay replay(ledger.store(), &ledger.keys());
  const auto error = replay_log(ledger.store(), replay, nullptr);
  REQUIRE(error);
  CHECK(error->fault == StoreFault::corrupt);
  CHECK(replay.events() == 4);
  const auto before = ledger.rows(Family::rows);
  CHECK(!rebuild(ledger.store(), ledger.keys(), nullptr));
  CHECK(ledger.rows(Family::rows) == before);
}
