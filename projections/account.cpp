#include "projections/account.hpp"

#include <algorithm>

namespace daicho {

void evolve(Account& account, const Event& event, const Hash& leaf) {
  account.id = event.account();
  account.head = {event.account_version(), event.position(), leaf};
  evolve(account.identity, event);
  evolve(account.proofs, event);
  evolve(account.block, event);
  evolve(account.windows, event);
  evolve(account.limits, event);
  evolve(account.challenges, event);
}

Account settled(Account account, Time now) {
  if (!account.windows.is_due(now)) return account;
  const Window window = *account.windows.open;
  complete_replacement(account.proofs, window.id, *window.effective_at, *window.confirmed);
  complete_window(account.windows, *window.effective_at, *window.confirmed);
  account.identity.changed_at = std::max(account.identity.changed_at, *window.effective_at);
  return account;
}

std::vector<Notice> notices(const Account& account, const Policy& policy, std::optional<Tag16> device) {
  std::vector<Notice> result;
  if (!account.identity.name_confirmed) result.push_back(Notice::confirm_sign_in_name);
  if (account.proofs.usable_count() < static_cast<std::size_t>(policy.min_proofs)) {
    result.push_back(Notice::add_security_info);
  }
  if (account.windows.open) result.push_back(Notice::security_info_change_pending);
  const auto verified_since = [&](const Device& known) { return known.verified_at >= account.identity.changed_at; };
  const Device* named = device ? account.identity.find_device(*device) : nullptr;
  const bool seen =
      device ? named && verified_since(*named) : std::ranges::any_of(account.identity.devices, verified_since);
  if (account.identity.changed_at > 0 && !seen) result.push_back(Notice::verify_this_device);
  return result;
}

}  // namespace daicho
