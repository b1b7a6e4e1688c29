// projections/accesses.hpp — who read what is sealed, and when: one index row an AccessRecorded, from which an
// investigator's day is counted and `query accesses` is answered (R-LED-1, R-LED-5). Rows outlive the account they are
// of: they are the record of who read it. Any thread.
#pragma once

#include "ledger/event.hpp"
#include "ledger/store.hpp"

namespace daicho {

struct AccessRow {
  std::string investigator;  ///< as the event names it, else the service that issued the command; no NUL in it
  Time at = 0;
  Position position = 0;  ///< of the event, which says the rest
  bool operator==(const AccessRow&) const = default;
};
std::string access_row_key(const AccessRow& row);
/// What the keys of one investigator's rows begin with, earliest first.
std::string access_rows_prefix(std::string_view investigator);
std::optional<AccessRow> parse_access_row(ByteView key);

/// The row that an event gives; nullopt: it is no access.
std::optional<AccessRow> access_of(const Event& event);

/// One investigator's accesses from an instant on, earliest first; without one, everybody's, by investigator. Cost: one
/// row each.
Result<std::vector<AccessRow>, StoreError> read_accesses(const Store& store,
                                                         const std::optional<std::string>& investigator, Time since);

}  // namespace daicho
