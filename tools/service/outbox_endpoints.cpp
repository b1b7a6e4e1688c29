// The outbox over HTTP: leases. What became of a notification is a command, record-delivery.
#include "tools/deliver/outbox.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

Json describe_lease() {
  return describe([](Fields& fields) {
    fields.optional_time("at");
    read_lease_options(fields, "");
  });
}

HttpAnswer post_lease(LedgerService& service, const Call& call) {
  if (auto wrong = wrong_body(call)) return *std::move(wrong);
  check_parameters(call, {});
  const Json body = call.request.body.empty() ? Json::object() : parse_object(call.request.body, "the body");
  WritableLedger& ledger = service.ledger();
  Fields fields(body);
  LeaseOptions options = read_lease_options(fields, call.caller);
  options.entry = fb::Entry::http;
  const auto at = fields.optional_time("at");
  fields.done();
  check_named_service(ledger.executor->ledger(), call, body);
  if (!body.contains("holder")) options.holder = options.service;
  if (at) ledger.set_time(*at);
  const auto answer = [&] {
    const std::lock_guard lock(service.leasing());
    return lease_notifications(ledger, options);
  }();
  if (auto no = service.no_in(answer, call.language)) return *std::move(no);
  return json_answer(200, answer->body);
}

}  // namespace daicho
