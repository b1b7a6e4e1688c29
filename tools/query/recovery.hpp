// tools/query/recovery.hpp — how an account can be recovered right now (R-HLP-1), and what became of the recovery forms
// (R-REC-7, R-REC-10).
#pragma once

#include "tools/query/queries.hpp"

namespace daicho {

/// With an unknown sign-in name the answer is a decoy's, unless the policy discloses existence (R-ACC-6).
Json query_recovery_options(const LedgerView& ledger, const QueryOptions& options);
/// Of one account: every submission kept. Of all: the replies that are due, longest waiting first.
Json query_recoveries(const LedgerView& ledger, const QueryOptions& options);

}  // namespace daicho
