#include "commands/executor.hpp"

#include <algorithm>

#include "commands/executor_run.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"

namespace daicho {

Executor::Stripes::Stripes(std::array<std::mutex, lock_stripes>& stripes, std::vector<std::uint64_t> hashes)
    : stripes_(stripes) {
  for (const std::uint64_t hash : hashes) held_.push_back(hash % lock_stripes);
  std::ranges::sort(held_);
  held_.erase(std::unique(held_.begin(), held_.end()), held_.end());
  for (const std::size_t stripe : held_) stripes_[stripe].lock();
}

Executor::Stripes::Stripes(std::array<std::mutex, lock_stripes>& stripes) : stripes_(stripes) {
  for (std::size_t i = 0; i < lock_stripes; ++i) held_.push_back(i);
  for (std::mutex& stripe : stripes_) stripe.lock();
}

Executor::Stripes::~Stripes() {
  for (const std::size_t stripe : held_) stripes_[stripe].unlock();
}

Executor::Executor(Store& store, Log& log, KeyRing& keys, Entropy entropy, unsigned password_threads)
    : store_(store), log_(log), keys_(keys), entropy_(std::move(entropy)), passwords_(password_threads) {}

Result<std::unique_ptr<Executor>, StoreError> Executor::open(Store& store, Log& log, KeyRing& keys, Entropy entropy,
                                                             unsigned password_threads) {
  auto ledger = load_ledger(store);
  if (!ledger) return Unexpected{ledger.error()};
  std::unique_ptr<Executor> executor(new Executor(store, log, keys, std::move(entropy), password_threads));
  executor->ledger_ = std::make_shared<const LedgerState>(*std::move(ledger));
  return executor;
}

namespace {

template <class... Kinds>
bool is_one_of(const Command& command) {
  return (std::holds_alternative<Kinds>(command) || ...);
}

bool is_ledgers_own(const Request& request) {
  if (is_one_of<AdoptPolicy, RegisterService, RevokeService, RotateSigningKey, RotateMasterKey, RotateLookupKey,
                AcceptRestore, RecordProjectionDigests>(request.command))
    return true;
  return is_one_of<RefuseCommand, CountRefusals, DiscloseEvents>(request.command) && !request.account;
}

/// What a decoy answers to: public pages, the delivery of what they caused, the scheduler.
bool is_for_decoys(const Request& request) {
  return is_public(request.command) || is_one_of<RecordDelivery, RefuseCommand>(request.command) ||
         request.issuer.entry == fb::Entry::scheduler;
}

/// What is still done for an account that has ended.
bool is_done_after_end(const Command& command) {
  return is_one_of<CloseAgain, CloseExpiredAccount, EraseDataKey, CompleteErasure, RecordDelivery, RefuseCommand,
                   CountRefusals>(command);
}

Fault fault_of(const LogError& error) {
  switch (error.fault) {
    case LogFault::busy:
      return {FaultKind::busy, error.detail};
    case LogFault::too_large:
      return {FaultKind::too_large, error.detail};
    case LogFault::stopped:
      break;
  }
  return {FaultKind::stopped, error.detail};
}

/// Who sent a command that concerns nobody any more.
void forget_source(Issuer& issuer) {
  issuer.ip = issuer.user_agent = issuer.request_id = issuer.device_id = "";
  issuer.signed_request = nullptr;
}

/// The sign-in name in the form it is found by; the decision says so when it is no address.
std::optional<std::string> folded_name(const Command& command) {
  const auto* registration = std::get_if<RegisterAccount>(&command);
  const auto email = registration ? parse_email(registration->sign_in_name) : std::nullopt;
  return email ? std::optional(email->folded()) : std::nullopt;
}

}  // namespace

Id Executor::new_id(Time now) const {
  std::array<std::uint8_t, 10> random;
  entropy_(random);
  return make_uuid_v7(now, random);
}

Access* access_in(Command& command) {
  return std::visit(
      [](auto& one) -> Access* {
        if constexpr (std::is_base_of_v<Access, std::decay_t<decltype(one)>>) return &one;
        return nullptr;
      },
      command);
}

bool is_public(const Command& command) {
  if (const auto* start = std::get_if<StartChallenge>(&command)) return is_public(start->purpose);
  if (const auto* sign_in = std::get_if<RecordSignIn>(&command)) return !sign_in->succeeded;
  return is_one_of<ConfirmSignInName, VerifyProof, SendCode, SubmitCode, AnswerSecretQuestion, UseRecoveryCode,
                   ResetPassword, UnblockAccount, MarkProofsLost, ProposeReplacementProof, ConfirmReplacementProof,
                   CancelReplacement, DisputeReplacement, SubmitRecovery>(command);
}

Result<Answer, Fault> Executor::execute(Request request) {
  Run run{.request = std::move(request)};
  run.ledger = ledger_state();
  if (run.request.issuer.entry != fb::Entry::scheduler) {
    if (auto refusal = check_role(*run.ledger, run.request.issuer.service, run.request.issuer.command)) {
      run.request.command = RefuseCommand{*std::move(refusal)};
      run.request.unknown_name.reset();
    }
  }
  const bool own = is_ledgers_own(run.request);
  const auto& unknown = run.request.unknown_name;
  run.account_id = own                     ? Id{}
                   : run.is_registration() ? new_id(log_.time())
                   : unknown               ? decoy_lock_id(keys_, *unknown)
                                           : run.request.account.value_or(Id{});
  if (!own && run.account_id.is_zero())
    return Unexpected{Fault{FaultKind::no_such_account, "The command names no account."}};
  std::vector<std::uint64_t> hashes = {hash_of(run.account_id.view()),
                                       hash_of(as_bytes(answer_row_key(run.request.issuer)))};
  if (unknown) hashes.push_back(hash_of(as_bytes(decoy_row_key(run.account_id))));
  if (const Access* access = access_in(run.request.command)) {  // one investigator's accesses are counted in turn
    const std::string& investigator = investigator_of(*access, run.request.issuer);
    hashes.push_back(hash_of(as_bytes(access_rows_prefix(investigator))));
  }
  run.name = folded_name(run.request.command);
  if (run.name) hashes.push_back(hash_of(as_bytes(*run.name)));
  // From the position of a registration or a revocation on, every command is judged by it: none is in flight then.
  if (is_one_of<RotateSigningKey, RotateLookupKey, RegisterService, RevokeService>(run.request.command)) {
    const Stripes locks(stripes_);
    return this->run(run);
  }
  auto answer = [&] {
    const Stripes locks(stripes_, std::move(hashes));
    return this->run(run);
  }();
  // The scheduler's and a restore's are finished together, by who issues them; what fails here, by a tick.
  const bool is_one = run.request.issuer.entry != fb::Entry::scheduler && !is_one_of<CloseAgain>(run.request.command);
  if (run.has_erased && is_one) static_cast<void>(finish_erasures());
  return answer;
}

std::shared_ptr<const LedgerState> Executor::ledger_state() const {
  const std::lock_guard lock(ledger_mutex_);
  return ledger_;
}

LedgerState Executor::ledger() const { return *ledger_state(); }

std::optional<SecretKey> Executor::data_key_of(const Id& account) const {
  if (auto key = keys_.data_key(store_, account)) return key;
  auto decoy = find_decoy(store_, keys_, account);
  return decoy && *decoy ? std::optional(std::move((*decoy)->data_key)) : std::nullopt;
}

std::optional<Result<Answer, Fault>> Executor::first_answer(const Run& run) const {
  const std::string key = answer_row_key(run.request.issuer);
  const auto row = store_.get(Family::answers, as_bytes(key));
  if (!row) return Unexpected{fault_of(row.error())};
  if (!*row) return std::nullopt;
  const auto erased = [] {
    return Unexpected{Fault{FaultKind::answer_erased,
                            "This idempotency key was used, and its answer was erased with what it was about."}};
  };
  if ((*row)->empty()) return erased();
  const auto first = parse_first_answer(as_bytes(**row));
  if (!first) return Unexpected{Fault{FaultKind::stopped, "The stored first answer does not parse."}};
  const bool is_same =
      equal_constant_time(first->fingerprint.view(), fingerprint(run.request, keys_).view()) ||
      equal_constant_time(first->fingerprint.view(), fingerprint_of_closing(run.request, keys_).view());
  if (!is_same) {
    return Unexpected{Fault{FaultKind::key_reused, "This idempotency key was used for another command or body."}};
  }
  const auto data_key = data_key_of(first->account);
  const auto answer = data_key ? open_first_answer(*first, *data_key, key) : std::nullopt;
  if (!answer) return erased();
  return Result<Answer, Fault>(*answer);
}

std::optional<Fault> Executor::load(Run& run) {
  run.ledger = ledger_state();
  if (const auto& name = run.request.unknown_name) {
    auto decoy = load_decoy(store_, keys_, *name, run.ledger->created_at, log_.time());
    if (!decoy) return fault_of(decoy.error());
    run.decoy = *std::move(decoy);
    run.account_id = run.decoy->id;
    return std::nullopt;
  }
  if (!run.is_ledgers_own() && !run.is_registration()) {
    auto account = load_account(store_, run.account_id);
    if (!account) return fault_of(account.error());
    if (!*account) {
      auto decoy = find_decoy(store_, keys_, run.account_id);
      if (!decoy) return fault_of(decoy.error());
      if (!*decoy || !is_for_decoys(run.request))
        return Fault{FaultKind::no_such_account, "There is no account " + to_text(run.account_id) + "."};
      run.decoy = **std::move(decoy);
      return std::nullopt;
    }
    run.account = **std::move(account);
  }
  run.account.id = run.account_id;
  if (const auto& expected = run.request.expected_version; expected && *expected != run.head().version) {
    return Fault{FaultKind::version_conflict, "The account is at version " + std::to_string(run.head().version) + ".",
                 run.head().version};
  }
  if (run.is_registration()) {
    auto [key, row] = keys_.new_data_key(run.account_id, entropy_);
    run.data_key = std::move(key);
    run.key_row = std::move(row);
  } else {
    // What comes after an account was erased is refused, at most on record, and none of it is sealed.
    const bool is_keyless = run.is_erased() || is_one_of<CloseAgain>(run.request.command);
    run.data_key = is_keyless ? ledger_key() : keys_.data_key(store_, run.account_id);
  }
  if (run.is_erased()) forget_source(run.request.issuer);
  if (!run.data_key) return Fault{FaultKind::no_such_account, "The account's key is erased."};
  run.vault.emplace(run.account_id, *run.data_key, keys_.code_key());
  return std::nullopt;
}

namespace {

constexpr std::size_t evidence_compared_max = 10'000;  // of one field

std::vector<Evidence> read_evidence(const Store& store, const Id& account, fb::RecoveryField field) {
  std::vector<Evidence> all;
  const std::string prefix = evidence_rows_prefix(account, field);
  const auto failed = store.scan(Family::rows, as_bytes(prefix), [&](ByteView key, ByteView value) {
    if (!as_text(key).starts_with(prefix) || all.size() >= evidence_compared_max) return false;
    if (auto evidence = parse_evidence_row(key, value)) all.push_back(*std::move(evidence));
    return true;
  });
  return failed ? std::vector<Evidence>{} : all;
}

/// Another account's event stays closed, whoever names its position.
std::optional<fb::PersonalT> personal_of_account(const Store& store, Position position, const Id& account,
                                                 const KeyRing& keys) {
  const auto envelope = read_event(store, position);
  if (!envelope || !*envelope) return std::nullopt;
  const auto event = Event::parse(as_bytes(**envelope));
  return event && event->account() == account ? keys.personal(store, *event) : std::nullopt;
}

}  // namespace

Context Executor::context_of(Run& run, Time now) const {
  return Context{
      .now = now,
      .policy = run.policy(),
      .vault = *run.vault,
      .issuer = run.request.issuer,
      .new_id = [this, now] { return new_id(now); },
      .vault_at = [this, &run](std::uint32_t slot) -> const Vault* {
        if (slot == own_key_slot) return &*run.vault;
        const SlotKey* key = slot_key(run, slot);
        return key ? &key->vault : nullptr;
      },
      .new_vault_at = [this, &run](std::uint32_t slot) -> const Vault& { return drawn_key(run, slot).vault; },
      .personal =
          [this, &run](Position position) {
            auto& opened = run.opened[position];
            if (opened) return opened;
            if (run.decoy) return opened = decoy_personal(store_, *run.decoy, position);
            if (auto personal = personal_of_account(store_, position, run.account_id, keys_)) {
              opened = std::make_shared<const fb::PersonalT>(*std::move(personal));
            }
            return opened;
          },
      .evidence = [this, &run](fb::RecoveryField field) -> const std::vector<Evidence>& {
        auto [found, is_new] = run.evidence.try_emplace(field);
        if (is_new) found->second = read_evidence(store_, run.account_id, field);
        return found->second;
      },
  };
}

namespace {

Decision decide(const LedgerState&, const RecordProjectionDigests& command) {
  fb::ProjectionDigestsRecordedT recorded;
  recorded.size = command.size;
  recorded.fold_version = fold_version;
  for (const TableDigest& each : command.digests) {
    auto digest = std::make_unique<fb::ProjectionDigestT>();
    digest->table = static_cast<std::uint8_t>(each.table);
    digest->rows = each.rows;
    digest->digest = each.digest;
    recorded.digests.push_back(std::move(digest));
  }
  Decision decision = accepted({{"size", command.size}});
  decision.events.push_back(draft(std::move(recorded), {Rule::led_3}));
  return decision;
}

template <class State>
Decision decide(const State&, const CountRefusals& command, const Context&) {
  Decision decision = accepted({{"rule", text_of(command.rule).id}, {"count", command.count}});
  decision.events.push_back(draft(
      fb::RefusalsCountedT{
          .rule = static_cast<std::uint16_t>(command.rule), .count = command.count, .since = command.since},
      {Rule::led_1}));
  return decision;
}

}  // namespace

Decision Executor::decide_at(Run& run, Time now) const {
  const Context context = context_of(run, now);
  const bool ends_again = is_one_of<CloseAgain>(run.request.command);  // as of before whatever ran out since
  const bool is_due = !run.account.life.end && !ends_again && run.account.windows.is_due(now);
  const std::optional<Account> in_effect = is_due ? std::optional(settled(run.account, now)) : std::nullopt;
  const Account& account = in_effect ? *in_effect : run.account;
  Decision decision = std::visit(
      [&](const auto& command) {
        using Kind = std::decay_t<decltype(command)>;
        if constexpr (std::is_same_v<Kind, AdoptPolicy> || std::is_same_v<Kind, RegisterService> ||
                      std::is_same_v<Kind, RevokeService> || std::is_same_v<Kind, RotateSigningKey> ||
                      std::is_same_v<Kind, RotateMasterKey> || std::is_same_v<Kind, RotateLookupKey> ||
                      std::is_same_v<Kind, AcceptRestore>) {
          return decide(*run.ledger, command, context);
        } else if constexpr (std::is_same_v<Kind, RecordProjectionDigests>) {
          return decide(*run.ledger, command);
        } else if constexpr (std::is_same_v<Kind, RefuseCommand> || std::is_same_v<Kind, CountRefusals> ||
                             std::is_same_v<Kind, DiscloseEvents>) {
          return run.is_ledgers_own() ? decide(*run.ledger, command, context) : decide(account, command, context);
        } else {
          if (auto ended = check_not_ended(account); ended && !is_done_after_end(run.request.command))
            return refused(*std::move(ended));
          return decide(account, command, context);
        }
      },
      run.request.command);
  // A window that ran out takes effect before whatever comes after it, whoever comes first (R-LOST-6).
  const bool appends = !decision.refusal || !decision.events.empty();
  if (appends && is_due) {
    decision.events.insert(decision.events.begin(),
                           completion(run.account, *run.account.windows.open->effective_at, context));
  }
  return decision;
}

/// Under the locks, which registering and revoking a service take all of: what was judged before may be so no more.
std::optional<Refusal> Executor::check_issuer(const Run& run) const {
  const auto ledger = ledger_state();
  const Issuer& issuer = run.request.issuer;
  if (run.request.is_anybody && !ledger->services.empty())
    return Refusal{Rule::led_5, "service_unknown", "Services are registered by now: a token says who asks."};
  const bool has_role = issuer.entry == fb::Entry::scheduler || is_one_of<RefuseCommand>(run.request.command);
  if (!has_role) {
    if (auto refusal = check_role(*ledger, issuer.service, issuer.command)) return refusal;
  }
  return check_signature(*ledger, issuer, run.account_id);
}

Result<Answer, Fault> Executor::run(Run& run) {
  if (const auto refusal = check_issuer(run)) return Answer{refusal_json(*refusal), true, false};
  if (auto first = first_answer(run)) return *std::move(first);
  if (auto fault = load(run)) return Unexpected{*std::move(fault)};
  if (run.decoy) return run_decoy(run);
  if (auto fault = prepare(run)) return Unexpected{*std::move(fault)};

  const auto signed_request = run.request.issuer.signed_request;
  const auto base = signed_request ? read_signature_base(signed_request->base) : std::nullopt;
  std::optional<std::string> untimely;  // the signature
  bool overtaken = false;               // refused when prepared, not any more: time went on in between
  const Log::Decide decide = [&](Time now) {
    untimely = base ? refute_time(base->parameters, now) : std::nullopt;
    if (untimely) return Decided{};
    run.decision = decide_at(run, now);
    overtaken = !run.secrets_asked && !run.decision.refusal;
    if (overtaken) return Decided{};
    run.request.issuer.command_digest = command_digest(run, run.decision.events);
    if (signed_request && !run.decision.events.empty())
      run.decision.events.front().signed_request = request_to_seal(run, run.decision.events);
    return Decided{std::move(run.decision.events), run.policy().version};
  };
  const Log::Fold fold = [&](const std::vector<Event>& events, const std::vector<Hash>& leaves) {
    return this->fold(run, events, leaves);
  };
  const KeyOfSlot data_keys = [&](std::uint32_t slot) -> const SecretKey& {
    return slot == own_key_slot ? *run.data_key : slot_key(run, slot)->key;
  };
  const auto places =
      log_.append({run.account_id, run.head(), run.request.issuer, data_keys, decide, fold, run.next_signer});
  settle_next_signer(run, places);
  if (!places) {
    return Unexpected{fault_of(places.error())};
  }
  if (untimely) return Answer{refusal_json(signature_refused(*untimely)), true, false};
  if (overtaken) return Unexpected{Fault{FaultKind::busy, "The account changed meanwhile; try again."}};
  finish(run);
  if (run.answer && run.decision.reveal)
    run.answer->body.update(run.decision.reveal(run.account, context_of(run, log_.time())));
  if (run.answer) return *std::move(run.answer);
  return answer_of(run, run.account, context_of(run, log_.time()), {});
}

/// The sealed part of an event of the account: one that is stored, or one that is being appended.
std::shared_ptr<const fb::PersonalT> Executor::personal_of(Run& run, const std::vector<Event>& appended,
                                                           Position position) const {
  const auto found = std::ranges::find(appended, position, &Event::position);
  if (found == appended.end()) return context_of(run, 0).personal(position);
  const SlotKey* key = found->sealed_slot() == own_key_slot ? nullptr : slot_key(run, found->sealed_slot());
  auto personal = found->open(key ? key->key : *run.data_key);
  return personal ? std::make_shared<const fb::PersonalT>(*std::move(personal)) : nullptr;
}

Rows Executor::fold(Run& run, const std::vector<Event>& events, const std::vector<Hash>& leaves) const {
  Rows rows;
  if (run.is_ledgers_own()) {
    run.ledger_after = *run.ledger;
    for (std::size_t i = 0; i < events.size(); ++i) {
      evolve(run.ledger_after, events[i], leaves[i]);
      append_access_row(rows, events[i]);
    }
    rows.push_back({Family::rows, ledger_row_key(), encode_row(run.ledger_after)});
  } else {
    const Lookup lookup{&keys_, [&](Position position) { return personal_of(run, events, position); }};
    Indexed before = indexed(run.account);
    for (std::size_t i = 0; i < events.size(); ++i) {
      evolve(run.account, events[i], leaves[i]);
      Indexed after = indexed(run.account);
      append_index_changes(rows, before, after, events[i], lookup);
      before = std::move(after);
    }
    rows.push_back({Family::rows, account_row_key(run.account_id), encode_row(run.account)});
  }
  run.answer = answer_of(run, run.account, context_of(run, events.back().time()), events);
  run.has_erased = erasing(events.back()).has_value();
  if (run.has_erased) append_erasure(rows, run, events);
  const std::string key = answer_row_key(run.request.issuer);
  // Of an erased account no body is kept, not even as a hash: it may hold secrets.
  const auto own_key = run.is_erased() ? ledger_key() : std::nullopt;
  const std::string answer =
      own_key ? encode_first_answer(fingerprint_of_closing(run.request, keys_), {}, *run.answer, *own_key, key)
              : encode_first_answer(fingerprint(run.request, keys_), run.account_id, *run.answer, *run.data_key, key);
  rows.push_back({Family::answers, key, answer});
  append_drawn_keys(rows, run, events);
  if (std::holds_alternative<RotateMasterKey>(run.request.command)) rows.push_back(wrapped_mark());
  return rows;
}

/// What the executor itself remembers, once the command is durable.
void Executor::finish(Run& run) {
  if (run.decision.counted) {
    const std::lock_guard lock(counted_mutex_);
    Counted& counted = counted_[{run.account_id, static_cast<std::uint16_t>(run.decision.refusal->rule)}];
    if (counted.count++ == 0) counted = {1, log_.time(), run.decoy.has_value()};
  }
  if (run.is_ledgers_own() && run.answer) {
    const std::lock_guard lock(ledger_mutex_);
    ledger_ = std::make_shared<const LedgerState>(std::move(run.ledger_after));
  }
}

}  // namespace daicho
