// ledger/audit_services.hpp — the part of an audit that asks whether a service that signs its commands did sign them
// (ledger/signed_request.hpp). Internal to audits.
//
// From the registration of a service with a public key on, up to its revocation, every command in its name carries its
// signature, whoever wrote the event. Without the master key that it is there is checked, not what it says.
#pragma once

#include <unordered_map>

#include "ledger/audit_pipeline.hpp"

namespace daicho {

/// What needs no order: opens the signed request and verifies it by the key it brings. Any thread.
AuditedRequest audit_request(const LogSource& source, const KeyRing* keys, const Event& event, std::string_view origin);

/// Which services sign, by the events told so far. One thread.
class SigningServices {
 public:
  /// The next event against them. `knows_all`: it was told every event from the first on; otherwise a service may have
  /// been registered, or the account erased, before. `is_erased`: nothing of the event's account can be sealed any
  /// more, so that no signature is kept with it.
  std::optional<Finding> event(const AuditedEvent& audited, bool knows_all, bool is_erased);

 private:
  struct Registered {
    Id id;
    PublicKey key;
  };
  /// Of the event before: those of one command follow each other.
  struct Command {
    Id account;
    std::string service, id;
    bool operator==(const Command&) const = default;
  };

  void learn(const Event& event);
  std::optional<std::string> refute(const AuditedEvent& audited, bool is_first, bool knows_all, bool is_erased) const;

  std::unordered_map<std::string, Registered> services_;
  std::optional<Command> last_;
};

}  // namespace daicho
