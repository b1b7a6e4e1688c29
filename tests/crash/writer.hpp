// tests/crash/writer.hpp — the process that is killed: many threads issue random commands and say what was answered.
//
// Lines on standard output, each written at once:
//   issued {"name":…,"body":{…}}           before the command is executed
//   answered {"key":…,"seqs":[…]}          after its answer came; no line when it appended nothing
//   failed words                           the ledger answered otherwise than it may
#pragma once

#include <cstdint>
#include <filesystem>

#include "ledger/time.hpp"

namespace daicho::crash {

inline constexpr const char* service = "crash";

struct WriterOptions {
  std::filesystem::path directory;
  std::uint64_t seed = 0;
  unsigned round = 0, threads = 16;
  Time at = 0;
};
/// Goes on until it is killed, or standard output is closed.
int run_writer(const WriterOptions& options);

}  // namespace daicho::crash
