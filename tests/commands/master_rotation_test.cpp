#include "commands/master_rotation.hpp"

#include <doctest/doctest.h>

#include <barrier>
#include <thread>

#include "projections/event_fields.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint8_t old_master = MemoryLedger::first_master, new_master = 0x4b;

Result<Answer, Fault> rotate(MemoryLedger& ledger, std::optional<std::uint8_t> next = new_master) {
  const Issuer issuer{.service = "local",
                      .command = "rotate-master-key",
                      .command_id = "rotation " + std::to_string(next.value_or(0)),
                      .entry = fb::Entry::cli};
  return ledger.executor().rotate_master_key(issuer,
                                             next ? std::optional(MemoryLedger::master_key(*next)) : std::nullopt);
}

/// How many rows of family `keys` each master key opens.
struct Opened {
  std::size_t by_old = 0, by_new = 0, by_none = 0;
  bool operator==(const Opened&) const = default;
};
Opened opened(const MemoryLedger& ledger) {
  Opened count;
  for (const auto& [key, value] : ledger.rows(Family::keys)) {
    const Id account = *Id::from(as_bytes(key).first(Id::size));
    const std::uint32_t slot = read_big_endian32(as_bytes(key).last(4));
    const bool is_old = unwrap_key(MemoryLedger::master_key(old_master), value, account, slot).has_value();
    const bool is_new = unwrap_key(MemoryLedger::master_key(new_master), value, account, slot).has_value();
    ++(is_old ? count.by_old : is_new ? count.by_new : count.by_none);
  }
  return count;
}

std::map<Id, std::string> data_keys(const MemoryLedger& ledger, const std::vector<Id>& accounts) {
  std::map<Id, std::string> keys;
  for (const Id& account : accounts) {
    const auto key = ledger.keys().data_key(ledger.store(), account);
    REQUIRE(key);
    keys.emplace(account, as_text(key->view()));
  }
  return keys;
}

bool has_mark(const MemoryLedger& ledger) { return ledger.rows(Family::meta).contains(rotation_mark_key()); }

CloseAccount closing() { return {.password = "Old-pass1", .confirm = true}; }

}  // namespace

SCENARIO("R-LED-6: another master key wraps every key, on record, and the old one opens nothing any more") {
  MemoryLedger ledger;
  const std::vector<Id> owners = {ledger.make_owner("one@outlook.jp"), ledger.make_owner("two@outlook.jp")};
  REQUIRE(
      !ledger.store().write({wrap_key(MemoryLedger::master_key(old_master), MemoryLedger::master_key(9), owners[0], 3)},
                            true));  // a further slot
  const auto before = data_keys(ledger, owners);
  const std::size_t rows = ledger.rows(Family::keys).size();
  CHECK(opened(ledger) == Opened{rows, 0, 0});

  const auto answer = rotate(ledger);
  REQUIRE(answer);
  CHECK(outcome(*answer) == "accepted: MasterKeyRotated");
  CHECK(answer->body["keys"] == rows);
  CHECK(opened(ledger) == Opened{0, rows, 0});
  CHECK(!has_mark(ledger));
  CHECK(data_keys(ledger, owners) == before);
  const std::string envelope = ledger.envelopes().back();
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  CHECK(event->account().is_zero());
  CHECK(event->header().rules()->Get(0) == static_cast<std::uint16_t>(Rule::led_6));
  const auto* rotated = event->as<fb::MasterKeyRotated>();
  CHECK(rotated->keys() == rows);
  CHECK(hash_of(rotated->old_fingerprint()) == master_fingerprint(MemoryLedger::master_key(old_master)));
  CHECK(hash_of(rotated->new_fingerprint()) == master_fingerprint(MemoryLedger::master_key(new_master)));

  const Id later = ledger.make_owner("later@outlook.jp");
  CHECK(ledger.rows(Family::keys).size() > rows);
  CHECK(opened(ledger) == Opened{0, ledger.rows(Family::keys).size(), 0});
  CHECK(KeyRing::open(MemoryLedger::master_key(old_master), ledger.store()).error() == KeyFault::wrong_master_key);
  ledger.reopen(new_master);
  CHECK(data_keys(ledger, owners) == before);
  CHECK(!ledger.run(closing(), later).is_refusal);
}

SCENARIO("R-LED-6: without a key to come, and without a rotation that was begun, nothing is done") {
  MemoryLedger ledger;
  const auto size = ledger.log().size();
  REQUIRE(rotate(ledger, std::nullopt));
  CHECK(ledger.log().size() == size);
  CHECK(opened(ledger).by_new == 0);
}

SCENARIO("R-LED-6: a row that no key opens is told before anything is changed") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  std::string row = ledger.rows(Family::keys).at(KeyRing::row_key(owner));
  row.back() ^= 1;
  REQUIRE(!ledger.store().write({{Family::keys, KeyRing::row_key(owner), row}}, true));
  const auto before = ledger.rows(Family::keys);
  const auto answer = rotate(ledger);
  REQUIRE(!answer);
  CHECK(answer.error().kind == FaultKind::damaged);
  CHECK(ledger.rows(Family::keys) == before);
  CHECK(!has_mark(ledger));
  CHECK(ledger.keys().master_rotation() == MasterRotation::none);
}

SCENARIO("R-LED-6: whichever write of a rotation a disk fails or lies about, both keys read all, and it goes on") {
  for (const DiskLie lie : {DiskLie::failed_and_stored, DiskLie::failed_and_torn, DiskLie::failed_and_lost}) {
    bool is_over = false;
    unsigned syncs = 0;
    for (; !is_over; ++syncs) {
      REQUIRE(syncs < 20);
      CAPTURE(static_cast<int>(lie));
      CAPTURE(syncs);
      MemoryLedger ledger;
      std::vector<Id> owners;
      for (int i = 0; i < 3; ++i)
        owners.push_back(id_in(ledger.run(registration("o" + std::to_string(i) + "@outlook.jp")), "account"));
      const auto before = data_keys(ledger, owners);
      ledger.disk.set(lie, syncs);
      is_over = rotate(ledger).has_value();
      ledger.disk.set(DiskLie::none);
      ledger.reopen(old_master, new_master);
      CHECK(data_keys(ledger, owners) == before);
      CHECK(opened(ledger).by_none == 0);
      owners.push_back(id_in(ledger.run(registration("meanwhile@outlook.jp")), "account"));
      const auto after = data_keys(ledger, owners);
      if (ledger.keys().master_rotation() != MasterRotation::none || opened(ledger).by_new == 0)
        REQUIRE(rotate(ledger));
      CHECK(opened(ledger) == Opened{0, ledger.rows(Family::keys).size(), 0});
      CHECK(!has_mark(ledger));
      ledger.reopen(new_master);
      CHECK(data_keys(ledger, owners) == after);
      const std::string history = ledger.history(Id{});
      CHECK(history.find("MasterKeyRotated") == history.rfind("MasterKeyRotated"));
      CHECK(history.ends_with("MasterKeyRotated"));
    }
    CHECK(syncs > 4);  // the ledger's own rows, a batch, the event, the mark
  }
}

SCENARIO("R-LED-6 R-LIFE-1: registrations and closings go on during a rotation; a closed account's key stays gone") {
  MemoryLedger ledger;
  constexpr int owners_max = 600, closed_each = 12;  // some batches
  std::vector<Id> owners;
  for (int i = 0; i < owners_max; ++i)
    owners.push_back(id_in(ledger.run(registration("o" + std::to_string(i) + "@outlook.jp")), "account"));
  std::vector<Id> added;
  std::mutex added_mutex;
  std::atomic<int> faults = 0;
  std::barrier start(5);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < 15; ++i) {
        const auto answer =
            ledger.execute(registration("n" + std::to_string(t) + "x" + std::to_string(i) + "@outlook.jp"));
        faults += !answer;
        const std::lock_guard lock(added_mutex);
        if (answer) added.push_back(id_in(*answer, "account"));
      }
    });
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < closed_each; ++i)
        faults += !ledger.execute(closing(), owners[static_cast<std::size_t>(t * (owners_max / 2) + i * 20)]);
    });
  }
  start.arrive_and_wait();
  const auto answer = rotate(ledger);
  threads.clear();
  CHECK(faults == 0);
  if (!answer) {  // a closing's purge read an old file
    REQUIRE(answer.error().kind == FaultKind::busy);
    REQUIRE(rotate(ledger, std::nullopt));
  }
  CHECK(ledger.history(Id{}).ends_with("MasterKeyRotated"));
  CHECK(!has_mark(ledger));
  ledger.tick();
  const auto rows = ledger.rows(Family::keys);
  CHECK(opened(ledger) == Opened{0, rows.size(), 0});
  for (int t = 0; t < 2; ++t) {
    for (int i = 0; i < closed_each; ++i)
      CHECK(!rows.contains(KeyRing::row_key(owners[static_cast<std::size_t>(t * (owners_max / 2) + i * 20)])));
  }
  ledger.reopen(new_master);
  for (const Id& account : added) CHECK(!ledger.run(RecordSignIn{.succeeded = true}, account).is_refusal);
}
