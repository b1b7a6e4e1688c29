// ledger/audit_chain.hpp — the part of an audit that goes event by event: positions, times, links, tree, checkpoints.
// Internal to audit_log; one thread.
#pragma once

#include <unordered_map>

#include "ledger/audit_pipeline.hpp"
#include "ledger/key_history.hpp"
#include "ledger/tiles.hpp"

namespace daicho {

/// A root that the tree must have.
struct KnownRoot {
  std::string from;  ///< in words
  Checkpoint checkpoint;
};

class AuditChain {
 public:
  /// `known`, by size: each is compared when its size is reached.
  AuditChain(const LogSource& source, const KeyHistory& keys, std::vector<KnownRoot> known, bool has_tiles,
             AuditReport& report)
      : source_(source), keys_(keys), known_(std::move(known)), has_tiles_(has_tiles), report_(report) {}

  /// Checks the next event and counts it.
  std::optional<Finding> event(const AuditedEvent& audited);
  /// Checks a stored checkpoint; all events before its size must have been checked.
  std::optional<Finding> checkpoint(const AuditedCheckpoint& audited);

  /// Of an export, after the last event: the tiles that are not full, to their last byte.
  std::optional<Finding> partial_tiles() const;

  const Frontier& frontier() const { return frontier_; }
  /// The one that covers most of those whose size was not reached; null: all were.
  const KnownRoot* ahead() const { return next_known_ < known_.size() ? &known_.back() : nullptr; }
  std::uint64_t accounts() const { return heads_.size(); }

 private:
  struct IdHash {  // the last bytes of a UUIDv7 are random
    std::size_t operator()(const Id& id) const { return read_big_endian(id.view().last(8)); }
  };

  std::optional<Finding> bytes(const AuditedEvent& audited) const;
  std::optional<Finding> place(const Event& event) const;
  std::optional<Finding> history(const Event& event) const;
  std::optional<Finding> rotation(const Event& event) const;
  std::optional<Finding> tiles(const Hash& leaf);
  std::optional<Finding> tile(const TileId& id, const std::string& hashes, bool may_be_longer) const;
  std::optional<Finding> restore(const Event& event) const;
  std::optional<Finding> known_roots();
  bool tree_covers(const AuditedEvent& audited, std::string& roots) const;

  const LogSource& source_;
  const KeyHistory& keys_;
  const std::vector<KnownRoot> known_;
  std::size_t next_known_ = 0;
  const bool has_tiles_;
  AuditReport& report_;
  Frontier frontier_;
  TileTree tiles_;
  std::uint64_t covered_ = 0;  // by the last good checkpoint
  std::unordered_map<Id, AccountHead, IdHash> heads_;
};

}  // namespace daicho
