// commands/registration.hpp — a new account, and the confirmation of its sign-in name (R-ACC-1, R-ACC-2).
#pragma once

#include "commands/passwords.hpp"
#include "commands/profile.hpp"
#include "commands/proofs.hpp"

namespace daicho {

struct RegisterAccount {
  std::string sign_in_name;
  NewPassword password;
  fb::ProfileT profile;
  std::vector<NewProof> proofs;
  fb::Plan plan = fb::Plan::free;
  std::optional<std::string> device_id;
  bool is_name_taken = false;  ///< filled in under the name's lock
};
struct ConfirmSignInName {
  std::string link_token;
};

Decision decide(const Account& account, const RegisterAccount& command, const Context& context);
fb::Grade grade(const RegisterAccount& command, const Policy& policy);
Decision decide(const Account& account, const ConfirmSignInName& command, const Context& context);

}  // namespace daicho
