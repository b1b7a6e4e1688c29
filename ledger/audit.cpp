// docs/ledger-format.md, section "What a verifier checks".
#include "ledger/audit.hpp"

#include "ledger/audit_chain.hpp"
#include "ledger/audit_pipeline.hpp"
#include "ledger/audit_services.hpp"
#include "ledger/log_rows.hpp"

namespace daicho {
namespace {

constexpr std::uint64_t progress_events = 4096;

/// The data key, and what it is of: the sealed part, or tags alone.
void check_sealed(AuditedEvent& audited, const LogSource& source, const KeyRing* keys) {
  const Event& event = *audited.event;
  const bool is_under_key = event.is_sealed() || event.sealed_slot() != 0;
  if (!is_under_key) return;
  if (event.is_sealed()) audited.sealed = SealedPart::without_key;
  if (!source.is_store()) return;
  const auto row = source.get(Family::keys, as_bytes(KeyRing::row_key(event.account(), event.sealed_slot())));
  audited.is_key_gone = row && !*row;
  if (audited.is_key_gone || !keys || !event.is_sealed()) return;
  audited.sealed = keys->personal(source, event) ? SealedPart::opened : SealedPart::broken;
}

/// What needs no order: everything that costs.
void work_on(AuditChunk& chunk, const LogSource& source, const KeyHistory& history, const AuditOptions& options) {
  for (AuditedEvent& audited : chunk.events) {
    const ByteView envelope = chunk.envelope(audited);
    audited.leaf = leaf_hash(envelope);
    audited.event = Event::parse(envelope);
    if (!audited.event) continue;
    audited.is_verified = options.depth != AuditDepth::hashes && audited.event->verify(history.at(audited.position));
    audited.is_signed = audited.is_verified || options.depth == AuditDepth::hashes;
    if (!audited.is_signed) continue;
    const KeyRing* const keys = audited.is_verified ? options.keys : nullptr;
    check_sealed(audited, source, keys);
    audited.request = audit_request(source, keys, *audited.event, history.first().name);
  }
  for (AuditedCheckpoint& checkpoint : chunk.checkpoints) checkpoint.opened = history.open(checkpoint.note);
}

/// The events of a chunk, each checkpoint after the event that it ends with.
std::optional<Finding> check_chunk(const AuditChunk& chunk, AuditChain& chain, const AuditOptions& options) {
  auto checkpoint = chunk.checkpoints.begin();
  const auto check_reached = [&]() -> std::optional<Finding> {
    for (; checkpoint != chunk.checkpoints.end(); ++checkpoint) {
      if (checkpoint->size > chain.frontier().size()) break;  // no size counts as reached
      if (auto finding = chain.checkpoint(*checkpoint)) return finding;
    }
    return std::nullopt;
  };
  if (auto finding = check_reached()) return finding;
  for (const AuditedEvent& audited : chunk.events) {
    if (auto finding = chain.event(audited)) return finding;
    if (auto finding = check_reached()) return finding;
    if (options.on_event) options.on_event(*audited.event, audited.leaf);
  }
  return chunk.failure;
}

}  // namespace

std::optional<Finding> check_events(const LogSource& source, std::uint64_t end, const KeyHistory& history,
                                    const AuditOptions& options, AuditChain& chain) {
  const unsigned threads = options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  AuditPipeline pipeline(source, chain.frontier().size(), end, threads,
                         [&](AuditChunk& chunk) { work_on(chunk, source, history, options); });
  std::uint64_t shown = 0;
  while (const auto chunk = pipeline.next()) {
    if (auto finding = check_chunk(*chunk, chain, options)) return finding;
    const std::uint64_t done = chain.frontier().size();
    if (options.progress && (done - shown >= progress_events || done == end)) {
      options.progress(done, end);
      shown = done;
    }
  }
  return std::nullopt;
}

namespace {

/// Where the log must end: what its last checkpoint covers.
struct End {
  std::uint64_t size = 0;
  std::string note;
};

Result<End, Finding> find_end(const LogSource& source) {
  auto row = source.last(Family::checkpoints);
  if (!row) return Unexpected{Finding{FindingKind::unreadable, 0, {}, "a readable store", row.error().detail}};
  if (!*row) return Unexpected{Finding{FindingKind::checkpoint, 0, {}, "a checkpoint", "none"}};
  const auto size = number_of(as_bytes((*row)->first));
  if (size) return End{*size, std::move((*row)->second)};
  return Unexpected{
      Finding{FindingKind::checkpoint, 0, {}, "a key of 8 bytes", "key " + to_hex(as_bytes((*row)->first))}};
}

/// After every event was checked: nothing is lost or loose at the end, and the writer would go on from there.
std::optional<Finding> check_end(const LogSource& source, const End& end, const AuditChain& chain) {
  const std::uint64_t size = chain.frontier().size();
  const auto events = [](std::uint64_t count) { return std::to_string(count) + " events"; };
  if (size < end.size) {
    return Finding{
        FindingKind::truncated, size, {}, events(end.size) + ", as the last checkpoint covers", events(size)};
  }
  if (const KnownRoot* const ahead = chain.ahead()) {
    return Finding{FindingKind::truncated,
                   size,
                   {},
                   events(ahead->checkpoint.size) + ", as " + ahead->from + " covers",
                   events(size)};
  }
  const auto last = source.last(Family::events);
  const auto frontier = source.get(Family::meta, as_bytes(frontier_key));
  if (!last || !frontier) {
    const StoreError& error = last ? frontier.error() : last.error();
    return Finding{FindingKind::unreadable, size, {}, "a readable store", error.detail};
  }
  const auto newest = find_end(source);
  if (newest && newest->size > end.size) return std::nullopt;  // a writer went on meanwhile
  const auto position = *last ? number_of(as_bytes((*last)->first)) : std::nullopt;
  if (position && *position >= size) {
    return Finding{FindingKind::checkpoint,
                   size,
                   {},
                   "a checkpoint that covers event " + std::to_string(*position),
                   "the last one, of " + events(size)};
  }
  if (!source.is_store()) return chain.partial_tiles();
  if (*frontier && **frontier == chain.frontier().encode()) return std::nullopt;
  return Finding{FindingKind::tree,
                 size,
                 {},
                 "stored frontier " + to_hex(as_bytes(chain.frontier().encode())),
                 *frontier ? to_hex(as_bytes(**frontier)) : "none"};
}

/// What was published beside a store may be torn after a power loss, so that only a warning comes of it.
std::optional<KnownRoot> open_published(const LogSource& source, const KeyHistory& history, AuditReport& report) {
  if (!source.is_store()) return std::nullopt;
  if (!source.published()) {
    report.warnings.push_back("there is no published checkpoint beside the store: a lost tail would not show");
    return std::nullopt;
  }
  const auto opened = history.open(*source.published());
  if (opened) return KnownRoot{"the published checkpoint", *opened};
  report.warnings.push_back(opened.error() == NoteFault::unknown_key
                                ? "the published checkpoint is signed by no key that this log names: not of this "
                                  "ledger, or the log lost its end"
                                : "the published checkpoint does not open: torn, or not of this ledger");
  return std::nullopt;
}

/// What is known from elsewhere, by size, and what of it no key of this log signed.
struct Known {
  std::vector<KnownRoot> roots;
  std::optional<Finding> stranger;
};
Known open_known(const LogSource& source, const KeyHistory& history, const AuditOptions& options, AuditReport& report) {
  Known known;
  if (auto published = open_published(source, history, report)) known.roots.push_back(*std::move(published));
  for (const KnownCheckpoint& each : options.known) {
    if (const auto opened = history.open(each.note)) {
      known.roots.push_back({each.from, *opened});
    } else {
      known.stranger =
          Finding{FindingKind::checkpoint, 0, {}, "a log whose keys signed " + each.from, "one whose keys did not"};
    }
  }
  std::erase_if(known.roots, [](const KnownRoot& each) { return each.checkpoint.size == 0; });
  std::ranges::sort(known.roots, {}, [](const KnownRoot& each) { return each.checkpoint.size; });
  return known;
}

std::optional<Finding> audit(const LogSource& source, const Verifier& verifier, const AuditOptions& options,
                             AuditReport& report) {
  auto end = find_end(source);
  KeyHistory history(verifier);  // read after the end: all rotations before it are in it
  const auto history_error = read_key_history(source, history);
  auto known = open_known(source, history, options, report);
  const auto vkey = source.get(Family::meta, as_bytes(verifier_key));
  if (vkey && *vkey && **vkey != verifier.vkey()) report.warnings.push_back("the store says it is signed by " + **vkey);
  if (!end && !known.roots.empty() && end.error().kind == FindingKind::checkpoint) {
    const KnownRoot& most = known.roots.back();
    return Finding{FindingKind::truncated,
                   0,
                   {},
                   std::to_string(most.checkpoint.size) + " events, as " + most.from + " covers",
                   "no checkpoint"};
  }
  if (!end) return end.error();
  report.last_checkpoint = end->note;
  const auto tiles = source.last(Family::tiles);
  const bool has_tiles = !tiles || *tiles;
  if (!has_tiles && end->size >= tile_hashes) {
    report.warnings.push_back("no hash tiles are stored: the log is older than they are, until it is opened to write");
  }
  AuditChain chain(source, history, std::move(known.roots), has_tiles, report);
  auto finding = check_events(source, end->size, history, options, chain);
  report.accounts = chain.accounts();
  if (!finding) finding = check_end(source, *end, chain);
  if (!finding) finding = chain.erased_keys();
  if (finding) return finding;
  if (history_error) {
    const bool is_corrupt = history_error->fault == StoreFault::corrupt;
    return Finding{is_corrupt ? FindingKind::malformed : FindingKind::unreadable,
                   report.events,
                   {},
                   "a list of the key rotations among the events",
                   history_error->detail};
  }
  if (const auto bad = source.verify_files()) {
    const FindingKind kind = bad->is_tile ? FindingKind::tile : FindingKind::unreadable;
    return Finding{kind, bad->position.value_or(report.events), {}, "files as they were written", bad->words};
  }
  return known.stranger;
}

}  // namespace

const char* name(AuditDepth depth) {
  switch (depth) {
    case AuditDepth::hashes:
      return "hashes";
    case AuditDepth::signatures:
      return "signatures";
    case AuditDepth::projections:
      return "projections";
  }
  return "";
}

const char* name(FindingKind kind) {
  switch (kind) {
    case FindingKind::unreadable:
      return "unreadable";
    case FindingKind::missing:
      return "missing";
    case FindingKind::malformed:
      return "malformed";
    case FindingKind::signature:
      return "signature";
    case FindingKind::flipped:
      return "flipped";
    case FindingKind::back_link:
      return "back_link";
    case FindingKind::time:
      return "time";
    case FindingKind::tree:
      return "tree";
    case FindingKind::tile:
      return "tile";
    case FindingKind::checkpoint:
      return "checkpoint";
    case FindingKind::sealed:
      return "sealed";
    case FindingKind::key:
      return "key";
    case FindingKind::truncated:
      return "truncated";
    case FindingKind::service_signature:
      return "service_signature";
    case FindingKind::projection:
      return "projection";
  }
  return "";
}

std::optional<std::string> refute_note(const KeyHistory& keys, const std::string& note) {
  if (keys.open(note)) return std::nullopt;
  const auto parsed = parse_note(note);
  const auto claim = parsed ? parse_checkpoint_text(parsed->text) : std::nullopt;
  if (!claim) return "not a checkpoint";
  if (claim->origin != keys.first().name) return "of another log, " + claim->origin;
  if (open_checkpoint(note, keys.all())) return "signed by a key that was not in force at its size";
  for (const Verifier& key : keys.all()) {
    const auto is_claimed = [&](const NoteSignature& line) { return line.name == key.name && line.id == key.id; };
    if (std::ranges::any_of(parsed->signatures, is_claimed)) return "torn or edited: its signature does not verify";
  }
  return std::nullopt;
}

AuditReport audit_log(const LogSource& source, const Verifier& verifier, const AuditOptions& options) {
  AuditReport report;
  report.first_finding = audit(source, verifier, options, report);
  return report;
}

}  // namespace daicho
