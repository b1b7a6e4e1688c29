// tools/deliver/signed_job.hpp — a job for a webhook, signed by the ledger as an HTTP message (RFC 9421), so that
// whoever sends messages for the provider takes jobs from nobody else. docs/delivery.md has the bytes. Any thread.
#pragma once

#include "ledger/signing.hpp"
#include "tools/http/message.hpp"

namespace daicho {

/// The header fields of the POST that carries `body`: Content-Type, Content-Digest (RFC 9530), Idempotency-Key,
/// Signature-Input and Signature. `id` is the notification's; `created` in seconds. nullopt: the signer has failed.
std::optional<HttpFields> sign_job(std::string_view body, const std::string& id, std::int64_t created,
                                   const Signer& signer);

}  // namespace daicho
