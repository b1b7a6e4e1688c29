#include "tools/service/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace daicho {

namespace {

using Labels = std::map<std::string, std::string>;

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

const prometheus::Histogram::BucketBoundaries seconds_buckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                                 0.1,    0.25,  0.5,    1,     2.5,  10};

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      counters(registry, "daicho_requests_total", "Requests answered, by method, endpoint and status.");
  prometheus::Family<prometheus::Histogram>& latency = prometheus::BuildHistogram()
                                                           .Name("daicho_request_seconds")
                                                           .Help("From the whole request to the answer, by endpoint.")
                                                           .Register(registry);
  prometheus::Family<prometheus::Counter>& refusals =
      counters(registry, "daicho_refusals_total", "Commands refused, by rule.");
  prometheus::Family<prometheus::Counter>& commands = counters(
      registry, "daicho_commands_total", "Commands accepted, by name and whether it was the first answer given again.");
  prometheus::Family<prometheus::Counter>& ticks =
      counters(registry, "daicho_scheduler_runs_total", "Runs of the scheduler, by result.");
  prometheus::Counter& ticked =
      counters(registry, "daicho_scheduler_done_total", "Things that were due and done.").Add({});
  prometheus::Gauge& log_size = gauge(registry, "daicho_log_events", "Events committed.");
  prometheus::Gauge& disk_free = gauge(registry, "daicho_disk_free_bytes", "Free where the ledger is.");
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::request(const std::string& method, const std::string& path, unsigned status,
                      std::chrono::nanoseconds took) {
  // Methods are whatever a peer sends: those that no endpoint has are one.
  const bool is_known = method == "GET" || method == "HEAD" || method == "POST";
  const std::string label = is_known ? method : "other";
  impl_->requests.Add(Labels{{"method", label}, {"path", path}, {"status", std::to_string(status)}}).Increment();
  impl_->latency.Add(Labels{{"path", path}}, seconds_buckets).Observe(std::chrono::duration<double>(took).count());
}

void Metrics::refusal(const std::string& rule) { impl_->refusals.Add(Labels{{"rule", rule}}).Increment(); }

void Metrics::command(const std::string& name, bool was_replayed) {
  impl_->commands.Add(Labels{{"command", name}, {"replayed", was_replayed ? "true" : "false"}}).Increment();
}

void Metrics::tick(std::size_t done, bool failed) {
  impl_->ticks.Add(Labels{{"result", failed ? "failed" : "done"}}).Increment();
  impl_->ticked.Increment(static_cast<double>(done));
}

std::string Metrics::text(const Gauges& gauges) {
  impl_->log_size.Set(static_cast<double>(gauges.log_size));
  impl_->disk_free.Set(static_cast<double>(gauges.disk_free_bytes));
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace daicho
