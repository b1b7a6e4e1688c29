// tools/backup/restored_mark.hpp — the file `restored` of a ledger's directory: while it is there the ledger opens to
// read only (tools/backup/restore.hpp). And the checkpoints that are kept beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "commands/decision.hpp"

namespace daicho {

/// Why a directory does not open for writing; nullopt: it carries no mark.
std::optional<std::string> restored_mark_words(const std::filesystem::path& directory);

/// Marks a directory that holds less, or other, than a checkpoint signed by its own key covers, and keeps that one in
/// it as `checkpoint.SIZE`: from then on it opens to read only, as a restored one does, and `--accept` compares it.
/// Does nothing for one that is kept already: its loss may have been accepted.
void hold_back(const std::filesystem::path& directory, const std::string& seen);

bool has_mark(const std::filesystem::path& directory);
/// With a random name, so that an interrupted --accept is finished, not done twice.
void write_mark(const std::filesystem::path& directory, Json mark);
Json read_mark(const std::filesystem::path& directory);  ///< an empty object when it does not read
/// The same mark with these members, whole or not at all.
void add_to_mark(const std::filesystem::path& directory, const Json& members);
void remove_mark(const std::filesystem::path& directory);

/// `checkpoint.SIZE`: a checkpoint over more than the store has.
std::filesystem::path kept_checkpoint(const std::filesystem::path& directory, std::uint64_t size);
bool is_kept_checkpoint(const std::string& file_name);

}  // namespace daicho
