#include "tools/service/quota.hpp"

#include <algorithm>

#include "tools/service/problem.hpp"

namespace daicho {

namespace {

/// One limit: its name for callers, its size in the policy, and how answers speak of it.
struct Quota {
  const char* name;
  std::int64_t Policy::*size;
  std::int64_t times;   ///< the size is this many times the parameter's
  bool is_daily;        ///< of the policy's day; else of any hour
  const char* used_up;  ///< the code of the refusal when nothing is left
  const char* left_in;  ///< the member of an answer that says how much is left; null: none does
};

constexpr auto quotas = std::to_array<Quota>({
    {"recovery-forms", &Policy::recovery_per_day, 1, true, "attempts_used_up", "attempts_left_today"},  // R-REC-3
    {"accesses", &Policy::accesses_per_day, 1, true, "access_limit", "accesses_left_today"},            // R-LED-5
    {"replacement-windows", &Policy::max_replacements_per_day, 1, true, "openings_used_up", nullptr},   // R-LOST-4
    {"confirmations", &Policy::max_contact_confirmations, 1, true, "confirmation_limit",
     "confirmations_left"},                                                                  // R-CHL-3
    {"guesses", &Policy::max_code_guesses, 1, false, "guess_limit", "guesses_left"},         // R-CHL-5
    {"codes-to-proof", &Policy::max_codes_per_hour, 1, false, "proof_send_limit", nullptr},  // R-CHL-5
    {"codes-to-account", &Policy::max_codes_per_hour, 2, false, "account_send_limit", nullptr},
});

std::optional<std::int64_t> left_of(const Quota& quota, const Json& body) {
  if (body.value("code", "") == quota.used_up) return 0;
  const auto member = quota.left_in ? body.find(quota.left_in) : body.end();
  if (member == body.end() || !member->is_number_integer()) return std::nullopt;
  return member->get<std::int64_t>();
}

}  // namespace

bool is_used_up(const Json& refusal) {
  const std::string code = refusal.value("code", "");
  return std::ranges::any_of(quotas, [&](const Quota& quota) { return code == quota.used_up; });
}

void add_quota(HttpFields& fields, const Answer& answer, const Policy& policy, Time now) {
  if (answer.replayed) return;
  const bool has_calendar_days = policy.day_kind == "calendar_day";
  for (const Quota& quota : quotas) {
    const auto left = left_of(quota, answer.body);
    if (!left) continue;
    const std::string name = std::string("\"") + quota.name + "\"";
    std::string limit = name + ";q=" + std::to_string(policy.*quota.size * quota.times);
    if (!quota.is_daily) limit += ";w=" + std::to_string(hour_us / second_us);
    if (quota.is_daily && !has_calendar_days) limit += ";w=" + std::to_string(day_us / second_us);
    std::string state = name + ";r=" + std::to_string(*left);
    const auto more = *left == 0 ? seconds_until_retry(answer.body, now) : std::nullopt;
    if (more) state += ";t=" + std::to_string(*more);
    fields.add("RateLimit-Policy", limit);
    fields.add("RateLimit", state);
    return;  // an answer speaks of one limit
  }
}

}  // namespace daicho
