// commands/restoring.hpp — a restored ledger writes again: an event of its own account says what is gone (R-LED-5), and
// what was erased since is erased again (R-LIFE-1). Issued only by `daicho restore --accept`
// (tools/backup/restore.hpp), which found out what is known to have existed.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t restore_reason_bytes_max = 1'024;

struct AcceptRestore {
  std::uint64_t size = 0;        ///< events the ledger has
  std::uint64_t known_size = 0;  ///< events known to have existed, never fewer
  Hash known_root;
  std::string reason;
};
Decision decide(const LedgerState& ledger, const AcceptRestore& command, const Context& context);

/// An account was closed by an event that is gone with the end of the log: its owner's password and yes were given
/// then.
struct CloseAgain {
  Hash key_fingerprint;   ///< of the data key that went, as that event says
  std::string name_mark;  ///< likewise
  Position restore = 0;   ///< of the RestoreAccepted that it comes with
};
Decision decide(const Account& account, const CloseAgain& command, const Context& context);

}  // namespace daicho
