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
  evolve(account.recoveries, event);
  evolve(account.life, event);
  evolve(account.keys, event, account.proofs);
  // What is decided later needs no more of a closed account: its place in the log and its end (R-LIFE-1).
  if (event.as<fb::AccountClosed>()) account = Account{.id = account.id, .head = account.head, .life = account.life};
}

Account settled(Account account, Time now) {
  if (account.life.end || !account.windows.is_due(now)) return account;
  const Window window = *account.windows.open;
  complete_replacement(account.proofs, window.id, *window.effective_at, *window.confirmed);
  for (Proof& proof : account.proofs.all) {  // the end comes after all that happened, wherever its event will stand
    if (proof.replacement == window.id && proof.status == ProofStatus::verified)
      proof.verified = account.head.position + 1;
  }
  complete_window(account.windows, *window.effective_at, *window.confirmed);
  account.challenges.open.clear();
  void_recovery_code(account.identity);
  void_open(account.recoveries);
  account.identity.changed_at = std::max(account.identity.changed_at, *window.effective_at);
  return account;
}

std::vector<Notice> notices(const Account& account, const Policy& policy, std::optional<Tag16> device) {
  std::vector<Notice> result;
  if (account.life.end) return result;
  if (!account.identity.name_confirmed) result.push_back(Notice::confirm_sign_in_name);
  // R-PRF-8: a weak password asks for more, too, until another proof is verified after it was set.
  const bool is_weak =
      account.identity.grade == fb::Grade::weak && std::ranges::none_of(account.proofs.all, [&](const Proof& proof) {
        return proof.is_usable() && proof.verified > account.identity.passwords.back();
      });
  if (is_weak || account.proofs.usable_count() < static_cast<std::size_t>(policy.min_proofs)) {
    result.push_back(Notice::add_security_info);
  }
  if (account.windows.open) result.push_back(Notice::security_info_change_pending);
  const auto verified_since = [&](const Device& known) {
    return std::pair(known.verified_at, known.verified) >
           std::pair(account.identity.changed_at, account.identity.changed);
  };
  const Device* named = device ? account.identity.find_device(*device) : nullptr;
  const bool seen =
      device ? named && verified_since(*named) : std::ranges::any_of(account.identity.devices, verified_since);
  if (account.identity.changed_at > 0 && !seen) result.push_back(Notice::verify_this_device);
  return result;
}

}  // namespace daicho
