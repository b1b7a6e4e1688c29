// projections/row_codec.hpp — state as row bytes. Equal states give equal bytes; the layout is ours alone and changes
// with fold_version (projections/account.hpp): rows are disposable, the events are not.
#pragma once

#include "projections/account.hpp"
#include "projections/policy.hpp"

namespace daicho {

std::string encode_row(const Account& account);
std::string encode_row(const LedgerState& ledger);
/// nullopt: another fold version, or not a row. The store's rows are then rebuilt.
std::optional<Account> decode_account(ByteView row);
std::optional<LedgerState> decode_ledger(ByteView row);

}  // namespace daicho
