// projections/lookup_rotation.hpp — what follows a LookupKeyRotated: rows N and P under the key it put in force, and
// the key before out of the store and out of its files (docs/decisions/0027-lookup.md). While nothing else writes.
#pragma once

#include "projections/replay.hpp"

namespace daicho {

/// Does what is left to do, wherever an earlier run was ended: a shadow is folded under the key in force and made the
/// live rows in one write with the list of keys in use, the keys out of use being deleted in it; then store and files
/// are purged of what that write set aside. `rotations`: as many LookupKeyRotated as the log has. `keys` takes up the
/// keys in use. Of nothing left to do: one read.
std::optional<StoreError> finish_lookup_rotation(Store& store, KeyRing& keys, std::uint32_t rotations,
                                                 const ReplayProgress& progress);

}  // namespace daicho
