// Properties of any life: deciding twice, and looking back.
#include <doctest/doctest.h>

#include "ledger/merkle.hpp"
#include "projections/history.hpp"
#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};
template <class... Each>
Overloaded(Each...) -> Overloaded<Each...>;

using Words = std::vector<std::string>;

/// What a command that was accepted is answered when it comes again at once; empty: it may be done again and again.
Words answers_again(const Command& command) {
  const Words already = {"accepted"}, passed = {"R-CHL-5 challenge_passed"}, stopped = {"R-LOST-5 no_open_window"};
  return std::visit(
      Overloaded{
          [&](const AnswerSecretQuestion&) { return passed; },
          [&](const UseRecoveryCode&) { return passed; },
          [&](const SubmitCode&) { return passed; },
          [&](const CancelReplacement&) { return stopped; },
          [&](const DisputeReplacement&) { return stopped; },
          // the first, a question, needed no challenge; now it can pass one
          [](const AddProof&) {
            return Words{"R-PRF-2 already_added", "R-PRF-5 challenge_unknown", "R-PRF-5 challenge_not_passed"};
          },
          [](const ReplaceProof&) {
            return Words{"R-PRF-2 already_added", "R-PRF-6 proof_unknown"};
          },
          // void: the challenge was passed with the very proof that is removed
          [](const RemoveProof&) {
            return Words{"R-PRF-5 proof_unknown", "R-PRF-5 challenge_void"};
          },
          [](const ResetPassword&) { return Words{"R-PWD-3 challenge_unknown"}; },
          [](const ChangePassword&) { return Words{"R-PWD-4 wrong_password: PasswordRejected"}; },
          [](const MarkProofsLost& marking) {
            return marking.recovery_code ? Words{"R-LOST-2 wrong_recovery_code: RecoveryCodeRejected"}
                                         : Words{"R-LOST-4 window_open"};
          },
          // expedited: the window is closed by then
          [&](const ConfirmReplacementProof&) {
            return Words{"accepted", "R-LOST-3 no_open_window"};
          },
          [](const RecordDelivery&) { return Words{"R-CHL-7 notification_unknown"}; },
          [](const CloseAccount&) { return Words{"R-LIFE-1 account_closed"}; },
          [&](const VerifyProof&) { return already; },
          [&](const TrustDevice&) { return already; },
          [&](const ChangeProfile&) { return already; },
          [&](const EnableTwoStep&) { return already; },
          [&](const DisableTwoStep&) { return already; },
          [&](const CompleteReplacement&) { return already; },
          [&](const BlockAccount&) { return already; },
          [&](const UnblockAccount&) { return already; },
          [](const auto&) { return Words{}; },
      },
      command);
}

/// The account as the fold of its events up to an instant.
Account replayed(const Journal& journal, const Id& id, const AsOf& stop) {
  Account account;
  Time now = 0;
  for (std::size_t i = 0; i < journal.events.size(); ++i) {
    const Event& event = journal.events[i];
    if ((stop.time && event.time() > *stop.time) || (stop.position && event.position() > *stop.position)) break;
    now = event.time();
    if (event.account() == id) evolve(account, event, leaf_hash(as_bytes(journal.envelopes[i])));
  }
  return settled(account, stop.time.value_or(now));
}

/// Instants at which something may change: each event's, each window's end, and a microsecond before.
std::vector<Time> instants(const Journal& journal) {
  std::vector<Time> all;
  for (const Event& event : journal.events) {
    for (const Time before : {0, 1}) all.push_back(event.time() - before);
    if (const auto* confirmed = event.as<fb::ReplacementConfirmed>()) {
      for (const Time around : {-1, 0, 1}) all.push_back(confirmed->effective_at() + around);
    }
  }
  return all;
}

/// Whether the account looks the same; nullopt on both sides: it was not there yet.
bool is_as_of(const MemoryLedger& ledger, const Id& id, const AsOf& instant, const Account& expected) {
  const auto found = account_at(ledger.store(), id, instant);
  REQUIRE(found);
  return found->has_value() ? (*found)->account == expected : !expected.exists();
}

}  // namespace

SCENARIO("R-LED-2: whatever happened, what was accepted and comes again appends nothing more") {
  std::map<std::string, int> repeated;
  const bool holds = holds_in_lives("decided twice", [&](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) {
      const Position before = ledger.log().size();
      const auto step = life.step(dice);
      if (!step || step->answer.is_refusal || ledger.log().size() == before) continue;
      const Words expected = answers_again(step->command);
      if (expected.empty()) continue;
      const std::string again = outcome(ledger.run(step->command, step->account));
      expect_in_life(life, std::ranges::find(expected, again) != expected.end(),
                     outcome(step->answer) + ", and again: " + again);
      ++repeated[again];
    }
  });
  CHECK(holds);
  for (const std::string each :
       {"accepted", "R-CHL-5 challenge_passed", "R-PRF-2 already_added", "R-LOST-4 window_open",
        "R-LOST-5 no_open_window", "R-PWD-4 wrong_password: PasswordRejected"}) {
    CAPTURE(each);
    CHECK(repeated[each] > 0);
  }
}

SCENARIO("R-LED-2 R-LOST-7: whatever happened, as_of an instant is a replay stopped there") {
  const bool holds = holds_in_lives("as_of = replay", [](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    const Journal journal(ledger);
    const std::vector<Time> times = instants(journal);
    for (const Id& id : life.accounts()) {
      for (int i = 0; i < 5; ++i) {
        const AsOf time{*rc::gen::elementOf(times), {}};
        const AsOf position{{}, *rc::gen::inRange<Position>(0, ledger.log().size())};
        expect_in_life(life, is_as_of(ledger, id, time, replayed(journal, id, time)),
                       "another account as of " + to_rfc3339(*time.time));
        expect_in_life(life, is_as_of(ledger, id, position, replayed(journal, id, position)),
                       "another account as of position " + std::to_string(*position.position));
      }
    }
  });
  CHECK(holds);
}

SCENARIO("R-LED-2 R-LOST-7: whatever happens later, as_of an instant is what was seen then") {
  const bool holds = holds_in_lives("as_of = seen", [](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    std::map<std::pair<Id, Time>, Account> seen;
    for (const std::uint64_t dice : plan.dice) {
      life.step(dice);
      const Time now = ledger.clock;
      for (const Id& id : life.accounts()) seen[{id, now}] = settled(ledger.account(id), now);
    }
    for (const auto& [when, account] : seen) {
      expect_in_life(life, is_as_of(ledger, when.first, {when.second, {}}, account),
                     "another account than was seen at " + to_rfc3339(when.second));
    }
  });
  CHECK(holds);
}
