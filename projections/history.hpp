// projections/history.hpp — an account as it was: its events walked backwards by their links, folded forward (R-BLK-3,
// R-LOST-7). Cost: one point read an event of the account.
#pragma once

#include "ledger/key_ring.hpp"
#include "projections/account.hpp"

namespace daicho {

/// An instant: a time, or a position (everything up to and with it).
struct AsOf {
  std::optional<Time> time;
  std::optional<Position> position;
};

/// Bytes of the account's events, oldest first, none after `as_of`. Each is aligned for Event::parse.
Result<std::vector<std::string>, StoreError> account_events(const Store& store, const AccountHead& head,
                                                            const AsOf& as_of);

/// Views of envelopes that are known to parse.
std::vector<Event> parse_events(const std::vector<std::string>& envelopes);

/// The account's stored state; nullopt: no such account.
Result<std::optional<Account>, StoreError> load_account(const Store& store, const Id& id);
Result<LedgerState, StoreError> load_ledger(const Store& store);

/// The account at an instant. `now` is that instant for a time; for a position, the time of the newest event up to it.
struct AccountAt {
  Account account;
  Time now = 0;
};
Result<std::optional<AccountAt>, StoreError> account_at(const Store& store, const Id& id, const AsOf& as_of);
/// The policy at an instant, from the ledger's own history.
Result<LedgerState, StoreError> ledger_at(const Store& store, const AsOf& as_of);

/// One event's bytes; nullopt past the end.
Result<std::optional<std::string>, StoreError> read_event(const Store& store, Position position);
/// Its sealed part; nullopt when it cannot be read, its key is gone, or does not open it.
std::optional<fb::PersonalT> read_personal(const Store& store, Position position, const KeyRing& keys);

}  // namespace daicho
