// ledger/key_ring.hpp — the ledger's secret keys and the per-account data keys, wrapped by the master key.
// Any thread. A data key is read and unwrapped where it is used and wiped after; none is kept.
#pragma once

#include "ledger/event.hpp"
#include "ledger/sealing.hpp"
#include "ledger/store.hpp"

namespace daicho {

using Entropy = std::function<void(std::span<std::uint8_t>)>;  ///< fills with secure random bytes; handed in by tools/

enum class KeyFault {
  unreadable,        ///< a row of the ledger's own keys is missing or altered
  wrong_master_key,  ///< none of them opens
};

class KeyRing {
 public:
  /// New ledger: draws the ledger's own data key and the lookup and code keys; their rows, in this order, go into the
  /// first commit.
  static std::pair<KeyRing, Rows> create(SecretKey master, const Entropy& entropy);
  /// Unwraps the ledger's keys, so a wrong master key is told here and not by garbage later.
  static Result<KeyRing, KeyFault> open(SecretKey master, const Store& store);

  /// nullopt: there is none (never made, or erased), or it does not open under the master key.
  std::optional<SecretKey> data_key(const LogSource& source, const Id& account, std::uint32_t slot = 0) const;
  /// The event's sealed part, by the data key of its slot; nullopt: that key is gone, or does not open it. Empty for an
  /// event without one.
  std::optional<fb::PersonalT> personal(const LogSource& source, const Event& event) const;
  /// Draws one; the row must be committed with the first event under it.
  std::pair<SecretKey, RowChange> new_data_key(const Id& account, const Entropy& entropy, std::uint32_t slot = 0) const;

  /// The key in a row that `create` or `new_data_key` made, before it is stored.
  std::optional<SecretKey> unwrap(const RowChange& row) const;

  /// Of the family `keys`: account id, u32 big-endian slot.
  static std::string row_key(const Id& account, std::uint32_t slot = 0);

  const SecretKey& lookup_key() const { return lookup_; }  ///< tags for cross-account indexes
  const SecretKey& code_key() const { return code_; }      ///< one-time codes, links and tokens are derived from it

 private:
  KeyRing(SecretKey master, SecretKey lookup, SecretKey code);

  SecretKey master_, lookup_, code_;
};

}  // namespace daicho
