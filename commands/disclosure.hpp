// commands/disclosure.hpp — single events are to be opened for a third party (docs/disclosure.md): that is an event of
// their account before any key is handed out (R-LED-1, R-LED-5).
#pragma once

#include "commands/access.hpp"
#include "ledger/disclosure.hpp"

namespace daicho {

/// One access of its investigator, however many events of the account it opens.
struct DiscloseEvents : Access {
  std::vector<Position> positions;  ///< of the account's sealed events, at most disclosure_events_max
  bool with_secrets = false;        ///< of events that seal a verifier or an authenticator's secret, too
};

/// What AccessRecorded says was read: "event:POSITION" for each, and "with_secrets".
Decision decide(const Account& account, const DiscloseEvents& command, const Context& context);
/// Of the ledger's own account.
Decision decide(const LedgerState& ledger, const DiscloseEvents& command, const Context& context);

/// Whether it holds what signs somebody in, or can be guessed against: a password's or an answer's verifier, an
/// authenticator's secret.
bool has_secrets(const fb::PersonalT& personal);

}  // namespace daicho
