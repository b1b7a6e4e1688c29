#include "commands/two_step.hpp"

#include <doctest/doctest.h>

#include "commands/recovery.hpp"
#include "commands/sign_in.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Two verified proofs and two-step verification on.
Subject two_step_owner() {
  Subject subject = owner();
  passed(fb::Purpose::change_security_info, 7)(subject);
  CHECK(outcome(subject.run(EnableTwoStep{numbered(7)})) == "accepted: TwoStepEnabled");
  return subject;
}

std::string sign_in(const Subject& subject, const std::optional<Id>& challenge = {},
                    const std::string& device_id = "pc-1") {
  return outcome(subject.when(RecordSignIn{.succeeded = true, .device_id = device_id, .challenge = challenge}));
}

}  // namespace

SCENARIO("R-PRF-5 R-PRF-7: two-step verification is turned on and off by a passed challenge, and every proof is told") {
  Subject subject = owner();
  CHECK(outcome(subject.when(EnableTwoStep{numbered(7)})) == "R-PRF-5 challenge_unknown");
  passed(fb::Purpose::two_step_sign_in, 5)(subject);
  CHECK(outcome(subject.when(EnableTwoStep{numbered(5)})) == "R-PRF-5 challenge_unknown");
  started(fb::Purpose::change_security_info, 6)(subject);
  CHECK(outcome(subject.when(EnableTwoStep{numbered(6)})) == "R-PRF-5 challenge_not_passed");
  passed(fb::Purpose::change_security_info, 7)(subject);
  const Decision off_already = subject.run(DisableTwoStep{numbered(7)});
  CHECK(outcome(off_already) == "accepted");
  CHECK(off_already.returns["two_step"] == false);
  subject.now += subject.policy.step_up_ttl_seconds * second_us;
  CHECK(outcome(subject.when(EnableTwoStep{numbered(7)})) == "R-PRF-5 challenge_stale");
  subject.now -= 1;
  const Decision on = subject.run(EnableTwoStep{numbered(7)});
  CHECK(outcome(on) == "accepted: TwoStepEnabled");
  CHECK(on.events.front().notifications.size() == 2);
  CHECK(on.events.front().caused_by == subject.account().challenges.find(numbered(7))->passed);
  CHECK(subject.account().identity.two_step);
  CHECK(outcome(subject.run(EnableTwoStep{numbered(7)})) == "accepted");
  const Decision off = subject.run(DisableTwoStep{numbered(7)});
  CHECK(outcome(off) == "accepted: TwoStepDisabled");
  CHECK(off.events.front().notifications.size() == 2);
  CHECK(!subject.account().identity.two_step);
  CHECK(sign_in(subject) == "accepted: SignInSucceeded");
}

SCENARIO("R-ACC-5 R-LOST-4: with two-step verification a sign-in without a fresh second step is refused, on record") {
  Subject subject = two_step_owner();
  const std::string refused = "R-ACC-5 two_step_needed: SignInRefused";
  CHECK(sign_in(subject) == refused);
  CHECK(sign_in(subject, numbered(99)) == refused);
  CHECK(sign_in(subject, numbered(7)) == refused);  // passed for another purpose
  started(fb::Purpose::two_step_sign_in, 70)(subject);
  CHECK(sign_in(subject, numbered(70)) == refused);
  passed(fb::Purpose::two_step_sign_in, 71, 1)(subject);
  CHECK(sign_in(subject, numbered(71)) == "accepted: SignInSucceeded");
  subject.now += subject.policy.step_up_ttl_seconds * second_us;
  CHECK(sign_in(subject, numbered(71)) == refused);
  CHECK(outcome(subject.when(RecordSignIn{.reason = "wrong_password"})) == "accepted: SignInFailed");
  CHECK(outcome(subject.when(RecordSignIn{.reason = "The password was wrong"})) == "R-ACC-5 reason_not_a_word");
}

SCENARIO("R-PRF-10: a trusted device lets in without a second step, until the next password") {
  Subject subject = two_step_owner();
  passed(fb::Purpose::trust_device, 70, 0, "pc-1")(subject);
  CHECK(outcome(subject.run(TrustDevice{numbered(70), "pc-1"})) == "accepted: DeviceTrusted");
  CHECK(sign_in(subject) == "accepted: SignInSucceeded");
  CHECK(sign_in(subject, std::nullopt, "pc-2") == "R-ACC-5 two_step_needed: SignInRefused");
  CHECK(sign_in(subject, std::nullopt, "") == "R-ACC-5 two_step_needed: SignInRefused");
  subject.now += minute_us;
  subject.happened(draft(fb::PasswordResetT{}, {Rule::pwd_3}));
  CHECK(sign_in(subject) == "R-ACC-5 two_step_needed: SignInRefused");
}

SCENARIO("R-LOST-4: while a window is open the second step is an old proof, never the new one") {
  Subject subject = two_step_owner();
  for (const Past& step : {marked_lost(80), proposed(80, "new@example.org"), confirmed(80)}) step(subject);
  CHECK(sign_in(subject) == "R-LOST-4 two_step_needed: SignInRefused");
  const Decision begun = subject.run(StartChallenge{fb::Purpose::two_step_sign_in, {}, {}});
  const Id challenge = *parse_id(begun.returns["challenge_id"].get<std::string>());
  CHECK(outcome(subject.run(SendCode{challenge, subject.proof(2).id, fb::Channel::email, "new"})) ==
        "R-CHL-2 proof_not_offered");
  CHECK(outcome(subject.run(SendCode{challenge, subject.proof(1).id, fb::Channel::sms, "5432"})) ==
        "accepted: CodeSent");
  CHECK(outcome(subject.run(SubmitCode{challenge, subject.secret_of(1)})) == "accepted: ChallengePassed");
  CHECK(sign_in(subject, challenge) == "accepted: SignInSucceeded");
  subject.now = *subject.account().windows.open->effective_at;
  CHECK(sign_in(subject, challenge) == "R-ACC-5 two_step_needed: SignInRefused");  // the window took effect
}

SCENARIO("R-ACC-5: a device named by nothing is no device, at the challenge as at the sign-in") {
  Subject subject = two_step_owner();
  const Decision begun = subject.run(StartChallenge{fb::Purpose::two_step_sign_in, "", {}});
  const Id challenge = *parse_id(begun.returns["challenge_id"].get<std::string>());
  REQUIRE(outcome(subject.run(SendCode{challenge, subject.proof(1).id, fb::Channel::sms, "5432"})) ==
          "accepted: CodeSent");
  REQUIRE(outcome(subject.run(SubmitCode{challenge, subject.secret_of(1)})) == "accepted: ChallengePassed");
  CHECK(sign_in(subject, challenge, "") == "accepted: SignInSucceeded");
  CHECK(sign_in(subject, challenge) == "accepted: SignInSucceeded");
  CHECK(subject.account().identity.devices.empty());
}

SCENARIO("R-REC-1: with two-step verification on the recovery form is refused, on record, and uses no attempt") {
  Subject subject = two_step_owner();
  CHECK(outcome(subject.run(recovery_form())) == "R-REC-1 two_step_on: RecoveryRefused");
  CHECK(subject.account().limits.recoveries.empty());
  CHECK(outcome(subject.run(DisableTwoStep{numbered(7)})) == "accepted: TwoStepDisabled");
  CHECK(outcome(subject.when(recovery_form())) == "accepted: RecoverySubmitted");
}
