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
  /// From now on, or after so many syncs that are well, every append to and sync of a write-ahead log goes like this.
  void set(DiskLie lie, unsigned good_syncs = 0) {
    lie_->good_syncs = good_syncs;
    lie_->kind = lie;
  }

  struct Lie {
    std::atomic<DiskLie> kind = DiskLie::none;
    std::atomic<unsigned> good_syncs = 0;
    DiskLie now() const { return good_syncs > 0 ? DiskLie::none : kind.load(); }
  };

 private:
  std::shared_ptr<Lie> lie_ = std::make_shared<Lie>();
  std::unique_ptr<rocksdb::Env> memory_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace daicho::test
