// tools/query/subject.hpp — an account as a query sees it: at an instant, under the policy then, with what opens its
// sealed parts.
#pragma once

#include <map>

#include "commands/decision.hpp"
#include "tools/query/queries.hpp"

namespace daicho {

struct Subject {
  Account account;
  Policy policy;
  Time now;
  const KeyRing* keys;  ///< null: nothing sealed is opened
  const Store& store;
  // Of the account as it is now: why what is sealed may stay so.
  std::optional<End> end = std::nullopt;
  DataKeys data_keys = {};

  std::optional<fb::PersonalT> personal(Position position) const {
    return keys ? read_personal(store, position, *keys) : std::nullopt;
  }
  bool is_erased(std::uint32_t slot) const { return (end && end->is_erased()) || !data_keys.has(slot); }
};
Subject subject_of(const LedgerView& ledger, const QueryOptions& options);

/// `clock`, `account`, `as_of`; of an account that ended, `end`: how, since when, by which events.
Json head_of(const LedgerView& ledger, const Subject& subject);
/// Which data keys of the account were erased since, by slot: when, by which event, and since when no file holds them.
std::map<std::uint32_t, Json> erasures_of(const LedgerView& ledger, const Subject& subject);
Json optional_time(const std::optional<Time>& time);
/// A proof's address as R-PRF-4 shows it, or its kind.
std::string masked(const Subject& subject, const Proof& proof);
Json allowance_json(const Allowance& allowance, std::int64_t per_day);
Json channels_json(fb::ProofKind kind);

}  // namespace daicho
