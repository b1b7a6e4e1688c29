// ledger/tiles.hpp — C2SP tlog-tiles v0.1.0: the tree's hashes in tiles of 256, the entries in bundles of 256, where
// each stands, and the tiles of a growing tree. Pure; a TileTree belongs to one thread at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledger/merkle.hpp"

namespace daicho {

inline constexpr unsigned tile_height = 8;
inline constexpr unsigned tile_hashes = 1U << tile_height;
inline constexpr unsigned tile_levels_max = 8;  ///< 8 levels of 8 cover 2^64 leaves

/// Hash i of tile n on level l is the root of the full subtree over the 256^l leaves from number (n * 256 + i) * 256^l.
struct TileId {
  unsigned level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const TileId&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// How many hashes the tile has in a tree of this size, 0 to 256.
unsigned tile_width(const TileId& tile, std::uint64_t tree_size);
/// `tile/0/x001/x234/067`, with `.p/<width>` below 256.
std::string tile_path(const TileId& tile, unsigned width);
/// `tile/entries/...`; bundle n holds the entries of tile n on level 0.
std::string bundle_path(std::uint64_t index, unsigned width);

/// An entry of a bundle: u16 big-endian length, then the bytes. At most 65,535 bytes.
void append_entry(std::string& bundle, ByteView entry);
/// The entries, as views into the bundle; nullopt unless they fill it to its last byte.
std::optional<std::vector<ByteView>> entries_of(ByteView bundle);

/// Reads a tile's hashes, 32 bytes each: at least `width` of them, else nullopt.
using TileReader = std::function<std::optional<std::string>(const TileId& tile, unsigned width)>;
/// Subtrees by their tiles; the last tile read is kept. One thread at a time.
SubtreeReader subtrees_of(TileReader tiles);

/// The tiles at the right edge of a tree that grows: what its writer stores, and an audit compares.
class TileTree {
 public:
  TileTree() = default;
  /// Of a tree that has grown to `size` elsewhere; nullopt when a tile cannot be read.
  static std::optional<TileTree> at(std::uint64_t size, const TileReader& tiles);

  /// Calls `changed` for a tile on level 0 when it is full, and for one on a higher level whenever it has grown: a
  /// store that keeps these has all hashes but the last ones of level 0, which the entries give.
  using Changed = std::function<void(const TileId& tile, std::string hashes)>;
  void append(const Hash& leaf, const Changed& changed);
  std::uint64_t size() const { return size_; }
  /// The tiles that are not full, from level 0 up.
  std::vector<std::pair<TileId, std::string>> partial() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<std::string> edge_ = {""};  // by level: the hashes of its last tile, if that is not full
};

}  // namespace daicho
