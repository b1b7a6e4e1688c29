// Closing an account erases it (R-LIFE-1): what its commit takes with it, and that no file keeps it after
// (docs/decisions/0020-erasure.md).
#include "commands/erasure.hpp"
#include "commands/executor_run.hpp"
#include "ledger/pending_erasure.hpp"
#include "projections/history.hpp"

namespace daicho {

std::optional<Fault> Executor::read_history(Run& run) const {
  auto history = account_events(store_, run.account.head, {});
  if (!history) return fault_of(history.error());
  run.history = *std::move(history);
  return std::nullopt;
}

/// What the closing needs to know of the account: its events, and under which tag its name is found.
std::optional<Fault> Executor::prepare_closing(Run& run, CloseAccount& command) const {
  if (run.account.life.end) return std::nullopt;  // refused
  if (auto fault = read_history(run)) return fault;
  const auto registered = context_of(run, 0).personal(run.account.identity.registered);
  if (registered)
    command.name_mark = name_mark(*ledger_key(), run.account_id, sign_in_name_tag(keys_, registered->sign_in_name));
  return std::nullopt;
}

/// In the commit of the closing: beside its key what waits to be sent, who holds it, and the first answers.
void Executor::append_erasure(Rows& rows, const Run& run, std::span<const Event> appended) const {
  std::vector<Event> history = parse_events(run.history);
  std::ranges::move(erasure_rows(run.account_id, history), std::back_inserter(rows));
  history.insert(history.end(), appended.begin(), appended.end());
  const auto name_tag = marked_name_tag(history.back(), *ledger_key());
  append_closing_changes(rows, history,
                         name_tag ? std::optional(sign_in_name_row(keys_, *name_tag, run.account_id)) : std::nullopt);
  if (std::holds_alternative<CloseAgain>(run.request.command))
    rows.push_back({Family::meta, pending_rows_prefix(run.account_id), std::nullopt, true});
}

/// Of every account whose erasure is due: its bytes leave the files, then ErasureCompleted says so.
Result<std::vector<Answer>, Fault> Executor::finish_erasures() {
  const std::lock_guard one_at_a_time(erasures_mutex_);
  const auto due = waiting_since(store_, false, DueKind::erasure, time_max);
  if (!due) return Unexpected{due.error()};
  std::vector<Answer> done;
  if (due->empty()) return done;
  std::vector<RowPrefix> prefixes;
  std::vector<CompleteErasure> commands;
  for (const Due& each : *due) {
    const auto account = load_account(store_, each.account);
    if (!account) return Unexpected{fault_of(account.error())};
    const AsOf closing{.position = (*account)->life.end->position};
    const auto envelopes = account_events(store_, (*account)->head, closing);
    if (!envelopes) return Unexpected{fault_of(envelopes.error())};
    const std::vector<Event> history = parse_events(*envelopes);
    const auto of_account = erased_prefixes(each.account, std::span(history).first(history.size() - 1));
    const auto is_answer = [](const RowPrefix& prefix) { return prefix.family == Family::answers; };
    prefixes.insert(prefixes.end(), of_account.begin(), of_account.end());
    if (const auto name_tag = marked_name_tag(history.back(), *ledger_key()))  // it stays, but not who wrote it when
      prefixes.push_back({Family::rows, sign_in_name_row_key(*name_tag)});
    commands.push_back({.sealed_events = static_cast<std::uint64_t>(std::ranges::count_if(history, &Event::is_sealed)),
                        .answers = static_cast<std::uint64_t>(std::ranges::count_if(of_account, is_answer)),
                        .notifications = waiting_notifications(history).size()});
  }
  if (auto error = store_.purge(prefixes))
    return Unexpected{Fault{FaultKind::busy, "Not erased yet: " + error->detail}};
  for (std::size_t i = 0; i < due->size(); ++i) {
    const Id& account = (*due)[i].account;
    auto answer =
        execute_for_scheduler(commands[i], account, "complete-erasure", "complete-erasure/" + to_text(account));
    if (!answer) return Unexpected{answer.error()};
    done.push_back(*std::move(answer));
  }
  return done;
}

}  // namespace daicho
