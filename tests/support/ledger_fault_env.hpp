// tests/support/ledger_fault_env.hpp — a disk in memory that fails a sync of the write-ahead log and lies about it.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <memory>

namespace daicho::test {

/// What a sync that reports failure did.
enum class DiskLie {
  none,               ///< it does not fail
  failed_and_stored,  ///< all is there when the store is opened again
  failed_and_torn,    ///< half of the last append is there
  failed_and_lost,    ///< nothing of it is there
};

class FaultEnv {
 public:
  FaultEnv();
  rocksdb::Env* get() const { return env_.get(); }
  /// From now on every append to and sync of a write-ahead log goes like this.
  void set(DiskLie lie) { *lie_ = lie; }

 private:
  std::shared_ptr<std::atomic<DiskLie>> lie_ = std::make_shared<std::atomic<DiskLie>>(DiskLie::none);
  std::unique_ptr<rocksdb::Env> memory_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace daicho::test
