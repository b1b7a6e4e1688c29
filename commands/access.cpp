#include "commands/access.hpp"

#include <algorithm>
#include <array>

#include "commands/names.hpp"
#include "commands/profile.hpp"
#include "commands/text.hpp"

namespace daicho {

const std::string& investigator_of(const Access& access, const Issuer& issuer) {
  return access.investigator.empty() ? issuer.service : access.investigator;
}

namespace {

Refusal bad(const char* code, const char* detail) { return {Rule::led_5, code, detail}; }

bool is_case_number(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '@'; });
}

/// What an access does not say, or says too loud.
std::optional<Refusal> check_words(const Access& access) {
  if (fold(access.reason).empty()) return bad("reason_missing", "An access names its reason.");
  if (access.reason.size() > access_reason_bytes_max)
    return bad("reason_too_long", "The reason of an access has at most 1024 bytes.");
  if (fold(access.case_number).empty())
    return bad("case_number_missing", "An access names the number of the case it belongs to.");
  if (access.case_number.size() > case_number_bytes_max)
    return bad("case_number_too_long", "The number of a case has at most 64 bytes.");
  if (!is_case_number(access.case_number))
    return bad("case_number_not_a_word", "The number of a case is visible ASCII without spaces and without `@`.");
  if (!access.investigator.empty() && !is_hyphenated_word(access.investigator)) {
    return bad("investigator_not_a_word",
               "An investigator is named by an opaque id of a-z, 0-9, _ and -, at most 64 of them.");
  }
  return std::nullopt;
}

Decision limit_reached(const RefusalMarks& marks, const Access& access, const Allowance& allowance,
                       const Context& context) {
  const char* detail = context.policy.accesses_per_day == 0
                           ? "The policy lets nobody read what is sealed."
                           : "The investigator has read as often today as the policy lets one person read.";
  const Refusal refusal{Rule::led_5, "access_limit", detail, allowance.next_allowed_at};
  return refused_on_record(marks, context, refusal,
                           draft(fb::CommandRefusedT{.rule = static_cast<std::uint16_t>(refusal.rule),
                                                     .code = refusal.code,
                                                     .investigator = investigator_of(access, context.issuer)},
                                 {Rule::led_5, Rule::led_1}));
}

}  // namespace

Decision record_access(const RefusalMarks& marks, const Access& access, std::vector<std::string> fields, Reveal reveal,
                       const Context& context) {
  if (auto refusal = check_words(access)) return refused(*std::move(refusal));
  const Allowance allowance =
      daily_allowance(access.earlier, context.policy.accesses_per_day, context.policy, context.now);
  if (allowance.left == 0) return limit_reached(marks, access, allowance, context);
  Decision decision = accepted({{"accesses_left_today", allowance.left - 1}, {"shown_once", fields}});
  Draft event = draft(fb::AccessRecordedT{.fields = std::move(fields),
                                          .case_number = access.case_number,
                                          .investigator = investigator_of(access, context.issuer)},
                      {Rule::led_1, Rule::led_5});
  event.personal.detail = access.reason;
  decision.events.push_back(std::move(event));
  decision.reveal = std::move(reveal);
  return decision;
}

std::span<const char* const> access_fields() {
  static constexpr std::array fields = {"sign_in_name", "profile", "proofs"};
  return fields;
}

namespace {

Json value_of(const Account& account, const std::string& field, const Context& context) {
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
  const auto is_known = [](const std::string& field) {
    return std::ranges::find(access_fields(), field) != access_fields().end();
  };
  const auto is_repeated = [&](const std::string& field) { return std::ranges::count(command.fields, field) > 1; };
  if (command.fields.empty()) return refused(bad("fields_missing", "An access names the fields it reads."));
  if (!std::ranges::all_of(command.fields, is_known))
    return refused(bad("field_unknown", "Fields are sign_in_name, profile, proofs."));
  if (std::ranges::any_of(command.fields, is_repeated))
    return refused(bad("field_repeated", "Each field is named once."));
  const auto reveal = [fields = command.fields](const Account& read, const Context& with) {
    Json values = Json::object();
    for (const std::string& field : fields) values[field] = value_of(read, field, with);
    return values;
  };
  return record_access(account.limits.refusals, command, command.fields, reveal, context);
}

}  // namespace daicho
