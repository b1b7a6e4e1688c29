// commands/policy_adoption.hpp — changing policy parameters, as events of the ledger's own account (R-LED-4).
#pragma once

#include "commands/decision.hpp"

namespace daicho {

/// Parameters to change; the others stay as they are in force.
struct AdoptPolicy {
  Json parameters = Json::object();
};

/// The policy with these changes, or what is wrong with them.
Result<Policy, Refusal> amended(const Policy& in_force, const Json& parameters);

Decision decide(const LedgerState& ledger, const AdoptPolicy& command, const Context& context);

Json to_json(const Policy& policy);

}  // namespace daicho
