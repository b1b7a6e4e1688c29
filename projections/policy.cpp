#include "projections/policy.hpp"

#include <algorithm>
#include <array>

#include "projections/event_fields.hpp"

namespace daicho {

std::span<const PolicyNumber> policy_numbers() {
  static constexpr std::array<PolicyNumber, 35> numbers = {{
      {"min_proofs", &Policy::min_proofs, 1, 10},
      {"code_digits", &Policy::code_digits, 6, 10},
      {"code_ttl_seconds", &Policy::code_ttl_seconds, 60, 3'600},
      {"link_ttl_seconds", &Policy::link_ttl_seconds, 300, 604'800},
      {"max_code_guesses", &Policy::max_code_guesses, 1, 20},
      {"max_codes_per_hour", &Policy::max_codes_per_hour, 1, 50},
      {"max_contact_confirmations", &Policy::max_contact_confirmations, 1, 50},
      {"challenge_ttl_seconds", &Policy::challenge_ttl_seconds, 60, 86'400},
      {"step_up_ttl_seconds", &Policy::step_up_ttl_seconds, 60, 86'400},
      {"password_min", &Policy::password_min, 8, 64},
      {"password_max", &Policy::password_max, 8, 256},
      {"password_classes", &Policy::password_classes, 1, 4},
      {"strong_classes", &Policy::strong_classes, 1, 4},
      {"password_history", &Policy::password_history, 0, 24},
      {"argon2_passes", &Policy::argon2_passes, 1, 10},
      {"argon2_memory_kib", &Policy::argon2_memory_kib, 8, 1'048'576},
      {"replacement_days", &Policy::replacement_days, 1, 365},
      {"max_replacements_per_day", &Policy::max_replacements_per_day, 1, 50},
      {"recovery_per_day", &Policy::recovery_per_day, 1, 100},
      {"recovery_reply_hours", &Policy::recovery_reply_hours, 1, 720},
      {"survey_days", &Policy::survey_days, 1, 30},
      {"reset_link_ttl_seconds", &Policy::reset_link_ttl_seconds, 300, 604'800},
      {"recovery_min_fields", &Policy::recovery_min_fields, 1, 19},
      {"recovery_threshold", &Policy::recovery_threshold, 1, 10'000},
      {"recovery_values_counted", &Policy::recovery_values_counted, 1, 10},
      {"recovery_not_registered_percent", &Policy::recovery_not_registered_percent, 0, 100},
      {"recovery_familiar_device", &Policy::recovery_familiar_device, 0, 1'000},
      {"recovery_familiar_place", &Policy::recovery_familiar_place, 0, 1'000},
      {"mailbox_inactive_days", &Policy::mailbox_inactive_days, 1, 3'650},
      {"mailbox_first_sign_in_days", &Policy::mailbox_first_sign_in_days, 1, 3'650},
      {"account_inactive_days", &Policy::account_inactive_days, 1, 3'650},
      {"removed_proof_retention_days", &Policy::removed_proof_retention_days, 3, 3'650},  // no budget lasts longer
      {"expired_account_retention_days", &Policy::expired_account_retention_days, 1, 3'650},
      {"recorded_refusals_per_hour", &Policy::recorded_refusals_per_hour, 1, 100},
      {"accesses_per_day", &Policy::accesses_per_day, 0, 1'000},
  }};
  return numbers;
}

std::span<const PolicyText> policy_texts() {
  static const std::array<PolicyText, 4> texts = {{
      {"day_kind", &Policy::day_kind, {"calendar_day", "rolling_24h"}},
      {"day_zone", &Policy::day_zone, {}},
      {"subject_match", &Policy::subject_match, {"exact", "outline"}},
      {"sign_in_name_reuse", &Policy::sign_in_name_reuse, {"never", "after_closing"}},
  }};
  return texts;
}

std::span<const PolicyList> policy_lists() {
  static const std::array<PolicyList, 2> lists = {{
      {"routes", &Policy::routes, {"secret_question", "security_code", "recovery_code", "recovery_form"}},
      {"provider_domains", &Policy::provider_domains, {}},
  }};
  return lists;
}

std::span<const PolicyFlag> policy_flags() {
  static constexpr std::array<PolicyFlag, 1> flags = {
      {{"disclose_account_existence", &Policy::disclose_account_existence}}};
  return flags;
}

namespace {

/// A weight's name in the event: `recovery_weights.surname`.
std::string weight_name(std::size_t field) {
  return std::string(recovery_weights_name) + "." + fb::EnumNameRecoveryField(static_cast<fb::RecoveryField>(field));
}

}  // namespace

fb::PolicyAdoptedT adopt(const Policy& policy) {
  fb::PolicyAdoptedT adopted;
  adopted.version = policy.version;
  const auto add = [&](const char* name, std::int64_t number, std::vector<std::string> texts) {
    auto parameter = std::make_unique<fb::PolicyParameterT>();
    parameter->name = name;
    parameter->number = number;
    parameter->texts = std::move(texts);
    adopted.parameters.push_back(std::move(parameter));
  };
  for (const PolicyNumber& entry : policy_numbers()) add(entry.name, policy.*entry.field, {});
  for (const PolicyText& entry : policy_texts()) add(entry.name, 0, {policy.*entry.field});
  for (const PolicyList& entry : policy_lists()) add(entry.name, 0, policy.*entry.field);
  for (const PolicyFlag& entry : policy_flags()) add(entry.name, policy.*entry.field ? 1 : 0, {});
  for (std::size_t i = 1; i < policy.recovery_weights.size(); ++i)
    add(weight_name(i).c_str(), policy.recovery_weights[i], {});
  return adopted;
}

Policy read_policy(const fb::PolicyAdopted& adopted) {
  Policy policy;
  policy.version = adopted.version();
  if (!adopted.parameters()) return policy;
  for (const fb::PolicyParameter* parameter : *adopted.parameters()) {
    const std::string_view name = parameter->name() ? parameter->name()->string_view() : std::string_view{};
    std::vector<std::string> texts;
    if (parameter->texts()) {
      for (const auto* text : *parameter->texts()) texts.push_back(text->str());
    }
    for (const PolicyNumber& entry : policy_numbers()) {
      if (name == entry.name) policy.*entry.field = parameter->number();
    }
    for (const PolicyText& entry : policy_texts()) {
      if (name == entry.name && !texts.empty()) policy.*entry.field = texts.front();
    }
    for (const PolicyList& entry : policy_lists()) {
      if (name == entry.name) policy.*entry.field = texts;
    }
    for (const PolicyFlag& entry : policy_flags()) {
      if (name == entry.name) policy.*entry.field = parameter->number() != 0;
    }
    for (std::size_t i = 1; name.starts_with(recovery_weights_name) && i < policy.recovery_weights.size(); ++i) {
      if (name == weight_name(i)) policy.recovery_weights[i] = parameter->number();
    }
  }
  return policy;
}

const Service* LedgerState::find_service(std::string_view name) const {
  const auto found =
      std::ranges::find_if(services, [&](const Service& each) { return each.name == name && !each.revoked_at; });
  return found == services.end() ? nullptr : &*found;
}

void evolve(LedgerState& ledger, const Event& event, const Hash& leaf) {
  ledger.head = {event.account_version(), event.position(), leaf};
  if (const auto* created = event.as<fb::LedgerCreated>()) {
    ledger.origin = created->origin() ? created->origin()->str() : "";
    ledger.simulated_clock = created->simulated_clock();
    ledger.created_at = ledger.digests_time = event.time();  // the first digests are due a day later
  } else if (const auto* adopted = event.as<fb::PolicyAdopted>()) {
    ledger.policy = read_policy(*adopted);
  } else if (const auto* registered = event.as<fb::ServiceRegistered>()) {
    Service service{.id = id_of(registered->service_id()), .name = text_of(registered->name())};
    for (const auto role : list_of(registered->roles())) service.roles.push_back(static_cast<fb::Role>(role));
    for (const auto byte : list_of(registered->public_key())) service.public_key.push_back(byte);
    service.token_hash = tag_of(registered->token_hash());
    service.registered = event.position();
    service.registered_at = event.time();
    ledger.services.push_back(std::move(service));
  } else if (const auto* revoked = event.as<fb::ServiceRevoked>()) {
    const auto found = std::ranges::find(ledger.services, id_of(revoked->service_id()), &Service::id);
    if (found != ledger.services.end()) found->revoked_at = event.time();
  } else if (const auto* refused = event.as<fb::CommandRefused>()) {
    ledger.refusals.add(refused->rule(), event.time());
  } else if (const auto* digests = event.as<fb::ProjectionDigestsRecorded>()) {
    ledger.digests_at = digests->size();
    ledger.digests_time = event.time();
  } else if (event.as<fb::LookupKeyRotated>()) {
    ++ledger.lookup_rotations;
  }
}

}  // namespace daicho
