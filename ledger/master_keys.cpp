// docs/ledger-format.md, sections "Keys" and "Rotation of the master key".
#include "ledger/master_keys.hpp"

#include <array>
#include <mutex>

namespace daicho {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::string_view wrap_label = "daicho wrapped key v1";
constexpr std::string_view fingerprint_label = "daicho master key fingerprint v1";
constexpr std::string_view mark_label = "daicho master key rotation v1";
constexpr std::string_view wrapped_text = "wrapped";
constexpr std::array<std::uint32_t, 2> own_slots = {0, 2};  // of the ledger's own account: its data and code keys

std::string associated_of(const Id& account, std::uint32_t slot) {
  return std::string(wrap_label) + wrapped_key_row_key(account, slot);
}

using Mark = std::optional<std::string>;

/// How many of the ledger's own rows open under the key; `unreadable` when one is missing.
Result<std::size_t, MasterKeys::Fault> count_own(const SecretKey& master, const Store& store) {
  std::size_t opened = 0;
  for (const std::uint32_t slot : own_slots) {
    const auto row = store.get(Family::keys, as_bytes(wrapped_key_row_key(Id{}, slot)));
    if (!row || !*row) return Unexpected{MasterKeys::Fault::unreadable};
    if (unwrap_key(master, **row, Id{}, slot)) ++opened;
  }
  return opened;
}

bool opens_mark(const SecretKey& old, const std::string& mark) {
  return open_sealed(old, as_bytes(mark), as_bytes(mark_label)).has_value();
}

}  // namespace

Hash master_fingerprint(const SecretKey& master) {
  return *Hash::from(keyed_hash(master, fingerprint_label, {}).view());
}

std::string wrapped_key_row_key(const Id& account, std::uint32_t slot) {
  std::string key(account.text());
  append(key, big_endian32(slot));
  return key;
}

RowChange wrap_key(const SecretKey& master, const SecretKey& key, const Id& account, std::uint32_t slot) {
  return {Family::keys, wrapped_key_row_key(account, slot),
          seal(master, key.view(), as_bytes(associated_of(account, slot)))};
}

std::optional<SecretKey> unwrap_key(const SecretKey& master, std::string_view wrapped, const Id& account,
                                    std::uint32_t slot) {
  auto bytes = open_sealed(master, as_bytes(wrapped), as_bytes(associated_of(account, slot)));
  if (!bytes) return std::nullopt;
  std::optional<SecretKey> key;
  if (bytes->size() == key_bytes) key.emplace(as_bytes(*bytes));
  wipe(*bytes);
  return key;
}

std::optional<SecretKey> MasterKeys::Held::unwrap(std::string_view wrapped, const Id& account,
                                                  std::uint32_t slot) const {
  if (auto key = unwrap_key(in_force, wrapped, account, slot)) return key;
  return old ? unwrap_key(*old, wrapped, account, slot) : std::nullopt;
}

struct MasterKeys::Shared {
  std::mutex mutex;  // guards `held`
  std::shared_ptr<const Held> held;
};

MasterKeys::MasterKeys(Held held) : shared_(std::make_shared<Shared>()) {
  shared_->held = std::make_shared<const Held>(std::move(held));
}

Result<MasterKeys, MasterKeys::Fault> MasterKeys::find(SecretKey master, std::optional<SecretKey> other,
                                                       const Store& store) {
  auto opened = count_own(master, store);
  if (opened && *opened == 0 && other) {
    std::swap(master, *other);
    opened = count_own(master, store);
  }
  if (!opened) return Unexpected{opened.error()};
  if (*opened == 0) return Unexpected{Fault::wrong};
  if (*opened < own_slots.size()) return Unexpected{Fault::unreadable};  // the key is right, a row is not
  const auto mark = store.get(Family::meta, as_bytes(rotation_mark_key()));
  if (!mark) return Unexpected{Fault::unreadable};
  if (!*mark) return MasterKeys({std::move(master), std::nullopt, MasterRotation::none});
  if (**mark == wrapped_text) return MasterKeys({std::move(master), std::nullopt, MasterRotation::wrapped});
  if (!other || !opens_mark(*other, **mark)) return Unexpected{Fault::unfinished};
  return MasterKeys({std::move(master), std::move(other), MasterRotation::begun});
}

std::shared_ptr<const MasterKeys::Held> MasterKeys::held() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->held;
}

void MasterKeys::begin(SecretKey next) {
  const std::lock_guard lock(shared_->mutex);
  shared_->held =
      std::make_shared<const Held>(Held{std::move(next), shared_->held->in_force.clone(), MasterRotation::begun});
}

void MasterKeys::go_on(MasterRotation rotation) {
  const std::lock_guard lock(shared_->mutex);
  shared_->held = std::make_shared<const Held>(Held{shared_->held->in_force.clone(), std::nullopt, rotation});
}

std::string rotation_mark_key() { return "master_rotation"; }

RowChange rotation_mark(const SecretKey& old) {
  return {Family::meta, rotation_mark_key(), seal(old, {}, as_bytes(mark_label))};
}

RowChange wrapped_mark() { return {Family::meta, rotation_mark_key(), std::string(wrapped_text)}; }

RowChange no_rotation_mark() { return {Family::meta, rotation_mark_key(), std::nullopt}; }

}  // namespace daicho
