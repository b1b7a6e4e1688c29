// ledger/store_image.hpp — an image of a store's files as they were at one instant, taken beside its writer.
// Needs nothing of the writer: no lock, no handle, no message. docs/decisions/0018-backup-and-restore.md says why this
// is consistent.
#pragma once

#include <filesystem>

#include "ledger/store.hpp"

namespace daicho {

/// Fills `image`, a new folder on the file system of `store`: table files by hard link, the rest copied. A store that
/// is opened from it holds what `store` held at one instant of the call, every write synced before the call included.
/// `io` when the writer changed the set of its files in every try: the same call may succeed later.
std::optional<StoreError> take_store_image(const std::filesystem::path& store, const std::filesystem::path& image);

}  // namespace daicho
