// tests/ledger/tiles_test.cpp — C2SP tlog-tiles: paths, widths, bundles, and a growing tree against its leaves.
#include "ledger/tiles.hpp"

#include <doctest/doctest.h>

#include <map>

#include "ledger/sha256.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Hash leaf(std::uint64_t number) { return leaf_hash(big_endian(number)); }

/// A tree grown leaf by leaf, with what its writer would store; partial tiles of level 0 by their leaves.
struct Grown {
  TileTree tree;
  Frontier frontier;
  std::map<TileId, std::string> stored;

  void grow_to(std::uint64_t size) {
    while (tree.size() < size) {
      frontier.append(leaf(tree.size()));
      tree.append(leaf(tree.size()), [&](const TileId& tile, std::string hashes) { stored[tile] = std::move(hashes); });
    }
  }
  TileReader reader() const {
    return [this](const TileId& tile, unsigned width) -> std::optional<std::string> {
      const auto found = stored.find(tile);
      if (found != stored.end()) return found->second;
      if (tile.level > 0) return std::nullopt;
      std::string hashes;
      for (std::uint64_t i = 0; i < width; ++i) append(hashes, leaf(tile.index * tile_hashes + i).view());
      return hashes;
    };
  }
};

constexpr std::uint64_t two_levels = std::uint64_t{tile_hashes} * tile_hashes;
const std::vector<std::uint64_t> sizes = {1,     2, 3, 255, 256, 257, 511, 512, 513, 65'535, two_levels, two_levels + 1,
                                          70'000};

}  // namespace

TEST_CASE("tiles: the paths of the specification") {
  CHECK(tile_path({0, 0}, 256) == "tile/0/000");
  CHECK(tile_path({0, 999}, 256) == "tile/0/999");
  CHECK(tile_path({1, 1'000}, 256) == "tile/1/x001/000");
  CHECK(tile_path({7, 1'234'067}, 256) == "tile/7/x001/x234/067");
  CHECK(tile_path({2, 0}, 1) == "tile/2/000.p/1");
  CHECK(bundle_path(1'234'067, 255) == "tile/entries/x001/x234/067.p/255");
}

TEST_CASE("tiles: the widths of the specification's example, 70,000 entries") {
  CHECK(tile_width({0, 272}, 70'000) == 256);
  CHECK(tile_width({0, 273}, 70'000) == 112);
  CHECK(tile_width({0, 274}, 70'000) == 0);
  CHECK(tile_width({1, 0}, 70'000) == 256);
  CHECK(tile_width({1, 1}, 70'000) == 17);
  CHECK(tile_width({2, 0}, 70'000) == 1);
  CHECK(tile_width({3, 0}, 70'000) == 0);
  CHECK(tile_width({0, 0}, 256) == 256);
  CHECK(tile_width({1, 0}, 256) == 1);
  CHECK(tile_width({1, 0}, 255) == 0);
}

TEST_CASE("tiles: the golden bundle and its tile") {
  const std::vector<std::string> hex = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  std::string bundle, tile;
  for (const std::string& text : hex) {
    const std::string entry = *from_hex(text);
    append_entry(bundle, as_bytes(entry));
    append(tile, leaf_hash(as_bytes(entry)).view());
  }
  CHECK(to_hex(as_bytes(bundle)) ==
        "00000001000001100002202100023031000440414243000850515253545556570010606162636465666768696a6b6c6d6e6f");
  CHECK(to_hex(sha256(as_bytes(tile)).view()) == "aea2f1bbb5140fd5f8eacb503fdf54c00c3d860c72588e40233addd416bc8f10");
  const auto entries = entries_of(as_bytes(bundle));
  REQUIRE(entries);
  REQUIRE(entries->size() == hex.size());
  for (std::size_t i = 0; i < hex.size(); ++i) CHECK(to_hex((*entries)[i]) == hex[i]);
}

TEST_CASE("tiles: a bundle that is cut or has loose bytes is none") {
  std::string bundle;
  append_entry(bundle, as_bytes("first"));
  const std::size_t whole = bundle.size();
  append_entry(bundle, as_bytes("second"));
  for (std::size_t size = 0; size < bundle.size(); ++size) {
    CAPTURE(size);
    CHECK(entries_of(as_bytes(bundle.substr(0, size))).has_value() == (size == 0 || size == whole));
  }
  std::string largest;
  append_entry(largest, as_bytes(std::string(envelope_bytes_max, 'x')));
  CHECK(entries_of(as_bytes(largest))->front().size() == envelope_bytes_max);
}

TEST_CASE("tiles: a growing tree's tiles give its roots and proofs") {
  Grown grown;
  for (const std::uint64_t size : sizes) {
    CAPTURE(size);
    grown.grow_to(size);
    const Hash root = grown.frontier.root();
    const SubtreeReader subtree = subtrees_of(grown.reader());
    CHECK(tree_root(size, subtree) == root);
    for (const std::uint64_t index : {std::uint64_t{0}, size / 2, size - 1}) {
      const auto path = inclusion_proof(index, size, subtree);
      REQUIRE(path);
      CHECK(verify_inclusion(leaf(index), index, size, *path, root));
    }
    for (const auto& [tile, hashes] : grown.stored) CHECK(hashes.size() == tile_width(tile, size) * Hash::size);
  }
}

TEST_CASE("tiles: a tree read back from its tiles grows like the one that never stopped") {
  Grown grown;
  for (const std::uint64_t size : sizes) {
    CAPTURE(size);
    grown.grow_to(size);
    auto again = TileTree::at(size, grown.reader());
    REQUIRE(again);
    Grown copy{*std::move(again), grown.frontier, grown.stored};
    Grown on = grown;
    copy.grow_to(size + 300);
    on.grow_to(size + 300);
    CHECK(copy.stored == on.stored);
  }
}

TEST_CASE("tiles: a tile that is missing or too short reads as none") {
  Grown grown;
  grown.grow_to(600);
  auto shorter = grown.stored;
  shorter[{1, 0}].resize(Hash::size);
  const auto read = [&](const std::map<TileId, std::string>& stored) {
    Grown other{grown.tree, grown.frontier, stored};
    return tree_root(600, subtrees_of(other.reader()));
  };
  CHECK(read(grown.stored) == grown.frontier.root());
  CHECK_FALSE(read(shorter));
  shorter.erase({1, 0});
  CHECK_FALSE(read(shorter));
  CHECK_FALSE(TileTree::at(600, Grown{grown.tree, grown.frontier, shorter}.reader()));
}
