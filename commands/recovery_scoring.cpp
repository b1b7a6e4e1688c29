#include "commands/recovery_scoring.hpp"

#include <algorithm>

#include "commands/recovery_matching.hpp"

namespace daicho {

namespace {

std::int64_t points(const FieldMatch& match, const Policy& policy) {
  if (match.result != fb::FieldResult::matched) return 0;
  const std::int64_t weight = policy.recovery_weights.at(static_cast<std::size_t>(match.field));
  if (match.matched == 0) return weight * policy.recovery_not_registered_percent / 100;
  const bool counts_once = match.field == fb::RecoveryField::passwords;  // an intruder may have set three in a minute
  return is_several(match.field) && !counts_once
             ? weight * std::min<std::int64_t>(match.matched, policy.recovery_values_counted)
             : weight;
}

}  // namespace

Score score(const Recovery& recovery, const Policy& policy) {
  Score score;
  for (const FieldMatch& match : recovery.fields) {
    score.fields.push_back(points(match, policy));
    score.total += score.fields.back();
  }
  score.familiar = (recovery.familiar_device ? policy.recovery_familiar_device : 0) +
                   (recovery.familiar_place ? policy.recovery_familiar_place : 0);
  score.total += score.familiar;
  return score;
}

}  // namespace daicho
