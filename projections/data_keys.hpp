// projections/data_keys.hpp — the data keys of an account by purpose: which are in use, since when which is not, and
// which leave the files (R-LIFE-1, R-LIFE-2, R-PRF-5; docs/decisions/0023-data-keys-by-purpose.md).
#pragma once

#include "ledger/erasing.hpp"
#include "projections/current_proofs.hpp"

namespace daicho {

// Slots beside the account's own. On disk: do not change these values.
inline constexpr std::uint32_t mailbox_key_slot = 1;        ///< what services observed of its mailbox
inline constexpr std::uint32_t first_destination_slot = 2;  ///< from here one for each destination of a proof

/// Of destinations, in use at a time: a stranger may propose proofs. Beyond, new destinations share the newest one.
inline constexpr std::size_t destination_keys_max = 64;

struct DataKey {
  std::uint32_t slot = 0;
  fb::KeyPurpose purpose = fb::KeyPurpose::destination;
  Tag16 destination;                   ///< address tag of the proof that it was drawn for
  std::optional<Time> unneeded_since;  ///< of a destination: no proof of the account has it any more
  bool operator==(const DataKey&) const = default;
};

/// Out of the store, not yet out of its files.
struct LeavingKey {
  std::uint32_t slot = 0;
  Hash fingerprint;
  Time at = 0;
  Position position = 0;  ///< of DataKeyErased
  bool operator==(const LeavingKey&) const = default;
};

/// All but the account's own.
struct DataKeys {
  std::vector<DataKey> live;  ///< in the order they were drawn
  std::vector<LeavingKey> leaving;
  std::uint32_t next_slot = first_destination_slot;  ///< of the next destination
  bool operator==(const DataKeys&) const = default;

  const DataKey* find(std::uint32_t slot) const;
  /// What is under it can be opened, as far as the log says.
  bool has(std::uint32_t slot) const { return slot == own_key_slot || find(slot) != nullptr; }
  /// The one that a new destination must share; null: it gets its own.
  const DataKey* shared() const;
};

/// After the proofs were folded.
void evolve(DataKeys& keys, const Event& event, const CurrentProofs& proofs);

/// Of an account's history, the erasing event last: events whose commands or answers hold something of what goes.
std::vector<Event> concerned(std::span<const Event> history, const Erasing& erasing);
/// Likewise: the notifications that nobody delivered and that cannot be sent any more.
std::vector<Id> withdrawn_notifications(std::span<const Event> history, const Erasing& erasing);

}  // namespace daicho
