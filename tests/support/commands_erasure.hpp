// tests/support/commands_erasure.hpp — what tests of erasures ask a ledger in memory.
#pragma once

#include "ledger/audit.hpp"
#include "tests/support/commands_ledger.hpp"

namespace daicho::test {

/// Whether a data key of the account is in the store.
bool has_key(const MemoryLedger& ledger, const Id& account, std::uint32_t slot = own_key_slot);
/// The slots of those that are.
std::vector<std::uint32_t> slots_of(const MemoryLedger& ledger, const Id& account);

/// What a replay finds wrong with the stored rows; empty: nothing, and rebuilding gives the same.
std::string difference(MemoryLedger& ledger);

/// While something reads the files that hold the data keys, so that none can go and no erasure is completed.
void while_keys_are_read(MemoryLedger& ledger, const std::function<void()>& work);

/// The account's newest event, which stays in `envelope`.
Event newest_event(const MemoryLedger& ledger, const Id& account, std::string& envelope);
/// The account's events, which stay in `envelopes`.
std::vector<Event> events_of(const MemoryLedger& ledger, const Id& account, std::vector<std::string>& envelopes);

AuditReport audit(MemoryLedger& ledger, bool with_keys = true);
void check_finding(const AuditReport& report, FindingKind kind, const Id& account);

}  // namespace daicho::test
