// ledger/signed_request.hpp — a command as its service signed it: HTTP message signatures (RFC 9421) with Ed25519. What
// such a signature says of itself, the text it is over, and whether it is of this command and of this time. Pure; any
// thread. How it is kept: docs/ledger-format.md, section "Signed request"; how it arrives: docs/service.md, section
// "Signed commands".
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ledger/id.hpp"
#include "ledger/result.hpp"
#include "ledger/sealing.hpp"
#include "ledger/signing.hpp"
#include "ledger/structured_fields.hpp"
#include "ledger/time.hpp"

namespace daicho {

inline constexpr Duration signature_age_max = 300 * second_us;   ///< from `created` to the command's event
inline constexpr Duration signature_ahead_max = 30 * second_us;  ///< as far a service's clock may be ahead
inline constexpr std::size_t signature_base_bytes_max = 4'096;   ///< kept with the event, so it is bounded

/// SHA-256 of a service's public key, first eight bytes: what the header of an event says of who signed. On disk.
using ServiceKeyId = FixedBytes<8, struct ServiceKeyIdTag>;
ServiceKeyId service_key_id(const PublicKey& key);

struct SignedRequest {
  PublicKey key;
  std::string base;  ///< RFC 9421 section 2.5
  Signature signature;
  bool verifies() const { return verify_ed25519(key, as_bytes(base), signature); }
};

/// The key that a signed request of an account is sealed by: made of the account's own data key and of every other one
/// that the command has to do with, in ascending order of slots. With any of them erased nobody has it.
SecretKey request_key(const SecretKey& own, const std::vector<const SecretKey*>& others);

/// A signed request on its way into the command's first event.
struct RequestToSeal {
  std::shared_ptr<const SignedRequest> request;
  std::vector<std::uint32_t> slots;  ///< of the other data keys
  SecretKey key;                     ///< request_key() of them

  std::size_t bytes_bound() const { return 512 + request->base.size() + slots.size() * sizeof(std::uint32_t); }
};

/// What a signature covers and says of itself: `("@method" "@path");created=1618884473;keyid="web"`.
struct SignatureParameters {
  std::vector<std::string> components;  ///< names, in the order they are covered
  std::string keyid;
  std::string tag;           ///< whose use of signatures it is (RFC 9421 section 2.3); empty: it says none
  std::int64_t created = 0;  ///< seconds since the Unix epoch
  std::optional<std::int64_t> expires;
  std::string text;  ///< in canonical form: the value of `@signature-params`

  bool covers(std::string_view component) const;
};
/// Or what is wrong, in words. Components are plain names, each once, without parameters; `created` and `keyid` are
/// there; of others only `expires`, `alg` (ed25519), `nonce` and `tag` are known.
Result<SignatureParameters, std::string> read_signature_parameters(const InnerList& list);

/// The value of a component of the message (RFC 9421 sections 2.1 and 2.2); nullopt: the message has none.
using ComponentValue = std::function<std::optional<std::string>(const std::string& name)>;
/// Section 2.5; or what is wrong, in words.
Result<std::string, std::string> signature_base(const SignatureParameters& parameters, const ComponentValue& value_of);

/// A base taken apart again.
struct SignatureBase {
  std::vector<std::pair<std::string, std::string>> components;  ///< name and value, as covered
  SignatureParameters parameters;

  std::string_view value_of(std::string_view component) const;  ///< empty when it is not covered
};
std::optional<SignatureBase> read_signature_base(std::string_view base);

/// The command that a signature must be of.
struct CommandNames {
  std::string_view service, command, command_id;
  Id account;
  std::string_view origin;  ///< the log's name: `tag` is that, so that another ledger cannot make use of a signature
};
/// Why this base was not signed for this command, in words; nullopt: it was. It covers method, path, content digest and
/// idempotency key; the path names the command, and the account if it names one.
std::optional<std::string> refute_command(const SignatureBase& base, const CommandNames& names);
/// Why a signature does not count at an instant, in words; nullopt: it does.
std::optional<std::string> refute_time(const SignatureParameters& parameters, Time at);

/// An idempotency key as a header field has it: in quotes (RFC 8941 section 3.3.3), or the same without them.
std::string_view unquoted(std::string_view field);

}  // namespace daicho
