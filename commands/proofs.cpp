#include "commands/proofs.hpp"

#include <algorithm>

#include "commands/names.hpp"
#include "commands/text.hpp"
#include "commands/totp.hpp"

namespace daicho {

namespace {

Refusal not_a_proof(const char* code, std::string detail) { return {Rule::prf_1, code, std::move(detail)}; }

Result<ProofDetails, Refusal> examine_mailbox(const NewProof& proof, const Context& context) {
  const auto email = parse_email(proof.value);
  if (!email) return Unexpected{not_a_proof("invalid_email", "The value is not an e-mail address.")};
  ProofDetails details;
  details.address_tag = context.vault.tag("address", email->folded());
  details.confirmation_tag = context.vault.tag("confirmation", fold(email->local));
  details.personal.address = email->address();
  return details;
}

Result<ProofDetails, Refusal> examine_phone(const NewProof& proof, const Context& context) {
  const auto phone = parse_phone(proof.value, proof.country);
  if (!phone)
    return Unexpected{Refusal{Rule::prf_2, "invalid_phone", "The value is not a phone number of its country."}};
  ProofDetails details;
  details.address_tag = context.vault.tag("address", phone->e164);
  details.confirmation_tag =
      context.vault.tag("confirmation", std::string_view(phone->e164).substr(phone->e164.size() - 4));
  details.personal.address = phone->e164;
  details.personal.national_digits = phone->national_digits;
  return details;
}

Result<ProofDetails, Refusal> examine_question(const NewProof& proof, const Context& context) {
  if (fold(proof.question).empty() || fold(proof.answer).empty()) {
    return Unexpected{not_a_proof("question_incomplete", "A secret question needs a question and an answer.")};
  }
  ProofDetails details;
  details.address_tag = context.vault.tag("question", fold(proof.question));
  details.personal.question = proof.question;
  details.personal.answer_verifier = proof.answer_verifier;
  return details;
}

Result<ProofDetails, Refusal> examine_app(const NewProof& proof, const Context& context) {
  if (!is_totp_secret(proof.totp_secret)) {
    return Unexpected{not_a_proof("invalid_totp_secret", "The app's secret is 16 to 128 characters of base32.")};
  }
  ProofDetails details;
  details.address_tag = context.vault.tag("app", totp_secret_digits(proof.totp_secret));  // however it is spelled
  details.personal.totp_secret = proof.totp_secret;
  return details;
}

Result<ProofDetails, Refusal> examine_device(const NewProof& proof, const Context& context) {
  if (proof.device_id.empty())
    return Unexpected{not_a_proof("device_missing", "A trusted device needs its device_id.")};
  ProofDetails details;
  details.address_tag = context.vault.tag("device", proof.device_id);
  details.personal.device_id = proof.device_id;
  return details;
}

}  // namespace

Result<ProofDetails, Refusal> examine(const NewProof& proof, const Context& context) {
  switch (proof.kind) {
    case fb::ProofKind::email:
    case fb::ProofKind::mobile_email:
      return examine_mailbox(proof, context);
    case fb::ProofKind::mobile_phone:
    case fb::ProofKind::landline_phone:
      return examine_phone(proof, context);
    case fb::ProofKind::secret_question:
      return examine_question(proof, context);
    case fb::ProofKind::authenticator_app:
      return examine_app(proof, context);
    case fb::ProofKind::trusted_device:
      return examine_device(proof, context);
    case fb::ProofKind::none:
    case fb::ProofKind::recovery_code:
      break;
  }
  return Unexpected{Refusal{Rule::prf_9, "kind_not_added", "A recovery code is issued with issue-recovery-code."}};
}

std::optional<Draft> first_message(fb::ProofKind kind, const Id& proof, const Context& context, const Id& replacement) {
  const auto channels = channels_of(kind);
  if (channels.empty() || channels.front() == fb::Channel::app) return std::nullopt;
  if (channels.front() == fb::Channel::email) return send_link_to(proof, context, replacement);
  return send_code_to(proof, Id{}, channels.front(), context, replacement);
}

namespace {

/// One more proof: ProofAdded and the message that verifies it. `replaces` all zero: in nobody's place.
Decision add(const Account& account, const NewProof& proof, const Id& replaces, const std::optional<Id>& challenge,
             const Context& context) {
  auto details = examine(proof, context);
  if (!details) return refused(details.error());
  if (account.proofs.usable_count() > 0) {  // before a word about the proofs there are (R-ACC-6)
    const auto why = check_passed(account, challenge.value_or(Id{}), fb::Purpose::change_security_info, context);
    if (why) return refused({Rule::prf_5, why->code, why->detail});
  }
  std::size_t kept = 0;
  for (const Proof& other : account.proofs.all) {
    if (other.status == ProofStatus::removed) continue;
    ++kept;
    if (other.address_tag == details->address_tag)
      return refused({Rule::prf_2, "already_added", "The account has this proof already."});
  }
  if (kept >= proofs_per_account_max)
    return refused({Rule::prf_5, "too_many_proofs", "The account has as many proofs as it may."});
  const Id proof_id = context.new_id();
  auto message = first_message(proof.kind, proof_id, context);
  if (message) {
    if (auto refusal = check_send_quota(account, details->address_tag, false, context))
      return refused(*std::move(refusal));
  }
  Draft added = draft(fb::ProofAddedT{.proof_id = proof_id,
                                      .kind = proof.kind,
                                      .address_tag = details->address_tag,
                                      .confirmation_tag = details->confirmation_tag,
                                      .replaces = replaces},
                      {Rule::prf_1, Rule::prf_2, Rule::prf_5, Rule::prf_7});
  added.personal = std::move(details->personal);
  if (const Challenge* passed = account.challenges.find(challenge.value_or(Id{}))) added.caused_by = passed->passed;
  notify_proofs(added, account, context, fb::NotificationKind::security_info_changed);
  Decision decision = accepted({{"proof_id", to_text(proof_id)}});
  decision.events.push_back(std::move(added));
  if (message) decision.events.push_back(*std::move(message));
  return decision;
}

}  // namespace

Decision decide(const Account& account, const AddProof& command, const Context& context) {
  return add(account, command.proof, {}, command.challenge, context);
}

Decision decide(const Account& account, const ReplaceProof& command, const Context& context) {
  const Proof* old = account.proofs.find(command.replaces);
  if (!old || !old->is_in_force())
    return refused({Rule::prf_6, "proof_unknown", "The account has no such proof to replace."});
  if (old->status == ProofStatus::marked_lost)
    return refused({Rule::lost_4, "window_open", "This proof is marked lost; it goes when the window ends.",
                    account.windows.open->effective_at});
  if (command.proof.kind == fb::ProofKind::trusted_device)
    return refused(
        {Rule::prf_6, "kind_not_offered", "A device lapses with the next change; it takes no proof's place."});
  Decision decision = add(account, command.proof, old->id, command.challenge, context);
  if (!decision.refusal) {
    Draft& added = decision.events.front();
    added.rules.push_back(static_cast<std::uint16_t>(Rule::prf_6));
    if (command.proof.kind == fb::ProofKind::secret_question) {  // usable at once: so the old one goes at once
      Draft removed = removal(account, *old, context);
      removed.rules.push_back(static_cast<std::uint16_t>(Rule::prf_6));
      decision.events.push_back(std::move(removed));
    }
  }
  return decision;
}

namespace {

/// Verified proofs that stay when this one goes. Trusted devices do not: its going is a change (R-PRF-10).
std::int64_t verified_without(const Account& account, const Proof& gone) {
  return std::ranges::count_if(account.proofs.all, [&](const Proof& proof) {
    return proof.status == ProofStatus::verified && proof.kind != fb::ProofKind::trusted_device && proof.id != gone.id;
  });
}

}  // namespace

Decision decide(const Account& account, const RemoveProof& command, const Context& context) {
  if (const auto why = check_passed(account, command.challenge, fb::Purpose::change_security_info, context))
    return refused({Rule::prf_5, why->code, why->detail});
  const Proof* proof = account.proofs.find(command.proof);
  if (!proof || !proof->is_in_force()) return refused({Rule::prf_5, "proof_unknown", "The account has no such proof."});
  if (proof->status == ProofStatus::marked_lost)
    return refused({Rule::lost_4, "window_open", "This proof is marked lost; it goes when the window ends.",
                    account.windows.open->effective_at});
  if (proof->is_usable() && verified_without(account, *proof) < context.policy.min_proofs)
    return refused({Rule::prf_5, "last_proofs",
                    "The account keeps at least " + std::to_string(context.policy.min_proofs) +
                        " verified proofs; add another first."});
  Draft removed = removal(account, *proof, context);
  removed.caused_by = account.challenges.find(command.challenge)->passed;
  Decision decision = accepted({{"proof_id", to_text(proof->id)}});
  decision.events.push_back(std::move(removed));
  return decision;
}

Decision decide(const Account& account, const TrustDevice& command, const Context& context) {
  if (const auto why = check_passed(account, command.challenge, fb::Purpose::trust_device, context))
    return refused({Rule::prf_10, why->code, why->detail});
  const Challenge& challenge = *account.challenges.find(command.challenge);
  const Tag16 device = device_tag(command.device_id, context);
  if (command.device_id.empty() || device != challenge.device_tag)
    return refused({Rule::prf_10, "other_device", "The challenge was passed on another device."});
  const auto known = std::ranges::find_if(account.proofs.all, [&](const Proof& proof) {
    return proof.kind == fb::ProofKind::trusted_device && proof.address_tag == device && proof.is_in_force();
  });
  const bool is_known = known != account.proofs.all.end();
  if (is_known && known->is_usable()) return accepted({{"proof_id", to_text(known->id)}});
  const auto kept = static_cast<std::size_t>(std::ranges::count_if(
      account.proofs.all, [](const Proof& proof) { return proof.status != ProofStatus::removed; }));
  if (!is_known && kept >= proofs_per_account_max)
    return refused({Rule::prf_5, "too_many_proofs", "The account has as many proofs as it may."});
  const Id proof_id = is_known ? known->id : context.new_id();
  Draft trusted =
      draft(fb::DeviceTrustedT{.challenge_id = command.challenge, .proof_id = proof_id, .device_tag = device},
            {Rule::prf_10});
  trusted.personal.device_id = command.device_id;
  trusted.caused_by = challenge.passed;
  notify_proofs(trusted, account, context, fb::NotificationKind::security_info_changed);
  Decision decision = accepted({{"proof_id", to_text(proof_id)}});
  decision.events.push_back(std::move(trusted));
  return decision;
}

Decision decide(const Account& account, const VerifyProof& command, const Context& context) {
  const Proof* proof = account.proofs.find(command.proof);
  if (!proof || proof->status == ProofStatus::removed || proof->is_of_window()) {
    return refused({Rule::prf_1, "proof_unknown", "The account has no such proof."});
  }
  if (proof->is_usable()) return accepted({{"proof_id", to_text(proof->id)}, {"status", name(proof->status)}});
  if (proof->kind == fb::ProofKind::trusted_device) {
    return refused({Rule::prf_10, "needs_challenge",
                    "A device is verified by a challenge with purpose trust_device passed on it."});
  }
  const bool is_app = proof->kind == fb::ProofKind::authenticator_app;
  const bool is_right_means = is_app ? command.totp.has_value() : (command.code || command.link_token);
  if (!is_right_means) {
    return refused({Rule::prf_1, "wrong_means", "Phones return a code, mailboxes a link token, apps a totp."});
  }
  std::uint64_t step = 0;
  auto rejection = is_app ? check_totp(account, *proof, Id{}, *command.totp, context, step)
                          : check_code(account, proof, Id{}, command.link_token.has_value(),
                                       command.link_token ? *command.link_token : *command.code, context);
  if (rejection) return *std::move(rejection);
  Decision decision = accepted({{"proof_id", to_text(proof->id)}, {"status", "verified"}});
  append_verification(decision, account, *proof, step, context);
  return decision;
}

Decision decide(const Account& account, const IssueRecoveryCode& command, const Context& context) {
  if (const auto why = check_passed(account, command.challenge, fb::Purpose::change_security_info, context)) {
    return refused({Rule::prf_9, why->code, why->detail});
  }
  fb::RecoveryCodeIssuedT issued{.code_id = context.new_id()};
  const std::string code = context.vault.secret(OneTime::recovery_code, issued.code_id);
  issued.code_hash = context.vault.hash(OneTime::recovery_code, issued.code_id, code);
  Draft event = draft(std::move(issued), {Rule::prf_9});
  event.caused_by = account.challenges.find(command.challenge)->passed;
  notify_proofs(event, account, context, fb::NotificationKind::security_info_changed);
  Decision decision = accepted({{"recovery_code", code}});
  decision.events.push_back(std::move(event));
  return decision;
}

}  // namespace daicho
