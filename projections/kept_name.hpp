// projections/kept_name.hpp — the sign-in name of an account whose closing a restored log lost: it must stay taken
// (R-LIFE-1, docs/decisions/0028-restore-and-erasure.md), though the account's own key is gone. Any thread.
#pragma once

#include "projections/lookup.hpp"

namespace daicho {

/// Under which tag this store has the name: as the mark of the lost closing says, unless that was made under a lookup
/// key that this store never had; then as the rows say, and all of N are read. nullopt: none has it.
std::optional<Tag32> kept_name_tag(const Store& store, const KeyRing& keys, const SecretKey& ledger_key,
                                   const Id& account, ByteView mark);

}  // namespace daicho
