#include "tools/service/request_signature.hpp"

#include <algorithm>
#include <array>

#include "ledger/ascii.hpp"
#include "ledger/sha256.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

/// Header fields that may be covered: what a caller may want to be held to, and no credentials, for the base is kept.
constexpr std::array<std::string_view, 7> fields_covered = {"content-digest", "content-length",  "content-type", "date",
                                                            "host",           "idempotency-key", "if-match"};

/// One for both: the names of services are not everybody's to know.
constexpr const char* no_key_verifies =
    "it does not verify under the key of a service that `keyid` names and that was registered with one";

HttpAnswer malformed(const std::string& words) { return problem(400, "signature_malformed", words + "."); }

HttpAnswer refused(const std::string& words) {
  HttpAnswer answer = problem(401, "signature_refused", "The signature does not count: " + words + ".");
  ask_for_signature(answer);
  return answer;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), to_lower);
  return text;
}

std::string_view path_of(const HttpRequest& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

/// RFC 9421 sections 2.1 and 2.2; a target is always in origin form here.
std::optional<std::string> component(const HttpRequest& request, const std::string& name) {
  if (name == "@method") return request.method;
  if (name == "@path") return std::string(path_of(request));
  if (name == "@query") {
    const std::string query = request.target.substr(path_of(request).size());
    return query.empty() ? "?" : query;
  }
  if (name == "@request-target") return request.target;
  if (name == "@authority") {
    auto host = request.fields.get("Host");
    return host ? std::optional(lower(*std::move(host))) : std::nullopt;
  }
  const bool is_known = std::ranges::find(fields_covered, name) != fields_covered.end();
  return is_known ? request.fields.get(name) : std::nullopt;
}

/// The member of a dictionary that has only one.
std::optional<DictionaryMember> only_member(const std::optional<std::string>& field) {
  auto members = field ? parse_dictionary(*field) : std::nullopt;
  if (!members || members->size() != 1) return std::nullopt;
  return std::move(members->front());
}

std::optional<std::string> bytes_of(const DictionaryMember& member) {
  const auto* const item = std::get_if<StructuredItem>(&member.value);
  const auto* const bytes = item ? std::get_if<StructuredBytes>(&item->value) : nullptr;
  return bytes ? std::optional(bytes->bytes) : std::nullopt;
}

/// RFC 9530: of several digests the one by SHA-256 counts.
bool has_digest_of_body(const HttpRequest& request) {
  const auto field = request.fields.get("Content-Digest");
  const auto members = field ? parse_dictionary(*field) : std::nullopt;
  if (!members) return false;
  const auto found = std::ranges::find(*members, "sha-256", &DictionaryMember::key);
  return found != members->end() && bytes_of(*found) == sha256(as_bytes(request.body)).text();
}

/// What is not covered though the request depends on it; null: nothing.
const char* not_covered(const HttpRequest& request, const SignatureParameters& parameters) {
  const bool has_query = request.target.find('?') != std::string::npos;
  const bool has_body = request.method == "POST" || !request.body.empty();
  const auto sent = [&](const char* name) { return request.fields.count(name) > 0; };
  const std::array<std::pair<const char*, bool>, 6> wanted = {{{"@method", true},
                                                               {"@path", true},
                                                               {"@query", has_query},
                                                               {"content-digest", has_body},
                                                               {"idempotency-key", sent("Idempotency-Key")},
                                                               {"if-match", sent("If-Match")}}};
  for (const auto& [name, is_wanted] : wanted) {
    if (is_wanted && !parameters.covers(name)) return name;
  }
  return nullptr;
}

}  // namespace

void ask_for_signature(HttpAnswer& answer) {
  answer.fields.add("WWW-Authenticate", "Signature");
  answer.fields.add("Accept-Signature",
                    R"(sig=("@method" "@path" "content-digest" "idempotency-key");created;alg="ed25519")");
}

Result<std::optional<SignedCaller>, HttpAnswer> verify_signature(const HttpRequest& request, const LedgerState& ledger,
                                                                 Time now) {
  if (request.fields.count("Signature") + request.fields.count("Signature-Input") == 0)
    return std::optional<SignedCaller>();
  const auto input = only_member(request.fields.get("Signature-Input"));
  const auto signed_member = only_member(request.fields.get("Signature"));
  const auto* const list = input ? std::get_if<InnerList>(&input->value) : nullptr;
  const auto bytes = signed_member ? bytes_of(*signed_member) : std::nullopt;
  const auto signature = bytes ? Signature::from(as_bytes(*bytes)) : std::nullopt;
  if (!list || !signature || input->key != signed_member->key) {
    return Unexpected{
        malformed("One signature of 64 bytes is wanted, in `Signature-Input` and `Signature` under one label")};
  }
  const auto parameters = read_signature_parameters(*list);
  if (!parameters) return Unexpected{malformed("`Signature-Input`: " + parameters.error())};
  const Service* service = ledger.find_service(parameters->keyid);
  const auto key = service ? PublicKey::from(service->public_key) : std::nullopt;
  if (!key) return Unexpected{refused(no_key_verifies)};
  if (parameters->tag != ledger.origin) return Unexpected{refused("`tag` is not this ledger's name")};
  if (const char* name = not_covered(request, *parameters))
    return Unexpected{refused("component `" + std::string(name) + "` is not covered")};
  auto base = signature_base(*parameters, [&](const std::string& name) { return component(request, name); });
  if (!base) return Unexpected{refused(base.error())};
  if (parameters->covers("content-digest") && !has_digest_of_body(request))
    return Unexpected{refused("`Content-Digest` has no sha-256 of this body")};
  if (const auto words = refute_time(*parameters, now)) return Unexpected{refused(*words)};
  auto signed_request = std::make_shared<const SignedRequest>(SignedRequest{*key, *std::move(base), *signature});
  if (!signed_request->verifies()) return Unexpected{refused(no_key_verifies)};
  return std::optional(SignedCaller{service->name, std::move(signed_request)});
}

}  // namespace daicho
