// tools/query_subject.hpp — an account as a query sees it: at an instant, under the policy then, with what opens its
// sealed parts.
#pragma once

#include "commands/decision.hpp"
#include "tools/queries.hpp"

namespace daicho {

struct Subject {
  Account account;
  Policy policy;
  Time now;
  std::optional<SecretKey> data_key;
  const Store& store;
  std::optional<End> end = std::nullopt;  ///< of the account as it is now: why what is sealed may stay so

  std::optional<fb::PersonalT> personal(Position position) const {
    return data_key ? read_personal(store, position, *data_key) : std::nullopt;
  }
};
Subject subject_of(const LedgerView& ledger, const QueryOptions& options);

/// `clock`, `account`, `as_of`; of an account that ended, `end`: how, since when, by which events.
Json head_of(const LedgerView& ledger, const Subject& subject);
Json optional_time(const std::optional<Time>& time);
/// A proof's address as R-PRF-4 shows it, or its kind.
std::string masked(const Subject& subject, const Proof& proof);
Json allowance_json(const Allowance& allowance, std::int64_t per_day);
Json channels_json(fb::ProofKind kind);

}  // namespace daicho
