// tools/deliver/outbox_client.hpp — the service's end of the dispatcher: leases and records over HTTP
// (docs/service.md). One thread at a time.
#pragma once

#include "commands/decision.hpp"
#include "tools/deliver/dispatcher.hpp"
#include "tools/deliver/templates.hpp"
#include "tools/http/service_address.hpp"

namespace daicho {

struct OutboxClientOptions {
  ServiceAddress service;
  Wording wording;
  std::vector<std::string> channels;
  std::chrono::seconds lease_time{60};  ///< an answer that takes half of it is not waited for
};

class OutboxClient {
 public:
  explicit OutboxClient(OutboxClientOptions options) : options_(std::move(options)) {}

  /// As DeliveryEnds::lease. Failure(not_permitted): the token is not one of the role delivery; Failure(usage): the
  /// service does not know this request.
  std::optional<std::vector<DeliveryJob>> lease(std::size_t count);
  /// As DeliveryEnds::record: record-delivery, under a key made of notification and attempt. Recorded is also what
  /// somebody else recorded, or what went with its account. Failure as above.
  Recording record(const DeliveryJob& job, const DeliveryResult& result);

  /// The log's name, from the first lease on.
  const std::string& origin() const { return origin_; }

 private:
  Result<HttpAnswer, HttpTrouble> post(const std::string& path, const Json& body, const std::string& key) const;
  void note_away(const std::string& words);

  OutboxClientOptions options_;
  std::string origin_;
  bool is_away_ = false;  // told once until it is back
};

/// A job of the answer to a lease. Throws Json::exception when it has not what it needs.
DeliveryJob read_job(const Json& notification, Time leased_at);

}  // namespace daicho
