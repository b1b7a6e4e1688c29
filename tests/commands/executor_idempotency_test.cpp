#include <doctest/doctest.h>

#include "projections/history.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

FaultKind fault_of(const Result<Answer, Fault>& result) {
  REQUIRE(!result.has_value());
  return result.error().kind;
}

}  // namespace

SCENARIO("R-LED-1: the same key and body get the first answer again, one-time secrets included, and no second event") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Id challenge = ledger.pass_challenge(owner, fb::Purpose::change_security_info);
  const IssueRecoveryCode issue{challenge};
  const MarkProofsLost lost;
  const Answer first = ledger.run(issue, owner, {.key = "issue-1", .body = "{}"});
  const Answer marked = ledger.run(lost, owner, {.key = "lost-1", .body = "{}"});
  const auto size = ledger.log().size();
  for (const bool reopened : {false, true}) {
    if (reopened) ledger.reopen();
    CAPTURE(reopened);
    const Answer again = ledger.run(issue, owner, {.key = "issue-1", .body = "{}"});
    CHECK(again.replayed);
    CHECK(again.body == first.body);
    CHECK(again.body["recovery_code"].get<std::string>().size() == 29);
    const Answer marked_again = ledger.run(lost, owner, {.key = "lost-1", .body = "{}"});
    CHECK(marked_again.replayed);
    CHECK(marked_again.body["replacement_token"] == marked.body["replacement_token"]);
    CHECK(ledger.log().size() == size);
  }
}

SCENARIO("R-LED-1: a registration sent twice makes one account") {
  MemoryLedger ledger;
  const Envelope envelope{.key = "register-1", .body = "{\"name\":1}"};
  const Answer first = ledger.run(registration("owner@outlook.jp"), std::nullopt, envelope);
  const Answer again = ledger.run(registration("owner@outlook.jp"), std::nullopt, envelope);
  CHECK(again.replayed);
  CHECK(again.body == first.body);
  CHECK(outcome(ledger.run(registration("OWNER@outlook.jp"))) == "R-ACC-1 sign_in_name_taken");
}

SCENARIO("R-LED-1: another body, command or account under a used key is a fault; another service's key is its own") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp"), other = ledger.make_owner("other@outlook.jp");
  const RecordSignIn sign_in{.succeeded = true, .device_id = "pc-1"};
  const Envelope used{.key = "sign-in-1", .body = "{\"a\":1}"};
  CHECK(outcome(ledger.run(sign_in, owner, used)) == "accepted: SignInSucceeded");
  const auto size = ledger.log().size();
  for (const bool reopened : {false, true}) {
    if (reopened) ledger.reopen();
    CHECK(fault_of(ledger.execute(sign_in, owner, {.key = "sign-in-1", .body = "{\"a\":2}"})) == FaultKind::key_reused);
    CHECK(fault_of(ledger.execute(sign_in, other, used)) == FaultKind::key_reused);
    CHECK(fault_of(ledger.execute(BlockAccount{"reason", ""}, owner, used)) == FaultKind::key_reused);
  }
  CHECK(ledger.log().size() == size);
  CHECK(!ledger.run(sign_in, owner, {.key = "sign-in-1", .body = "{\"a\":1}", .service = "phone"}).replayed);
}

SCENARIO("R-LED-1: a refusal that was recorded is answered again, one that was not is decided anew") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(recovery_form(), owner);
  ledger.run(recovery_form(), owner);
  const Answer refused = ledger.run(recovery_form(), owner, {.key = "third", .body = "{}"});
  CHECK(outcome(refused) == "R-REC-3 attempts_used_up: RecoveryRefused");
  const Answer unrecorded = ledger.run(BlockAccount{"", ""}, owner, {.key = "block", .body = "{}"});
  CHECK(outcome(unrecorded) == "R-BLK-1 reason_not_a_word");
  ledger.wait(2 * day_us);
  const Answer again = ledger.run(recovery_form(), owner, {.key = "third", .body = "{}"});
  CHECK(again.replayed);
  CHECK(again.is_refusal);
  CHECK(again.body == refused.body);
  const Answer decided = ledger.run(BlockAccount{"reason", ""}, owner, {.key = "block", .body = "{}"});
  CHECK(outcome(decided) == "accepted: AccountBlocked");
  CHECK(!decided.replayed);
}

SCENARIO("R-LED-2: expected_version is compared with the account as it stands, after a first answer is looked for") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const std::uint64_t version = ledger.account(owner).head.version;
  const RecordSignIn sign_in{.succeeded = true};
  for (const std::uint64_t wrong : {version - 1, version + 1}) {
    const auto result = ledger.execute(sign_in, owner, {.expected_version = wrong});
    CHECK(fault_of(result) == FaultKind::version_conflict);
    CHECK(result.error().current_version == version);
  }
  const Envelope right{.key = "sign-in-1", .body = "{}", .expected_version = version};
  CHECK(outcome(ledger.run(sign_in, owner, right)) == "accepted: SignInSucceeded");
  CHECK(ledger.run(sign_in, owner, right).replayed);
  CHECK(ledger.account(owner).head.version == version + 1);
}

SCENARIO("R-LED-1: an account that does not exist is a fault, not a refusal, and leaves nothing behind") {
  MemoryLedger ledger;
  const auto size = ledger.log().size();
  CHECK(fault_of(ledger.execute(BlockAccount{"reason", ""}, numbered(5))) == FaultKind::no_such_account);
  CHECK(fault_of(ledger.execute(BlockAccount{"reason", ""}, std::nullopt)) == FaultKind::no_such_account);
  CHECK(fault_of(ledger.execute(BlockAccount{"reason", ""}, Id{})) == FaultKind::no_such_account);
  CHECK(ledger.log().size() == size);
}

SCENARIO("R-LED-1: a command is all or nothing") {
  MemoryLedger ledger;
  const auto size = ledger.log().size();
  RegisterAccount command = registration("owner@outlook.jp");
  command.proofs.push_back(new_mailbox("nobody"));
  CHECK(outcome(ledger.run(command)) == "R-PRF-1 invalid_email");
  CHECK(ledger.log().size() == size);
  CHECK(ledger.rows(Family::keys).size() == 3);  // the ledger's own
  CHECK(ledger.rows(Family::answers).empty());
  CHECK(outcome(ledger.run(registration("owner@outlook.jp"))).starts_with("accepted"));
}
