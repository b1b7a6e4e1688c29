// docs/ledger-format.md, sections "Tree and checkpoints" and "Store".
#include "ledger/log.hpp"

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "ledger/log_rows.hpp"
#include "ledger/stored_tree.hpp"

namespace daicho {
namespace {

/// One append's claim. Its places are fixed under the lock; the rest belongs to its caller until it is filled, then to
/// the one who commits it.
struct Claim {
  enum class State : std::uint32_t { waiting, leading, committed, failed };

  std::shared_ptr<const Signer> signer;
  std::shared_ptr<const Signer> successor;  // of a rotation
  std::vector<Place> places;
  std::vector<std::string> envelopes;
  std::vector<Hash> leaves;
  Rows rows;
  std::size_t bytes = 0;
  bool filled = false;  // under the lock
  std::mutex mutex;     // guards `state`
  State state = State::waiting;
  std::condition_variable told;

  void tell(State news) {
    {
      const std::lock_guard lock(mutex);
      state = news;
    }
    told.notify_one();
  }
  /// Sleeps at once: std::atomic's wait would spin first, and many callers leave it no processor to spin on.
  State wait() {
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return state != State::waiting; });
    return state;
  }
};

using Claims = std::vector<std::shared_ptr<Claim>>;

std::vector<Place> make_places(const Log::Append& append, const Decided& decided, Position first, Time time) {
  std::vector<Place> places;
  places.reserve(decided.drafts.size());
  AccountHead previous = append.head;
  for (std::size_t i = 0; i < decided.drafts.size(); ++i) {
    places.push_back({first + i, time, append.account, previous, decided.policy_version});
    previous = {.version = previous.version + 1, .position = first + i};  // its leaf is known once it is encoded
  }
  return places;
}

/// A rotation stands alone and names the key that is handed over; without one nothing rotates.
bool rotates_as_asked(const std::vector<Draft>& drafts, const Log::Append& append) {
  const auto is_rotation = [](const Draft& draft) { return draft.payload.type == fb::Payload::SigningKeyRotated; };
  if (!append.successor) return std::ranges::none_of(drafts, is_rotation);
  return append.account.is_zero() && drafts.size() == 1 && is_rotation(drafts.front()) &&
         drafts.front().payload.AsSigningKeyRotated()->vkey == append.successor->verifier().vkey();
}

/// Encodes, seals and signs a claim's events, links them, and folds them into rows. Not allowed to throw: positions
/// that are claimed and never filled would leave everyone behind them waiting.
void fill(Claim& claim, std::vector<Draft>& drafts, const Log::Append& append) noexcept {
  std::vector<Event> events;
  events.reserve(drafts.size());
  claim.envelopes.reserve(drafts.size());
  claim.leaves.reserve(drafts.size());
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (i > 0) {
      claim.places[i].previous.leaf = claim.leaves.back();
      if (!drafts[i].caused_by) drafts[i].caused_by = claim.places.front().position;
    }
    if (claim.signer->failure()) return;  // commit() sees it, too
    claim.envelopes.push_back(encode_event(drafts[i], append.issuer, claim.places[i],
                                           append.data_keys(drafts[i].sealed_slot), *claim.signer));
    const ByteView envelope = as_bytes(claim.envelopes.back());
    claim.leaves.push_back(leaf_hash(envelope));
    claim.bytes += envelope.size();
    auto event = Event::parse(envelope);
    assert(event);
    events.push_back(*event);
  }
  if (!claim.signer->failure()) claim.rows = append.fold(events, claim.leaves);
}

}  // namespace

KeyOfSlot only_data_key(const SecretKey& key) {
  return [&key](std::uint32_t slot) -> const SecretKey& {
    assert(slot == 0);
    return key;
  };
}

struct Log::Impl {
  Store& store;
  const Clock clock;
  const LogLimits limits;
  std::optional<LogObserver> observer;  // set before the first append

  mutable std::mutex mutex;  // guards the rest of this group
  std::shared_ptr<const Signer> signer;
  bool is_rotating = false;                  // the one outstanding claim is a rotation
  std::deque<std::shared_ptr<Claim>> queue;  // in order of position
  std::size_t outstanding = 0;               // claims neither committed nor failed
  Position next = 0;
  Time last_time = time_min;
  bool has_leader = false;
  std::optional<std::string> stopped;  // why

  Frontier frontier;  // the leader's
  TileTree tiles;     // likewise
  KeyHistory keys;    // changed by the leader of a rotation, when nothing else is outstanding

  mutable std::mutex newest_mutex;  // guards `newest`
  std::string newest;
  std::atomic<std::uint64_t> committed = 0;

  Impl(Store& in, KeyHistory history, Signer by, Clock when, const LogLimits& within)
      : store(in),
        clock(std::move(when)),
        limits(within),
        signer(std::make_shared<const Signer>(std::move(by))),
        keys(std::move(history)) {}

  Time now_locked() const { return std::clamp(clock(), last_time, time_max); }
  Result<std::shared_ptr<Claim>, LogError> claim(const Append& append, std::vector<Draft>& drafts);
  Claim::State wait_or_lead(const std::shared_ptr<Claim>& claim);
  Claims take_group_locked();
  LogObserver::Span observed_now() const { return observer ? observer->now() : LogObserver::Span{}; }
  std::optional<StoreError> commit(Claims& group, LogObserver::Group& observed);
  void lead();
  void finish(Claims& group, const std::optional<StoreError>& error);
  LogError stopped_error() const;
};

LogError Log::Impl::stopped_error() const {
  const std::lock_guard lock(mutex);
  return {LogFault::stopped, stopped.value_or("")};
}

/// Step 1. Null when nothing is drafted.
Result<std::shared_ptr<Claim>, LogError> Log::Impl::claim(const Append& append, std::vector<Draft>& drafts) {
  const std::lock_guard lock(mutex);
  if (stopped) return Unexpected{LogError{LogFault::stopped, *stopped}};
  if (outstanding >= limits.claims_waiting) return Unexpected{LogError{LogFault::busy, "too many appends are waiting"}};
  if (is_rotating || (append.successor && outstanding > 0))
    return Unexpected{LogError{LogFault::busy, "the signing key is changed with nothing else in flight"}};
  if (append.successor && !keys.accepts(append.successor->verifier(), next))
    return Unexpected{LogError{LogFault::busy, "another signing key must be drawn"}};
  last_time = now_locked();
  Decided decided = append.decide(last_time);
  if (decided.drafts.empty()) return std::shared_ptr<Claim>();
  assert(rotates_as_asked(decided.drafts, append));
  for (const Draft& draft : decided.drafts) {
    if (envelope_bytes_bound(draft, append.issuer) > envelope_bytes_max) {
      return Unexpected{LogError{LogFault::too_large, fb::EnumNamePayload(draft.payload.type)}};
    }
  }
  auto claim = std::make_shared<Claim>();
  claim->signer = signer;
  claim->successor = append.successor;
  is_rotating = append.successor != nullptr;
  claim->places = make_places(append, decided, next, last_time);
  drafts = std::move(decided.drafts);
  next += drafts.size();
  ++outstanding;
  queue.push_back(claim);
  return claim;
}

/// Step 3 for a filled claim: waits until it is committed, and leads the commit when it is the first in the queue.
Claim::State Log::Impl::wait_or_lead(const std::shared_ptr<Claim>& claim) {
  {
    const std::lock_guard lock(mutex);
    if (stopped) return Claim::State::failed;
    claim->filled = true;
    if (!has_leader && queue.front() == claim) {
      has_leader = true;
      claim->tell(Claim::State::leading);
    }
  }
  if (claim->wait() == Claim::State::leading) lead();
  return claim->wait();
}

Claims Log::Impl::take_group_locked() {
  Claims group;
  std::size_t bytes = 0;
  while (!queue.empty() && queue.front()->filled) {
    if (!group.empty() && bytes + queue.front()->bytes > limits.group_bytes) break;
    bytes += queue.front()->bytes;
    group.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return group;
}

/// Commits one group, whose first claim is the caller's own, and hands the lead to the next filled one.
void Log::Impl::lead() {
  Claims group;
  {
    const std::lock_guard lock(mutex);
    group = take_group_locked();
  }
  LogObserver::Group observed{.appends = group.size()};
  const auto error = commit(group, observed);
  finish(group, error);
  if (observer && !error) observer->committed(observed);
}

std::optional<StoreError> Log::Impl::commit(Claims& group, LogObserver::Group& observed) {
  const Claim& first = *group.front();  // its signer is the whole group's
  const auto signer_failed = [&]() -> std::optional<StoreError> {
    if (auto why = first.signer->failure()) return StoreError{StoreFault::io, *std::move(why)};
    return std::nullopt;
  };
  if (auto error = signer_failed()) return error;
  Rows rows;
  if (frontier.size() == 0) rows = founding_rows(first.signer->verifier());
  if (first.successor) {
    keys.rotate(first.places.front().position, first.successor->verifier());
    rows.push_back(rotations_row(keys));
  }
  const auto add_tile = [&](const TileId& tile, std::string hashes) {
    rows.push_back(tile_row(tile, std::move(hashes)));
  };
  for (const auto& claim : group) {
    for (std::size_t i = 0; i < claim->places.size(); ++i) {
      assert(claim->places[i].position == frontier.size());
      frontier.append(claim->leaves[i]);
      tiles.append(claim->leaves[i], add_tile);
      rows.push_back(event_row(claim->places[i].position, std::move(claim->envelopes[i])));
    }
    std::ranges::move(claim->rows, std::back_inserter(rows));
  }
  const Checkpoint checkpoint{first.signer->verifier().name, frontier.size(), frontier.root()};
  std::string note = sign_checkpoint(checkpoint, *first.signer, first.successor.get());
  if (auto error = signer_failed()) return error;
  rows.push_back(checkpoint_row(checkpoint.size, note));
  rows.push_back(frontier_row(frontier));
  observed.events = checkpoint.size - committed.load(std::memory_order_relaxed);
  const auto began = observed_now();
  if (auto error = store.write(rows, true)) return error;
  observed.write = observed_now() - began;
  store.publish(note);
  committed.store(checkpoint.size, std::memory_order_release);
  const std::lock_guard lock(newest_mutex);
  newest = std::move(note);
  return std::nullopt;
}

void Log::Impl::finish(Claims& group, const std::optional<StoreError>& error) {
  {
    const std::lock_guard lock(mutex);
    if (is_rotating && !error) signer = group.front()->successor;
    is_rotating = false;
    if (error) {
      stopped = error->detail;
      std::ranges::copy_if(queue, std::back_inserter(group), [](const auto& claim) { return claim->filled; });
      queue.clear();
    }
    outstanding -= group.size();
    has_leader = !queue.empty() && queue.front()->filled;
    if (has_leader) queue.front()->tell(Claim::State::leading);
  }
  for (const auto& claim : group) claim->tell(error ? Claim::State::failed : Claim::State::committed);
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

std::unique_ptr<Log> Log::create(Store& store, Signer signer, Clock clock, const LogLimits& limits) {
  KeyHistory keys(signer.verifier());
  return std::unique_ptr<Log>(
      new Log(std::make_unique<Impl>(store, std::move(keys), std::move(signer), std::move(clock), limits)));
}

Result<std::unique_ptr<Log>, StoreError> Log::open(Store& store, Signer signer, Clock clock, const LogLimits& limits) {
  const Verifier only = signer.verifier();
  return open(store, only, std::move(signer), std::move(clock), limits);
}

Result<std::unique_ptr<Log>, StoreError> Log::open(Store& store, const Verifier& first, Signer signer, Clock clock,
                                                   const LogLimits& limits) {
  KeyHistory keys(first);
  auto end = read_log_end(store, keys);
  if (!end) return Unexpected{end.error()};
  if (signer.verifier() != keys.at(end->frontier.size())) {
    return Unexpected{StoreError{StoreFault::corrupt, "the signing key is that of " + signer.verifier().vkey() +
                                                          ", in force is " + keys.newest().vkey()}};
  }
  const std::uint64_t size = end->frontier.size();
  auto tiles = read_tile_tree(store, size, end->frontier.root());
  if (!tiles) {
    auto rebuilt = rebuild_tiles(store, size, end->frontier.root());
    if (!rebuilt) return Unexpected{rebuilt.error()};
    tiles = *std::move(rebuilt);
  }
  if (store.published() != end->note) store.publish(end->note);  // a crash came between its sync and its publishing
  auto impl = std::make_unique<Impl>(store, std::move(keys), std::move(signer), std::move(clock), limits);
  impl->tiles = *std::move(tiles);
  impl->next = impl->committed = size;
  impl->last_time = end->last_time;
  impl->newest = std::move(end->note);
  impl->frontier = std::move(end->frontier);
  return std::unique_ptr<Log>(new Log(std::move(impl)));
}

Result<std::vector<Place>, LogError> Log::append(const Append& append) {
  std::vector<Draft> drafts;
  auto claimed = impl_->claim(append, drafts);
  if (!claimed) return Unexpected{claimed.error()};
  if (!*claimed) return std::vector<Place>();
  const auto began = impl_->observed_now();
  fill(**claimed, drafts, append);
  if (impl_->wait_or_lead(*claimed) != Claim::State::committed) return Unexpected{impl_->stopped_error()};
  if (impl_->observer) impl_->observer->appended(impl_->observed_now() - began);
  return std::move((*claimed)->places);
}

void Log::observe(LogObserver observer) { impl_->observer = std::move(observer); }

std::size_t Log::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->outstanding;
}

std::uint64_t Log::size() const { return impl_->committed.load(std::memory_order_acquire); }

std::string Log::checkpoint() const {
  const std::lock_guard lock(impl_->newest_mutex);
  return impl_->newest;
}

Time Log::time() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->now_locked();
}

Verifier Log::verifier() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->signer->verifier();
}

std::shared_ptr<const Signer> Log::signer() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->signer;
}

}  // namespace daicho
