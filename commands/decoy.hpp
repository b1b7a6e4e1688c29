// commands/decoy.hpp — an account that is no account: what a name that nobody has is answered with on public pages, so
// that a stranger cannot tell it from one that somebody has (R-ACC-6, R-HLP-1). Nothing of it is in the log. It is made
// of the name and the ledger's keys, so it is the same each time; what counts against its limits is one row of a
// bounded table. docs/decisions/0011-decoys.md says what a stranger could still tell.
#pragma once

#include "ledger/key_ring.hpp"
#include "projections/account.hpp"

namespace daicho {

struct Decoy {
  Id id;
  SecretKey data_key;
  std::string row_key;  ///< in family `meta`; names whose ids fall into one slot take each other's place
  Account account;
};

/// `name` in normalised form.
Result<Decoy, StoreError> load_decoy(const Store& store, const KeyRing& keys, std::string_view name, Time now);
/// What the sealed part of its event at a position would hold.
fb::PersonalT decoy_personal(const Id& decoy, Position position, const Policy& policy);

}  // namespace daicho
