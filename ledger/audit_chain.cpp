#include "ledger/audit_chain.hpp"

#include "ledger/log_rows.hpp"
#include "ledger/pending_erasure.hpp"

namespace daicho {
namespace {

std::string hex(const Hash& hash) { return to_hex(hash.view()); }

std::string words(const AccountHead& head) {
  if (head == AccountHead{}) return "no event before it";
  return "version " + std::to_string(head.version) + " at position " + std::to_string(head.position) + " with leaf " +
         hex(head.leaf);
}

std::string words(NoteFault fault) {
  switch (fault) {
    case NoteFault::malformed:
      return "not a checkpoint note";
    case NoteFault::unknown_key:
      return "a note that this key did not sign";
    case NoteFault::bad_signature:
      return "a note whose signature does not verify";
  }
  return {};
}

}  // namespace

KnownKey& KnownAccount::key(std::uint32_t slot) {
  const auto found = std::ranges::find(keys, slot, &KnownKey::slot);
  return found != keys.end() ? *found : keys.emplace_back(KnownKey{.slot = slot});
}

/// Whether the next stored checkpoint covers these very bytes: then they were committed like this. When they are not,
/// or none follows, `roots` says what was compared.
bool AuditChain::tree_covers(const AuditedEvent& audited, std::string& roots) const {
  Frontier frontier = frontier_;
  frontier.append(audited.leaf);
  std::optional<Checkpoint> next;
  const auto from = big_endian(frontier.size());
  if (source_.scan(Family::checkpoints, ByteView(from), [&](ByteView, ByteView note) {
        if (const auto opened = open_checkpoint(as_text(note), keys_.at(audited.position))) next = *opened;
        return false;
      })) {
    return false;
  }
  if (!next || next->size < frontier.size()) return false;
  const auto following = big_endian(frontier.size());
  const auto error = source_.scan(Family::events, ByteView(following), [&](ByteView, ByteView envelope) {
    if (frontier.size() >= next->size) return false;
    frontier.append(leaf_hash(envelope));
    return true;
  });
  if (error || frontier.size() != next->size) return false;
  roots = ", root " + hex(frontier.root()) + " at size " + std::to_string(next->size) + " where " + hex(next->root) +
          " is signed";
  return frontier.root() == next->root;
}

/// The event's own bytes: format, signature, sealed part.
std::optional<Finding> AuditChain::bytes(const AuditedEvent& audited) const {
  const Position position = frontier_.size();
  if (audited.event && audited.is_signed) {
    if (audited.sealed != SealedPart::broken) return std::nullopt;
    return Finding{FindingKind::sealed, position, audited.event->account(),
                   "a sealed part that opens under data key " + std::to_string(audited.event->sealed_slot()),
                   "one that does not open under the key stored"};
  }
  std::string roots;
  const bool was_committed = tree_covers(audited, roots);
  const Id account = audited.event ? audited.event->account() : Id{};
  const std::string leaf = "leaf " + hex(audited.leaf) + roots;
  if (!audited.event) {
    const bool is_version = audited.event.error() == EventFault::unsupported_version;
    return Finding{was_committed ? FindingKind::malformed : FindingKind::flipped, position, account,
                   "an event of format version " + std::to_string(event_format_version),
                   (is_version ? "another version or payload type, " : "bytes that are no event, ") + leaf};
  }
  return Finding{was_committed ? FindingKind::signature : FindingKind::flipped, position, account,
                 "a signature by " + keys_.at(position).vkey(),
                 "one by key id " + to_hex(audited.event->key_id().view()) + " that does not verify, " + leaf};
}

/// Position, time and what refers back to other positions.
std::optional<Finding> AuditChain::place(const Event& event) const {
  const Position position = frontier_.size();
  if (event.position() != position) {
    return Finding{FindingKind::missing, position, event.account(), "event " + std::to_string(position),
                   "event " + std::to_string(event.position()) + " in its place"};
  }
  if (event.time() < report_.last_time || event.time() < time_min) {
    return Finding{FindingKind::time, position, event.account(), to_rfc3339(report_.last_time) + " or later",
                   to_rfc3339(event.time())};
  }
  const auto caused_by = event.header().caused_by();
  if (caused_by && *caused_by >= position) {
    return Finding{FindingKind::malformed, position, event.account(), "a cause before it",
                   "caused_by " + std::to_string(*caused_by)};
  }
  if (position > 0) return std::nullopt;
  const auto* const created = event.as<fb::LedgerCreated>();
  const std::string vkey = created && created->vkey() ? created->vkey()->str() : "";
  if (vkey == keys_.first().vkey() && event.account().is_zero()) return std::nullopt;
  return Finding{FindingKind::malformed, position, event.account(), "LedgerCreated with " + keys_.first().vkey(),
                 std::string(event.type_name()) + " " + vkey};
}

std::optional<Finding> AuditChain::history(const Event& event) const {
  const auto known = accounts_.find(event.account());
  const AccountHead expected = known == accounts_.end() ? AccountHead{} : known->second.head;
  const AccountHead found = event.previous();
  if (found == expected) return std::nullopt;
  const bool is_before = found.version > 0 && found.position < heads_from_;
  if (known == accounts_.end() && is_before) return std::nullopt;
  return Finding{FindingKind::back_link, event.position(), event.account(), words(expected), words(found)};
}

/// A rotation names a key that may come next, and is among those by which signatures were checked.
std::optional<Finding> AuditChain::rotation(const Event& event) const {
  const auto* const rotated = event.as<fb::SigningKeyRotated>();
  if (!rotated) return std::nullopt;
  const auto next = keys_.named_by(event);
  if (!next) {
    return Finding{FindingKind::malformed, event.position(), event.account(),
                   "a rotation from " + keys_.at(event.position()).vkey() + " to a new key of the same name",
                   "one to " + (rotated->vkey() ? rotated->vkey()->str() : "none")};
  }
  if (keys_.at(event.position() + 1) == *next) return std::nullopt;
  return Finding{FindingKind::missing, event.position(), event.account(), "its position in the list of key rotations",
                 "a list without it"};
}

/// A tile of the events against the stored one.
std::optional<Finding> AuditChain::tile(const TileId& id, const std::string& hashes, bool may_be_longer) const {
  const Position first = (id.index * tile_hashes) << (tile_height * id.level);
  const auto found = [&](const std::string& words) {
    return Finding{FindingKind::tile, first, {}, "the hashes of the events in " + tile_path(id, tile_hashes), words};
  };
  const auto row = source_.get(Family::tiles, as_bytes(tile_key(id)));
  if (!row) return found(row.error().detail);
  if (!*row || (*row)->size() < hashes.size()) return found("fewer");
  if (!(*row)->starts_with(hashes)) return found("others");
  if (!may_be_longer && (*row)->size() > hashes.size()) return found("more");
  return std::nullopt;
}

/// The tiles that this leaf fills or makes grow; the stored ones may have grown on.
std::optional<Finding> AuditChain::tiles(const Hash& leaf) {
  std::optional<Finding> finding;
  if (!has_tiles_) return finding;
  tiles_.append(leaf, [&](const TileId& id, const std::string& hashes) {
    if (!finding) finding = tile(id, hashes, true);
  });
  return finding;
}

std::optional<Finding> AuditChain::partial_tiles() const {
  for (const auto& [id, hashes] : tiles_.partial()) {
    if (auto finding = tile(id, hashes, false)) return finding;
  }
  return std::nullopt;
}

/// An accepted restore names the size it goes on from.
std::optional<Finding> AuditChain::restore(const Event& event) const {
  const auto* const restored = event.as<fb::RestoreAccepted>();
  if (!restored || (restored->size() == event.position() && event.account().is_zero())) return std::nullopt;
  return Finding{FindingKind::malformed, event.position(), event.account(),
                 "an accepted restore of " + std::to_string(event.position()) + " events",
                 "one of " + std::to_string(restored->size())};
}

void AuditChain::count_sealed(const AuditedEvent& audited) {
  if (audited.sealed == SealedPart::none && audited.event->sealed_slot() == 0) return;
  KnownKey& key = accounts_[audited.event->account()].key(audited.event->sealed_slot());
  if (audited.is_key_gone && !key.key_gone) key.key_gone = audited.position;
  if (audited.sealed == SealedPart::none) return;
  ++key.sealed;
  if (audited.sealed == SealedPart::opened) {
    ++report_.sealed_opened;
    return;
  }
  ++key.unopened;
  ++report_.sealed_without_key;
}

/// Whether the service signed the command, and under which keys that is kept.
std::optional<Finding> AuditChain::request(const AuditedEvent& audited) {
  const Id account = audited.event->account();
  if (auto finding = services_.event(audited, heads_from_ == 0, erasures_.contains({account, own_key_slot})))
    return finding;
  const AuditedRequest& request = audited.request;
  for (const std::uint32_t slot : request.slots_gone) {
    KnownKey& key = accounts_[account].key(slot);
    if (!key.key_gone) key.key_gone = audited.position;
  }
  if (request.part == RequestPart::opened) ++report_.requests_verified;
  if (request.part == RequestPart::unopened)
    ++(request.slots_gone.empty() ? report_.requests_unopened : report_.requests_erased);
  return std::nullopt;
}

/// What is sealed under these keys up to here counts as erased.
void AuditChain::erase(const ErasedKeys& erased, const Hash& fingerprint, Position position) {
  ErasingEvent record{position, fingerprint, 0};
  if (erased.slot != own_key_slot) accounts_[erased.account].key(erased.slot);
  for (KnownKey& key : accounts_[erased.account].keys) {
    if (erased.slot != own_key_slot && key.slot != erased.slot) continue;
    record.sealed += key.sealed;
    report_.sealed_without_key -= key.unopened;
    report_.sealed_erased += key.unopened;
    key.unopened = 0;
    key.key_gone.reset();
    const auto earlier = key.slot != own_key_slot ? erasures_.find({erased.account, key.slot}) : erasures_.end();
    if (earlier == erasures_.end()) continue;
    if (!earlier->second.is_completed) --report_.erasures_open;  // the closing's completion says it for all
    erasures_.erase(earlier);
  }
  ++report_.erasures_open;
  erasures_.emplace(erased, record);
}

/// What erases makes what its account sealed before erased; its completion repeats what went.
std::optional<Finding> AuditChain::erasure(const Event& event) {
  const Id account = event.account();
  const auto is_erased = [&](std::uint32_t slot) { return erasures_.contains({account, slot}); };
  if (const auto erased = erasing(event); erased && !is_erased(own_key_slot) && !is_erased(erased->slot))
    erase({account, erased->slot}, erased->fingerprint, event.position());
  const auto* const completed = event.as<fb::ErasureCompleted>();
  if (!completed) return std::nullopt;
  const auto record = erasures_.find({account, completed->slot()});
  if (heads_from_ > 0 && record == erasures_.end()) return std::nullopt;  // it may have been erased before
  const bool knows_all = heads_from_ == 0;
  const Hash key = completed->key_fingerprint() ? flatbuffers::UnPack(*completed->key_fingerprint()) : Hash{};
  const bool fits = record != erasures_.end() && !record->second.is_completed &&
                    event.header().caused_by() == flatbuffers::Optional<Position>(record->second.position) &&
                    key == record->second.fingerprint &&
                    (!knows_all || completed->sealed_events() == record->second.sealed);
  if (!fits) {
    return Finding{FindingKind::malformed, event.position(), account, "the completion of an erasure, once",
                   "one of key " + hex(key) + " and " + std::to_string(completed->sealed_events()) + " sealed events"};
  }
  record->second.position = event.position();
  record->second.is_completed = true;
  ++report_.erasures;
  --report_.erasures_open;
  return std::nullopt;
}

/// Whether it was erased while the audit ran: after the events that are audited.
bool AuditChain::is_erased_later(const Id& account, std::uint32_t slot) const {
  bool is_erased = false;
  std::string envelope;  // aligned copy
  const auto from = big_endian(frontier_.size());
  const auto failed = source_.scan(Family::events, ByteView(from), [&](ByteView, ByteView value) {
    envelope.assign(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    const auto erased = event && event->account() == account ? erasing(*event) : std::nullopt;
    is_erased = erased && (erased->is_all() || erased->slot == slot);
    return !is_erased;
  });
  return !failed && is_erased;
}

/// Of accounts whose erasure is on record in a longer copy of this log only: what they sealed counts as erased, too.
std::optional<StoreError> AuditChain::count_pending(const KeyFound& found) {
  if (!source_.is_store()) return std::nullopt;
  const auto pending = pending_erasures(source_);
  if (!pending) return pending.error();
  std::optional<Id> counted;
  for (const PendingErasure& each : *pending) {
    const auto known = accounts_.find(each.account);
    const bool is_erased = erasures_.contains({each.account, own_key_slot});
    if (known == accounts_.end() || is_erased || !is_proven(each, keys_.first())) continue;
    for (KnownKey& key : known->second.keys) {
      report_.sealed_without_key -= key.unopened;
      report_.sealed_erased += key.unopened;
      key.unopened = 0;
      key.key_gone.reset();
    }
    if (counted != each.account) ++report_.erasures_pending;  // two copies of the log may have one each
    counted = each.account;
    if (auto error = find_key({each.account, own_key_slot}, known->second.head.position, found)) return error;
  }
  return std::nullopt;
}

/// A key that is stored though an event at `position` erased it.
std::optional<StoreError> AuditChain::find_key(const ErasedKeys& erased, Position position,
                                               const KeyFound& found) const {
  const bool is_all = erased.slot == own_key_slot;
  const std::string prefix =
      is_all ? std::string(erased.account.text()) : KeyRing::row_key(erased.account, erased.slot);
  const std::string which = is_all ? "no data key of the account" : "no data key " + std::to_string(erased.slot);
  return source_.scan(Family::keys, as_bytes(prefix), [&](ByteView key, ByteView) {
    if (as_text(key).starts_with(prefix))
      found(position, erased.account, which + ", for it was erased", "one that is stored");
    return false;
  });
}

void AuditChain::find_lost_keys(const KeyFound& found) const {
  for (const auto& [account, known] : accounts_) {
    for (const KnownKey& key : known.keys) {
      if (!key.key_gone || is_erased_later(account, key.slot)) continue;
      found(*key.key_gone, account, "data key " + std::to_string(key.slot) + ", or an event that erased it", "neither");
    }
  }
}

std::optional<Finding> AuditChain::erased_keys() {
  std::optional<Finding> first;
  const KeyFound found = [&](Position position, const Id& account, const std::string& expected, const char* what) {
    if (!first || position < first->position) first = Finding{FindingKind::key, position, account, expected, what};
  };
  const auto unreadable = [](const StoreError& error) {
    return Finding{FindingKind::unreadable, 0, {}, "readable keys, and what is pending of them", error.detail};
  };
  if (const auto error = count_pending(found)) return unreadable(*error);
  find_lost_keys(found);
  if (!source_.is_store()) return first;
  for (const auto& [erased, event] : erasures_) {
    if (const auto error = find_key(erased, event.position, found)) return unreadable(*error);
  }
  return first;
}

std::optional<Finding> AuditChain::event(const AuditedEvent& audited) {
  const Position position = frontier_.size();
  if (audited.position != position) {
    return Finding{FindingKind::missing,
                   position,
                   {},
                   "event " + std::to_string(position),
                   "event " + std::to_string(audited.position) + " next"};
  }
  if (auto finding = bytes(audited)) return finding;
  const Event& event = *audited.event;
  if (auto finding = place(event)) return finding;
  if (auto finding = history(event)) return finding;
  if (auto finding = rotation(event)) return finding;
  if (auto finding = restore(event)) return finding;

  accounts_[event.account()].head = {event.account_version(), position, audited.leaf};
  count_sealed(audited);
  if (auto finding = request(audited)) return finding;
  if (auto finding = erasure(event)) return finding;
  frontier_.append(audited.leaf);
  if (auto finding = tiles(audited.leaf)) return finding;
  if (position == 0) report_.first_time = event.time();
  report_.last_time = event.time();
  ++report_.events;
  if (audited.is_verified) ++report_.signatures;
  report_.bytes += audited.size;
  if (event.type() == fb::Payload::SigningKeyRotated) ++report_.rotations;
  if (const auto* restored = event.as<fb::RestoreAccepted>())
    report_.restores.push_back({position, restored->known_size()});

  return known_roots();
}

/// Those of the size that the tree has now.
std::optional<Finding> AuditChain::known_roots() {
  for (; next_known_ < known_.size() && known_[next_known_].checkpoint.size == frontier_.size(); ++next_known_) {
    const KnownRoot& known = known_[next_known_];
    if (known.checkpoint.root == frontier_.root()) continue;
    return Finding{FindingKind::checkpoint,
                   frontier_.size(),
                   {},
                   "root " + hex(known.checkpoint.root) + ", as signed in " + known.from,
                   "root " + hex(frontier_.root())};
  }
  return std::nullopt;
}

std::optional<Finding> AuditChain::checkpoint(const AuditedCheckpoint& audited) {
  const auto finding = [&](std::string expected, std::string found) {
    return Finding{FindingKind::checkpoint, audited.size.value_or(0), {}, std::move(expected), std::move(found)};
  };
  if (!audited.size || *audited.size == 0) return finding("a checkpoint of a size from 1", "one that covers nothing");
  if (!audited.opened)
    return finding("a checkpoint signed by " + keys_.at(*audited.size).vkey(), words(audited.opened.error()));
  if (audited.opened->size != *audited.size) {
    return finding("a checkpoint of size " + std::to_string(*audited.size),
                   "one of size " + std::to_string(audited.opened->size));
  }
  if (audited.opened->root != frontier_.root()) {
    return Finding{FindingKind::tree,
                   covered_,
                   {},
                   "root " + hex(audited.opened->root) + " at size " + std::to_string(*audited.size) + ", as signed",
                   "root " + hex(frontier_.root())};
  }
  covered_ = *audited.size;
  ++report_.checkpoints;
  ++report_.signatures;
  return std::nullopt;
}

}  // namespace daicho
