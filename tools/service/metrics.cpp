#include "tools/service/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>

#include "tools/system.hpp"

namespace daicho {

namespace {

using Labels = std::map<std::string, std::string>;
using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets seconds_buckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
const Buckets write_buckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5};
const Buckets group_buckets = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024};

double in_seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }
double number(std::uint64_t value) { return static_cast<double>(value); }

/// Families by name, made when they are first asked for.
struct Families {
  prometheus::Registry registry;

  prometheus::Family<prometheus::Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Counter& counter(const char* name, const char* help) { return counters(name, help).Add({}); }
  prometheus::Family<prometheus::Gauge>& gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  prometheus::Gauge& gauge(const char* name, const char* help) { return gauges(name, help).Add({}); }
  prometheus::Family<prometheus::Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  prometheus::Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return histograms(name, help).Add({}, buckets);
  }

  /// Values that something else keeps. `Set` and `Add({})` of the same family find the same one again.
  void set(const char* name, const char* help, double value) { gauge(name, help).Set(value); }
  void set_total(const char* name, const char* help, double value) {
    prometheus::Counter& total = counter(name, help);
    total.Increment(std::max(0.0, value - total.Value()));
  }
};

}  // namespace

struct Metrics::Impl {
  Families families;
  prometheus::Family<prometheus::Counter>& requests =
      families.counters("daicho_requests_total", "Requests answered, by method, endpoint and status.");
  prometheus::Family<prometheus::Histogram>& latency =
      families.histograms("daicho_request_seconds", "From the whole request to the answer, by endpoint.");
  prometheus::Family<prometheus::Counter>& refusals =
      families.counters("daicho_refusals_total", "Commands refused, by rule.");
  prometheus::Family<prometheus::Counter>& commands = families.counters(
      "daicho_commands_total", "Commands accepted, by name and whether it was the first answer given again.");
  prometheus::Family<prometheus::Counter>& ticks =
      families.counters("daicho_scheduler_runs_total", "Runs of the scheduler, by result.");
  prometheus::Counter& ticked = families.counter("daicho_scheduler_done_total", "Things that were due and done.");
  prometheus::Gauge& last_tick =
      families.gauge("daicho_scheduler_last_success_timestamp_seconds",
                     "When the scheduler last did all that was due, by the machine's clock; 0: never.");
  prometheus::Histogram& commit = families.histogram(
      "daicho_commit_seconds", "Of one command: from its claim of a position until it is durable.", seconds_buckets);
  prometheus::Histogram& write = families.histogram("daicho_commit_write_seconds",
                                                    "Of one commit: the synced write (fsync) alone.", write_buckets);
  prometheus::Histogram& group_commands =
      families.histogram("daicho_commit_commands", "Commands that shared one commit.", group_buckets);
  prometheus::Histogram& group_events =
      families.histogram("daicho_commit_events", "Events of one commit.", group_buckets);
  std::mutex reading;  // one text at a time: totals are set from what they were before
  const double started = 1e-6 * static_cast<double>(system_time());

  void set_ledger(const Readings& now);
  void set_store(const Readings& now);
  void set_process(const Readings& now);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  for (const char* result : {"done", "failed"}) impl_->ticks.Add(Labels{{"result", result}});
}
Metrics::~Metrics() = default;

void Metrics::request(const std::string& method, const std::string& path, unsigned status,
                      std::chrono::nanoseconds took) {
  // Methods are whatever a peer sends: those that no endpoint has are one.
  const bool is_known = method == "GET" || method == "HEAD" || method == "POST";
  const std::string label = is_known ? method : "other";
  impl_->requests.Add(Labels{{"method", label}, {"path", path}, {"status", std::to_string(status)}}).Increment();
  impl_->latency.Add(Labels{{"path", path}}, seconds_buckets).Observe(in_seconds(took));
}

void Metrics::refusal(const std::string& rule) { impl_->refusals.Add(Labels{{"rule", rule}}).Increment(); }

void Metrics::command(const std::string& name, bool was_replayed) {
  impl_->commands.Add(Labels{{"command", name}, {"replayed", was_replayed ? "true" : "false"}}).Increment();
}

void Metrics::tick(std::size_t done, bool failed) {
  impl_->ticks.Add(Labels{{"result", failed ? "failed" : "done"}}).Increment();
  impl_->ticked.Increment(number(done));
  if (!failed) impl_->last_tick.Set(1e-6 * static_cast<double>(system_time()));
}

LogObserver Metrics::observer() {
  return {.now = [] { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()); },
          .committed =
              [this](const LogObserver::Group& group) {
                impl_->write.Observe(in_seconds(group.write));
                impl_->group_commands.Observe(number(group.appends));
                impl_->group_events.Observe(number(group.events));
              },
          .appended = [this](std::chrono::nanoseconds took) { impl_->commit.Observe(in_seconds(took)); }};
}

void Metrics::Impl::set_ledger(const Readings& now) {
  families.set("daicho_log_events", "Events committed.", number(now.log_size));
  families.set("daicho_claims_waiting", "Commands that have a position and are not yet durable: the commit queue.",
               number(now.claims_waiting));
  families.set("daicho_ledger_stopped", "1: storage failed, nothing is accepted until the ledger is opened anew.",
               now.is_stopped ? 1 : 0);
  families.set("daicho_ledger_held_back", "1: a witness has seen another log; see `daicho restore --accept`.",
               now.is_held_back ? 1 : 0);
  families.set("daicho_passwords_running", "Password hashes being computed.", now.passwords_running);
  families.set("daicho_passwords_waiting", "Commands waiting for a password hash.", now.passwords_waiting);
  families.set("daicho_windows_open", "Windows with a confirmed proof that have not run out, at most 20,000.",
               number(now.open_windows));
  auto& counts = families.gauges("daicho_overdue", "Things whose time has come and that are not done, by kind.");
  auto& ages = families.gauges("daicho_overdue_oldest_seconds", "For how long the oldest of them has been due.");
  for (const auto& each : now.overdue) {
    counts.Add(Labels{{"kind", each.kind}}).Set(number(each.count));
    ages.Add(Labels{{"kind", each.kind}}).Set(each.oldest_seconds);
  }
}

void Metrics::Impl::set_store(const Readings& now) {
  const StoreReadings& store = now.store;
  families.set("daicho_store_cache_bytes", "In the block cache.", number(store.cache_bytes));
  families.set("daicho_store_cache_max_bytes", "What it holds at most.", number(store.cache_bytes_max));
  families.set_total("daicho_store_cache_hits_total", "Blocks found in the cache.", number(store.cache_hits));
  families.set_total("daicho_store_cache_misses_total", "Blocks read from files.", number(store.cache_misses));
  families.set("daicho_store_table_files", "Table files of the store.", number(store.table_files));
  families.set("daicho_store_table_bytes", "Their size.", number(store.table_bytes));
  families.set("daicho_store_wal_files", "Write-ahead logs of the store.", number(store.wal_files));
  families.set("daicho_store_wal_bytes", "Their size: what an opening reads again at most.", number(store.wal_bytes));
  families.set("daicho_store_unflushed_bytes", "In memory, not in table files yet.", number(store.unflushed_bytes));
  families.set("daicho_store_compaction_left_bytes", "An estimate of what has to be written anew.",
               number(store.compaction_left_bytes));
  families.set("daicho_store_write_stopped", "1: writes wait until less has to be written anew.",
               store.is_write_stopped ? 1 : 0);
  families.set("daicho_disk_free_bytes", "Free where the ledger is.", number(now.disk_free_bytes));
  families.set("daicho_disk_bytes", "The size of the file system it is on.", number(now.disk_bytes));
}

void Metrics::Impl::set_process(const Readings& now) {
  families.set("daicho_connections_open", "Connections that are open.", number(now.connections_open));
  families.set_total("daicho_connections_total", "Connections that were accepted.", number(now.connections_accepted));
  families.set_total("daicho_connections_refused_total", "Of these, told to come again: there were too many.",
                     number(now.connections_refused));
  families.set("daicho_streams_open", "Server-sent event streams that are open.", number(now.streams_open));
  families.set("process_resident_memory_bytes", "Resident memory.", number(now.process.resident_bytes));
  families.set("process_open_fds", "Open file descriptors.", number(now.process.open_files));
  families.set("process_max_fds", "Open file descriptors at most.", number(now.process.open_files_max));
  families.set("process_threads", "Threads.", number(now.process.threads));
  families.set_total("process_cpu_seconds_total", "Processor time, user's and system's.",
                     now.process.processor_seconds);
  families.set("process_start_time_seconds", "When the process began, by the machine's clock.", started);
  families.gauges("daicho_build_info", "1; the version is a label.").Add(Labels{{"version", program_version}}).Set(1);
}

std::string Metrics::text(const Readings& now) {
  const std::lock_guard lock(impl_->reading);
  impl_->set_ledger(now);
  impl_->set_store(now);
  impl_->set_process(now);
  return prometheus::TextSerializer().Serialize(impl_->families.registry.Collect());
}

}  // namespace daicho
