#include "commands/life_cycle.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Subject customer(const std::string& sign_in_name = "owner@outlook.jp") {
  return given(
      {registered(sign_in_name, sign_in_name.ends_with("@outlook.jp")), mailbox("me@example.com"), verified(0)});
}

CloseAccount close(bool confirm = true, Verdict verdict = Verdict::right) {
  return {.password = "Old-pass1", .confirm = confirm, .verdict = verdict};
}
DeactivateMailbox deactivate(fb::MailboxReason reason) { return {reason}; }

void sign_in(Subject& subject) {
  REQUIRE(outcome(subject.run(RecordSignIn{.succeeded = true})) == "accepted: SignInSucceeded");
}

}  // namespace

SCENARIO("R-LIFE-1: closing needs an explicit yes and the password again, within the budget of wrong ones") {
  Subject subject = customer();
  CHECK(outcome(subject.when(close(false, Verdict::wrong))) == "R-LIFE-1 not_confirmed");
  CHECK(outcome(subject.when(close(false))) == "R-LIFE-1 not_confirmed");
  for (int left = 4; left >= 0; --left) {
    const Decision wrong = subject.run(close(true, Verdict::wrong));
    CHECK(outcome(wrong) == "R-LIFE-1 wrong_password: PasswordRejected");
    CHECK(wrong.refusal->extra["guesses_left"] == left);
  }
  const Decision spent = subject.run(close());
  CHECK(outcome(spent) == "R-CHL-5 guess_limit: PasswordRejected");
  CHECK(*spent.refusal->retry_at == subject.now + hour_us);
  subject.now += hour_us - 1;
  CHECK(outcome(subject.when(close())) == "R-CHL-5 guess_limit: PasswordRejected");
  subject.now += 1;
  CHECK(outcome(subject.run(close())) == "accepted: AccountClosed");
  CHECK(subject.folded().life.end->kind == EndKind::closed);
  CHECK(subject.folded().life.end->at == subject.now);
  CHECK(check_not_ended(subject.folded())->rule == Rule::life_1);
  CHECK(check_not_ended(subject.folded())->code == "account_closed");
}

SCENARIO("R-LIFE-2: the owner deactivates a mailbox at once, once") {
  Subject subject = customer();
  CHECK(outcome(subject.run(deactivate(fb::MailboxReason::owner))) == "accepted: MailboxDeactivated");
  CHECK(subject.folded().life.mailbox_off->reason == fb::MailboxReason::owner);
  for (const auto reason : {fb::MailboxReason::owner, fb::MailboxReason::inactive, fb::MailboxReason::never_signed_in})
    CHECK(outcome(subject.when(deactivate(reason))) == "accepted");
}

SCENARIO("R-LIFE-2: an account with a foreign name has no mailbox here") {
  Subject subject = customer("owner@example.com");
  subject.happened(draft(fb::SignInNameConfirmedT{}, {Rule::acc_2}));
  subject.now += 400 * day_us;
  for (const auto reason : {fb::MailboxReason::owner, fb::MailboxReason::inactive, fb::MailboxReason::never_signed_in})
    CHECK(outcome(subject.when(deactivate(reason))) == "R-LIFE-2 no_mailbox");
}

SCENARIO("R-LIFE-2: after 10 days without a first sign-in, or 270 without one since, to the microsecond") {
  Subject subject = customer();
  const Time born = subject.now;
  subject.now = born + 10 * day_us - 1;
  const Decision early = subject.when(deactivate(fb::MailboxReason::never_signed_in));
  CHECK(outcome(early) == "R-LIFE-2 not_due");
  CHECK(*early.refusal->retry_at == born + 10 * day_us);
  subject.now += 1;
  CHECK(outcome(subject.when(deactivate(fb::MailboxReason::never_signed_in))) == "accepted: MailboxDeactivated");
  CHECK(outcome(subject.when(deactivate(fb::MailboxReason::inactive))) == "R-LIFE-2 not_due");
  sign_in(subject);
  CHECK(outcome(subject.when(deactivate(fb::MailboxReason::never_signed_in))) == "R-LIFE-2 signed_in");
  const Time last = subject.now;
  subject.now = last + 100 * day_us;
  subject.run(RecordSignIn{.succeeded = false, .reason = "wrong_password"});  // is no sign-in
  subject.now = last + 270 * day_us - 1;
  CHECK(outcome(subject.when(deactivate(fb::MailboxReason::inactive))) == "R-LIFE-2 not_due");
  subject.now += 1;
  CHECK(outcome(subject.when(deactivate(fb::MailboxReason::inactive))) == "accepted: MailboxDeactivated");
  subject.policy.mailbox_inactive_days = 271;
  CHECK(outcome(subject.when(deactivate(fb::MailboxReason::inactive))) == "R-LIFE-2 not_due");
}

SCENARIO("R-LIFE-3: a free account expires after more than 365 days without a sign-in, a paid one never") {
  Subject subject = customer();
  sign_in(subject);
  const Time last = subject.now;
  subject.now = last + 365 * day_us;
  const Decision at_the_day = subject.when(ExpireAccount{});
  CHECK(outcome(at_the_day) == "R-LIFE-3 not_due");
  CHECK(*at_the_day.refusal->retry_at == last + 365 * day_us + 1);
  subject.now += 1;
  const Decision decision = subject.run(ExpireAccount{});
  CHECK(outcome(decision) == "accepted: AccountExpired");
  CHECK(decision.events[0].payload.AsAccountExpired()->idle_since == last);
  CHECK(check_not_ended(subject.folded())->rule == Rule::life_3);
  CHECK(check_not_ended(subject.folded())->code == "account_expired");
  Subject never = customer();
  never.now += 365 * day_us + 1;
  CHECK(outcome(never.when(ExpireAccount{})) == "accepted: AccountExpired");
  Subject paid;
  paid.happened(draft(fb::AccountRegisteredT{.plan = fb::Plan::paid, .name_confirmed = true}, {Rule::acc_1}));
  paid.now += 3'650 * day_us;
  CHECK(outcome(paid.when(ExpireAccount{})) == "R-LIFE-3 not_free");
}

SCENARIO("R-ACC-4: accounts are never merged; each try is refused and recorded, a flood of them counted") {
  Subject subject = customer();
  for (int i = 0; i < 10; ++i)
    CHECK(outcome(subject.run(MergeAccounts{"other@outlook.jp"})) == "R-ACC-4 never_merged: CommandRefused");
  CHECK(outcome(subject.run(MergeAccounts{""})) == "R-ACC-4 never_merged (counted)");
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  CHECK(outcome(ledger.run(MergeAccounts{"other@outlook.jp"}, owner)) == "R-ACC-4 never_merged: CommandRefused");
  CHECK(ledger.history(owner).ends_with("CommandRefused"));
}

SCENARIO("R-LIFE-1: after closing every command is refused by it, and what waited is not done any more") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(RecordEvidence{{{"mail_folders", "旅行"}, {"skype_id", "hanako.y"}}}, owner);
  ledger.run(recovery_form(), owner);
  const auto opened = ledger.open_window(owner, "new@example.org");
  const Id waiting = ledger.newest_mail(owner, fb::NotificationKind::recovery_received).notification;
  CHECK(outcome(ledger.run(CloseAccount{.password = "old-pass1", .confirm = true}, owner)) ==
        "R-LIFE-1 wrong_password: PasswordRejected");
  const CloseAccount command{.password = "Old-pass1", .confirm = true};
  const Answer closed = ledger.run(command, owner, {.key = "close", .body = "{}"});
  CHECK(outcome(closed) == "accepted: AccountClosed");
  CHECK(ledger.run(command, owner, {.key = "close", .body = "{}"}).replayed);
  const std::string refused = "R-LIFE-1 account_closed";
  CHECK(outcome(ledger.run(command, owner)) == refused);
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, owner)) == refused);
  CHECK(outcome(ledger.run(StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}}, owner)) ==
        refused);
  CHECK(outcome(ledger.run(recovery_form(), owner)) == refused);
  CHECK(outcome(ledger.run(RecordEvidence{{{"skype_id", "x.y"}}}, owner)) == refused);
  CHECK(outcome(ledger.run(BlockAccount{"suspected_intrusion", ""}, owner)) == refused);
  CHECK(outcome(ledger.run(DeactivateMailbox{fb::MailboxReason::owner}, owner)) == refused);
  CHECK(outcome(ledger.run(MergeAccounts{"other@outlook.jp"}, owner)) == refused);
  const RecordAccess look{{.reason = "a call", .case_number = "1", .investigator = ""}, {"profile"}};
  CHECK(outcome(ledger.run(look, owner)) == refused);
  const RecordDelivery delivery{
      .notification = waiting, .result = fb::DeliveryResult::accepted, .detail = "", .waiting = {}};
  CHECK(outcome(ledger.run(delivery, owner)) == "R-CHL-7 notification_unknown");  // withdrawn
  ledger.clock = opened.effective_at + 400 * day_us;
  const std::string history = ledger.history(owner);
  ledger.tick();
  CHECK(ledger.history(owner) == history);
  for (const auto& [key, value] : ledger.rows(Family::rows)) {
    CHECK(!key.starts_with('E'));
    CHECK(!key.starts_with('D'));
  }
}

SCENARIO("R-LIFE-1 R-BLK-1: a blocked account, to which nobody can be signed in, is not closed") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(BlockAccount{"suspected_intrusion", ""}, owner);
  const std::string history = ledger.history(owner);
  const Answer answer = ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, owner);
  CHECK(answer.is_refusal);
  CHECK(outcome(answer).starts_with("R-BLK-"));
  CHECK(ledger.run(CloseAccount{.password = "old-pass1", .confirm = true}, owner).is_refusal);
  CHECK(ledger.history(owner) == history);  // nor does it tell whether the password was right
  CHECK(!ledger.account(owner).life.end);
}

SCENARIO("R-LIFE-3 R-BLK-1: an account that ended is not listed as blocked") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@example.com");
  ledger.run(BlockAccount{"suspected_intrusion", ""}, owner);
  CHECK(ledger.rows(Family::rows).count(blocked_row_key(owner)) == 1);
  ledger.wait(366 * day_us);
  ledger.tick();
  CHECK(ledger.history(owner).ends_with("AccountExpired"));
  CHECK(ledger.rows(Family::rows).count(blocked_row_key(owner)) == 0);
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, {}));
  const auto difference = first_difference(ledger.store(), replay);
  REQUIRE(difference.has_value());
  CHECK(!difference->has_value());
}

SCENARIO("R-LIFE-1: a closed account's name is handed out again only when the policy says so") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const std::string taken = "R-ACC-1 sign_in_name_taken";
  ledger.run(AdoptPolicy{{{"sign_in_name_reuse", "after_closing"}}});
  CHECK(outcome(ledger.run(registration("owner@outlook.jp"))) == taken);
  ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, owner);
  ledger.run(AdoptPolicy{{{"sign_in_name_reuse", "never"}}});
  CHECK(Policy().sign_in_name_reuse == "never");
  CHECK(outcome(ledger.run(registration("Owner@Outlook.JP"))) == taken);
  ledger.run(AdoptPolicy{{{"sign_in_name_reuse", "after_closing"}}});
  const Answer again = ledger.run(registration("Owner@Outlook.JP"));
  REQUIRE(!again.is_refusal);
  const Id second = id_in(again, "account");
  CHECK(second != owner);
  CHECK(outcome(ledger.run(registration("owner@outlook.jp"))) == taken);
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, second)) == "accepted: SignInSucceeded");
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, owner)) == "R-LIFE-1 account_closed");
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, {}));
  const auto difference = first_difference(ledger.store(), replay);
  REQUIRE(difference.has_value());
  CHECK(!difference->has_value());
}
