// docs/ledger-format.md, section "Keys".
#include "ledger/key_ring.hpp"

#include <sodium.h>

#include <cassert>

namespace daicho {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::string_view wrap_label = "daicho wrapped key v1";

// Slots of the all-zero account. On disk: do not change these values.
constexpr Id ledger_account{};
constexpr std::uint32_t data_slot = 0;
constexpr std::uint32_t code_slot = 2;

std::string associated_of(const Id& account, std::uint32_t slot) {
  std::string associated(wrap_label);
  return associated += KeyRing::row_key(account, slot);
}

std::pair<SecretKey, RowChange> draw(const SecretKey& master, const Id& account, std::uint32_t slot,
                                     const Entropy& entropy) {
  std::array<std::uint8_t, key_bytes> bytes{};
  entropy(bytes);
  SecretKey key{ByteView(bytes)};
  sodium_memzero(bytes.data(), bytes.size());
  std::string wrapped = seal(master, key.view(), as_bytes(associated_of(account, slot)));
  return {std::move(key), RowChange{Family::keys, KeyRing::row_key(account, slot), std::move(wrapped)}};
}

std::optional<SecretKey> unwrap_under(const SecretKey& master, std::string_view wrapped, const Id& account,
                                      std::uint32_t slot) {
  auto bytes = open_sealed(master, as_bytes(wrapped), as_bytes(associated_of(account, slot)));
  if (!bytes) return std::nullopt;
  std::optional<SecretKey> key;
  if (bytes->size() == key_bytes) key.emplace(as_bytes(*bytes));
  wipe(*bytes);
  return key;
}

}  // namespace

KeyRing::KeyRing(SecretKey master, std::vector<LookupKey> lookup, SecretKey code)
    : master_(std::move(master)), lookup_(std::move(lookup)), code_(std::move(code)) {}

std::string KeyRing::row_key(const Id& account, std::uint32_t slot) {
  std::string key(account.text());
  append(key, big_endian32(slot));
  return key;
}

std::pair<KeyRing, Rows> KeyRing::create(SecretKey master, const Entropy& entropy) {
  auto [data, data_row] = draw(master, ledger_account, data_slot, entropy);
  auto [lookup, lookup_row] = draw(master, ledger_account, lookup_slot(0), entropy);
  auto [code, code_row] = draw(master, ledger_account, code_slot, entropy);
  Rows rows;
  rows.push_back(std::move(data_row));
  rows.push_back(std::move(lookup_row));
  rows.push_back(std::move(code_row));
  std::vector<LookupKey> lookups;
  lookups.push_back({lookup_slot(0), std::move(lookup)});
  return {KeyRing(std::move(master), std::move(lookups), std::move(code)), std::move(rows)};
}

Result<KeyRing, KeyFault> KeyRing::open(SecretKey master, const Store& store) {
  const auto lookup_slots = read_lookup_slots(store);
  if (!lookup_slots) return Unexpected{KeyFault::unreadable};
  std::vector<std::uint32_t> slots = {data_slot, code_slot};
  slots.insert(slots.end(), lookup_slots->in_use.begin(), lookup_slots->in_use.end());
  std::optional<SecretKey> code;
  std::vector<LookupKey> lookup;
  std::size_t opened = 0;
  for (const std::uint32_t slot : slots) {
    const auto row = store.get(Family::keys, as_bytes(row_key(ledger_account, slot)));
    if (!row || !*row) return Unexpected{KeyFault::unreadable};
    auto key = unwrap_under(master, **row, ledger_account, slot);
    if (!key) continue;
    ++opened;
    if (slot == code_slot)
      code = std::move(key);
    else if (slot != data_slot)
      lookup.push_back({slot, *std::move(key)});
  }
  if (opened == 0) return Unexpected{KeyFault::wrong_master_key};
  if (opened < slots.size()) return Unexpected{KeyFault::unreadable};  // the master key is right, a row is not
  return KeyRing(std::move(master), std::move(lookup), *std::move(code));
}

std::optional<SecretKey> KeyRing::data_key(const LogSource& source, const Id& account, std::uint32_t slot) const {
  if (account == ledger_account && slot != data_slot) return std::nullopt;  // those are not data keys
  const auto row = source.get(Family::keys, as_bytes(row_key(account, slot)));
  if (!row || !*row) return std::nullopt;
  return unwrap_under(master_, **row, account, slot);
}

std::optional<SecretKey> KeyRing::unwrap(const RowChange& row) const {
  const ByteView key = as_bytes(row.key);
  const auto account = key.size() == Id::size + 4 ? Id::from(key.first(Id::size)) : std::nullopt;
  if (!account || !row.value) return std::nullopt;
  return unwrap_under(master_, *row.value, *account, read_big_endian32(key.last(4)));
}

std::pair<SecretKey, RowChange> KeyRing::new_data_key(const Id& account, const Entropy& entropy) const {
  assert(account != ledger_account);
  return draw(master_, account, data_slot, entropy);
}

std::pair<SecretKey, RowChange> KeyRing::new_lookup_key(std::uint32_t rotations, const Entropy& entropy) const {
  return draw(master_, ledger_account, lookup_slot(rotations), entropy);
}

bool KeyRing::use_lookup_keys(const Store& store, const std::vector<std::uint32_t>& slots) {
  std::vector<LookupKey> keys;
  for (const std::uint32_t slot : slots) {
    const auto row = store.get(Family::keys, as_bytes(row_key(ledger_account, slot)));
    auto key = row && *row ? unwrap_under(master_, **row, ledger_account, slot) : std::nullopt;
    if (!key) return false;
    keys.push_back({slot, *std::move(key)});
  }
  assert(!keys.empty());
  lookup_ = std::move(keys);
  return true;
}

}  // namespace daicho
