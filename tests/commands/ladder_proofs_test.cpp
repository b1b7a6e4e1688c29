// The refusals of the commands about proofs, each in its fixed order.
#include <liboath/oath.h>

#include "tests/support/ladder.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr auto change = fb::Purpose::change_security_info;
constexpr const char* totp_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";  // "12345678901234567890"

std::string totp_at(Time now) {
  char code[7] = {};
  oath_totp_generate("12345678901234567890", 20, now / second_us, 30, 0, 6, code);
  return code;
}

Past cancelled(std::uint64_t window) {
  return [window](Subject& subject) {
    subject.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(window)}, {Rule::lost_5}));
  };
}

/// Kept but never verified.
Past questions(int count) {
  return [count](Subject& subject) {
    for (int i = 0; i < count; ++i) question("question " + std::to_string(i))(subject);
  };
}

/// Two verified proofs and as many others as an account may have; third@example.org among them, and again and again
/// written to; an hour in which the account was, too.
Subject full_owner() {
  Subject subject = owner();
  for (const Past& step : {mailbox("third@example.org"), questions(18), codes_sent(1, 8), codes_sent(2, 5)})
    step(subject);
  return subject;
}

auto given_proof(NewProof proof) {
  return [proof = std::move(proof)](Subject&, auto& command) { command.proof = proof; };
}

/// The rungs of a new proof, from an app without a secret to a mailbox that may be added (examine, add).
template <class C>
Ladder<Subject, C>& new_proof(Ladder<Subject, C>& ladder) {
  return ladder.rung("R-PRF-1 invalid_totp_secret", given_proof(new_question("First pet?", " ")))
      .rung("R-PRF-1 question_incomplete", given_proof(new_phone("0")))
      .rung("R-PRF-2 invalid_phone", given_proof(new_mailbox("nobody")))
      .rung("R-PRF-1 invalid_email", given_proof(new_mailbox("third@example.org")))
      .passed_challenge("R-PRF-5", change)
      .rung("R-PRF-2 already_added", removed(2))
      .rung("R-PRF-5 too_many_proofs", removed(3))
      .rung("R-CHL-5 proof_send_limit", codes_per_hour(7))
      .rung("R-CHL-5 account_send_limit", codes_per_hour(8));
}

const NewProof no_kind{.kind = fb::ProofKind::recovery_code}, no_device{.kind = fb::ProofKind::trusted_device},
    no_secret{.kind = fb::ProofKind::authenticator_app};

}  // namespace

SCENARIO("R-PRF-9 R-PRF-1 R-PRF-2 R-PRF-5 R-CHL-5: add-proof, rung by rung") {
  Ladder ladder(full_owner(), AddProof{numbered(99), no_kind});
  ladder.rung("R-PRF-9 kind_not_added", given_proof(no_device)).rung("R-PRF-1 device_missing", given_proof(no_secret));
  new_proof(ladder).expect_accepted("ProofAdded LinkSent");
}

SCENARIO("R-PRF-6 R-LOST-4 R-PRF-9 R-PRF-1 R-PRF-2 R-PRF-5 R-CHL-5: replace-proof, rung by rung") {
  Subject subject = full_owner();
  for (const Past& step : {mailbox("gone@example.org"), removed(21), marked_lost(70)}) step(subject);
  Ladder ladder(subject, ReplaceProof{numbered(99), numbered(99), no_device});
  ladder.rung("R-PRF-6 proof_unknown", &ReplaceProof::replaces, subject.proof(21).id)
      .rung("R-PRF-6 proof_unknown", &ReplaceProof::replaces, subject.proof(1).id)
      .rung("R-LOST-4 window_open", cancelled(70))
      .rung("R-PRF-6 kind_not_offered", given_proof(no_kind))
      .rung("R-PRF-9 kind_not_added", given_proof(no_secret));
  new_proof(ladder).expect_accepted("ProofAdded LinkSent");
}

SCENARIO("R-PRF-5 R-LOST-4: remove-proof, rung by rung") {
  Subject subject = owner();
  for (const Past& step : {mailbox("third@example.org"), marked_lost(70)}) step(subject);
  Ladder(subject, RemoveProof{numbered(99), numbered(99)})
      .passed_challenge("R-PRF-5", change)
      .rung("R-PRF-5 proof_unknown", &RemoveProof::proof, subject.proof(1).id)
      .rung("R-LOST-4 window_open", cancelled(70))
      .rung("R-PRF-5 last_proofs", verified(2))
      .expect_accepted("ProofRemoved");
}

SCENARIO("R-PRF-1 R-PRF-10 R-CHL-5: verify-proof, rung by rung") {
  const Subject subject = given({registered(), under([](Policy& policy) { policy.code_ttl_seconds = 60; }),
                                 phone("090-9876-5432"), device("pc-1"), code_guesses_spent(0), after(minute_us)});
  Ladder(subject, VerifyProof{.proof = numbered(99)})
      .rung("R-PRF-1 proof_unknown", &VerifyProof::proof, subject.proof(1).id)
      .rung("R-PRF-10 needs_challenge", &VerifyProof::proof, subject.proof(0).id)
      .rung("R-PRF-1 wrong_means", &VerifyProof::link_token, "a link")
      .rung("R-CHL-5 no_code: CodeRejected",
            [](auto&, auto& c) {
              c.link_token.reset();
              c.code = "wrong";
            })
      .rung("R-CHL-5 guess_limit: CodeRejected", one_more_guess())
      .rung("R-CHL-5 code_expired: CodeRejected", after(-1))
      .rung("R-CHL-5 wrong_code: CodeRejected", &VerifyProof::code, subject.secret_of(0))
      .expect_accepted("ProofVerified");
}

SCENARIO("R-PRF-1 R-CHL-5: verify-proof with an app's code, rung by rung") {
  const Subject subject = given({registered(), app(totp_secret), code_guesses_spent(0)});
  Ladder(subject, VerifyProof{.proof = numbered(99), .code = "wrong"})
      .rung("R-PRF-1 proof_unknown", &VerifyProof::proof, subject.proof(0).id)
      .rung("R-PRF-1 wrong_means", &VerifyProof::totp, "wrong")
      .rung("R-CHL-5 guess_limit: CodeRejected", one_more_guess())
      .rung("R-CHL-5 wrong_code: CodeRejected", &VerifyProof::totp, totp_at(subject.now))
      .expect_accepted("ProofVerified");
}

SCENARIO("R-PRF-9: issue-recovery-code, rung by rung") {
  Ladder(owner(), IssueRecoveryCode{numbered(99)})
      .passed_challenge("R-PRF-9", change)
      .expect_accepted("RecoveryCodeIssued");
}

SCENARIO("R-PRF-10 R-PRF-5: trust-device, rung by rung") {
  Subject subject = owner();
  questions(18)(subject);
  Ladder(subject, TrustDevice{numbered(99), "pc-2"})
      .passed_challenge("R-PRF-10", fb::Purpose::trust_device, "pc-1")
      .rung("R-PRF-10 other_device", &TrustDevice::device_id, "")
      .rung("R-PRF-10 other_device", &TrustDevice::device_id, "pc-1")
      .rung("R-PRF-5 too_many_proofs", removed(2))
      .expect_accepted("DeviceTrusted");
}
