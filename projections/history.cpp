#include "projections/history.hpp"

#include <algorithm>

#include "ledger/merkle.hpp"
#include "projections/rows.hpp"

namespace daicho {

namespace {

StoreError corrupt(std::string detail) { return {StoreFault::corrupt, std::move(detail)}; }

bool is_after(const Event& event, const AsOf& as_of) {
  return (as_of.time && event.time() > *as_of.time) || (as_of.position && event.position() > *as_of.position);
}

/// Folds events into `state`; the newest event's time, or 0.
template <class State>
Time fold(State& state, const std::vector<std::string>& envelopes) {
  Time newest = 0;
  for (const std::string& envelope : envelopes) {
    const auto event = Event::parse(as_bytes(envelope));
    evolve(state, *event, leaf_hash(as_bytes(envelope)));
    newest = event->time();
  }
  return newest;
}

}  // namespace

Result<std::optional<std::string>, StoreError> read_event(const Store& store, Position position) {
  return store.get(Family::events, big_endian(position));
}

std::optional<fb::PersonalT> read_personal(const Store& store, Position position, const KeyRing& keys) {
  const auto envelope = read_event(store, position);
  if (!envelope || !*envelope) return std::nullopt;
  const auto event = Event::parse(as_bytes(**envelope));
  return event ? keys.personal(store, *event) : std::nullopt;
}

Result<std::vector<std::string>, StoreError> account_events(const Store& store, const AccountHead& head,
                                                            const AsOf& as_of) {
  std::vector<std::string> envelopes;
  std::optional<Position> next = head.version > 0 ? std::optional(head.position) : std::nullopt;
  while (next) {
    auto envelope = read_event(store, *next);
    if (!envelope) return Unexpected{envelope.error()};
    if (!*envelope) return Unexpected{corrupt("no event at position " + std::to_string(*next))};
    const auto event = Event::parse(as_bytes(**envelope));
    if (!event || event->position() != *next) {
      return Unexpected{corrupt("the event at position " + std::to_string(*next) + " does not parse")};
    }
    const auto previous = event->header().previous_position();
    if (previous && *previous >= *next) {
      return Unexpected{corrupt("the event at position " + std::to_string(*next) + " links forward")};
    }
    const bool wanted = !is_after(*event, as_of);
    next = previous ? std::optional(*previous) : std::nullopt;
    if (wanted) envelopes.push_back(std::move(**envelope));
  }
  std::ranges::reverse(envelopes);
  return envelopes;
}

std::vector<Event> parse_events(const std::vector<std::string>& envelopes) {
  std::vector<Event> events;
  events.reserve(envelopes.size());
  for (const std::string& envelope : envelopes) events.push_back(*Event::parse(as_bytes(envelope)));
  return events;
}

Result<std::optional<Account>, StoreError> load_account(const Store& store, const Id& id) {
  const auto row = store.get(Family::rows, as_bytes(account_row_key(id)));
  if (!row) return Unexpected{row.error()};
  if (!*row) return std::optional<Account>{};
  auto account = decode_account(as_bytes(**row));
  if (!account)
    return Unexpected{corrupt("the row of account " + to_text(id) + " does not decode: run replay --rebuild")};
  return account;
}

Result<LedgerState, StoreError> load_ledger(const Store& store) {
  const auto row = store.get(Family::rows, as_bytes(ledger_row_key()));
  if (!row) return Unexpected{row.error()};
  auto ledger = *row ? decode_ledger(as_bytes(**row)) : std::nullopt;
  if (!ledger) return Unexpected{corrupt("the ledger's own row does not decode: run replay --rebuild")};
  return *std::move(ledger);
}

Result<std::optional<AccountAt>, StoreError> account_at(const Store& store, const Id& id, const AsOf& as_of) {
  auto live = load_account(store, id);
  if (!live) return Unexpected{live.error()};
  if (!*live) return std::optional<AccountAt>{};
  const auto envelopes = account_events(store, (*live)->head, as_of);
  if (!envelopes) return Unexpected{envelopes.error()};
  if (envelopes->empty()) return std::optional<AccountAt>{};
  AccountAt at;
  const Time newest = fold(at.account, *envelopes);
  at.now = as_of.time.value_or(newest);
  if (as_of.position) {  // later events of other accounts may have moved time on
    const auto envelope = read_event(store, *as_of.position);
    if (!envelope) return Unexpected{envelope.error()};
    if (*envelope) {
      if (const auto event = Event::parse(as_bytes(**envelope))) at.now = event->time();
    }
  }
  at.account = settled(std::move(at.account), at.now);
  return std::optional(std::move(at));
}

Result<LedgerState, StoreError> ledger_at(const Store& store, const AsOf& as_of) {
  const auto live = load_ledger(store);
  if (!live) return live;
  const auto envelopes = account_events(store, live->head, as_of);
  if (!envelopes) return Unexpected{envelopes.error()};
  LedgerState ledger;
  fold(ledger, *envelopes);
  return ledger;
}

}  // namespace daicho
