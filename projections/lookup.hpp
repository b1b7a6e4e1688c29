// projections/lookup.hpp — who has a sign-in name, and who a proof address: the rows N and P, made of keyed hashes
// under the ledger's lookup key (docs/decisions/0027-lookup.md). Nothing of a row follows from an address without that
// key, and equal addresses of two accounts have nothing in common. Any thread.
#pragma once

#include "ledger/key_ring.hpp"
#include "projections/account.hpp"

namespace daicho {

/// What rows N and P are made with.
struct Lookup {
  const KeyRing* keys = nullptr;  ///< null: these rows are left out
  /// The sealed part of one of the account's events; null when its key is gone.
  std::function<std::shared_ptr<const fb::PersonalT>(Position)> personal = {};
};

// Sign-in names: a name has one row, found by one point read a lookup key.

/// Under the key that rows are written under. `name` in normalised form.
Tag32 sign_in_name_tag(const KeyRing& keys, std::string_view name);
std::string sign_in_name_row_key(const Tag32& name_tag);
RowChange sign_in_name_row(const KeyRing& keys, const Tag32& name_tag, const Id& account);
/// What a row says; nullopt: it does not open.
std::optional<Id> holder_of_name(const KeyRing& keys, ByteView row_key, ByteView row_value);
/// The account that had the name last. As many reads for a name that nobody has (R-ACC-6).
Result<std::optional<Id>, StoreError> find_sign_in_name(const Store& store, const KeyRing& keys, std::string_view name);

/// How AccountClosed keeps its account's sign-in name from being handed out again: the tag, sealed under the ledger's
/// own data key, so that the log alone links no two accounts of one name.
std::string name_mark(const SecretKey& ledger_key, const Id& account, const Tag32& name_tag);
/// The tag in the mark; nullopt: there is none, or it does not open.
std::optional<Tag32> open_name_mark(const SecretKey& ledger_key, const Id& account, ByteView mark);
/// Of AccountClosed.
std::optional<Tag32> marked_name_tag(const Event& event, const SecretKey& ledger_key);

// Proof addresses: an account has one row, for it alone.

/// A proof that can be written to and is in force, or will be when the account's window ends.
struct AddressedProof {
  Id proof;
  Position added = 0;  ///< the event whose sealed part holds the address
  bool operator==(const AddressedProof&) const = default;
};
std::vector<AddressedProof> addressed_proofs(const Account& account);

std::string proof_addresses_row_key(const Id& account);
/// nullopt: the account has none, and no row.
std::optional<std::string> proof_addresses_row_value(const Lookup& lookup, const Id& account,
                                                     const std::vector<AddressedProof>& proofs);

struct FoundProof {
  Id account, proof;
};
/// The proofs that are, or will be, at an address (folded e-mail address, or phone in E.164), by account. Reads every
/// row P and hashes once an account; ends after `found_max`.
Result<std::vector<FoundProof>, StoreError> find_proof_address(const Store& store, const KeyRing& keys,
                                                               std::string_view address, std::size_t found_max);

}  // namespace daicho
