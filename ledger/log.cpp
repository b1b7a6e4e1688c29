// docs/ledger-format.md, sections "Tree and checkpoints" and "Store".
#include "ledger/log.hpp"

#include <atomic>
#include <cassert>
#include <deque>
#include <mutex>

#include "ledger/log_rows.hpp"

namespace daicho {
namespace {

/// One append's claim. Its places are fixed under the lock; the rest belongs to its caller until it is filled, then to
/// the one who commits it.
struct Claim {
  enum class State : std::uint32_t { waiting, leading, committed, failed };

  std::vector<Place> places;
  std::vector<std::string> envelopes;
  std::vector<Hash> leaves;
  Rows rows;
  std::size_t bytes = 0;
  bool filled = false;  // under the lock
  std::atomic<State> state = State::waiting;

  void tell(State news) {
    state.store(news, std::memory_order_release);
    state.notify_one();
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

/// Encodes, seals and signs a claim's events, links them, and folds them into rows. Not allowed to throw: positions
/// that are claimed and never filled would leave everyone behind them waiting.
void fill(Claim& claim, std::vector<Draft>& drafts, const Log::Append& append, const Signer& signer) noexcept {
  std::vector<Event> events;
  events.reserve(drafts.size());
  claim.envelopes.reserve(drafts.size());
  claim.leaves.reserve(drafts.size());
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (i > 0) {
      claim.places[i].previous.leaf = claim.leaves.back();
      if (!drafts[i].caused_by) drafts[i].caused_by = claim.places.front().position;
    }
    claim.envelopes.push_back(encode_event(drafts[i], append.issuer, claim.places[i], append.data_key, signer));
    const ByteView envelope = as_bytes(claim.envelopes.back());
    claim.leaves.push_back(leaf_hash(envelope));
    claim.bytes += envelope.size();
    auto event = Event::parse(envelope);
    assert(event);
    events.push_back(*event);
  }
  claim.rows = append.fold(events, claim.leaves);
}

}  // namespace

struct Log::Impl {
  Store& store;
  const Signer signer;
  const Clock clock;
  const LogLimits limits;

  mutable std::mutex mutex;                  // guards the rest of this group
  std::deque<std::shared_ptr<Claim>> queue;  // in order of position
  std::size_t outstanding = 0;               // claims neither committed nor failed
  Position next = 0;
  Time last_time = time_min;
  bool has_leader = false;
  std::optional<std::string> stopped;  // why

  Frontier frontier;  // the leader's

  mutable std::mutex newest_mutex;  // guards `newest`
  std::string newest;
  std::atomic<std::uint64_t> committed = 0;

  Impl(Store& in, Signer by, Clock when, const LogLimits& within)
      : store(in), signer(std::move(by)), clock(std::move(when)), limits(within) {}

  Time now_locked() const { return std::clamp(clock(), last_time, time_max); }
  Result<std::shared_ptr<Claim>, LogError> claim(const Append& append, std::vector<Draft>& drafts);
  Claim::State wait_or_lead(const std::shared_ptr<Claim>& claim);
  Claims take_group_locked();
  std::optional<StoreError> commit(Claims& group);
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
  last_time = now_locked();
  Decided decided = append.decide(last_time);
  if (decided.drafts.empty()) return std::shared_ptr<Claim>();
  for (const Draft& draft : decided.drafts) {
    if (envelope_bytes_bound(draft, append.issuer) > envelope_bytes_max) {
      return Unexpected{LogError{LogFault::too_large, fb::EnumNamePayload(draft.payload.type)}};
    }
  }
  auto claim = std::make_shared<Claim>();
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
      claim->state = Claim::State::leading;
    }
  }
  claim->state.wait(Claim::State::waiting, std::memory_order_acquire);
  if (claim->state == Claim::State::leading) lead();
  return claim->state;
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
  const auto error = commit(group);
  finish(group, error);
}

std::optional<StoreError> Log::Impl::commit(Claims& group) {
  Rows rows;
  if (frontier.size() == 0) rows = founding_rows(signer.verifier());
  for (const auto& claim : group) {
    for (std::size_t i = 0; i < claim->places.size(); ++i) {
      assert(claim->places[i].position == frontier.size());
      frontier.append(claim->leaves[i]);
      rows.push_back(event_row(claim->places[i].position, std::move(claim->envelopes[i])));
    }
    std::ranges::move(claim->rows, std::back_inserter(rows));
  }
  const Checkpoint checkpoint{signer.verifier().name, frontier.size(), frontier.root()};
  std::string note = sign_checkpoint(checkpoint, signer);
  rows.push_back(checkpoint_row(checkpoint.size, note));
  rows.push_back(frontier_row(frontier));
  if (auto error = store.write(rows, true)) return error;
  store.publish(note);
  committed.store(checkpoint.size, std::memory_order_release);
  const std::lock_guard lock(newest_mutex);
  newest = std::move(note);
  return std::nullopt;
}

void Log::Impl::finish(Claims& group, const std::optional<StoreError>& error) {
  {
    const std::lock_guard lock(mutex);
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
  return std::unique_ptr<Log>(new Log(std::make_unique<Impl>(store, std::move(signer), std::move(clock), limits)));
}

Result<std::unique_ptr<Log>, StoreError> Log::open(Store& store, Signer signer, Clock clock, const LogLimits& limits) {
  auto end = read_log_end(store, signer.verifier());
  if (!end) return Unexpected{end.error()};
  auto impl = std::make_unique<Impl>(store, std::move(signer), std::move(clock), limits);
  impl->next = end->frontier.size();
  impl->committed = end->frontier.size();
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
  fill(**claimed, drafts, append, impl_->signer);
  if (impl_->wait_or_lead(*claimed) != Claim::State::committed) return Unexpected{impl_->stopped_error()};
  return std::move((*claimed)->places);
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

const Verifier& Log::verifier() const { return impl_->signer.verifier(); }

}  // namespace daicho
