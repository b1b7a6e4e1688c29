#include "ledger/audit_pipeline.hpp"

#include "ledger/log_rows.hpp"

namespace daicho {
namespace {

constexpr std::size_t chunk_events_max = 1024;
constexpr std::size_t chunk_bytes_max = 4 << 20;
constexpr std::size_t envelope_alignment_bytes = 8;

/// Cuts a log into chunks, each with its checkpoints. When a scan breaks off, it goes on event by event, so that the
/// first one that cannot be read is known.
class ChunkReader {
 public:
  using Put = std::function<bool(std::unique_ptr<AuditChunk>)>;

  ChunkReader(const LogSource& source, Position begin, std::uint64_t end, const Put& put)
      : source_(source), end_(end), put_(put), next_(begin) {
    if (begin > 0) checkpoints_from_ = as_text(big_endian(begin));
  }

  void run() {
    const std::string from = next_ > 0 ? std::string(as_text(big_endian(next_))) : std::string();
    const auto error =
        source_.scan(Family::events, as_bytes(from), [&](ByteView key, ByteView value) { return row(key, value); });
    if (is_over_) return;
    read_singly(end_);
    if (is_over_) return;
    if (error) return fail(unreadable(error->detail));
    finish();  // short of the end: nothing is stored there, and the log is truncated
  }

 private:
  bool row(ByteView key, ByteView value) {
    const auto position = number_of(key);
    if (!position) {
      fail({FindingKind::malformed, next_, {}, "a key of 8 bytes in the family of events", "key " + to_hex(key)});
      return false;
    }
    if (*position >= end_) return false;
    read_singly(*position);
    return !is_over_ && add(*position, value);
  }

  bool add(Position position, ByteView envelope) {
    const std::size_t offset = (chunk_->bytes.size() + envelope_alignment_bytes - 1) & ~(envelope_alignment_bytes - 1);
    chunk_->bytes.resize(offset);
    append(chunk_->bytes, envelope);
    chunk_->events.push_back({.position = position, .offset = offset, .size = envelope.size()});
    next_ = position + 1;
    const bool is_full = chunk_->events.size() == chunk_events_max || chunk_->bytes.size() >= chunk_bytes_max;
    return !is_full || finish();
  }

  /// Events that the scan did not give: it breaks off at, or passes over, a damaged block, and a point read says so.
  void read_singly(Position until) {
    while (!is_over_ && next_ < until) {
      const auto value = source_.get(Family::events, as_bytes(as_text(big_endian(next_))));
      if (!value) return fail(unreadable(value.error().detail));
      if (!*value && until == end_) return;
      if (!*value) return fail({FindingKind::missing, next_, {}, "event " + std::to_string(next_), "none"});
      add(next_, as_bytes(**value));
    }
  }

  Finding unreadable(const std::string& words) const {
    return {FindingKind::unreadable, next_, {}, "a readable store", words};
  }

  void fail(Finding finding) {
    chunk_->failure = std::move(finding);
    finish();
    is_over_ = true;
  }

  /// Hands on the chunk with the checkpoints up to its end; false when reading is over.
  bool finish() {
    const auto error =
        source_.scan(Family::checkpoints, as_bytes(checkpoints_from_), [&](ByteView key, ByteView value) {
          const auto size = number_of(key);
          if (size && *size > next_) return false;
          chunk_->checkpoints.push_back({.size = size, .note = std::string(as_text(value))});
          checkpoints_from_.assign(as_text(key));
          checkpoints_from_ += '\0';  // the least key after it
          return true;
        });
    if (error && !chunk_->failure) {
      chunk_->failure = unreadable(error->detail);
      is_over_ = true;
    }
    if (!put_(std::exchange(chunk_, new_chunk()))) is_over_ = true;
    return !is_over_;
  }

  static std::unique_ptr<AuditChunk> new_chunk() {
    auto chunk = std::make_unique<AuditChunk>();
    chunk->events.reserve(chunk_events_max);
    return chunk;
  }

  const LogSource& source_;
  const std::uint64_t end_;
  const Put& put_;
  std::unique_ptr<AuditChunk> chunk_ = new_chunk();
  Position next_;
  std::string checkpoints_from_;
  bool is_over_ = false;
};

}  // namespace

AuditPipeline::AuditPipeline(const LogSource& source, Position begin, std::uint64_t end, unsigned threads, Work work)
    : work_(std::move(work)), in_flight_max_(2 * std::size_t{threads}) {
  threads_.emplace_back([this, &source, begin, end] { read(source, begin, end); });
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work_through(); });
}

AuditPipeline::~AuditPipeline() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void AuditPipeline::read(const LogSource& source, Position begin, std::uint64_t end) {
  const ChunkReader::Put put_chunk = [this](std::unique_ptr<AuditChunk> chunk) { return put(std::move(chunk)); };
  ChunkReader(source, begin, end, put_chunk).run();
  {
    const std::lock_guard lock(mutex_);
    is_read_ = true;
  }
  changed_.notify_all();
}

bool AuditPipeline::put(std::unique_ptr<AuditChunk> chunk) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_stopped_ || in_flight_.size() < in_flight_max_; });
    if (is_stopped_) return false;
    in_flight_.push_back(std::make_shared<Entry>(Entry{std::move(chunk)}));
  }
  changed_.notify_all();
  return true;
}

void AuditPipeline::work_through() {
  const auto is_free = [](const auto& entry) { return !entry->is_taken; };
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_stopped_ || is_read_ || std::ranges::any_of(in_flight_, is_free); });
    const auto found = std::ranges::find_if(in_flight_, is_free);
    if (is_stopped_ || found == in_flight_.end()) return;
    const std::shared_ptr<Entry> entry = *found;
    entry->is_taken = true;
    lock.unlock();
    work_(*entry->chunk);
    lock.lock();
    entry->is_done = true;
    changed_.notify_all();
  }
}

std::unique_ptr<AuditChunk> AuditPipeline::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return in_flight_.empty() ? is_read_ : in_flight_.front()->is_done; });
  if (in_flight_.empty()) return nullptr;
  auto chunk = std::move(in_flight_.front()->chunk);
  in_flight_.pop_front();
  changed_.notify_all();
  return chunk;
}

}  // namespace daicho
