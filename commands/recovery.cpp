#include "commands/recovery.hpp"

#include <algorithm>

#include "commands/names.hpp"
#include "commands/recovery_scoring.hpp"
#include "commands/text.hpp"

namespace daicho {

namespace {

std::optional<Decision> check_character(const Account& account, const SubmitRecovery& command, const Context& context) {
  if (!command.character_check || is_passed(*command.character_check)) return std::nullopt;
  return refused_on_record(account, context,
                           {Rule::chl_1, "character_check_failed", "The characters typed must be those shown."},
                           draft(fb::CharacterCheckFailedT{}, {Rule::chl_1}));
}

/// The contact address, or why it is none (R-REC-2).
Result<Email, Refusal> contact_of(const Account& account, const SubmitRecovery& command, const Context& context) {
  const auto contact = parse_email(command.contact_address);
  if (!contact)
    return Unexpected{Refusal{Rule::rec_2, "invalid_contact_address", "The contact address is not an e-mail address."}};
  const auto registered = context.personal(account.identity.registered);
  if (registered && registered->sign_in_name == contact->folded()) {
    return Unexpected{
        Refusal{Rule::rec_2, "own_address", "The contact address must be another than the account's own."}};
  }
  return *contact;
}

Decision refuse_recovery(const Account& account, Refusal refusal, const Context& context) {
  fb::RecoveryRefusedT record{.rule = static_cast<std::uint16_t>(refusal.rule)};
  if (refusal.retry_at) record.retry_at = *refusal.retry_at;
  const Rule rule = refusal.rule;
  return refused_on_record(account, context, std::move(refusal), draft(std::move(record), {rule}));
}

std::vector<std::unique_ptr<fb::RecoveryAnswerT>> sealed_answers(const std::vector<RecoveryAnswer>& answers) {
  std::vector<std::unique_ptr<fb::RecoveryAnswerT>> sealed;
  for (const RecoveryAnswer& answer : answers) {
    sealed.push_back(std::make_unique<fb::RecoveryAnswerT>());
    sealed.back()->field = answer.field;
    sealed.back()->not_registered = answer.not_registered;
    // R-LED-6: a password is never written, sealed or not.
    if (parse_recovery_field(answer.field) != fb::RecoveryField::passwords) sealed.back()->values = answer.values;
  }
  return sealed;
}

}  // namespace

Decision decide(const Account& account, const SubmitRecovery& command, const Context& context) {
  if (auto failed = check_character(account, command, context)) return *std::move(failed);
  if (!is_route_open(fb::Route::recovery_form, context.policy))
    return refused({Rule::chl_9, "route_closed", "The recovery form is closed under the policy in force."});
  const auto contact = contact_of(account, command, context);
  if (!contact) return refused(contact.error());
  if (account.identity.two_step) {
    return refuse_recovery(
        account, {Rule::rec_1, "two_step_on", "With two-step verification on, the form cannot help."}, context);
  }
  const Allowance allowance =
      daily_allowance(account.limits.recoveries, context.policy.recovery_per_day, context.policy, context.now);
  if (allowance.left == 0) {
    return refuse_recovery(
        account, {Rule::rec_3, "attempts_used_up", "The attempts of today are used up.", allowance.next_allowed_at},
        context);
  }
  const auto matches = match_answers(account, command.answers, command.passwords_matched, context);
  Json blank = Json::array();
  for (const FieldMatch& match : matches) {
    if (match.result == fb::FieldResult::blank) blank.push_back(name(match.field));
  }
  const auto answered = static_cast<std::int64_t>(matches.size() - blank.size());
  if (answered < context.policy.recovery_min_fields) {
    Refusal refusal{Rule::rec_4, "too_little_information", "Fill in more fields; no attempt was used."};
    refusal.extra["blank_fields"] = std::move(blank);
    return refused(std::move(refusal));
  }
  fb::RecoverySubmittedT submitted{.recovery_id = context.new_id(),
                                   .reply_due_at = context.now + context.policy.recovery_reply_hours * hour_us,
                                   .answered = static_cast<std::uint16_t>(answered)};
  for (const FieldMatch& match : matches) submitted.fields.emplace_back(match.field, match.result, match.matched);
  submitted.familiar_device =  // R-REC-9
      account.identity.is_familiar_device(device_tag(command.device_id.value_or(""), context));
  submitted.familiar_place = account.identity.is_familiar_place(location_tag(command.location.value_or(""), context));
  Decision decision = accepted({{"recovery_id", to_text(submitted.recovery_id)},
                                {"attempts_left_today", allowance.left - 1},
                                {"reply_due_at", to_rfc3339(submitted.reply_due_at)}});
  Draft event = draft(std::move(submitted), {Rule::rec_2, Rule::rec_3, Rule::rec_4, Rule::rec_6, Rule::rec_7});
  event.personal.contact_address = contact->address();
  event.personal.answers = sealed_answers(command.answers);
  event.personal.device_id = command.device_id.value_or("");
  event.personal.location = command.location.value_or("");
  notify(event, context, fb::NotificationKind::recovery_received, fb::Recipient::sealed_address, fb::Channel::email);
  decision.events.push_back(std::move(event));
  return decision;
}

namespace {

Json explain(const Recovery& recovery, const Score& score, const Policy& policy) {
  Json answer = {{"recovery_id", to_text(recovery.id)},
                 {"points", score.total},
                 {"threshold", policy.recovery_threshold},
                 {"familiar_points", score.familiar},
                 {"fields", Json::array()}};
  for (std::size_t i = 0; i < recovery.fields.size(); ++i) {
    answer["fields"].push_back(
        {{"field", name(recovery.fields[i].field)},
         {"result", name(recovery.fields[i].result)},
         {"points", score.fields[i]},
         {"weight", policy.recovery_weights.at(static_cast<std::size_t>(recovery.fields[i].field))}});
  }
  return answer;
}

template <class Outcome>
Outcome outcome_of(const Recovery& recovery, const Score& score, const Policy& policy) {
  Outcome outcome{.recovery_id = recovery.id,
                  .points = static_cast<std::uint32_t>(score.total),
                  .threshold = static_cast<std::uint32_t>(policy.recovery_threshold)};
  for (std::size_t i = 0; i < recovery.fields.size(); ++i)
    outcome.fields.emplace_back(recovery.fields[i].field, recovery.fields[i].result,
                                static_cast<std::uint16_t>(score.fields[i]));
  outcome.familiar_points = static_cast<std::uint32_t>(score.familiar);
  return outcome;
}

/// An event that follows from the submission and is told to its contact address.
Draft reply(Draft event, const Recovery& recovery, const Context& context) {
  event.caused_by = recovery.submitted;
  if (const auto submitted = context.personal(recovery.submitted))
    event.personal.contact_address = submitted->contact_address;
  return event;
}

void tell(Draft& event, fb::NotificationKind kind, const Context& context, const Id& link = {}) {
  if (event.personal.contact_address.empty()) return;  // its key is gone, and nobody to tell with it
  notify(event, context, kind, fb::Recipient::sealed_address, fb::Channel::email, {}, link);
}

}  // namespace

Decision decide(const Account& account, const DecideRecovery& command, const Context& context) {
  const Recovery* recovery = account.recoveries.find(command.recovery);
  if (!recovery) return refused({Rule::rec_7, "recovery_unknown", "The account has no such submission."});
  const Score points = score(*recovery, context.policy);
  Json answer = explain(*recovery, points, context.policy);
  if (recovery->outcome != RecoveryOutcome::pending)
    return accepted({{"recovery_id", to_text(recovery->id)}, {"outcome", name(recovery->outcome)}});
  // Two-step verification may have been turned on since (R-REC-1).
  const bool is_verified =
      points.total >= context.policy.recovery_threshold && !account.identity.two_step && !recovery->is_stale;
  if (recovery->is_stale) answer["because"] = "superseded";
  if (account.identity.two_step) answer["because"] = "two_step_on";
  answer["outcome"] = name(is_verified ? RecoveryOutcome::verified : RecoveryOutcome::not_verified);
  Decision decision = accepted(std::move(answer));
  if (!is_verified) {
    Draft event = reply(draft(outcome_of<fb::RecoveryNotVerifiedT>(*recovery, points, context.policy),
                              {Rule::rec_6, Rule::rec_7, Rule::rec_10}),
                        *recovery, context);
    if (account.identity.two_step) event.rules.push_back(static_cast<std::uint16_t>(Rule::rec_1));
    tell(event, fb::NotificationKind::recovery_not_verified, context);
    decision.events.push_back(std::move(event));
    return decision;
  }
  decision.events.push_back(reply(draft(outcome_of<fb::RecoveryVerifiedT>(*recovery, points, context.policy),
                                        {Rule::rec_6, Rule::rec_7, Rule::rec_8, Rule::rec_10}),
                                  *recovery, context));
  fb::ResetLinkIssuedT issued{.recovery_id = recovery->id, .link_id = context.new_id()};
  issued.token_hash =
      context.vault.hash(OneTime::link, issued.link_id, context.vault.secret(OneTime::link, issued.link_id));
  issued.expires_at = context.now + context.policy.reset_link_ttl_seconds * second_us;
  const Id link = issued.link_id;
  Draft event = reply(draft(std::move(issued), {Rule::rec_8}), *recovery, context);
  tell(event, fb::NotificationKind::recovery_verified, context, link);
  decision.events.push_back(std::move(event));
  return decision;
}

Time survey_at(const Recovery& recovery, const Policy& policy) {
  return recovery.submitted_at + (policy.survey_days - 1) * day_us;
}

Decision decide(const Account& account, const SendRecoverySurvey& command, const Context& context) {
  const Recovery* recovery = account.recoveries.find(command.recovery);
  if (!recovery) return refused({Rule::rec_7, "recovery_unknown", "The account has no such submission."});
  Decision decision = accepted({{"recovery_id", to_text(recovery->id)}});
  if (recovery->survey_sent) return decision;
  Draft event = reply(draft(fb::RecoverySurveySentT{.recovery_id = recovery->id}, {Rule::rec_7}), *recovery, context);
  tell(event, fb::NotificationKind::recovery_survey, context);
  decision.events.push_back(std::move(event));
  return decision;
}

}  // namespace daicho
