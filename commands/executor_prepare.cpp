// What must be known before a decision and would be too slow or impure inside it: the name index, the outbox, Argon2id.
#include "commands/executor_run.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"

namespace daicho {

namespace {

Fault busy() { return {FaultKind::busy, "Too many passwords are being hashed; try later."}; }

/// What waits in the outbox under this id, if it is the account's.
Result<std::optional<fb::NotificationKind>, StoreError> waiting(const Store& store, const Id& account,
                                                                const Id& notification) {
  const std::string key = outbox_row_key(notification);
  const auto value = store.get(Family::rows, as_bytes(key));
  if (!value) return Unexpected{value.error()};
  const auto row = *value ? decode_outbox_row(as_bytes(key), as_bytes(**value)) : std::nullopt;
  if (!row || row->account != account) return std::optional<fb::NotificationKind>{};
  const auto envelope = read_event(store, row->position);
  if (!envelope) return Unexpected{envelope.error()};
  const auto event =
      *envelope ? Event::parse(as_bytes(**envelope)) : Result<Event, EventFault>(Unexpected{EventFault::malformed});
  if (!event) return Unexpected{StoreError{StoreFault::corrupt, "the event of a notification does not read"}};
  return std::optional(event->body().notifications()->Get(row->index)->kind());
}

}  // namespace

std::optional<Fault> Executor::prepare(Run& run) {
  if (auto* registration = std::get_if<RegisterAccount>(&run.request.command); registration && run.name_tag) {
    const auto taken = store_.get(Family::rows, as_bytes(sign_in_name_row_key(*run.name_tag)));
    if (!taken) return fault_of(taken.error());
    registration->is_name_taken = taken->has_value();
  }
  if (auto* delivery = std::get_if<RecordDelivery>(&run.request.command)) {
    const auto kind = waiting(store_, run.account_id, delivery->notification);
    if (!kind) return fault_of(kind.error());
    delivery->waiting = *kind;
  }
  return hash_secrets(run);
}

std::optional<Fault> Executor::hash_secrets(Run& run) {
  auto* registration = std::get_if<RegisterAccount>(&run.request.command);
  auto* reset = std::get_if<ResetPassword>(&run.request.command);
  auto* addition = std::get_if<AddProof>(&run.request.command);
  if (!registration && !reset && !addition) return std::nullopt;
  if (registration && !registration->password.verifier.empty())
    return std::nullopt;  // a bulk load brings its verifiers
  run.secrets_hashed = !decide_at(run, log_.time()).refusal;
  if (!run.secrets_hashed) return std::nullopt;  // no work for what is refused anyway
  const auto hash = [&](std::string_view secret, std::string& verifier) {
    auto made = passwords_.hash(secret, run.policy->argon2_passes, run.policy->argon2_memory_kib);
    if (!made) return false;
    verifier = *std::move(made);
    return true;
  };
  const auto hash_answer = [&](NewProof& proof) {
    if (proof.kind != fb::ProofKind::secret_question) return true;
    std::string folded = daicho::fold(proof.answer);
    const bool done = hash(folded, proof.answer_verifier);
    wipe(folded);
    return done;
  };
  if (registration) {
    registration->password.grade = grade(*registration, *run.policy);
    if (!hash(registration->password.text, registration->password.verifier)) return busy();
    for (NewProof& proof : registration->proofs) {
      if (!hash_answer(proof)) return busy();
    }
  }
  if (addition && !hash_answer(addition->proof)) return busy();
  if (reset) {
    reset->password.grade = grade(run.before, *reset, context_of(run, log_.time()));
    const auto current = context_of(run, log_.time()).personal(run.before.identity.passwords.back());
    if (current) {
      const auto equals = passwords_.verify(reset->password.text, current->password_verifier);
      if (!equals) return busy();
      reset->password.equals_current = *equals;
    }
    if (!hash(reset->password.text, reset->password.verifier)) return busy();
  }
  return std::nullopt;
}

}  // namespace daicho
