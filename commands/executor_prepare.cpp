// What must be known before a decision and would be too slow or impure inside it: the indexes, the outbox, Argon2id.
#include <algorithm>
#include <set>

#include "commands/executor_run.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"

namespace daicho {

namespace {

Fault busy() { return {FaultKind::busy, "Too many passwords are being hashed; try later."}; }

/// What waits in the outbox under this id, if it is the account's or the decoy's, and to which proof it goes.
struct Waiting {
  fb::NotificationKind kind;
  Id proof;
};
Result<std::optional<Waiting>, StoreError> waiting(const Store& store, const Id& account, bool is_decoy,
                                                   const Id& notification) {
  const std::string key = outbox_row_key(notification);
  const auto value =
      is_decoy ? store.get(Family::meta, as_bytes(decoy_index_key(key))) : store.get(Family::rows, as_bytes(key));
  if (!value) return Unexpected{value.error()};
  const auto row = *value ? decode_outbox_row(as_bytes(key), as_bytes(**value)) : std::nullopt;
  if (!row || row->account != account) return std::optional<Waiting>{};
  const auto envelope = is_decoy ? store.get(Family::meta, as_bytes(decoy_event_key(account, row->position)))
                                 : read_event(store, row->position);
  if (!envelope) return Unexpected{envelope.error()};
  const auto event =
      *envelope ? Event::parse(as_bytes(**envelope)) : Result<Event, EventFault>(Unexpected{EventFault::malformed});
  if (!event) return Unexpected{StoreError{StoreFault::corrupt, "the event of a notification does not read"}};
  const fb::Notification& found = *event->body().notifications()->Get(row->index);
  return std::optional(Waiting{found.kind(), id_of(found.proof_id())});
}

}  // namespace

std::optional<Fault> Executor::prepare(Run& run) {
  if (auto* registration = std::get_if<RegisterAccount>(&run.request.command); registration && run.name) {
    const auto holder = find_sign_in_name(store_, keys_, *run.name);
    if (!holder) return fault_of(holder.error());
    registration->is_name_taken = holder->has_value();
    if (holder->has_value() && run.policy().sign_in_name_reuse == "after_closing") {  // R-LIFE-1
      const auto account = load_account(store_, **holder);
      if (!account) return fault_of(account.error());
      registration->is_name_taken = !*account || !(*account)->life.end;
    }
  }
  if (auto* delivery = std::get_if<RecordDelivery>(&run.request.command)) {
    const auto found = waiting(store_, run.account_id, run.decoy.has_value(), delivery->notification);
    if (!found) return fault_of(found.error());
    if (*found) delivery->waiting = (*found)->kind, delivery->proof = (*found)->proof;
  }
  if (Access* access = access_in(run.request.command)) {
    const std::string& investigator = investigator_of(*access, run.request.issuer);
    const auto earlier = read_accesses(store_, investigator, log_.time() - day_marks_kept);
    if (!earlier) return fault_of(earlier.error());
    for (const AccessRow& row : *earlier) access->earlier.push_back(row.at);
  }
  if (auto fault = prepare_erasure(run)) return fault;
  if (auto* rotation = std::get_if<RotateSigningKey>(&run.request.command)) return keep_next_signer(run, *rotation);
  if (auto* rotation = std::get_if<RotateLookupKey>(&run.request.command)) return draw_lookup_key(run, *rotation);
  return ask_secrets(run);
}

namespace {

/// Runs Argon2id over what a command brings, in the pool; false: the pool is full.
class Secrets {
 public:
  Secrets(PasswordPool& pool, const Account& account, const Context& context)
      : pool_(pool), account_(account), context_(context) {}

  bool ask(RegisterAccount& command) const {
    command.password.grade = grade(command, context_.policy);
    return hash(command.password) &&
           std::ranges::all_of(command.proofs, [&](NewProof& proof) { return hash_answer(proof); });
  }
  bool ask(AddProof& command) const { return hash_answer(command.proof); }
  bool ask(ReplaceProof& command) const { return hash_answer(command.proof); }
  bool ask(ResetPassword& command) const { return ask(command.password); }
  bool ask(ChangePassword& command) const {
    return verify_current(command.current, command.verdict) && ask(command.password);
  }
  bool ask(CloseAccount& command) const { return verify_current(command.password, command.verdict); }
  bool ask(AnswerSecretQuestion& command) const {
    const auto question = context_.personal(account_.proofs.find(command.proof)->added);
    std::string folded = fold(command.answer);
    const bool done = verify(folded, question ? question->answer_verifier : "", command.verdict);
    wipe(folded);
    return done;
  }
  /// How many of the answers were passwords of the account: the current one and the history the policy keeps (R-PWD-4).
  bool ask(SubmitRecovery& command) const {
    const auto answer = std::ranges::find(command.answers, "passwords", &RecoveryAnswer::field);
    if (answer == command.answers.end()) return true;
    const auto& known = account_.identity.passwords;
    const std::size_t kept = std::min(known.size(), static_cast<std::size_t>(context_.policy.password_history) + 1);
    std::set<std::string> right;
    for (std::size_t i = known.size() - kept; i < known.size(); ++i) {
      const auto personal = context_.personal(known[i]);
      for (const std::string& attempt : answer->values) {
        Verdict verdict = Verdict::not_asked;
        if (!verify(attempt, personal ? personal->password_verifier : "", verdict)) return false;
        if (verdict == Verdict::right) right.insert(attempt);
      }
    }
    command.passwords_matched = right.size();
    return true;
  }

 private:
  bool hash(std::string_view secret, std::string& verifier) const {
    auto made = pool_.hash(secret, context_.policy.argon2_passes, context_.policy.argon2_memory_kib);
    if (made) verifier = *std::move(made);
    return made.has_value();
  }
  bool hash(NewPassword& password) const { return hash(password.text, password.verifier); }
  bool hash_answer(NewProof& proof) const {
    if (proof.kind != fb::ProofKind::secret_question) return true;
    std::string folded = fold(proof.answer);
    const bool done = hash(folded, proof.answer_verifier);
    wipe(folded);
    return done;
  }
  bool verify(std::string_view secret, const std::string& verifier, Verdict& verdict) const {
    if (verifier.empty()) {  // a decoy's, or erased: it takes as long to say no
      verdict = Verdict::wrong;
      std::string thrown_away;
      return hash(secret, thrown_away);
    }
    const auto is_right = pool_.verify(secret, verifier);
    if (is_right) verdict = *is_right ? Verdict::right : Verdict::wrong;
    return is_right.has_value();
  }
  bool verify_current(std::string_view secret, Verdict& verdict) const {
    const auto current = context_.personal(account_.identity.passwords.back());
    return verify(secret, current ? current->password_verifier : "", verdict);
  }
  bool ask(NewPassword& password) const {
    password.grade = grade(account_, password, context_);
    Verdict same = Verdict::wrong;
    if (!verify_current(password.text, same)) return false;
    password.equals_current = same == Verdict::right;
    return hash(password);
  }

  PasswordPool& pool_;
  const Account& account_;
  const Context& context_;
};

}  // namespace

std::optional<Fault> Executor::ask_secrets(Run& run) {
  const auto asks_of = [](const auto& command) {
    return requires(const Secrets& secrets, std::decay_t<decltype(command)>& asked) { secrets.ask(asked); };
  };
  const bool asks = std::visit(asks_of, run.request.command);
  const auto* registration = std::get_if<RegisterAccount>(&run.request.command);
  const bool is_bulk_load = registration && !registration->password.verifier.empty();  // it brings its verifiers
  if (!asks || is_bulk_load) return std::nullopt;
  const Time now = log_.time();
  run.secrets_asked = !decide_at(run, now).refusal;
  if (!run.secrets_asked) return std::nullopt;  // no work for what is refused anyway
  const Context context = context_of(run, now);
  const Account account = settled(run.account, now);
  const Secrets secrets(passwords_, account, context);
  const auto ask = [&](auto& command) {
    if constexpr (requires { secrets.ask(command); }) return secrets.ask(command);
    return true;
  };
  const bool done = std::visit(ask, run.request.command);
  if (!done) return busy();
  return std::nullopt;
}

}  // namespace daicho
