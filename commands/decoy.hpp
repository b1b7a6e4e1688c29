// commands/decoy.hpp — an account that is no account: what a name that nobody has is answered with on public pages, so
// that a stranger cannot tell it from one that somebody has (R-ACC-6, R-HLP-1). It is made of the name and the ledger's
// keys, so it is the same each time. Its state, its events and their index rows are kept in family `meta`, beside the
// log and not in it: its limits count, mail goes to an address the stranger gave, replies come when they would. A
// bounded table: names whose ids share a slot take each other's place. docs/decisions/0011-decoys.md.
#pragma once

#include "ledger/key_ring.hpp"
#include "projections/account.hpp"

namespace daicho {

inline constexpr std::size_t decoy_slots = 65'536;
inline constexpr std::uint64_t decoy_events_max = 1'000;  ///< then it begins anew

struct Decoy {
  Tag32 name_hash;  ///< keyed; the name itself is not kept
  Id id;
  SecretKey data_key;
  Account account;
  std::string name;                ///< while a caller gives it; empty when found by its id
  std::optional<Account> evicted;  ///< whose slot it takes with its first write
};

/// `name` in normalised form. One that was never tried is made up.
Result<Decoy, StoreError> load_decoy(const Store& store, const KeyRing& keys, std::string_view name,
                                     Time ledger_created_at, Time now);
/// nullopt: no decoy is kept under this id.
Result<std::optional<Decoy>, StoreError> find_decoy(const Store& store, const KeyRing& keys, const Id& id);
/// The same for a name at any time, and in the same slot as its decoy.
Id decoy_lock_id(const KeyRing& keys, std::string_view name);

/// The key that its events of this slot are under: as many as an account has, and derived, for none is ever erased.
SecretKey slot_key_of(const Decoy& decoy, std::uint32_t slot);

/// The sealed part of one of its events, those it was made up with included.
std::shared_ptr<const fb::PersonalT> decoy_personal(const Store& store, const Decoy& decoy, Position position);
/// Whether a proof is one it was made up with: nothing is ever sent to it.
bool is_made_up(const Proof& proof);

// Keys of family `meta`.
std::string decoy_row_key(const Id& decoy);
std::string encode_decoy_row(const Decoy& decoy, const Account& account);
std::string decoy_event_key(const Id& decoy, Position position);
std::string decoy_events_prefix(const Id& decoy);
std::string decoy_index_key(std::string_view row_key);  ///< of a projection row (projections/rows.hpp)

/// Deletes all that is kept of a decoy but its slot.
Result<Rows, StoreError> eviction(const Store& store, const Account& decoy);

}  // namespace daicho
