// tools/log_files.hpp — a log to be read, wherever it is: a ledger's directory, or a static export of one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ledger/key_history.hpp"

namespace daicho {

/// A directory with a `store` is a ledger's, one without is taken for an export.
bool is_ledger(const std::filesystem::path& directory);
std::unique_ptr<LogSource> open_log(const std::filesystem::path& directory);

/// `--vkey` lines.
std::vector<Verifier> parse_vkeys(const std::vector<std::string>& texts);
/// The first verifier: the `--vkey` line, if there is one; else the one that a ledger, or a folder of backups, names.
Verifier first_verifier(const std::filesystem::path& directory, const std::optional<std::string>& vkey);
/// The first verifier: what is given; else the ledger's own file; else what the first event of an export says of
/// itself, which is no proof of anything.
Verifier first_verifier(const std::filesystem::path& directory, const LogSource& source,
                        const std::vector<Verifier>& given);

/// A log with its newest checkpoint, and whoever signed anything in it.
struct OpenLog {
  std::unique_ptr<LogSource> source;
  KeyHistory keys;
  std::string note;
  Checkpoint checkpoint;
};
/// A Failure with exit code 3 unless the newest checkpoint is signed by the key in force there.
OpenLog open_with_checkpoint(const std::filesystem::path& directory, const std::vector<Verifier>& given = {});

}  // namespace daicho
