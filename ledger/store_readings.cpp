// What RocksDB says of itself (Store::readings).
#include <rocksdb/statistics.h>

#include "ledger/store.hpp"
#include "ledger/store_impl.hpp"

namespace daicho {

namespace {

std::uint64_t property(rocksdb::DB& db, const std::string& name) {
  std::uint64_t value = 0;
  return db.GetAggregatedIntProperty(name, &value) ? value : 0;
}

void count_files(rocksdb::DB& db, StoreReadings& readings) {
  std::vector<rocksdb::Env::FileAttributes> files;
  db.GetEnv()->GetChildrenFileAttributes(db.GetName(), &files).PermitUncheckedError();
  for (const auto& file : files) {
    if (file.name.ends_with(".sst")) {
      ++readings.table_files;
      readings.table_bytes += file.size_bytes;
    } else if (file.name.ends_with(".log")) {
      ++readings.wal_files;
      readings.wal_bytes += file.size_bytes;
    }
  }
}

}  // namespace

StoreReadings Store::readings() const {
  rocksdb::DB& db = *impl_->db;
  StoreReadings readings{.cache_bytes = impl_->cache->GetUsage(), .cache_bytes_max = impl_->cache->GetCapacity()};
  if (const auto statistics = db.GetDBOptions().statistics) {
    readings.cache_hits = statistics->getTickerCount(rocksdb::BLOCK_CACHE_HIT);
    readings.cache_misses = statistics->getTickerCount(rocksdb::BLOCK_CACHE_MISS);
  }
  count_files(db, readings);
  readings.unflushed_bytes = property(db, rocksdb::DB::Properties::kCurSizeAllMemTables);
  readings.compaction_left_bytes = property(db, rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
  readings.is_write_stopped = property(db, rocksdb::DB::Properties::kIsWriteStopped) > 0;
  return readings;
}

}  // namespace daicho
