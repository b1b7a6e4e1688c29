#include "ledger/damage.hpp"

#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "ledger/log_rows.hpp"

namespace daicho {
namespace {

constexpr std::uint64_t progress_events = 4096;
constexpr std::uint64_t unread_events_max = 1 << 24;  // looked for where the log cannot say which is its last

std::string hex(const Hash& hash) { return to_hex(hash.view()); }

/// What stands at a position.
struct Stored {
  enum class State : std::uint8_t { absent, unreadable, no_event, unsigned_event, signed_event } state = State::absent;
  Position says = 0;  ///< of a signed event: its own word for its position
  Hash leaf;
  bool is_signed() const { return state == State::signed_event; }
};

/// By the class an audit's finding has where nothing more is known.
DamageClass class_of(FindingKind kind) {
  switch (kind) {
    case FindingKind::unreadable:
    case FindingKind::flipped:
    case FindingKind::tile:
    case FindingKind::sealed:
      return DamageClass::flipped;
    case FindingKind::missing:
    case FindingKind::checkpoint:
    case FindingKind::key:
      return DamageClass::missing;
    case FindingKind::malformed:
    case FindingKind::back_link:
    case FindingKind::time:
      return DamageClass::malformed;
    case FindingKind::signature:
      return DamageClass::signature;
    case FindingKind::tree:
      return DamageClass::rewritten;
    case FindingKind::truncated:
      return DamageClass::truncated;
    case FindingKind::service_signature:
      return DamageClass::service_signature;
    case FindingKind::projection:
      return DamageClass::projection;
  }
  return DamageClass::flipped;
}

DamagedThing thing_of(FindingKind kind) {
  switch (kind) {
    case FindingKind::checkpoint:
      return DamagedThing::checkpoint;
    case FindingKind::tile:
      return DamagedThing::tile;
    case FindingKind::unreadable:
    case FindingKind::projection:
    case FindingKind::sealed:
    case FindingKind::key:
      return DamagedThing::store;
    default:
      return DamagedThing::event;
  }
}

/// Nullopt: there is none, or it cannot be read.
std::optional<std::string> envelope_at(const LogSource& source, Position position) {
  auto row = source.get(Family::events, ByteView(big_endian(position)));
  return row ? *std::move(row) : std::nullopt;
}

class Search {
 public:
  Search(const DamageSearch& search, const Finding& first) : search_(search), first_(first), keys_(search.verifier) {}
  DamageReport run();

 private:
  struct SignedNote {
    Checkpoint checkpoint;
    KnownCheckpoint note;
  };

  void read_checkpoints();
  void read_events();
  Stored read_event(Position position);
  Hash expected_leaf(Position position) const;
  void measure();
  std::uint64_t proven_size(const std::vector<Hash>& leaves) const;
  void judge_events();
  void judge_event(Position position);
  void judge_changed(Position position);
  void judge_committed(Position position);
  void judge_notes();
  void judge_end();
  void judge_parting();
  void judge_tiles();
  Position reach_of_finding() const;
  void add_first_finding();
  void name_accounts(Damage& damage, Position position);

  std::optional<std::string> tile_row(const TileId& tile) const;
  std::optional<std::string> copied(Position position) const;
  bool is_measured(Position position) const { return position < report_.measured; }
  bool is_committed(Position position) const {
    return is_measured(position) && stored_[position].leaf == expected_[position];
  }
  /// Null: it is only counted.
  Damage* add(DamageClass what, DamagedThing thing, Position at, std::string expected, std::string found);
  void progress();

  const DamageSearch& search_;
  const Finding& first_;
  KeyHistory keys_;
  DamageReport report_;
  std::vector<SignedNote> notes_;              // stored and known ones that open, by size
  std::vector<KnownCheckpoint> strangers_;     // known ones, signed by keys that this log does not name
  std::uint64_t claimed_ = 0;                  // what the largest note covers
  std::uint64_t end_ = 0;                      // what the largest of them covers that the log is long enough for
  std::vector<Stored> stored_;                 // by position
  std::unordered_map<Position, Hash> linked_;  // leaves that later signed events link to, and that do not stand there
  std::unordered_map<Position, Id> owners_;    // whose events those are
  std::vector<Hash> expected_;                 // leaves by position, right as far as `measured`
  std::unordered_set<Position> elsewhere_;     // of signed events that are stored at another position: their own
  std::uint64_t steps_ = 0;
};

Damage* Search::add(DamageClass what, DamagedThing thing, Position at, std::string expected, std::string found) {
  const bool may_join = what == DamageClass::missing || what == DamageClass::reordered ||
                        (what == DamageClass::flipped && found == "unreadable");
  if (!report_.found.empty() && may_join) {
    Damage& last = report_.found.back();
    if (last.what == what && last.thing == thing && thing == DamagedThing::event && last.last + 1 == at) {
      last.last = at;
      return &last;
    }
  }
  ++report_.total;
  if (report_.found.size() == damages_max) return nullptr;
  return &report_.found.emplace_back(Damage{what, thing, at, at, {}, std::move(expected), std::move(found)});
}

void Search::progress() {
  if (search_.progress && ++steps_ % progress_events == 0) search_.progress(steps_, 2 * stored_.size());
}

/// Those that a key of the log signed; the others are damage themselves.
void Search::read_checkpoints() {
  const auto error = search_.source.scan(Family::checkpoints, {}, [&](ByteView key, ByteView note) {
    const auto size = number_of(key);
    const auto opened = keys_.open(as_text(note));
    if (size && opened && opened->size == *size && *size > 0) {
      notes_.push_back({*opened, {"the log's own checkpoint of " + std::to_string(*size), std::string(as_text(note))}});
    } else {
      const bool is_foreign = !opened && opened.error() == NoteFault::unknown_key;
      add(is_foreign ? DamageClass::signature : DamageClass::flipped, DamagedThing::checkpoint, size.value_or(0),
          "a checkpoint of its size, signed by the key in force",
          opened ? "one of size " + std::to_string(opened->size) : "one that does not open");
    }
    return true;
  });
  if (error) add(DamageClass::flipped, DamagedThing::checkpoint, 0, "readable checkpoints", error->detail);
  for (const KnownCheckpoint& known : search_.known) {
    const auto opened = keys_.open(known.note);
    if (opened) {
      notes_.push_back({*opened, known});
    } else if (opened.error() == NoteFault::unknown_key) {
      strangers_.push_back(known);
    }
  }
  std::ranges::stable_sort(notes_, {}, [](const SignedNote& note) { return note.checkpoint.size; });
}

Stored Search::read_event(Position position) {
  const auto row = search_.source.get(Family::events, ByteView(big_endian(position)));
  if (!row) return {.state = Stored::State::unreadable};
  if (!*row) return {};
  const ByteView envelope = as_bytes(**row);
  Stored stored{.state = Stored::State::no_event, .leaf = leaf_hash(envelope)};
  const auto event = Event::parse(envelope);
  if (!event) return stored;
  const bool is_signed = event->verify(keys_.at(event->position()));
  stored.state = is_signed ? Stored::State::signed_event : Stored::State::unsigned_event;
  if (!is_signed) return stored;
  stored.says = event->position();
  const AccountHead previous = event->previous();
  if (previous.version > 0 && previous.position < position && stored_[previous.position].leaf != previous.leaf) {
    linked_.try_emplace(previous.position, previous.leaf);
    owners_.try_emplace(previous.position, event->account());
  }
  if (stored.says != position) {
    elsewhere_.insert(stored.says);
    owners_.insert_or_assign(stored.says, event->account());
  }
  return stored;
}

/// As many as are stored; what a checkpoint covers beyond that is told without a place for each.
void Search::read_events() {
  if (!notes_.empty()) claimed_ = notes_.back().checkpoint.size;
  const auto last = search_.source.last(Family::events);
  const auto position = last && *last ? number_of(as_bytes((*last)->first)) : std::nullopt;
  stored_.resize(position ? *position + 1 : last ? 0 : std::min(claimed_, unread_events_max));
  for (Position at = 0; at < stored_.size(); ++at) {
    stored_[at] = read_event(at);
    progress();
  }
  const auto covered = std::ranges::find_if(
      notes_.rbegin(), notes_.rend(), [&](const SignedNote& note) { return note.checkpoint.size <= stored_.size(); });
  if (covered != notes_.rend()) end_ = covered->checkpoint.size;
}

std::optional<std::string> Search::tile_row(const TileId& tile) const {
  auto row = search_.source.get(Family::tiles, as_bytes(tile_key(tile)));
  return row ? *std::move(row) : std::nullopt;
}

/// What the next event of the account says it was; else what stands there.
Hash Search::expected_leaf(Position position) const {
  const auto linked = linked_.find(position);
  return linked != linked_.end() ? linked->second : stored_[position].leaf;
}

/// A tile's hashes from the stored tile if the tile above agrees with it, else from the events. All is right up to the
/// last checkpoint whose root comes out; by the events of a copy, where those bring out more.
void Search::measure() {
  for (std::uint64_t index = 0; index * tile_hashes < end_; ++index) {
    const std::uint64_t first = index * tile_hashes;
    const std::size_t width = std::min<std::uint64_t>(tile_hashes, end_ - first);
    std::vector<Hash> own, kept;
    for (std::size_t i = 0; i < width; ++i) own.push_back(expected_leaf(first + i));
    const auto row = tile_row({0, index});
    for (std::size_t i = 0; row && i < width && row->size() >= width * Hash::size; ++i) {
      kept.emplace_back();
      std::memcpy(kept.back().bytes.data(), row->data() + i * Hash::size, Hash::size);
    }
    Frontier tree;
    for (const Hash& leaf : kept) tree.append(leaf);
    const auto above = tile_row({1, index / tile_hashes});
    const std::size_t at = (index % tile_hashes) * Hash::size;
    const bool is_refuted = width == tile_hashes && above && above->size() >= at + Hash::size &&
                            as_text(tree.root().view()) != above->substr(at, Hash::size);
    const auto& chosen = kept.empty() || is_refuted ? own : kept;
    expected_.insert(expected_.end(), chosen.begin(), chosen.end());
  }
  report_.measured = proven_size(expected_);
  if (report_.measured == end_ || !search_.copy) return;
  std::vector<Hash> copied;
  for (Position position = 0; position < end_; ++position) {
    const auto envelope = envelope_at(*search_.copy, position);
    if (!envelope) break;
    copied.push_back(leaf_hash(as_bytes(*envelope)));
  }
  const std::uint64_t proven = proven_size(copied);
  if (proven <= report_.measured) return;
  report_.measured = proven;
  expected_ = std::move(copied);
  expected_.resize(end_);
}

/// Up to the last signed checkpoint whose root comes out of these leaves.
std::uint64_t Search::proven_size(const std::vector<Hash>& leaves) const {
  std::uint64_t proven = 0;
  Frontier tree;
  auto note = notes_.begin();
  for (const Hash& leaf : leaves) {
    tree.append(leaf);
    for (; note != notes_.end() && note->checkpoint.size <= tree.size(); ++note) {
      if (note->checkpoint.root == tree.root()) proven = tree.size();
    }
  }
  return proven;
}

/// The envelope of the copy, if it is the event that was signed.
std::optional<std::string> Search::copied(Position position) const {
  if (!search_.copy) return std::nullopt;
  auto envelope = envelope_at(*search_.copy, position);
  if (!envelope) return std::nullopt;
  if (is_measured(position)) return leaf_hash(as_bytes(*envelope)) == expected_[position] ? envelope : std::nullopt;
  const auto event = Event::parse(as_bytes(*envelope));
  const bool is_good = event && event->position() == position && event->verify(keys_.at(position));
  return is_good ? envelope : std::nullopt;
}

/// Stored bytes that are not those that belong here.
void Search::judge_changed(Position position) {
  const Stored& stored = stored_[position];
  const std::string expected =
      is_measured(position) ? "leaf " + hex(expected_[position]) : "event " + std::to_string(position);
  if (stored.is_signed() && stored.says != position) {
    add(elsewhere_.contains(position) ? DamageClass::reordered : DamageClass::missing, DamagedThing::event, position,
        expected, "event " + std::to_string(stored.says) + " in its place");
    return;
  }
  add(stored.is_signed() ? DamageClass::rewritten : DamageClass::flipped, DamagedThing::event, position, expected,
      "leaf " + hex(stored.leaf) + (stored.is_signed() ? ", signed" : ", whose signature does not verify"));
}

/// Bytes that were committed: are they what a writer may commit?
void Search::judge_committed(Position position) {
  const Stored& stored = stored_[position];
  if (stored.is_signed()) return;
  const bool is_event = stored.state == Stored::State::unsigned_event;
  add(is_event ? DamageClass::signature : DamageClass::malformed, DamagedThing::event, position,
      is_event ? "a signature by " + keys_.at(position).vkey() : "an event of a known format",
      "leaf " + hex(stored.leaf) + ", committed like this");
}

void Search::judge_event(Position position) {
  const Stored& stored = stored_[position];
  using State = Stored::State;
  if (stored.state == State::unreadable) {
    add(DamageClass::flipped, DamagedThing::event, position, "bytes that read back", "unreadable");
    return;
  }
  if (stored.state == State::absent) {
    add(DamageClass::missing, DamagedThing::event, position, "event " + std::to_string(position), "none");
    return;
  }
  if (is_measured(position)) return is_committed(position) ? judge_committed(position) : judge_changed(position);
  const auto linked = linked_.find(position);
  const bool is_refuted = linked != linked_.end() && linked->second != stored.leaf;
  if (!stored.is_signed() || stored.says != position || is_refuted) return judge_changed(position);
}

void Search::judge_events() {
  for (Position position = 0; position < stored_.size(); ++position) {
    judge_event(position);
    progress();
  }
}

/// Every signed checkpoint against the tree that was measured: another root of its size is another history.
void Search::judge_notes() {
  Frontier tree;
  std::vector<KnownCheckpoint> others;
  std::optional<KnownCheckpoint> own;
  auto at = notes_.begin();
  for (Position position = 0; position < report_.measured && at != notes_.end(); ++position) {
    tree.append(expected_[position]);
    for (; at != notes_.end() && at->checkpoint.size <= tree.size(); ++at) {
      if (at->checkpoint.root == tree.root()) {
        own = at->note;  // the largest that is of this history
        continue;
      }
      add(DamageClass::forked, DamagedThing::checkpoint, tree.size(), "root " + hex(tree.root()),
          "root " + hex(at->checkpoint.root) + ", signed as well: " + at->note.from);
      others.push_back(at->note);
    }
  }
  for (const KnownCheckpoint& stranger : strangers_) {
    const auto note = parse_note(stranger.note);
    const auto claim = note ? parse_checkpoint_text(note->text) : std::nullopt;
    add(DamageClass::forked, DamagedThing::checkpoint, claim ? claim->size : 0,
        "a log whose keys signed " + stranger.from, "one that names no such key: it parted from that one before");
    others.push_back(stranger);
  }
  if (!own && !notes_.empty()) own = notes_.back().note;
  if (!others.empty() && own) others.push_back(*std::move(own));
  report_.evidence = std::move(others);
}

/// What is covered and not there, and what is there and not covered.
void Search::judge_end() {
  const std::uint64_t stored = stored_.size();
  if (claimed_ < stored) {
    const bool is_told = std::ranges::any_of(report_.found, [&](const Damage& each) {
      return each.thing == DamagedThing::checkpoint && each.first > claimed_;
    });
    if (!is_told)
      add(DamageClass::missing, DamagedThing::checkpoint, stored, "a checkpoint that covers the last events", "none");
  }
  if (claimed_ <= stored) return;
  Damage* const cut =
      add(DamageClass::truncated, DamagedThing::event, stored, "event " + std::to_string(stored), "none");
  if (cut) cut->last = claimed_ - 1;
  report_.evidence.push_back(notes_.back().note);
  const auto end = std::ranges::find_if(notes_.rbegin(), notes_.rend(),
                                        [&](const SignedNote& each) { return each.checkpoint.size <= stored; });
  if (end != notes_.rend()) report_.evidence.push_back(end->note);
}

/// Of a fork: where it leaves the copy.
void Search::judge_parting() {
  const auto is_fork = [](const Damage& each) { return each.what == DamageClass::forked; };
  if (!search_.copy || std::ranges::none_of(report_.found, is_fork)) return;
  for (Position position = 0; position < stored_.size(); ++position) {
    const auto envelope = envelope_at(*search_.copy, position);
    if (!envelope) return;
    const Hash leaf = leaf_hash(as_bytes(*envelope));
    if (leaf == stored_[position].leaf) continue;
    const auto event = Event::parse(as_bytes(*envelope));
    const auto own = envelope_at(search_.source, position);
    Damage* const parting = add(DamageClass::forked, DamagedThing::event, position,
                                "leaf " + hex(leaf) + ", as in the copy", "leaf " + hex(stored_[position].leaf));
    if (parting && event && !event->account().is_zero()) parting->accounts.push_back(event->account());
    if (parting && own) parting->changes = byte_changes(*envelope, *own);
    return;
  }
}

void Search::judge_tiles() {
  const auto any = search_.source.last(Family::tiles);
  if (any && !*any) return;  // older than tiles
  TileTree tree;
  for (Position position = 0; position < report_.measured; ++position) {
    tree.append(expected_[position], [&](const TileId& tile, const std::string& hashes) {
      if (tile.level > 0 && hashes.size() < tile_hashes * Hash::size && position + 1 < report_.measured) return;
      const auto row = tile_row(tile);
      if (row && row->starts_with(hashes)) return;
      const Position first = (tile.index * tile_hashes) << (tile_height * tile.level);
      add(row ? DamageClass::flipped : DamageClass::missing, DamagedThing::tile, first,
          "the hashes in " + tile_path(tile, static_cast<unsigned>(hashes.size() / Hash::size)),
          row ? "others" : "none that can be read");
    });
  }
}

/// The last event or checkpoint that damage may concern which explains what the audit found: a root is found wrong for
/// all events between two checkpoints, a tile for all of its own.
Position Search::reach_of_finding() const {
  if (first_.kind == FindingKind::tile) return first_.position + tile_hashes - 1;
  if (first_.kind != FindingKind::tree && first_.kind != FindingKind::checkpoint) return first_.position;
  const auto next =
      std::ranges::find_if(notes_, [&](const SignedNote& note) { return note.checkpoint.size > first_.position; });
  return next != notes_.end() ? next->checkpoint.size : stored_.size();
}

/// What the audit found, where the search found nothing that explains it.
void Search::add_first_finding() {
  const Position reach = reach_of_finding();
  const bool is_told = std::ranges::any_of(report_.found, [&](const Damage& each) {
    return each.first <= reach || (first_.kind == FindingKind::checkpoint && each.what == DamageClass::forked);
  });
  const bool is_of_rows = thing_of(first_.kind) == DamagedThing::store && first_.kind != FindingKind::unreadable;
  if (is_told && !is_of_rows) return;
  Damage* const told =
      add(class_of(first_.kind), thing_of(first_.kind), first_.position, first_.expected, first_.found);
  if (!told) return;
  if (first_.kind == FindingKind::tree) told->last = std::max(first_.position + 1, reach) - 1;  // one of them
  if (!first_.account.is_zero()) told->accounts.push_back(first_.account);
}

/// By the signed event itself where a copy has it, by a link to it, and by whose event stands in its place.
void Search::name_accounts(Damage& damage, Position position) {
  const auto name = [&](const Id& account) {
    if (!account.is_zero() && std::ranges::find(damage.accounts, account) == damage.accounts.end())
      damage.accounts.push_back(account);
  };
  const auto copy = copied(position);
  const auto signed_event = copy ? Event::parse(as_bytes(*copy)) : Unexpected{EventFault::malformed};
  if (signed_event) name(signed_event->account());
  if (const auto owner = owners_.find(position); owner != owners_.end()) name(owner->second);
  const auto envelope = envelope_at(search_.source, position);
  if (!envelope) return;
  const auto event = Event::parse(as_bytes(*envelope));
  if (event && (damage.what == DamageClass::rewritten || is_committed(position))) name(event->account());
  if (copy && damage.first == damage.last) damage.changes = byte_changes(*copy, *envelope);
}

DamageReport Search::run() {
  std::ignore = read_key_history(search_.source, keys_);  // what cannot be read of it shows where its keys signed
  read_checkpoints();
  read_events();
  measure();
  judge_events();
  judge_notes();
  judge_end();
  judge_parting();
  judge_tiles();
  add_first_finding();
  for (Damage& damage : report_.found) {
    if (damage.thing != DamagedThing::event) continue;
    const Position end = search_.copy ? stored_.size() + unread_events_max : stored_.size();
    for (Position position = damage.first; position <= damage.last && position < end; ++position)
      name_accounts(damage, position);
  }
  std::ranges::stable_sort(report_.found, {}, &Damage::first);
  return std::move(report_);
}

}  // namespace

DamageReport find_damage(const DamageSearch& search, const Finding& first) { return Search(search, first).run(); }

}  // namespace daicho
