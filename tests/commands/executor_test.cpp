#include "commands/executor.hpp"

#include <doctest/doctest.h>

#include "projections/history.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-LED-1 R-LED-5: registering appends signed events of one command and answers with their places") {
  GIVEN("a new ledger") {
    MemoryLedger ledger;
    WHEN("somebody registers") {
      const Answer answer = ledger.run(registration("owner@example.com"), std::nullopt, {.key = "register-1"});
      THEN("the answer names the account, its proofs and the events") {
        CHECK(outcome(answer) ==
              "accepted: AccountRegistered ProofAdded LinkSent ProofAdded LinkSent SignInNameConfirmationRequested");
        CHECK(answer.body["events"][0]["seq"] == 2);
        CHECK(answer.body["events"][5]["account_version"] == 6);
        CHECK(answer.body["proof_ids"].size() == 2);
        CHECK(!answer.replayed);
      }
      THEN("every event says who asked, with what key, when and why") {
        const auto envelopes = ledger.envelopes();
        REQUIRE(envelopes.size() == 8);
        for (std::size_t i = 2; i < envelopes.size(); ++i) {
          const auto event = Event::parse(as_bytes(envelopes[i]));
          REQUIRE(event);
          CHECK(event->header().service()->str() == "web");
          CHECK(event->header().command_id()->str() == "register-1");
          CHECK(event->time() == noon);
          CHECK(event->header().policy_version() == 1);
          CHECK(!flatbuffers::UnPack(*event->header().command_digest()).is_zero());
          CHECK(event->header().caused_by().has_value() == (i > 2));
        }
      }
    }
  }
}

SCENARIO("R-PRF-1 R-PWD-3: an owner verifies both proofs, passes a challenge and resets the password") {
  GIVEN("an owner whose two mailboxes are verified") {
    MemoryLedger ledger;
    const Id owner = ledger.make_owner("owner@example.com");
    WHEN("the owner passes a challenge and sets a new password") {
      const Id challenge = ledger.pass_challenge(owner, fb::Purpose::reset_password);
      const Answer answer =
          ledger.run(ResetPassword{.challenge = challenge, .password = {"New-pass2", "New-pass2"}}, owner);
      THEN("the account is recovered") {
        CHECK(outcome(answer) == "accepted: PasswordReset");
        CHECK(answer.body["state"] == "recovered");
        CHECK(ledger.account(owner).identity.passwords.size() == 2);
        CHECK(ledger.account(owner).challenges.open.empty());
      }
    }
  }
}

SCENARIO("R-LOST-6: a window's end is recorded once, as of its end, by a tick that comes late") {
  GIVEN("a confirmed replacement") {
    MemoryLedger ledger;
    const Id owner = ledger.make_owner("owner@example.com");
    const auto opened = ledger.open_window(owner, "new@example.org");
    ledger.tick();
    WHEN("a tick comes three days after its end") {
      ledger.clock = opened.effective_at + 3 * day_us;
      const auto done = ledger.tick();
      THEN("the old proofs are gone since the window's end") {
        REQUIRE(done.size() == 2);
        CHECK(outcome(done[0]) == "accepted: ReplacementCompleted");
        CHECK(outcome(done[1]) == "accepted: ProjectionDigestsRecorded");
        const Account account = ledger.account(owner);
        CHECK(account.windows.last->at == opened.effective_at);
        CHECK(account.proofs.all[0].status == ProofStatus::removed);
        CHECK(account.proofs.all[0].status_since == opened.effective_at);
        CHECK(account.proofs.all[2].status == ProofStatus::verified);
      }
      THEN("ticking again does nothing") { CHECK(ledger.tick().empty()); }
    }
  }
}
