#include "commands/recovery.hpp"

#include <algorithm>
#include <array>

#include "commands/text.hpp"

namespace daicho {

std::span<const std::string_view> recovery_fields() {
  static constexpr auto fields = std::to_array<std::string_view>(
      {"surname", "given_name", "birth_date", "country", "region", "postal_code", "passwords", "mail_subjects",
       "mail_folders", "mail_recipients", "xbox_prepaid_last5", "card_name", "card_last4", "card_expiry", "skype_id",
       "skype_contacts", "skype_phones", "skype_purchases", "xbox_console_id"});
  return fields;
}

namespace {

bool is_answered(const RecoveryAnswer& answer) {
  return answer.not_registered ||
         std::ranges::any_of(answer.values, [](const std::string& value) { return !fold(value).empty(); });
}

Json blank_fields(const SubmitRecovery& command) {
  Json blank = Json::array();
  for (const std::string_view field : recovery_fields()) {
    const auto found = std::ranges::find(command.answers, field, &RecoveryAnswer::field);
    if (found == command.answers.end() || !is_answered(*found)) blank.push_back(field);
  }
  return blank;
}

}  // namespace

Decision decide(const Account& account, const SubmitRecovery& command, const Context& context) {
  const auto contact = parse_email(command.contact_address);
  if (!contact)
    return refused({Rule::rec_2, "invalid_contact_address", "The contact address is not an e-mail address."});
  const auto registered = context.personal(account.identity.registered);
  if (registered && registered->sign_in_name == contact->folded()) {
    return refused({Rule::rec_2, "own_address", "The contact address must be another than the account's own."});
  }
  const Allowance allowance =
      daily_allowance(account.limits.recoveries, context.policy.recovery_per_day, context.policy, context.now);
  if (allowance.left == 0) {
    fb::RecoveryRefusedT record{.rule = static_cast<std::uint16_t>(Rule::rec_3),
                                .retry_at = *allowance.next_allowed_at};
    return refused_on_record(
        account, context,
        {Rule::rec_3, "attempts_used_up", "The attempts of today are used up.", allowance.next_allowed_at},
        draft(std::move(record), {Rule::rec_3}));
  }
  Json blank = blank_fields(command);
  const auto answered = static_cast<std::int64_t>(recovery_fields().size() - blank.size());
  if (answered < context.policy.recovery_min_fields) {
    Refusal refusal{Rule::rec_4, "too_little_information", "Fill in more fields; no attempt was used."};
    refusal.extra["blank_fields"] = std::move(blank);
    return refused(std::move(refusal));
  }
  const Id id = context.new_id();
  const Time due_at = context.now + context.policy.recovery_reply_hours * hour_us;
  Draft submitted = draft(
      fb::RecoverySubmittedT{
          .recovery_id = id, .reply_due_at = due_at, .answered = static_cast<std::uint16_t>(answered)},
      {Rule::rec_2, Rule::rec_3, Rule::rec_4, Rule::rec_7});
  submitted.personal.contact_address = contact->address();
  for (const RecoveryAnswer& answer : command.answers) {
    auto stored = std::make_unique<fb::RecoveryAnswerT>();
    stored->field = answer.field;
    stored->not_registered = answer.not_registered;
    if (answer.field != "passwords")
      stored->values = answer.values;  // R-LED-6: a password is never written, sealed or not
    submitted.personal.answers.push_back(std::move(stored));
  }
  if (command.device_id) submitted.personal.device_id = *command.device_id;
  if (command.location) submitted.personal.location = *command.location;
  notify(submitted, context, fb::NotificationKind::recovery_received, fb::Recipient::sealed_address,
         fb::Channel::email);
  Decision decision = accepted({{"recovery_id", to_text(id)},
                                {"attempts_left_today", allowance.left - 1},
                                {"reply_due_at", to_rfc3339(due_at)}});
  decision.events.push_back(std::move(submitted));
  return decision;
}

}  // namespace daicho
