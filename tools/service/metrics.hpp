// tools/service/metrics.hpp — what the service counts, in Prometheus' text format (docs/service.md, "Metrics"). Only
// metrics.cpp includes prometheus-cpp. No label holds anything personal or without bounds: paths are endpoints'
// patterns, commands and rules are those of the tables. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledger/log.hpp"
#include "tools/service/process_readings.hpp"

namespace daicho {

/// What is read when it is asked for.
struct Readings {
  std::uint64_t log_size = 0, claims_waiting = 0;
  bool is_stopped = false, is_held_back = false;
  unsigned passwords_running = 0, passwords_waiting = 0;
  struct Overdue {
    std::string kind;
    std::uint64_t count = 0;
    double oldest_seconds = 0;
  };
  std::vector<Overdue> overdue;
  std::uint64_t open_windows = 0;
  StoreReadings store;
  std::uint64_t disk_free_bytes = 0, disk_bytes = 0;
  std::uint64_t connections_open = 0, connections_accepted = 0, connections_refused = 0, streams_open = 0;
  ProcessReadings process;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  void request(const std::string& method, const std::string& path, unsigned status, std::chrono::nanoseconds took);
  void refusal(const std::string& rule);
  void command(const std::string& name, bool was_replayed);
  void tick(std::size_t done, bool failed);
  /// For the log, for as long as this lives.
  LogObserver observer();

  std::string text(const Readings& readings);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
