// commands/replacement.hpp — proofs marked lost, new ones after 30 days (R-LOST-1…7). Source: document 004.
#pragma once

#include "commands/proofs.hpp"

namespace daicho {

struct MarkProofsLost {
  std::vector<Id> proofs;  ///< empty: all that still count
  std::optional<std::string> recovery_code;
  // Who opened the open window says so with either of these; a recovery code then takes effect in that very window.
  // Without them it ends a window that somebody else may have opened, and opens another.
  std::optional<Id> replacement;
  std::optional<std::string> replacement_token;
};
struct ProposeReplacementProof {
  Id replacement;
  NewProof proof;
};
struct ConfirmReplacementProof {
  Id replacement;
  std::optional<std::string> code;
  std::optional<std::string> link_token, account_named;
};
/// What entitles somebody to stop a replacement: exactly one is given (R-LOST-5).
struct StopReplacement {
  Id replacement;
  std::optional<std::string> link_token;
  std::optional<Id> challenge;
  std::optional<std::string> replacement_token;
};
struct CancelReplacement : StopReplacement {};
struct DisputeReplacement : StopReplacement {};
struct CompleteReplacement {
  Id replacement;
};

Decision decide(const Account& account, const MarkProofsLost& command, const Context& context);
Decision decide(const Account& account, const ProposeReplacementProof& command, const Context& context);
Decision decide(const Account& account, const ConfirmReplacementProof& command, const Context& context);
Decision decide(const Account& account, const CancelReplacement& command, const Context& context);
Decision decide(const Account& account, const DisputeReplacement& command, const Context& context);
/// `account` is settled: a window that has run out is closed in it already, by the event the executor appends
/// (executor.hpp).
Decision decide(const Account& account, const CompleteReplacement& command, const Context& context);

/// ReplacementCompleted for the account's open window, as of its end.
Draft completion(const Account& account, Time effective_at, const Context& context);

}  // namespace daicho
