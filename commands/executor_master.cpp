// The master key's hand-over: both keys held, every row wrapped anew, all of them checked, recorded, the old ones out
// of the files. No crash leaves a row that neither key opens (docs/decisions/0024-master-key.md).
#include <algorithm>

#include "commands/executor_run.hpp"

namespace daicho {

namespace {

constexpr std::size_t rewrap_batch_rows = 256;  // one synced write; so many accounts wait for it

Fault damaged(std::string_view row_key) {
  return {FaultKind::damaged, "The wrapped key in row " + to_hex(as_bytes(row_key)) +
                                  " opens under no master key that is here; nothing more was changed."};
}

/// The next rows of family `keys`, by their keys.
Result<std::vector<std::string>, Fault> next_rows(const Store& store, const std::string& from) {
  std::vector<std::string> keys;
  const auto failed = store.scan(Family::keys, as_bytes(from), [&](ByteView key, ByteView) {
    if (keys.size() == rewrap_batch_rows) return false;
    keys.emplace_back(as_text(key));
    return true;
  });
  if (failed) return Unexpected{fault_of(*failed)};
  return keys;
}

/// As they are now: one that went meanwhile stays gone.
Result<Rows, Fault> rewrap(const Store& store, const KeyRing& ring, const std::vector<std::string>& keys) {
  Rows rows;
  for (const std::string& key : keys) {
    const auto wrapped = store.get(Family::keys, as_bytes(key));
    if (!wrapped) return Unexpected{fault_of(wrapped.error())};
    if (!*wrapped) continue;
    auto row = ring.rewrapped(key, **wrapped);
    if (!row) return Unexpected{damaged(key)};
    if (*row) rows.push_back(**std::move(row));
  }
  return rows;
}

}  // namespace

/// All rows there are, each of which opens under the key in force.
Result<std::uint64_t, Fault> Executor::count_keys() const {
  std::uint64_t count = 0;
  std::optional<Fault> fault;
  const auto failed = store_.scan(Family::keys, {}, [&](ByteView key, ByteView value) {
    const auto row = keys_.rewrapped(as_text(key), as_text(value));
    if (!row || *row) fault = damaged(as_text(key));
    ++count;
    return !fault;
  });
  if (failed) return Unexpected{fault_of(*failed)};
  if (fault) return Unexpected{*std::move(fault)};
  return count;
}

/// The ledger's own keys, and the mark, with nothing else in flight: whoever opens the ledger after it needs both keys.
std::optional<Fault> Executor::begin_master_rotation(SecretKey next) {
  if (const auto readable = count_keys(); !readable) return readable.error();
  const Stripes locks(stripes_);
  Rows own;
  const auto failed = store_.scan(Family::keys, {}, [&](ByteView key, ByteView value) {
    if (!as_text(key).starts_with(Id{}.text())) return false;
    own.push_back({Family::keys, std::string(as_text(key)), std::string(as_text(value))});
    return true;
  });
  if (failed) return fault_of(*failed);
  const auto rows = keys_.begin_master_rotation(std::move(next), own);
  if (!rows) return damaged(own.front().key);
  if (auto error = store_.write(*rows, true)) return fault_of(*error);
  return std::nullopt;
}

/// Batch by batch, each under the locks of its accounts: no command of theirs is between reading a key and committing.
std::optional<Fault> Executor::rewrap_keys() {
  for (std::string from;;) {
    const auto keys = next_rows(store_, from);
    if (!keys) return keys.error();
    if (keys->empty()) return std::nullopt;
    const auto odd = std::ranges::find_if(*keys, [](const std::string& key) { return key.size() < Id::size; });
    if (odd != keys->end()) return damaged(*odd);
    std::vector<std::uint64_t> accounts;
    for (const std::string& key : *keys) accounts.push_back(hash_of(as_bytes(key).first(Id::size)));
    const Stripes locks(stripes_, std::move(accounts));
    const auto rows = rewrap(store_, keys_, *keys);
    if (!rows) return rows.error();
    if (!rows->empty()) {
      if (auto error = store_.write(*rows, true)) return fault_of(*error);
    }
    from = keys->back() + '\0';
  }
}

std::optional<Fault> Executor::clear_files_of_old_keys() {
  if (auto error = store_.purge({{Family::keys, ""}, {Family::meta, rotation_mark_key()}}))
    return Fault{FaultKind::busy,
                 "The master key was rotated; what the old one opens is not out of the files yet: " + error->detail};
  if (auto error = store_.write({no_rotation_mark()}, true)) return fault_of(*error);
  keys_.set_master_rotation(MasterRotation::none);
  return std::nullopt;
}

Result<Answer, Fault> Executor::rotate_master_key(const Issuer& issuer, std::optional<SecretKey> next) {
  const std::lock_guard one_at_a_time(master_mutex_);
  Answer answer{Json::object()};
  if (keys_.master_rotation() == MasterRotation::none) {
    if (!next) return answer;
    if (auto fault = begin_master_rotation(*std::move(next))) return Unexpected{*std::move(fault)};
  }
  if (keys_.master_rotation() == MasterRotation::begun) {
    if (auto fault = rewrap_keys()) return Unexpected{*std::move(fault)};
    const auto count = count_keys();
    if (!count) return Unexpected{count.error()};
    Request request{.command = RotateMasterKey{*count, *keys_.old_master_fingerprint(), keys_.master_fingerprint()},
                    .issuer = issuer};
    auto recorded = execute(std::move(request));
    if (!recorded || recorded->is_refusal) return recorded;
    if (recorded->replayed)
      return Unexpected{Fault{FaultKind::key_reused, "This rotation has another's idempotency key."}};
    answer = *std::move(recorded);
    keys_.set_master_rotation(MasterRotation::wrapped);
  }
  if (auto fault = clear_files_of_old_keys()) return Unexpected{*std::move(fault)};
  return answer;
}

}  // namespace daicho
