#include "projections/data_keys.hpp"

#include <algorithm>
#include <set>

#include "projections/event_fields.hpp"

namespace daicho {

const DataKey* DataKeys::find(std::uint32_t slot) const {
  const auto found = std::ranges::find(live, slot, &DataKey::slot);
  return found == live.end() ? nullptr : &*found;
}

namespace {

bool is_of_destination(const DataKey& key) { return key.purpose == fb::KeyPurpose::destination; }

}  // namespace

const DataKey* DataKeys::shared() const {
  if (std::ranges::count_if(live, is_of_destination) < static_cast<std::ptrdiff_t>(destination_keys_max))
    return nullptr;
  const auto newest = [&](const auto& wanted) {
    const auto found = std::find_if(live.rbegin(), live.rend(), wanted);
    return found == live.rend() ? nullptr : &*found;
  };
  const DataKey* unneeded = newest([](const DataKey& key) { return key.unneeded_since.has_value(); });
  return unneeded ? unneeded : newest(is_of_destination);
}

namespace {

/// The key that this event is the first under; nullopt: it draws none.
std::optional<DataKey> drawn(const DataKeys& keys, const Event& event) {
  const std::uint32_t slot = event.sealed_slot();
  if (keys.has(slot)) return std::nullopt;
  if (event.as<fb::EvidenceRecorded>()) return DataKey{slot, fb::KeyPurpose::mailbox, {}, {}};
  const auto* added = event.as<fb::ProofAdded>();
  const auto* proposed = event.as<fb::ReplacementProofProposed>();
  if (!added && !proposed) return std::nullopt;
  return DataKey{slot, fb::KeyPurpose::destination, tag_of(added ? added->address_tag() : proposed->address_tag()), {}};
}

bool is_needed(const DataKey& key, const CurrentProofs& proofs) {
  return std::ranges::any_of(proofs.all, [&](const Proof& proof) {
    return proof.sealed_slot == key.slot && proof.status != ProofStatus::removed;
  });
}

}  // namespace

void evolve(DataKeys& keys, const Event& event, const CurrentProofs& proofs) {
  if (auto key = drawn(keys, event)) {
    keys.next_slot = std::max(keys.next_slot, key->slot + 1);
    keys.live.push_back(*std::move(key));
  } else if (const auto* erased = event.as<fb::DataKeyErased>()) {
    std::erase_if(keys.live, [&](const DataKey& each) { return each.slot == erased->slot(); });
    keys.leaving.push_back({erased->slot(), hash_of(erased->key_fingerprint()), event.time(), event.position()});
  } else if (const auto* completed = event.as<fb::ErasureCompleted>()) {
    std::erase_if(keys.leaving, [&](const LeavingKey& each) { return each.slot == completed->slot(); });
  }
  for (DataKey& key : keys.live) {
    if (!is_of_destination(key)) continue;
    if (is_needed(key, proofs)) {
      key.unneeded_since.reset();
    } else if (!key.unneeded_since) {
      key.unneeded_since = event.time();
    }
  }
}

namespace {

/// The proofs that are sealed under the key.
std::set<Id> proofs_under(std::span<const Event> history, const Erasing& erasing) {
  std::set<Id> proofs;
  for (const Event& event : history) {
    if (!erasing.covers(event)) continue;
    if (const auto* added = event.as<fb::ProofAdded>()) proofs.insert(id_of(added->proof_id()));
    if (const auto* proposed = event.as<fb::ReplacementProofProposed>()) proofs.insert(id_of(proposed->proof_id()));
  }
  return proofs;
}

/// The proof that an event speaks of; all zero: none.
Id proof_of(const Event& event) {
  Id id;
  const auto look = [&](const auto* payload) {
    if (payload) id = id_of(payload->proof_id());
  };
  look(event.as<fb::ProofVerified>()), look(event.as<fb::ProofRemoved>()), look(event.as<fb::CodeSent>());
  look(event.as<fb::LinkSent>()), look(event.as<fb::CodeRejected>()), look(event.as<fb::ChallengePassed>());
  look(event.as<fb::SecretAnswerRejected>()), look(event.as<fb::ContactConfirmationFailed>());
  look(event.as<fb::ReplacementConfirmed>());
  return id;
}

/// Whether its command's answer describes proofs, masked: those of an offer, or all that there were.
bool describes(const Event& event, const std::set<Id>& proofs) {
  if (event.as<fb::PasswordReset>() || event.as<fb::ReplacementCompleted>()) return true;
  const auto* started = event.as<fb::ChallengeStarted>();
  const std::vector<Id> offers = ids_of(started ? started->offers() : nullptr);
  return std::ranges::any_of(offers, [&](const Id& id) { return proofs.contains(id); });
}

}  // namespace

std::vector<Event> concerned(std::span<const Event> history, const Erasing& erasing) {
  std::vector<Event> found;
  const std::set<Id> proofs = proofs_under(history, erasing);
  for (const Event& event : history) {
    const bool names_proof = proofs.contains(proof_of(event)) || (!proofs.empty() && describes(event, proofs));
    if (erasing.covers(event) || names_proof) found.push_back(event);
  }
  return found;
}

std::vector<Id> withdrawn_notifications(std::span<const Event> history, const Erasing& erasing) {
  std::set<Id> waiting;
  const std::set<Id> proofs = proofs_under(history, erasing);
  for (const Event& event : history) {
    const auto* notifications = event.body().notifications();
    for (std::size_t i = 0; notifications && i < notifications->size(); ++i) {
      const fb::Notification& each = *notifications->Get(static_cast<flatbuffers::uoffset_t>(i));
      const bool is_to_proof = each.recipient() == fb::Recipient::proof && proofs.contains(id_of(each.proof_id()));
      if (erasing.slot == own_key_slot || is_to_proof) waiting.insert(id_of(each.id()));
    }
    if (const auto* delivered = event.as<fb::DeliveryRecorded>()) waiting.erase(id_of(delivered->notification_id()));
  }
  return {waiting.begin(), waiting.end()};
}

}  // namespace daicho
