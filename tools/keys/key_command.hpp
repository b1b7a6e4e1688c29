// tools/keys/key_command.hpp — programs that a ledger's directory names in place of a key file: an argument a line, the
// program first; no shell. One signs (tools/keys/external_signer.hpp), one says the master key (docs/keys.md, section
// "Where the master key is").
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace daicho {

inline constexpr int key_command_seconds_max = 30;           ///< slower: it is ended
inline constexpr std::size_t key_command_bytes_max = 4'096;  ///< of its answer

/// A Failure when it names no program.
std::vector<std::string> read_command_file(const std::filesystem::path& path);

/// Runs it, without input, in a process group of its own; its standard error is ours. What it wrote on standard output,
/// for the caller to wipe. A Failure `unavailable` when it cannot be started, is too slow, says too much, or does not
/// end with 0.
std::string run_key_command(const std::vector<std::string>& command, int seconds = key_command_seconds_max);

}  // namespace daicho
