// ledger/audit_chain.hpp — the part of an audit that goes event by event: positions, times, links, tree, checkpoints.
// Internal to audits; one thread.
#pragma once

#include <unordered_map>

#include "ledger/audit_pipeline.hpp"
#include "ledger/audit_services.hpp"
#include "ledger/key_history.hpp"
#include "ledger/tiles.hpp"

namespace daicho {

/// A root that the tree must have.
struct KnownRoot {
  std::string from;  ///< in words
  Checkpoint checkpoint;
};

struct IdHash {  // the last bytes of a UUIDv7 are random
  std::size_t operator()(const Id& id) const { return read_big_endian(id.view().last(8)); }
};

/// A data key as the events told so far use it.
struct KnownKey {
  std::uint32_t slot = 0;
  std::uint64_t sealed = 0;          ///< events with a sealed part under it
  std::uint64_t unopened = 0;        ///< of those
  std::optional<Position> key_gone;  ///< the first whose key is not in the store; none once an event erased it
};
struct KnownAccount {
  AccountHead head;
  std::vector<KnownKey> keys;  ///< in the order they were met

  KnownKey& key(std::uint32_t slot);
};
/// What an event erased: one data key, or with slot 0 all of its account's.
struct ErasedKeys {
  Id account;
  std::uint32_t slot = 0;
  bool operator==(const ErasedKeys&) const = default;
};
struct ErasedKeysHash {
  std::size_t operator()(const ErasedKeys& keys) const { return IdHash{}(keys.account) ^ keys.slot; }
};
struct ErasingEvent {
  Position position;  ///< of AccountClosed or DataKeyErased, then of ErasureCompleted
  Hash fingerprint;
  std::uint64_t sealed;
  bool is_completed = false;
};

/// What is known of the events before the next one: all that it is checked against.
struct CheckedEvents {
  Frontier frontier;
  Position heads_from = 0;  ///< what came before is not among the accounts and the erasures
  std::unordered_map<Id, KnownAccount, IdHash> accounts;
  std::unordered_map<ErasedKeys, ErasingEvent, ErasedKeysHash> erasures;
  SigningServices services = {};
  Time last_time = 0;
};

class AuditChain {
 public:
  /// `known`, by size: each is compared when its size is reached. Without `has_tiles` none are compared.
  AuditChain(const LogSource& source, const KeyHistory& keys, std::vector<KnownRoot> known, bool has_tiles,
             AuditReport& report, CheckedEvents before = {})
      : source_(source),
        keys_(keys),
        known_(std::move(known)),
        has_tiles_(has_tiles),
        report_(report),
        frontier_(std::move(before.frontier)),
        covered_(frontier_.size()),
        heads_from_(before.heads_from),
        accounts_(std::move(before.accounts)),
        erasures_(std::move(before.erasures)),
        services_(std::move(before.services)) {
    report_.last_time = before.last_time;
  }

  /// Checks the next event and counts it.
  std::optional<Finding> event(const AuditedEvent& audited);
  /// Checks a stored checkpoint; all events before its size must have been checked.
  std::optional<Finding> checkpoint(const AuditedCheckpoint& audited);

  /// Of an export, after the last event: the tiles that are not full, to their last byte.
  std::optional<Finding> partial_tiles() const;

  /// After the last event: a data key is in the store unless an event erased it, and only then not.
  std::optional<Finding> erased_keys();

  const Frontier& frontier() const { return frontier_; }
  /// The one that covers most of those whose size was not reached; null: all were.
  const KnownRoot* ahead() const { return next_known_ < known_.size() ? &known_.back() : nullptr; }
  std::uint64_t accounts() const { return accounts_.size(); }
  /// For the chain that goes on from here; this one is done.
  CheckedEvents take() && {
    return {std::move(frontier_), heads_from_,          std::move(accounts_),
            std::move(erasures_), std::move(services_), report_.last_time};
  }

 private:
  std::optional<Finding> bytes(const AuditedEvent& audited) const;
  std::optional<Finding> place(const Event& event) const;
  std::optional<Finding> history(const Event& event) const;
  std::optional<Finding> rotation(const Event& event) const;
  std::optional<Finding> tiles(const Hash& leaf);
  std::optional<Finding> tile(const TileId& id, const std::string& hashes, bool may_be_longer) const;
  std::optional<Finding> restore(const Event& event) const;
  std::optional<Finding> known_roots();
  void count_sealed(const AuditedEvent& audited);
  std::optional<Finding> request(const AuditedEvent& audited);
  void erase(const ErasedKeys& erased, const Hash& fingerprint, Position position);
  std::optional<Finding> erasure(const Event& event);
  using KeyFound =
      std::function<void(Position position, const Id& account, const std::string& expected, const char* what)>;
  std::optional<StoreError> count_pending(const KeyFound& found);
  std::optional<StoreError> find_key(const ErasedKeys& erased, Position position, const KeyFound& found) const;
  bool is_erased_later(const Id& account, std::uint32_t slot) const;
  void find_lost_keys(const KeyFound& found) const;
  bool tree_covers(const AuditedEvent& audited, std::string& roots) const;

  const LogSource& source_;
  const KeyHistory& keys_;
  const std::vector<KnownRoot> known_;
  std::size_t next_known_ = 0;
  const bool has_tiles_;
  AuditReport& report_;
  Frontier frontier_;
  TileTree tiles_;
  std::uint64_t covered_;  // by the last good checkpoint
  const Position heads_from_;
  std::unordered_map<Id, KnownAccount, IdHash> accounts_;
  std::unordered_map<ErasedKeys, ErasingEvent, ErasedKeysHash> erasures_;
  SigningServices services_;
};

/// The events from the chain's on to before `end`, and the stored checkpoints of their sizes. Works on all threads of
/// `options`, calls back on this one. Nullopt too when the log ends before `end`.
std::optional<Finding> check_events(const LogSource& source, std::uint64_t end, const KeyHistory& history,
                                    const AuditOptions& options, AuditChain& chain);

}  // namespace daicho
