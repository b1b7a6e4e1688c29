// docs/ledger-format.md, sections "What a verifier checks" and "Cursor".
#include "ledger/log_follower.hpp"

#include "ledger/log_rows.hpp"
#include "ledger/stored_tree.hpp"

namespace daicho {
namespace {

std::string events(std::uint64_t count) { return std::to_string(count) + " events"; }

std::string root_words(const Hash& root, std::uint64_t size) {
  return "root " + to_hex(root.view()) + " at size " + std::to_string(size);
}

FollowFinding unreadable(std::uint64_t position, const StoreError& error) {
  const bool is_corrupt = error.fault == StoreFault::corrupt;
  return {{is_corrupt ? FindingKind::malformed : FindingKind::unreadable, position, {}, "a readable log", error.detail},
          {}};
}

FollowFinding bad_checkpoint(std::uint64_t size, std::string expected, std::string found) {
  return {{FindingKind::checkpoint, size, {}, std::move(expected), std::move(found)}, {}};
}

/// As many events are durable: a writer publishes a checkpoint after it synced it, and an export is synced before its
/// checkpoint is there. What a writer is still syncing can be seen in its write-ahead log already, and can be lost.
std::uint64_t synced_size(const LogSource& source, const KeyHistory& keys, const Checkpoint& newest) {
  if (!source.is_store()) return newest.size;
  if (!source.published()) return 0;
  const auto published = keys.open(*source.published());
  return published ? std::min(published->size, newest.size) : 0;
}

/// Whether the tree of these tiles, under `end`, begins as `before` says; nullopt: they do not show it.
std::optional<bool> is_extended(const LogSource& source, const Checkpoint& before, const Checkpoint& end) {
  const SubtreeReader subtrees = stored_subtrees(source);
  const auto proof = consistency_proof(before.size, end.size, subtrees);
  const auto own = tree_root(before.size, subtrees);
  if (!proof || !own) return std::nullopt;
  for (const Hash& root : {before.root, *own}) {
    if (verify_consistency(before.size, end.size, *proof, root, end.root)) return root == before.root;
  }
  return std::nullopt;
}

}  // namespace

/// A batch that does not pass, and whether it is because its checkpoint does not extend the one before.
FollowFinding LogFollower::explained(const LogSource& source, Finding finding, const Checkpoint& before,
                                     const StoredCheckpoint& end) const {
  if (note_.empty()) return {std::move(finding), {}};
  const auto extended = is_extended(source, before, end.checkpoint);
  if (extended == false) {
    finding = {
        FindingKind::tree,
        before.size,
        {},
        root_words(before.root, before.size) + ", as verified",
        "another below the signed checkpoint of " + events(end.checkpoint.size) + ": the log was forked or rewritten"};
  }
  const bool is_proof = extended == false || (!extended && finding.kind == FindingKind::tree);
  return {std::move(finding), is_proof ? std::vector{note_, end.note} : std::vector<std::string>()};
}

LogFollower::LogFollower(Verifier first, LogCursor from) : first_(std::move(first)), note_(std::move(from.note)) {
  checked_.heads_from = from.frontier.size();
  checked_.frontier = std::move(from.frontier);
}

/// Nullopt: a log whose creation is not finished.
Result<std::optional<LogFollower::StoredCheckpoint>, FollowFinding> LogFollower::newest(const LogSource& source,
                                                                                        const KeyHistory& keys) const {
  auto row = source.last(Family::checkpoints);
  if (!row) return Unexpected{unreadable(size(), row.error())};
  if (!*row && size() == 0) return std::optional<StoredCheckpoint>();
  if (!*row)
    return Unexpected{FollowFinding{{FindingKind::truncated, 0, {}, events(size()) + ", as verified", "none"}, {}}};
  auto opened = keys.open((*row)->second);
  if (!opened || number_of(as_bytes((*row)->first)) != opened->size)
    return Unexpected{
        bad_checkpoint(size(), "a newest checkpoint signed by " + keys.newest().vkey(), "one that does not open")};
  return std::optional(StoredCheckpoint{*std::move(opened), std::move((*row)->second)});
}

/// The cursor against itself, and the log's checkpoints against the cursor.
std::optional<FollowFinding> LogFollower::refute_cursor(const LogSource& source, const KeyHistory& keys,
                                                        const StoredCheckpoint& newest) const {
  if (note_.empty() && size() == 0) return std::nullopt;
  const auto note = parse_note(note_);
  const auto claimed = note ? parse_checkpoint_text(note->text) : std::nullopt;
  if (!claimed || claimed->size != size() || claimed->root != checked_.frontier.root())
    return bad_checkpoint(size(), "a cursor whose frontier is that of its checkpoint", "one that was changed");
  const bool is_shorter = newest.checkpoint.size < size();
  std::vector<std::string> both = {note_, newest.note};
  if (!keys.open(note_)) {
    auto finding = bad_checkpoint(size(), "a cursor with a checkpoint that a key of this log signed",
                                  std::string("one of another log, or one that was changed") +
                                      (is_shorter ? "; or the log lost its end, and the key with it" : ""));
    if (is_shorter) finding.evidence = std::move(both);
    return finding;
  }
  if (is_shorter)
    return FollowFinding{{FindingKind::truncated,
                          newest.checkpoint.size,
                          {},
                          events(size()) + ", as were verified under a signed checkpoint",
                          events(newest.checkpoint.size) + ": the log was rolled back"},
                         std::move(both)};
  auto stored = source.get(Family::checkpoints, ByteView(big_endian(size())));
  if (!stored) return unreadable(size(), stored.error());
  const auto other = *stored ? keys.open(**stored) : Result<Checkpoint, NoteFault>(Unexpected{NoteFault::malformed});
  if (!other || other->size != size() || other->root == claimed->root) return std::nullopt;
  return FollowFinding{{FindingKind::tree,
                        size(),
                        {},
                        root_words(claimed->root, size()) + ", as verified",
                        root_words(other->root, size()) + ", signed, too: the log was forked or rewritten"},
                       {note_, **std::move(stored)}};
}

/// The last checkpoint that the batch's limit allows, but at least the next.
Result<std::optional<LogFollower::StoredCheckpoint>, FollowFinding> LogFollower::batch_end(
    const LogSource& source, const KeyHistory& keys, std::uint64_t synced, const FollowLimits& limits) const {
  if (synced <= size()) return std::optional<StoredCheckpoint>();
  std::optional<std::uint64_t> end;
  std::string note;
  const auto from = big_endian(size() + 1);
  const auto error = source.scan(Family::checkpoints, ByteView(from), [&](ByteView key, ByteView value) {
    const auto covered = number_of(key);
    if (!covered || *covered > synced || (end && *covered - size() > limits.batch_events)) return false;
    end = covered;
    note = as_text(value);
    return *covered - size() < limits.batch_events;
  });
  if (error) return Unexpected{unreadable(size(), *error)};
  if (!end || *end - size() > limits.commit_events)
    return Unexpected{bad_checkpoint(
        size(), "a checkpoint of the next commit, within " + events(limits.commit_events),
        end ? "none before that of " + events(*end) : "none, where one of " + events(synced) + " was published")};
  auto opened = keys.open(note);
  if (!opened || opened->size != *end)
    return Unexpected{bad_checkpoint(*end, "a checkpoint signed by " + keys.at(*end).vkey(), "one that does not open")};
  return std::optional(StoredCheckpoint{*std::move(opened), std::move(note)});
}

/// Everything before the end passes, or what does not.
std::optional<Finding> LogFollower::verify(const LogSource& source, const KeyHistory& keys, const Checkpoint& end,
                                           const OnEvent& on_event) {
  const std::uint64_t begin = size();
  AuditReport report;
  AuditChain chain(source, keys, {}, false, report, std::move(checked_));
  const AuditOptions options{.on_event = [&](const Event& event, const Hash&) { on_event(event); }};
  auto finding = check_events(source, end.size, keys, options, chain);
  checked_ = std::move(chain).take();
  if (finding) return finding;
  if (size() < end.size)
    return Finding{FindingKind::truncated, size(), {}, events(end.size) + ", as signed", events(size())};
  const Hash root = checked_.frontier.root();
  if (size() == end.size && root == end.root) return std::nullopt;
  return Finding{FindingKind::tree, begin, {}, root_words(end.root, end.size), root_words(root, size())};
}

Result<bool, FollowFinding> LogFollower::next(const LogSource& source, const FollowLimits& limits,
                                              const OnEvent& on_event) {
  KeyHistory keys(first_);
  if (const auto error = read_key_history(source, keys)) return Unexpected{unreadable(size(), *error)};
  const auto newest = this->newest(source, keys);
  if (!newest) return Unexpected{newest.error()};
  if (!*newest) return false;
  if (auto refuted = refute_cursor(source, keys, **newest)) return Unexpected{*std::move(refuted)};
  if (const auto words = published_disagrees(source, keys, (*newest)->checkpoint))
    return Unexpected{
        FollowFinding{{FindingKind::truncated, (*newest)->checkpoint.size, {}, "what was published", *words},
                      {*source.published(), (*newest)->note}}};
  auto end = batch_end(source, keys, synced_size(source, keys, (*newest)->checkpoint), limits);
  if (!end) return Unexpected{end.error()};
  if (!*end) return false;
  const Checkpoint before{first_.name, size(), checked_.frontier.root()};
  if (auto finding = verify(source, keys, (*end)->checkpoint, on_event))
    return Unexpected{explained(source, *std::move(finding), before, **end)};
  note_ = std::move((*end)->note);
  return true;
}

}  // namespace daicho
