// New keys of the ledger's own. A lookup key goes into the commit of its event. A signing key is kept, its event
// appended, the key put in force, in this order, so that no crash leaves a log whose next event nobody can sign.
#include "commands/executor_run.hpp"

namespace daicho {

/// What is decided names the next signing key, which is kept by then.
std::optional<Fault> Executor::keep_next_signer(Run& run, RotateSigningKey& command) {
  const Verifier in_force = log_.verifier();
  auto next = key_place_.next ? key_place_.next(in_force.name) : std::nullopt;
  if (!next) return Fault{FaultKind::busy, "A new signing key cannot be had here; nothing was changed."};
  command = {in_force.id, next->verifier().vkey()};
  run.next_signer = std::make_shared<const Signer>(*std::move(next));
  return std::nullopt;
}

/// The key of the next slot; its row goes into the commit of the event. The live rows stay under the key they are under
/// until finish_lookup_rotation().
std::optional<Fault> Executor::draw_lookup_key(Run& run, RotateLookupKey& command) const {
  const std::uint32_t rotations = run.ledger->lookup_rotations;
  if (keys_.lookup_keys().front().slot != lookup_slot(rotations))
    return Fault{FaultKind::busy, "The rows are not yet under the lookup key in force; nothing was changed."};
  auto [key, row] = keys_.new_lookup_key(rotations + 1, entropy_);
  command = {lookup_fingerprint(keys_.lookup_key()), lookup_fingerprint(key)};
  run.key_row = std::move(row);
  return std::nullopt;
}

/// After the append. One that failed in writing may be stored all the same: the next opening settles it by the log.
void Executor::settle_next_signer(const Run& run, const Result<std::vector<Place>, LogError>& places) {
  if (!run.next_signer) return;
  const bool is_open = !places && places.error().fault == LogFault::stopped;
  if (is_open) return;
  if (places && !places->empty()) {
    key_place_.put_next_in_force();
  } else {
    key_place_.drop_next();
  }
}

}  // namespace daicho
