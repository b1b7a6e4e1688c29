// commands/blocking.hpp — blocking and unblocking an account (R-BLK-1, R-BLK-2).
#pragma once

#include "commands/decision.hpp"

namespace daicho {

struct BlockAccount {
  std::string reason;  ///< a word: lower-case letters, digits, `_`
  std::string detail;  ///< free text, sealed
};
struct UnblockAccount {
  Id challenge;
};

Decision decide(const Account& account, const BlockAccount& command, const Context& context);
Decision decide(const Account& account, const UnblockAccount& command, const Context& context);

/// The refusal of what only somebody signed in may do; nullopt: the account is not blocked.
std::optional<Refusal> check_not_blocked(const Account& account);

/// AccountBlocked, notifying every proof.
Draft block(const std::string& reason, const std::string& detail, const Account& account, const Context& context,
            std::initializer_list<Rule> rules);

}  // namespace daicho
