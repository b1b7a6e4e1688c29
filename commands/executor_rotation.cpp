// The signing key's hand-over: kept, appended, put in force, in this order, so that no crash leaves a log whose next
// event nobody can sign.
#include "commands/executor_run.hpp"

namespace daicho {

/// Draws the next signing key and has it kept; what is decided names it.
std::optional<Fault> Executor::keep_next_signer(Run& run, RotateSigningKey& command) {
  const Verifier in_force = log_.verifier();
  auto next = std::make_shared<const Signer>(Signer::draw(in_force.name, entropy_));
  if (!key_place_.keep_next || !key_place_.keep_next(*next))
    return Fault{FaultKind::busy, "A new signing key cannot be kept here; nothing was changed."};
  command = {in_force.id, next->verifier().vkey()};
  run.next_signer = std::move(next);
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
