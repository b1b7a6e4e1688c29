// The refusals of the commands about challenges, each in its fixed order.
#include <liboath/oath.h>

#include "tests/support/ladder.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr const char* totp_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";  // "12345678901234567890"

std::string totp_at(Time now) {
  char code[7] = {};
  oath_totp_generate("12345678901234567890", 20, now / second_us, 30, 0, 6, code);
  return code;
}

/// Proof 2 is a secret question; no route is open, and a challenge is soon too old.
Subject questioned_owner() {
  Subject subject = owner();
  for (const Past& step : {question("First pet?"), under([](Policy& policy) {
                             policy.routes.clear();
                             policy.challenge_ttl_seconds = 60;
                           })})
    step(subject);
  return subject;
}

Past route(const std::string& name) {
  return under([name](Policy& policy) { policy.routes = {name}; });
}

Past code_sent_in(std::uint64_t challenge, std::size_t n) {
  return [=](Subject& subject) {
    subject.happened(send_code_to(subject.proof(n).id, numbered(challenge), fb::Channel::email, subject.context()));
  };
}

Past confirmed_wrong(std::size_t n, int times) {
  return [=](Subject& subject) {
    for (int i = 0; i < times; ++i)
      subject.happened(draft(fb::ContactConfirmationFailedT{.proof_id = subject.proof(n).id}, {Rule::chl_3}));
  };
}

}  // namespace

SCENARIO("R-CHL-1 R-CHL-2: start-challenge, rung by rung") {
  Ladder(given({registered(), mailbox("me@example.com")}), StartChallenge{fb::Purpose::reset_password, "pc-1", {}})
      .rung("R-CHL-1 character_check_missing: CharacterCheckFailed", &StartChallenge::character_check,
            CharacterCheck{"XVMS", "xvm"})
      .rung("R-CHL-1 character_check_failed: CharacterCheckFailed", &StartChallenge::character_check,
            CharacterCheck{"XVMS", "xvms"})
      .rung("R-CHL-2 no_usable_proof: ChallengeEnded", verified(0))
      .expect_accepted("ChallengeStarted");
}

SCENARIO("R-CHL-1 R-CHL-5 R-CHL-2 R-PRF-3 R-CHL-3: send-code, rung by rung") {
  Subject subject = owner();
  for (const Past& step : {mailbox("unverified@example.com"), codes_sent(0, 6), codes_sent(1, 8), confirmed_wrong(0, 5),
                           under([](Policy& policy) { policy.challenge_ttl_seconds = 60; })})
    step(subject);
  Ladder(subject, SendCode{numbered(99), numbered(99), fb::Channel::sms, "someone"})
      .open_challenge()
      .rung("R-CHL-2 proof_not_offered", &SendCode::proof, subject.proof(2).id)  // not verified
      .rung("R-CHL-2 proof_not_offered", &SendCode::proof, subject.proof(0).id)
      .rung("R-PRF-3 channel_not_offered", &SendCode::channel, fb::Channel::email)
      .rung("R-CHL-3 confirmation_limit", under([](Policy& policy) { ++policy.max_contact_confirmations; }))
      .rung("R-CHL-5 proof_send_limit", codes_per_hour(7))
      .rung("R-CHL-5 account_send_limit", codes_per_hour(8))
      .rung("R-CHL-3 wrong_confirmation: ContactConfirmationFailed", &SendCode::confirmation, "msabc123")
      .expect_accepted("CodeSent");
}

SCENARIO("R-CHL-1 R-CHL-5 R-CHL-9: submit-code, rung by rung") {
  Subject subject = questioned_owner();
  subject.policy.code_ttl_seconds = 30;
  code_guesses_spent(0)(subject);
  Ladder(subject, SubmitCode{numbered(99), "wrong"})
      .open_challenge()
      .rung("R-CHL-9 route_closed", route("security_code"))
      .rung("R-CHL-5 no_code: CodeRejected",
            [](auto& s, auto&) {
              code_sent_in(61, 0)(s);
              s.policy.challenge_ttl_seconds = 120;
              s.now += 30 * second_us;
            })
      .rung("R-CHL-5 guess_limit: CodeRejected", one_more_guess())
      .rung("R-CHL-5 code_expired: CodeRejected", after(-1))
      .rung("R-CHL-5 wrong_code: CodeRejected", [](auto& s, auto& c) { c.code = s.secret_of(0); })
      .expect_accepted("ChallengePassed");
}

SCENARIO("R-CHL-1 R-CHL-5 R-CHL-9: submit-code with an app's code, rung by rung") {
  Subject subject = questioned_owner();
  for (const Past& step : {app(totp_secret), verified(3), code_guesses_spent(3)}) step(subject);
  Ladder(subject, SubmitCode{numbered(99), "wrong", subject.proof(3).id})
      .open_challenge()
      .rung("R-CHL-9 route_closed", route("security_code"))
      .rung("R-CHL-5 guess_limit: CodeRejected", one_more_guess())
      .rung("R-CHL-5 wrong_code: CodeRejected", [](auto& s, auto& c) { c.code = totp_at(s.now); })
      .expect_accepted("ChallengePassed");
}

SCENARIO("R-CHL-1 R-CHL-5 R-CHL-2 R-CHL-9: answer-secret-question, rung by rung") {
  Subject subject = questioned_owner();
  guesses_spent([](const Subject& s) {
    return draft(fb::SecretAnswerRejectedT{.proof_id = s.proof(2).id, .reason = fb::CodeRejection::wrong},
                 {Rule::chl_5});
  })(subject);
  Ladder(subject, AnswerSecretQuestion{numbered(99), numbered(99), "Pochi", Verdict::wrong})
      .open_challenge()
      .rung("R-CHL-2 proof_not_offered", &AnswerSecretQuestion::proof, subject.proof(0).id)  // a mailbox
      .rung("R-CHL-2 proof_not_offered", &AnswerSecretQuestion::proof, subject.proof(2).id)
      .rung("R-CHL-9 route_closed", route("secret_question"))
      .rung("R-CHL-5 guess_limit: SecretAnswerRejected", one_more_guess())
      .rung("R-CHL-5 wrong_answer: SecretAnswerRejected", &AnswerSecretQuestion::verdict, Verdict::right)
      .expect_accepted("ChallengePassed");
}

SCENARIO("R-CHL-1 R-CHL-5 R-CHL-9 R-PRF-9: use-recovery-code, rung by rung") {
  Subject subject = questioned_owner();
  recovery_code(62)(subject);
  guesses_spent([](const Subject&) {
    return draft(fb::RecoveryCodeRejectedT{.reason = fb::CodeRejection::wrong}, {Rule::prf_9});
  })(subject);
  Ladder(subject, UseRecoveryCode{numbered(99), "wrong"})
      .open_challenge()
      .rung("R-CHL-9 route_closed", route("recovery_code"))
      .rung("R-CHL-5 guess_limit: RecoveryCodeRejected", one_more_guess())
      .rung("R-PRF-9 wrong_recovery_code: RecoveryCodeRejected", &UseRecoveryCode::code,
            subject.vault().secret(OneTime::recovery_code, numbered(62)))
      .expect_accepted("RecoveryCodeUsed ChallengePassed");
}

SCENARIO("R-CHL-7: record-delivery, rung by rung") {
  Ladder(owner(), RecordDelivery{.notification = numbered(99), .result = fb::DeliveryResult::bounced})
      .rung("R-CHL-7 notification_unknown", &RecordDelivery::waiting, fb::NotificationKind::security_code)
      .expect_accepted("DeliveryRecorded");
}
