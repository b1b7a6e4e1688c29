#include "commands/guesses.hpp"

#include <doctest/doctest.h>
#include <liboath/oath.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr int budget = 5;                                                // max_code_guesses
constexpr const char* totp_base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";  // RFC 6238, appendix B
constexpr std::size_t mail = 0, mobile = 1, pet = 2, totp_app = 3;       // the proofs of owner_with_all()

std::string totp_at(Time now) {
  char code[7] = {};
  oath_totp_generate("12345678901234567890", 20, now / second_us, 30, 0, 6, code);
  return code;
}

/// Two proofs that codes go to, a question, an app and a recovery code, hours after the last message.
Subject owner_with_all() {
  Subject subject = owner();
  for (const Past& step : {question("First pet?"), app(totp_base32), verified(totp_app), recovery_code(60)})
    step(subject);
  subject.now += 2 * hour_us;
  subject.policy.max_codes_per_hour = 50;
  return subject;
}

Id begin(Subject& subject, fb::Purpose purpose = fb::Purpose::reset_password) {
  const Decision begun = subject.run(StartChallenge{purpose, std::nullopt, CharacterCheck{"a", "a"}});
  return *parse_id(begun.returns["challenge_id"].get<std::string>());
}

std::string refusal_code(const Decision& decision) { return decision.refusal ? decision.refusal->code : "accepted"; }

/// One way to prove who one is: a wrong guess and a right one, each in a challenge of its own.
struct Way {
  std::string name;
  std::string wrong_words;
  std::function<Decision(Subject&, bool is_right)> guess;
};

Decision guess_code(Subject& subject, std::size_t n, fb::Channel channel, const char* confirmation, bool is_right) {
  const Id challenge = begin(subject);
  CHECK(outcome(subject.run(SendCode{challenge, subject.proof(n).id, channel, confirmation})) == "accepted: CodeSent");
  const std::string code = subject.secret_of(n);
  return subject.run(SubmitCode{challenge, is_right ? code : code == "0000000" ? "0000001" : "0000000"});
}

std::vector<Way> ways() {
  return {
      {"mailbox", "R-CHL-5 wrong_code: CodeRejected",
       [](Subject& s, bool right) { return guess_code(s, mail, fb::Channel::email, "msabc123", right); }},
      {"phone", "R-CHL-5 wrong_code: CodeRejected",
       [](Subject& s, bool right) { return guess_code(s, mobile, fb::Channel::sms, "5432", right); }},
      {"question", "R-CHL-5 wrong_answer: SecretAnswerRejected",
       [](Subject& s, bool right) {
         const Id challenge = begin(s);
         return s.run(
             AnswerSecretQuestion{challenge, s.proof(pet).id, "Pochi", right ? Verdict::right : Verdict::wrong});
       }},
      {"app", "R-CHL-5 wrong_code: CodeRejected",
       [](Subject& s, bool right) {
         const Id challenge = begin(s);
         return s.run(SubmitCode{challenge, right ? totp_at(s.now) : "1", s.proof(totp_app).id});
       }},
      {"recovery code", "R-PRF-9 wrong_recovery_code: RecoveryCodeRejected",
       [](Subject& s, bool right) {
         const Id challenge = begin(s);
         const std::string code = s.vault().secret(OneTime::recovery_code, s.folded().identity.recovery_code);
         return s.run(UseRecoveryCode{challenge, right ? code : "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"});
       }},
      {"password", "R-PWD-4 wrong_password: PasswordRejected",
       [](Subject& s, bool right) {
         const NewPassword password{"k7#Vq!2zW$9p", "k7#Vq!2zW$9p", "$argon2id$new"};
         return s.run(ChangePassword{"Old-pass1", password, right ? Verdict::right : Verdict::wrong});
       }},
  };
}

}  // namespace

SCENARIO("R-CHL-5: every way has one budget of its own; spending it closes that way and no other") {
  for (const Way& spent : ways()) {
    CAPTURE(spent.name);
    Subject subject = owner_with_all();
    const Time begun = subject.now;
    for (int left = budget - 1; left >= 0; --left) {
      const Decision wrong = spent.guess(subject, false);
      CHECK(outcome(wrong) == spent.wrong_words);
      CHECK(wrong.refusal->extra["guesses_left"] == left);
      subject.now += minute_us;
    }
    const Decision closed = spent.guess(subject, true);
    CHECK(refusal_code(closed) == "guess_limit");
    REQUIRE(closed.refusal);
    CHECK(closed.refusal->rule == Rule::chl_5);
    CHECK(closed.refusal->extra["guesses_left"] == 0);
    CHECK(closed.refusal->retry_at == begun + hour_us);
    for (const Way& other : ways()) {
      CAPTURE(other.name);
      Subject later = subject;
      if (other.name != spent.name) CHECK(refusal_code(other.guess(later, true)) == "accepted");
    }
    subject.now = begun + hour_us - 1;
    CHECK(refusal_code(spent.guess(subject, true)) == "guess_limit");
    subject.now += 1;
    CHECK(outcome(spent.guess(subject, false)) == spent.wrong_words);  // the oldest guess is an hour old: one is back
    CHECK(refusal_code(spent.guess(subject, true)) == "guess_limit");
  }
}

SCENARIO("R-CHL-5: a right answer refills the budget of its way") {
  for (const Way& way : ways()) {
    CAPTURE(way.name);
    Subject subject = owner_with_all();
    for (int i = 0; i < budget - 1; ++i) CHECK(outcome(way.guess(subject, false)) == way.wrong_words);
    CHECK(refusal_code(way.guess(subject, true)) == "accepted");
    recovery_code(61)(subject);  // the one used is gone
    for (int i = 0; i < budget; ++i) CHECK(outcome(way.guess(subject, false)) == way.wrong_words);
    CHECK(refusal_code(way.guess(subject, true)) == "guess_limit");
  }
}

SCENARIO("R-CHL-5: one budget over challenges, channels and codes sent again to one phone") {
  Subject subject = owner_with_all();
  const Id first = begin(subject), second = begin(subject, fb::Purpose::change_security_info);
  const Id number = subject.proof(mobile).id;
  const auto send = [&](const Id& challenge, fb::Channel channel) {
    CHECK(outcome(subject.run(SendCode{challenge, number, channel, "5432"})) == "accepted: CodeSent");
  };
  const auto guess = [&](const Id& challenge, const std::string& code) {
    return refusal_code(subject.run(SubmitCode{challenge, code}));
  };
  send(first, fb::Channel::sms);
  CHECK(guess(first, "wrong") == "wrong_code");
  send(first, fb::Channel::voice);
  CHECK(guess(first, "wrong") == "wrong_code");
  CHECK(guess(first, "wrong") == "wrong_code");
  send(second, fb::Channel::sms);
  CHECK(guess(second, "wrong") == "wrong_code");
  send(first, fb::Channel::sms);
  CHECK(guess(first, "wrong") == "wrong_code");
  send(second, fb::Channel::voice);
  CHECK(guess(second, subject.secret_of(mobile)) == "guess_limit");
  CHECK(subject.proof(mobile).wrong_guesses.size() == budget);
}

SCENARIO("R-CHL-5: a code sent through another proof voids the challenge's earlier one") {
  Subject subject = owner_with_all();
  const Id challenge = begin(subject);
  subject.run(SendCode{challenge, subject.proof(mail).id, fb::Channel::email, "msabc123"});
  const std::string earlier = subject.secret_of(mail);
  subject.run(SendCode{challenge, subject.proof(mobile).id, fb::Channel::sms, "5432"});
  CHECK(refusal_code(subject.when(SubmitCode{challenge, earlier})) == "wrong_code");
  CHECK(outcome(subject.when(SubmitCode{challenge, subject.secret_of(mobile)})) == "accepted: ChallengePassed");
}

SCENARIO("R-CHL-5: verifying a proof and a challenge to verify it draw on the same budget") {
  Subject subject = owner_with_all();
  phone("080-1111-2222")(subject);
  const std::size_t added = totp_app + 1;
  const Id number = subject.proof(added).id;
  for (int i = 0; i < 3; ++i) CHECK(refusal_code(subject.run(VerifyProof{number, "wrong", {}, {}})) == "wrong_code");
  const Id challenge = begin(subject, fb::Purpose::verify_proof);
  subject.run(SendCode{challenge, number, fb::Channel::sms, "2222"});
  for (int i = 0; i < 2; ++i) CHECK(refusal_code(subject.run(SubmitCode{challenge, "wrong"})) == "wrong_code");
  CHECK(refusal_code(subject.run(SubmitCode{challenge, subject.secret_of(added)})) == "guess_limit");
  subject.happened(send_code_to(number, Id{}, fb::Channel::sms, subject.context()));
  CHECK(refusal_code(subject.run(VerifyProof{number, subject.secret_of(added), {}, {}})) == "guess_limit");
}

SCENARIO("R-CHL-5: a recovery code has one budget for challenges and for marking lost") {
  Subject subject = owner_with_all();
  const std::string right = subject.vault().secret(OneTime::recovery_code, numbered(60));
  const Id challenge = begin(subject);
  for (int i = 0; i < 3; ++i)
    CHECK(outcome(subject.run(MarkProofsLost{{}, "wrong"})) == "R-LOST-2 wrong_recovery_code: RecoveryCodeRejected");
  for (int i = 0; i < 2; ++i)
    CHECK(refusal_code(subject.run(UseRecoveryCode{challenge, "wrong"})) == "wrong_recovery_code");
  CHECK(refusal_code(subject.run(UseRecoveryCode{challenge, right})) == "guess_limit");
  CHECK(refusal_code(subject.run(MarkProofsLost{{}, right})) == "guess_limit");
  CHECK(outcome(subject.run(MarkProofsLost{})) == "accepted: ProofsMarkedLost ReplacementOpened");
}

SCENARIO("R-CHL-5: a spent budget is refused before anybody asks whether the guess is right") {
  const Subject subject = owner_with_all();
  std::vector<Time> wrong_guesses;
  const Factor factor{Rule::prf_9, "wrong", "Wrong.", wrong_guesses, [](fb::CodeRejection reason) {
                        return draft(fb::RecoveryCodeRejectedT{.reason = reason}, {Rule::prf_9});
                      }};
  int asked = 0;
  const auto judged = [&](bool is_right) {
    const auto decision = judge(subject.account(), factor, subject.context(), [&] { return ++asked, is_right; });
    return decision ? outcome(*decision) : "right";
  };
  CHECK(judged(true) == "right");
  CHECK(judged(false) == "R-PRF-9 wrong: RecoveryCodeRejected");
  CHECK(asked == 2);
  const Time first = subject.now - hour_us;  // an hour old: does not count
  wrong_guesses = {first, first + 1, first + 2, first + 3, first + 4};
  CHECK(judged(true) == "right");
  CHECK(asked == 3);
  wrong_guesses.push_back(first + 5);
  const auto spent = judge(subject.account(), factor, subject.context(), [&] { return ++asked, true; });
  REQUIRE(spent);
  CHECK(outcome(*spent) == "R-CHL-5 guess_limit: RecoveryCodeRejected");
  CHECK(spent->events.front().payload.AsRecoveryCodeRejected()->reason == fb::CodeRejection::budget_spent);
  CHECK(spent->refusal->retry_at == first + 1 + hour_us);
  CHECK(asked == 3);
}

SCENARIO("R-CHL-9 R-CHL-5: whoever spends every budget that strangers reach does not lock the owner out") {
  Subject subject = owner_with_all();
  for (const Way& way : ways()) {
    if (way.name == "password" || way.name == "mailbox") continue;  // one needs a session, one is left to the owner
    for (int i = 0; i <= budget; ++i) way.guess(subject, false);
  }
  CHECK(refusal_code(ways().front().guess(subject, true)) == "accepted");
  CHECK(outcome(subject.run(RecordSignIn{.succeeded = true})) == "accepted: SignInSucceeded");
  CHECK(!subject.folded().block.current);
  for (int i = 0; i <= budget; ++i) ways().front().guess(subject, false);
  CHECK(refusal_code(ways().front().guess(subject, true)) == "guess_limit");
  CHECK(outcome(subject.run(MarkProofsLost{})) == "accepted: ProofsMarkedLost ReplacementOpened");
}
