// Erasing: an account with its closing (R-LIFE-1, R-LIFE-3), its mailbox (R-LIFE-2), the destination of a removed proof
// (R-PRF-5): what the commit takes with it, and that no file keeps it after (docs/decisions/0020-erasure.md, 0023).
#include "commands/erasure.hpp"
#include "commands/executor_run.hpp"
#include "ledger/pending_erasure.hpp"
#include "projections/history.hpp"
#include "projections/kept_name.hpp"

namespace daicho {

namespace {

/// Where a closing command keeps the mark of the sign-in name; null: it closes nothing, or brings the mark.
std::string* name_mark_of(Command& command) {
  if (auto* closing = std::get_if<CloseAccount>(&command)) return &closing->name_mark;
  if (auto* closing = std::get_if<CloseExpiredAccount>(&command)) return &closing->name_mark;
  return nullptr;
}

}  // namespace

/// What a command that may erase needs to know of the account: its events, and under which tag its name is found.
std::optional<Fault> Executor::prepare_erasure(Run& run) const {
  Command& command = run.request.command;
  std::string* mark = name_mark_of(command);
  const bool is_of_mailbox =
      std::holds_alternative<DeactivateMailbox>(command) && run.account.keys.find(mailbox_key_slot) != nullptr;
  const bool may_erase = mark || is_of_mailbox || std::holds_alternative<EraseDataKey>(command) ||
                         std::holds_alternative<CloseAgain>(command);
  if (!may_erase || run.decoy || run.is_erased()) return std::nullopt;
  auto history = account_events(store_, run.account.head, {});
  if (!history) return fault_of(history.error());
  run.history = *std::move(history);
  if (auto* again = std::get_if<CloseAgain>(&command)) {
    const auto tag = kept_name_tag(store_, keys_, *ledger_key(), run.account_id, as_bytes(again->name_mark));
    again->name_mark = tag ? name_mark(*ledger_key(), run.account_id, *tag) : "";
  }
  if (!mark) return std::nullopt;
  if (const auto registered = context_of(run, 0).personal(run.account.identity.registered))
    *mark = name_mark(*ledger_key(), run.account_id, sign_in_name_tag(keys_, registered->sign_in_name));
  return std::nullopt;
}

/// In the commit of what erases: beside the keys what waits to be sent, who holds it, and the first answers.
void Executor::append_erasure(Rows& rows, const Run& run, std::span<const Event> appended) const {
  std::vector<Event> history = parse_events(run.history);
  std::ranges::move(erasure_rows(run.account_id, history, *erasing(appended.back())), std::back_inserter(rows));
  history.insert(history.end(), appended.begin(), appended.end());
  const auto name_tag = marked_name_tag(history.back(), *ledger_key());
  append_erasing_changes(rows, history,
                         name_tag ? std::optional(sign_in_name_row(keys_, *name_tag, run.account_id)) : std::nullopt);
  if (std::holds_alternative<CloseAgain>(run.request.command))
    rows.push_back({Family::meta, pending_rows_prefix(run.account_id), std::nullopt, true});
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

/// What went, by the account's history up to the erasing event; what of it must be in no file any more is added to
/// `prefixes`.
CompleteErasure gone_with(const Id& account, std::span<const Event> history, std::vector<RowPrefix>& prefixes) {
  const Erasing what = *erasing(history.back());
  const auto of_this = erased_prefixes(account, history.first(history.size() - 1), what);
  prefixes.insert(prefixes.end(), of_this.begin(), of_this.end());
  const auto is_answer = [](const RowPrefix& prefix) { return prefix.family == Family::answers; };
  const auto is_erased = [&](const Event& event) { return event.is_sealed() && what.covers(event); };
  return CompleteErasure{.sealed_events = static_cast<std::uint64_t>(std::ranges::count_if(history, is_erased)),
                         .answers = static_cast<std::uint64_t>(std::ranges::count_if(of_this, is_answer)),
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
    const auto envelopes = account_events(store_, (*account)->head, {.position = *position});
    if (!envelopes) return Unexpected{fault_of(envelopes.error())};
    const std::vector<Event> history = parse_events(*envelopes);
    commands.emplace_back(each, gone_with(each.account, history, prefixes));
    if (const auto name_tag = marked_name_tag(history.back(), *ledger_key()))  // it stays, but not who wrote it when
      prefixes.push_back({Family::rows, sign_in_name_row_key(*name_tag)});
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
