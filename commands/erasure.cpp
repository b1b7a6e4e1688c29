#include "commands/erasure.hpp"

#include <set>

#include "commands/executor_run.hpp"

namespace daicho {

namespace {

/// The keys of the first answers to the commands that what is erased concerns.
std::set<std::string> answer_keys(std::span<const Event> history, const Erasing& what) {
  std::set<std::string> keys;
  for (const Event& event : concerned(history, what)) keys.insert(answer_row_key(event));
  return keys;
}

/// What the rows of the keys that go begin with.
std::string keys_prefix(const Id& account, const Erasing& what) {
  return what.is_all() ? std::string(account.text()) : KeyRing::row_key(account, what.slot);
}

}  // namespace

Rows erasure_rows(const Id& account, std::span<const Event> history, const Erasing& what) {
  Rows rows;
  rows.push_back({Family::keys, keys_prefix(account, what), std::nullopt, true});
  if (what.is_all()) rows.push_back({Family::rows, proof_addresses_row_key(account), std::nullopt});
  const auto notifications = what.is_all() ? notifications_of(history) : withdrawn_notifications(history, what);
  for (const Id& notification : notifications)
    rows.push_back({Family::leases, std::string(notification.text()), std::nullopt});
  for (const std::string& key : answer_keys(history, what)) rows.push_back({Family::answers, key, ""});
  return rows;
}

std::vector<RowPrefix> erased_prefixes(const Id& account, std::span<const Event> history, const Erasing& what) {
  std::vector<RowPrefix> prefixes = {{Family::keys, keys_prefix(account, what)}};
  if (what.is_all()) {
    prefixes.push_back({Family::rows, account_row_key(account)});
    prefixes.push_back({Family::rows, evidence_rows_prefix(account)});
  }
  if (what.slot != mailbox_key_slot)  // what the row was: an address that is erased can be guessed by it
    prefixes.push_back({Family::rows, proof_addresses_row_key(account)});
  for (const std::string& key : answer_keys(history, what)) prefixes.push_back({Family::answers, key});
  return prefixes;
}

}  // namespace daicho
