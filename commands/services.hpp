// commands/services.hpp — who may issue commands: services and their roles, as events of the ledger's own account
// (R-LED-5, R-REC-11; the rulebook's words, section 1).
//
// While no service is registered every name may issue every command: the files' owner is the only caller. From the
// first registration on a name must be registered and hold a role of the command, but `local`, the owner at the
// terminal.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t services_max = 1'000;  ///< revoked ones included
inline constexpr std::string_view owner_service = "local";
inline constexpr std::string_view scheduler_service = "scheduler";

struct RegisterService {
  std::string name;
  std::vector<fb::Role> roles;
  std::string public_key;  ///< Ed25519, base64; empty: it does not sign
};
struct RevokeService {
  std::string name;
};
Decision decide(const LedgerState& ledger, const RegisterService& command, const Context& context);
Decision decide(const LedgerState& ledger, const RevokeService& command, const Context& context);

/// Roles that may issue a command; empty: any.
std::span<const fb::Role> roles_of(std::string_view command);

/// Why this service may not issue this command; nullopt: it may.
std::optional<Refusal> check_role(const LedgerState& ledger, std::string_view service, std::string_view command);
/// Why this service may not ask queries and read the log; nullopt: it may. Support may not (R-REC-11), nor who only
/// reports or delivers.
std::optional<Refusal> check_reader(const LedgerState& ledger, std::string_view service);
/// Why this command does not count as this service's: it signs its commands and did not sign this one, or the signature
/// is none of its key over this command on this account; nullopt: it counts. The signature itself is verified where it
/// came in, its time where the event gets one. Nothing of it is recorded: nobody has said who asks.
std::optional<Refusal> check_signature(const LedgerState& ledger, const Issuer& issuer, const Id& account);
Refusal signature_refused(const std::string& words);
/// Whether a refusal is one of these and the caller's own fault: `not permitted`, and no rule about accounts.
bool is_not_permitted(const Json& answer);

bool is_unsigned(const Json& answer);  ///< check_signature()'s

/// A command that its service may not issue: refused and recorded, on the account when there is one.
struct RefuseCommand {
  Refusal refusal;
};
Decision decide(const Account& account, const RefuseCommand& command, const Context& context);
Decision decide(const LedgerState& ledger, const RefuseCommand& command, const Context& context);

}  // namespace daicho
