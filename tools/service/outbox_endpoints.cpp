// The outbox over HTTP: leases. What became of a notification is a command, record-delivery.
#include "tools/outbox.hpp"
#include "tools/output.hpp"
#include "tools/rule_index.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

HttpAnswer post_lease(LedgerService& service, const Call& call) {
  const Json body = call.request.body.empty() ? Json::object() : parse_object(call.request.body, "the body");
  WritableLedger& ledger = service.ledger();
  Fields fields(body);
  LeaseOptions options = read_lease_options(ledger, fields, call.caller);
  const auto at = fields.optional_time("at");
  fields.done();
  if (options.service != call.caller && !ledger.executor->ledger().services.empty())
    throw Failure(Exit::not_permitted, "field `service`: the token is another service's");
  if (!body.contains("holder")) options.holder = options.service;
  if (at) ledger.set_time(*at);
  const auto answer = [&] {
    const std::lock_guard lock(service.leasing());
    return lease_notifications(ledger, options);
  }();
  if (!answer) {
    service.note(answer.error());
    return fault_problem(answer.error());
  }
  if (answer->is_refusal) {
    Json shown = answer->body;
    translate(shown, call.language);
    service.metrics().refusal(shown.value("rule", ""));
    return refusal_problem(shown, ledger.log->time());
  }
  HttpAnswer leased = json_answer(200, answer->body);
  leased.fields.add("Cache-Control", "no-store");  // codes and addresses
  return leased;
}

}  // namespace daicho
