// tools/query/queries.hpp — what investigators ask. Every answer is an object with `clock`; lists are under one member.
#pragma once

#include <variant>

#include "projections/history.hpp"
#include "tools/json_fields.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

inline constexpr std::uint64_t query_rows_default = 1'000, query_rows_max = 10'000;

struct QueryOptions {
  std::optional<std::string> account;  ///< an id, or a sign-in name
  AsOf as_of;
  std::optional<Position> from;
  std::optional<std::uint64_t> limit;
  std::optional<std::string> type, service;
  std::optional<std::string> investigator;  ///< of `accesses`
  std::optional<Time> since, until;         ///< of `events` and `accesses`
  std::optional<Time> due_before;
  std::optional<Position> seq;               ///< of `explain`: an event
  std::optional<std::string> rule;           ///< of `explain`, with an account: a rule that refused and left no event
  std::optional<std::string> proof_address;  ///< of `accounts`: an e-mail address or a phone number with its country
  std::string language;                      ///< of titles

  std::uint64_t rows_max() const { return limit.value_or(query_rows_default); }
  bool is_past() const { return as_of.time || as_of.position; }
};

/// One option: what it is called in JSON and as a parameter (at the terminal with `-` for `_`), and where it goes.
struct QueryOption {
  const char* name;
  const char* what;
  std::variant<std::optional<std::string> QueryOptions::*, std::optional<std::uint64_t> QueryOptions::*,
               std::optional<Time> QueryOptions::*, AsOf QueryOptions::*>
      place;

  bool is_number() const { return place.index() == 1; }
};
std::span<const QueryOption> query_options();

/// What came as text, as the member that read_query_options() reads: `as_of` may be a time or a number.
Json option_value(const QueryOption& option, const std::string& text);
/// From members that are named like the options. Failure(usage) for one of the wrong kind.
QueryOptions read_query_options(Fields& fields);

struct Query {
  const char* name;
  const char* summary;
  const char* example;
  const char* rows;  ///< the member that holds the list, for ndjson and csv; empty: none
  Json (*answer)(const LedgerView& ledger, const QueryOptions& options);
  const char* options;                    ///< the options that it takes
  const char* account_options = nullptr;  ///< those with an account, when they are others
};
std::span<const Query> queries();
const Query* find_query(std::string_view name);

/// A question that came as JSON: the options, and `at`, the present instant of a simulated clock. Failure(usage) for
/// what check() does not take.
struct AskedQuery {
  LedgerView ledger;
  QueryOptions options;
};
AskedQuery read_query(LedgerView ledger, const Query& query, const Json& options, const std::string& language);
/// Its answer.
Json answer_query(LedgerView ledger, const Query& query, const Json& options, const std::string& language);

/// What every answer begins with.
Json clock_of(const LedgerView& ledger);

/// Failure(usage) for an option that the query does not take, an unknown event type, a limit out of bounds, a position
/// behind the end of the log.
void check(const LedgerView& ledger, const Query& query, const QueryOptions& options);

/// The account meant by an id or a sign-in name; nullopt: there is none.
std::optional<Account> find_account(const Store& store, const KeyRing* keys, const std::string& named);
/// Likewise; nullopt also when it was closed or expired.
std::optional<Account> find_open_account(const Store& store, const KeyRing* keys, const std::string& named);
/// Likewise; NoSuchAccount when there is none.
struct NoSuchAccount : Failure {
  NoSuchAccount() : Failure(Exit::usage, "there is no such account") {}
};
Account resolve_account(const Store& store, const KeyRing* keys, const std::string& named);

/// Whether the options of `events` select it; `account` is the one that they name.
bool is_selected(const Event& event, const QueryOptions& options, const std::optional<Id>& account);
Json event_row(const Event& event);
/// Rows of `events` from a position on, those that match; `next` is set behind the last one looked at.
Json event_rows(const LedgerView& ledger, const QueryOptions& options, Position& next);

}  // namespace daicho
