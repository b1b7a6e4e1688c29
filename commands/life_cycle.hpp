// commands/life_cycle.hpp — leaving, falling asleep, and what is never done (R-LIFE-1…3, R-ACC-4). Source: document
// 002.
#pragma once

#include "commands/passwords.hpp"

namespace daicho {

struct CloseAccount {
  std::string password;
  bool confirm = false;
  Verdict verdict = Verdict::not_asked;  ///< on the password, filled in by the executor
  std::string name_mark = {};            ///< likewise
};
/// The scheduler's, of an account that expired and was kept long enough since: it closes for good.
struct CloseExpiredAccount {
  std::string name_mark = {};  ///< filled in by the executor (projections/replay.hpp)
};
/// The scheduler's, of a destination that no proof has had for long enough.
struct EraseDataKey {
  std::uint32_t slot = 0;
};
/// The scheduler's, once no file of the store holds the data key, or with slot 0 any of the closed account's: what went
/// with it.
struct CompleteErasure {
  std::uint64_t sealed_events = 0, answers = 0, notifications = 0;
  std::uint32_t slot = own_key_slot;
};
struct DeactivateMailbox {
  fb::MailboxReason reason = fb::MailboxReason::none;
};
struct ExpireAccount {};
/// Exists to be refused: accounts cannot be merged.
struct MergeAccounts {
  std::string into;
};

Decision decide(const Account& account, const CloseAccount& command, const Context& context);
Decision decide(const Account& account, const CloseExpiredAccount& command, const Context& context);
Decision decide(const Account& account, const EraseDataKey& command, const Context& context);
Decision decide(const Account& account, const CompleteErasure& command, const Context& context);
Decision decide(const Account& account, const DeactivateMailbox& command, const Context& context);
Decision decide(const Account& account, const ExpireAccount& command, const Context& context);
Decision decide(const Account& account, const MergeAccounts& command, const Context& context);

/// The refusal of whatever comes after the account's end; nullopt: it has not ended.
std::optional<Refusal> check_not_ended(const Account& account);

}  // namespace daicho
