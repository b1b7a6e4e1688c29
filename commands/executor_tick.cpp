// What is due by time alone, done once however late or often it is asked for (R-LOST-6, R-LED-1, R-LED-3).
#include "commands/executor_run.hpp"

namespace daicho {

namespace {

constexpr Duration digests_every = day_us;
constexpr std::size_t due_per_tick_max = 10'000;

Result<std::vector<Due>, Fault> due_by(const Store& store, Time now) {
  std::vector<Due> due;
  const auto failed = store.scan(Family::rows, as_bytes("D"), [&](ByteView key, ByteView) {
    const auto row = parse_due_row(key);
    if (!row || row->at > now || due.size() >= due_per_tick_max) return false;
    due.push_back(*row);
    return true;
  });
  if (failed) return Unexpected{fault_of(*failed)};
  return due;
}

}  // namespace

Result<Answer, Fault> Executor::execute_for_scheduler(Command command, const Id& account, const char* name,
                                                      std::string key) {
  Request request{.command = std::move(command)};
  request.account = account;
  request.issuer.service = "scheduler";
  request.issuer.command = name;
  request.issuer.command_id = std::move(key);
  request.issuer.entry = fb::Entry::scheduler;
  return execute(std::move(request));
}

Result<std::vector<Answer>, Fault> Executor::tick() {
  std::vector<Answer> done;
  const auto due = due_by(store_, log_.time());
  if (!due) return Unexpected{due.error()};
  for (const Due& item : *due) {
    const std::string key = "complete-replacement/" + to_text(item.subject);
    auto answer = execute_for_scheduler(CompleteReplacement{item.subject}, item.account, "complete-replacement", key);
    if (!answer) return Unexpected{answer.error()};
    if (!answer->is_refusal && !answer->replayed) done.push_back(*std::move(answer));
  }
  decltype(counted_) counted;
  {
    const std::lock_guard lock(counted_mutex_);
    counted.swap(counted_);
  }
  for (const auto& [which, refusals] : counted) {
    const CountRefusals command{static_cast<Rule>(which.second), refusals.count, refusals.since};
    auto answer =
        execute_for_scheduler(command, which.first, "count-refusals", "count-refusals/" + to_text(new_id(log_.time())));
    if (!answer) return Unexpected{answer.error()};
    done.push_back(*std::move(answer));
  }
  if (auto digests = record_digests()) {
    if (!*digests) return Unexpected{digests->error()};
    done.push_back(**std::move(digests));
  }
  return done;
}

std::optional<Result<Answer, Fault>> Executor::record_digests() {
  std::vector<std::uint64_t> all(lock_stripes);
  for (std::size_t i = 0; i < lock_stripes; ++i) all[i] = i;
  const Stripes locks(stripes_, std::move(all));  // nothing else is written meanwhile
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
