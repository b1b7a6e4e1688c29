// The refusals of the commands about lost proofs and their window, each in its fixed order.
#include "tests/support/ladder.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Subject owner_after(std::initializer_list<Past> past) {
  Subject subject = owner();
  for (const Past& step : past) step(subject);
  return subject;
}

std::string secret(OneTime kind, std::uint64_t id) { return owner().vault().secret(kind, numbered(id)); }

Past recovery_codes_guessed() {
  return guesses_spent([](const Subject&) {
    return draft(fb::RecoveryCodeRejectedT{.reason = fb::CodeRejection::wrong}, {Rule::lost_2});
  });
}

Past openings_used_up() {
  return [](Subject& subject) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      marked_lost(80 + i)(subject);
      subject.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(80 + i)}, {Rule::lost_5}));
    }
  };
}

auto given_proof(NewProof proof) {
  return [proof = std::move(proof)](Subject&, auto& command) { command.proof = proof; };
}

/// A window never confirmed, as old as a link lives, but for a microsecond.
Past nearly_lapsed(std::uint64_t window) {
  return [window](Subject& subject) {
    marked_lost(window)(subject);
    subject.now += subject.policy.link_ttl_seconds * second_us - 1;
  };
}

}  // namespace

SCENARIO("R-CHL-9 R-CHL-5 R-LOST-2 R-LOST-4 R-LOST-1: mark-proofs-lost, rung by rung") {
  const Subject subject = owner_after(
      {recovery_code(60), openings_used_up(), nearly_lapsed(70), recovery_codes_guessed(), under([](Policy& policy) {
         policy.routes.clear();
         policy.day_kind = "rolling_24h";
       })});
  Ladder(subject, MarkProofsLost{.proofs = {numbered(99)}, .recovery_code = "wrong"})
      .rung("R-CHL-9 route_closed", under([](Policy& policy) { policy.routes = {"recovery_code"}; }))
      .rung("R-CHL-5 guess_limit: RecoveryCodeRejected", one_more_guess())
      .rung("R-LOST-2 wrong_recovery_code: RecoveryCodeRejected", [](auto&, auto& c) { c.recovery_code.reset(); })
      .rung("R-LOST-4 window_open",
            [](auto& s, auto&) {
              s.now += 1;
              openings_used_up()(s);
            })
      .rung("R-LOST-4 openings_used_up", after(day_us))
      .rung("R-LOST-1 proof_unknown", &MarkProofsLost::proofs, {subject.proof(0).id, subject.proof(1).id})
      .expect_accepted("ProofsMarkedLost ReplacementOpened");
}

SCENARIO("R-LOST-2 R-LOST-4: mark-proofs-lost with the recovery code needs no more than the code and the proofs") {
  const Subject subject = owner_after({recovery_code(60), openings_used_up(), marked_lost(70)});
  Ladder(subject, MarkProofsLost{.proofs = {numbered(99)}, .recovery_code = "wrong"})
      .rung("R-LOST-2 wrong_recovery_code: RecoveryCodeRejected", &MarkProofsLost::recovery_code,
            secret(OneTime::recovery_code, 60))
      .rung("R-LOST-1 proof_unknown", &MarkProofsLost::proofs, {})
      .expect_accepted("RecoveryCodeUsed ReplacementCancelled ProofsMarkedLost ReplacementOpened");
}

SCENARIO("R-LOST-3 R-LOST-4 R-PRF-1 R-PRF-2 R-CHL-5: propose-replacement-proof, rung by rung") {
  const auto opened_anew = [](Subject& subject, ProposeReplacementProof& command) {
    subject.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(70)}, {Rule::lost_5}));
    marked_lost(71)(subject);
    command.replacement = numbered(71);
  };
  const Subject subject = owner_after({marked_lost(70), proposed(70, "new@example.org"), confirmed(70),
                                       codes_sent(2, 4, numbered(70)), codes_sent(1, 9, numbered(70))});
  Ladder(subject, ProposeReplacementProof{numbered(99), {.kind = fb::ProofKind::authenticator_app}})
      .rung("R-LOST-3 no_open_window", &ProposeReplacementProof::replacement, numbered(70))
      .rung("R-LOST-4 already_confirmed", opened_anew)
      .rung("R-LOST-3 kind_not_offered", given_proof(new_mailbox("nobody")))
      .rung("R-PRF-1 invalid_email", given_proof(new_phone("0")))
      .rung("R-PRF-2 invalid_phone", given_proof(new_mailbox("new@example.org")))
      .rung("R-CHL-5 proof_send_limit", codes_per_hour(6))
      .rung("R-CHL-5 account_send_limit", codes_per_hour(7))
      .expect_accepted("ReplacementProofProposed LinkSent");
}

SCENARIO("R-LOST-3 R-CHL-5: confirm-replacement-proof, rung by rung") {
  Subject subject = owner_after({marked_lost(70)});
  subject.policy.link_ttl_seconds = 60;
  const auto proposal = [](Subject& s) {
    proposed(70, "new@example.org")(s);
    code_guesses_spent(2)(s);
    s.now += minute_us;
  };
  Ladder(subject,
         ConfirmReplacementProof{.replacement = numbered(99), .code = "wrong", .account_named = "other@outlook.jp"})
      .rung("R-LOST-3 no_open_window", &ConfirmReplacementProof::replacement, numbered(70))
      .rung("R-LOST-3 nothing_proposed", proposal)
      .rung("R-CHL-5 no_code: CodeRejected", &ConfirmReplacementProof::link_token, "wrong")
      .rung("R-CHL-5 guess_limit: CodeRejected", one_more_guess())
      .rung("R-CHL-5 code_expired: CodeRejected", after(-1))
      .rung("R-CHL-5 wrong_code: CodeRejected", [](auto& s, auto& c) { c.link_token = s.secret_of(2); })
      .rung("R-LOST-3 wrong_account_named", &ConfirmReplacementProof::account_named, "owner@outlook.jp")
      .expect_accepted("ReplacementConfirmed");
}

namespace {

/// Whoever may stop a window, each wrong at first: with a link, a token, a challenge.
template <class Stop>
void check_stop(Stop, const std::string& events, const std::string& by_opener) {
  const std::string not_entitled = "R-LOST-5 not_entitled";
  const Subject subject = owner_after({marked_lost(70)});
  Stop by_link, by_token, by_challenge;
  by_link.replacement = by_token.replacement = by_challenge.replacement = numbered(99);
  by_link.link_token = by_token.replacement_token = "wrong";
  by_challenge.challenge = numbered(99);
  Ladder(subject, by_link)
      .rung("R-LOST-5 no_open_window", &Stop::replacement, numbered(70))
      .rung(not_entitled, &Stop::link_token, secret(OneTime::notice_link, 70))
      .expect_accepted(events);
  Ladder(subject, by_token)
      .rung("R-LOST-5 no_open_window", &Stop::replacement, numbered(70))
      .rung(not_entitled, &Stop::replacement_token, secret(OneTime::opener_token, 70))
      .expect_accepted(by_opener);
  Ladder(subject, by_challenge)
      .rung("R-LOST-5 no_open_window", &Stop::replacement, numbered(70))
      .rung(not_entitled,
            [](auto& s, auto& c) {
              started(fb::Purpose::reset_password, 60)(s);
              c.challenge = numbered(60);
            })
      .rung(not_entitled,  // not passed
            [](auto& s, auto&) {
              answered(60)(s);
              removed(0)(s);
              s.now += s.policy.step_up_ttl_seconds * second_us;
            })
      .rung(not_entitled, after(-1))    // too long ago
      .rung(not_entitled, verified(0))  // with a proof that is none any more
      .expect_accepted(events);
}

}  // namespace

SCENARIO("R-LOST-5: cancel-replacement and dispute-replacement, rung by rung") {
  check_stop(CancelReplacement{}, "ReplacementCancelled", "ReplacementCancelled");
  check_stop(DisputeReplacement{}, "ReplacementDisputed AccountBlocked", "ReplacementDisputed");
}

SCENARIO("R-LOST-6: complete-replacement, rung by rung; at the top the window's end has taken effect already") {
  Subject subject = owner_after({marked_lost(70)});
  const auto proposal = [](Subject& s) {
    proposed(70, "new@example.org")(s);
    confirmed(70)(s);
  };
  Ladder(subject, CompleteReplacement{numbered(99)})
      .rung("R-LOST-6 no_open_window", &CompleteReplacement::replacement, numbered(70))
      .rung("R-LOST-6 not_confirmed", proposal)
      .rung("R-LOST-6 not_due", after(30 * day_us - 1))
      .rung("R-LOST-6 not_due", after(1))
      .expect_accepted("");
}
