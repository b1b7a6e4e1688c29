#include "ledger/damage.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/support/ledger_stored.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t account_count = 5;

/// `size` events, the first one LedgerCreated, of accounts 1 to 5 in turn; `group` events a commit.
struct LongLedger : StoredLedger {
  const std::uint64_t size;

  explicit LongLedger(std::uint64_t events, std::uint64_t group = 1) : size(events) {
    const auto ledger = TestLedger::create("/l", env.get());
    while (ledger->log->size() < size) {
      std::vector<Draft> drafts;
      const std::uint64_t count = std::min(group, size - ledger->log->size());
      for (std::uint64_t i = 0; i < count; ++i) drafts.push_back(failed_sign_in("x"));
      REQUIRE(ledger->append(1 + ledger->log->size() / group % account_count, std::move(drafts)));
    }
  }

  DamageReport search(std::vector<KnownCheckpoint> known = {}, const LogSource* copy = nullptr) const {
    const auto store = Store::open("/l", Store::Mode::read, env.get());
    REQUIRE(store);
    const Verifier verifier = make_signer().verifier();
    AuditOptions options;
    options.known = known;
    const auto audited = audit_log(**store, verifier, options);
    REQUIRE(audited.first_finding);
    return find_damage({.source = **store, .verifier = verifier, .known = std::move(known), .copy = copy},
                       *audited.first_finding);
  }
  Id account(Position position) const { return Event::parse(as_bytes(event(position)))->account(); }
};

std::string told(const DamageReport& report) {
  std::string text;
  for (const Damage& each : report.found) {
    text += std::string(name(each.what)) + " " + name(each.thing) + " " + std::to_string(each.first) + "-" +
            std::to_string(each.last) + ": " + each.found + "\n";
  }
  return text;
}

void check_one(const DamageReport& report, DamageClass what, DamagedThing thing, Position first, Position last) {
  INFO(told(report));
  REQUIRE(report.found.size() == 1);
  const Damage& damage = report.found.front();
  CHECK(std::string(name(damage.what)) == name(what));
  CHECK(std::string(name(damage.thing)) == name(thing));
  CHECK(damage.first == first);
  CHECK(damage.last == last);
}

void check_event(const DamageReport& report, DamageClass what, Position first, Position last) {
  check_one(report, what, DamagedThing::event, first, last);
}

}  // namespace

SCENARIO("each kind of change is told by its class, its place, and whose account it touches") {
  const LongLedger ledger(40);
  const std::string good = ledger.event(20);
  const Id owner = ledger.account(20);
  SUBCASE("flipped") {
    ledger.set_event(20, flipped(good, good.size() / 2));
    const auto report = ledger.search();
    check_event(report, DamageClass::flipped, 20, 20);
    CHECK(report.found.front().accounts == std::vector{owner});
    CHECK(report.measured == 40);
  }
  SUBCASE("rewritten by who has a key of the log") {
    ledger.rewrite(20, failed_sign_in("another"), make_signer());
    check_event(ledger.search(), DamageClass::rewritten, 20, 20);
  }
  SUBCASE("missing") {
    for (const Position position : {20U, 21U, 22U}) ledger.set_event(position, std::nullopt);
    const auto report = ledger.search();
    check_event(report, DamageClass::missing, 20, 22);
    CHECK(report.found.front().accounts.size() == 3);
  }
  SUBCASE("reordered") {
    ledger.set_event(20, ledger.event(21));
    ledger.set_event(21, good);
    check_event(ledger.search(), DamageClass::reordered, 20, 21);
  }
  SUBCASE("one in the place of another, which is nowhere") {
    ledger.set_event(21, good);
    check_event(ledger.search(), DamageClass::missing, 21, 21);
  }
  SUBCASE("truncated: the checkpoints are still there") {
    for (Position position = 35; position < 40; ++position) ledger.set_event(position, std::nullopt);
    check_event(ledger.search(), DamageClass::truncated, 35, 39);
  }
  SUBCASE("committed without a signature of the log") {
    ledger.rewrite(39, failed_sign_in("another"), make_signer(0x20));
    ledger.sign_checkpoints([](std::uint64_t) { return std::vector<std::uint8_t>{0x00}; });
    check_event(ledger.search(), DamageClass::signature, 39, 39);
  }
  SUBCASE("no event at all, committed as one") {
    ledger.set_event(39, "not an event");
    ledger.sign_checkpoints([](std::uint64_t) { return std::vector<std::uint8_t>{0x00}; });
    check_event(ledger.search(), DamageClass::malformed, 39, 39);
  }
  SUBCASE("a checkpoint's bytes") {
    ledger.set(Family::checkpoints, key_of(20), flipped(ledger.note(20), 30));
    check_one(ledger.search(), DamageClass::flipped, DamagedThing::checkpoint, 20, 20);
  }
  SUBCASE("a checkpoint by another key") {
    ledger.set(Family::checkpoints, key_of(20), sign_checkpoint({origin, 20, bytes_from(0)}, make_signer(0x20)));
    check_one(ledger.search(), DamageClass::signature, DamagedThing::checkpoint, 20, 20);
  }
  SUBCASE("an event that no checkpoint covers") {
    ledger.set(Family::checkpoints, key_of(40), std::nullopt);
    check_one(ledger.search(), DamageClass::missing, DamagedThing::checkpoint, 40, 40);
  }
}

SCENARIO("two signed histories are a fork, and both notes are kept") {
  const LongLedger ledger(40);
  const std::string before = ledger.note(38), other = sign_checkpoint({origin, 38, bytes_from(9)}, make_signer());
  SUBCASE("known from elsewhere") {
    const auto report = ledger.search({{"a witness", other}});
    check_one(report, DamageClass::forked, DamagedThing::checkpoint, 38, 38);
    REQUIRE(report.evidence.size() == 2);
    CHECK(report.evidence[0].from == "a witness");
    CHECK(report.evidence[0].note == other);
    CHECK(report.evidence[1].note == ledger.note(40));
  }
  SUBCASE("known from elsewhere, and true") {
    ledger.set_event(20, std::nullopt);
    check_event(ledger.search({{"a witness", before}}), DamageClass::missing, 20, 20);
  }
  SUBCASE("in the log itself") {
    ledger.set(Family::checkpoints, key_of(38), other);
    const auto report = ledger.search();
    check_one(report, DamageClass::forked, DamagedThing::checkpoint, 38, 38);
    CHECK(report.evidence.size() == 2);
  }
  SUBCASE("one that covers more than there is: the log was rolled back") {
    const std::string more = sign_checkpoint({origin, 45, bytes_from(9)}, make_signer());
    const auto report = ledger.search({{"a witness", more}});
    check_event(report, DamageClass::truncated, 40, 44);
    REQUIRE(report.evidence.size() == 2);
    CHECK(report.evidence[0].note == more);
    CHECK(report.evidence[1].note == ledger.note(40));
  }
}

SCENARIO("with a copy the bytes are told, if the copy is what was signed") {
  const LongLedger ledger(300, 7);
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const LongLedger twin(300, 7);  // the same keys, clock and entropy: the same bytes
  const auto copy = Store::open("/l", Store::Mode::read, twin.env.get());
  REQUIRE(copy);
  const std::string good = ledger.event(100);
  REQUIRE(good == twin.event(100));
  ledger.set_event(100, flipped(flipped(good, 200), 201));
  const auto report = ledger.search({}, copy->get());
  check_event(report, DamageClass::flipped, 100, 100);
  const auto& changes = report.found.front().changes;
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].offset == 200);
  CHECK(changes[0].expected == good.substr(200, 2));
  CHECK(changes[0].found == flipped(flipped(good, 200), 201).substr(200, 2));
  CHECK(report.found.front().accounts == std::vector{twin.account(100)});
}

SCENARIO("byte changes: runs, lengths, and their limits") {
  CHECK(byte_changes("same", "same").empty());
  const auto longer = byte_changes("abc", "abcde");
  REQUIRE(longer.size() == 1);
  CHECK(longer[0].offset == 3);
  CHECK(longer[0].expected == "");
  CHECK(longer[0].found == "de");
  std::string expected(3 * byte_changes_max, 'a'), found = expected;
  for (std::size_t i = 0; i < byte_changes_max; ++i) found[3 * i] = 'b';
  CHECK(byte_changes(expected, found).size() == byte_changes_max);
  CHECK(byte_changes(expected, found + "x").size() == byte_changes_max);
  const std::string all_a(byte_change_bytes_max, 'a'), all_b(byte_change_bytes_max, 'b');
  CHECK(byte_changes(all_a, all_b)[0].found == all_b);
  CHECK(byte_changes(all_a + "a", all_b + "b")[0].found == all_b);
}

namespace {

/// Changes rows at random as somebody without a key could, and knows which events it touched.
class Vandal {
 public:
  Vandal(const LongLedger& ledger, std::uint32_t seed) : ledger_(ledger), dice_(seed) {}

  void change() {
    const Position at = free_position();
    switch (below(6)) {
      case 0:
        return set(at, flipped(ledger_.event(at), below(ledger_.event(at).size())));
      case 1:
        return set(at, std::nullopt);
      case 2:
        return set(at, ledger_.event(at).substr(0, below(ledger_.event(at).size())));
      case 3:
        return set(at, ledger_.event(free_position()));
      case 4: {
        const Position other = free_position();
        const std::string event = ledger_.event(at);
        set(at, ledger_.event(other));
        return set(other, event);
      }
      default:
        ledger_.rewrite(at, failed_sign_in("vandal"), make_signer(0x20));
        touched_.insert(at);
    }
  }
  const std::set<Position>& touched() const { return touched_; }

 private:
  std::uint64_t below(std::uint64_t limit) { return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(dice_); }
  Position free_position() {
    while (true) {
      const Position at = below(ledger_.size);
      if (used_.insert(at).second) return at;
    }
  }
  void set(Position at, std::optional<std::string> envelope) {
    ledger_.set_event(at, std::move(envelope));
    touched_.insert(at);
  }

  const LongLedger& ledger_;
  std::mt19937 dice_;
  std::set<Position> used_, touched_;
};

}  // namespace

SCENARIO("a campaign of random changes: each changed event is told, and no other") {
  std::uint64_t changes = 0, told_events = 0;
  for (std::uint32_t seed = 0; seed < 24; ++seed) {
    const LongLedger ledger(seed % 3 == 0 ? 600 : 50, 1 + seed % 4);
    Vandal vandal(ledger, seed);
    for (std::uint32_t i = 0; i <= seed % 8; ++i) vandal.change();
    const auto report = ledger.search();
    std::set<Position> accused;
    for (const Damage& damage : report.found) {
      if (damage.thing != DamagedThing::event) continue;
      for (Position position = damage.first; position <= damage.last; ++position) accused.insert(position);
    }
    INFO("seed " << seed << "\n" << told(report));
    CHECK(accused == vandal.touched());
    CHECK(report.total == report.found.size());
    changes += vandal.touched().size();
    told_events += accused.size();
  }
  MESSAGE("changed events: " << changes << ", told: " << told_events);
}

SCENARIO("a damaged tile is told apart from the events, which it does not make suspect") {
  const LongLedger ledger(600, 10);
  const std::string key = tile_key({0, 1});
  ledger.set(Family::tiles, key, flipped(ledger.get(Family::tiles, key), 32 * 7));
  check_one(ledger.search(), DamageClass::flipped, DamagedThing::tile, 256, 256);
  ledger.set_event(300, std::nullopt);
  const auto report = ledger.search();
  INFO(told(report));
  REQUIRE(report.found.size() == 2);
  CHECK(report.found[1].first == 300);
  CHECK(report.found[1].what == DamageClass::missing);
}

SCENARIO("more damage than is told is counted") {
  const LongLedger ledger(2 * damages_max + 10, 100);
  ledger.change([&](Store& store) {
    Rows rows;
    for (Position position = 1; position <= 2 * damages_max; position += 2)
      rows.push_back({Family::events, key_of(position), std::nullopt});
    rows.push_back({Family::events, key_of(2 * damages_max + 2), std::nullopt});
    REQUIRE(!store.write(rows, true));
  });
  const auto report = ledger.search();
  CHECK(report.found.size() == damages_max);
  CHECK(report.total == damages_max + 1);
}
