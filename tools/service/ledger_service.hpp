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
#include <semaphore>
#include <set>

#include "tools/http/server.hpp"
#include "tools/ledger_files.hpp"
#include "tools/service/metrics.hpp"
#include "tools/service/target.hpp"

namespace daicho {

class LedgerService;
struct AccessLine;  // tools/service/access_log.hpp

/// One request on its way to its endpoint.
struct Call {
  const HttpRequest& request;
  const HttpTarget& target;
  const AccessLine& line;          ///< what is logged of it
  std::vector<std::string> named;  ///< what the names in the endpoint's path stand for
  std::string caller;              ///< the service that asks; empty where nobody has to say
  bool is_anybody = false;         ///< no service was registered: nobody had to say who asks
  std::shared_ptr<const SignedRequest> signed_request = nullptr;  ///< by whose key it signed the request, if it did
  std::string language = {};                                      ///< of refusals' titles

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

inline constexpr std::ptrdiff_t batch_helpers_max = 64;  ///< threads of all batches beside their own

/// Any thread. The ledger must outlive it; nothing else may write to it but `tick`.
class LedgerService {
 public:
  LedgerService(WritableLedger& ledger, std::filesystem::path directory);

  /// Does not throw.
  HttpAnswer answer(const HttpRequest& request);
  /// What is no request, as problem details, counted. Does not throw.
  HttpAnswer refuse(const HttpWrong& wrong);

  WritableLedger& ledger() { return ledger_; }
  Metrics& metrics() { return metrics_; }
  InFlight& in_flight() { return in_flight_; }
  std::mutex& leasing() { return leasing_; }  ///< held while notifications are leased: each has one holder
  const std::filesystem::path& directory() const { return directory_; }

  /// What is due, once (Executor::tick); errors go to the log and the metrics. False when it has to be tried again.
  bool tick();
  /// Why no command should be sent here; nullopt: it is ready.
  std::optional<HttpAnswer> not_ready() const;
  Readings readings() const;
  /// The listener whose connections are counted; it must outlive every answer.
  void watch(const HttpTraffic& traffic) { traffic_ = &traffic; }
  /// Streams that are open, counted while what is returned lives.
  std::shared_ptr<void> open_stream();
  /// Whether this caller may read, still; nullopt: it may.
  std::optional<Refusal> check_reading(const std::string& caller, bool is_anybody) const;
  /// Threads that batches may take beside the handlers'.
  std::counting_semaphore<>& batch_helpers() { return batch_helpers_; }

  /// A write failed: no command is accepted any more.
  bool has_stopped() const { return has_stopped_; }
  /// A fault or a refusal as what the caller is told, counted; nullopt: it is a yes.
  std::optional<HttpAnswer> no_in(const Result<Answer, Fault>& answer, const std::string& language);

 private:
  void note(const Fault& fault);
  HttpAnswer answer_call(const HttpRequest& request, AccessLine& line);
  std::optional<HttpAnswer> find_caller(Call& call) const;

  WritableLedger& ledger_;
  const std::filesystem::path directory_;
  const Vault vault_;  ///< of the ledger's own account: services' tokens are told by it
  Metrics metrics_;
  InFlight in_flight_;
  const HttpTraffic* traffic_ = nullptr;
  const std::shared_ptr<std::atomic<std::uint64_t>> streams_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::counting_semaphore<> batch_helpers_{batch_helpers_max};
  std::atomic<bool> has_stopped_ = false;
  std::mutex leasing_;
};

}  // namespace daicho
