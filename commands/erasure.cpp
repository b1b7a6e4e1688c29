#include "commands/erasure.hpp"

#include <set>

#include "commands/executor_run.hpp"

namespace daicho {

namespace {

std::set<std::string> answer_keys(std::span<const Event> history) {
  std::set<std::string> keys;
  for (const Event& event : history) keys.insert(answer_row_key(event));
  return keys;
}

}  // namespace

Rows erasure_rows(const Id& account, std::span<const Event> history) {
  Rows rows;
  rows.push_back({Family::keys, std::string(account.text()), std::nullopt, true});
  rows.push_back({Family::rows, proof_addresses_row_key(account), std::nullopt});
  for (const Id& notification : notifications_of(history))
    rows.push_back({Family::leases, std::string(notification.text()), std::nullopt});
  for (const std::string& key : answer_keys(history)) rows.push_back({Family::answers, key, ""});
  return rows;
}

std::vector<RowPrefix> erased_prefixes(const Id& account, std::span<const Event> history) {
  std::vector<RowPrefix> prefixes = {{Family::keys, std::string(account.text())},
                                     {Family::rows, account_row_key(account)},
                                     {Family::rows, evidence_rows_prefix(account)},
                                     {Family::rows, proof_addresses_row_key(account)}};
  for (const std::string& key : answer_keys(history)) prefixes.push_back({Family::answers, key});
  return prefixes;
}

}  // namespace daicho
