// tools/queries.hpp — what investigators ask. Every answer is an object with `clock`; lists are under one member.
#pragma once

#include "projections/history.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

inline constexpr std::uint64_t query_rows_max = 10'000;

struct QueryOptions {
  std::optional<std::string> account;  ///< an id, or a sign-in name
  AsOf as_of;
  Position from = 0;
  std::uint64_t limit = 1'000;
  std::optional<std::string> type, service;
  std::optional<Time> since, until;  ///< of `events`
  std::optional<Time> due_before;
  std::optional<Position> seq;      ///< of `explain`: an event
  std::string language;             ///< of titles
  std::optional<std::string> rule;  ///< of `explain`, with an account: a rule that refused and left no event
};

struct Query {
  const char* name;
  const char* summary;
  const char* example;
  const char* rows;  ///< the member that holds the list, for ndjson and csv; empty: none
  Json (*answer)(const LedgerView& ledger, const QueryOptions& options);
};
std::span<const Query> queries();
const Query* find_query(std::string_view name);

/// Failure(usage) for an unknown event type, a limit out of bounds, a position behind the end of the log.
void check(const LedgerView& ledger, const QueryOptions& options);

/// The account meant by an id or a sign-in name; nullopt: there is none.
std::optional<Id> find_account(const Store& store, const KeyRing* keys, const std::string& named);
/// The account meant by an id or a sign-in name; Failure(usage) when there is none.
Id resolve_account(const Store& store, const KeyRing* keys, const std::string& named);

/// Rows of `events` from a position on, those that match; `next` is set behind the last one looked at.
Json event_rows(const LedgerView& ledger, const QueryOptions& options, Position& next);

}  // namespace daicho
