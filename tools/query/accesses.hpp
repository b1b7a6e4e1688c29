// tools/query/accesses.hpp — who read what is sealed, when and under which case (R-LED-1, R-LED-5). Of one account its
// own history says it; of all, the index of accesses.
#pragma once

#include "tools/query/queries.hpp"

namespace daicho {

/// In the log's order; `next` is where the next page begins. The values that were read are in no event, and the reason
/// stays sealed: it is free text.
Json query_accesses(const LedgerView& ledger, const QueryOptions& options);

/// What of an investigator's day was used when an event was decided, as decisions count it; of any account.
std::vector<AccessRow> accesses_of_day(const Store& store, const std::string& investigator, const Event& decided,
                                       const Policy& policy);

}  // namespace daicho
