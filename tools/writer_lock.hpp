// tools/writer_lock.hpp — a ledger has one writer: RocksDB locks `store/LOCK` (fcntl(2)), and the kernel lets go of it
// when the process ends, however it ends. A second one can wait for that.
#pragma once

#include <chrono>
#include <filesystem>

namespace daicho {

/// Whether another process has the ledger open for writing. False for what is no ledger.
bool has_writer(const std::filesystem::path& directory);

/// Returns when no other process writes. Failure(unavailable) when one still does after `time`. Not a lock: who opens
/// the ledger afterwards may still lose against a third.
void await_writer_lock(const std::filesystem::path& directory, std::chrono::milliseconds time);

}  // namespace daicho
