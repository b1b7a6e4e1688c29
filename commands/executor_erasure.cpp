// Erasing: an account with its closing (R-LIFE-1, R-LIFE-3), its mailbox (R-LIFE-2), the destination of a removed proof
// (R-PRF-5): what the commit takes with it, and that no file keeps it after (docs/decisions/0020-erasure.md, 0023).
#include <set>

#include "commands/executor_run.hpp"
#include "projections/history.hpp"

namespace daicho {

namespace {

/// The keys of the first answers that go: of the commands that what is erased concerns, but not of the erasing one.
std::set<std::string> answer_keys(std::span<const Event> history, const Erasing& erasing) {
  std::set<std::string> keys;
  for (const Event& event : concerned(history, erasing)) keys.insert(answer_row_key(event));
  keys.erase(answer_row_key(history.back()));
  return keys;
}

/// What must be in no file any more, beside those answers.
void append_prefixes(std::vector<RowPrefix>& prefixes, const Id& account, std::uint32_t slot) {
  if (slot != own_key_slot) {
    prefixes.push_back({Family::keys, KeyRing::row_key(account, slot)});
    return;
  }
  prefixes.push_back({Family::keys, std::string(account.text())});
  prefixes.push_back({Family::rows, account_row_key(account)});
  prefixes.push_back({Family::rows, evidence_rows_prefix(account)});
}

/// Where a closing command keeps the mark of the sign-in name; null: it closes nothing.
std::string* name_mark_of(Command& command) {
  if (auto* closing = std::get_if<CloseAccount>(&command)) return &closing->name_mark;
  if (auto* closing = std::get_if<CloseExpiredAccount>(&command)) return &closing->name_mark;
  return nullptr;
}

}  // namespace

/// What a command that may erase needs to know of the account: its events, and under which tag its name is found.
std::optional<Fault> Executor::prepare_erasure(Run& run) const {
  std::string* mark = name_mark_of(run.request.command);
  const bool is_of_mailbox = std::holds_alternative<DeactivateMailbox>(run.request.command) &&
                             run.account.keys.find(mailbox_key_slot) != nullptr;
  const bool may_erase = mark || is_of_mailbox || std::holds_alternative<EraseDataKey>(run.request.command);
  if (!may_erase || run.decoy || run.is_erased()) return std::nullopt;
  auto history = account_events(store_, run.account.head, {});
  if (!history) return fault_of(history.error());
  run.history = *std::move(history);
  if (!mark) return std::nullopt;
  const auto registered = Event::parse(as_bytes(run.history.front()));
  const auto name_tag = registered_name_tag(*registered, keys_, store_);
  if (name_tag) *mark = name_mark(*ledger_key(), run.account_id, *name_tag);
  return std::nullopt;
}

/// In the commit of what erases: the data key, or with the account all of them, what waits to be sent, who holds it,
/// and the first answers, whose keys stay used.
void Executor::append_erasure(Rows& rows, const Run& run, std::span<const Event> appended) const {
  std::vector<Event> history = parse_events(run.history);
  history.insert(history.end(), appended.begin(), appended.end());
  const Erasing what = *erasing(history.back());
  const bool is_all = what.slot == own_key_slot;
  append_erasing_changes(rows, history, marked_name_tag(history.back(), *ledger_key()));
  rows.push_back({Family::keys,
                  is_all ? std::string(run.account_id.text()) : KeyRing::row_key(run.account_id, what.slot),
                  std::nullopt, is_all});
  for (const Id& notification : is_all ? notifications_of(history) : withdrawn_notifications(history, what))
    rows.push_back({Family::leases, std::string(notification.text()), std::nullopt});
  for (const std::string& key : answer_keys(history, what)) rows.push_back({Family::answers, key, ""});
}

namespace {

/// The event that erased what was due; nullopt: the account was closed meanwhile, which is due itself.
std::optional<Position> erased_at(const Account& account, std::uint32_t slot) {
  if (slot == own_key_slot) return account.life.end->position;
  const auto found = std::ranges::find(account.keys.leaving, slot, &LeavingKey::slot);
  return found == account.keys.leaving.end() ? std::nullopt : std::optional(found->position);
}

std::string key_of_completion(const Due& due) {
  const std::uint32_t slot = key_of_subject(due.subject);
  const std::string key = "complete-erasure/" + to_text(due.account);
  return slot == own_key_slot ? key : key + "/" + std::to_string(slot);
}

/// What went with it, by the account's history; what of that must be in no file any more is added to `prefixes`.
Result<CompleteErasure, StoreError> gone_with(const Store& store, const Account& account, Position erased_at,
                                              std::vector<RowPrefix>& prefixes) {
  const auto envelopes = account_events(store, account.head, {.position = erased_at});
  if (!envelopes) return Unexpected{envelopes.error()};
  const std::vector<Event> history = parse_events(*envelopes);
  const Erasing what = *erasing(history.back());
  const std::set<std::string> answers = answer_keys(history, what);
  append_prefixes(prefixes, account.id, what.slot);
  for (const std::string& key : answers) prefixes.push_back({Family::answers, key});
  const auto is_erased = [&](const Event& event) { return event.is_sealed() && what.covers(event); };
  return CompleteErasure{.sealed_events = static_cast<std::uint64_t>(std::ranges::count_if(history, is_erased)),
                         .answers = answers.size(),
                         .notifications = withdrawn_notifications(history, what).size(),
                         .slot = what.slot};
}

}  // namespace

/// Of all that is due: its bytes leave the files, then ErasureCompleted says so.
Result<std::vector<Answer>, Fault> Executor::finish_erasures() {
  const std::lock_guard one_at_a_time(erasures_mutex_);
  const auto due = waiting_since(store_, false, DueKind::erasure, time_max);
  if (!due) return Unexpected{due.error()};
  std::vector<Answer> done;
  if (due->empty()) return done;
  std::vector<RowPrefix> prefixes;
  std::vector<std::pair<Due, CompleteErasure>> commands;
  for (const Due& each : *due) {
    const auto account = load_account(store_, each.account);
    if (!account) return Unexpected{fault_of(account.error())};
    const auto position = erased_at(**account, key_of_subject(each.subject));
    if (!position) continue;
    const auto command = gone_with(store_, **account, *position, prefixes);
    if (!command) return Unexpected{fault_of(command.error())};
    commands.emplace_back(each, *command);
  }
  if (auto error = store_.purge(prefixes))
    return Unexpected{Fault{FaultKind::busy, "Not erased yet: " + error->detail}};
  for (const auto& [each, command] : commands) {
    auto answer = execute_for_scheduler(command, each.account, "complete-erasure", key_of_completion(each));
    if (!answer) return Unexpected{answer.error()};
    if (!answer->is_refusal) done.push_back(*std::move(answer));  // refused: the account was closed meanwhile
  }
  return done;
}

}  // namespace daicho
