// ledger/store_impl.hpp — what is behind a Store. Internal to store.cpp and store_purge.cpp.
#pragma once

#include <atomic>
#include <mutex>

#include "ledger/store_options.hpp"

namespace daicho {

inline bool is_writer(Store::Mode mode) { return mode == Store::Mode::create || mode == Store::Mode::write; }
/// The first key after all that begin with `prefix`.
std::string end_of_prefix(std::string prefix);

struct Store::Impl {
  using Handle = rocksdb::ColumnFamilyHandle;
  using Handles = std::vector<Handle*>;

  Mode mode;
  rocksdb::Env* env;
  const std::shared_ptr<rocksdb::Cache> cache = make_block_cache();
  std::unique_ptr<rocksdb::DB> db;
  std::array<Handle*, family_count - 1> families{};
  std::atomic<Handle*> rows = nullptr;

  std::mutex family_mutex;  // guards `handles`, `dropped` and `shadow`
  Handles handles;          // all ever opened; a reader may still use a dropped one
  Handles dropped;
  Handle* shadow = nullptr;

  std::atomic<bool> stopped = false;
  std::optional<std::string> published;  // as of before the opening
  int published_file = -1;

  Impl(Mode as, rocksdb::Env* on) : mode(as), env(on) {}
  ~Impl();
  /// Null for the tiles of a store that is older than they are, until it is opened for writing.
  Handle* family(Family family) const {
    return family == Family::rows ? rows.load() : families[static_cast<std::size_t>(family)];
  }
  Handles live() const;  ///< all that are not dropped
  std::optional<StoreError> open(const std::string& path);
  rocksdb::Status open_database(const std::string& path);
  rocksdb::Status open_view(const std::string& path);
  std::optional<StoreError> find_families();
  std::optional<StoreError> write(const Rows& changes, Handle* rows_family, bool sync);
  void drop(Handle* family);
  Handles set_aside() const;
  rocksdb::Status empty(Handle* family);
  rocksdb::Status compact(const std::vector<RowPrefix>& prefixes);
  std::optional<std::string> obsolete_file(const std::vector<std::string>& of);
};

}  // namespace daicho
