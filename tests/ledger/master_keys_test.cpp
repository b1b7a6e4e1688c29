#include "ledger/master_keys.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint8_t old_byte = 0x40, new_byte = 0x60, strange_byte = 0x80;

/// A store with the ledger's own keys and two accounts', all by the old master key.
struct Fixture {
  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  std::unique_ptr<Store> store = std::move(*Store::open("/l", Store::Mode::create, env.get()));
  const Entropy entropy = make_entropy();
  KeyRing ring = found();

  KeyRing found() {
    auto [created, rows] = KeyRing::create(make_key(old_byte), entropy);
    for (const std::uint64_t account : {1U, 2U})
      rows.push_back(created.new_data_key(account_id(account), entropy).second);
    REQUIRE(!store->write(rows, true));
    return std::move(created);
  }
  Rows rows_of(const Id& account) const {
    Rows rows;
    REQUIRE(!store->scan(Family::keys, account.view(), [&](ByteView key, ByteView value) {
      if (!as_text(key).starts_with(account.text())) return false;
      rows.push_back({Family::keys, std::string(as_text(key)), std::string(as_text(value))});
      return true;
    }));
    return rows;
  }
  void begin() {
    const auto rows = ring.begin_master_rotation(make_key(new_byte), rows_of(Id{}));
    REQUIRE(rows);
    REQUIRE(rows->size() == 4);  // three keys and the mark
    REQUIRE(!store->write(*rows, true));
  }
  void rewrap(std::uint64_t account) {
    for (const RowChange& each : rows_of(account_id(account))) {
      const auto row = ring.rewrapped(each.key, *each.value);
      REQUIRE(row);
      REQUIRE(*row);
      REQUIRE(!store->write({**row}, true));
    }
  }
  void finish() { REQUIRE(!store->write({wrapped_mark()}, true)); }
  void forget() { REQUIRE(!store->write({no_rotation_mark()}, true)); }

  /// What opening with these keys gives, in a word.
  std::string opened(std::uint8_t master, std::optional<std::uint8_t> other = std::nullopt) const {
    const auto found = KeyRing::open(make_key(master), *store, other ? std::optional(make_key(*other)) : std::nullopt);
    if (!found) {
      return found.error() == KeyFault::wrong_master_key      ? "wrong"
             : found.error() == KeyFault::rotation_unfinished ? "unfinished"
                                                              : "unreadable";
    }
    const bool is_new = found->master_fingerprint() == master_fingerprint(make_key(new_byte));
    const std::string key = is_new ? "new" : "old";
    for (const std::uint64_t account : {1U, 2U}) {
      const auto own = ring.data_key(*store, account_id(account)), its = found->data_key(*store, account_id(account));
      if (!own || !its || !equal_constant_time(own->view(), its->view())) return key + ", and cannot read all";
    }
    const bool is_begun = found->master_rotation() == MasterRotation::begun;
    return found->master_rotation() == MasterRotation::none ? key : key + (is_begun ? " begun" : " wrapped");
  }
};

}  // namespace

SCENARIO("R-LED-6: at each step of a rotation the store says which master key is in force and which are wanted") {
  Fixture ledger;
  CHECK(ledger.opened(old_byte) == "old");
  CHECK(ledger.opened(old_byte, new_byte) == "old");
  CHECK(ledger.opened(new_byte, old_byte) == "old");
  CHECK(ledger.opened(new_byte) == "wrong");
  const auto check_begun = [&] {
    CHECK(ledger.opened(old_byte, new_byte) == "new begun");
    CHECK(ledger.opened(new_byte, old_byte) == "new begun");
    CHECK(ledger.opened(new_byte) == "unfinished");
    CHECK(ledger.opened(new_byte, strange_byte) == "unfinished");
    CHECK(ledger.opened(old_byte) == "wrong");
    CHECK(ledger.opened(strange_byte, old_byte) == "wrong");
  };
  ledger.begin();
  check_begun();
  ledger.rewrap(1);
  check_begun();
  ledger.rewrap(2);
  check_begun();
  ledger.finish();
  CHECK(ledger.opened(new_byte) == "new wrapped");
  CHECK(ledger.opened(old_byte, new_byte) == "new wrapped");
  CHECK(ledger.opened(old_byte) == "wrong");
  ledger.forget();
  CHECK(ledger.opened(new_byte) == "new");
  CHECK(ledger.opened(new_byte, old_byte) == "new");
  CHECK(ledger.opened(old_byte, new_byte) == "new");
  CHECK(ledger.opened(old_byte) == "wrong");
}

SCENARIO("R-LED-6: a row is wrapped anew for its own account and slot, whatever slot it is, once") {
  Fixture ledger;
  const std::uint32_t slot = 7;
  const SecretKey key = make_key(0x11);
  const RowChange row = wrap_key(make_key(old_byte), key, account_id(1), slot);
  CHECK(*ledger.ring.rewrapped(row.key, *row.value) == std::nullopt);
  ledger.begin();
  const auto rewrapped = ledger.ring.rewrapped(row.key, *row.value);
  REQUIRE(rewrapped);
  REQUIRE(*rewrapped);
  CHECK((*rewrapped)->key == row.key);
  CHECK(unwrap_key(make_key(new_byte), *(*rewrapped)->value, account_id(1), slot)->view().front() == 0x11);
  CHECK(!unwrap_key(make_key(old_byte), *(*rewrapped)->value, account_id(1), slot));
  CHECK(*ledger.ring.rewrapped(row.key, *(*rewrapped)->value) == std::nullopt);
  const std::string other = KeyRing::row_key(account_id(2), slot);
  CHECK(ledger.ring.rewrapped(other, *row.value).error() == KeyFault::unreadable);
  CHECK(ledger.ring.rewrapped("short", *row.value).error() == KeyFault::unreadable);
  std::string altered = *row.value;
  altered.back() ^= 1;
  CHECK(ledger.ring.rewrapped(row.key, altered).error() == KeyFault::unreadable);
}

SCENARIO("R-LED-6: a rotation does not begin over a row of the ledger's own that does not open") {
  Fixture ledger;
  Rows own = ledger.rows_of(Id{});
  own[1].value->back() ^= 1;
  CHECK(ledger.ring.begin_master_rotation(make_key(new_byte), own).error() == KeyFault::unreadable);
  CHECK(ledger.ring.master_rotation() == MasterRotation::none);
  CHECK(ledger.ring.master_fingerprint() == master_fingerprint(make_key(old_byte)));
}

SCENARIO("R-LED-6: what is drawn during a rotation is wrapped by the new key, and the old one is forgotten after it") {
  Fixture ledger;
  ledger.begin();
  const auto [key, row] = ledger.ring.new_data_key(account_id(3), ledger.entropy);
  CHECK(unwrap_key(make_key(new_byte), *row.value, account_id(3), 0));
  CHECK(ledger.ring.old_master_fingerprint() == master_fingerprint(make_key(old_byte)));
  CHECK(ledger.ring.data_key(*ledger.store, account_id(1)));
  ledger.ring.set_master_rotation(MasterRotation::wrapped);
  CHECK(!ledger.ring.old_master_fingerprint());
  CHECK(!ledger.ring.data_key(*ledger.store, account_id(1)));  // nobody wrapped it anew here
}

TEST_CASE("a fingerprint tells master keys apart and is no part of what they seal") {
  const Hash one = master_fingerprint(make_key(1)), two = master_fingerprint(make_key(2));
  CHECK(one != two);
  const std::string sealed = seal(make_key(1), as_bytes("text"), {});
  CHECK(sealed.find(one.text().substr(0, 8)) == std::string::npos);
}
