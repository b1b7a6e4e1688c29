#include "commands/challenge_answers.hpp"

#include <doctest/doctest.h>
#include <liboath/oath.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr const char* rfc_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";    // "12345678901234567890"
constexpr const char* other_secret = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";  // "abcdefghijklmnopqrst"

std::string totp_at(Time now, const char* secret = "12345678901234567890") {
  char code[7] = {};
  oath_totp_generate(secret, 20, now / second_us, 30, 0, 6, code);
  return code;
}

Past at(Time now) {
  return [now](Subject& subject) { subject.now = now; };
}

/// A reset with a challenge, in words.
std::string reset_with(const Subject& subject, const Id& challenge) {
  return outcome(
      subject.when(ResetPassword{challenge, std::nullopt, {"k7#Vq!2zW$9p", "k7#Vq!2zW$9p", "$argon2id$new"}}));
}

std::string code_of(const Subject& subject, std::uint64_t number) {
  return subject.vault().secret(OneTime::recovery_code, numbered(number));
}

}  // namespace

SCENARIO("R-CHL-9: an answer that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = owner();
  question("First pet?")(subject);
  AnswerSecretQuestion command{numbered(99), subject.proof(0).id, "Pochi", Verdict::wrong};
  subject.policy.routes = {"security_code"};
  CHECK(outcome(subject.when(command)) == "R-CHL-1 challenge_unknown");
  started(fb::Purpose::reset_password, 70)(subject);
  question("First school?")(subject);
  command.challenge = numbered(70);
  CHECK(outcome(subject.when(command)) == "R-CHL-2 proof_not_offered");  // a mailbox
  command.proof = subject.proof(3).id;
  CHECK(outcome(subject.when(command)) == "R-CHL-2 proof_not_offered");  // added after the challenge began
  command.proof = subject.proof(2).id;
  CHECK(outcome(subject.when(command)) == "R-CHL-9 route_closed");
  subject.policy.routes = {"secret_question"};
  CHECK(outcome(subject.when(command)) == "R-CHL-5 wrong_answer: SecretAnswerRejected");
  command.verdict = Verdict::right;
  const Decision passing = subject.run(command);
  CHECK(outcome(passing) == "accepted: ChallengePassed");
  const auto& passed_event = *passing.events.front().payload.AsChallengePassed();
  CHECK(passed_event.by == fb::Route::secret_question);
  CHECK(passed_event.proof_id == subject.proof(2).id);
  CHECK(passing.events.front().caused_by == subject.account().challenges.find(numbered(70))->started);
  CHECK(outcome(subject.when(command)) == "R-CHL-5 challenge_passed");
  CHECK(reset_with(subject, numbered(70)) == "accepted: PasswordReset");
}

SCENARIO("R-CHL-9: a removed question answers nothing") {
  Subject subject = owner();
  question("First pet?")(subject);
  started(fb::Purpose::reset_password, 70)(subject);
  removed(2)(subject);
  CHECK(outcome(subject.when(AnswerSecretQuestion{numbered(70), subject.proof(2).id, "Pochi", Verdict::right})) ==
        "R-CHL-2 proof_not_offered");
}

SCENARIO("R-CHL-5: an app's codes are those of RFC 6238, appendix B, one step early or late and no more") {
  const std::vector<std::pair<Time, std::string>> vectors = {{59, "287082"},
                                                             {1'111'111'109, "081804"},
                                                             {1'111'111'111, "050471"},
                                                             {1'234'567'890, "005924"},
                                                             {2'000'000'000, "279037"},
                                                             {20'000'000'000, "353130"}};
  for (const auto& [at_seconds, code] : vectors) {
    const Time seconds = at_seconds;
    CAPTURE(seconds);
    const Time step = seconds / 30 * 30;
    const auto submitted_at = [&, digits = code](Time at_second) {
      Subject subject = given({at(at_second * second_us), registered(), app(rfc_secret), verified(0),
                               started(fb::Purpose::reset_password, 70)});
      return subject.when(SubmitCode{numbered(70), digits});
    };
    const Decision passing = submitted_at(seconds);
    CHECK(outcome(passing) == "accepted: ChallengePassed");
    CHECK(passing.events.front().payload.AsChallengePassed()->totp_step == static_cast<std::uint64_t>(step / 30));
    CHECK(outcome(submitted_at(step + 59)) == "accepted: ChallengePassed");
    CHECK(outcome(submitted_at(step + 60)) == "R-CHL-5 wrong_code: CodeRejected");
    if (step == 30) continue;  // 1970 began with the step before
    CHECK(outcome(submitted_at(step - 30)) == "accepted: ChallengePassed");
    CHECK(outcome(submitted_at(step - 31)) == "R-CHL-5 wrong_code: CodeRejected");
  }
}

SCENARIO("R-CHL-5: each time step of an app counts once, whatever it was given for") {
  Subject subject = given({registered(), app(rfc_secret), started(fb::Purpose::verify_proof, 69)});
  const Id proof = subject.proof(0).id;
  const std::string first = totp_at(subject.now), before = totp_at(subject.now - 30 * second_us);
  CHECK(outcome(subject.run(VerifyProof{.proof = proof, .totp = first})) == "accepted: ProofVerified");
  const auto submit = [&](std::uint64_t number, const std::string& totp) {
    started(fb::Purpose::reset_password, number)(subject);
    return outcome(subject.run(SubmitCode{numbered(number), totp}));
  };
  CHECK(submit(70, first) == "R-CHL-5 wrong_code: CodeRejected");
  CHECK(submit(71, before) == "R-CHL-5 wrong_code: CodeRejected");
  const std::string next = totp_at(subject.now + 30 * second_us);
  CHECK(submit(72, next) == "accepted: ChallengePassed");  // one step early
  subject.now += 30 * second_us;
  CHECK(submit(73, next) == "R-CHL-5 wrong_code: CodeRejected");
  subject.now += 30 * second_us;
  CHECK(submit(74, totp_at(subject.now)) == "accepted: ChallengePassed");
  CHECK(subject.proof(0).totp_step == static_cast<std::uint64_t>(subject.now / (30 * second_us)));
}

SCENARIO("R-CHL-5: an app removed and added again does not accept a step that it used up") {
  Subject subject = given({registered(), app(rfc_secret), verified(0), started(fb::Purpose::reset_password, 70)});
  const std::string totp = totp_at(subject.now);
  CHECK(outcome(subject.run(SubmitCode{numbered(70), totp})) == "accepted: ChallengePassed");
  removed(0)(subject);
  app(rfc_secret)(subject);
  CHECK(outcome(subject.when(VerifyProof{.proof = subject.proof(1).id, .totp = totp})) ==
        "R-CHL-5 wrong_code: CodeRejected");
}

SCENARIO("R-CHL-5 R-CHL-9: an app is named, or it is the only one and no code was sent") {
  Subject subject = owner();
  app(rfc_secret)(subject);
  verified(2)(subject);
  started(fb::Purpose::reset_password, 70)(subject);
  app(other_secret)(subject);
  verified(3)(subject);
  subject.now += 2 * hour_us - hour_us;
  started(fb::Purpose::reset_password, 71)(subject);
  started(fb::Purpose::reset_password, 72)(subject);
  const Id first = subject.proof(2).id, second = subject.proof(3).id;
  const std::string totp = totp_at(subject.now), other = totp_at(subject.now, "abcdefghijklmnopqrst");
  const auto submit = [&](std::uint64_t number, const std::string& code, const std::optional<Id>& proof) {
    return outcome(subject.when(SubmitCode{numbered(number), code, proof}));
  };
  CHECK(submit(71, totp, std::nullopt) == "R-CHL-5 no_code: CodeRejected");  // which of the two?
  CHECK(submit(71, totp, first) == "accepted: ChallengePassed");
  CHECK(submit(71, other, second) == "accepted: ChallengePassed");
  CHECK(submit(71, other, first) == "R-CHL-5 wrong_code: CodeRejected");
  CHECK(submit(71, totp, subject.proof(0).id) == "R-CHL-5 no_code: CodeRejected");  // no app
  removed(3)(subject);
  CHECK(submit(71, totp, std::nullopt) == "accepted: ChallengePassed");
  CHECK(submit(71, other, second) == "R-CHL-5 no_code: CodeRejected");
  subject.run(SendCode{numbered(72), subject.proof(0).id, fb::Channel::email, "msabc123"});
  CHECK(submit(72, totp, std::nullopt) == "R-CHL-5 wrong_code: CodeRejected");  // a code was sent: that one is meant
  CHECK(submit(72, subject.secret_of(0), std::nullopt) == "accepted: ChallengePassed");
  CHECK(submit(72, totp, first) == "accepted: ChallengePassed");
}

SCENARIO("R-CHL-2: an app added after a challenge began does not answer it") {
  Subject subject = owner();
  started(fb::Purpose::reset_password, 70)(subject);
  app(rfc_secret)(subject);
  verified(2)(subject);
  const std::string totp = totp_at(subject.now);
  CHECK(outcome(subject.when(SubmitCode{numbered(70), totp})) == "R-CHL-5 no_code: CodeRejected");
  CHECK(outcome(subject.when(SubmitCode{numbered(70), totp, subject.proof(2).id})) == "R-CHL-5 no_code: CodeRejected");
}

SCENARIO("R-PRF-9 R-CHL-9: a recovery code passes a challenge, once") {
  Subject subject = owner();
  for (const Past& step : {recovery_code(60), recovery_code(61), started(fb::Purpose::reset_password, 70),
                           started(fb::Purpose::reset_password, 71)})
    step(subject);
  CHECK(outcome(subject.when(UseRecoveryCode{numbered(99), code_of(subject, 61)})) == "R-CHL-1 challenge_unknown");
  CHECK(outcome(subject.when(UseRecoveryCode{numbered(70), code_of(subject, 60)})) ==
        "R-PRF-9 wrong_recovery_code: RecoveryCodeRejected");  // replaced by the newer one
  const Decision passing = subject.run(UseRecoveryCode{numbered(70), code_of(subject, 61)});
  CHECK(outcome(passing) == "accepted: RecoveryCodeUsed ChallengePassed");
  CHECK(passing.events[1].payload.AsChallengePassed()->by == fb::Route::recovery_code);
  CHECK(subject.account().challenges.find(numbered(70))->passed_with.is_zero());
  CHECK(outcome(subject.when(UseRecoveryCode{numbered(71), code_of(subject, 61)})) ==
        "R-PRF-9 wrong_recovery_code: RecoveryCodeRejected");
  CHECK(reset_with(subject, numbered(70)) == "accepted: PasswordReset");
}

SCENARIO("R-CHL-2 R-CHL-9: without a usable proof the recovery code still passes the challenge") {
  const StartChallenge start{fb::Purpose::reset_password, std::nullopt, CharacterCheck{"a", "a"}};
  GIVEN("a recovery code") {
    Subject subject = given({registered(), mailbox("a@example.com"), recovery_code(60)});
    const Decision ended = subject.run(start);
    CHECK(outcome(ended) == "R-CHL-2 no_usable_proof: ChallengeEnded");
    const Id challenge = *parse_id(ended.refusal->extra["challenge_id"].get<std::string>());
    CHECK(outcome(subject.when(SendCode{challenge, subject.proof(0).id, fb::Channel::email, "a"})) ==
          "R-CHL-2 proof_not_offered");
    CHECK(outcome(subject.when(SubmitCode{challenge, "1234567"})) == "R-CHL-5 no_code: CodeRejected");
    CHECK(outcome(subject.run(UseRecoveryCode{challenge, code_of(subject, 60)})) ==
          "accepted: RecoveryCodeUsed ChallengePassed");
    CHECK(reset_with(subject, challenge) == "accepted: PasswordReset");
  }
  GIVEN("none, or one that the policy does not accept") {
    Subject subject = given({registered(), mailbox("a@example.com")});
    CHECK(!subject.when(start).refusal->extra.contains("challenge_id"));
    recovery_code(60)(subject);
    subject.policy.routes = {"security_code", "recovery_form"};
    CHECK(!subject.when(start).refusal->extra.contains("challenge_id"));
  }
}

SCENARIO("R-CHL-9: a route that the policy switched off passes nothing, the others go on") {
  Subject subject = owner();
  for (const Past& step : {question("First pet?"), app(rfc_secret), verified(3), recovery_code(60),
                           started(fb::Purpose::reset_password, 70)})
    step(subject);
  subject.now += hour_us / 2;
  const SendCode send{numbered(70), subject.proof(0).id, fb::Channel::email, "msabc123"};
  CHECK(outcome(subject.run(send)) == "accepted: CodeSent");
  const auto open = [&](const std::string& but) {
    subject.policy = Policy(subject.policy);
    subject.policy.routes = {"secret_question", "security_code", "recovery_code", "recovery_form"};
    std::erase(subject.policy.routes, but);
    std::string words;
    for (const Decision& decision :
         {subject.when(AnswerSecretQuestion{numbered(70), subject.proof(2).id, "Pochi", Verdict::right}),
          subject.when(SubmitCode{numbered(70), subject.secret_of(0)}),
          subject.when(SubmitCode{numbered(70), totp_at(subject.now), subject.proof(3).id}),
          subject.when(UseRecoveryCode{numbered(70), code_of(subject, 60)})})
      words += decision.refusal ? std::string(text_of(decision.refusal->rule).id) + " " : "passed ";
    return words + (subject.when(send).refusal ? "not sent" : "sent");
  };
  CHECK(open("recovery_form") == "passed passed passed passed sent");
  CHECK(open("secret_question") == "R-CHL-9 passed passed passed sent");
  CHECK(open("security_code") == "passed R-CHL-9 R-CHL-9 passed not sent");
  CHECK(open("recovery_code") == "passed passed passed R-CHL-9 sent");
}

SCENARIO("R-CHL-2 R-PWD-3: a challenge passed with a proof that was removed since counts no more") {
  Subject subject = owner();
  mailbox("third@example.org")(subject);
  verified(2)(subject);
  passed(fb::Purpose::reset_password, 70, 2)(subject);
  passed(fb::Purpose::reset_password, 71, 0)(subject);
  CHECK(reset_with(subject, numbered(70)) == "accepted: PasswordReset");
  WHEN("it is removed") {
    removed(2)(subject);
    CHECK(reset_with(subject, numbered(70)) == "R-PWD-3 challenge_void");
    CHECK(reset_with(subject, numbered(71)) == "accepted: PasswordReset");
  }
  WHEN("it is marked lost, while the window runs") {
    marked_lost(80)(subject);
    CHECK(reset_with(subject, numbered(70)) == "accepted: PasswordReset");
  }
}

SCENARIO("R-CHL-8: a step-up for a sensitive page goes stale after step_up_ttl, to the microsecond") {
  Subject subject = owner();
  started(fb::Purpose::sensitive_page, 69)(subject);
  passed(fb::Purpose::sensitive_page, 70)(subject);
  const Time passed_at = subject.now;
  const auto standing = [&](std::uint64_t number, fb::Purpose purpose) {
    const auto why = check_passed(subject.account(), numbered(number), purpose, Rule::prf_5, subject.context());
    return why ? why->code : "passed";
  };
  CHECK(standing(70, fb::Purpose::sensitive_page) == "passed");
  CHECK(standing(69, fb::Purpose::sensitive_page) == "challenge_not_passed");
  CHECK(standing(99, fb::Purpose::sensitive_page) == "challenge_unknown");
  CHECK(standing(70, fb::Purpose::change_security_info) == "challenge_unknown");
  subject.now = passed_at + 15 * minute_us - 1;
  CHECK(standing(70, fb::Purpose::sensitive_page) == "passed");
  subject.now += 1;
  CHECK(standing(70, fb::Purpose::sensitive_page) == "challenge_stale");
  subject.policy.step_up_ttl_seconds += 1;
  CHECK(standing(70, fb::Purpose::sensitive_page) == "passed");
}
