// The signing key's hand-over: kept, appended, put in force, in this order, so that no crash leaves a log whose next
// event nobody can sign.
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
