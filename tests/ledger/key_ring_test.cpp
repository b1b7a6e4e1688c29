#include "ledger/key_ring.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

struct Fixture {
  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  std::unique_ptr<Store> store = std::move(*Store::open("/l", Store::Mode::create, env.get()));
  const Entropy entropy = make_entropy();

  std::string row(std::uint32_t slot) const {
    return **store->get(Family::keys, as_bytes(KeyRing::row_key(Id{}, slot)));
  }
  KeyFault fault(std::uint8_t master = 0x40) const {
    const auto ring = KeyRing::open(make_key(master), *store);
    REQUIRE(!ring);
    return ring.error();
  }
};

bool same(const SecretKey& a, const SecretKey& b) { return equal_constant_time(a.view(), b.view()); }

}  // namespace

SCENARIO("a key ring reads back what it drew, under the right master key only") {
  Fixture ledger;
  CHECK(ledger.fault() == KeyFault::unreadable);
  const auto [created, rows] = KeyRing::create(make_key(0x40), ledger.entropy);
  CHECK(rows.size() == 3);
  REQUIRE(!ledger.store->write(rows, true));

  const auto opened = KeyRing::open(make_key(0x40), *ledger.store);
  REQUIRE(opened);
  CHECK(same(opened->lookup_key(), created.lookup_key()));
  CHECK(same(opened->code_key(), created.code_key()));
  CHECK(!same(opened->lookup_key(), opened->code_key()));
  CHECK(ledger.fault(0x41) == KeyFault::wrong_master_key);

  const auto own = opened->data_key(*ledger.store, Id{});
  REQUIRE(own);
  CHECK(!same(*own, opened->lookup_key()));
  CHECK(same(*own, *created.unwrap(rows[0])));
  CHECK(!created.unwrap({Family::keys, rows[1].key, rows[0].value}));
  CHECK(!created.unwrap({Family::keys, "short", rows[0].value}));
  CHECK(!opened->data_key(*ledger.store, Id{}, 1));  // the lookup key is no data key
}

SCENARIO("an altered or missing row of the ledger's keys is told from a wrong master key") {
  Fixture ledger;
  REQUIRE(!ledger.store->write(KeyRing::create(make_key(0x40), ledger.entropy).second, true));
  const auto set = [&](std::uint32_t slot, std::optional<std::string> value) {
    REQUIRE(!ledger.store->write({{Family::keys, KeyRing::row_key(Id{}, slot), std::move(value)}}, true));
  };
  SUBCASE("altered") {
    std::string row = ledger.row(1);
    row.back() ^= 1;
    set(1, row);
    CHECK(ledger.fault() == KeyFault::unreadable);
  }
  SUBCASE("swapped: a wrapped key is bound to its slot") {
    const std::string lookup = ledger.row(1);
    set(1, ledger.row(2));
    set(2, lookup);
    CHECK(ledger.fault() == KeyFault::unreadable);
  }
  SUBCASE("missing") {
    set(2, std::nullopt);
    CHECK(ledger.fault() == KeyFault::unreadable);
  }
}

SCENARIO("an account's data key is drawn, stored wrapped, bound to the account, and gone when erased") {
  Fixture ledger;
  const KeyRing ring = KeyRing::create(make_key(0x40), ledger.entropy).first;
  const auto [key, row] = ring.new_data_key(account_id(1), ledger.entropy);
  const auto [other_key, other_row] = ring.new_data_key(account_id(2), ledger.entropy);
  CHECK(!same(key, other_key));
  CHECK(row.key == std::string(account_id(1).text()) + std::string(4, '\0'));
  CHECK(row.value->size() == 32 + seal_overhead_bytes);
  CHECK(row.value->find(as_text(key.view())) == std::string::npos);
  CHECK(!ring.data_key(*ledger.store, account_id(1)));

  REQUIRE(!ledger.store->write({row}, true));
  const auto read = ring.data_key(*ledger.store, account_id(1));
  REQUIRE(read);
  CHECK(same(*read, key));
  CHECK(!ring.data_key(*ledger.store, account_id(1), 1));
  const auto [second, second_row] = ring.new_data_key(account_id(1), ledger.entropy, 7);
  REQUIRE(!ledger.store->write({second_row}, true));
  CHECK(same(*ring.data_key(*ledger.store, account_id(1), 7), second));
  CHECK(!ring.data_key(*ledger.store, account_id(1), 8));

  REQUIRE(!ledger.store->write({{Family::keys, KeyRing::row_key(account_id(2)), row.value}}, true));
  CHECK(!ring.data_key(*ledger.store, account_id(2)));
  REQUIRE(!ledger.store->write({{Family::keys, row.key, std::nullopt}}, true));
  CHECK(!ring.data_key(*ledger.store, account_id(1)));
}
