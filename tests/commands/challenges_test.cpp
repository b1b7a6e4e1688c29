#include "commands/challenges.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

StartChallenge start(fb::Purpose purpose) { return {purpose, std::nullopt, CharacterCheck{"Ab3x", "aB3X"}}; }
Id challenge_in(const Decision& decision) { return *parse_id(decision.returns["challenge_id"].get<std::string>()); }
SendCode send(const Subject& subject, const Id& challenge) {
  return {challenge, subject.proof(0).id, fb::Channel::email, "msabc123"};
}

std::vector<Id> offers(const Decision& decision) {
  REQUIRE(decision.described.size() == 1);
  CHECK(std::string(decision.described[0].first) == "offers");
  return decision.described[0].second;
}

std::string wrong_for(const Subject& subject, std::size_t n) {
  return subject.secret_of(n) == "0000000" ? "0000001" : "0000000";
}

/// Starts, has a code sent to the first proof, and submits this.
std::string guess_in_new_challenge(Subject& subject, bool right) {
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  const Decision sent = subject.run(send(subject, challenge));
  if (sent.refusal) return outcome(sent);
  return outcome(subject.run(SubmitCode{challenge, right ? subject.secret_of(0) : wrong_for(subject, 0)}));
}

}  // namespace

SCENARIO("R-CHL-1: a public challenge needs the characters shown, in either case") {
  const Subject subject = owner();
  StartChallenge command{fb::Purpose::reset_password, {}, {}};
  CHECK(outcome(subject.when(command)) == "R-CHL-1 character_check_missing: CharacterCheckFailed");
  command.character_check = CharacterCheck{"Ab3x", "Ab3y"};
  CHECK(outcome(subject.when(command)) == "R-CHL-1 character_check_failed: CharacterCheckFailed");
  command.character_check->typed = "Ab3";
  CHECK(outcome(subject.when(command)) == "R-CHL-1 character_check_failed: CharacterCheckFailed");
  command.character_check->typed = "aB3X";
  CHECK(outcome(subject.when(command)) == "accepted: ChallengeStarted");
  CHECK(outcome(subject.when(StartChallenge{fb::Purpose::unblock, {}, {}})) ==
        "R-CHL-1 character_check_missing: CharacterCheckFailed");
  for (const auto purpose :
       {fb::Purpose::verify_proof, fb::Purpose::trust_device, fb::Purpose::sensitive_page,
        fb::Purpose::change_security_info, fb::Purpose::two_step_sign_in, fb::Purpose::close_account}) {
    const bool has_offer = purpose != fb::Purpose::verify_proof;
    CHECK(outcome(subject.when(StartChallenge{purpose, {}, {}})) ==
          (has_offer ? "accepted: ChallengeStarted" : "R-CHL-2 no_usable_proof: ChallengeEnded"));
    CHECK(subject.when(StartChallenge{purpose, {}, CharacterCheck{"a", "b"}}).refusal->code ==
          "character_check_failed");
  }
}

SCENARIO("R-CHL-2 R-CHL-9: usable proofs are offered, the routes in the policy's order") {
  GIVEN("proofs of every kind, some not verified") {
    Subject subject = given({registered(), mailbox("a@example.com"), phone("090-9876-5432"), question("First pet?"),
                             mailbox("b@example.com"), device("pc-1"), recovery_code(70), verified(0), verified(4)});
    WHEN("a reset starts") {
      const Decision decision = subject.when(start(fb::Purpose::reset_password));
      THEN("the verified mailbox and the question are offered, not the device") {
        CHECK(offers(decision) == std::vector{subject.proof(0).id, subject.proof(2).id});
        CHECK(decision.returns["routes"] ==
              Json({"secret_question", "security_code", "recovery_code", "recovery_form", "mark_lost"}));
        CHECK(decision.returns["purpose"] == "reset_password");
      }
    }
    WHEN("a proof is to be verified") {
      const Decision decision = subject.when(start(fb::Purpose::verify_proof));
      THEN("those not verified are offered") {
        CHECK(offers(decision) == std::vector{subject.proof(1).id, subject.proof(3).id});
      }
    }
    WHEN("the policy switches routes off") {
      subject.policy.routes = {"recovery_form", "security_code"};
      const Decision decision = subject.when(start(fb::Purpose::reset_password));
      CHECK(decision.returns["routes"] == Json({"recovery_form", "security_code", "mark_lost"}));
      CHECK(offers(decision) == std::vector{subject.proof(0).id});  // the question is no way any more
    }
  }
  GIVEN("an account that can use none") {
    const Subject subject = given({registered(), mailbox("a@example.com"), recovery_code(70)});
    const Decision decision = subject.when(start(fb::Purpose::reset_password));
    THEN("it is told which routes remain") {
      CHECK(outcome(decision) == "R-CHL-2 no_usable_proof: ChallengeEnded");
      CHECK(decision.refusal->extra["other_routes"] == Json({"recovery_code", "recovery_form", "mark_lost"}));
    }
  }
  GIVEN("an open window") {
    Subject subject = owner();
    marked_lost(70)(subject);
    const Decision decision = subject.when(start(fb::Purpose::reset_password));
    THEN("the old proofs still work, and marking lost is no route") {
      CHECK(offers(decision) == std::vector{subject.proof(0).id, subject.proof(1).id});
      CHECK(decision.returns["routes"] == Json({"security_code", "recovery_form"}));
    }
  }
}

SCENARIO("R-CHL-3: a sending that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = owner();
  mailbox("unverified@example.com")(subject);
  SendCode command{numbered(99), subject.proof(2).id, fb::Channel::sms, "someone"};
  CHECK(outcome(subject.when(command)) == "R-CHL-1 challenge_unknown");
  passed(fb::Purpose::reset_password, 70)(subject);
  command.challenge = numbered(70);
  CHECK(outcome(subject.when(command)) == "R-CHL-5 challenge_passed");
  const Time begun = subject.now;
  command.challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  subject.now = begun + subject.policy.challenge_ttl_seconds * second_us;
  CHECK(outcome(subject.when(command)) == "R-CHL-1 challenge_expired");
  subject.now -= 1;
  CHECK(outcome(subject.when(command)) == "R-CHL-2 proof_not_offered");
  command.proof = subject.proof(0).id;
  CHECK(outcome(subject.when(command)) == "R-PRF-3 channel_not_offered");
  command.channel = fb::Channel::email;
  for (int left = 4; left >= 0; --left) {
    const Decision wrong = subject.run(command);
    CHECK(outcome(wrong) == "R-CHL-3 wrong_confirmation: ContactConfirmationFailed");
    CHECK(wrong.refusal->extra["confirmations_left"] == left);
  }
  CHECK(outcome(subject.when(command)) == "R-CHL-3 confirmation_limit");
  CHECK(*subject.when(command).refusal->retry_at == *parse_rfc3339("2026-03-02T00:00:00+09:00"));
  subject.policy.max_contact_confirmations = 6;
  for (int i = 0; i < 5; ++i)
    subject.happened(send_code_to(command.proof, command.challenge, fb::Channel::email, subject.context()));
  CHECK(outcome(subject.when(command)) == "R-CHL-5 proof_send_limit");
  subject.policy.max_codes_per_hour = 6;
  CHECK(outcome(subject.when(command)) == "R-CHL-3 wrong_confirmation: ContactConfirmationFailed");
  command.confirmation = "ＭＳabc123 ";
  CHECK(outcome(subject.when(command)) == "accepted: CodeSent");
}

SCENARIO("R-CHL-3: what a phone's owner confirms is its last four digits") {
  Subject subject = owner();
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  SendCode command{challenge, subject.proof(1).id, fb::Channel::voice, "5432"};
  CHECK(outcome(subject.when(command)) == "accepted: CodeSent");
  for (const char* wrong : {"432", "65432", "5431", "", "9098765432"}) {
    command.confirmation = wrong;
    CHECK(outcome(subject.when(command)) == "R-CHL-3 wrong_confirmation: ContactConfirmationFailed");
  }
  command.confirmation = "５４３２";
  CHECK(outcome(subject.when(command)) == "accepted: CodeSent");
}

SCENARIO("R-CHL-3: wrong confirmations are counted by calendar days of the policy's zone") {
  Subject subject = owner();
  subject.now = *parse_rfc3339("2026-03-01T23:59:59.999999+09:00");
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  const SendCode wrong{challenge, subject.proof(0).id, fb::Channel::email, "someone"};
  for (int i = 0; i < 5; ++i) subject.run(wrong);
  CHECK(outcome(subject.when(send(subject, challenge))) == "R-CHL-3 confirmation_limit");
  subject.now += 1;
  CHECK(outcome(subject.when(send(subject, challenge))) == "accepted: CodeSent");
}

SCENARIO("R-CHL-3 R-CHL-9: wrong confirmations count per proof, and strangers cannot spend a familiar device's") {
  Subject subject = owner();
  subject.happened(draft(fb::SignInSucceededT{.device_tag = subject.vault().tag("device", "pc-1")}, {Rule::acc_5}));
  const auto begin_on = [&](const std::optional<std::string>& device_id) {
    StartChallenge command = start(fb::Purpose::reset_password);
    command.device_id = device_id;
    return challenge_in(subject.run(command));
  };
  const Id at_home = begin_on("pc-1"), elsewhere = begin_on("pc-2"), nowhere = begin_on(std::nullopt);
  const auto confirm = [&](const Id& challenge, const char* confirmation) {
    return outcome(subject.run(SendCode{challenge, subject.proof(0).id, fb::Channel::email, confirmation}));
  };
  const std::string wrong = "R-CHL-3 wrong_confirmation: ContactConfirmationFailed";
  for (int i = 0; i < 5; ++i) CHECK(confirm(i % 2 == 0 ? elsewhere : nowhere, "someone") == wrong);
  CHECK(confirm(elsewhere, "msabc123") == "R-CHL-3 confirmation_limit");
  CHECK(confirm(nowhere, "msabc123") == "R-CHL-3 confirmation_limit");
  CHECK(confirm(begin_on("pc-2"), "msabc123") == "R-CHL-3 confirmation_limit");
  CHECK(outcome(subject.when(SendCode{elsewhere, subject.proof(1).id, fb::Channel::sms, "5432"})) ==
        "accepted: CodeSent");
  CHECK(confirm(at_home, "msabc123") == "accepted: CodeSent");
  for (int i = 0; i < 5; ++i) CHECK(confirm(at_home, "someone") == wrong);
  CHECK(confirm(at_home, "msabc123") == "R-CHL-3 confirmation_limit");
  CHECK(subject.proof(0).wrong_confirmations.size() == 5);
  CHECK(subject.proof(0).familiar_wrong_confirmations.size() == 5);
  CHECK(subject.proof(1).wrong_confirmations.empty());
}

SCENARIO("R-CHL-3: a device that only failed to sign in, or only passed a challenge, is not familiar") {
  Subject subject = owner();
  subject.happened(draft(fb::SignInFailedT{.device_tag = subject.vault().tag("device", "pc-2")}, {Rule::acc_5}));
  passed(fb::Purpose::sensitive_page, 70, 1, "pc-3")(subject);
  for (const char* device_id : {"pc-2", "pc-3"}) {
    StartChallenge command = start(fb::Purpose::reset_password);
    command.device_id = device_id;
    SendCode wrong = send(subject, challenge_in(subject.run(command)));
    wrong.confirmation = "someone";
    CHECK(!subject.run(wrong).events.front().payload.AsContactConfirmationFailed()->familiar);
  }
}

SCENARIO("R-CHL-5: a code works once, a new one voids the old, and none serves another challenge") {
  Subject subject = owner();
  const Id first = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  const Id second = challenge_in(subject.run(start(fb::Purpose::change_security_info)));
  subject.run(send(subject, first));
  const std::string code = subject.secret_of(0);
  CHECK(outcome(subject.when(SubmitCode{second, code})) == "R-CHL-5 no_code: CodeRejected");
  subject.run(send(subject, second));
  CHECK(outcome(subject.when(SubmitCode{first, code})) == "R-CHL-5 no_code: CodeRejected");
  CHECK(outcome(subject.when(SubmitCode{second, code})) == "R-CHL-5 wrong_code: CodeRejected");
  subject.run(send(subject, first));
  CHECK(outcome(subject.when(SubmitCode{first, code})) == "R-CHL-5 wrong_code: CodeRejected");
  CHECK(outcome(subject.run(SubmitCode{first, subject.secret_of(0)})) == "accepted: ChallengePassed");
}

SCENARIO(
    "R-CHL-5: five wrong guesses an hour for a proof; no new code and no new challenge refills them, success does") {
  Subject subject = owner();
  subject.policy.max_codes_per_hour = 50;
  for (int i = 0; i < 5; ++i) CHECK(guess_in_new_challenge(subject, false) == "R-CHL-5 wrong_code: CodeRejected");
  CHECK(guess_in_new_challenge(subject, true) == "R-CHL-5 guess_limit: CodeRejected");
  WHEN("the hour is not over") {
    subject.now += hour_us - 1;
    CHECK(guess_in_new_challenge(subject, true) == "R-CHL-5 guess_limit: CodeRejected");
  }
  WHEN("the hour is over") {
    subject.now += hour_us;
    CHECK(guess_in_new_challenge(subject, true) == "accepted: ChallengePassed");
  }
  WHEN("the other proof is used") {
    const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
    subject.run(SendCode{challenge, subject.proof(1).id, fb::Channel::sms, "5432"});
    CHECK(outcome(subject.run(SubmitCode{challenge, subject.secret_of(1)})) == "accepted: ChallengePassed");
    CHECK(guess_in_new_challenge(subject, true) == "R-CHL-5 guess_limit: CodeRejected");
  }
  WHEN("a success comes after four") {
    subject.now += hour_us;
    for (int i = 0; i < 4; ++i) CHECK(guess_in_new_challenge(subject, false) == "R-CHL-5 wrong_code: CodeRejected");
    CHECK(guess_in_new_challenge(subject, true) == "accepted: ChallengePassed");
    for (int i = 0; i < 5; ++i) CHECK(guess_in_new_challenge(subject, false) == "R-CHL-5 wrong_code: CodeRejected");
    CHECK(guess_in_new_challenge(subject, true) == "R-CHL-5 guess_limit: CodeRejected");
  }
}

SCENARIO("R-CHL-5 R-CHL-7: five codes an hour to a proof, ten to an account, whether delivered or not") {
  Subject subject = owner();
  mailbox("third@example.org")(subject);
  verified(2)(subject);
  subject.now += 2 * hour_us;
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  const SendCode to_phone{challenge, subject.proof(1).id, fb::Channel::sms, "5432"};
  const SendCode to_third{challenge, subject.proof(2).id, fb::Channel::email, "third"};
  for (int i = 0; i < 5; ++i) {
    CHECK(outcome(subject.run(send(subject, challenge))) == "accepted: CodeSent");
    const Id notification = subject.new_id();
    subject.happened(draft(fb::DeliveryRecordedT{.notification_id = notification,
                                                 .kind = fb::NotificationKind::security_code,
                                                 .result = fb::DeliveryResult::failed},
                           {Rule::chl_7}));
  }
  CHECK(outcome(subject.when(send(subject, challenge))) == "R-CHL-5 proof_send_limit");
  CHECK(*subject.when(send(subject, challenge)).refusal->retry_at == subject.now + hour_us);
  for (int i = 0; i < 5; ++i) CHECK(outcome(subject.run(to_phone)) == "accepted: CodeSent");
  CHECK(outcome(subject.when(to_third)) == "R-CHL-5 account_send_limit");
  subject.now += hour_us - 1;
  CHECK(outcome(subject.when(to_third)) == "R-CHL-5 account_send_limit");
  const Id later = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  subject.now += 1;
  CHECK(outcome(subject.when(send(subject, later))) == "accepted: CodeSent");
}

SCENARIO("R-CHL-6: the event of a code holds its hash, and the notification its id, never the digits") {
  Subject subject = owner();
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  const Decision sent = subject.run(send(subject, challenge));
  const auto* code = sent.events.front().payload.AsCodeSent();
  CHECK(code->expires_at == subject.now + 600 * second_us);
  CHECK(code->code_hash == subject.vault().hash(OneTime::security_code, code->code_id, subject.secret_of(0)));
  CHECK(sent.events.front().notifications.at(0).secret_id == code->code_id);
  CHECK(sent.returns.dump().find(subject.secret_of(0)) == std::string::npos);
  CHECK(subject.envelopes().back().find(subject.secret_of(0)) == std::string::npos);
}

SCENARIO("R-LOST-4: passing a challenge on a proof marked lost offers to cancel") {
  Subject subject = owner();
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::reset_password)));
  marked_lost(70)(subject);
  subject.run(send(subject, challenge));
  const Decision passing = subject.run(SubmitCode{challenge, subject.secret_of(0)});
  CHECK(outcome(passing) == "accepted: ChallengePassed");
  CHECK(passing.returns["offer_cancel_replacement"] == to_text(numbered(70)));
}

SCENARIO("R-PRF-1: a code of a verify_proof challenge verifies the proof it went to") {
  Subject subject = owner();
  mailbox("third@example.org")(subject);
  subject.now += hour_us;
  const Id challenge = challenge_in(subject.run(start(fb::Purpose::verify_proof)));
  CHECK(outcome(subject.run(SendCode{challenge, subject.proof(2).id, fb::Channel::email, "third"})) ==
        "accepted: CodeSent");
  CHECK(outcome(subject.run(SubmitCode{challenge, subject.secret_of(2)})) == "accepted: ChallengePassed ProofVerified");
  CHECK(subject.account().proofs.usable_count() == 3);
}
