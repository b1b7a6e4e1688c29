#include "projections/policy.hpp"

#include <algorithm>
#include <array>

namespace daicho {

std::span<const PolicyNumber> policy_numbers() {
  static constexpr std::array<PolicyNumber, 21> numbers = {{
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
      {"recovery_per_day", &Policy::recovery_per_day, 1, 100},
      {"recovery_reply_hours", &Policy::recovery_reply_hours, 1, 720},
      {"recovery_min_fields", &Policy::recovery_min_fields, 1, 20},
      {"recorded_refusals_per_hour", &Policy::recorded_refusals_per_hour, 1, 100},
  }};
  return numbers;
}

std::span<const PolicyText> policy_texts() {
  static const std::array<PolicyText, 2> texts = {{
      {"day_kind", &Policy::day_kind, {"calendar_day", "rolling_24h"}},
      {"day_zone", &Policy::day_zone, {}},
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
  }
  return policy;
}

void evolve(LedgerState& ledger, const Event& event, const Hash& leaf) {
  ledger.head = {event.account_version(), event.position(), leaf};
  if (const auto* created = event.as<fb::LedgerCreated>()) {
    ledger.origin = created->origin() ? created->origin()->str() : "";
    ledger.simulated_clock = created->simulated_clock();
    ledger.digests_time = event.time();  // the first digests are due a day later
  } else if (const auto* adopted = event.as<fb::PolicyAdopted>()) {
    ledger.policy = read_policy(*adopted);
  } else if (const auto* digests = event.as<fb::ProjectionDigestsRecorded>()) {
    ledger.digests_at = digests->size();
    ledger.digests_time = event.time();
  }
}

}  // namespace daicho
