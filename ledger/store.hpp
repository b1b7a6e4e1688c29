// ledger/store.hpp — the embedded store: RocksDB column families, one atomic synced write a commit group.
// Only store*.cpp include RocksDB. Reads: any thread. Writes: any thread, one commit at a time (the committer's).
// In the ledger's directory: `store/` is RocksDB's, `checkpoint` is a copy of the newest signed note.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/log_source.hpp"

namespace rocksdb {
class Env;
}

namespace daicho {

struct RowChange {
  Family family;
  std::string key;
  std::optional<std::string> value;  ///< nullopt deletes
  bool is_prefix = false;            ///< deletes every key that begins so; a prefix is never empty or all FF
};
using Rows = std::vector<RowChange>;

/// Every key of a family that begins so; empty: all of them. Never all FF.
struct RowPrefix {
  Family family;
  std::string prefix;
};

/// What the store holds and how it is doing, for who watches it.
struct StoreReadings {
  std::uint64_t cache_bytes = 0, cache_bytes_max = 0;  ///< of the block cache
  std::uint64_t cache_hits = 0, cache_misses = 0;      ///< since it was opened; of a writer only
  std::uint64_t table_files = 0, table_bytes = 0;      ///< all that are there, with those about to be deleted
  std::uint64_t wal_files = 0, wal_bytes = 0;
  std::uint64_t unflushed_bytes = 0;        ///< in memory, and in the write-ahead log alone
  std::uint64_t compaction_left_bytes = 0;  ///< an estimate of what is to be rewritten
  bool is_write_stopped = false;            ///< writes wait until that is less
};

class Store : public LogSource {
 public:
  enum class Mode {
    create,   ///< the directory must hold no store
    write,    ///< exclusive: a second writer gets `locked`
    read,     ///< beside a writer, in another process too: a view as of opening, with every write synced before
    salvage,  ///< read, passing over what cannot be read: only to say what is wrong
  };
  /// `env` null: the machine's own; a test hands in RocksDB's memory or fault Env and keeps it alive.
  /// For `write`, `behind` when the published checkpoint covers more than the store holds: nothing is changed.
  static Result<std::unique_ptr<Store>, StoreError> open(const std::filesystem::path& directory, Mode mode,
                                                         rocksdb::Env* env = nullptr);
  /// For `read`: RocksDB's own folder, wherever it lies; `published` is the checkpoint that goes with it.
  static Result<std::unique_ptr<Store>, StoreError> open_folder(const std::filesystem::path& folder,
                                                                std::optional<std::string> published,
                                                                rocksdb::Env* env = nullptr);
  ~Store() override;

  Result<std::optional<std::string>, StoreError> get(Family family, ByteView key) const override;
  /// Checks block checksums, fills no block cache.
  std::optional<StoreError> scan(Family family, ByteView from, const RowVisitor& row) const override;
  Result<std::optional<std::pair<std::string, std::string>>, StoreError> last(Family family) const override;

  /// All or nothing; with sync, durable when it returns. After any failure the store refuses every further write.
  std::optional<StoreError> write(const Rows& rows, bool sync);

  /// When it returns, no file of the store holds a byte of what rows with these prefixes were before they were deleted:
  /// or written over: not the write-ahead log, no table file, nor projections that were set aside, which it empties.
  /// What the rows are now stays. Writes may go on meanwhile. `io` while something in this process still reads an old
  /// file: try later. Cost: all that is unflushed, and every table file in whose range such a key lies, is written
  /// anew.
  std::optional<StoreError> purge(const std::vector<RowPrefix>& prefixes);

  bool is_store() const override { return true; }
  /// Re-reads every byte of every table file against its stored checksum.
  std::optional<BadFile> verify_files() const override;

  /// Any thread; lists one directory.
  StoreReadings readings() const;

  /// A copy of the newest checkpoint outside RocksDB, so that a lost tail is noticed. Not synced, and its failures are
  /// not reported: it may be behind or torn after a power loss. Nothing is published into a test's `env`.
  void publish(std::string_view note);
  const std::optional<std::string>& published() const override;

  /// Rebuilding: `begin_shadow` gives an empty second rows family, `write_shadow` fills it, `swap_shadow` makes it the
  /// live one and sets the old aside until the next `begin_shadow` drops it; `drop_shadow` gives up. `beside`: what is
  /// written in the same instant, in other families.
  std::optional<StoreError> begin_shadow();
  std::optional<StoreError> write_shadow(const Rows& rows);
  std::optional<StoreError> scan_shadow(const RowVisitor& row) const;
  std::optional<StoreError> swap_shadow(const Rows& beside = {});
  std::optional<StoreError> drop_shadow();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
