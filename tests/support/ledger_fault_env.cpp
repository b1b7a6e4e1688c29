#include "tests/support/ledger_fault_env.hpp"

#include <rocksdb/file_system.h>

namespace daicho::test {
namespace {

using Lie = std::shared_ptr<FaultEnv::Lie>;

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, Lie lie)
      : FSWritableFileOwnerWrapper(std::move(file)), lie_(std::move(lie)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    return FSWritableFileOwnerWrapper::Append(stored(data), options, debug);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
    return FSWritableFileOwnerWrapper::Append(stored(data), options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    if (lie_->now() != DiskLie::none) return rocksdb::IOStatus::IOError("the disk says no");
    if (lie_->good_syncs > 0) --lie_->good_syncs;
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  rocksdb::Slice stored(const rocksdb::Slice& data) const {
    if (lie_->now() == DiskLie::failed_and_lost) return {};
    if (lie_->now() == DiskLie::failed_and_torn) return {data.data(), data.size() / 2};
    return data;
  }

  const Lie lie_;
};

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, Lie lie)
      : FileSystemWrapper(target), lie_(std::move(lie)) {}
  const char* Name() const override { return "FaultFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
    if (status.ok() && path.ends_with(".log")) *result = std::make_unique<FaultFile>(std::move(*result), lie_);
    return status;
  }

 private:
  const Lie lie_;
};

}  // namespace

FaultEnv::FaultEnv()
    : memory_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
      env_(rocksdb::NewCompositeEnv(std::make_shared<FaultFileSystem>(memory_->GetFileSystem(), lie_))) {}

}  // namespace daicho::test
