// tests/projections/kept_name_test.cpp — a name stays taken though the mark of its closing is of another lookup key.
#include "projections/kept_name.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-LIFE-1: the name of an account that a lost closing ended is found by its mark, or by the rows") {
  GIVEN("a ledger with two accounts") {
    MemoryLedger ledger;
    const Id owner = ledger.make_owner("taro@outlook.jp"), other = ledger.make_owner("hanako@outlook.jp");
    const auto ledger_key = ledger.keys().data_key(ledger.store(), Id{});
    REQUIRE(ledger_key);
    const Tag32 tag = sign_in_name_tag(ledger.keys(), "taro@outlook.jp");
    const auto kept = [&](const Id& account, const std::string& mark) {
      return kept_name_tag(ledger.store(), ledger.keys(), *ledger_key, account, as_bytes(mark));
    };
    THEN("a mark of the lookup key in force says it") { CHECK(kept(owner, name_mark(*ledger_key, owner, tag)) == tag); }
    THEN("a mark of a lookup key that this store never had gives way to the rows") {
      const Tag32 foreign = *Tag32::from(keyed_hash(*ledger_key, "another lookup key", {}).view());
      CHECK(kept(owner, name_mark(*ledger_key, owner, foreign)) == tag);
      CHECK(kept(other, name_mark(*ledger_key, other, foreign)) ==
            sign_in_name_tag(ledger.keys(), "hanako@outlook.jp"));
    }
    THEN("so does a mark that does not open, and who has no name has none") {
      CHECK(kept(owner, "") == tag);
      CHECK(kept(*Id::from(std::vector<std::uint8_t>(16, 7)), "") == std::nullopt);
    }
  }
}
