// How the service is: for load balancers, for Prometheus; and the rules, which problem details lead to.
#include <filesystem>

#include "tools/backup/restored_mark.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

HttpAnswer get_rules(LedgerService&, const Call&) { return json_answer(200, rule_index(std::nullopt)); }

HttpAnswer get_rule(LedgerService&, const Call& call) {
  if (!parse_rule(call.named[0])) return problem(404, "no_such_rule", "There is no rule of this id.");
  return json_answer(200, rule_index(call.named[0])["rules"][0]);
}

HttpAnswer get_health(LedgerService&, const Call&) { return json_answer(200, {{"status", "ok"}}); }

std::optional<HttpAnswer> LedgerService::not_ready() const {
  if (has_stopped())
    return problem(503, "stopped", "Storage failed; nothing is accepted until the ledger is opened anew.");
  if (has_mark(directory_))
    return problem(503, "held_back",
                   "A witness has seen another log, or the ledger was restored; it is to be accepted first.");
  return std::nullopt;
}

HttpAnswer get_ready(LedgerService& service, const Call&) {
  if (auto answer = service.not_ready()) return *std::move(answer);
  return json_answer(200, {{"status", "ready"}});  // no size: what appends and what does not would tell (R-ACC-6)
}

namespace {

const char* word_of(DueKind kind) {
  switch (kind) {
    case DueKind::replacement:
      return "replacement";
    case DueKind::recovery_reply:
      return "recovery_reply";
    case DueKind::recovery_survey:
      return "recovery_survey";
    case DueKind::mailbox_first_use:
      return "mailbox_first_use";
    case DueKind::mailbox_idle:
      return "mailbox_idle";
    case DueKind::account_idle:
      return "account_idle";
    case DueKind::erasure:
      return "erasure";
    case DueKind::unneeded_key:
      return "unneeded_key";
    case DueKind::account_expired:
      return "account_expired";
  }
  return "none";
}

void read_due(Readings& readings, const Executor& executor) {
  const auto due = executor.due_readings();
  if (!due) return;
  readings.open_windows = due->open_windows;
  for (const auto& [kind, count, oldest] : due->overdue)
    readings.overdue.push_back({word_of(kind), count, static_cast<double>(oldest) / second_us});
}

}  // namespace

Readings LedgerService::readings() const {
  Readings now{.log_size = ledger_.log->size(), .claims_waiting = ledger_.log->waiting()};
  now.is_stopped = has_stopped();
  now.is_held_back = has_mark(directory_);
  const auto passwords = ledger_.executor->password_load();
  now.passwords_running = passwords.running;
  now.passwords_waiting = passwords.waiting;
  read_due(now, *ledger_.executor);
  now.store = ledger_.store->readings();
  std::error_code ignored;
  const auto space = std::filesystem::space(directory_, ignored);
  if (!ignored) {
    now.disk_free_bytes = space.available;
    now.disk_bytes = space.capacity;
  }
  if (traffic_) {
    now.connections_open = traffic_->open;
    now.connections_accepted = traffic_->accepted;
    now.connections_refused = traffic_->refused;
  }
  now.streams_open = *streams_;
  now.process = read_process();
  return now;
}

HttpAnswer get_metrics(LedgerService& service, const Call&) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", service.metrics().text(service.readings())};
}

}  // namespace daicho
