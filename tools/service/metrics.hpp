// tools/service/metrics.hpp — what the service counts, in Prometheus' text format. Only metrics.cpp includes
// prometheus-cpp. No label holds anything personal: paths are endpoints' patterns. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace daicho {

class Metrics {
 public:
  Metrics();
  ~Metrics();

  void request(const std::string& method, const std::string& path, unsigned status, std::chrono::nanoseconds took);
  void refusal(const std::string& rule);
  void command(const std::string& name, bool was_replayed);
  void tick(std::size_t done, bool failed);

  /// What is read when it is asked for.
  struct Gauges {
    std::uint64_t log_size = 0;
    std::uint64_t disk_free_bytes = 0;
  };
  std::string text(const Gauges& gauges);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
