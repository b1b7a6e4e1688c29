// ledger/log.hpp — the write path: claim a place, encode and sign beside others, commit in groups with one sync.
//
// One writer a log. `append` may be called from many threads:
//   1. under one short lock the decision runs at the log's time and claims the next positions, if it drafts anything;
//   2. outside it the caller encodes, seals and signs its events and folds them into rows;
//   3. the caller whose events come next in order commits every filled claim behind it in one synced WriteBatch with
//      a signed checkpoint, and wakes the others. A lone caller commits at once; nobody waits on a timer.
// An append that rotates the signing key goes alone: every other one is told `busy` meanwhile.
// A failed write, or a signer elsewhere that fails, stops the log: every append after it fails until the ledger is
// opened anew.
#pragma once

#include <chrono>

#include "ledger/checkpoint.hpp"
#include "ledger/event.hpp"
#include "ledger/key_history.hpp"
#include "ledger/key_ring.hpp"
#include "ledger/merkle.hpp"
#include "ledger/store.hpp"

namespace daicho {

inline constexpr std::size_t commit_group_bytes_max = 8 << 20;  ///< of envelopes in one WriteBatch
inline constexpr std::size_t claims_waiting_max = 8192;         ///< beyond: `busy`, try later

enum class LogFault {
  busy,       ///< the queue is full; nothing was done
  too_large,  ///< an event would exceed envelope_bytes_max; nothing was done
  stopped,    ///< a write failed, now or earlier: whether this append is stored shows when the ledger is opened anew
};

struct LogError {
  LogFault fault;
  std::string detail;
};

/// The account and policy version that the next events are chained to, and what they are.
struct Decided {
  std::vector<Draft> drafts;  ///< empty: nothing to append
  std::uint32_t policy_version = 0;
};

/// The data keys of an account by slot: every one that a draft of the append names.
using KeyOfSlot = std::function<const SecretKey&(std::uint32_t slot)>;
/// Of an account that has but its own; `key` must outlive it.
KeyOfSlot only_data_key(const SecretKey& key);

/// Told how long commits take. Both are called outside the log's locks, from many threads at once, and may not throw.
/// The log reads no clock of its own: `now` is a monotonic one, of its owner's.
struct LogObserver {
  using Span = std::chrono::nanoseconds;
  struct Group {
    std::size_t appends = 0, events = 0;
    Span write{};  ///< the one synced write alone
  };
  std::function<Span()> now;
  std::function<void(const Group& group)> committed;      ///< by who led it, once it is durable
  std::function<void(Span claimed_to_durable)> appended;  ///< by each whose append is
};

struct LogLimits {
  std::size_t group_bytes = commit_group_bytes_max;
  std::size_t claims_waiting = claims_waiting_max;
};

class Log {
 public:
  /// A new ledger's log has no event yet: the first append writes LedgerCreated.
  static std::unique_ptr<Log> create(Store& store, Signer signer, Clock clock, const LogLimits& limits = {});
  /// Reads the last checkpoint, checks its signature, that tree and events end where it says, and that the published
  /// one agrees. `store` must outlive the log.
  static Result<std::unique_ptr<Log>, StoreError> open(Store& store, Signer signer, Clock clock,
                                                       const LogLimits& limits = {});
  /// The same for a log whose key may have been rotated: `first` is the verifier it began with, `signer` must be the
  /// key in force now.
  static Result<std::unique_ptr<Log>, StoreError> open(Store& store, const Verifier& first, Signer signer, Clock clock,
                                                       const LogLimits& limits = {});
  ~Log();

  /// Steps 1 to 3. `decide` runs under the claim lock: it must be pure and short. `fold` gets the encoded events in
  /// order and answers with the rows to write beside them; it may not throw, for the claimed positions must be filled.
  /// Returns the events' places (empty: nothing drafted) once durable. Appends to one account come one after another.
  using Decide = std::function<Decided(Time now)>;
  using Fold = std::function<Rows(const std::vector<Event>& events, const std::vector<Hash>& leaves)>;
  struct Append {
    Id account;
    AccountHead head;  ///< of the account, as of its last append
    const Issuer& issuer;
    const KeyOfSlot& data_keys;
    const Decide& decide;
    const Fold& fold;
    /// With a SigningKeyRotated as the one draft, on the ledger's own account: the key it names. It signs the
    /// checkpoint of this commit beside the old key, and everything after it alone. `busy` for a key that was in force
    /// before.
    std::shared_ptr<const Signer> successor = nullptr;
  };
  Result<std::vector<Place>, LogError> append(const Append& append);

  /// Before the first append. Cost: its clock is read twice an append, and twice a commit.
  void observe(LogObserver observer);

  std::uint64_t size() const;      ///< events committed
  std::size_t waiting() const;     ///< appends that are claimed and not yet durable
  std::string checkpoint() const;  ///< the newest signed one; empty before the first event
  Time time() const;               ///< the clock's, but never less than any event's or decision's
  Verifier verifier() const;       ///< of the key in force
  /// The key in force, to sign what is no event, checkpoint or cosignature, and begins as none of them does.
  std::shared_ptr<const Signer> signer() const;

 private:
  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
