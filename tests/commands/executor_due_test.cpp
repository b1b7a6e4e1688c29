#include <doctest/doctest.h>

#include <thread>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::size_t count_of(const MemoryLedger& ledger, const Id& id, const std::string& name) {
  const std::string history = ledger.history(id);
  std::size_t count = 0;
  for (std::size_t at = history.find(name); at != std::string::npos; at = history.find(name, at + 1)) ++count;
  return count;
}

/// What a tick did to accounts, one answer a line; the ledger's own digests left out.
std::string done(MemoryLedger& ledger) {
  std::string lines;
  for (const Answer& answer : ledger.tick()) {
    const std::string words = outcome(answer);
    if (words.find("Digests") == std::string::npos) lines += words.substr(words.find(": ") + 2) + "\n";
  }
  return lines;
}

void tick_from_many_threads(MemoryLedger& ledger) {
  std::atomic<int> faults = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { faults += !ledger.executor().tick().has_value(); });
  threads.clear();
  CHECK(faults == 0);
}

void check_replay(const MemoryLedger& ledger) {
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, {}));
  const auto difference = first_difference(ledger.store(), replay);
  REQUIRE(difference.has_value());
  CHECK(!difference->has_value());
}

/// Neither on the hour nor on the day: due rows keep whole hours.
constexpr Duration odd = 17 * minute_us + 123'457;

}  // namespace

SCENARIO("R-REC-7: a tick decides each submission once, however often, and the survey follows on the second day") {
  MemoryLedger ledger(Json{{"recovery_threshold", 9}});
  const Id owner = ledger.make_owner("owner@outlook.jp"), other = ledger.make_owner("other@outlook.jp");
  done(ledger);
  const Time start = ledger.clock;
  ledger.run(recovery_form(), owner);
  CHECK(done(ledger) == "RecoveryVerified ResetLinkIssued\n");
  CHECK(done(ledger).empty());
  SubmitRecovery wrong = recovery_form();
  wrong.answers[0].values = {"Suzuki"};
  ledger.run(wrong, other);
  tick_from_many_threads(ledger);
  CHECK(count_of(ledger, other, "RecoveryNotVerified") == 1);
  CHECK(count_of(ledger, owner, "RecoveryVerified") == 1);
  ledger.reopen();
  CHECK(done(ledger).empty());
  ledger.clock = start + 2 * day_us - 1;
  CHECK(done(ledger).empty());
  ledger.clock = start + 2 * day_us;
  tick_from_many_threads(ledger);
  for (const Id& id : {owner, other}) CHECK(count_of(ledger, id, "RecoverySurveySent") == 1);
  ledger.clock = start + 3 * day_us;
  CHECK(done(ledger).empty());
  check_replay(ledger);
}

SCENARIO("R-REC-7: a reply that is late can be seen until a late tick gives it") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Time start = ledger.clock;
  const Id recovery = id_in(ledger.run(recovery_form(), owner), "recovery_id");
  ledger.wait(30 * hour_us);
  const Recovery late = *ledger.account(owner).recoveries.find(recovery);
  CHECK(late.reply_due_at == start + 24 * hour_us);
  CHECK(late.outcome == RecoveryOutcome::pending);
  CHECK(ledger.rows(Family::rows).count(due_row_key({DueKind::recovery_reply, start, owner, recovery})) == 1);
  CHECK(done(ledger) == "RecoveryNotVerified\n");
  const Recovery decided = *ledger.account(owner).recoveries.find(recovery);
  CHECK(decided.outcome == RecoveryOutcome::not_verified);
  CHECK(decided.decided_at == start + 30 * hour_us);
  CHECK(decided.reply_due_at == start + 24 * hour_us);
  CHECK(ledger.rows(Family::rows).count(due_row_key({DueKind::recovery_reply, start, owner, recovery})) == 0);
}

SCENARIO("R-REC-7: a tick answers a form that came before the block with not verified, and the one after it as it is") {
  MemoryLedger ledger(Json{{"recovery_threshold", 9}});
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Id before = id_in(ledger.run(recovery_form(), owner), "recovery_id");
  ledger.run(BlockAccount{"suspected_intrusion", ""}, owner);
  CHECK(ledger.account(owner).recoveries.find(before)->is_stale);
  ledger.reopen();
  CHECK(done(ledger) == "RecoveryNotVerified\n");
  CHECK(ledger.newest_mail(owner, fb::NotificationKind::recovery_not_verified).secret.empty());
  const Id after = id_in(ledger.run(recovery_form(), owner), "recovery_id");
  CHECK(!ledger.account(owner).recoveries.find(after)->is_stale);
  CHECK(done(ledger) == "RecoveryVerified ResetLinkIssued\n");
  check_replay(ledger);
}

SCENARIO("R-REC-8 R-BLK-2: from the form to the mailed link to a lifted block, through the outbox") {
  MemoryLedger ledger(Json{{"recovery_threshold", 9}});
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(BlockAccount{"suspected_intrusion", ""}, owner);
  ledger.run(recovery_form(), owner);
  CHECK(ledger.newest_mail(owner, fb::NotificationKind::recovery_received).recipient == fb::Recipient::sealed_address);
  done(ledger);
  const Mail mail = ledger.newest_mail(owner, fb::NotificationKind::recovery_verified);
  CHECK(mail.recipient == fb::Recipient::sealed_address);
  const auto reset = [&](const std::string& token, const std::string& password) {
    return ledger.run(ResetPassword{.reset_token = token, .password = {password, password}}, owner);
  };
  CHECK(outcome(reset("guess", "New-pass2")) == "R-REC-8 reset_link_unknown");
  CHECK(outcome(reset(mail.secret, "Old-pass1")) == "R-PWD-4 same_as_current");
  const Answer answer = reset(mail.secret, "New-pass2");
  CHECK(outcome(answer) == "accepted: PasswordReset AccountUnblocked");
  CHECK(answer.body["proofs_kept"].size() == 2);
  CHECK(answer.body["proofs_kept"][0]["masked"] == "fi*****@example.com");
  CHECK(answer.body["proofs_removed"].empty());
  CHECK(outcome(reset(mail.secret, "New-pass3")) == "R-REC-8 reset_link_unknown");
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, owner)) == "accepted: SignInSucceeded");
}

SCENARIO("R-LIFE-2: a mailbox never signed in to goes after 10 days, at any tick from then on, once") {
  MemoryLedger ledger;
  ledger.wait(odd);
  const Id owner = ledger.make_owner("owner@outlook.jp"), foreign = ledger.make_owner("owner@example.com");
  const Time born = ledger.account(owner).identity.registered_at;
  for (const Time early : {born + day_us, born + 10 * day_us - hour_us, born + 10 * day_us - 1}) {
    ledger.clock = early;
    CHECK(done(ledger).empty());
  }
  GIVEN("a tick on time") { ledger.clock = born + 10 * day_us; }
  GIVEN("a late one after a restart") {
    ledger.clock = born + 200 * day_us;
    ledger.reopen();
  }
  CHECK(done(ledger) == "MailboxDeactivated\n");
  CHECK(done(ledger).empty());
  CHECK(ledger.account(owner).life.mailbox_off->reason == fb::MailboxReason::never_signed_in);
  CHECK(count_of(ledger, foreign, "MailboxDeactivated") == 0);
  check_replay(ledger);
}

SCENARIO("R-LIFE-2: a mailbox goes 270 days after the last sign-in, however many ticks ran in between") {
  MemoryLedger ledger;
  ledger.wait(odd);
  const Id owner = ledger.make_owner("owner@outlook.jp");
  Time last = 0;
  for (int visit = 0; visit < 3; ++visit) {  // within one hour of each other, and days apart
    ledger.wait(visit == 2 ? 100 * day_us : minute_us);
    if (visit < 2) CHECK(done(ledger).empty());
    ledger.run(RecordSignIn{.succeeded = true}, owner);
    last = ledger.clock;
  }
  for (const Time early : {last + 200 * day_us, last + 270 * day_us - 5 * minute_us, last + 270 * day_us - 1}) {
    ledger.clock = early;
    CHECK(done(ledger).empty());
    CHECK(done(ledger).empty());
  }
  ledger.clock = last + 270 * day_us;
  tick_from_many_threads(ledger);
  CHECK(count_of(ledger, owner, "MailboxDeactivated") == 1);
  CHECK(ledger.account(owner).life.mailbox_off->reason == fb::MailboxReason::inactive);
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, owner)) == "accepted: SignInSucceeded");
  check_replay(ledger);
}

SCENARIO("R-LIFE-3: a free account expires one microsecond after 365 days, a paid one never") {
  MemoryLedger ledger;
  ledger.wait(odd);
  const Id owner = ledger.make_owner("owner@example.com");
  RegisterAccount paying = registration("paying@example.com");
  paying.plan = fb::Plan::paid;
  const Id paid = id_in(ledger.run(paying), "account");
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  const Time last = ledger.clock;
  ledger.clock = last + 365 * day_us;
  CHECK(done(ledger).empty());
  CHECK(done(ledger).empty());
  ledger.clock = last + 365 * day_us + 1;
  CHECK(done(ledger) == "AccountExpired\n");
  CHECK(done(ledger).empty());
  CHECK(ledger.account(owner).life.end->kind == EndKind::expired);
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, owner)) == "R-LIFE-3 account_expired");
  ledger.clock = last - day_us;  // a clock that went back
  CHECK(done(ledger).empty());
  ledger.clock = last + 4'000 * day_us;
  CHECK(done(ledger) == "AccountClosed\nErasureCompleted\n");  // kept long enough
  CHECK(done(ledger).empty());
  CHECK(!ledger.account(paid).life.end);
  check_replay(ledger);
}

SCENARIO("R-LIFE-2 R-LIFE-3: one tick long after does all that fell due, in order; a sign-in in time stops it") {
  MemoryLedger ledger;
  ledger.wait(odd);
  const Id idle = ledger.make_owner("idle@outlook.jp"), busy = ledger.make_owner("busy@outlook.jp");
  for (const Id& id : {idle, busy}) {
    ledger.run(RecordSignIn{.succeeded = true}, id);
    ledger.run(recovery_form(), id);
    ledger.run(RecordEvidence{{{"mail_folders", "旅行"}, {"skype_id", "hanako.y"}}}, id);
  }
  ledger.wait(360 * day_us);
  ledger.run(RecordSignIn{.succeeded = true}, busy);
  ledger.wait(40 * day_us);
  tick_from_many_threads(ledger);
  CHECK(
      ledger.history(idle).ends_with("RecoveryNotVerified RecoverySurveySent MailboxDeactivated DataKeyErased "
                                     "AccountExpired ErasureCompleted"));
  CHECK(ledger.history(busy).ends_with("SignInSucceeded RecoveryNotVerified RecoverySurveySent"));
  for (const Id& id : {idle, busy}) {
    for (const auto field : {fb::RecoveryField::mail_folders, fb::RecoveryField::skype_id}) {
      const std::string prefix = evidence_rows_prefix(id, field);
      const auto rows = ledger.rows(Family::rows);
      const auto at = rows.lower_bound(prefix);
      CHECK((at != rows.end() && at->first.starts_with(prefix)) == (id == busy));
    }
  }
  CHECK(done(ledger).empty());
  check_replay(ledger);
}

SCENARIO("R-LIFE-2 R-LED-4: a policy adopted meanwhile moves what is due, both ways") {
  MemoryLedger ledger;
  ledger.wait(odd);
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.wait(8 * day_us);
  CHECK(done(ledger).empty());
  ledger.run(AdoptPolicy{{{"mailbox_first_sign_in_days", 30}}});
  ledger.wait(4 * day_us);
  CHECK(done(ledger).empty());
  ledger.run(AdoptPolicy{{{"mailbox_first_sign_in_days", 5}}});
  CHECK(done(ledger) == "MailboxDeactivated\n");
  CHECK(ledger.account(owner).life.mailbox_off->at == ledger.clock);
}
