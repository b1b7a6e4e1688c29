#include "commands/policy_adoption.hpp"

#include <algorithm>

#include "commands/recovery_matching.hpp"
#include "commands/text.hpp"
#include "projections/calendar.hpp"

namespace daicho {

namespace {

constexpr std::size_t list_entries_max = 64;

Refusal bad(const std::string& parameter, std::string detail) {
  Refusal refusal{Rule::led_4, "bad_value", std::move(detail)};
  refusal.extra["parameter"] = parameter;
  return refusal;
}

bool is_allowed(const std::vector<std::string>& allowed, const std::string& value) {
  return allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
}

bool is_whole(const Json& value, std::int64_t min, std::int64_t max) {
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(max) && value.get<std::int64_t>() >= min;
  }
  return value.is_number_integer() && value.get<std::int64_t>() >= min && value.get<std::int64_t>() <= max;
}

std::optional<Refusal> set_number(Policy& policy, const PolicyNumber& entry, const Json& value) {
  if (!is_whole(value, entry.min, entry.max)) {
    return bad(entry.name, std::string(entry.name) + " is a whole number from " + std::to_string(entry.min) + " to " +
                               std::to_string(entry.max) + ".");
  }
  policy.*entry.field = value.get<std::int64_t>();
  return std::nullopt;
}

std::optional<Refusal> set_text(Policy& policy, const PolicyText& entry, const Json& value) {
  const bool is_zone = entry.allowed.empty();
  if (!value.is_string() || !is_allowed(entry.allowed, value.get<std::string>()) ||
      (is_zone && !is_time_zone(value.get<std::string>()))) {
    return bad(entry.name,
               std::string(entry.name) +
                   (is_zone ? " is an IANA time zone." : " is " + entry.allowed[0] + " or " + entry.allowed[1] + "."));
  }
  policy.*entry.field = value.get<std::string>();
  return std::nullopt;
}

/// An entry as it is kept, a domain as sign-in names are compared with it; nullopt: it is none.
std::optional<std::string> list_entry(const PolicyList& entry, const Json& item) {
  const auto* text = item.get_ptr<const std::string*>();
  if (!text) return std::nullopt;
  if (!entry.allowed.empty()) return is_allowed(entry.allowed, *text) ? std::optional(*text) : std::nullopt;
  const auto email = parse_email("a@" + *text);
  return email ? std::optional(email->domain) : std::nullopt;
}

std::optional<Refusal> set_list(Policy& policy, const PolicyList& entry, const Json& value) {
  std::vector<std::string> texts;
  const bool is_list =
      value.is_array() && value.size() <= list_entries_max && std::ranges::all_of(value, [&](const Json& item) {
        auto text = list_entry(entry, item);
        const bool is_new = text && std::ranges::find(texts, *text) == texts.end();
        if (is_new) texts.push_back(*std::move(text));
        return is_new;
      });
  if (!is_list) {
    const bool is_domains = entry.allowed.empty();
    return bad(entry.name, std::string(entry.name) +
                               (is_domains ? " is a list of domains, each once." : " is a list of routes, each once."));
  }
  policy.*entry.field = std::move(texts);
  return std::nullopt;
}

std::optional<Refusal> set_flag(Policy& policy, const PolicyFlag& entry, const Json& value) {
  if (!value.is_boolean()) return bad(entry.name, std::string(entry.name) + " is true or false.");
  policy.*entry.field = value.get<bool>();
  return std::nullopt;
}

/// `{"surname": 4, …}`: the fields named change, the others stay.
std::optional<Refusal> set_weights(Policy& policy, const Json& value) {
  const auto wrong = [] {
    return bad(recovery_weights_name, "recovery_weights is an object of fields of the recovery form, each from 0 to " +
                                          std::to_string(recovery_weight_max) + ".");
  };
  if (!value.is_object()) return wrong();
  for (const auto& [name, weight] : value.items()) {
    const auto field = parse_recovery_field(name);
    if (!field || !is_whole(weight, 0, recovery_weight_max)) return wrong();
    policy.recovery_weights.at(static_cast<std::size_t>(*field)) = weight.get<std::int64_t>();
  }
  return std::nullopt;
}

template <class Entries, class Set>
std::optional<std::optional<Refusal>> set_if_named(Policy& policy, const Entries& entries, const std::string& name,
                                                   const Json& value, Set set) {
  for (const auto& entry : entries) {
    if (name == entry.name) return set(policy, entry, value);
  }
  return std::nullopt;
}

}  // namespace

Result<Policy, Refusal> amended(const Policy& in_force, const Json& parameters) {
  Policy policy = in_force;
  for (const auto& [name, value] : parameters.items()) {
    auto set = set_if_named(policy, policy_numbers(), name, value, set_number);
    if (!set) set = set_if_named(policy, policy_texts(), name, value, set_text);
    if (!set) set = set_if_named(policy, policy_lists(), name, value, set_list);
    if (!set) set = set_if_named(policy, policy_flags(), name, value, set_flag);
    if (!set && name == recovery_weights_name) set = set_weights(policy, value);
    if (!set) return Unexpected{bad(name, "There is no policy parameter " + name + ".")};
    if (*set) return Unexpected{**set};
  }
  if (policy.password_min > policy.password_max)
    return Unexpected{bad("password_min", "password_min is at most password_max.")};
  return policy;
}

Decision decide(const LedgerState& ledger, const AdoptPolicy& command, const Context&) {
  auto policy = amended(ledger.policy, command.parameters);
  if (!policy) return refused(policy.error());
  policy->version = ledger.policy.version + 1;
  Decision decision = accepted({{"version", policy->version}});
  decision.events.push_back(draft(adopt(*policy), {Rule::led_4}));
  return decision;
}

Json to_json(const Policy& policy) {
  Json json = {{"version", policy.version}};
  for (const PolicyNumber& entry : policy_numbers()) json[entry.name] = policy.*entry.field;
  for (const PolicyText& entry : policy_texts()) json[entry.name] = policy.*entry.field;
  for (const PolicyList& entry : policy_lists()) json[entry.name] = policy.*entry.field;
  for (const PolicyFlag& entry : policy_flags()) json[entry.name] = policy.*entry.field;
  for (const char* const field : recovery_fields())
    json[recovery_weights_name][field] =
        policy.recovery_weights.at(static_cast<std::size_t>(*parse_recovery_field(field)));
  return json;
}

}  // namespace daicho
