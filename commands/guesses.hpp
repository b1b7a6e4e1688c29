// commands/guesses.hpp — the one budget of wrong guesses that every factor has: a code sent, an app's code, a secret
// answer, the recovery code, the current password (R-CHL-5; NIST SP 800-63B section 5.2.2).
//
// It is counted from the events of the wrong guesses, so neither a new code, a new challenge nor another channel
// refills it; a right answer does, and time. A spent budget stops its factor, never the account.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

struct Factor {
  Rule rule;               ///< of the refusal of a wrong guess
  const char* wrong_code;  ///< its word
  const char* wrong_detail;
  const std::vector<Time>& wrong_guesses;                   ///< of this factor
  std::function<Draft(fb::CodeRejection reason)> rejected;  ///< the event
};

/// nullopt: right. Else the refusal with its event. `is_right` is not asked when the budget is spent.
std::optional<Decision> judge(const Account& account, const Factor& factor, const Context& context,
                              const std::function<bool()>& is_right);

/// Refused without a guess being made: no code waits, or it expired.
Decision reject(const Account& account, const Factor& factor, const Context& context, fb::CodeRejection reason,
                const char* code, const char* detail);

/// When the n-th newest of these is an hour old.
Time hour_after_nth_newest(const std::vector<Time>& marks, std::int64_t n);

}  // namespace daicho
