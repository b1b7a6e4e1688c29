// docs/ledger-format.md, section "Keys".
#include "ledger/key_ring.hpp"

#include <sodium.h>

#include <cassert>

namespace daicho {
namespace {

constexpr std::size_t key_bytes = 32;

// Slots of the all-zero account. On disk: do not change these values.
constexpr Id ledger_account{};
constexpr std::uint32_t data_slot = 0;
constexpr std::uint32_t code_slot = 2;

std::pair<SecretKey, RowChange> draw(const SecretKey& master, const Id& account, std::uint32_t slot,
                                     const Entropy& entropy) {
  std::array<std::uint8_t, key_bytes> bytes{};
  entropy(bytes);
  SecretKey key{ByteView(bytes)};
  sodium_memzero(bytes.data(), bytes.size());
  RowChange row = wrap_key(master, key, account, slot);
  return {std::move(key), std::move(row)};
}

KeyFault fault_of(MasterKeys::Fault fault) {
  switch (fault) {
    case MasterKeys::Fault::wrong:
      return KeyFault::wrong_master_key;
    case MasterKeys::Fault::unfinished:
      return KeyFault::rotation_unfinished;
    case MasterKeys::Fault::unreadable:
      break;
  }
  return KeyFault::unreadable;
}

/// Where a row of family `keys` belongs.
struct Place {
  Id account;
  std::uint32_t slot = 0;
};
std::optional<Place> place_of(std::string_view row_key) {
  const ByteView key = as_bytes(row_key);
  const auto account = key.size() == Id::size + 4 ? Id::from(key.first(Id::size)) : std::nullopt;
  return account ? std::optional(Place{*account, read_big_endian32(key.last(4))}) : std::nullopt;
}

/// The same key under another master key, opened again and compared; nullopt: it does not open.
std::optional<RowChange> rewrap(const MasterKeys::Held& held, const SecretKey& by, std::string_view row_key,
                                std::string_view wrapped) {
  const auto place = place_of(row_key);
  if (!place) return std::nullopt;
  const auto& [account, slot] = *place;
  const auto key = held.unwrap(wrapped, account, slot);
  if (!key) return std::nullopt;
  RowChange row = wrap_key(by, *key, account, slot);
  const auto again = unwrap_key(by, *row.value, account, slot);
  assert(again && equal_constant_time(again->view(), key->view()));
  return row;
}

}  // namespace

KeyRing::KeyRing(MasterKeys masters, std::vector<LookupKey> lookup, SecretKey code)
    : masters_(std::move(masters)), lookup_(std::move(lookup)), code_(std::move(code)) {}

std::string KeyRing::row_key(const Id& account, std::uint32_t slot) { return wrapped_key_row_key(account, slot); }

std::pair<KeyRing, Rows> KeyRing::create(SecretKey master, const Entropy& entropy) {
  auto [data, data_row] = draw(master, ledger_account, data_slot, entropy);
  auto [lookup, lookup_row] = draw(master, ledger_account, lookup_slot(0), entropy);
  auto [code, code_row] = draw(master, ledger_account, code_slot, entropy);
  Rows rows;
  rows.push_back(std::move(data_row));
  rows.push_back(std::move(lookup_row));
  rows.push_back(std::move(code_row));
  MasterKeys masters({std::move(master), std::nullopt, MasterRotation::none});
  std::vector<LookupKey> lookups;
  lookups.push_back({lookup_slot(0), std::move(lookup)});
  return {KeyRing(std::move(masters), std::move(lookups), std::move(code)), std::move(rows)};
}

Result<KeyRing, KeyFault> KeyRing::open(SecretKey master, const Store& store, std::optional<SecretKey> other) {
  auto masters = MasterKeys::find(std::move(master), std::move(other), store);
  if (!masters) return Unexpected{fault_of(masters.error())};
  const auto own = [&](std::uint32_t slot) -> std::optional<SecretKey> {
    const auto row = store.get(Family::keys, as_bytes(row_key(ledger_account, slot)));
    return row && *row ? masters->held()->unwrap(**row, ledger_account, slot) : std::nullopt;
  };
  const auto lookup_slots = read_lookup_slots(store);
  auto code = own(code_slot);
  if (!lookup_slots || !code) return Unexpected{KeyFault::unreadable};
  std::vector<LookupKey> lookup;
  for (const std::uint32_t slot : lookup_slots->in_use) {
    auto key = own(slot);
    if (!key) return Unexpected{KeyFault::unreadable};
    lookup.push_back({slot, *std::move(key)});
  }
  return KeyRing(*std::move(masters), std::move(lookup), *std::move(code));
}

std::optional<SecretKey> KeyRing::data_key(const LogSource& source, const Id& account, std::uint32_t slot) const {
  if (account == ledger_account && slot != data_slot) return std::nullopt;  // those are not data keys
  for (;;) {
    const auto held = masters_.held();  // before the row: what wraps it is held by then, unless a rotation came between
    const auto row = source.get(Family::keys, as_bytes(row_key(account, slot)));
    if (!row || !*row) return std::nullopt;
    auto key = held->unwrap(**row, account, slot);
    if (key || held == masters_.held()) return key;
  }
}

std::optional<SecretKey> KeyRing::unwrap(const RowChange& row) const {
  const auto place = place_of(row.key);
  if (!place || !row.value) return std::nullopt;
  return masters_.held()->unwrap(*row.value, place->account, place->slot);
}

std::optional<fb::PersonalT> KeyRing::personal(const LogSource& source, const Event& event) const {
  if (!event.is_sealed()) return fb::PersonalT{};
  const auto key = data_key(source, event.account(), event.sealed_slot());
  return key ? event.open(*key) : std::nullopt;
}

std::pair<SecretKey, RowChange> KeyRing::new_data_key(const Id& account, const Entropy& entropy,
                                                      std::uint32_t slot) const {
  assert(account != ledger_account);
  return draw(masters_.held()->in_force, account, slot, entropy);
}

Result<Rows, KeyFault> KeyRing::begin_master_rotation(SecretKey next, const Rows& own) {
  assert(master_rotation() == MasterRotation::none);
  const auto held = masters_.held();
  Rows rows = {rotation_mark(held->in_force)};
  for (const RowChange& each : own) {
    auto row = rewrap(*held, next, each.key, *each.value);
    if (!row) return Unexpected{KeyFault::unreadable};
    rows.push_back(*std::move(row));
  }
  masters_.begin(std::move(next));
  return rows;
}

std::optional<Hash> KeyRing::old_master_fingerprint() const {
  const auto held = masters_.held();
  return held->old ? std::optional(daicho::master_fingerprint(*held->old)) : std::nullopt;
}

Result<std::optional<RowChange>, KeyFault> KeyRing::rewrapped(std::string_view row_key,
                                                              std::string_view wrapped) const {
  const auto held = masters_.held();
  const auto place = place_of(row_key);
  if (place && unwrap_key(held->in_force, wrapped, place->account, place->slot)) return std::optional<RowChange>();
  auto row = rewrap(*held, held->in_force, row_key, wrapped);
  if (!row) return Unexpected{KeyFault::unreadable};
  return row;
}

std::pair<SecretKey, RowChange> KeyRing::new_lookup_key(std::uint32_t rotations, const Entropy& entropy) const {
  return draw(masters_.held()->in_force, ledger_account, lookup_slot(rotations), entropy);
}

bool KeyRing::use_lookup_keys(const Store& store, const std::vector<std::uint32_t>& slots) {
  std::vector<LookupKey> keys;
  const auto held = masters_.held();
  for (const std::uint32_t slot : slots) {
    const auto row = store.get(Family::keys, as_bytes(row_key(ledger_account, slot)));
    auto key = row && *row ? held->unwrap(**row, ledger_account, slot) : std::nullopt;
    if (!key) return false;
    keys.push_back({slot, *std::move(key)});
  }
  assert(!keys.empty());
  lookup_ = std::move(keys);
  return true;
}

}  // namespace daicho
