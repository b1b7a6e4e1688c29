#include "projections/current_proofs.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"
#include "projections/identity.hpp"

namespace daicho {

const Proof* CurrentProofs::find(const Id& id) const {
  const auto found = std::ranges::find(all, id, &Proof::id);
  return found == all.end() ? nullptr : &*found;
}

Proof* CurrentProofs::find(const Id& id) { return const_cast<Proof*>(std::as_const(*this).find(id)); }

const Proof* CurrentProofs::with_code_of(const Id& challenge) const {
  const auto found = std::ranges::find_if(all, [&](const Proof& proof) {
    return proof.code && !challenge.is_zero() && proof.code->challenge == challenge;
  });
  return found == all.end() ? nullptr : &*found;
}

const Proof* CurrentProofs::newest_at(const Tag16& address_tag) const {
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [&](const Proof& proof) { return proof.address_tag == address_tag; });
  return found == all.rend() ? nullptr : &*found;
}

std::size_t CurrentProofs::usable_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(all, &Proof::is_usable));
}

namespace {

constexpr Duration days_kept = 3 * day_us;  // longer than any calendar day, clock changes included

void set_status(Proof& proof, ProofStatus status, Time at, Position position) {
  proof.status = status;
  proof.status_since = at;
  proof.status_position = position;
  if (status == ProofStatus::removed) proof.code.reset();
}

void set_verified(Proof& proof, Time at, Position position) {
  set_status(proof, ProofStatus::verified, at, position);
  proof.verified = position;
  proof.code.reset();
  proof.wrong_guesses.clear();
}

/// A device is trusted until the next change (R-PRF-10).
void untrust_devices(CurrentProofs& proofs, Time at, Position position) {
  for (Proof& proof : proofs.all) {
    if (proof.kind != fb::ProofKind::trusted_device || !proof.is_usable()) continue;
    set_status(proof, proof.status == ProofStatus::verified ? ProofStatus::unverified : ProofStatus::removed, at,
               position);
  }
}

void add(CurrentProofs& proofs, Proof proof, const Event& event) {
  if (const Proof* earlier =
          proofs.newest_at(proof.address_tag)) {  // the same destination: nothing is refilled (R-CHL-5)
    proof.wrong_guesses = earlier->wrong_guesses;
    proof.sends = earlier->sends;
    proof.wrong_confirmations = earlier->wrong_confirmations;
    proof.familiar_wrong_confirmations = earlier->familiar_wrong_confirmations;
    proof.totp_step = earlier->totp_step;
  }
  proof.sealed_slot = event.sealed_slot();
  proof.added = proof.status_position = event.position();
  proof.added_at = proof.status_since = event.time();
  proofs.all.push_back(std::move(proof));
}

/// Whether a budget, or the step of an app's code, is not past yet: the destination would come back with it refilled.
bool still_counts(const Proof& proof, Time now) {
  return count_since(proof.wrong_guesses, now, hour_us) > 0 || count_since(proof.sends, now, hour_us) > 0 ||
         count_since(proof.wrong_confirmations, now, days_kept) > 0 ||
         count_since(proof.familiar_wrong_confirmations, now, days_kept) > 0 ||
         (proof.totp_step > 0 && proof.status_since > now - hour_us);
}

/// Of the removed the newest are kept, and beyond them those whose budgets still count (R-CHL-5).
void drop_oldest_removed(CurrentProofs& proofs, Time now) {
  auto removed = std::ranges::count(proofs.all, ProofStatus::removed, &Proof::status);
  while (removed-- > static_cast<std::ptrdiff_t>(removed_proofs_kept_max)) {
    const auto oldest = std::ranges::find_if(proofs.all, [&](const Proof& proof) {
      const bool is_newest = proofs.newest_at(proof.address_tag) == &proof;
      return proof.status == ProofStatus::removed && !(is_newest && still_counts(proof, now));
    });
    if (oldest == proofs.all.end()) return;
    proofs.all.erase(oldest);
  }
}

/// The window closed without effect: the marked proofs are as before, the new ones go.
void abandon_replacement(CurrentProofs& proofs, const Id& replacement, const Event& event) {
  for (Proof& proof : proofs.all) {
    if (proof.replacement != replacement) continue;
    if (proof.status == ProofStatus::marked_lost)
      set_status(proof, ProofStatus::verified, event.time(), event.position());
    if (proof.is_of_window()) set_status(proof, ProofStatus::removed, event.time(), event.position());
  }
  drop_oldest_removed(proofs, event.time());
}

/// Whether another proof that the window does not touch has the same destination: each is stored once (R-PRF-2).
bool is_kept_elsewhere(const CurrentProofs& proofs, const Proof& proof) {
  return std::ranges::any_of(proofs.all, [&](const Proof& other) {
    return other.id != proof.id && other.status == ProofStatus::verified && other.replacement != proof.replacement &&
           other.address_tag == proof.address_tag;
  });
}

/// What was added and never verified goes, so that nobody verifies it later.
void void_unverified(CurrentProofs& proofs, Time at, Position position) {
  for (Proof& proof : proofs.all) {
    if (is_void_after_recovery(proof)) set_status(proof, ProofStatus::removed, at, position);
  }
  drop_oldest_removed(proofs, at);
}

void expect_code(CurrentProofs& proofs, const Id& proof_id, PendingCode code, Time now) {
  for (Proof& other : proofs.all) {  // a new code voids the challenge's old one, whichever proof it went to (R-CHL-5)
    if (other.code && !code.challenge.is_zero() && other.code->challenge == code.challenge) other.code.reset();
  }
  if (Proof* proof = proofs.find(proof_id)) {
    proof->code = code;
    add_mark(proof->sends, now);
  }
}

void evolve_added(CurrentProofs& proofs, const Event& event) {
  if (const auto* added = event.as<fb::ProofAdded>()) {
    Proof proof;
    proof.id = id_of(added->proof_id());
    proof.kind = added->kind();
    proof.status = added->kind() == fb::ProofKind::secret_question ? ProofStatus::verified : ProofStatus::unverified;
    proof.address_tag = tag_of(added->address_tag());
    proof.confirmation_tag = tag_of(added->confirmation_tag());
    proof.replaces = id_of(added->replaces());
    if (proof.status == ProofStatus::verified) proof.verified = event.position();
    add(proofs, std::move(proof), event);
  } else if (const auto* proposed = event.as<fb::ReplacementProofProposed>()) {
    const Id replacement = id_of(proposed->replacement_id());
    for (Proof& proof : proofs.all) {  // a newer proposal takes the place of one not confirmed
      if (proof.replacement == replacement && proof.status == ProofStatus::proposed) {
        set_status(proof, ProofStatus::removed, event.time(), event.position());
      }
    }
    Proof proof;
    proof.id = id_of(proposed->proof_id());
    proof.kind = proposed->kind();
    proof.status = ProofStatus::proposed;
    proof.address_tag = tag_of(proposed->address_tag());
    proof.confirmation_tag = tag_of(proposed->confirmation_tag());
    proof.replacement = replacement;
    add(proofs, std::move(proof), event);
    drop_oldest_removed(proofs, event.time());
  }
}

void evolve_codes(CurrentProofs& proofs, const Event& event) {
  if (const auto* sent = event.as<fb::CodeSent>()) {
    expect_code(
        proofs, id_of(sent->proof_id()),
        {id_of(sent->code_id()), id_of(sent->challenge_id()), false, tag_of(sent->code_hash()), sent->expires_at()},
        event.time());
  } else if (const auto* link = event.as<fb::LinkSent>()) {
    expect_code(proofs, id_of(link->proof_id()),
                {id_of(link->link_id()), Id{}, true, tag_of(link->token_hash()), link->expires_at()}, event.time());
  } else if (const auto* rejected = event.as<fb::CodeRejected>()) {
    Proof* proof = proofs.find(id_of(rejected->proof_id()));
    if (proof && rejected->reason() == fb::CodeRejection::wrong) add_mark(proof->wrong_guesses, event.time());
  } else if (const auto* answer = event.as<fb::SecretAnswerRejected>()) {
    Proof* proof = proofs.find(id_of(answer->proof_id()));
    if (proof && answer->reason() == fb::CodeRejection::wrong) add_mark(proof->wrong_guesses, event.time());
  } else if (const auto* failed = event.as<fb::ContactConfirmationFailed>()) {
    if (Proof* proof = proofs.find(id_of(failed->proof_id()))) {
      add_mark(failed->familiar() ? proof->familiar_wrong_confirmations : proof->wrong_confirmations, event.time(),
               days_kept);
    }
  } else if (const auto* passed = event.as<fb::ChallengePassed>()) {
    if (Proof* proof = proofs.find(id_of(passed->proof_id()))) {
      proof->code.reset();
      proof->wrong_guesses.clear();
      proof->totp_step = std::max(proof->totp_step, passed->totp_step());
    }
  } else if (const auto* reset = event.as<fb::PasswordReset>()) {
    void_open(proofs, event.time(), event.position());
    if (!id_of(reset->recovery_id()).is_zero()) void_unverified(proofs, event.time(), event.position());
  } else if (event.as<fb::PasswordChanged>()) {
    void_open(proofs, event.time(), event.position());
  }
}

/// A device becomes a proof of its owner: one that was added before, or a new one.
void evolve_trusted(CurrentProofs& proofs, const Event& event) {
  const auto* trusted = event.as<fb::DeviceTrusted>();
  if (!trusted) return;
  const Id id = id_of(trusted->proof_id());
  if (!proofs.find(id)) {
    Proof proof;
    proof.id = id;
    proof.kind = fb::ProofKind::trusted_device;
    proof.address_tag = tag_of(trusted->device_tag());
    add(proofs, std::move(proof), event);
  }
  set_verified(*proofs.find(id), event.time(), event.position());
}

void evolve_status(CurrentProofs& proofs, const Event& event) {
  if (const auto* verified = event.as<fb::ProofVerified>()) {
    if (Proof* proof = proofs.find(id_of(verified->proof_id()))) {
      set_verified(*proof, event.time(), event.position());
      proof->totp_step = std::max(proof->totp_step, verified->totp_step());
    }
  } else if (const auto* removed = event.as<fb::ProofRemoved>()) {
    if (Proof* proof = proofs.find(id_of(removed->proof_id()))) {
      set_status(*proof, ProofStatus::removed, event.time(), event.position());
      drop_oldest_removed(proofs, event.time());
    }
  } else if (const auto* lost = event.as<fb::ProofsMarkedLost>()) {
    for (const Id& id : ids_of(lost->proof_ids())) {
      if (Proof* proof = proofs.find(id)) {
        set_status(*proof, ProofStatus::marked_lost, event.time(), event.position());
        proof->replacement = id_of(lost->replacement_id());
      }
    }
  } else if (const auto* confirmed = event.as<fb::ReplacementConfirmed>()) {
    if (Proof* proof = proofs.find(id_of(confirmed->proof_id()))) {
      set_status(*proof, ProofStatus::confirmed, event.time(), event.position());
      proof->code.reset();
      proof->wrong_guesses.clear();
    }
  } else if (const auto* cancelled = event.as<fb::ReplacementCancelled>()) {
    abandon_replacement(proofs, id_of(cancelled->replacement_id()), event);
  } else if (const auto* disputed = event.as<fb::ReplacementDisputed>()) {
    abandon_replacement(proofs, id_of(disputed->replacement_id()), event);
  } else if (const auto* completed = event.as<fb::ReplacementCompleted>()) {
    complete_replacement(proofs, id_of(completed->replacement_id()), completed->effective_at(), event.position());
  }
}

}  // namespace

void void_open(CurrentProofs& proofs, Time at, Position position) {
  for (Proof& proof : proofs.all) {
    proof.code.reset();
    proof.replaces = {};
  }
  untrust_devices(proofs, at, position);
}

void complete_replacement(CurrentProofs& proofs, const Id& replacement, Time effective_at, Position position) {
  for (Proof& proof : proofs.all) {
    if (proof.replacement != replacement) continue;
    switch (proof.status) {
      case ProofStatus::marked_lost:
      case ProofStatus::proposed:
        set_status(proof, ProofStatus::removed, effective_at, position);
        break;
      case ProofStatus::confirmed:
        set_verified(proof, effective_at, position);
        if (is_kept_elsewhere(proofs, proof)) set_status(proof, ProofStatus::removed, effective_at, position);
        break;
      case ProofStatus::unverified:
      case ProofStatus::verified:
      case ProofStatus::removed:
        break;
    }
  }
  void_open(proofs, effective_at, position);
  void_unverified(proofs, effective_at, position);
}

void evolve(CurrentProofs& proofs, const Event& event) {
  if (is_change(event) && !event.as<fb::ReplacementCompleted>())
    untrust_devices(proofs, event.time(), event.position());
  evolve_added(proofs, event);
  evolve_codes(proofs, event);
  evolve_trusted(proofs, event);
  evolve_status(proofs, event);
}

}  // namespace daicho
