// The refusals of the commands about an account itself, each in its fixed order.
#include "tests/support/ladder.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr auto change = fb::Purpose::change_security_info;

Past passwords_guessed() {
  return guesses_spent(
      [](const Subject&) { return draft(fb::PasswordRejectedT{.reason = fb::CodeRejection::wrong}, {Rule::pwd_4}); });
}

Past unblocked() {
  return [](Subject& subject) {
    subject.happened(draft(fb::AccountUnblockedT{.block_id = subject.folded().block.current->id}, {Rule::blk_2}));
  };
}

Past signed_in() {
  return [](Subject& subject) { subject.happened(draft(fb::SignInSucceededT{}, {Rule::acc_5})); };
}

Past two_step(bool on) {
  return [on](Subject& subject) {
    subject.happened(on ? draft(fb::TwoStepEnabledT{}, {Rule::prf_5}) : draft(fb::TwoStepDisabledT{}, {Rule::prf_5}));
  };
}

auto proofs(std::vector<NewProof> given) {
  return [given = std::move(given)](Subject&, RegisterAccount& command) { command.proofs = given; };
}

Subject born_twice() {
  return given({registered(), under([](Policy& policy) { policy.min_proofs = 3; })});
}

}  // namespace

SCENARIO("R-ACC-1 R-PWD-1 R-PRF-1 R-PRF-2 R-PRF-5: register-account, rung by rung") {
  RegisterAccount command = registration("owner@");
  command.is_name_taken = true;
  command.password = bad_password();
  command.proofs.assign(proofs_per_account_max + 1, {.kind = fb::ProofKind::authenticator_app});
  const NewProof device{.kind = fb::ProofKind::trusted_device};
  const NewProof first = new_mailbox("me@example.org"), second = new_phone("090-9876-5432");
  const NewProof third = new_question("First pet?", "Pochi");
  Ladder(born_twice(), command)
      .rung("R-ACC-1 account_exists",
            [](Subject& subject, auto&) {
              const Policy policy = subject.policy;
              subject = Subject();
              subject.policy = policy;
            })
      .rung("R-ACC-1 invalid_sign_in_name", &RegisterAccount::sign_in_name, "owner@example.com")
      .rung("R-ACC-1 sign_in_name_taken", &RegisterAccount::is_name_taken, false)
      .new_password()
      .rung("R-PRF-5 too_many_proofs", [](auto&, auto& c) { c.proofs.pop_back(); })
      .rung("R-ACC-1 kind_not_offered", proofs({new_mailbox("nobody")}))
      .rung("R-PRF-1 invalid_email", proofs({new_phone("0")}))
      .rung("R-PRF-2 invalid_phone", proofs({new_question(" ", "Pochi")}))
      .rung("R-PRF-1 question_incomplete", proofs({device}))
      .rung("R-PRF-1 device_missing", proofs({first, new_mailbox("ＭＥ@EXAMPLE.org")}))
      .rung("R-ACC-1 same_destination_twice", proofs({first, second}))
      .rung("R-ACC-1 too_few_proofs", proofs({first, second, third}))
      .expect_accepted(
          "AccountRegistered ProofAdded LinkSent ProofAdded CodeSent ProofAdded SignInNameConfirmationRequested");
}

SCENARIO("R-ACC-2: confirm-sign-in-name, rung by rung") {
  const Id link = numbered(60);
  const auto asked = [link](Subject& subject) {
    const Tag16 hash = subject.vault().hash(OneTime::link, link, subject.vault().secret(OneTime::link, link));
    subject.happened(
        draft(fb::SignInNameConfirmationRequestedT{.link_id = link, .token_hash = hash, .expires_at = subject.now},
              {Rule::acc_2}));
  };
  const Subject unconfirmed = given({registered("owner@example.com", false)});
  Ladder(unconfirmed, ConfirmSignInName{"a link"})
      .rung("R-ACC-2 link_unknown", asked)
      .rung("R-ACC-2 link_unknown", after(-1))  // it had just expired
      .rung("R-ACC-2 link_unknown", &ConfirmSignInName::link_token, unconfirmed.vault().secret(OneTime::link, link))
      .expect_accepted("SignInNameConfirmed");
}

SCENARIO("R-ACC-3: change-profile, rung by rung") {
  Ladder(owner(), ChangeProfile{numbered(99), {{"shoe_size", "24"}}})
      .passed_challenge("R-ACC-3", change)
      .rung("R-ACC-3 field_unknown", [](auto&, auto& c) { c.changes[0].first = "surname"; })
      .expect_accepted("ProfileChanged");
}

SCENARIO("R-BLK-1 R-PWD-1 R-CHL-5 R-PWD-4: change-password, rung by rung") {
  Subject subject = owner();
  for (const Past& step : {blocked("suspected_intrusion"), passwords_guessed()}) step(subject);
  Ladder(subject, ChangePassword{.password = bad_password(), .verdict = Verdict::wrong})
      .rung("R-BLK-1 blocked", unblocked())
      .new_password()
      .rung("R-CHL-5 guess_limit: PasswordRejected", one_more_guess())
      .rung("R-PWD-4 wrong_password: PasswordRejected", &ChangePassword::verdict, Verdict::right)
      .rung("R-PWD-4 same_as_current", [](auto&, auto& c) { c.password.equals_current = false; })
      .expect_accepted("PasswordChanged");
}

SCENARIO("R-PWD-3 R-PWD-1 R-PWD-4: reset-password after a challenge, rung by rung") {
  Ladder(owner(), ResetPassword{.challenge = numbered(99), .password = bad_password()})
      .passed_challenge("R-PWD-3", fb::Purpose::reset_password)
      .new_password()
      .rung("R-PWD-4 same_as_current", [](auto&, auto& c) { c.password.equals_current = false; })
      .expect_accepted("PasswordReset");
}

SCENARIO("R-REC-8 R-PWD-1 R-PWD-4: reset-password with a reset link, rung by rung") {
  const Id recovery = numbered(60), link = numbered(61);
  const auto issued = [=](Subject& subject) {
    const Tag16 hash = subject.vault().hash(OneTime::link, link, subject.vault().secret(OneTime::link, link));
    subject.happened(draft(fb::RecoverySubmittedT{.recovery_id = recovery}, {Rule::rec_7}));
    subject.happened(draft(
        fb::ResetLinkIssuedT{.recovery_id = recovery, .link_id = link, .token_hash = hash, .expires_at = subject.now},
        {Rule::rec_8}));
  };
  const Subject subject = owner();
  ResetPassword command{.challenge = numbered(99), .reset_token = "a token", .password = bad_password()};
  Ladder(subject, command)
      .rung("R-REC-8 reset_link_unknown", issued)
      .rung("R-REC-8 reset_link_unknown", &ResetPassword::reset_token, subject.vault().secret(OneTime::link, link))
      .rung("R-REC-8 reset_link_expired", after(-1))
      .new_password()
      .rung("R-PWD-4 same_as_current", [](auto&, auto& c) { c.password.equals_current = false; })
      .expect_accepted("PasswordReset");
}

SCENARIO("R-ACC-5 R-BLK-1 R-LOST-4: record-sign-in, rung by rung") {
  Subject subject = owner();
  for (const Past& step : {two_step(true), marked_lost(70), blocked("suspected_intrusion")}) step(subject);
  const auto cancelled = [](Subject& s) {
    s.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(70)}, {Rule::lost_5}));
  };
  const auto second_step = fb::Purpose::two_step_sign_in;
  const RecordSignIn command{.succeeded = true, .device_id = "pc-1", .reason = "two words", .challenge = numbered(60)};
  Ladder(subject, command)
      .rung("R-ACC-5 reason_not_a_word", &RecordSignIn::reason, "")
      .rung("R-BLK-1 blocked: SignInRefused", unblocked())
      .rung("R-LOST-4 two_step_needed: SignInRefused", cancelled)
      .rung("R-ACC-5 two_step_needed: SignInRefused", passed(second_step, 60, 0, "pc-2"))
      .rung("R-ACC-5 two_step_needed: SignInRefused",
            [=](auto& s, auto& c) {  // not on the device that signs in
              passed(second_step, 61, 0, "pc-1")(s);
              c.challenge = numbered(61);
            })
      .expect_accepted("SignInSucceeded");
}

SCENARIO("R-PRF-5 R-REC-1: enable-two-step and disable-two-step, rung by rung") {
  Ladder(owner(), EnableTwoStep{numbered(99)}).passed_challenge("R-PRF-5", change).expect_accepted("TwoStepEnabled");
  Subject on = owner();
  two_step(true)(on);
  Ladder(on, DisableTwoStep{numbered(99)}).passed_challenge("R-PRF-5", change).expect_accepted("TwoStepDisabled");
}

SCENARIO("R-ACC-4: merge-accounts has one rung and no top") {
  CHECK(outcome(owner().when(MergeAccounts{"other@outlook.jp"})) == "R-ACC-4 never_merged: CommandRefused");
}

SCENARIO("R-BLK-1: block-account, rung by rung") {
  Ladder(owner(), BlockAccount{"two words", ""})
      .rung("R-BLK-1 reason_not_a_word", &BlockAccount::reason, "suspected_intrusion")
      .expect_accepted("AccountBlocked");
}

SCENARIO("R-BLK-2: unblock-account, rung by rung") {
  Subject subject = owner();
  blocked("suspected_intrusion")(subject);
  Ladder(subject, UnblockAccount{numbered(99)})
      .passed_challenge("R-BLK-2", fb::Purpose::unblock)
      .expect_accepted("AccountUnblocked");
}

SCENARIO("R-LIFE-1 R-BLK-1 R-CHL-5: close-account, rung by rung") {
  Subject subject = owner();
  for (const Past& step : {blocked("suspected_intrusion"), passwords_guessed()}) step(subject);
  Ladder(subject, CloseAccount{.confirm = false, .verdict = Verdict::wrong})
      .rung("R-LIFE-1 not_confirmed", &CloseAccount::confirm, true)
      .rung("R-BLK-1 blocked", unblocked())
      .rung("R-CHL-5 guess_limit: PasswordRejected", one_more_guess())
      .rung("R-LIFE-1 wrong_password: PasswordRejected", &CloseAccount::verdict, Verdict::right)
      .expect_accepted("AccountClosed");
}

SCENARIO("R-LIFE-2: deactivate-mailbox, rung by rung") {
  using enum fb::MailboxReason;
  Ladder(given({registered("owner@example.com", false), signed_in(), after(270 * day_us - 1)}),
         DeactivateMailbox{never_signed_in})
      .rung("R-LIFE-2 no_mailbox", registered())
      .rung("R-LIFE-2 signed_in", &DeactivateMailbox::reason, inactive)
      .rung("R-LIFE-2 not_due", after(270 * day_us))
      .expect_accepted("MailboxDeactivated");
  Ladder(given({registered(), after(10 * day_us - 1)}), DeactivateMailbox{never_signed_in})
      .rung("R-LIFE-2 not_due", after(1))
      .expect_accepted("MailboxDeactivated");
}

SCENARIO("R-LIFE-3: expire-account, rung by rung") {
  const auto on_plan = [](fb::Plan plan) {
    return [plan](Subject& subject) {
      subject.happened(draft(fb::AccountRegisteredT{.plan = plan, .name_confirmed = true}, {Rule::acc_1}));
    };
  };
  Ladder(given({on_plan(fb::Plan::paid)}), ExpireAccount{})
      .rung("R-LIFE-3 not_free", on_plan(fb::Plan::free))
      .rung("R-LIFE-3 not_due", after(365 * day_us))
      .rung("R-LIFE-3 not_due", after(1))
      .expect_accepted("AccountExpired");
}

SCENARIO("R-LIFE-3: close-expired-account, rung by rung") {
  Ladder(given({registered()}), CloseExpiredAccount{})
      .rung("R-LIFE-3 not_expired",
            [](Subject& subject) {
              subject.happened(draft(fb::AccountExpiredT{}, {Rule::life_3}));
              subject.now += 90 * day_us - 1;
            })
      .rung("R-LIFE-3 not_due", after(1))
      .expect_accepted("AccountClosed");
}

SCENARIO("R-PRF-5: erase-data-key, rung by rung") {
  Ladder(owner(), EraseDataKey{mailbox_key_slot})
      .rung("R-PRF-5 key_unknown", observed(fb::RecoveryField::mail_folders, "travel"))
      .rung("R-PRF-5 key_needed", &EraseDataKey::slot, std::uint32_t{2})
      .rung("R-PRF-5 key_needed",
            [](Subject& subject) {
              removed(0)(subject);
              subject.now += 90 * day_us - 1;
            })
      .rung("R-PRF-5 not_due", after(1))
      .expect_accepted("DataKeyErased");
}

SCENARIO("R-LIFE-1 R-LIFE-2 R-PRF-5: complete-erasure, rung by rung") {
  const auto erased = [](std::uint32_t slot) {
    return [slot](Subject& subject) { subject.happened(draft(fb::DataKeyErasedT{.slot = slot}, {Rule::prf_5})); };
  };
  Ladder(owner(), CompleteErasure{.slot = mailbox_key_slot})
      .rung("R-LIFE-2 nothing_to_erase", &CompleteErasure::slot, std::uint32_t{2})
      .rung("R-PRF-5 nothing_to_erase", erased(3))
      .rung("R-PRF-5 nothing_to_erase", &CompleteErasure::slot, own_key_slot)
      .rung("R-LIFE-1 nothing_to_erase", &CompleteErasure::slot, std::uint32_t{3})
      .expect_accepted("ErasureCompleted");
}
