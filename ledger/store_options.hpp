// ledger/store_options.hpp — how the RocksDB behind a Store is set up. Only store*.cpp include this.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "ledger/store.hpp"

namespace daicho {

inline constexpr std::string_view rows_family_prefix = "rows.";

rocksdb::DBOptions store_db_options(Store::Mode mode, rocksdb::Env* env);
/// One block cache a store, never shared: a block that another store has cached would hide what the disk holds now.
std::shared_ptr<rocksdb::Cache> make_block_cache();
/// By the family's name on disk.
rocksdb::ColumnFamilyOptions store_family_options(const std::string& name,
                                                  const std::shared_ptr<rocksdb::Cache>& cache);
/// Names on disk of the families before `rows`, in the enum's order. Do not change them.
const std::array<std::string, family_count - 1>& store_family_names();
inline const std::string& tiles_family_name() { return store_family_names()[static_cast<std::size_t>(Family::tiles)]; }

StoreError store_error(const rocksdb::Status& status);

}  // namespace daicho
