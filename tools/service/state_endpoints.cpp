// How the service is: for load balancers, for Prometheus; and the rules, which problem details lead to.
#include <filesystem>

#include "tools/rule_index.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

HttpAnswer get_rules(LedgerService&, const Call&) { return json_answer(200, rule_index(std::nullopt)); }

HttpAnswer get_rule(LedgerService&, const Call& call) {
  if (!parse_rule(call.named[0])) return problem(404, "no_such_rule", "There is no rule of this id.");
  return json_answer(200, rule_index(call.named[0])["rules"][0]);
}

HttpAnswer get_health(LedgerService&, const Call&) { return json_answer(200, {{"status", "ok"}}); }

HttpAnswer get_ready(LedgerService& service, const Call&) {
  if (service.has_stopped())
    return problem(503, "stopped", "Storage failed; nothing is accepted until the ledger is opened anew.");
  return json_answer(200, {{"status", "ready"}, {"size", service.ledger().log->size()}});
}

HttpAnswer get_metrics(LedgerService& service, const Call&) {
  std::error_code ignored;
  const auto space = std::filesystem::space(service.directory(), ignored);
  return {200, "text/plain; version=0.0.4; charset=utf-8",
          service.metrics().text({.log_size = service.ledger().log->size(), .disk_free_bytes = space.available})};
}

}  // namespace daicho
