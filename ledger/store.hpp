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

#include "ledger/bytes.hpp"
#include "ledger/result.hpp"

namespace rocksdb {
class Env;
}

namespace daicho {

/// Column families. Names are on disk: do not change them (docs/ledger-format.md, section "Store").
enum class Family {
  events,       ///< u64 big-endian position -> envelope
  checkpoints,  ///< u64 big-endian size -> signed note
  keys,         ///< account id, u32 big-endian slot -> wrapped data key
  answers,      ///< service, 00, idempotency key -> fingerprint and sealed first answer
  leases,       ///< notification id -> who holds it until when; not part of any proof
  meta,         ///< a few named rows
  rows,         ///< projections: everything that can be folded again from the events
};
inline constexpr std::size_t family_count = 7;

struct RowChange {
  Family family;
  std::string key;
  std::optional<std::string> value;  ///< nullopt deletes
  bool is_prefix = false;            ///< deletes every key that begins so; a prefix is never empty or all FF
};
using Rows = std::vector<RowChange>;

enum class StoreFault {
  not_found,  ///< no ledger in this directory
  exists,     ///< creation found one
  locked,     ///< another process writes it
  corrupt,    ///< stored bytes do not read back as written
  behind,     ///< it holds less than the published checkpoint covers
  io,         ///< the operating system said no: disk full, permissions, a failed sync
};
struct StoreError {
  StoreFault fault;
  std::string detail;
};

class Store {
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
  ~Store();

  Result<std::optional<std::string>, StoreError> get(Family family, ByteView key) const;

  /// Calls `row` in key order from `from` on while it returns true. Checks block checksums, fills no block cache.
  using RowVisitor = std::function<bool(ByteView key, ByteView value)>;
  std::optional<StoreError> scan(Family family, ByteView from, const RowVisitor& row) const;
  /// The last row of a family.
  Result<std::optional<std::pair<std::string, std::string>>, StoreError> last(Family family) const;

  /// All or nothing; with sync, durable when it returns. After any failure the store refuses every further write.
  std::optional<StoreError> write(const Rows& rows, bool sync);

  /// Re-reads every byte of every table file against its stored checksum.
  std::optional<StoreError> verify_files() const;

  /// A copy of the newest checkpoint outside RocksDB, so that a lost tail is noticed. Not synced, and its failures are
  /// not reported: it may be behind or torn after a power loss. Nothing is published into a test's `env`.
  void publish(std::string_view note);
  /// What was published before this store was opened; nullopt when there is none.
  const std::optional<std::string>& published() const;

  /// Rebuilding: `begin_shadow` gives an empty second rows family, `write_shadow` fills it, `swap_shadow` makes it the
  /// live one and sets the old aside until the next `begin_shadow` drops it; `drop_shadow` gives up.
  std::optional<StoreError> begin_shadow();
  std::optional<StoreError> write_shadow(const Rows& rows);
  std::optional<StoreError> scan_shadow(const RowVisitor& row) const;
  std::optional<StoreError> swap_shadow();
  std::optional<StoreError> drop_shadow();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
