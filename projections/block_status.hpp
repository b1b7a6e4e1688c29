// projections/block_status.hpp — whether an account is blocked, since when, why, by whom, and what lifted it
// (R-BLK-1…3).
#pragma once

#include "ledger/event.hpp"

namespace daicho {

struct Block {
  Id id;
  std::string reason;
  std::string by;  ///< the service that asked
  Time since = 0;
  Position position = 0;
  bool operator==(const Block&) const = default;
};

struct LiftedBlock {
  Block block;
  fb::Lifted by = fb::Lifted::none;
  Time at = 0;
  Position position = 0;
  bool operator==(const LiftedBlock&) const = default;
};

struct BlockStatus {
  std::optional<Block> current;
  std::optional<LiftedBlock> last;
  bool operator==(const BlockStatus&) const = default;
};

void evolve(BlockStatus& status, const Event& event);

}  // namespace daicho
