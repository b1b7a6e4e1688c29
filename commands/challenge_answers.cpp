#include "commands/challenge_answers.hpp"

#include <algorithm>

#include "commands/guesses.hpp"
#include "commands/names.hpp"
#include "commands/totp.hpp"

namespace daicho {

namespace {

/// A code or link that was sent, or an app's code.
Factor code_factor(const Proof& proof, const Id& challenge) {
  return {Rule::chl_5, "wrong_code", "That is not the code.", proof.wrong_guesses,
          [id = proof.id, challenge](fb::CodeRejection reason) {
            return draft(fb::CodeRejectedT{.challenge_id = challenge, .proof_id = id, .reason = reason}, {Rule::chl_5});
          }};
}

}  // namespace

std::optional<Decision> check_code(const Account& account, const Proof* proof, const Id& challenge, bool is_link,
                                   std::string_view attempt, const Context& context) {
  if (!proof || !proof->code || proof->code->is_link != is_link) {
    return refused_on_record(account, context,
                             {Rule::chl_5, "no_code", "No code is waited for: none was sent, or it was used."},
                             draft(fb::CodeRejectedT{.challenge_id = challenge,
                                                     .proof_id = proof ? proof->id : Id{},
                                                     .reason = fb::CodeRejection::no_code},
                                   {Rule::chl_5}));
  }
  const Factor factor = code_factor(*proof, challenge);
  const bool has_budget = count_since(proof->wrong_guesses, context.now, hour_us) < context.policy.max_code_guesses;
  if (has_budget && proof->code->expires_at <= context.now) {
    return reject(account, factor, context, fb::CodeRejection::expired, "code_expired",
                  "The code is too old; ask for a new one.");
  }
  return judge(account, factor, context, [&] {
    const OneTime kind = is_link ? OneTime::link : OneTime::security_code;
    return context.vault.matches(kind, proof->code->id, proof->code->hash, attempt);
  });
}

std::optional<Decision> check_totp(const Account& account, const Proof& proof, const Id& challenge,
                                   std::string_view totp, const Context& context, std::uint64_t& step) {
  return judge(account, code_factor(proof, challenge), context, [&] {
    const auto personal = context.personal(proof.added);
    const auto matched = personal ? totp_step(personal->totp_secret, totp, context.now) : std::nullopt;
    if (!matched || *matched <= proof.totp_step) return false;
    step = *matched;
    return true;
  });
}

std::optional<Decision> check_recovery_code(const Account& account, const Id& challenge, std::string_view attempt,
                                            Rule rule, const Context& context) {
  const Identity& identity = account.identity;
  const Factor factor{
      rule, "wrong_recovery_code", "That is not the account's recovery code.", identity.wrong_recovery_codes,
      [&](fb::CodeRejection reason) {
        return draft(fb::RecoveryCodeRejectedT{.challenge_id = challenge, .reason = reason}, {rule, Rule::prf_9});
      }};
  return judge(account, factor, context, [&] {
    return !identity.recovery_code.is_zero() &&
           context.vault.matches(OneTime::recovery_code, identity.recovery_code, identity.recovery_code_hash, attempt);
  });
}

Draft removal(const Account& account, const Proof& proof, const Context& context) {
  Draft removed = draft(fb::ProofRemovedT{.proof_id = proof.id}, {Rule::prf_5, Rule::prf_7});
  notify_proofs(removed, account, context, fb::NotificationKind::security_info_changed);
  return removed;
}

void append_verification(Decision& decision, const Account& account, const Proof& proof, std::uint64_t totp_step,
                         const Context& context) {
  Draft verified = draft(fb::ProofVerifiedT{.proof_id = proof.id, .totp_step = totp_step}, {Rule::prf_1});
  verified.caused_by = proof.added;
  decision.events.push_back(std::move(verified));
  const Proof* replaced = proof.replaces.is_zero() ? nullptr : account.proofs.find(proof.replaces);
  if (!replaced || replaced->status == ProofStatus::removed || replaced->status == ProofStatus::marked_lost) return;
  Draft removed = removal(account, *replaced, context);
  removed.rules.push_back(static_cast<std::uint16_t>(Rule::prf_6));
  removed.caused_by = proof.added;
  decision.events.push_back(std::move(removed));
}

namespace {

/// ChallengePassed and what follows from it: the proof it was passed with is verified, the device it ran on is known.
Decision passed(const Account& account, const Challenge& challenge, const Proof* proof, fb::Route by,
                std::uint64_t totp_step, const Context& context) {
  Decision decision = accepted({{"passed", true}, {"guesses_left", context.policy.max_code_guesses}});
  Draft event = draft(fb::ChallengePassedT{.challenge_id = challenge.id,
                                           .purpose = challenge.purpose,
                                           .proof_id = proof ? proof->id : Id{},
                                           .device_tag = challenge.device_tag,
                                           .by = by,
                                           .totp_step = totp_step},
                      {Rule::chl_5, Rule::chl_9});
  event.caused_by = challenge.started;
  decision.events.push_back(std::move(event));
  if (proof && proof->status == ProofStatus::unverified)
    append_verification(decision, account, *proof, totp_step, context);
  for (const Proof& device : account.proofs.all) {  // the device the owner is on is trusted from here (R-PRF-10)
    if (challenge.purpose == fb::Purpose::trust_device && device.kind == fb::ProofKind::trusted_device &&
        device.status == ProofStatus::unverified && device.address_tag == challenge.device_tag) {
      append_verification(decision, account, device, 0, context);
      decision.events.back().rules.push_back(static_cast<std::uint16_t>(Rule::prf_10));
    }
  }
  if (account.windows.open && proof && proof->status == ProofStatus::marked_lost)
    decision.returns["offer_cancel_replacement"] = to_text(account.windows.open->id);  // R-LOST-4
  return decision;
}

/// The app whose code it is: the one named, or the only way left when no code was sent.
const Proof* app_meant(const Account& account, const Challenge& challenge, const SubmitCode& command,
                       const Policy& policy) {
  const auto is_app = [&](const Id& id) {
    const Proof* proof = account.proofs.find(id);
    const bool is_one = proof && proof->kind == fb::ProofKind::authenticator_app;
    return is_one && is_offered(*proof, challenge.purpose, policy) ? proof : nullptr;
  };
  if (command.proof) {
    const bool is_offer = std::ranges::find(challenge.offers, *command.proof) != challenge.offers.end();
    return is_offer ? is_app(*command.proof) : nullptr;
  }
  if (account.proofs.with_code_of(challenge.id)) return nullptr;
  const Proof* only = nullptr;
  for (const Id& offer : challenge.offers) {
    const Proof* app = is_app(offer);
    if (app && only) return nullptr;
    if (app) only = app;
  }
  return only;
}

Decision route_closed(const char* detail) { return refused({Rule::chl_9, "route_closed", detail}); }

}  // namespace

Decision decide(const Account& account, const SubmitCode& command, const Context& context) {
  const auto challenge = open_challenge(account, command.challenge, context);
  if (!challenge) return refused(challenge.error());
  if (!is_route_open(fb::Route::security_code, context.policy))
    return route_closed("Codes are not accepted under the policy in force.");
  std::uint64_t step = 0;
  if (const Proof* app = app_meant(account, **challenge, command, context.policy)) {
    if (auto rejection = check_totp(account, *app, command.challenge, command.code, context, step))
      return *std::move(rejection);
    return passed(account, **challenge, app, fb::Route::security_code, step, context);
  }
  const Proof* proof = account.proofs.with_code_of(command.challenge);
  if (auto rejection = check_code(account, proof, command.challenge, false, command.code, context))
    return *std::move(rejection);
  return passed(account, **challenge, proof, fb::Route::security_code, 0, context);
}

Decision decide(const Account& account, const AnswerSecretQuestion& command, const Context& context) {
  const auto challenge = open_challenge(account, command.challenge, context);
  if (!challenge) return refused(challenge.error());
  const Proof* proof = account.proofs.find(command.proof);
  const bool is_offer = std::ranges::find((*challenge)->offers, command.proof) != (*challenge)->offers.end();
  if (!proof || !is_offer || proof->kind != fb::ProofKind::secret_question || !proof->is_usable())
    return refused({Rule::chl_2, "proof_not_offered", "This challenge does not offer that question."});
  if (!is_route_open(fb::Route::secret_question, context.policy))
    return route_closed("Secret questions are not accepted under the policy in force.");
  const Factor factor{
      Rule::chl_5, "wrong_answer", "That is not the answer.", proof->wrong_guesses, [&](fb::CodeRejection reason) {
        return draft(
            fb::SecretAnswerRejectedT{.challenge_id = command.challenge, .proof_id = command.proof, .reason = reason},
            {Rule::chl_5});
      }};
  if (auto rejection = judge(account, factor, context, [&] { return command.verdict != Verdict::wrong; }))
    return *std::move(rejection);
  return passed(account, **challenge, proof, fb::Route::secret_question, 0, context);
}

Decision decide(const Account& account, const UseRecoveryCode& command, const Context& context) {
  const auto challenge = open_challenge(account, command.challenge, context);
  if (!challenge) return refused(challenge.error());
  if (!is_route_open(fb::Route::recovery_code, context.policy))
    return route_closed("Recovery codes are not accepted under the policy in force.");
  if (auto rejection = check_recovery_code(account, command.challenge, command.code, Rule::prf_9, context))
    return *std::move(rejection);
  Decision decision = passed(account, **challenge, nullptr, fb::Route::recovery_code, 0, context);
  decision.events.insert(decision.events.begin(),
                         draft(fb::RecoveryCodeUsedT{.code_id = account.identity.recovery_code}, {Rule::prf_9}));
  return decision;
}

}  // namespace daicho
