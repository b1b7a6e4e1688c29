// tools/service/ledger_service.hpp — a ledger over HTTP (docs/service.md): who asks, which endpoint answers, what is
// counted.
//
// Data's way: HttpServer reads a request -> LedgerService finds the endpoint (tools/service/endpoints.hpp), then the
// caller, and calls it -> commands go to the executor, queries read the store -> the answer, or problem details, goes
// back.
#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>

#include "tools/http.hpp"
#include "tools/ledger_files.hpp"
#include "tools/service/metrics.hpp"
#include "tools/service/target.hpp"

namespace daicho {

class LedgerService;

/// One request on its way to its endpoint.
struct Call {
  const HttpRequest& request;
  const HttpTarget& target;
  std::vector<std::string> named;  ///< what the names in the endpoint's path stand for
  std::string caller;              ///< the service that asks; empty where nobody has to say
  std::shared_ptr<const SignedRequest> signed_request = nullptr;  ///< by whose key it signed the request, if it did
  std::string language;                                           ///< of refusals' titles

  std::optional<std::string> parameter(std::string_view name) const;
};

/// The commands that are being run, by service and idempotency key: the same key again meanwhile is told to wait.
class InFlight {
 public:
  /// Nothing when it is there already; else it is there until the guard goes.
  std::shared_ptr<void> enter(const std::string& service, const std::string& key);

 private:
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> running_;
};

/// Any thread. The ledger must outlive it; nothing else may write to it but `tick`.
class LedgerService {
 public:
  LedgerService(WritableLedger& ledger, std::filesystem::path directory);

  /// Does not throw.
  HttpAnswer answer(const HttpRequest& request);

  WritableLedger& ledger() { return ledger_; }
  Metrics& metrics() { return metrics_; }
  InFlight& in_flight() { return in_flight_; }
  const std::filesystem::path& directory() const { return directory_; }

  /// What is due, once (Executor::tick); errors go to the log and the metrics.
  void tick();
  /// A write failed: no command is accepted any more.
  bool has_stopped() const { return has_stopped_; }
  void note(const Fault& fault) {
    if (fault.kind == FaultKind::stopped) has_stopped_ = true;
  }

 private:
  HttpAnswer answer_call(const HttpRequest& request, std::string& endpoint_path);
  std::optional<HttpAnswer> find_caller(Call& call) const;

  WritableLedger& ledger_;
  const std::filesystem::path directory_;
  const Vault vault_;  ///< of the ledger's own account: services' tokens are told by it
  Metrics metrics_;
  InFlight in_flight_;
  std::atomic<bool> has_stopped_ = false;
};

}  // namespace daicho
