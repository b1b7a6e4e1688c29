#include "projections/lookup_rotation.hpp"

#include <doctest/doctest.h>

#include <set>

#include "projections/history.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

const CloseAccount close_it{.password = "Old-pass1", .confirm = true};

void rotate(MemoryLedger& ledger) {
  CHECK(outcome(ledger.run(RotateLookupKey{})) == "accepted: LookupKeyRotated");
  REQUIRE(!finish_lookup_rotation(ledger.store(), ledger.keys(), ledger.executor().ledger().lookup_rotations, nullptr));
}

std::optional<Id> holder(const MemoryLedger& ledger, std::string_view name) {
  const auto found = find_sign_in_name(ledger.store(), ledger.keys(), name);
  REQUIRE(found);
  return *found;
}
std::size_t accounts_at(const MemoryLedger& ledger, std::string_view address) {
  const auto found = find_proof_address(ledger.store(), ledger.keys(), address, 100);
  REQUIRE(found);
  return found->size();
}
std::string difference(MemoryLedger& ledger) {
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, nullptr));
  const auto found = first_difference(ledger.store(), replay);
  REQUIRE(found);
  return *found ? describe(**found) : "";
}
LookupSlots slots(const MemoryLedger& ledger) { return *read_lookup_slots(ledger.store()); }
using Slots = std::vector<std::uint32_t>;

/// What a thief looks for: of keys of N rows and values of P rows enough that nothing else is like it.
std::set<std::string> lookup_marks(const MemoryLedger& ledger) {
  std::set<std::string> marks;
  for (const auto& [key, value] : ledger.rows(Family::rows)) {
    if (key[0] == 'N') marks.insert(key.substr(6, 20));  // its first bytes are shared with the key before
    for (std::size_t at = 16; key[0] == 'P' && at < value.size(); at += 32) marks.insert(value.substr(at, 16));
  }
  return marks;
}
std::set<std::string> in_files(MemoryLedger& ledger, const std::set<std::string>& marks) {
  std::vector<std::string> files;
  REQUIRE(ledger.env()->GetChildren("/ledger/store", &files).ok());
  std::set<std::string> found;
  for (const std::string& file : files) {
    std::string content;
    if (!rocksdb::ReadFileToString(ledger.env(), "/ledger/store/" + file, &content).ok()) continue;
    for (const std::string& mark : marks) {
      if (content.find(mark) != std::string::npos) found.insert(mark);
    }
  }
  return found;
}

}  // namespace

SCENARIO(
    "R-LED-5: after a rotation names and addresses are found under the new key, and of the old one nothing is left") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.make_owner("other@outlook.jp");
  ledger.reopen();  // into table files
  const auto old_marks = lookup_marks(ledger);
  REQUIRE(old_marks.size() == 6);  // two names, four addresses
  CHECK(in_files(ledger, old_marks) == old_marks);
  const std::string old_row = ledger.rows(Family::keys).at(KeyRing::row_key(Id{}, 1));
  CHECK(in_files(ledger, {old_row}).size() == 1);
  const Hash old_fingerprint = lookup_fingerprint(ledger.keys().lookup_key());
  const auto before = ledger.rows(Family::rows);

  rotate(ledger);
  CHECK(holder(ledger, "owner@outlook.jp") == owner);
  CHECK(accounts_at(ledger, "first@example.com") == 2);
  CHECK(difference(ledger) == "");
  CHECK(slots(ledger).in_use == Slots{257});
  CHECK(slots(ledger).leaving.empty());
  CHECK(!ledger.rows(Family::keys).contains(KeyRing::row_key(Id{}, 1)));
  CHECK(in_files(ledger, old_marks).empty());
  CHECK(in_files(ledger, {old_row}).empty());
  for (const auto& [key, value] : ledger.rows(Family::rows)) {
    if (key[0] != 'N' && key[0] != 'P' && key != "L") CHECK(before.at(key) == value);  // nothing else is another
  }
  const std::string envelope = ledger.envelopes().back();
  const auto event = Event::parse(as_bytes(envelope));
  const auto* rotated = event->as<fb::LookupKeyRotated>();
  REQUIRE(rotated);
  CHECK(flatbuffers::UnPack(*rotated->old_key_fingerprint()) == old_fingerprint);
  CHECK(flatbuffers::UnPack(*rotated->key_fingerprint()) == lookup_fingerprint(ledger.keys().lookup_key()));

  ledger.make_owner("third@outlook.jp");
  CHECK(accounts_at(ledger, "first@example.com") == 3);
  CHECK(outcome(ledger.run(registration("owner@outlook.jp"))) == "R-ACC-1 sign_in_name_taken");
  ledger.reopen();
  CHECK(holder(ledger, "third@outlook.jp").has_value());
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LIFE-1: names of closed accounts stay taken over rotations, each under the key of its closing") {
  MemoryLedger ledger;
  const Id first = ledger.make_owner("first@outlook.jp"), second = ledger.make_owner("second@outlook.jp");
  ledger.run(close_it, first);
  rotate(ledger);
  CHECK(slots(ledger).in_use == Slots{257, 1});
  ledger.run(close_it, second);
  rotate(ledger);
  CHECK(slots(ledger).in_use == Slots{258, 257, 1});
  rotate(ledger);
  CHECK(slots(ledger).in_use == Slots{259, 257, 1});  // nothing was marked under 258
  CHECK(!ledger.rows(Family::keys).contains(KeyRing::row_key(Id{}, 258)));
  ledger.reopen();
  CHECK(holder(ledger, "first@outlook.jp") == first);
  CHECK(holder(ledger, "second@outlook.jp") == second);
  for (const char* name : {"first@outlook.jp", "second@outlook.jp"})
    CHECK(outcome(ledger.run(registration(name))) == "R-ACC-1 sign_in_name_taken");
  CHECK(difference(ledger) == "");

  ledger.run(AdoptPolicy{{{"sign_in_name_reuse", "after_closing"}}});
  const Id heir = id_in(ledger.run(registration("first@outlook.jp")), "account");
  CHECK(holder(ledger, "first@outlook.jp") == heir);  // who had it last
  CHECK(difference(ledger) == "");
  rotate(ledger);
  CHECK(holder(ledger, "first@outlook.jp") == heir);
  ledger.run(close_it, heir);
  rotate(ledger);
  CHECK(holder(ledger, "first@outlook.jp") == heir);
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LED-3: wherever a rotation is ended, the rows are all under one key, and the next opening finishes it") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp"), closed = ledger.make_owner("closed@outlook.jp");
  ledger.run(close_it, closed);
  ledger.reopen();
  const auto old_marks = lookup_marks(ledger);
  const auto check_found = [&] {
    CHECK(holder(ledger, "owner@outlook.jp") == owner);
    CHECK(holder(ledger, "closed@outlook.jp") == closed);
    CHECK(accounts_at(ledger, "first@example.com") == 1);
    CHECK(difference(ledger) == "");
  };
  ledger.run(RotateLookupKey{});
  CHECK(ledger.execute(RotateLookupKey{}).error().kind == FaultKind::busy);  // one after the other
  check_found();                                                             // still under the old one
  CHECK(slots(ledger).in_use == Slots{1});
  SUBCASE("after the event") {}
  SUBCASE("while the shadow is filled") {
    REQUIRE(ledger.keys().use_lookup_keys(ledger.store(), {257, 1}));
    Replay replay(ledger.store(), &ledger.keys());
    REQUIRE(!replay_log(ledger.store(), replay, nullptr));
    REQUIRE(!fill_shadow(ledger.store(), replay.rows()));
    REQUIRE(ledger.keys().use_lookup_keys(ledger.store(), {1}));
    check_found();
  }
  SUBCASE("after the swap, while somebody reads the old files") {
    REQUIRE(!ledger.store().scan(Family::rows, {}, [&](ByteView, ByteView) {
      const auto error = finish_lookup_rotation(ledger.store(), ledger.keys(), 1, nullptr);
      REQUIRE(error);
      CHECK(error->fault == StoreFault::io);
      return false;
    }));
    check_found();
    CHECK(slots(ledger).leaving == Slots{1});
    CHECK(slots(ledger).in_use == Slots{257, 1});
  }
  ledger.reopen();
  check_found();
  CHECK(slots(ledger).in_use == Slots{257, 1});
  CHECK(slots(ledger).leaving.empty());
  const auto history = account_events(ledger.store(), ledger.account(closed).head, {});
  REQUIRE(history);
  const auto closing = Event::parse(as_bytes((*history)[history->size() - 2]));
  const auto tag = marked_name_tag(*closing, *ledger.keys().data_key(ledger.store(), Id{}));
  REQUIRE(tag);
  const std::string kept = sign_in_name_row_key(*tag);
  CHECK(in_files(ledger, old_marks) == std::set<std::string>{kept.substr(6, 20)});
  CHECK(outcome(ledger.run(registration("closed@outlook.jp"))) == "R-ACC-1 sign_in_name_taken");
}

SCENARIO("R-ACC-6: a rotation changes no answer to a name that nobody has") {
  MemoryLedger ledger;
  ledger.make_owner("owner@outlook.jp");
  const auto ask = [&] {
    const Answer answer =
        ledger.run(StartChallenge{fb::Purpose::reset_password, std::nullopt, CharacterCheck{"aB3", "Ab3"}},
                   std::nullopt, {.unknown_name = "nobody@outlook.jp"});
    REQUIRE(!answer.is_refusal);
    return answer.body.at("offers");
  };
  const Json offers = ask();
  rotate(ledger);
  CHECK(ask() == offers);
  ledger.reopen();
  CHECK(ask() == offers);
}

SCENARIO("a list of lookup keys that does not read, or a key of it that does not open, is told at opening") {
  MemoryLedger ledger;
  rotate(ledger);
  const RowChange good = lookup_slots_row(slots(ledger));
  CHECK(good.family == Family::meta);
  for (const std::string& bad : {std::string(), std::string("\0\0\0\1", 4), std::string("\0\0\0\2\0\0\1\1", 8),
                                 std::string("\0\0\0\0\0\0\1\1", 8), *good.value + "x"}) {
    CAPTURE(to_hex(as_bytes(bad)));
    REQUIRE(!ledger.store().write({{good.family, good.key, bad}}, true));
    CHECK(!read_lookup_slots(ledger.store()));
  }
  REQUIRE(!ledger.store().write({good}, true));
  CHECK(slots(ledger).in_use == Slots{257});
  CHECK(!ledger.keys().use_lookup_keys(ledger.store(), {257, 1}));  // the first one is gone
  CHECK(ledger.keys().lookup_keys().size() == 1);
}
