#include "commands/replacement.hpp"

#include <doctest/doctest.h>

#include "commands/passwords.hpp"
#include "commands/sign_in.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr Duration window_us = 30 * day_us;

/// An owner who marked all lost, proposed new@example.org and confirmed it now.
Subject waiting_owner() {
  Subject subject = owner();
  for (const Past& step : {marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) step(subject);
  return subject;
}

CancelReplacement cancel_by_notice(const Subject& subject, std::uint64_t window = 70) {
  CancelReplacement command;
  command.replacement = numbered(window);
  command.link_token = subject.vault().secret(OneTime::notice_link, numbered(window));
  return command;
}

template <class Stop>
Stop stop(std::uint64_t window) {
  Stop command;
  command.replacement = numbered(window);
  return command;
}

std::string recovery_code_of(const Subject& subject, std::uint64_t id) {
  return subject.vault().secret(OneTime::recovery_code, numbered(id));
}

std::vector<ProofStatus> statuses(const Subject& subject) {
  std::vector<ProofStatus> result;
  const Account account = subject.account();
  for (const Proof& proof : account.proofs.all) result.push_back(proof.status);
  return result;
}

}  // namespace

SCENARIO(
    "R-LOST-1 R-LOST-4: with no verified proof that can be written to, the notice goes to the sign-in name's mailbox") {
  for (const Subject& subject :
       {given({registered(), mailbox("a@example.com")}), given({registered(), question("First pet?")})}) {
    const Decision decision = subject.when(MarkProofsLost{});
    REQUIRE(outcome(decision) == "accepted: ProofsMarkedLost ReplacementOpened");
    const Draft& opened = decision.events.back();
    REQUIRE(opened.notifications.size() == 1);
    CHECK(opened.notifications[0].kind == fb::NotificationKind::replacement_pending);
    CHECK(opened.notifications[0].recipient == fb::Recipient::sign_in_name);
    CHECK(opened.notifications[0].secret_id == opened.payload.AsReplacementOpened()->replacement_id);
  }
}

SCENARIO("R-LOST-1: a marking that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = given({registered(), mailbox("a@example.com"), mailbox("b@example.com"), recovery_code(60)});
  MarkProofsLost command{{numbered(99)}, "00000-00000-00000-00000-00000"};
  CHECK(outcome(subject.when(command)) == "R-LOST-2 wrong_recovery_code: RecoveryCodeRejected");
  command.recovery_code.reset();
  CHECK(outcome(subject.when(command)) == "R-LOST-1 proof_unknown");
  command.proofs = {subject.proof(0).id};
  CHECK(outcome(subject.when(command)) == "R-LOST-1 proof_unknown");
  command.proofs = {};
  verified(0)(subject);
  CHECK(outcome(subject.run(command)) == "accepted: ProofsMarkedLost ReplacementOpened");
  CHECK(outcome(subject.when(command)) == "R-LOST-4 window_open");
  CHECK(statuses(subject) == std::vector{ProofStatus::marked_lost, ProofStatus::unverified});
}

SCENARIO("R-LOST-1: all verified proofs are marked, or those named") {
  Subject subject = owner();
  CHECK(subject.when(MarkProofsLost{}).events.front().payload.AsProofsMarkedLost()->proof_ids.size() == 2);
  subject.run(MarkProofsLost{{subject.proof(1).id}, {}});
  CHECK(statuses(subject) == std::vector{ProofStatus::verified, ProofStatus::marked_lost});
}

SCENARIO("R-LOST-4: a second mark-lost neither restarts nor stacks a window") {
  Subject subject = waiting_owner();
  const Time effective_at = *subject.account().windows.open->effective_at;
  subject.now += 10 * day_us;
  for (const MarkProofsLost& again : {MarkProofsLost{}, MarkProofsLost{{subject.proof(0).id}, {}}}) {
    const Decision decision = subject.run(again);
    CHECK(outcome(decision) == "R-LOST-4 window_open");
    CHECK(decision.refusal->retry_at == effective_at);
    CHECK(!decision.refusal->extra.contains("replacement_id"));  // who knows it may put a proof into the window
  }
  CHECK(*subject.account().windows.open->effective_at == effective_at);
}

SCENARIO("R-LOST-4: the notice of a pending change goes to every proof, those marked lost above all, and links to it") {
  Subject subject = owner();
  const Decision marking = subject.run(MarkProofsLost{});
  const Draft& opened = marking.events.at(1);
  const Id window = opened.payload.AsReplacementOpened()->replacement_id;
  REQUIRE(opened.notifications.size() == 2);
  for (const auto& notification : opened.notifications) {
    CHECK(notification.kind == fb::NotificationKind::replacement_pending);
    CHECK(notification.secret_id == window);
  }
  subject.run(ProposeReplacementProof{window, new_mailbox("new@example.org")});
  const Decision confirming = subject.run(ConfirmReplacementProof{
      .replacement = window, .link_token = subject.secret_of(2), .account_named = "owner@outlook.jp"});
  CHECK(outcome(confirming) == "accepted: ReplacementConfirmed");
  CHECK(confirming.events.front().notifications.size() == 2);
  CHECK(marking.returns["replacement_token"] == subject.vault().secret(OneTime::opener_token, window));
}

SCENARIO("R-LOST-3: a proposal that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = owner();
  ProposeReplacementProof command{numbered(70), new_question("First pet?", "Pochi")};
  CHECK(outcome(subject.when(command)) == "R-LOST-3 no_open_window");
  CHECK(outcome(waiting_owner().when(command)) == "R-LOST-4 already_confirmed");
  marked_lost(70)(subject);
  CHECK(outcome(subject.when(ProposeReplacementProof{numbered(71), command.proof})) == "R-LOST-3 no_open_window");
  CHECK(outcome(subject.when(command)) == "R-LOST-3 kind_not_offered");
  command.proof = {.kind = fb::ProofKind::authenticator_app, .totp_secret = "GEZDGNBVGY3TQOJQ"};
  CHECK(outcome(subject.when(command)) == "R-LOST-3 kind_not_offered");
  command.proof = new_mailbox("nobody");
  CHECK(outcome(subject.when(command)) == "R-PRF-1 invalid_email");
  command.proof = new_phone("0");
  CHECK(outcome(subject.when(command)) == "R-PRF-2 invalid_phone");
  command.proof = new_mailbox("MSABC123@outlook.com");
  CHECK(outcome(subject.when(command)) == "accepted: ReplacementProofProposed LinkSent");  // told to nobody (R-ACC-6)
  command.proof = new_mailbox("new@example.org");
  for (int i = 0; i < 10; ++i)  // codes to the owner's own proofs are another quota
    subject.happened(send_code_to(subject.proof(1).id, Id{}, fb::Channel::sms, subject.context()));
  CHECK(outcome(subject.when(command)) == "accepted: ReplacementProofProposed LinkSent");
  for (int i = 0; i < 10; ++i)
    subject.happened(send_code_to(subject.proof(1).id, Id{}, fb::Channel::sms, subject.context(), numbered(70)));
  CHECK(outcome(subject.when(command)) == "R-CHL-5 account_send_limit");
  subject.now += hour_us;
  CHECK(outcome(subject.run(command)) == "accepted: ReplacementProofProposed LinkSent");
  command.proof = new_phone("080-1111-2222");
  CHECK(outcome(subject.run(command)) == "accepted: ReplacementProofProposed CodeSent");
  CHECK(statuses(subject) ==
        std::vector{ProofStatus::marked_lost, ProofStatus::marked_lost, ProofStatus::removed, ProofStatus::proposed});
}

SCENARIO("R-LOST-3 R-CHL-5: proposing the same destination again refills neither its guesses nor its sends") {
  Subject subject = owner();
  marked_lost(70)(subject);
  const ProposeReplacementProof command{numbered(70), new_phone("080-1111-2222")};
  subject.run(command);
  const auto newest = [&]() -> const Proof& { return subject.folded().proofs.all.back(); };
  const ConfirmReplacementProof wrong{.replacement = numbered(70), .code = "none"};
  for (int i = 0; i < 5; ++i) CHECK(outcome(subject.run(wrong)) == "R-CHL-5 wrong_code: CodeRejected");
  CHECK(outcome(subject.run(command)) == "accepted: ReplacementProofProposed CodeSent");
  CHECK(outcome(subject.run(wrong)) == "R-CHL-5 guess_limit: CodeRejected");
  for (int i = 0; i < 3; ++i) CHECK(outcome(subject.run(command)) == "accepted: ReplacementProofProposed CodeSent");
  CHECK(outcome(subject.run(command)) == "R-CHL-5 proof_send_limit");
  subject.run(ProposeReplacementProof{numbered(70), new_phone("080-3333-4444")});
  CHECK(newest().wrong_guesses.empty());
}

SCENARIO("R-LOST-3: a confirmation that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = owner();
  ConfirmReplacementProof command{
      .replacement = numbered(70), .link_token = "wrong", .account_named = "other@outlook.jp"};
  CHECK(outcome(subject.when(command)) == "R-LOST-3 no_open_window");
  marked_lost(70)(subject);
  CHECK(outcome(subject.when(command)) == "R-LOST-3 nothing_proposed");
  proposed(70, "new@example.org")(subject);
  CHECK(outcome(subject.when(command)) == "R-CHL-5 wrong_code: CodeRejected");
  command.link_token = subject.secret_of(2);  // without it nobody is told whether a name is the account's (R-ACC-6)
  CHECK(outcome(subject.when(command)) == "R-LOST-3 wrong_account_named");
  command.account_named.reset();
  CHECK(outcome(subject.when(command)) == "R-LOST-3 wrong_account_named");
  command.account_named = "ＯＷＮＥＲ@outlook.JP";
  CHECK(outcome(subject.when(ConfirmReplacementProof{.replacement = numbered(70), .code = "1234567"})) ==
        "R-CHL-5 no_code: CodeRejected");
  subject.now += subject.policy.link_ttl_seconds * second_us;
  CHECK(outcome(subject.when(command)) == "R-CHL-5 code_expired: CodeRejected");
  subject.now -= 1;
  const Decision confirming = subject.run(command);
  CHECK(outcome(confirming) == "accepted: ReplacementConfirmed");
  CHECK(*subject.account().windows.open->effective_at == subject.now + window_us);
  CHECK(confirming.returns["effective_at"] == to_rfc3339(subject.now + window_us));
  subject.now += day_us;
  CHECK(outcome(subject.run(command)) == "accepted");
  CHECK(*subject.account().windows.open->effective_at == subject.now - day_us + window_us);
}

SCENARIO("R-LOST-3: a phone is confirmed by its code, and the days count from there") {
  Subject subject = owner();
  marked_lost(70)(subject);
  subject.now += 3 * day_us;
  subject.run(ProposeReplacementProof{numbered(70), new_phone("080-1111-2222")});
  subject.now += 5 * minute_us;
  subject.policy.replacement_days = 7;
  CHECK(outcome(subject.run(ConfirmReplacementProof{.replacement = numbered(70), .code = subject.secret_of(2)})) ==
        "accepted: ReplacementConfirmed");
  CHECK(*subject.account().windows.open->effective_at == subject.now + 7 * day_us);
}

SCENARIO("R-LOST-5: until the last microsecond it can be cancelled, at the very instant of effect the effect wins") {
  Subject subject = waiting_owner();
  const Time effective_at = *subject.account().windows.open->effective_at;
  CHECK(effective_at == subject.now + window_us);
  subject.now = effective_at - 1;
  WHEN("it is cancelled one microsecond before") {
    CHECK(outcome(subject.run(cancel_by_notice(subject))) == "accepted: ReplacementCancelled");
    THEN("the old proofs stay and the new one goes") {
      CHECK(statuses(subject) == std::vector{ProofStatus::verified, ProofStatus::verified, ProofStatus::removed});
      subject.now = effective_at + day_us;
      CHECK(statuses(subject) == std::vector{ProofStatus::verified, ProofStatus::verified, ProofStatus::removed});
    }
  }
  WHEN("it is cancelled at that instant") {
    subject.now = effective_at;
    CHECK(outcome(subject.when(cancel_by_notice(subject))) == "R-LOST-5 no_open_window");
    CHECK(statuses(subject) == std::vector{ProofStatus::removed, ProofStatus::removed, ProofStatus::verified});
  }
}

SCENARIO("R-LOST-5: notice link, opener's token or a fresh challenge on an old proof stop it; nothing else does") {
  Subject subject = waiting_owner();
  const Vault& vault = subject.vault();
  auto command = stop<CancelReplacement>(70);
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  command.link_token = vault.secret(OneTime::link, numbered(70));
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  command.link_token = vault.secret(OneTime::opener_token, numbered(70));
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  command.replacement_token = vault.secret(OneTime::notice_link, numbered(70));
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  command.challenge = numbered(99);
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  CHECK(outcome(subject.when(stop<CancelReplacement>(71))) == "R-LOST-5 no_open_window");
  passed(fb::Purpose::sensitive_page, 80)(subject);
  command.challenge = numbered(80);
  subject.now += subject.policy.step_up_ttl_seconds * second_us;
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  subject.now -= 1;
  const auto by = [&](const CancelReplacement& with) { return subject.when(with).returns.value("by", "nobody"); };
  CHECK(by(command) == "old_proof");
  command = stop<CancelReplacement>(70);
  command.replacement_token = vault.secret(OneTime::opener_token, numbered(70));
  CHECK(by(command) == "opener_token");
  CHECK(by(cancel_by_notice(subject)) == "notice_link");
}

SCENARIO("R-LOST-5: a challenge passed with a proof that is gone since stops nothing") {
  Subject subject = waiting_owner();
  passed(fb::Purpose::sensitive_page, 80)(subject);
  auto command = stop<CancelReplacement>(70);
  command.challenge = numbered(80);
  CHECK(outcome(subject.when(command)) == "accepted: ReplacementCancelled");
  removed(0)(subject);
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
}

SCENARIO("R-LOST-5: disputing closes the window, blocks the account and tells every proof") {
  Subject subject = waiting_owner();
  auto command = stop<DisputeReplacement>(70);
  CHECK(outcome(subject.when(command)) == "R-LOST-5 not_entitled");
  command.link_token = subject.vault().secret(OneTime::notice_link, numbered(70));
  const Decision decision = subject.run(command);
  CHECK(outcome(decision) == "accepted: ReplacementDisputed AccountBlocked");
  CHECK(decision.events.back().notifications.size() == 2);
  CHECK(subject.account().block.current->reason == "disputed_replacement");
  CHECK(subject.account().windows.last->outcome == WindowOutcome::disputed);
  CHECK(statuses(subject) == std::vector{ProofStatus::verified, ProofStatus::verified, ProofStatus::removed});
  CHECK(outcome(subject.when(command)) == "R-LOST-5 no_open_window");
  CHECK(outcome(subject.when(RecordSignIn{.succeeded = true})) == "R-BLK-1 blocked: SignInRefused");
}

SCENARIO("R-LOST-5: an account blocked already is not blocked twice") {
  Subject subject = waiting_owner();
  blocked("suspected_intrusion")(subject);
  auto command = stop<DisputeReplacement>(70);
  command.link_token = subject.vault().secret(OneTime::notice_link, numbered(70));
  const Decision disputed = subject.run(command);
  CHECK(outcome(disputed) == "accepted: ReplacementDisputed");
  CHECK(disputed.events.front().notifications.size() == 2);  // no second block tells the proofs
  CHECK(subject.account().block.current->reason == "suspected_intrusion");
}

SCENARIO("R-LOST-2: a valid recovery code makes the replacement effective at once, and only it shortens a window") {
  GIVEN("a window opened with the code") {
    Subject subject = owner();
    recovery_code(60)(subject);
    const Decision marking = subject.run(MarkProofsLost{{}, recovery_code_of(subject, 60)});
    CHECK(outcome(marking) == "accepted: RecoveryCodeUsed ProofsMarkedLost ReplacementOpened");
    const Id window = subject.account().windows.open->id;
    subject.run(ProposeReplacementProof{window, new_phone("080-1111-2222")});
    const Decision confirming =
        subject.run(ConfirmReplacementProof{.replacement = window, .code = subject.secret_of(2)});
    THEN("its confirmation completes it") {
      CHECK(outcome(confirming) == "accepted: ReplacementConfirmed ReplacementCompleted");
      CHECK(statuses(subject) == std::vector{ProofStatus::removed, ProofStatus::removed, ProofStatus::verified});
      CHECK(confirming.events[1].payload.AsReplacementCompleted()->removed.size() == 2);
      CHECK(confirming.events[1].payload.AsReplacementCompleted()->added == std::vector{subject.proof(2).id});
      CHECK(subject.account().windows.last->at == subject.now);
    }
    THEN("the code is spent") {
      CHECK(outcome(subject.when(MarkProofsLost{{}, recovery_code_of(subject, 60)})) ==
            "R-LOST-2 wrong_recovery_code: RecoveryCodeRejected");
    }
  }
  GIVEN("a window opened without, not confirmed") {
    Subject subject = owner();
    recovery_code(60)(subject);
    marked_lost(70)(subject);
    const Decision again = subject.run(MarkProofsLost{{}, recovery_code_of(subject, 60), numbered(70), {}});
    THEN("the code makes its confirmation effective at once") {
      CHECK(outcome(again) == "accepted: RecoveryCodeUsed ReplacementOpened");
      proposed(70, "new@example.org")(subject);
      CHECK(
          outcome(subject.run(ConfirmReplacementProof{
              .replacement = numbered(70), .link_token = subject.secret_of(2), .account_named = "owner@outlook.jp"})) ==
          "accepted: ReplacementConfirmed ReplacementCompleted");
    }
  }
  GIVEN("a window confirmed and waiting") {
    Subject subject = waiting_owner();
    recovery_code(60)(subject);
    subject.now += day_us;
    const auto token = subject.vault().secret(OneTime::opener_token, numbered(70));
    const Decision again = subject.run(MarkProofsLost{{}, recovery_code_of(subject, 60), {}, token});
    THEN("the code completes it now, for its opener") {
      CHECK(outcome(again) == "accepted: RecoveryCodeUsed ReplacementOpened ReplacementCompleted");
      CHECK(again.returns["effective_at"] == to_rfc3339(subject.now));
      CHECK(statuses(subject) == std::vector{ProofStatus::removed, ProofStatus::removed, ProofStatus::verified});
    }
  }
}

SCENARIO("R-LOST-6: completing is refused before the end, appended once at it, and says so ever after") {
  Subject subject = owner();
  const CompleteReplacement command{numbered(70)};
  CHECK(outcome(subject.when(command)) == "R-LOST-6 no_open_window");
  marked_lost(70)(subject);
  CHECK(outcome(subject.when(command)) == "R-LOST-6 not_confirmed");
  proposed(70, "new@example.org")(subject);
  confirmed(70)(subject);
  const Time effective_at = *subject.account().windows.open->effective_at;
  subject.now = effective_at - 1;
  CHECK(outcome(subject.run(command)) == "R-LOST-6 not_due");
  CHECK(subject.when(command).refusal->retry_at == effective_at);
  const std::size_t before = subject.envelopes().size();
  subject.now = effective_at + 5 * day_us;
  CHECK(outcome(subject.run(command)) == "accepted");
  CHECK(subject.envelopes().size() == before + 1);
  CHECK(subject.folded().windows.last->at == effective_at);
  CHECK(subject.run(command).returns["effective_at"] == to_rfc3339(effective_at));
  CHECK(subject.envelopes().size() == before + 1);
}

SCENARIO("R-LOST-4: while the window is open the account shows it and ordinary sign-in works") {
  Subject subject = waiting_owner();
  const Decision signing_in = subject.run(RecordSignIn{.succeeded = true, .device_id = "pc-1"});
  CHECK(outcome(signing_in) == "accepted: SignInSucceeded");
  CHECK(signing_in.returns["notices"] == Json({"security_info_change_pending", "verify_this_device"}));
  CHECK(outcome(subject.when(StartChallenge{fb::Purpose::sensitive_page, {}, {}})) == "accepted: ChallengeStarted");
  CHECK(subject.when(StartChallenge{fb::Purpose::sensitive_page, {}, {}}).described.at(0).second ==
        std::vector{subject.proof(0).id, subject.proof(1).id});  // not the new one
}

SCENARIO("R-LOST-2 R-LOST-4: the code's holder ends a window that somebody else opened, and opens another") {
  Subject subject = waiting_owner();
  recovery_code(60)(subject);
  const Decision marking = subject.run(MarkProofsLost{{}, recovery_code_of(subject, 60)});
  CHECK(outcome(marking) == "accepted: RecoveryCodeUsed ReplacementCancelled ProofsMarkedLost ReplacementOpened");
  CHECK(marking.events[1].payload.AsReplacementCancelled()->by == fb::Canceller::recovery_code);
  CHECK(statuses(subject) == std::vector{ProofStatus::marked_lost, ProofStatus::marked_lost,
                                         ProofStatus::removed});  // the stranger's is gone
  const Window window = *subject.account().windows.open;
  CHECK(window.id != numbered(70));
  CHECK(window.expedited);
  CHECK(outcome(subject.when(ProposeReplacementProof{numbered(70), new_mailbox("stranger@example.org")})) ==
        "R-LOST-3 no_open_window");
}

SCENARIO("R-LOST-4: a window that nobody confirmed gives way a day later, one that is confirmed does not") {
  Subject subject = owner();
  marked_lost(70)(subject);
  subject.now += subject.policy.link_ttl_seconds * second_us - 1;
  CHECK(outcome(subject.when(MarkProofsLost{})) == "R-LOST-4 window_open");
  subject.now += 1;
  const Decision marking = subject.run(MarkProofsLost{});
  CHECK(outcome(marking) == "accepted: ReplacementCancelled ProofsMarkedLost ReplacementOpened");
  CHECK(marking.events[0].payload.AsReplacementCancelled()->by == fb::Canceller::lapse);
  Subject waiting = waiting_owner();
  waiting.now += 2 * day_us;
  CHECK(outcome(waiting.when(MarkProofsLost{})) == "R-LOST-4 window_open");
}

SCENARIO("R-LOST-4: windows opened a day are limited, for each is told to every proof") {
  Subject subject = owner();
  for (std::int64_t i = 0; i < subject.policy.max_replacements_per_day; ++i) {
    CHECK(outcome(subject.run(MarkProofsLost{})) == "accepted: ProofsMarkedLost ReplacementOpened");
    const Id window = subject.account().windows.open->id;
    CancelReplacement cancel;
    cancel.replacement = window;
    cancel.replacement_token = subject.vault().secret(OneTime::opener_token, window);
    CHECK(outcome(subject.run(cancel)) == "accepted: ReplacementCancelled");
  }
  CHECK(outcome(subject.when(MarkProofsLost{})) == "R-LOST-4 openings_used_up");
  subject.now += day_us;
  CHECK(outcome(subject.when(MarkProofsLost{})) == "accepted: ProofsMarkedLost ReplacementOpened");
}

SCENARIO("R-LOST-5: a stranger who opens a window and disputes it blocks nobody") {
  Subject subject = owner();
  const Decision marking = subject.run(MarkProofsLost{});
  DisputeReplacement dispute;
  dispute.replacement = subject.account().windows.open->id;
  dispute.replacement_token = marking.returns["replacement_token"].get<std::string>();
  const Decision disputed = subject.run(dispute);
  CHECK(outcome(disputed) == "accepted: ReplacementDisputed");
  CHECK(disputed.events.front().notifications.size() == 2);
  CHECK(!subject.account().block.current);
}
