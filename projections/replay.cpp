#include "projections/replay.hpp"

#include "ledger/merkle.hpp"
#include "ledger/pending_erasure.hpp"
#include "ledger/sha256.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "projections/kept_name.hpp"

namespace daicho {

namespace {

constexpr std::size_t digest_block_bytes = 1 << 20;
constexpr std::size_t shadow_batch_rows = 4'096;

void apply_changes(RowMap& map, Rows rows) {
  for (RowChange& row : rows) {
    if (row.value) {
      map[std::move(row.key)] = *std::move(row.value);
    } else if (row.is_prefix) {
      auto at = map.lower_bound(row.key);
      while (at != map.end() && at->first.starts_with(row.key)) at = map.erase(at);
    } else {
      map.erase(row.key);
    }
  }
}

bool is_of_lookup(std::string_view key) { return key.starts_with('N') || key.starts_with('P'); }

}  // namespace

void RowDigests::close_block() {
  if (tables_.empty() || block_.empty()) return;
  tables_.back().digest = sha256({tables_.back().digest.view(), as_bytes(block_)});
  block_.clear();
}

void RowDigests::add(std::string_view key, std::string_view value) {
  if (key.empty() || is_of_lookup(key)) return;
  if (tables_.empty() || tables_.back().table != key.front()) {
    close_block();
    tables_.push_back({key.front(), 0, Hash{}});
  }
  for (const std::string_view part : {key, value}) {
    append(block_, big_endian32(static_cast<std::uint32_t>(part.size())));
    block_.append(part);
  }
  ++tables_.back().rows;
  if (block_.size() >= digest_block_bytes) close_block();
}

std::vector<TableDigest> RowDigests::finish() {
  close_block();
  return tables_;
}

namespace {

std::vector<TableDigest> read_digests(const fb::ProjectionDigestsRecorded& recorded) {
  std::vector<TableDigest> digests;
  if (!recorded.digests()) return digests;
  for (const fb::ProjectionDigest* each : *recorded.digests()) {
    digests.push_back({static_cast<char>(each->table()), each->rows(),
                       each->digest() ? flatbuffers::UnPack(*each->digest()) : Hash{}});
  }
  return digests;
}

}  // namespace

void Replay::apply(const Event& event, const Hash& leaf) {
  ++events_;
  if (event.account().is_zero()) {
    apply_to_ledger(event, leaf);
  } else {
    apply_to_account(event, leaf);
  }
}

void Replay::apply_to_ledger(const Event& event, const Hash& leaf) {
  if (const auto* recorded = event.as<fb::ProjectionDigestsRecorded>(); recorded && !wrong_digest_) {
    RowDigests digests;
    for (const auto& [key, value] : rows()) digests.add(key, value);
    if (recorded->fold_version() == fold_version && digests.finish() != read_digests(*recorded)) {
      wrong_digest_ = event.position();
    }
  }
  evolve(ledger_, event, leaf);
  Rows changes;
  append_access_row(changes, event);
  apply_changes(index_, std::move(changes));
}

void Replay::apply_to_account(const Event& event, const Hash& leaf) {
  Account& account = accounts_[event.account()];
  const Indexed before = indexed(account);
  evolve(account, event, leaf);
  Rows changes;
  append_index_changes(changes, before, indexed(account), event, lookup());
  if (event.as<fb::AccountRegistered>()) append_pending_name(changes, event.account());
  if (event.as<fb::AccountClosed>() || event.as<fb::DataKeyErased>()) append_erasing(changes, event);
  apply_changes(index_, std::move(changes));
}

Lookup Replay::lookup() const {
  return {keys_, [this](Position position) -> std::shared_ptr<const fb::PersonalT> {
            auto personal = read_personal(store_, position, *keys_);
            return personal ? std::make_shared<const fb::PersonalT>(*std::move(personal)) : nullptr;
          }};
}

/// The name of an account whose key is gone before this log has the closing: the closing's mark says it.
void Replay::append_pending_name(Rows& changes, const Id& account) const {
  if (!keys_ || keys_->data_key(store_, account)) return;
  const auto pending = pending_erasures(store_, account);
  const auto ledger_key = keys_->data_key(store_, Id{});
  if (!pending || pending->empty() || !ledger_key) return;
  const Event closing = pending->back().event();
  const auto mark = list_of(closing.as<fb::AccountClosed>()->name_mark());
  if (const auto tag = kept_name_tag(store_, *keys_, *ledger_key, account, mark))
    changes.push_back(sign_in_name_row(*keys_, *tag, account));
}

void Replay::append_erasing(Rows& changes, const Event& erasing) {
  const auto envelopes = account_events(store_, {erasing.account_version(), erasing.position(), {}}, {});
  if (!envelopes) return;  // then its outbox rows differ from those stored
  const auto ledger_key = keys_ ? keys_->data_key(store_, Id{}) : std::nullopt;
  std::optional<RowChange> name_row;
  if (const auto tag = ledger_key ? marked_name_tag(erasing, *ledger_key) : std::nullopt) {
    name_row = sign_in_name_row(*keys_, *tag, erasing.account());
    marked_after_.insert(ledger_.lookup_rotations);
  }
  append_erasing_changes(changes, parse_events(*envelopes), name_row);
}

RowMap Replay::rows() const {
  RowMap rows = index_;
  if (events_ > 0) rows[ledger_row_key()] = encode_row(ledger_);
  for (const auto& [id, account] : accounts_) rows[account_row_key(id)] = encode_row(account);
  return rows;
}

std::optional<StoreError> replay_log(const Store& store, Replay& replay, const ReplayProgress& progress) {
  std::optional<StoreError> error;
  std::string envelope;  // aligned copy
  const auto failed = store.scan(Family::events, {}, [&](ByteView key, ByteView value) {
    envelope.assign(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    if (!event || read_big_endian(key) != replay.events()) {
      error = StoreError{StoreFault::corrupt,
                         "no readable event at position " + std::to_string(replay.events()) + ": run audit verify"};
      return false;
    }
    replay.apply(*event, leaf_hash(as_bytes(envelope)));
    if (progress && replay.events() % 1'024 == 0) progress(replay.events());
    return true;
  });
  return failed ? failed : error;
}

Result<std::optional<RowDifference>, StoreError> first_difference(const Store& store, const Replay& replay) {
  const RowMap rows = replay.rows();
  auto expected = rows.begin();
  std::optional<RowDifference> difference;
  const auto failed = store.scan(Family::rows, {}, [&](ByteView key_bytes, ByteView value_bytes) {
    const std::string_view key = as_text(key_bytes), value = as_text(value_bytes);
    if (is_of_lookup(key) && !replay.covers_lookup()) return true;
    if (expected != rows.end() && expected->first == key && expected->second == value) {
      ++expected;
      return true;
    }
    if (expected == rows.end() || key < expected->first) {
      difference = RowDifference{std::string(key), std::string(value), std::nullopt};
    } else if (expected->first == key) {
      difference = RowDifference{expected->first, std::string(value), expected->second};
    } else {
      difference = RowDifference{expected->first, std::nullopt, expected->second};
    }
    return false;
  });
  if (failed) return Unexpected{*failed};
  if (!difference && expected != rows.end())
    difference = RowDifference{expected->first, std::nullopt, expected->second};
  return difference;
}

std::string describe(const RowDifference& difference) {
  static const std::map<char, const char*> tables = {
      {'L', "ledger state"}, {'A', "account state"}, {'D', "due times"}, {'B', "blocked accounts"}, {'E', "evidence"},
      {'I', "accesses"},     {'N', "sign-in names"}, {'O', "outbox"},    {'P', "proof addresses"}};
  const auto table = tables.find(difference.key.empty() ? '?' : difference.key[0]);
  std::string words = table == tables.end() ? "a row of an unknown table" : table->second;
  const bool is_of_account =
      table != tables.end() && std::string_view("ABP").find(table->first) != std::string_view::npos;
  if (difference.key.size() == 17 && is_of_account) {
    words += " of " + to_text(*Id::from(as_bytes(difference.key).subspan(1)));
  }
  if (!difference.stored) return words + ": the row is missing";
  if (!difference.replayed) return words + ": a row that no event gives";
  return words + ": the row differs from what the events give";
}

std::optional<StoreError> fill_shadow(Store& store, const RowMap& rows) {
  if (auto error = store.begin_shadow()) return error;
  Rows batch;
  for (const auto& [key, value] : rows) {
    batch.push_back({Family::rows, key, value});
    if (batch.size() < shadow_batch_rows) continue;
    if (auto error = store.write_shadow(batch)) return error;
    batch.clear();
  }
  return store.write_shadow(batch);
}

Result<RebuildReport, StoreError> rebuild(Store& store, const KeyRing& keys, const ReplayProgress& progress) {
  Replay replay(store, &keys);
  if (auto error = replay_log(store, replay, progress)) return Unexpected{*error};
  auto difference = first_difference(store, replay);
  if (!difference) return Unexpected{difference.error()};
  const RowMap rows = replay.rows();
  if (auto error = fill_shadow(store, rows)) return Unexpected{*error};
  if (auto error = store.swap_shadow()) return Unexpected{*error};
  return RebuildReport{replay.events(), replay.accounts(), rows.size(), *std::move(difference)};
}

}  // namespace daicho
