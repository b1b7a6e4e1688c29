// tools/bench/bench.hpp — `daicho bench`: the real write path, audit and replay, timed beside this machine's own limits
// in the same run. Every result is verified before it is printed.
#pragma once

#include <filesystem>

#include "commands/decision.hpp"

namespace daicho {

struct BenchOptions {
  unsigned threads = 64;
  unsigned seconds = 10;
  unsigned accounts = 100'000;
  std::filesystem::path
      directory;  ///< empty: a fresh temporary one, removed after; verify and replay read it when it holds a ledger
};

/// `kind`: append, verify, replay or disclosure.
Json run_bench(const std::string& kind, const BenchOptions& options);

/// What one core and the disk do at best: fdatasync, Ed25519, SHA-256, a synced RocksDB write; each for about
/// `milliseconds`.
Json measure_limits(const std::filesystem::path& directory, unsigned milliseconds);

}  // namespace daicho
