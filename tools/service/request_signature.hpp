// tools/service/request_signature.hpp — HTTP message signatures on requests (RFC 9421, docs/service.md, section "Signed
// commands"): which service signed one, and what of it is kept. Pure; any thread.
#pragma once

#include "ledger/signed_request.hpp"
#include "projections/policy.hpp"
#include "tools/http/message.hpp"

namespace daicho {

/// A request whose signature is a registered service's.
struct SignedCaller {
  std::string service;
  std::shared_ptr<const SignedRequest> request;
};

/// Nullopt: it has none. The answer instead: 400 for fields that are malformed, 401 for a signature that does not
/// count: of no registered service with a key, altered, out of its time, or not over all that the request depends on:
/// method, path, and whatever is there of query, body (as RFC 9530 `Content-Digest`), idempotency key and expected
/// version.
Result<std::optional<SignedCaller>, HttpAnswer> verify_signature(const HttpRequest& request, const LedgerState& ledger,
                                                                 Time now);

/// Adds what a signature must look like to an answer that wants one (RFC 9421 section 5.1; RFC 9110 section 15.5.2).
void ask_for_signature(HttpAnswer& answer);

}  // namespace daicho
