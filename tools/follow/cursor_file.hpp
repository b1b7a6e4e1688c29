// tools/follow/cursor_file.hpp — how far a subscription's consumer has taken the log (docs/ledger-format.md, section
// "Cursor").
#pragma once

#include <filesystem>

#include "ledger/log_follower.hpp"

namespace daicho {

inline constexpr std::size_t cursor_bytes_max = 4 * note_bytes_max;

struct KeptCursor {
  LogCursor cursor;
  Time taken_at = 0;  ///< when the last batch was taken
};

/// nullopt: there is no such file, and the log is followed from its first event on. Failure `usage` when it is none;
/// whether it fits the log is the LogFollower's to say.
std::optional<KeptCursor> read_cursor(const std::filesystem::path& path);
/// Whole or not at all; durable when it returns.
void write_cursor(const std::filesystem::path& path, const KeptCursor& kept);

/// Keeps signed checkpoints as `PATH.checkpoint.SIZE.HASH`, HASH the first 16 hex digits of the root; what is there
/// stays. The files' names.
std::vector<std::string> keep_evidence(const std::filesystem::path& path, const std::vector<std::string>& notes);

}  // namespace daicho
