#include "commands/registration.hpp"

#include <algorithm>

#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

namespace {

struct ExaminedProof {
  Id id;
  fb::ProofKind kind;
  ProofDetails details;
};

/// Each as if those before it were in the account.
Result<std::vector<ExaminedProof>, Refusal> examine_all(Account account, const std::vector<NewProof>& proofs,
                                                        const Context& context) {
  static constexpr std::array offered = {fb::ProofKind::secret_question, fb::ProofKind::mobile_phone,
                                         fb::ProofKind::mobile_email, fb::ProofKind::email,
                                         fb::ProofKind::trusted_device};
  std::vector<ExaminedProof> examined;
  if (proofs.size() > proofs_per_account_max) {
    return Unexpected{Refusal{Rule::prf_5, "too_many_proofs", "That is more proofs than an account may have."}};
  }
  for (const NewProof& proof : proofs) {
    if (std::ranges::find(offered, proof.kind) == offered.end()) {
      return Unexpected{
          Refusal{Rule::acc_1, "kind_not_offered",
                  "At registration: secret question, mobile phone or mobile e-mail, e-mail, trusted device."}};
    }
    auto details = examine(proof, account, context);
    if (!details) return Unexpected{details.error()};
    const auto is_same = [&](const ExaminedProof& other) { return other.details.address_tag == details->address_tag; };
    if (std::ranges::any_of(examined, is_same)) {
      return Unexpected{Refusal{Rule::acc_1, "same_destination_twice", "Two of the proofs are the same destination."}};
    }
    if (const std::uint32_t slot = details->sealed_slot; !account.keys.has(slot)) {
      account.keys.live.push_back({.slot = slot, .destination = details->address_tag});
      account.keys.next_slot = slot + 1;
    }
    examined.push_back({context.new_id(), proof.kind, *std::move(details)});
  }
  if (std::ssize(examined) < context.policy.min_proofs) {
    return Unexpected{
        Refusal{Rule::acc_1, "too_few_proofs",
                "Registration needs at least " + std::to_string(context.policy.min_proofs) + " different proofs."}};
  }
  return examined;
}

Draft confirmation_request(const Context& context) {
  fb::SignInNameConfirmationRequestedT asked{.link_id = context.new_id()};
  asked.token_hash =
      context.vault.hash(OneTime::link, asked.link_id, context.vault.secret(OneTime::link, asked.link_id));
  asked.expires_at = context.now + context.policy.link_ttl_seconds * second_us;
  const Id link = asked.link_id;
  Draft event = draft(std::move(asked), {Rule::acc_2});
  notify(event, context, fb::NotificationKind::sign_in_name_link, fb::Recipient::sign_in_name, fb::Channel::email, {},
         link);
  return event;
}

}  // namespace

fb::Grade grade(const RegisterAccount& command, const Policy& policy) {
  if (command.password.grade != fb::Grade::none) return command.password.grade;
  return grade_password(command.password.text, policy,
                        {command.sign_in_name, command.profile.surname, command.profile.given_name});
}

Decision decide(const Account& account, const RegisterAccount& command, const Context& context) {
  if (account.exists()) return refused({Rule::acc_1, "account_exists", "This account is registered already."});
  const auto name = parse_email(command.sign_in_name);
  if (!name) return refused({Rule::acc_1, "invalid_sign_in_name", "The sign-in name is not an e-mail address."});
  if (command.is_name_taken) return refused({Rule::acc_1, "sign_in_name_taken", "The sign-in name is in use."});
  if (auto refusal = check_password(command.password, context.policy)) return refused(*std::move(refusal));
  auto proofs = examine_all(account, command.proofs, context);
  if (!proofs) return refused(proofs.error());

  const auto& domains = context.policy.provider_domains;
  const bool is_own_domain = std::ranges::find(domains, name->domain) != domains.end();
  Draft registered = draft(
      fb::AccountRegisteredT{
          .plan = command.plan, .grade = grade(command, context.policy), .name_confirmed = is_own_domain},
      {Rule::acc_1, Rule::acc_2, Rule::pwd_1});
  registered.personal.sign_in_name = name->folded();
  registered.personal.password_verifier = command.password.verifier;
  registered.personal.profile = std::make_unique<fb::ProfileT>(command.profile);
  if (command.device_id) registered.personal.device_id = *command.device_id;

  Decision decision = accepted({{"account", to_text(account.id)}, {"proof_ids", Json::array()}});
  decision.events.push_back(std::move(registered));
  for (ExaminedProof& proof : *proofs) {
    decision.returns["proof_ids"].push_back(to_text(proof.id));
    Draft added = draft(fb::ProofAddedT{.proof_id = proof.id,
                                        .kind = proof.kind,
                                        .address_tag = proof.details.address_tag,
                                        .confirmation_tag = proof.details.confirmation_tag},
                        {Rule::acc_1, Rule::prf_1, Rule::prf_2});
    added.personal = std::move(proof.details.personal);
    added.sealed_slot = proof.details.sealed_slot;
    decision.events.push_back(std::move(added));
    if (auto message = first_message(proof.kind, proof.id, context)) decision.events.push_back(*std::move(message));
  }
  if (!is_own_domain) decision.events.push_back(confirmation_request(context));
  return decision;
}

Decision decide(const Account& account, const ConfirmSignInName& command, const Context& context) {
  const Identity& identity = account.identity;
  const Id& link = identity.name_link_id;
  // Only to who holds the link does it show whether the name is confirmed already (R-ACC-6).
  const Tag16 hash =
      identity.name_link.value_or(context.vault.hash(OneTime::link, link, context.vault.secret(OneTime::link, link)));
  const bool is_right = context.vault.matches(OneTime::link, link, hash, command.link_token);
  if (is_right && identity.name_confirmed) return accepted();
  if (!is_right || identity.name_link_expires_at <= context.now)
    return refused({Rule::acc_2, "link_unknown", "The link is not the one that was mailed, or too old."});
  Decision decision = accepted();
  decision.events.push_back(draft(fb::SignInNameConfirmedT{.link_id = identity.name_link_id}, {Rule::acc_2}));
  return decision;
}

}  // namespace daicho
