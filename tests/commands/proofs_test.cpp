#include "commands/proofs.hpp"

#include <doctest/doctest.h>
#include <liboath/oath.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr const char* totp_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

std::string totp_at(Time now) {
  char code[7];
  oath_totp_generate("12345678901234567890", 20, now / second_us, 30, 0, 6, code);
  return code;
}

std::string digits_other_than(const std::string& code) { return code == "0000000" ? "0000001" : "0000000"; }

std::size_t written_to(const Draft& event) { return event.notifications.size(); }

}  // namespace

SCENARIO("R-PRF-5: an account without a usable proof may add one without a challenge") {
  Subject subject = given({registered(), mailbox("me@example.com")});
  CHECK(outcome(subject.when(AddProof{.proof = new_mailbox("other@example.com")})) == "accepted: ProofAdded LinkSent");
  verified(0)(subject);
  CHECK(outcome(subject.when(AddProof{.proof = new_mailbox("other@example.com")})) == "R-PRF-5 challenge_unknown");
}

SCENARIO("R-PRF-2 R-PRF-3: each kind is examined and gets its own first message") {
  Subject subject = given({registered()});
  const auto add = [&](NewProof proof) { return outcome(subject.when(AddProof{.proof = std::move(proof)})); };
  CHECK(add(new_mailbox("me@example.com")) == "accepted: ProofAdded LinkSent");
  CHECK(add({.kind = fb::ProofKind::mobile_email, .value = "me@carrier.example"}) == "accepted: ProofAdded LinkSent");
  CHECK(add(new_phone("090-9876-5432")) == "accepted: ProofAdded CodeSent");
  CHECK(add(new_phone("03-1234-5978", "JP", fb::ProofKind::landline_phone)) == "accepted: ProofAdded CodeSent");
  CHECK(add(new_question("First pet?", "Pochi")) == "accepted: ProofAdded");
  CHECK(add(new_question("  ", "Pochi")) == "R-PRF-1 question_incomplete");
  CHECK(add(new_question("First pet?", " \t")) == "R-PRF-1 question_incomplete");
  CHECK(add({.kind = fb::ProofKind::authenticator_app, .totp_secret = totp_secret}) == "accepted: ProofAdded");
  CHECK(add({.kind = fb::ProofKind::authenticator_app, .totp_secret = "GEZDGNBV"}) == "R-PRF-1 invalid_totp_secret");
  CHECK(add({.kind = fb::ProofKind::trusted_device, .device_id = "pc-1"}) == "accepted: ProofAdded");
  CHECK(add({.kind = fb::ProofKind::trusted_device}) == "R-PRF-1 device_missing");
  CHECK(add({.kind = fb::ProofKind::recovery_code}) == "R-PRF-9 kind_not_added");
  CHECK(add({.kind = fb::ProofKind::none}) == "R-PRF-9 kind_not_added");
  const auto sent = subject.when(AddProof{.proof = new_phone("03-1234-5978", "JP", fb::ProofKind::landline_phone)});
  CHECK(sent.events[1].payload.AsCodeSent()->channel == fb::Channel::voice);
  CHECK(sent.events[0].personal.address == "+81312345978");
  CHECK(sent.events[0].personal.national_digits == "0312345978");
}

SCENARIO("R-PRF-3: channels by kind") {
  using fb::Channel;
  const auto of = [](fb::ProofKind kind) {
    const auto channels = channels_of(kind);
    return std::vector<Channel>(channels.begin(), channels.end());
  };
  CHECK(of(fb::ProofKind::email) == std::vector{Channel::email});
  CHECK(of(fb::ProofKind::mobile_phone) == std::vector{Channel::sms, Channel::voice});
  CHECK(of(fb::ProofKind::landline_phone) == std::vector{Channel::voice});
  CHECK(of(fb::ProofKind::mobile_email) == std::vector{Channel::email});
  CHECK(of(fb::ProofKind::authenticator_app) == std::vector{Channel::app});
  for (const auto kind : {fb::ProofKind::none, fb::ProofKind::secret_question, fb::ProofKind::trusted_device,
                          fb::ProofKind::recovery_code}) {
    CHECK(of(kind).empty());
  }
}

SCENARIO("R-PRF-7: adding a proof notifies every other usable proof, and only those") {
  Subject subject = owner();
  question("First pet?")(subject);
  app(totp_secret)(subject);
  verified(3)(subject);
  mailbox("unverified@example.com")(subject);
  passed(fb::Purpose::change_security_info, 7)(subject);
  const auto decision = subject.when(AddProof{.challenge = numbered(7), .proof = new_mailbox("third@example.org")});
  const Draft& added = decision.events.front();
  REQUIRE(written_to(added) == 2);
  CHECK(added.notifications[0].proof_id == subject.proof(0).id);
  CHECK(added.notifications[0].channel == fb::Channel::email);
  CHECK(added.notifications[1].proof_id == subject.proof(1).id);
  CHECK(added.notifications[1].channel == fb::Channel::sms);
  for (const auto& notification : added.notifications)
    CHECK(notification.kind == fb::NotificationKind::security_info_changed);
  CHECK(added.caused_by == subject.account().challenges.find(numbered(7))->passed);
}

SCENARIO("R-PRF-1: a verification that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = given({registered(), phone("090-9876-5432"), mailbox("me@example.com"), removed(1)});
  VerifyProof command{.proof = numbered(99)};
  CHECK(outcome(subject.when(command)) == "R-PRF-1 proof_unknown");
  command.proof = subject.proof(1).id;
  CHECK(outcome(subject.when(command)) == "R-PRF-1 proof_unknown");
  command.proof = subject.proof(0).id;
  CHECK(outcome(subject.when(command)) == "R-PRF-1 wrong_means");
  command.link_token = "a link";
  CHECK(outcome(subject.when(command)) == "R-CHL-5 no_code: CodeRejected");
  command.link_token.reset();
  command.code = digits_other_than(subject.secret_of(0));
  for (int left = 4; left >= 0; --left) {
    const Decision wrong = subject.run(command);
    CHECK(outcome(wrong) == "R-CHL-5 wrong_code: CodeRejected");
    CHECK(wrong.refusal->extra["guesses_left"] == left);
  }
  CHECK(outcome(subject.when(command)) == "R-CHL-5 guess_limit: CodeRejected");
  CHECK(*subject.when(command).refusal->retry_at == noon + hour_us);
  subject.now += hour_us;
  CHECK(outcome(subject.when(command)) == "R-CHL-5 code_expired: CodeRejected");
  subject.happened(send_code_to(subject.proof(0).id, Id{}, fb::Channel::sms, subject.context()));
  CHECK(outcome(subject.when(command)) == "R-CHL-5 wrong_code: CodeRejected");
  command.code = subject.secret_of(0);
  CHECK(outcome(subject.run(command)) == "accepted: ProofVerified");
  CHECK(outcome(subject.run(command)) == "accepted");
  CHECK(subject.account().proofs.usable_count() == 1);
}

SCENARIO("R-PRF-1: a mailbox is verified by its link to the microsecond of link_ttl, and by no code") {
  Subject subject = given({registered(), mailbox("me@example.com")});
  const VerifyProof command{.proof = subject.proof(0).id, .link_token = subject.secret_of(0)};
  CHECK(outcome(subject.when(VerifyProof{.proof = subject.proof(0).id, .code = "1234567"})) ==
        "R-CHL-5 no_code: CodeRejected");
  CHECK(outcome(subject.when(VerifyProof{.proof = subject.proof(0).id, .totp = "123456"})) == "R-PRF-1 wrong_means");
  subject.now += subject.policy.link_ttl_seconds * second_us - 1;
  CHECK(outcome(subject.when(command)) == "accepted: ProofVerified");
  subject.now += 1;
  CHECK(outcome(subject.when(command)) == "R-CHL-5 code_expired: CodeRejected");
}

SCENARIO("R-PRF-1 R-CHL-5: an app is verified by a TOTP; five wrong ones an hour, whatever else is refused") {
  Subject subject = given({registered(), app(totp_secret), phone("090-9876-5432")});
  const Id proof = subject.proof(0).id;
  CHECK(outcome(subject.when(VerifyProof{.proof = proof, .code = "1234567"})) == "R-PRF-1 wrong_means");
  CHECK(outcome(subject.when(VerifyProof{.proof = proof, .totp = totp_at(subject.now)})) == "accepted: ProofVerified");
  WHEN("the hour's records of refusals are used up by attempts on another proof") {
    const VerifyProof no_link{.proof = subject.proof(1).id, .link_token = "x"};
    for (int i = 0; i < 10; ++i) CHECK(outcome(subject.run(no_link)) == "R-CHL-5 no_code: CodeRejected");
    CHECK(outcome(subject.run(no_link)) == "R-CHL-5 no_code (counted)");
    THEN("wrong TOTPs still spend the budget") {
      const std::string wrong = totp_at(subject.now) == "000000" ? "000001" : "000000";
      for (int left = 4; left >= 0; --left) {
        const Decision decision = subject.run(VerifyProof{.proof = proof, .totp = wrong});
        CHECK(outcome(decision) == "R-CHL-5 wrong_code: CodeRejected");
        CHECK(decision.refusal->extra["guesses_left"] == left);
      }
      CHECK(outcome(subject.when(VerifyProof{.proof = proof, .totp = totp_at(subject.now)})) ==
            "R-CHL-5 guess_limit (counted)");
      subject.now += hour_us - 1;
      CHECK(subject.when(VerifyProof{.proof = proof, .totp = totp_at(subject.now)}).refusal->code == "guess_limit");
      subject.now += 1;
      CHECK(outcome(subject.when(VerifyProof{.proof = proof, .totp = totp_at(subject.now)})) ==
            "accepted: ProofVerified");
    }
  }
}

SCENARIO("R-PRF-10: a device is trusted only by a challenge with that purpose passed on it") {
  Subject subject = owner();
  device("pc-1")(subject);
  CHECK(outcome(subject.when(VerifyProof{.proof = subject.proof(2).id, .code = "1234567"})) ==
        "R-PRF-10 needs_challenge");
  const auto pass_on = [&](const std::string& device_id, fb::Purpose purpose) {
    const Decision begun = subject.run(StartChallenge{purpose, device_id, CharacterCheck{"x", "x"}});
    const Id challenge = *parse_id(begun.returns["challenge_id"].get<std::string>());
    CHECK(outcome(subject.run(SendCode{challenge, subject.proof(0).id, fb::Channel::email, "msabc123"})) ==
          "accepted: CodeSent");
    return outcome(subject.run(SubmitCode{challenge, subject.secret_of(0)}));
  };
  CHECK(pass_on("pc-2", fb::Purpose::trust_device) == "accepted: ChallengePassed");
  CHECK(pass_on("pc-1", fb::Purpose::change_security_info) == "accepted: ChallengePassed");
  CHECK(pass_on("pc-1", fb::Purpose::trust_device) == "accepted: ChallengePassed ProofVerified");
  CHECK(subject.proof(2).status == ProofStatus::verified);
}

SCENARIO(
    "R-PRF-9: a recovery code is issued to a verified owner, shown once, kept as a hash, and replaces any earlier "
    "one") {
  Subject subject = owner();
  CHECK(outcome(subject.when(IssueRecoveryCode{numbered(7)})) == "R-PRF-9 challenge_unknown");
  started(fb::Purpose::change_security_info, 7)(subject);
  CHECK(outcome(subject.when(IssueRecoveryCode{numbered(7)})) == "R-PRF-9 challenge_not_passed");
  passed(fb::Purpose::reset_password, 8)(subject);
  CHECK(outcome(subject.when(IssueRecoveryCode{numbered(8)})) == "R-PRF-9 challenge_unknown");
  passed(fb::Purpose::change_security_info, 9)(subject);
  subject.now += subject.policy.step_up_ttl_seconds * second_us;
  CHECK(outcome(subject.when(IssueRecoveryCode{numbered(9)})) == "R-PRF-9 challenge_stale");
  subject.now -= 1;
  const Decision first = subject.run(IssueRecoveryCode{numbered(9)});
  CHECK(outcome(first) == "accepted: RecoveryCodeIssued");
  CHECK(written_to(first.events.front()) == 2);
  const Decision second = subject.run(IssueRecoveryCode{numbered(9)});
  const auto code_of = [](const Decision& decision) { return decision.returns["recovery_code"].get<std::string>(); };
  CHECK(code_of(first).size() == 29);
  CHECK(code_of(first) != code_of(second));
  const auto lost = [&](const std::string& code) { return outcome(subject.when(MarkProofsLost{{}, code})); };
  CHECK(lost(code_of(first)) == "R-LOST-2 wrong_recovery_code: RecoveryCodeRejected");
  CHECK(lost(code_of(second)) == "accepted: RecoveryCodeUsed ProofsMarkedLost ReplacementOpened");
}
