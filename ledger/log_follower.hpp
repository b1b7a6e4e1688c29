// ledger/log_follower.hpp — verifies a log on from where it was verified before: a batch costs its own events only.
// Every event passes what an audit asks of one (ledger/audit_chain.hpp), and the batch ends with a signed checkpoint
// whose root is that of all events so far. One thread; verifies on all cores.
//
// Less is known than in an audit that starts at event 0: with a cursor from an earlier run, the head of an account is
// known from its first event after that on, and time is compared from the second event on.
#pragma once

#include "ledger/audit_chain.hpp"

namespace daicho {

/// Where to go on. What was tampered with does not fit: the frontier hashes to the root of the note, which is signed.
struct LogCursor {
  std::string note;   ///< the last checkpoint; empty: before the first event
  Frontier frontier;  ///< of its size
};

inline constexpr std::uint64_t batch_events_default = 1'000, batch_events_max = 10'000;
/// Without a checkpoint after so many events they are no commit: commit_group_bytes_max holds fewer.
inline constexpr std::uint64_t commit_events_max = 65'536;

struct FollowLimits {
  std::uint64_t batch_events = batch_events_default;  ///< of whole commits together; the first may have more alone
  std::uint64_t commit_events = commit_events_max;
};

struct FollowFinding {
  Finding finding;
  std::vector<std::string> evidence;  ///< two signed checkpoints that do not show to be of one history
};

class LogFollower {
 public:
  /// `first` is the log's first verifier.
  explicit LogFollower(Verifier first, LogCursor from = {});

  /// Verifies the next batch of `source`, which may be another view of the log each time. False: nothing more is known
  /// to be synced. `on_event` is called for each event in order while the batch is still being verified: what it
  /// collects is good when true is returned, and of no worth otherwise. A finding is the end: do not call it again.
  using OnEvent = std::function<void(const Event& event)>;
  Result<bool, FollowFinding> next(const LogSource& source, const FollowLimits& limits, const OnEvent& on_event);

  LogCursor cursor() const { return {note_, checked_.frontier}; }
  std::uint64_t size() const { return checked_.frontier.size(); }  ///< events verified

 private:
  struct StoredCheckpoint {
    Checkpoint checkpoint;
    std::string note;
  };

  Result<std::optional<StoredCheckpoint>, FollowFinding> newest(const LogSource& source, const KeyHistory& keys) const;
  std::optional<FollowFinding> refute_cursor(const LogSource& source, const KeyHistory& keys,
                                             const StoredCheckpoint& newest) const;
  Result<std::optional<StoredCheckpoint>, FollowFinding> batch_end(const LogSource& source, const KeyHistory& keys,
                                                                   std::uint64_t synced,
                                                                   const FollowLimits& limits) const;
  std::optional<Finding> verify(const LogSource& source, const KeyHistory& keys, const Checkpoint& end,
                                const OnEvent& on_event);
  FollowFinding explained(const LogSource& source, Finding finding, const Checkpoint& before,
                          const StoredCheckpoint& end) const;

  const Verifier first_;
  std::string note_;
  CheckedEvents checked_;
};

}  // namespace daicho
