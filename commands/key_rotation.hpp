// commands/key_rotation.hpp — a new signing key or lookup key for the ledger, as an event of its own account (R-LED-5).
// The executor draws the key and appends with nothing else in flight: a signing key is kept before its event is
// appended, a lookup key in the same commit.
#pragma once

#include "commands/decision.hpp"
#include "ledger/signing.hpp"

namespace daicho {

/// Both are public, and the executor's to fill in: the caller gives nothing.
struct RotateSigningKey {
  KeyId old_key_id = {};
  std::string vkey = {};  ///< of the new key
};
Decision decide(const LedgerState& ledger, const RotateSigningKey& command, const Context& context);

/// Issued only by `daicho keys rotate-lookup`, which then puts the rows under the new key
/// (projections/lookup_rotation.hpp). The executor fills it in.
struct RotateLookupKey {
  Hash old_fingerprint = {}, fingerprint = {};
};
Decision decide(const LedgerState& ledger, const RotateLookupKey& command, const Context& context);

/// Where the signing key is kept between runs; handed in by tools/. None of them throws.
struct SigningKeyPlace {
  /// The key to come, under the same name; an opening after a crash finds it, too. nullopt: it cannot be had.
  std::function<std::optional<Signer>(const std::string& name)> next;
  std::function<void()> drop_next;          ///< the event was not appended
  std::function<void()> put_next_in_force;  ///< the event is durable; what fails here is made good at the next opening
};

}  // namespace daicho
