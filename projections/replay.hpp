// projections/replay.hpp — every projection row computed anew from the events, compared with the stored rows, or put in
// their place (R-LED-3). Memory: about 2 KB an account; time: one pass over the log in order.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "projections/rows.hpp"

namespace daicho {

using RowMap = std::map<std::string, std::string>;

struct TableDigest {
  char table = 0;  ///< the letter its keys begin with
  std::uint64_t rows = 0;
  Hash digest;
  bool operator==(const TableDigest&) const = default;
};

/// A digest of each projection table but N and P, which need keys: rows in key order, each as u32 length, key, u32
/// length, value, chained as running = SHA-256(running || a block of rows), a block being closed by the row that brings
/// it to 1 MiB.
class RowDigests {
 public:
  void add(std::string_view key, std::string_view value);  ///< in key order
  std::vector<TableDigest> finish();

 private:
  void close_block();

  std::vector<TableDigest> tables_;
  std::string block_;
};

/// Folds events in log order into rows held in memory: the write path's own folds, run over stored bytes.
class Replay {
 public:
  /// `keys` open sealed names and addresses; without them the rows N and P are left out, and not compared.
  Replay(const Store& store, const KeyRing* keys) : store_(store), keys_(keys) {}

  void apply(const Event& event, const Hash& leaf);
  RowMap rows() const;
  bool covers_lookup() const { return keys_ != nullptr; }
  /// After how many rotations of the lookup key names were marked by closings: their rows stay under the key of then.
  const std::set<std::uint32_t>& marked_after_rotations() const { return marked_after_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t accounts() const { return accounts_.size(); }
  /// First ProjectionDigestsRecorded whose digest the replay does not give.
  std::optional<Position> wrong_digest() const { return wrong_digest_; }

 private:
  struct IdHash {
    std::size_t operator()(const Id& id) const {
      return static_cast<std::size_t>(read_big_endian(id.view().subspan(8)));
    }
  };
  void apply_to_ledger(const Event& event, const Hash& leaf);
  void apply_to_account(const Event& event, const Hash& leaf);
  Lookup lookup() const;
  void append_pending_name(Rows& changes, const Id& account) const;
  void append_erasing(Rows& changes, const Event& erasing);

  const Store& store_;
  const KeyRing* keys_;
  LedgerState ledger_;
  std::unordered_map<Id, Account, IdHash> accounts_;
  RowMap index_;
  std::uint64_t events_ = 0;
  std::set<std::uint32_t> marked_after_;
  std::optional<Position> wrong_digest_;
};

struct RowDifference {
  std::string key;
  std::optional<std::string> stored, replayed;
};
/// The first row, in key order, in which the stored projections are not the replayed ones.
Result<std::optional<RowDifference>, StoreError> first_difference(const Store& store, const Replay& replay);
/// Letter, account and what differs, in words.
std::string describe(const RowDifference& difference);

/// Runs a Replay over the whole stored log.
using ReplayProgress = std::function<void(std::uint64_t done)>;
std::optional<StoreError> replay_log(const Store& store, Replay& replay, const ReplayProgress& progress);

struct RebuildReport {
  std::uint64_t events = 0, accounts = 0, rows = 0;
  std::optional<RowDifference> difference;  ///< the stored rows were not what the events give
};
/// Folds into a shadow, compares, makes the shadow the live rows. The log is only read.
Result<RebuildReport, StoreError> rebuild(Store& store, const KeyRing& keys, const ReplayProgress& progress);
/// Fills a shadow with these rows; the caller makes it the live one.
std::optional<StoreError> fill_shadow(Store& store, const RowMap& rows);

}  // namespace daicho
