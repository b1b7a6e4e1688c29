// ledger/audit_chain.hpp — the part of an audit that goes event by event: positions, times, links, tree, checkpoints.
// Internal to audit_log; one thread.
#pragma once

#include <unordered_map>

#include "ledger/audit_pipeline.hpp"
#include "ledger/key_history.hpp"
#include "ledger/tiles.hpp"

namespace daicho {

class AuditChain {
 public:
  /// `published` is compared at the size it covers.
  AuditChain(const LogSource& source, const KeyHistory& keys, std::optional<Checkpoint> published, bool has_tiles,
             AuditReport& report)
      : source_(source), keys_(keys), published_(std::move(published)), has_tiles_(has_tiles), report_(report) {}

  /// Checks the next event and counts it.
  std::optional<Finding> event(const AuditedEvent& audited);
  /// Checks a stored checkpoint; all events before its size must have been checked.
  std::optional<Finding> checkpoint(const AuditedCheckpoint& audited);

  /// Of an export, after the last event: the tiles that are not full, to their last byte.
  std::optional<Finding> partial_tiles() const;

  /// After the last event: a data key is in the store unless its account was closed, and only then not.
  std::optional<Finding> erased_keys() const;

  const Frontier& frontier() const { return frontier_; }
  std::uint64_t accounts() const { return accounts_.size(); }

 private:
  struct IdHash {  // the last bytes of a UUIDv7 are random
    std::size_t operator()(const Id& id) const { return read_big_endian(id.view().last(8)); }
  };

  struct Known {
    AccountHead head;
    std::uint64_t sealed = 0;          // events with a sealed part
    std::uint64_t unopened = 0;        // of those
    std::optional<Position> key_gone;  // the first whose key is not in the store; none once a closing erased it
  };
  struct Closing {
    Position position;  // of AccountClosed, then of ErasureCompleted
    Hash erased_key;
    std::uint64_t sealed;
    bool is_completed = false;
  };

  std::optional<Finding> bytes(const AuditedEvent& audited) const;
  std::optional<Finding> place(const Event& event) const;
  std::optional<Finding> history(const Event& event) const;
  std::optional<Finding> rotation(const Event& event) const;
  std::optional<Finding> tiles(const Hash& leaf);
  std::optional<Finding> tile(const TileId& id, const std::string& hashes, bool may_be_longer) const;
  std::optional<Finding> restore(const Event& event) const;
  void count_sealed(const AuditedEvent& audited);
  std::optional<Finding> erasure(const Event& event);
  bool is_erased_later(const Id& account) const;
  bool tree_covers(const AuditedEvent& audited, std::string& roots) const;

  const LogSource& source_;
  const KeyHistory& keys_;
  const std::optional<Checkpoint> published_;
  const bool has_tiles_;
  AuditReport& report_;
  Frontier frontier_;
  TileTree tiles_;
  std::uint64_t covered_ = 0;  // by the last good checkpoint
  std::unordered_map<Id, Known, IdHash> accounts_;
  std::unordered_map<Id, Closing, IdHash> closings_;
};

}  // namespace daicho
