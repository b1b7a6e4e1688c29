// projections/life_cycle.hpp — the mailbox of an account and the account's end (R-LIFE-1…3).
#pragma once

#include "ledger/event.hpp"

namespace daicho {

enum class EndKind : std::uint8_t { closed, expired };
struct Erasure {
  Time at = 0;
  Position position = 0;
  bool operator==(const Erasure&) const = default;
};

struct End {
  EndKind kind = EndKind::closed;
  Time at = 0;
  Position position = 0;
  Hash erased_key;                 ///< fingerprint of the data key that went with it; all zero: none did
  std::optional<Erasure> erasure;  ///< since when no file holds that key
  bool operator==(const End&) const = default;

  /// The key is out of the store, if not yet out of its files.
  bool is_erased() const { return !erased_key.is_zero(); }
};

struct MailboxOff {
  fb::MailboxReason reason = fb::MailboxReason::none;
  Time at = 0;
  Position position = 0;
  bool operator==(const MailboxOff&) const = default;
};

struct LifeCycle {
  bool has_mailbox = false;  ///< its sign-in name is one of the provider's own addresses
  std::optional<MailboxOff> mailbox_off;
  std::optional<End> end;
  bool operator==(const LifeCycle&) const = default;
};

void evolve(LifeCycle& life, const Event& event);

}  // namespace daicho
