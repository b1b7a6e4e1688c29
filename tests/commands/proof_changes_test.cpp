#include <doctest/doctest.h>

#include "commands/passwords.hpp"
#include "commands/replacement.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// The proofs that a draft's notifications go to, all of the kind that tells of a change.
std::vector<Id> told(const Draft& event) {
  std::vector<Id> proofs;
  for (const auto& notification : event.notifications) {
    CHECK(notification.kind == fb::NotificationKind::security_info_changed);
    CHECK(notification.recipient == fb::Recipient::proof);
    proofs.push_back(notification.proof_id);
  }
  return proofs;
}

std::vector<Id> described(const Decision& decision, const std::string& member) {
  const auto found = std::ranges::find_if(decision.described, [&](const auto& entry) { return member == entry.first; });
  REQUIRE(found != decision.described.end());
  return found->second;
}

/// Two verified proofs, and a challenge to change them passed: numbered(7).
Subject changing_owner() {
  Subject subject = owner();
  passed(fb::Purpose::change_security_info, 7)(subject);
  return subject;
}

ReplaceProof replace(const Subject& subject, std::size_t n, NewProof proof) {
  return {numbered(7), subject.proof(n).id, std::move(proof)};
}

}  // namespace

SCENARIO("R-PRF-6 R-PRF-7: replacing adds, verifies and removes, one trail that every proof is told of") {
  Subject subject = changing_owner();
  const std::vector both = {subject.proof(0).id, subject.proof(1).id};
  const Decision adding = subject.run(replace(subject, 0, new_mailbox("new@example.org")));
  CHECK(outcome(adding) == "accepted: ProofAdded LinkSent");
  CHECK(adding.events[0].payload.AsProofAdded()->replaces == subject.proof(0).id);
  CHECK(adding.events[0].caused_by == subject.account().challenges.find(numbered(7))->passed);
  CHECK(told(adding.events[0]) == both);
  CHECK(subject.proof(0).status == ProofStatus::verified);  // until the new one is
  CHECK(subject.proof(2).status == ProofStatus::unverified);
  const Decision verifying = subject.run(VerifyProof{.proof = subject.proof(2).id, .link_token = subject.secret_of(2)});
  CHECK(outcome(verifying) == "accepted: ProofVerified ProofRemoved");
  CHECK(verifying.events[1].payload.AsProofRemoved()->proof_id == subject.proof(0).id);
  CHECK(told(verifying.events[1]) == both);  // the removed one above all
  for (const Draft& event : verifying.events) CHECK(event.caused_by == subject.proof(2).added);
  CHECK(subject.proof(0).status == ProofStatus::removed);
  CHECK(subject.proof(2).status == ProofStatus::verified);
  CHECK(subject.account().proofs.usable_count() == 2);
}

SCENARIO("R-PRF-6: a question takes the other's place at once") {
  Subject subject = changing_owner();
  question("First pet?")(subject);
  const Decision decision = subject.run(replace(subject, 2, new_question("First school?", "Higashi")));
  CHECK(outcome(decision) == "accepted: ProofAdded ProofRemoved");
  CHECK(subject.proof(2).status == ProofStatus::removed);
  CHECK(subject.proof(3).status == ProofStatus::verified);
}

SCENARIO("R-PRF-6 R-PRF-10: a device takes no other proof's place") {
  const Subject subject = changing_owner();
  const NewProof device{.kind = fb::ProofKind::trusted_device, .device_id = "pc-1"};
  CHECK(outcome(subject.when(replace(subject, 0, device))) == "R-PRF-6 kind_not_offered");
}

SCENARIO("R-ACC-6 R-PRF-5: who passed no challenge is not told which proofs the account has") {
  const Subject subject = owner();
  for (const NewProof& proof : {new_mailbox("msabc123@outlook.com"), new_mailbox("other@example.org")}) {
    CHECK(outcome(subject.when(AddProof{.proof = proof})) == "R-PRF-5 challenge_unknown");
    CHECK(outcome(subject.when(replace(subject, 1, proof))) == "R-PRF-5 challenge_unknown");
  }
}

SCENARIO("R-PRF-6 R-LOST-4: a proof marked lost is neither replaced nor removed; it goes when the window ends") {
  Subject subject = changing_owner();
  subject.run(replace(subject, 0, new_mailbox("third@example.org")));
  for (const Past& step : {marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) step(subject);
  const Time effective_at = *subject.account().windows.open->effective_at;
  const Decision replacing = subject.when(replace(subject, 0, new_mailbox("other@example.org")));
  CHECK(outcome(replacing) == "R-LOST-4 window_open");
  CHECK(replacing.refusal->retry_at == effective_at);
  const Decision removing = subject.when(RemoveProof{numbered(7), subject.proof(1).id});
  CHECK(outcome(removing) == "R-LOST-4 window_open");
  CHECK(removing.refusal->retry_at == effective_at);
  WHEN("the one that was to replace it is verified meanwhile") {
    const Decision verifying =
        subject.run(VerifyProof{.proof = subject.proof(2).id, .link_token = subject.secret_of(2)});
    THEN("nothing is removed before the window ends") {
      CHECK(outcome(verifying) == "accepted: ProofVerified");
      CHECK(subject.proof(0).status == ProofStatus::marked_lost);
    }
  }
}

SCENARIO("R-PRF-5 R-PRF-7: a removal needs a challenge, leaves min_proofs, and every proof is told") {
  Subject subject = owner();
  RemoveProof command{numbered(7), numbered(99)};
  CHECK(outcome(subject.when(command)) == "R-PRF-5 challenge_unknown");
  passed(fb::Purpose::reset_password, 6)(subject);
  command.challenge = numbered(6);
  CHECK(outcome(subject.when(command)) == "R-PRF-5 challenge_unknown");
  started(fb::Purpose::change_security_info, 5)(subject);
  command.challenge = numbered(5);
  CHECK(outcome(subject.when(command)) == "R-PRF-5 challenge_not_passed");
  passed(fb::Purpose::change_security_info, 7, 1)(subject);
  command.challenge = numbered(7);
  subject.now += subject.policy.step_up_ttl_seconds * second_us;
  CHECK(outcome(subject.when(command)) == "R-PRF-5 challenge_stale");
  subject.now -= 1;
  CHECK(outcome(subject.when(command)) == "R-PRF-5 proof_unknown");
  command.proof = subject.proof(0).id;
  CHECK(outcome(subject.when(command)) == "R-PRF-5 last_proofs");
  mailbox("third@example.org")(subject);
  CHECK(outcome(subject.when(command)) == "R-PRF-5 last_proofs");  // the third is not verified
  CHECK(outcome(subject.when(RemoveProof{numbered(7), subject.proof(2).id})) == "accepted: ProofRemoved");
  verified(2)(subject);
  const Decision removing = subject.run(command);
  CHECK(outcome(removing) == "accepted: ProofRemoved");
  CHECK(told(removing.events.front()) == std::vector{subject.proof(0).id, subject.proof(1).id, subject.proof(2).id});
  CHECK(removing.events.front().caused_by == subject.account().challenges.find(numbered(7))->passed);
  CHECK(outcome(subject.when(command)) == "R-PRF-5 proof_unknown");
  command.proof = subject.proof(2).id;
  CHECK(outcome(subject.when(command)) == "R-PRF-5 last_proofs");
  subject.policy.min_proofs = 1;
  CHECK(outcome(subject.when(command)) == "accepted: ProofRemoved");
}

SCENARIO("R-PRF-5 R-PRF-10: a trusted device is none of the proofs that a removal must leave: it lapses with it") {
  Subject subject = owner();
  for (const Past& step : {device("pc-1"), verified(2), passed(fb::Purpose::change_security_info, 7)}) step(subject);
  const RemoveProof command{numbered(7), subject.proof(0).id};
  CHECK(outcome(subject.when(command)) == "R-PRF-5 last_proofs");
  question("First pet?")(subject);
  CHECK(outcome(subject.run(command)) == "accepted: ProofRemoved");
  CHECK(subject.account().proofs.usable_count() == 2);
}

SCENARIO("R-PRF-10: a device is trusted only on the device that the challenge was passed on") {
  Subject subject = owner();
  TrustDevice command{numbered(70), "pc-1"};
  CHECK(outcome(subject.when(command)) == "R-PRF-10 challenge_unknown");
  passed(fb::Purpose::change_security_info, 71, 0, "pc-1")(subject);
  CHECK(outcome(subject.when(TrustDevice{numbered(71), "pc-1"})) == "R-PRF-10 challenge_unknown");
  started(fb::Purpose::trust_device, 72, "pc-1")(subject);
  CHECK(outcome(subject.when(TrustDevice{numbered(72), "pc-1"})) == "R-PRF-10 challenge_not_passed");
  passed(fb::Purpose::trust_device, 73)(subject);  // no device was named
  CHECK(outcome(subject.when(TrustDevice{numbered(73), "pc-1"})) == "R-PRF-10 other_device");
  CHECK(outcome(subject.when(TrustDevice{numbered(73), ""})) == "R-PRF-10 other_device");
  passed(fb::Purpose::trust_device, 70, 0, "pc-1")(subject);
  CHECK(outcome(subject.when(TrustDevice{numbered(70), "pc-2"})) == "R-PRF-10 other_device");
  const Decision trusting = subject.run(command);
  CHECK(outcome(trusting) == "accepted: DeviceTrusted");
  CHECK(told(trusting.events.front()) == std::vector{subject.proof(0).id, subject.proof(1).id});
  CHECK(subject.proof(2).kind == fb::ProofKind::trusted_device);
  CHECK(subject.proof(2).status == ProofStatus::verified);
  const Decision again = subject.run(command);
  CHECK(outcome(again) == "accepted");
  CHECK(again.returns["proof_id"] == to_text(subject.proof(2).id));
}

SCENARIO("R-PRF-10: a device given at registration is the proof that is trusted, no second one") {
  Subject subject = owner();
  device("pc-1")(subject);
  passed(fb::Purpose::trust_device, 70, 0, "pc-1")(subject);
  CHECK(outcome(subject.run(TrustDevice{numbered(70), "pc-1"})) == "accepted: DeviceTrusted");
  CHECK(subject.account().proofs.all.size() == 3);
  CHECK(subject.proof(2).status == ProofStatus::verified);
}

SCENARIO("R-PRF-10: a device is trusted until the next change of security information, password or profile") {
  const std::vector<std::pair<std::string, Past>> changes = {
      {"proof added", mailbox("third@example.org")},
      {"proof removed", removed(1)},
      {"password changed", [](Subject& s) { s.happened(draft(fb::PasswordChangedT{}, {Rule::pwd_4})); }},
      {"profile changed", [](Subject& s) { s.happened(draft(fb::ProfileChangedT{}, {Rule::acc_3})); }},
      {"two-step on", [](Subject& s) { s.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5})); }},
  };
  for (const auto& each : changes) {
    const auto& [words, change] = each;
    CAPTURE(each.first);
    Subject subject = owner();
    for (const Past& step : {device("pc-1"), verified(2)}) step(subject);
    subject.happened(draft(fb::SignInSucceededT{}, {Rule::acc_5}));
    CHECK(subject.proof(2).status == ProofStatus::verified);
    change(subject);
    CHECK(subject.proof(2).status == ProofStatus::unverified);
    CHECK(subject.proof(0).status == ProofStatus::verified);
  }
}

SCENARIO("R-PWD-3: after a reset trusted devices, codes, links and challenges are void, and the answer says so") {
  Subject subject = owner();
  for (const Past& step : {mailbox("later@example.com"), device("pc-1"), verified(3),
                           started(fb::Purpose::change_security_info, 71), passed(fb::Purpose::reset_password, 72)})
    step(subject);
  subject.happened(send_code_to(subject.proof(0).id, numbered(71), fb::Channel::email, subject.context()));
  const std::string link = subject.secret_of(2);
  const NewPassword password{"k7#Vq!2zW$9p", "k7#Vq!2zW$9p", "$argon2id$new"};
  const Decision reset = subject.run(ResetPassword{numbered(72), std::nullopt, password});
  CHECK(outcome(reset) == "accepted: PasswordReset");
  CHECK(described(reset, "proofs_kept") == std::vector{subject.proof(0).id, subject.proof(1).id});
  CHECK(described(reset, "proofs_removed") == std::vector{subject.proof(3).id});
  CHECK(subject.proof(3).status == ProofStatus::unverified);
  CHECK(subject.account().challenges.open.empty());
  CHECK(!subject.proof(0).code);
  CHECK(outcome(subject.when(VerifyProof{.proof = subject.proof(2).id, .link_token = link})) ==
        "R-CHL-5 no_code: CodeRejected");
}

SCENARIO("R-LOST-2 R-LOST-6: after a replacement likewise; what was not marked lost is kept, but no device") {
  Subject subject = owner();
  for (const Past& step : {device("pc-1"), verified(2), recovery_code(60)}) step(subject);
  const std::string code = subject.vault().secret(OneTime::recovery_code, numbered(60));
  const Decision marking = subject.run(MarkProofsLost{{subject.proof(0).id}, code});
  CHECK(outcome(marking) == "accepted: RecoveryCodeUsed ProofsMarkedLost ReplacementOpened");
  const Id window = *parse_id(marking.returns["replacement_id"].get<std::string>());
  CHECK(outcome(subject.run(ProposeReplacementProof{window, new_mailbox("new@example.org")})) ==
        "accepted: ReplacementProofProposed LinkSent");
  started(fb::Purpose::reset_password, 71)(subject);
  subject.happened(send_code_to(subject.proof(1).id, numbered(71), fb::Channel::sms, subject.context()));
  const Decision confirming =
      subject.run(ConfirmReplacementProof{window, std::nullopt, subject.secret_of(3), "owner@outlook.jp"});
  CHECK(outcome(confirming) == "accepted: ReplacementConfirmed ReplacementCompleted");
  CHECK(described(confirming, "proofs_kept") == std::vector{subject.proof(1).id, subject.proof(3).id});
  CHECK(described(confirming, "proofs_removed") == std::vector{subject.proof(0).id, subject.proof(2).id});
  CHECK(subject.proof(0).status == ProofStatus::removed);
  CHECK(subject.proof(2).status == ProofStatus::unverified);
  CHECK(subject.proof(3).status == ProofStatus::verified);
  CHECK(!subject.proof(1).code);
  CHECK(subject.account().challenges.open.empty());
}
