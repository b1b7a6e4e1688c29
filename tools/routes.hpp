// tools/routes.hpp — the commands by their public names: how each is read from JSON, who issues it, an example.
#pragma once

#include <span>

#include "commands/executor.hpp"
#include "tools/json_fields.hpp"

namespace daicho {

struct Route {
  const char* name;  ///< `add-proof`
  const char* summary;
  const char* example;  ///< fields of a call
  const char* answers;  ///< members of its yes, beside `events` and `replayed`; some come only when there is one
  Command (*read)(Fields& fields);
  bool names_account = true;  ///< false: it makes its own, or is the ledger's
};
std::span<const Route> routes();
const Route* find_route(std::string_view name);

/// The members that say who asks, beside the command's own: account, service, idempotency_key, expected_version,
/// source, at.
struct Defaults {
  std::optional<std::string> account;  ///< an id, or a sign-in name
  std::string service = "local";
  std::optional<std::string> idempotency_key;
  std::optional<std::uint64_t> expected_version;
  fb::Entry entry = fb::Entry::cli;
  std::shared_ptr<const SignedRequest> signed_request = nullptr;  ///< when the service signed it
  bool is_anybody = false;                                        ///< as in Request
  bool wants_proof = false;                                       ///< of the events: public commands have none to give
};
/// A call's body as a JSON Schema: the command's own members and those that say who asks.
Json describe_command(const Route& route);

struct ParsedRequest {
  Request request;
  std::optional<std::string> sign_in_name;  ///< the account, when it was named so
};
/// Throws Failure(usage). Without an idempotency key one is drawn: such a call is not safe to repeat.
ParsedRequest parse_request(const Route& route, const Json& body, const Defaults& defaults, const Entropy& entropy,
                            Time now);

}  // namespace daicho
