#include "commands/access.hpp"

#include <algorithm>
#include <array>

#include "commands/names.hpp"
#include "commands/profile.hpp"

namespace daicho {

std::span<const char* const> access_fields() {
  static constexpr std::array fields = {"sign_in_name", "profile", "proofs"};
  return fields;
}

namespace {

Json reveal(const Account& account, const std::string& field, const Context& context) {
  if (field == "sign_in_name") {
    const auto registered = context.personal(account.identity.registered);
    return registered ? Json(registered->sign_in_name) : Json(nullptr);
  }
  if (field == "profile") {
    const fb::ProfileT profile = profile_of(account, context);
    Json shown = Json::object();
    for (const ProfileField& each : profile_fields()) shown[each.name] = profile.*each.field;
    return shown;
  }
  Json shown = Json::array();
  for (const Proof& proof : account.proofs.all) {
    const auto personal = context.personal(proof.added);
    if (!personal) continue;
    const std::string& value = !personal->address.empty() ? personal->address : personal->question;
    shown.push_back({{"proof_id", to_text(proof.id)},
                     {"kind", name(proof.kind)},
                     {"status", name(proof.status)},
                     {"value", value.empty() ? personal->device_id : value}});
  }
  return shown;
}

}  // namespace

Decision decide(const Account& account, const RecordAccess& command, const Context& context) {
  if (command.reason.empty()) return refused({Rule::led_5, "reason_missing", "An access names its reason."});
  if (command.reason.size() > access_reason_bytes_max || command.case_number.size() > case_number_bytes_max) {
    return refused({Rule::led_5, "reason_too_long",
                    "A reason has at most 1024 bytes, the number of the case it belongs to at most 64."});
  }
  const auto is_known = [](const std::string& field) {
    return std::ranges::find(access_fields(), field) != access_fields().end();
  };
  const auto is_repeated = [&](const std::string& field) { return std::ranges::count(command.fields, field) > 1; };
  if (command.fields.empty()) return refused({Rule::led_5, "fields_missing", "An access names the fields it reads."});
  if (!std::ranges::all_of(command.fields, is_known))
    return refused({Rule::led_5, "field_unknown", "Fields are sign_in_name, profile, proofs."});
  if (std::ranges::any_of(command.fields, is_repeated))
    return refused({Rule::led_5, "field_repeated", "Each field is named once."});
  Decision decision = accepted();
  for (const std::string& field : command.fields) decision.returns[field] = reveal(account, field, context);
  Draft event = draft(fb::AccessRecordedT{.fields = command.fields, .case_number = command.case_number},
                      {Rule::led_1, Rule::led_5});
  event.personal.detail = command.reason;
  decision.events.push_back(std::move(event));
  return decision;
}

}  // namespace daicho
