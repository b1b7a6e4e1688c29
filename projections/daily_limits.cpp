#include "projections/daily_limits.hpp"

#include <algorithm>

#include "projections/calendar.hpp"
#include "projections/event_fields.hpp"

namespace daicho {

void evolve(DailyLimits& limits, const Event& event) {
  switch (event.type()) {
    case fb::Payload::RecoverySubmitted:
      add_mark(limits.recoveries, event.time(), day_marks_kept);
      break;
    case fb::Payload::ReplacementOpened:
      add_mark(limits.replacements, event.time(), day_marks_kept);
      break;
    case fb::Payload::CodeSent:
      add_mark(id_of(event.as<fb::CodeSent>()->replacement_id()).is_zero() ? limits.sends : limits.window_sends,
               event.time());
      break;
    case fb::Payload::LinkSent:
      add_mark(id_of(event.as<fb::LinkSent>()->replacement_id()).is_zero() ? limits.sends : limits.window_sends,
               event.time());
      break;
    case fb::Payload::RefusalsCounted:
      limits.refusals_counted += event.as<fb::RefusalsCounted>()->count();
      break;
    case fb::Payload::RecoveryRefused:
    case fb::Payload::SignInRefused:
    case fb::Payload::CharacterCheckFailed:
    case fb::Payload::ChallengeEnded:
    case fb::Payload::RecoveryCodeRejected:
    case fb::Payload::CodeRejected:
    case fb::Payload::SecretAnswerRejected:
    case fb::Payload::PasswordRejected:
    case fb::Payload::CommandRefused:
      if (const auto* rules = event.header().rules(); rules && rules->size() > 0) {
        limits.refusals.add(rules->Get(0), event.time());
      }
      break;
    default:
      break;
  }
}

Allowance daily_allowance(const std::vector<Time>& marks, std::int64_t per_day, const Policy& policy, Time now) {
  Allowance allowance;
  if (policy.day_kind == "rolling_24h") {
    allowance.used = count_since(marks, now, day_us);
    if (allowance.used >= per_day && per_day > 0) {
      const auto nth_newest = marks[marks.size() - static_cast<std::size_t>(per_day)];
      allowance.next_allowed_at = nth_newest + day_us;
    }
  } else {
    const Day today = day_of(now, policy.day_zone);
    allowance.used = std::ranges::count_if(marks, [&](Time mark) { return mark >= today.start && mark < today.end; });
    if (allowance.used >= per_day && per_day > 0) allowance.next_allowed_at = today.end;
  }
  allowance.left = std::max<std::int64_t>(0, per_day - allowance.used);
  return allowance;
}

}  // namespace daicho
