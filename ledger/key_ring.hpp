// ledger/key_ring.hpp — the ledger's secret keys and the per-account data keys, wrapped by the master key.
// Any thread. A data key is read and unwrapped where it is used and wiped after; none is kept.
#pragma once

#include "ledger/event.hpp"
#include "ledger/lookup_slots.hpp"
#include "ledger/master_keys.hpp"

namespace daicho {

using Entropy = std::function<void(std::span<std::uint8_t>)>;  ///< fills with secure random bytes; handed in by tools/

enum class KeyFault {
  unreadable,           ///< a row of the ledger's own keys is missing or altered
  wrong_master_key,     ///< none of them opens
  rotation_unfinished,  ///< a rotation of the master key is, and the key it began with is not there
};

class KeyRing {
 public:
  /// New ledger: draws the ledger's own data key and the lookup and code keys; their rows, in this order, go into the
  /// first commit.
  static std::pair<KeyRing, Rows> create(SecretKey master, const Entropy& entropy);
  /// Unwraps the ledger's keys, so a wrong master key is told here and not by garbage later. While the master key is
  /// rotated both are wanted, in any order; which is in force is what the store says.
  static Result<KeyRing, KeyFault> open(SecretKey master, const Store& store,
                                        std::optional<SecretKey> other = std::nullopt);

  /// nullopt: there is none (never made, or erased), or it does not open under the master key.
  std::optional<SecretKey> data_key(const LogSource& source, const Id& account, std::uint32_t slot = 0) const;
  /// The event's sealed part, by the data key of its slot; nullopt: that key is gone, or does not open it. Empty for an
  /// event without one.
  std::optional<fb::PersonalT> personal(const LogSource& source, const Event& event) const;
  /// Draws one; the row must be committed with the first event under it.
  std::pair<SecretKey, RowChange> new_data_key(const Id& account, const Entropy& entropy, std::uint32_t slot = 0) const;

  /// Draws the lookup key that follows so many rotations; its row is committed with the event that names it.
  std::pair<SecretKey, RowChange> new_lookup_key(std::uint32_t rotations, const Entropy& entropy) const;
  /// Takes up these lookup keys in place of those there are; false: one does not open, and all is as before.
  bool use_lookup_keys(const Store& store, const std::vector<std::uint32_t>& slots);

  /// The key in a row that `create` or `new_data_key` made, before it is stored.
  std::optional<SecretKey> unwrap(const RowChange& row) const;

  /// Of the family `keys`: account id, u32 big-endian slot.
  static std::string row_key(const Id& account, std::uint32_t slot = 0);

  // Rotating the master key (docs/decisions/0024-master-key.md): one thread does, any number go on reading.
  MasterRotation master_rotation() const { return masters_.held()->rotation; }
  Hash master_fingerprint() const { return daicho::master_fingerprint(masters_.held()->in_force); }
  /// From here on `next` wraps, and both open. Gives the ledger's own rows, `own`, wrapped anew, and the mark: one
  /// commit. `unreadable`, and nothing changed, when one of them does not open.
  Result<Rows, KeyFault> begin_master_rotation(SecretKey next, const Rows& own);
  std::optional<Hash> old_master_fingerprint() const;  ///< while a rotation is begun
  /// What a row of family `keys` is to become, opened again and compared; nullopt: it is by the key in force already.
  /// `unreadable`: it opens under neither.
  Result<std::optional<RowChange>, KeyFault> rewrapped(std::string_view row_key, std::string_view wrapped) const;
  /// The mark says so, too: every row was seen to be by the key in force. The old one is forgotten.
  void set_master_rotation(MasterRotation rotation) { masters_.go_on(rotation); }

  struct LookupKey {
    std::uint32_t slot;
    SecretKey key;
  };
  /// Under which names and proof addresses are found: the one that rows are written under, then those that names of
  /// closed accounts are kept under. Never empty.
  const std::vector<LookupKey>& lookup_keys() const { return lookup_; }
  const SecretKey& lookup_key() const { return lookup_.front().key; }
  const SecretKey& code_key() const { return code_; }  ///< one-time codes, links, tokens, decoys are derived from it

 private:
  KeyRing(MasterKeys masters, std::vector<LookupKey> lookup, SecretKey code);

  MasterKeys masters_;
  std::vector<LookupKey> lookup_;
  SecretKey code_;
};

}  // namespace daicho
