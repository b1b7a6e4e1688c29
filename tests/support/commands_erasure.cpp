#include "tests/support/commands_erasure.hpp"

#include <doctest/doctest.h>

#include "projections/history.hpp"

namespace daicho::test {

bool has_key(const MemoryLedger& ledger, const Id& account, std::uint32_t slot) {
  return ledger.rows(Family::keys).contains(KeyRing::row_key(account, slot));
}

std::vector<std::uint32_t> slots_of(const MemoryLedger& ledger, const Id& account) {
  std::vector<std::uint32_t> slots;
  for (const auto& [key, value] : ledger.rows(Family::keys)) {
    if (key.starts_with(account.text())) slots.push_back(read_big_endian32(as_bytes(key).last(4)));
  }
  return slots;
}

std::string difference(MemoryLedger& ledger) {
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, {}));
  const auto found = first_difference(ledger.store(), replay);
  REQUIRE(found);
  if (*found) return describe(**found);
  const auto live = ledger.rows(Family::rows);
  REQUIRE(rebuild(ledger.store(), ledger.keys(), nullptr));
  return ledger.rows(Family::rows) == live ? "" : "rebuilding gives other rows";
}

void while_keys_are_read(MemoryLedger& ledger, const std::function<void()>& work) {
  ledger.reopen();  // into table files
  REQUIRE(!ledger.store().scan(Family::keys, {}, [&](ByteView, ByteView) {
    work();
    return false;
  }));
}

Event newest_event(const MemoryLedger& ledger, const Id& account, std::string& envelope) {
  envelope = **read_event(ledger.store(), ledger.account(account).head.position);
  return *Event::parse(as_bytes(envelope));
}

std::vector<Event> events_of(const MemoryLedger& ledger, const Id& account, std::vector<std::string>& envelopes) {
  envelopes = *account_events(ledger.store(), ledger.account(account).head, {});
  return parse_events(envelopes);
}

AuditReport audit(MemoryLedger& ledger, bool with_keys) {
  return audit_log(ledger.store(), ledger.log().verifier(),
                   {.threads = 1, .keys = with_keys ? &ledger.keys() : nullptr});
}

void check_finding(const AuditReport& report, FindingKind kind, const Id& account) {
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->kind == kind);
  CHECK(report.first_finding->account == account);
}

}  // namespace daicho::test
