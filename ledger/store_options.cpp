#include "ledger/store_options.hpp"

#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>

namespace daicho {
namespace {

constexpr std::size_t block_cache_bytes = 128 << 20;
constexpr std::size_t events_block_bytes = 32 << 10;
constexpr std::size_t events_buffer_bytes = 64 << 20;
constexpr std::size_t family_buffer_bytes = 16 << 20;
constexpr std::size_t wal_bytes_max = 128 << 20;  // what an opening replays at most
constexpr double bloom_bits_per_key = 10;
constexpr double memtable_bloom_ratio = 0.05;  // of the write buffer

bool has_point_reads(const std::string& name) {
  return name == "keys" || name == "answers" || name == "leases" || name.starts_with(rows_family_prefix);
}

}  // namespace

const std::array<std::string, family_count - 1>& store_family_names() {
  static const std::array<std::string, family_count - 1> names = {"events", "checkpoints", "keys", "answers",
                                                                  "leases", "meta",        "tiles"};
  return names;
}

namespace {

/// RocksDB's own log file is what a full disk ends a process with: a line of it that is not written whole makes the
/// next one fail an assert, which Debian's library keeps. What it would say comes as statuses, too.
class NoInfoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

rocksdb::DBOptions store_db_options(Store::Mode mode, rocksdb::Env* env) {
  using Mode = Store::Mode;
  rocksdb::DBOptions options;
  if (env) options.env = env;
  options.create_if_missing = options.error_if_exists = mode == Mode::create;
  options.create_missing_column_families = mode == Mode::create || mode == Mode::write;  // tiles came after 0.1.0
  // A record cut short at the end of the write-ahead log was never acknowledged. Anything else that does not read back
  // fails the opening; point-in-time recovery would drop what follows it without a word.
  options.wal_recovery_mode = mode == Mode::salvage ? rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords
                                                    : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.paranoid_checks = mode != Mode::salvage;
  options.max_open_files = -1;  // all opened at once: a reader keeps its view when the writer deletes a file
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.max_total_wal_size = wal_bytes_max;
  options.info_log = std::make_shared<NoInfoLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  if (mode == Mode::create || mode == Mode::write) {  // counts only: nothing is timed
    options.statistics = rocksdb::CreateDBStatistics();
    options.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
  }
  return options;
}

std::shared_ptr<rocksdb::Cache> make_block_cache() { return rocksdb::NewLRUCache(block_cache_bytes); }

rocksdb::ColumnFamilyOptions store_family_options(const std::string& name,
                                                  const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = family_buffer_bytes;
  if (name == "events") {
    table.block_size = events_block_bytes;
    options.compression = rocksdb::kNoCompression;  // signatures, hashes and ciphertext do not shrink
    options.write_buffer_size = events_buffer_bytes;
  }
  // Hashes do not shrink, nor do wrapped keys; and that a key is in no file can be seen by looking for its bytes.
  if (name == "tiles" || name == "keys") options.compression = rocksdb::kNoCompression;
  if (has_point_reads(name)) {  // most of them find nothing: a new idempotency key, an account that rests in a file
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(bloom_bits_per_key));
    options.memtable_whole_key_filtering = true;
    options.memtable_prefix_bloom_size_ratio = memtable_bloom_ratio;
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

StoreError store_error(const rocksdb::Status& status) {
  // A file that is missing inside an existing store, or a family that does not fit, is damage to the store.
  const bool damaged = status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() ||
                       status.subcode() == rocksdb::Status::kPathNotFound;
  return {damaged ? StoreFault::corrupt : StoreFault::io, status.ToString()};
}

}  // namespace daicho
