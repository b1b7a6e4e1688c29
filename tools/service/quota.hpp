// tools/service/quota.hpp — what is left of a limit, as the header fields RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers-10: lists of strings with parameters q, w, r, t).
#pragma once

#include "commands/executor.hpp"
#include "tools/http/message.hpp"

namespace daicho {

/// Whether it says that nothing is left of one of these limits: the same may succeed later.
bool is_used_up(const Json& refusal);

/// Adds them when the answer says, by its code or by a member such as `guesses_left`, how much of which limit is left.
/// `w` is there for limits of any hour or any 24 hours, and not for calendar days, whose length the clocks change;
/// `t`, the seconds until one more is allowed, only when nothing is left. Not for an answer that was given before: what
/// it says of the limit is old.
void add_quota(HttpFields& fields, const Answer& answer, const Policy& policy, Time now);

}  // namespace daicho
