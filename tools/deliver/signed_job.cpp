#include "tools/deliver/signed_job.hpp"

#include "ledger/sha256.hpp"

namespace daicho {

namespace {

constexpr const char* job_tag = "daicho-job";  // RFC 9421 section 2.3: whose use of signatures it is

}  // namespace

std::optional<HttpFields> sign_job(std::string_view body, const std::string& id, std::int64_t created,
                                   const Signer& signer) {
  const std::string digest = "sha-256=:" + to_base64(sha256(as_bytes(body)).view()) + ":";
  const std::string key = '"' + id + '"';
  const std::string parameters =
      "(\"content-type\" \"content-digest\" \"idempotency-key\");created=" + std::to_string(created) + ";keyid=\"" +
      to_hex(signer.verifier().id.view()) + "\";alg=\"ed25519\";tag=\"" + job_tag + "\"";
  // RFC 9421 section 2.5. No event, checkpoint or cosignature begins with a quotation mark.
  const std::string base = std::string("\"content-type\": ") + json_type + "\n\"content-digest\": " + digest +
                           "\n\"idempotency-key\": " + key + "\n\"@signature-params\": " + parameters;
  const Signature signature = signer.sign(as_bytes(base));
  if (signer.failure()) return std::nullopt;
  return HttpFields{{"Content-Type", json_type},
                    {"Content-Digest", digest},
                    {"Idempotency-Key", key},
                    {"Signature-Input", "ledger=" + parameters},
                    {"Signature", "ledger=:" + to_base64(signature.view()) + ":"}};
}

}  // namespace daicho
