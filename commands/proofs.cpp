#include "commands/proofs.hpp"

#include <algorithm>

#include "commands/names.hpp"
#include "commands/text.hpp"
#include "commands/totp.hpp"

namespace daicho {

namespace {

Refusal not_a_proof(const char* code, std::string detail) { return {Rule::prf_1, code, std::move(detail)}; }

/// The data key that a destination is under, and its tag under that key.
struct Destination {
  std::uint32_t slot;
  const Vault* vault;
  Tag16 tag;
};

/// Whether the account knows the destination by this tag under this key.
bool is_known(const Account& account, std::uint32_t slot, const Tag16& tag) {
  const DataKey* key = account.keys.find(slot);
  return (key && key->destination == tag) || std::ranges::any_of(account.proofs.all, [&](const Proof& proof) {
           return proof.sealed_slot == slot && proof.address_tag == tag;
         });
}

/// `label` and `text` are what the tag is made of.
Destination destination_of(const Account& account, std::string_view label, std::string_view text,
                           const Context& context) {
  const Tag16 own_tag = context.vault.tag(label, text);  // of a proof that is older than keys of destinations
  if (is_known(account, own_key_slot, own_tag)) return {own_key_slot, &context.vault, own_tag};
  for (const DataKey& key : account.keys.live) {
    const Vault* vault = key.purpose == fb::KeyPurpose::destination ? context.vault_at(key.slot) : nullptr;
    const Tag16 tag = vault ? vault->tag(label, text) : Tag16{};
    if (vault && is_known(account, key.slot, tag)) return {key.slot, vault, tag};
  }
  const DataKey* shared = account.keys.shared();
  const Vault* vault = shared ? context.vault_at(shared->slot) : nullptr;
  const std::uint32_t slot = vault ? shared->slot : account.keys.next_slot;
  if (!vault) vault = &context.new_vault_at(slot);
  return {slot, vault, vault->tag(label, text)};
}

ProofDetails details_of(const Destination& destination) { return {destination.slot, destination.tag, {}, {}}; }

Result<ProofDetails, Refusal> examine_mailbox(const NewProof& proof, const Account& account, const Context& context) {
  const auto email = parse_email(proof.value);
  if (!email) return Unexpected{not_a_proof("invalid_email", "The value is not an e-mail address.")};
  const Destination destination = destination_of(account, "address", email->folded(), context);
  ProofDetails details = details_of(destination);
  details.confirmation_tag = destination.vault->tag("confirmation", fold(email->local));
  details.personal.address = email->address();
  return details;
}

Result<ProofDetails, Refusal> examine_phone(const NewProof& proof, const Account& account, const Context& context) {
  const auto phone = parse_phone(proof.value, proof.country);
  if (!phone)
    return Unexpected{Refusal{Rule::prf_2, "invalid_phone", "The value is not a phone number of its country."}};
  const Destination destination = destination_of(account, "address", phone->e164, context);
  ProofDetails details = details_of(destination);
  details.confirmation_tag =
      destination.vault->tag("confirmation", std::string_view(phone->e164).substr(phone->e164.size() - 4));
  details.personal.address = phone->e164;
  details.personal.national_digits = phone->national_digits;
  return details;
}

Result<ProofDetails, Refusal> examine_question(const NewProof& proof, const Account& account, const Context& context) {
  if (fold(proof.question).empty() || fold(proof.answer).empty()) {
    return Unexpected{not_a_proof("question_incomplete", "A secret question needs a question and an answer.")};
  }
  ProofDetails details = details_of(destination_of(account, "question", fold(proof.question), context));
  details.personal.question = proof.question;
  details.personal.answer_verifier = proof.answer_verifier;
  return details;
}

Result<ProofDetails, Refusal> examine_app(const NewProof& proof, const Account& account, const Context& context) {
  if (!is_totp_secret(proof.totp_secret)) {
    return Unexpected{not_a_proof("invalid_totp_secret", "The app's secret is 16 to 128 characters of base32.")};
  }
  const std::string digits = totp_secret_digits(proof.totp_secret);  // however it is spelled
  ProofDetails details = details_of(destination_of(account, "app", digits, context));
  details.personal.totp_secret = proof.totp_secret;
  return details;
}

/// Under the account's own key: its tag is compared with those of sign-ins and challenges.
Result<ProofDetails, Refusal> examine_device(const NewProof& proof, const Context& context) {
  if (proof.device_id.empty())
    return Unexpected{not_a_proof("device_missing", "A trusted device needs its device_id.")};
  ProofDetails details;
  details.address_tag = context.vault.tag("device", proof.device_id);
  details.personal.device_id = proof.device_id;
  return details;
}

}  // namespace

Result<ProofDetails, Refusal> examine(const NewProof& proof, const Account& account, const Context& context) {
  switch (proof.kind) {
    case fb::ProofKind::email:
    case fb::ProofKind::mobile_email:
      return examine_mailbox(proof, account, context);
    case fb::ProofKind::mobile_phone:
    case fb::ProofKind::landline_phone:
      return examine_phone(proof, account, context);
    case fb::ProofKind::secret_question:
      return examine_question(proof, account, context);
    case fb::ProofKind::authenticator_app:
      return examine_app(proof, account, context);
    case fb::ProofKind::trusted_device:
      return examine_device(proof, context);
    case fb::ProofKind::none:
    case fb::ProofKind::recovery_code:
      break;
  }
  return Unexpected{Refusal{Rule::prf_9, "kind_not_added", "A recovery code is issued with issue-recovery-code."}};
}

std::string masked(const fb::PersonalT& personal) {
  if (!personal.national_digits.empty()) return mask_phone(personal.national_digits);
  return personal.address.empty() ? "" : mask_email(personal.address);
}

std::optional<Draft> first_message(fb::ProofKind kind, const Id& proof, const Context& context, const Id& replacement) {
  if (!is_written_to(kind)) return std::nullopt;
  const fb::Channel channel = channels_of(kind).front();
  if (channel == fb::Channel::email) return send_link_to(proof, context, replacement);
  return send_code_to(proof, Id{}, channel, context, replacement);
}

namespace {

std::optional<Refusal> check_room(const Account& account) {
  const auto is_kept = [](const Proof& proof) { return proof.status != ProofStatus::removed; };
  if (std::ranges::count_if(account.proofs.all, is_kept) < static_cast<std::ptrdiff_t>(proofs_per_account_max))
    return std::nullopt;
  return Refusal{Rule::prf_5, "too_many_proofs", "The account has as many proofs as it may."};
}

/// One more proof: ProofAdded and the message that verifies it. `replaces` all zero: in nobody's place.
Decision add(const Account& account, const NewProof& proof, const Id& replaces, const std::optional<Id>& challenge,
             const Context& context) {
  auto details = examine(proof, account, context);
  if (!details) return refused(details.error());
  if (account.proofs.usable_count() > 0) {  // before a word about the proofs there are (R-ACC-6)
    if (auto refusal =
            check_passed(account, challenge.value_or(Id{}), fb::Purpose::change_security_info, Rule::prf_5, context))
      return refused(*std::move(refusal));
  }
  const auto is_same = [&](const Proof& other) {
    return other.status != ProofStatus::removed && other.address_tag == details->address_tag;
  };
  if (std::ranges::any_of(account.proofs.all, is_same))
    return refused({Rule::prf_2, "already_added", "The account has this proof already."});
  if (auto refusal = check_room(account)) return refused(*std::move(refusal));
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
  added.sealed_slot = details->sealed_slot;
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
  if (auto refusal = check_passed(account, command.challenge, fb::Purpose::change_security_info, Rule::prf_5, context))
    return refused(*std::move(refusal));
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
  if (auto refusal = check_passed(account, command.challenge, fb::Purpose::trust_device, Rule::prf_10, context))
    return refused(*std::move(refusal));
  const Challenge& challenge = *account.challenges.find(command.challenge);
  const Tag16 device = device_tag(command.device_id, context);
  if (command.device_id.empty() || device != challenge.device_tag)
    return refused({Rule::prf_10, "other_device", "The challenge was passed on another device."});
  const auto known = std::ranges::find_if(account.proofs.all, [&](const Proof& proof) {
    return proof.kind == fb::ProofKind::trusted_device && proof.address_tag == device && proof.is_in_force();
  });
  const bool is_known = known != account.proofs.all.end();
  if (is_known && known->is_usable()) return accepted({{"proof_id", to_text(known->id)}});
  if (auto refusal = is_known ? std::nullopt : check_room(account)) return refused(*std::move(refusal));
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
  if (auto refusal = check_passed(account, command.challenge, fb::Purpose::change_security_info, Rule::prf_9, context))
    return refused(*std::move(refusal));
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
