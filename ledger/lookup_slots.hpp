// ledger/lookup_slots.hpp — where the ledger's lookup keys are: each rotation has a slot of its own, and a row says
// under which of them the live rows are (docs/decisions/0027-lookup.md). Any thread.
#pragma once

#include "ledger/sealing.hpp"
#include "ledger/store.hpp"

namespace daicho {

/// Slot, of the ledger's own account, of the lookup key that is in force after so many rotations.
std::uint32_t lookup_slot(std::uint32_t rotations);
/// A lookup key with nothing of it: two are compared by it.
Hash lookup_fingerprint(const SecretKey& key);

/// Under which lookup keys the live rows are; written in the commit that makes them the live ones. In family `meta`.
struct LookupSlots {
  std::vector<std::uint32_t> in_use = {lookup_slot(0)};  ///< the one that rows are written under first
  std::vector<std::uint32_t> leaving = {};  ///< those before: rows under them may still be in the store's files
};
Result<LookupSlots, StoreError> read_lookup_slots(const Store& store);
RowChange lookup_slots_row(const LookupSlots& slots);

}  // namespace daicho
