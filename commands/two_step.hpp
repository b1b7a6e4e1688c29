// commands/two_step.hpp — two-step verification on and off: with it, a sign-in needs a second proof and the recovery
// form is closed (R-REC-1, R-LOST-4).
#pragma once

#include "commands/challenges.hpp"

namespace daicho {

struct EnableTwoStep {
  Id challenge;
};
struct DisableTwoStep {
  Id challenge;
};
Decision decide(const Account& account, const EnableTwoStep& command, const Context& context);
Decision decide(const Account& account, const DisableTwoStep& command, const Context& context);

}  // namespace daicho
