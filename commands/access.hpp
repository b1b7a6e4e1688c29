// commands/access.hpp — an investigator reads what is sealed: the reading is an event before anything is shown
// (R-LED-1, R-LED-5).
#pragma once

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t access_reason_bytes_max = 1'024;
inline constexpr std::size_t case_number_bytes_max = 64;

struct RecordAccess {
  std::string reason, case_number;  ///< the case it belongs to, if there is one
  std::vector<std::string> fields;
};
/// What can be asked for: sign_in_name, profile, proofs.
std::span<const char* const> access_fields();

Decision decide(const Account& account, const RecordAccess& command, const Context& context);

}  // namespace daicho
