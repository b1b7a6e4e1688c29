// ledger/erasing.hpp — what the commit of an event erases of its account (docs/ledger-format.md, section "Erasure").
// Pure.
#pragma once

#include "ledger/event.hpp"

namespace daicho {

inline constexpr std::uint32_t own_key_slot = 0;  ///< the account's own key; on disk: do not change it

struct Erasing {
  std::uint32_t slot = own_key_slot;  ///< its own: everything, under every slot
  Hash fingerprint;

  bool is_all() const { return slot == own_key_slot; }
  bool covers(const Event& event) const { return is_all() || event.sealed_slot() == slot; }
};
/// Of AccountClosed and DataKeyErased; nullopt: it erases nothing.
std::optional<Erasing> erasing(const Event& event);

}  // namespace daicho
