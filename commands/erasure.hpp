// commands/erasure.hpp — what erasing an account, or what is under one of its data keys, takes out of the store: the
// key or all of them, where proof addresses are found, who holds notifications, and first answers, whose keys stay used
// (R-LIFE-1, R-LIFE-2, R-PRF-5). Pure.
#pragma once

#include <span>

#include "ledger/erasing.hpp"
#include "ledger/store.hpp"

namespace daicho {

/// `history`: the account's events before the erasing one.
Rows erasure_rows(const Id& account, std::span<const Event> history, const Erasing& what = {});
/// What of it, and of its projections, must be in no file any more: for Store::purge().
std::vector<RowPrefix> erased_prefixes(const Id& account, std::span<const Event> history, const Erasing& what = {});

}  // namespace daicho
