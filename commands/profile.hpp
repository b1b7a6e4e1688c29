// commands/profile.hpp — changing the profile; what was true before stays usable for recovery (R-ACC-3, R-ACC-7).
#pragma once

#include "commands/challenges.hpp"

namespace daicho {

inline constexpr std::size_t profile_field_bytes_max = 256;

/// A field of the profile by its public name.
struct ProfileField {
  const char* name;
  std::string fb::ProfileT::*field;
};
std::span<const ProfileField> profile_fields();

struct ChangeProfile {
  Id challenge;
  std::vector<std::pair<std::string, std::string>> changes;  ///< name and new value; an empty one takes it away
};
Decision decide(const Account& account, const ChangeProfile& command, const Context& context);

}  // namespace daicho
