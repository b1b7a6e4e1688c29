// tools/service/endpoints.hpp — what the service answers, one row each. 404 and 405 fall out of the table, and so does
// /openapi.json.
#pragma once

#include <span>

#include "tools/service/ledger_service.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

enum class Audience {
  everybody,  ///< nothing of an account, nothing that waits for the disk
  services,   ///< a registered service; the command says which roles
  readers,    ///< a registered service that may read (commands/services.hpp)
};

struct Endpoint {
  const char* method;  ///< a GET answers HEAD, too
  const char* path;    ///< `{name}` stands for one segment, `{name…}` for the rest
  const char* summary;
  Audience audience;
  HttpAnswer (*answer)(LedgerService& service, const Call& call);
  const char* types = json_type;      ///< what its answer may be, by media type
  const char* body_type = nullptr;    ///< null: it takes no body
  Json (*describe_body)() = nullptr;  ///< as a JSON Schema
};
std::span<const Endpoint> endpoints();

// By file.
HttpAnswer post_account(LedgerService& service, const Call& call);  // command_endpoints.cpp
HttpAnswer post_account_command(LedgerService& service, const Call& call);
HttpAnswer post_command(LedgerService& service, const Call& call);
HttpAnswer post_batch(LedgerService& service, const Call& call);
HttpAnswer post_lease(LedgerService& service, const Call& call);  // outbox_endpoints.cpp
Json describe_lease();
HttpAnswer get_account_query(LedgerService& service, const Call& call);  // query_endpoints.cpp
HttpAnswer get_account(LedgerService& service, const Call& call);
HttpAnswer get_query(LedgerService& service, const Call& call);
HttpAnswer post_query(LedgerService& service, const Call& call);
HttpAnswer get_events(LedgerService& service, const Call& call);      // event_endpoints.cpp
HttpAnswer get_checkpoint(LedgerService& service, const Call& call);  // log_endpoints.cpp
HttpAnswer get_tile(LedgerService& service, const Call& call);
HttpAnswer get_bundle(LedgerService& service, const Call& call);
HttpAnswer get_proof(LedgerService& service, const Call& call);
HttpAnswer get_rule(LedgerService& service, const Call& call);  // state_endpoints.cpp
HttpAnswer get_rules(LedgerService& service, const Call& call);
HttpAnswer get_health(LedgerService& service, const Call& call);
HttpAnswer get_ready(LedgerService& service, const Call& call);
HttpAnswer get_metrics(LedgerService& service, const Call& call);
HttpAnswer get_openapi(LedgerService& service, const Call& call);  // openapi.cpp

/// A query's parameters as the members that read_query_options() knows. Failure(usage) when one stands twice.
Json options_json(const Call& call);

/// A JSON body, or none where it may be empty. An answer instead: 415 for another type or coding.
std::optional<HttpAnswer> wrong_body(const Call& call, const char* wanted = json_type);
/// Failure(usage) for a parameter that is not among these.
void check_parameters(const Call& call, std::initializer_list<std::string_view> known);

/// Who asks is what the token says: a body may name the same service, and no other. Failure(not_permitted).
void check_named_service(const LedgerState& ledger, const Call& call, const Json& body);

/// The inclusion proof of an event (C2SP tlog-proof) up to the newest checkpoint, as a file; Failure(usage) when it is
/// not in the log.
std::string prove(const Store& store, Position position);

}  // namespace daicho
