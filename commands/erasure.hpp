// commands/erasure.hpp — what erasing an account takes out of the store (R-LIFE-1): its data key in every slot, where
// its proof addresses are found, who holds its notifications, and its first answers, whose keys stay used. Pure.
#pragma once

#include <span>

#include "ledger/event.hpp"
#include "ledger/store.hpp"

namespace daicho {

/// `history`: the account's events before the erasing one.
Rows erasure_rows(const Id& account, std::span<const Event> history);
/// What of it, and of its projections, must be in no file any more: for Store::purge().
std::vector<RowPrefix> erased_prefixes(const Id& account, std::span<const Event> history);

}  // namespace daicho
