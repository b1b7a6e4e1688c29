// docs/ledger-format.md, section "Tree and checkpoints".
#include "ledger/stored_tree.hpp"

#include "ledger/log_rows.hpp"

namespace daicho {
namespace {

constexpr std::size_t rebuild_batch_rows = 256;

struct EventRun {
  std::uint64_t taken = 0;
  std::optional<StoreError> error;
};

/// Calls `take` with events from `first` on, at most `count_max`, none left out, until it returns false.
EventRun read_events(const LogSource& source, Position first, unsigned count_max,
                     const std::function<bool(ByteView envelope)>& take) {
  EventRun run;
  run.error = source.scan(Family::events, ByteView(big_endian(first)), [&](ByteView key, ByteView envelope) {
    const bool is_next = run.taken < count_max && key.size() == 8 && read_big_endian(key) == first + run.taken;
    if (!is_next || !take(envelope)) return false;
    ++run.taken;
    return true;
  });
  return run;
}

/// Of the tile's events, all that there are: whoever asks for some asks for more soon, on the way to a root.
std::optional<std::string> leaf_hashes(const LogSource& source, Position first, unsigned count_min) {
  std::string hashes;
  const EventRun run = read_events(source, first, tile_hashes, [&](ByteView envelope) {
    append(hashes, leaf_hash(envelope).view());
    return true;
  });
  const bool is_enough = run.taken >= count_min;  // a failure beyond what is wanted is not this reader's
  return is_enough ? std::optional(std::move(hashes)) : std::nullopt;
}

}  // namespace

Result<std::string, StoreError> stored_bundle(const LogSource& source, std::uint64_t index, unsigned width) {
  std::string bundle;
  const Position first = index * tile_hashes;
  EventRun run = read_events(source, first, width, [&](ByteView envelope) {
    if (envelope.size() > envelope_bytes_max) return false;
    append_entry(bundle, envelope);
    return true;
  });
  if (run.taken == width) return bundle;
  if (run.error) return Unexpected{*std::move(run.error)};
  return Unexpected{StoreError{StoreFault::corrupt, "event " + std::to_string(first + run.taken) + " cannot be read"}};
}

TileReader stored_tiles(const LogSource& source) {
  return [&source](const TileId& tile, unsigned width) -> std::optional<std::string> {
    auto row = source.get(Family::tiles, as_bytes(tile_key(tile)));
    if (!row) return std::nullopt;
    if (*row && (*row)->size() >= width * Hash::size) return *std::move(*row);
    return tile.level == 0 ? leaf_hashes(source, tile.index * tile_hashes, width) : std::nullopt;
  };
}

std::optional<TileTree> read_tile_tree(const LogSource& source, std::uint64_t size, const Hash& root) {
  if (tree_root(size, stored_subtrees(source)) != root) return std::nullopt;
  return TileTree::at(size, stored_tiles(source));
}

Result<TileTree, StoreError> rebuild_tiles(Store& store, std::uint64_t size, const Hash& root) {
  Rows rows;
  for (unsigned level = 0; level < tile_levels_max; ++level) {
    rows.push_back({Family::tiles, std::string(1, static_cast<char>(level)), std::nullopt, true});
  }
  TileTree tree;
  Frontier frontier;
  const auto add = [&](const TileId& tile, std::string hashes) { rows.push_back(tile_row(tile, std::move(hashes))); };
  std::optional<StoreError> error;
  while (!error && tree.size() < size) {
    const auto envelope = store.get(Family::events, ByteView(big_endian(tree.size())));
    if (!envelope) return Unexpected{envelope.error()};
    if (!*envelope) return Unexpected{StoreError{StoreFault::corrupt, "no event " + std::to_string(tree.size())}};
    const Hash leaf = leaf_hash(as_bytes(**envelope));
    frontier.append(leaf);
    tree.append(leaf, add);
    if (rows.size() >= rebuild_batch_rows) error = store.write(std::exchange(rows, {}), false);
  }
  if (!error && frontier.root() != root) {
    return Unexpected{StoreError{StoreFault::corrupt, "the events do not give the root of the last checkpoint"}};
  }
  if (!error) error = store.write(rows, true);
  if (error) return Unexpected{*std::move(error)};
  return tree;
}

}  // namespace daicho
