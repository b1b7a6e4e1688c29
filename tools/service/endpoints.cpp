#include "tools/service/endpoints.hpp"

namespace daicho {

std::span<const Endpoint> endpoints() {
  using enum Audience;
  static constexpr auto table = std::to_array<Endpoint>({
      {"POST", "/v1/accounts", "register an account", services, post_account},
      {"POST", "/v1/accounts/{account}/commands/{command}", "one command on an account", services,
       post_account_command},
      {"POST", "/v1/commands/{command}", "one command; the body's `account`, if it has one, may be a sign-in name",
       services, post_command},
      {"POST", "/v1/commands", "many commands, one JSON object a line, answered in order", services, post_batch,
       ndjson_type, ndjson_type},
      {"POST", "/v1/outbox/lease", "notifications to send, with destination and text, for a limited time", services,
       post_lease, json_type, json_type, describe_lease},
      {"GET", "/v1/accounts/{account}", "state, notices, versions", readers, get_account},
      {"GET", "/v1/accounts/{account}/{query}", "a query on an account", readers, get_account_query},
      {"GET", "/v1/queries/{query}", "a query across accounts", readers, get_query},
      {"POST", "/v1/queries/{query}", "a query whose options are personal: they are in the body, not in the path",
       readers, post_query},
      {"GET", "/v1/events", "the log's events: JSON, NDJSON, or server-sent events that go on", readers, get_events,
       "application/json application/x-ndjson text/event-stream"},
      {"GET", "/v1/log/checkpoint", "the newest checkpoint (C2SP tlog-checkpoint)", readers, get_checkpoint, text_type},
      {"GET", "/v1/log/tile/entries/{bundle…}", "an entry bundle (C2SP tlog-tiles)", readers, get_bundle, bytes_type},
      {"GET", "/v1/log/tile/{tile…}", "a tile of hashes (C2SP tlog-tiles)", readers, get_tile, bytes_type},
      {"GET", "/v1/log/proofs/{position}", "the inclusion proof of an event (C2SP tlog-proof)", readers, get_proof,
       text_type},
      {"GET", "/v1/rules", "the rules, in words", everybody, get_rules},
      {"GET", "/v1/rules/{rule}", "one rule, in words", everybody, get_rule},
      {"GET", "/healthz", "whether the process answers", everybody, get_health},
      {"GET", "/readyz", "whether the ledger takes commands", everybody, get_ready},
      {"GET", "/metrics", "counts and latencies (Prometheus)", readers, get_metrics, text_type},
      {"GET", "/openapi.json", "this table (OpenAPI 3.1)", everybody, get_openapi},
  });
  return table;
}

}  // namespace daicho
