// ledger/audit_pipeline.hpp — feeds an audit: one thread reads the log in order, several work on chunks of it, and one
// takes the chunks in order again. At most `chunks in flight` are held, so memory stays bounded. Internal to audits.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "ledger/audit.hpp"
#include "ledger/checkpoint.hpp"

namespace daicho {

enum class SealedPart { none, opened, without_key, broken };

enum class RequestPart { none, opened, unopened };
/// The signed request of a command, as far as keys are at hand to look at it.
struct AuditedRequest {
  RequestPart part = RequestPart::none;
  PublicKey key;                          ///< when it is opened
  std::optional<std::string> words;       ///< what is wrong with it
  std::vector<std::uint32_t> slots_gone;  ///< data keys it is under that are not stored
};

struct AuditedEvent {
  Position position;         ///< its key in the store
  std::size_t offset, size;  ///< of its envelope in the chunk's bytes
  Result<Event, EventFault> event = Unexpected{EventFault::malformed};
  bool is_signed = false;    ///< as far as the audit's depth goes
  bool is_verified = false;  ///< its signature was verified, not believed
  Hash leaf = {};
  SealedPart sealed = SealedPart::none;
  bool is_key_gone = false;  ///< the data key that it is under is not stored: of its sealed part, or of its tags alone
  AuditedRequest request = {};
};

struct AuditedCheckpoint {
  std::optional<std::uint64_t> size;  ///< its key in the store
  std::string note;
  Result<Checkpoint, NoteFault> opened = Unexpected{NoteFault::malformed};
};

/// A run of events as stored, and the checkpoints from its first event on up to its end.
struct AuditChunk {
  std::string bytes;
  std::vector<AuditedEvent> events;
  std::vector<AuditedCheckpoint> checkpoints;
  std::optional<Finding> failure;  ///< why reading ended after these events

  ByteView envelope(const AuditedEvent& event) const { return as_bytes(bytes).subspan(event.offset, event.size); }
};

class AuditPipeline {
 public:
  using Work = std::function<void(AuditChunk& chunk)>;  ///< on any of the threads

  /// Reads the events from `begin` to before `end`.
  AuditPipeline(const LogSource& source, Position begin, std::uint64_t end, unsigned threads, Work work);
  ~AuditPipeline();

  /// The next chunk, worked on; null after the last.
  std::unique_ptr<AuditChunk> next();

 private:
  struct Entry {
    std::unique_ptr<AuditChunk> chunk;
    bool is_taken = false, is_done = false;
  };

  void read(const LogSource& source, Position begin, std::uint64_t end);
  bool put(std::unique_ptr<AuditChunk> chunk);
  void work_through();

  const Work work_;
  const std::size_t in_flight_max_;

  std::mutex mutex_;  // guards the rest of this group
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Entry>> in_flight_;
  bool is_read_ = false, is_stopped_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace daicho
