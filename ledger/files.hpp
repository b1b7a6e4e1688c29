// ledger/files.hpp — whole files, replaced so that a reader, or a crash, meets the old content or the new, never a
// part.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/log_source.hpp"

namespace daicho {

/// All of it, however it is interrupted. False: errno says why.
[[nodiscard]] bool write_all(int file, std::string_view content);

/// Writes a file beside it (`.tmp`; one that a crash left is written over), syncs that, and renames it over. The
/// directory is made when it is missing; its entry is durable after `sync_directory`.
std::optional<StoreError> replace_file(const std::filesystem::path& path, std::string_view content,
                                       unsigned mode = 0644);
std::optional<StoreError> sync_directory(const std::filesystem::path& directory);
/// Both.
std::optional<StoreError> replace_file_durably(const std::filesystem::path& path, std::string_view content,
                                               unsigned mode = 0644);

/// nullopt: there is none. `corrupt` when it has more than `bytes_max`, or is no regular file: a pipe or a device is
/// not waited for.
Result<std::optional<std::string>, StoreError> read_whole_file(const std::filesystem::path& path,
                                                               std::size_t bytes_max);

}  // namespace daicho
