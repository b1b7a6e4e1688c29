// tools/query/explain.hpp — why somebody was refused or let in: of one event the rules in words, the policy in force
// then, the events it rested on, and what would have changed it, and when (R-REC-10, R-LED-4, R-LED-5).
#pragma once

#include "tools/query/queries.hpp"

namespace daicho {

/// Of the event at `seq`; of an account, what a rule says to it at an instant, or its newest refusal or outcome.
Json query_explain(const LedgerView& ledger, const QueryOptions& options);

}  // namespace daicho
