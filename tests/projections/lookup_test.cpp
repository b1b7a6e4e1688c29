#include "projections/lookup.hpp"

#include <doctest/doctest.h>

#include <set>

#include "projections/folding.hpp"
#include "projections/replay.hpp"
#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

using Found = std::set<std::pair<Id, Id>>;  // account, proof

Found found_at(const MemoryLedger& ledger, std::string_view address) {
  const auto found = find_proof_address(ledger.store(), ledger.keys(), address, 1'000);
  REQUIRE(found);
  Found pairs;
  for (const FoundProof& each : *found) pairs.emplace(each.account, each.proof);
  return pairs;
}
Found only(const Id& account, const Id& proof) { return {{account, proof}}; }

std::size_t rows_of_addresses(const MemoryLedger& ledger) {
  const auto rows = ledger.rows(Family::rows);
  return static_cast<std::size_t>(std::ranges::count_if(rows, [](const auto& row) { return row.first[0] == 'P'; }));
}

/// What a replay, or a rebuild, finds wrong with the stored rows; empty: nothing.
std::string difference(MemoryLedger& ledger) {
  const auto live = ledger.rows(Family::rows);
  const auto report = rebuild(ledger.store(), ledger.keys(), nullptr);
  REQUIRE(report);
  if (report->difference) return describe(*report->difference);
  return ledger.rows(Family::rows) == live ? "" : "rebuilding gives other rows";
}

const CloseAccount close_it{.password = "Old-pass1", .confirm = true};

}  // namespace

SCENARIO("R-PRF-2: addresses are found in the form that equality is judged by") {
  CHECK(fold_address("Hanako@example.com") == "hanako@example.com");
  CHECK(fold_address("ＨＡＮＡＫＯ@example.com") == "hanako@example.com");
  CHECK(fold_address("+819098765432") == "+819098765432");
  CHECK(fold_address("") == "");
}

SCENARIO("R-PRF-1: an address leads to an account once its proof is verified, and no longer when it is removed") {
  MemoryLedger ledger(Json{{"min_proofs", 1}});
  const Answer registered = ledger.run(registration("owner@outlook.jp"));
  const Id owner = id_in(registered, "account");
  const Id first = ledger.account(owner).proofs.all.at(0).id;
  CHECK(found_at(ledger, "first@example.com").empty());  // added by who knows whom
  CHECK(rows_of_addresses(ledger) == 0);
  for (const Mail& mail : ledger.outbox()) {
    if (mail.kind == fb::NotificationKind::proof_link)
      ledger.run(VerifyProof{.proof = mail.proof, .link_token = mail.secret}, owner);
  }
  CHECK(found_at(ledger, "first@example.com") == only(owner, first));
  CHECK(found_at(ledger, "First@example.com").empty());  // not in normalised form
  CHECK(found_at(ledger, "first@example.co").empty());
  CHECK(rows_of_addresses(ledger) == 1);

  const Id other = ledger.make_owner("other@outlook.jp");  // the same two addresses
  CHECK(found_at(ledger, "first@example.com").size() == 2);
  CHECK(rows_of_addresses(ledger) == 2);
  CHECK(find_proof_address(ledger.store(), ledger.keys(), "first@example.com", 1)->size() == 1);

  const Id challenge = ledger.pass_challenge(owner, fb::Purpose::change_security_info, 1);
  REQUIRE(!ledger.run(AddProof{challenge, new_phone("090-1234-5678")}, owner).is_refusal);
  CHECK(found_at(ledger, "+819012345678").empty());
  const Id phone = ledger.account(owner).proofs.all.back().id;
  const std::string code = ledger.newest_mail(owner, fb::NotificationKind::security_code).secret;
  REQUIRE(!ledger.run(VerifyProof{.proof = phone, .code = code}, owner).is_refusal);
  CHECK(found_at(ledger, "+819012345678") == only(owner, phone));
  CHECK(outcome(ledger.run(RemoveProof{challenge, first}, owner)) == "accepted: ProofRemoved");
  CHECK(found_at(ledger, "first@example.com") == only(other, ledger.account(other).proofs.all.at(0).id));
  CHECK(difference(ledger) == "");
}

SCENARIO(
    "R-LOST-4 R-LOST-6: the marked addresses lead to the account until the window's end, the new one from its "
    "confirmation on") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto window = ledger.open_window(owner, "new@example.org");
  const Id proposed = ledger.account(owner).proofs.all.back().id;
  CHECK(found_at(ledger, "first@example.com").size() == 1);
  CHECK(found_at(ledger, "new@example.org") == only(owner, proposed));  // who asks before the end is told by the state
  CHECK(!ledger.account(owner).proofs.find(proposed)->is_usable());
  CHECK(difference(ledger) == "");
  SUBCASE("it ends") {
    ledger.clock = window.effective_at;
    ledger.tick();
    CHECK(found_at(ledger, "first@example.com").empty());
    CHECK(found_at(ledger, "new@example.org") == only(owner, proposed));
  }
  SUBCASE("it is cancelled") {
    CancelReplacement cancel;
    cancel.replacement = window.window;
    cancel.replacement_token = window.token;
    CHECK(!ledger.run(cancel, owner).is_refusal);
    CHECK(found_at(ledger, "first@example.com").size() == 1);
    CHECK(found_at(ledger, "new@example.org").empty());
  }
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LIFE-1 R-LIFE-3: an account that ends leaves no row of its addresses") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp"), idle = ledger.make_owner("idle@outlook.jp");
  ledger.run(close_it, owner);
  CHECK(found_at(ledger, "first@example.com").size() == 1);
  CHECK(!ledger.rows(Family::rows).contains(proof_addresses_row_key(owner)));
  CHECK(difference(ledger) == "");
  ledger.wait(1'000 * day_us);
  ledger.tick();
  CHECK(ledger.account(idle).life.end);
  CHECK(rows_of_addresses(ledger) == 0);
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LED-3: a damaged row of addresses or of a name is told, not passed over") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto write = [&](const std::string& key, const std::string& value) {
    REQUIRE(!ledger.store().write({{Family::rows, key, value}}, true));
  };
  for (const std::string& key : {proof_addresses_row_key(owner), std::string("P")}) {
    const auto before = ledger.store().get(Family::rows, as_bytes(key));
    write(key, "x");
    const auto found = find_proof_address(ledger.store(), ledger.keys(), "first@example.com", 10);
    REQUIRE(!found);
    CHECK(found.error().fault == StoreFault::corrupt);
    REQUIRE(!ledger.store().write({{Family::rows, key, *before}}, true));
  }
  const std::string name = sign_in_name_row_key(sign_in_name_tag(ledger.keys(), "owner@outlook.jp"));
  CHECK(**find_sign_in_name(ledger.store(), ledger.keys(), "owner@outlook.jp") == owner);
  CHECK(!*find_sign_in_name(ledger.store(), ledger.keys(), "nobody@outlook.jp"));
  write(name, std::string(88, 'n'));
  CHECK(find_sign_in_name(ledger.store(), ledger.keys(), "owner@outlook.jp").error().fault == StoreFault::corrupt);
}

SCENARIO("R-LED-2: whatever happens, an address leads to the proofs that the accounts' states say") {
  const auto holds = holds_in_lives("index = states", [](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    std::map<std::string, Found> expected;
    for (const std::string& envelope : ledger.envelopes()) {  // every address there ever was
      const auto event = Event::parse(as_bytes(envelope));
      const auto data_key = ledger.keys().data_key(ledger.store(), event->account());
      const auto personal = data_key ? event->open(*data_key) : std::nullopt;
      if (!personal || personal->address.empty()) continue;
      Found& there = expected[fold_address(personal->address)];
      const Account account = ledger.account(event->account());
      for (const Proof& proof : account.proofs.all) {
        const bool counts = proof.is_usable() || proof.status == ProofStatus::confirmed;
        if (proof.added == event->position() && counts && !account.life.end) there.emplace(account.id, proof.id);
      }
    }
    for (const auto& [address, there] : expected)
      expect_in_life(life, found_at(ledger, address) == there, "another answer at " + address);
  });
  CHECK(holds);
}
