// commands/master_rotation.hpp — every key of the store is wrapped by another master key, as an event of the ledger's
// own account (R-LED-6). The executor wraps them anew and checks each before it appends the event.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

/// All of it is public, and the executor's to fill in.
struct RotateMasterKey {
  std::uint64_t keys = 0;  ///< wrapped keys there are
  Hash old_fingerprint = {}, new_fingerprint = {};
};
Decision decide(const LedgerState& ledger, const RotateMasterKey& command, const Context& context);

}  // namespace daicho
