#include "ledger/tiles.hpp"

#include <array>
#include <cassert>
#include <memory>

namespace daicho {
namespace {

constexpr std::uint64_t path_group = 1'000;  // three digits a group

/// tlog-tiles: groups of three digits, every one but the last with an `x` before it.
std::string index_path(std::uint64_t index) {
  const auto digits = [](std::uint64_t group) {
    const std::string text = std::to_string(group);
    return std::string(3 - text.size(), '0') + text;
  };
  std::string path = digits(index % path_group);
  while ((index /= path_group) > 0) path.insert(0, "x" + digits(index % path_group) + "/");
  return path;
}

std::string width_path(unsigned width) { return width == tile_hashes ? "" : ".p/" + std::to_string(width); }

Hash hash_at(std::string_view hashes, std::size_t i) {
  return *Hash::from(as_bytes(hashes.substr(i * Hash::size, Hash::size)));
}

/// The root over `count` hashes from number `first` on.
Hash root_of(std::string_view hashes, std::size_t first, std::size_t count) {
  Frontier frontier;
  for (std::size_t i = first; i < first + count; ++i) frontier.append(hash_at(hashes, i));
  return frontier.root();
}

}  // namespace

unsigned tile_width(const TileId& tile, std::uint64_t tree_size) {
  const std::uint64_t hashes = tree_size >> (tile_height * tile.level);
  const std::uint64_t before = tile.index * tile_hashes;
  return hashes <= before ? 0 : static_cast<unsigned>(std::min<std::uint64_t>(hashes - before, tile_hashes));
}

std::string tile_path(const TileId& tile, unsigned width) {
  return "tile/" + std::to_string(tile.level) + "/" + index_path(tile.index) + width_path(width);
}

std::string bundle_path(std::uint64_t index, unsigned width) {
  return "tile/entries/" + index_path(index) + width_path(width);
}

void append_entry(std::string& bundle, ByteView entry) {
  assert(entry.size() <= UINT16_MAX);
  bundle += static_cast<char>(entry.size() >> 8);
  bundle += static_cast<char>(entry.size() & 0xff);
  append(bundle, entry);
}

std::optional<std::vector<ByteView>> entries_of(ByteView bundle) {
  std::vector<ByteView> entries;
  while (!bundle.empty()) {
    if (bundle.size() < 2) return std::nullopt;
    const std::size_t size = std::size_t{bundle[0]} << 8 | bundle[1];
    if (bundle.size() < 2 + size) return std::nullopt;
    entries.push_back(bundle.subspan(2, size));
    bundle = bundle.subspan(2 + size);
  }
  return entries;
}

SubtreeReader subtrees_of(TileReader tiles) {
  struct Kept {
    TileId tile;
    std::string hashes;
  };
  return [tiles = std::move(tiles), kept = std::make_shared<Kept>()](unsigned level,
                                                                     std::uint64_t index) -> std::optional<Hash> {
    const unsigned inner = level % tile_height;
    const std::size_t count = std::size_t{1} << inner;
    const std::size_t first = (index % (tile_hashes >> inner)) << inner;
    const TileId tile{level / tile_height, index >> (tile_height - inner)};
    if (kept->tile != tile || kept->hashes.size() < (first + count) * Hash::size) {
      auto hashes = tiles(tile, static_cast<unsigned>(first + count));
      if (!hashes || hashes->size() < (first + count) * Hash::size) return std::nullopt;
      *kept = {tile, *std::move(hashes)};
    }
    return root_of(kept->hashes, first, count);
  };
}

std::optional<TileTree> TileTree::at(std::uint64_t size, const TileReader& tiles) {
  TileTree tree;
  tree.size_ = size;
  for (unsigned level = 0; level < tile_levels_max && size >> (tile_height * level) > 0; ++level) {
    const std::uint64_t hashes = size >> (tile_height * level);
    const auto width = static_cast<unsigned>(hashes % tile_hashes);
    auto edge = width > 0 ? tiles({level, hashes / tile_hashes}, width) : std::string();
    if (!edge || edge->size() < width * Hash::size) return std::nullopt;
    edge->resize(width * Hash::size);
    tree.edge_.resize(level + 1);
    tree.edge_[level] = *std::move(edge);
  }
  return tree;
}

std::vector<std::pair<TileId, std::string>> TileTree::partial() const {
  std::vector<std::pair<TileId, std::string>> tiles;
  for (unsigned level = 0; level < edge_.size(); ++level) {
    if (!edge_[level].empty()) tiles.push_back({{level, (size_ >> (tile_height * level)) / tile_hashes}, edge_[level]});
  }
  return tiles;
}

void TileTree::append(const Hash& leaf, const Changed& changed) {
  Hash hash = leaf;
  for (unsigned level = 0;; ++level) {
    if (level == edge_.size()) edge_.emplace_back();
    std::string& edge = edge_[level];
    daicho::append(edge, hash.view());
    const bool is_full = edge.size() == tile_hashes * Hash::size;
    const TileId tile{level, (size_ >> (tile_height * level)) / tile_hashes};
    if (!is_full) {
      if (level > 0) changed(tile, edge);
      break;
    }
    hash = root_of(edge, 0, tile_hashes);
    changed(tile, std::exchange(edge, {}));
  }
  ++size_;
}

}  // namespace daicho
