// tools/query/account.hpp — queries about one account; `as_of` a time or a position.
#pragma once

#include "tools/query/queries.hpp"

namespace daicho {

Json query_account(const LedgerView& ledger, const QueryOptions& options);
Json query_proofs(const LedgerView& ledger, const QueryOptions& options);
Json query_block(const LedgerView& ledger, const QueryOptions& options);
Json query_account_windows(const LedgerView& ledger, const QueryOptions& options);
Json query_limits(const LedgerView& ledger, const QueryOptions& options);
Json query_timeline(const LedgerView& ledger, const QueryOptions& options);

}  // namespace daicho
