// ledger/stored_tree.hpp — the tree of a stored log by its tiles: roots and proofs in O(log n) reads, without the
// events.
#pragma once

#include "ledger/store.hpp"
#include "ledger/tiles.hpp"

namespace daicho {

/// The stored tiles; the last ones of level 0, which are not stored until they are full, by the events.
TileReader stored_tiles(const LogSource& source);
inline SubtreeReader stored_subtrees(const LogSource& source) { return subtrees_of(stored_tiles(source)); }

/// An entry bundle: `width` events from 256 * `index` on; an error when one is missing.
Result<std::string, StoreError> stored_bundle(const LogSource& source, std::uint64_t index, unsigned width);

/// The tiles that the next commit adds to; nullopt when the stored ones do not give `root`.
std::optional<TileTree> read_tile_tree(const LogSource& source, std::uint64_t size, const Hash& root);
/// Computes them anew from the events: a store older than tiles has none. O(n).
Result<TileTree, StoreError> rebuild_tiles(Store& store, std::uint64_t size, const Hash& root);

}  // namespace daicho
