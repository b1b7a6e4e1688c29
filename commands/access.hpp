// commands/access.hpp — an investigator reads what is sealed: the reading is an event, durable before anything is
// shown, and one investigator has so many a day (R-LED-1, R-LED-5, docs/decisions/0026-access.md).
#pragma once

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t access_reason_bytes_max = 1'024;
inline constexpr std::size_t case_number_bytes_max = 64;

/// What every command brings that shows sealed fields. A command is one when its struct derives from this.
struct Access {
  std::string reason;              ///< free text; it is sealed
  std::string case_number;         ///< in clear: visible ASCII, no `@`
  std::string investigator;        ///< in clear: an opaque staff id, written as a service's name; empty: the service
  std::vector<Time> earlier = {};  ///< this investigator's accesses of the last days, of all accounts: by the executor
};
/// Whose accesses these are, and whose day they count on.
const std::string& investigator_of(const Access& access, const Issuer& issuer);

/// Decides any command that shows sealed fields, its own refusals done: refused for what it does not say or for the
/// day's limit, the latter on record; or AccessRecorded, and what is revealed. `marks`: of the account, or the ledger.
Decision record_access(const RefusalMarks& marks, const Access& access, std::vector<std::string> fields, Reveal reveal,
                       const Context& context);

struct RecordAccess : Access {
  std::vector<std::string> fields;
};
/// What can be asked for: sign_in_name, profile, proofs.
std::span<const char* const> access_fields();

Decision decide(const Account& account, const RecordAccess& command, const Context& context);

}  // namespace daicho
