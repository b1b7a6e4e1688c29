// Data keys in any life: what is stored is what the log says, judged by the events alone.
#include <doctest/doctest.h>

#include <set>

#include "projections/event_fields.hpp"
#include "tests/support/commands_erasure.hpp"
#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// The slots of an account that its events are under and that none of them erased.
std::map<Id, std::set<std::uint32_t>> slots_by_events(const Journal& journal) {
  std::map<Id, std::set<std::uint32_t>> slots;
  for (const Event& event : journal.events) {
    if (event.account().is_zero()) continue;
    auto& of_account = slots[event.account()];
    if (event.account_version() == 1 || event.sealed_slot() != 0) of_account.insert(event.sealed_slot());
    if (const auto* erased = event.as<fb::DataKeyErased>()) of_account.erase(erased->slot());
    if (event.as<fb::AccountClosed>()) of_account.clear();
  }
  return slots;
}

/// Destinations that no proof has any more are those with a clock that runs.
bool has_clocks_for_removed(const Account& account) {
  return std::ranges::all_of(account.keys.live, [&](const DataKey& key) {
    const bool is_needed = std::ranges::any_of(account.proofs.all, [&](const Proof& proof) {
      return proof.sealed_slot == key.slot && proof.status != ProofStatus::removed;
    });
    return key.purpose == fb::KeyPurpose::mailbox || key.unneeded_since.has_value() != is_needed;
  });
}

}  // namespace

SCENARIO(
    "R-LIFE-1 R-LIFE-2 R-PRF-5: in any life the keys that are stored are those that events are under and none erased") {
  CHECK(holds_in_lives("data keys", [](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    ledger.wait(40 * day_us);
    ledger.tick();
    const Journal journal(ledger);
    for (const auto& [account, slots] : slots_by_events(journal)) {
      const auto stored = slots_of(ledger, account);
      expect_in_life(life, std::set(stored.begin(), stored.end()) == slots, "other keys are stored");
      expect_in_life(life, has_clocks_for_removed(ledger.account(account)), "a clock is missing, or runs");
    }
    for (const Event& event : journal.events) {
      const bool is_stored = has_key(ledger, event.account(), event.sealed_slot());
      const bool opens = ledger.keys().personal(ledger.store(), event).has_value();
      expect_in_life(life, opens == (is_stored || !event.is_sealed()), "a key opens too much or too little");
    }
    expect_in_life(life, difference(ledger).empty(), "a replay gives other rows");
    expect_in_life(life, !audit(ledger).first_finding, "an audit finds something");
  }));
}
