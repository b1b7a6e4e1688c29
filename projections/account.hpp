// projections/account.hpp — the state of one account: the small folds composed. Decisions and queries read this and
// nothing else.
#pragma once

#include <algorithm>

#include "projections/block_status.hpp"
#include "projections/challenges.hpp"
#include "projections/current_proofs.hpp"
#include "projections/daily_limits.hpp"
#include "projections/data_keys.hpp"
#include "projections/identity.hpp"
#include "projections/life_cycle.hpp"
#include "projections/pending_windows.hpp"
#include "projections/recoveries.hpp"

namespace daicho {

/// Raised whenever a fold gives other rows for the same events: stored rows of another version are rebuilt.
inline constexpr std::uint32_t fold_version = 4;

struct Account {
  Id id;
  AccountHead head;
  Identity identity;
  CurrentProofs proofs;
  BlockStatus block;
  PendingWindows windows;
  DailyLimits limits;
  Challenges challenges;
  Recoveries recoveries;
  LifeCycle life;
  DataKeys keys;
  bool operator==(const Account&) const = default;

  bool exists() const { return head.version > 0; }
  Time last_active() const { return std::max(identity.registered_at, identity.last_sign_in); }
};

void evolve(Account& account, const Event& event, const Hash& leaf);

/// The account as at `now`, as if its window had ended on time (R-LOST-7).
Account settled(Account account, Time now);

enum class Notice : std::uint8_t {
  confirm_sign_in_name,
  add_security_info,
  security_info_change_pending,
  verify_this_device
};
/// For one device when named, else whether any device would see it.
std::vector<Notice> notices(const Account& account, const Policy& policy, std::optional<Tag16> device);

}  // namespace daicho
