// What is due by time alone, done once however late or often it is asked for (R-LOST-6, R-LED-1, R-LED-3).
#include "commands/executor_run.hpp"

namespace daicho {

namespace {

constexpr Duration digests_every = day_us;
constexpr std::size_t due_per_tick_max = 10'000;

}  // namespace

Result<std::vector<Due>, Fault> waiting_since(const Store& store, bool decoys, DueKind kind, Time until) {
  std::vector<Due> due;
  const std::string prefix = decoys ? decoy_index_key("") : "";
  const std::string from = prefix + due_rows_prefix(kind);
  const auto failed = store.scan(decoys ? Family::meta : Family::rows, as_bytes(from), [&](ByteView key, ByteView) {
    if (!as_text(key).starts_with(from)) return false;
    const auto row = parse_due_row(key.subspan(prefix.size()));
    if (!row || row->kind != kind || row->at > until || due.size() >= due_per_tick_max) return false;
    due.push_back(*row);
    return true;
  });
  if (failed) return Unexpected{fault_of(*failed)};
  return due;
}

namespace {

/// How long something of this kind waits before there is anything to do.
Duration wait_of(DueKind kind, const Policy& policy) {
  switch (kind) {
    case DueKind::replacement:
    case DueKind::recovery_reply:
    case DueKind::erasure:
      return 0;
    case DueKind::recovery_survey:
      return (policy.survey_days - 1) * day_us;
    case DueKind::mailbox_first_use:
      return policy.mailbox_first_sign_in_days * day_us;
    case DueKind::mailbox_idle:
      return policy.mailbox_inactive_days * day_us;
    case DueKind::account_idle:
      return policy.account_inactive_days * day_us;
    case DueKind::unneeded_key:
      return policy.removed_proof_retention_days * day_us;
    case DueKind::account_expired:
      return policy.expired_account_retention_days * day_us;
  }
  return 0;
}

/// Every kind of the accounts' but erasures, which are finished together, then those that decoys have, too.
std::vector<std::pair<bool, DueKind>> due_kinds_of_all() {
  std::vector<std::pair<bool, DueKind>> all;
  for (const DueKind kind : due_kinds) {
    if (kind != DueKind::erasure) all.emplace_back(false, kind);
  }
  for (const DueKind kind : {DueKind::replacement, DueKind::recovery_reply, DueKind::recovery_survey})
    all.emplace_back(true, kind);
  return all;
}

struct DueCommand {
  const char* name;
  Command command;
};
DueCommand command_for(const Due& due) {
  switch (due.kind) {
    case DueKind::replacement:
      return {"complete-replacement", CompleteReplacement{due.subject}};
    case DueKind::recovery_reply:
      return {"decide-recovery", DecideRecovery{due.subject}};
    case DueKind::recovery_survey:
      return {"send-recovery-survey", SendRecoverySurvey{due.subject}};
    case DueKind::mailbox_first_use:
      return {"deactivate-mailbox", DeactivateMailbox{fb::MailboxReason::never_signed_in}};
    case DueKind::mailbox_idle:
      return {"deactivate-mailbox", DeactivateMailbox{fb::MailboxReason::inactive}};
    case DueKind::unneeded_key:
      return {"erase-data-key", EraseDataKey{key_of_subject(due.subject)}};
    case DueKind::account_expired:
      return {"close-expired-account", CloseExpiredAccount{}};
    case DueKind::account_idle:
    case DueKind::erasure:
      break;
  }
  return {"expire-account", ExpireAccount{}};
}

/// The idempotency key under which it is done once.
std::string key_for(const Due& due, const char* name) {
  const std::string key = std::string(name) + "/";
  if (due.kind == DueKind::unneeded_key)
    return key + to_text(due.account) + "/" + std::to_string(key_of_subject(due.subject));
  return due.subject.is_zero() ? key + to_text(due.account) + "/" + std::to_string(due.at) : key + to_text(due.subject);
}

}  // namespace

Result<Executor::DueReadings, Fault> Executor::due_readings() const {
  const Time now = log_.time();
  const auto state = ledger_state();
  DueReadings readings;
  for (const DueKind kind : due_kinds) {
    const Duration wait = wait_of(kind, state->policy);
    Overdue overdue{.kind = kind};
    for (const bool decoys : {false, true}) {
      const auto due = waiting_since(store_, decoys, kind, now - wait);
      if (!due) return Unexpected{due.error()};
      overdue.count += due->size();
      if (!due->empty()) overdue.oldest = std::max(overdue.oldest, now - wait - due->front().at);
      if (kind != DueKind::replacement) continue;
      const auto all = waiting_since(store_, decoys, kind, time_max);
      if (!all) return Unexpected{all.error()};
      readings.open_windows += all->size() - due->size();
    }
    readings.overdue.push_back(overdue);
  }
  return readings;
}

Result<Answer, Fault> Executor::execute_for_scheduler(Command command, const Id& account, const char* name,
                                                      std::string key) {
  Request request{.command = std::move(command)};
  if (!account.is_zero()) request.account = account;
  request.issuer.service = "scheduler";
  request.issuer.command = name;
  request.issuer.command_id = std::move(key);
  request.issuer.entry = fb::Entry::scheduler;
  return execute(std::move(request));
}

std::optional<Fault> Executor::run_due(std::vector<Answer>& done) {
  const Time now = log_.time();
  const auto state = ledger_state();
  for (const auto& [decoys, kind] : due_kinds_of_all()) {
    const auto due = waiting_since(store_, decoys, kind, now - wait_of(kind, state->policy));
    if (!due) return due.error();
    for (const Due& item : *due) {
      auto [name, command] = command_for(item);
      auto answer = execute_for_scheduler(std::move(command), item.account, name, key_for(item, name));
      const bool is_evicted = decoys && !answer && answer.error().kind == FaultKind::no_such_account;
      if (is_evicted) {
        if (auto error = store_.write({{Family::meta, decoy_index_key(due_row_key(item)), std::nullopt}}, false))
          return fault_of(*error);
        continue;
      }
      if (!answer && answer.error().kind != FaultKind::stopped) continue;  // one account must not hold up the others
      if (!answer) return answer.error();
      if (!decoys && !answer->is_refusal && !answer->replayed) done.push_back(*std::move(answer));
    }
  }
  return std::nullopt;
}

Result<std::vector<Answer>, Fault> Executor::tick() {
  std::vector<Answer> done;
  if (auto fault = run_due(done)) return Unexpected{*std::move(fault)};
  auto erasures = finish_erasures();
  if (erasures) std::ranges::move(*erasures, std::back_inserter(done));
  decltype(counted_) counted;
  {
    const std::lock_guard lock(counted_mutex_);
    counted.swap(counted_);
  }
  for (const auto& [which, refusals] : counted) {
    const CountRefusals command{static_cast<Rule>(which.second), refusals.count, refusals.since};
    auto answer =
        execute_for_scheduler(command, which.first, "count-refusals", "count-refusals/" + to_text(new_id(log_.time())));
    if (!answer && answer.error().kind != FaultKind::stopped) continue;
    if (!answer) return Unexpected{answer.error()};
    if (!refusals.is_decoys) done.push_back(*std::move(answer));
  }
  if (auto digests = record_digests()) {
    if (!*digests) return Unexpected{digests->error()};
    done.push_back(**std::move(digests));
  }
  if (!erasures) return Unexpected{erasures.error()};  // all else was done
  return done;
}

std::optional<Result<Answer, Fault>> Executor::record_digests() {
  const Stripes locks(stripes_);  // nothing else is written meanwhile
  const std::uint64_t size = log_.size();
  const LedgerState state = ledger();
  if (size <= state.digests_at + 1 || log_.time() < state.digests_time + digests_every) return std::nullopt;
  RowDigests digests;
  const auto failed = store_.scan(Family::rows, {}, [&](ByteView key, ByteView value) {
    digests.add(as_text(key), as_text(value));
    return true;
  });
  if (failed) return Unexpected{fault_of(*failed)};
  Run run{.request = {.command = RecordProjectionDigests{size, digests.finish()}}};
  run.request.issuer.service = "scheduler";
  run.request.issuer.command = "record-projection-digests";
  run.request.issuer.command_id = "record-projection-digests/" + std::to_string(size);
  run.request.issuer.entry = fb::Entry::scheduler;
  return this->run(run);
}

}  // namespace daicho
