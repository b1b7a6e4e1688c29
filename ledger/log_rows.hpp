// ledger/log_rows.hpp — the rows that the log itself writes and reads: events, checkpoints, frontier, founding rows.
// Keys and values: docs/ledger-format.md, section "Store". Used by log.cpp and audit*.cpp.
#pragma once

#include "ledger/checkpoint.hpp"
#include "ledger/event.hpp"
#include "ledger/key_history.hpp"
#include "ledger/merkle.hpp"
#include "ledger/store.hpp"
#include "ledger/tiles.hpp"

namespace daicho {

// Keys in the family `meta`. On disk: do not change them.
inline constexpr std::string_view format_key = "format";
inline constexpr std::string_view verifier_key = "verifier";
inline constexpr std::string_view frontier_key = "frontier";
inline constexpr std::string_view rotations_key = "rotations";

RowChange event_row(Position position, std::string envelope);
RowChange checkpoint_row(std::uint64_t size, std::string note);
RowChange frontier_row(const Frontier& frontier);
std::string tile_key(const TileId& tile);
RowChange tile_row(const TileId& tile, std::string hashes);
Rows founding_rows(const Verifier& verifier);  ///< what the first commit writes about the ledger as a whole

/// nullopt: not 8 bytes.
std::optional<std::uint64_t> number_of(ByteView key);

/// What the published checkpoint says against `last`, the newest one stored. The copy is not synced: one that does not
/// open is what a power loss leaves, and says nothing.
std::optional<std::string> published_disagrees(const LogSource& log, const KeyHistory& keys, const Checkpoint& last);

/// Where a log ends, as its store says.
struct LogEnd {
  Frontier frontier;
  std::string note;  ///< the last checkpoint
  Time last_time = 0;
};
/// Reads the key history on from its first verifier. `corrupt` unless every listed rotation is signed, the last
/// checkpoint is signed by the key in force, the frontier has its size and root, the last event is the one before its
/// size and is signed, and a published checkpoint that reads well is not ahead or another one.
Result<LogEnd, StoreError> read_log_end(const Store& store, KeyHistory& keys);

}  // namespace daicho
