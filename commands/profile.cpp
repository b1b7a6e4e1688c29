#include "commands/profile.hpp"

#include <algorithm>

namespace daicho {

std::span<const ProfileField> profile_fields() {
  static constexpr std::array<ProfileField, 6> fields = {{
      {"surname", &fb::ProfileT::surname},
      {"given_name", &fb::ProfileT::given_name},
      {"birth_date", &fb::ProfileT::birth_date},
      {"country", &fb::ProfileT::country},
      {"region", &fb::ProfileT::region},
      {"postal_code", &fb::ProfileT::postal_code},
  }};
  return fields;
}

Decision decide(const Account& account, const ChangeProfile& command, const Context& context) {
  if (auto refusal = check_passed(account, command.challenge, fb::Purpose::change_security_info, Rule::acc_3, context))
    return refused(*std::move(refusal));
  fb::ProfileT profile = profile_of(account, context);
  fb::ProfileChangedT changed;
  for (const auto& [name, value] : command.changes) {
    const auto field = std::ranges::find(profile_fields(), name, &ProfileField::name);
    if (field == profile_fields().end())
      return refused({Rule::acc_3, "field_unknown", "A profile has no field " + name + "."});
    if (profile.*field->field == value) continue;
    profile.*field->field = value;
    changed.fields.push_back(name);
  }
  if (changed.fields.empty()) return accepted({{"changed", Json::array()}});
  Decision decision = accepted({{"changed", changed.fields}});
  Draft event = draft(std::move(changed), {Rule::acc_3, Rule::acc_7});
  event.personal.profile = std::make_unique<fb::ProfileT>(std::move(profile));
  event.caused_by = account.challenges.find(command.challenge)->passed;
  decision.events.push_back(std::move(event));
  return decision;
}

}  // namespace daicho
