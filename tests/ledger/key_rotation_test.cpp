#include <doctest/doctest.h>

#include "ledger/key_history.hpp"
#include "ledger/log_follower.hpp"
#include "tests/support/ledger_fault_env.hpp"
#include "tests/support/ledger_stored.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

// Positions: 0 LedgerCreated, 1 2 3, rotation, 5 6, rotation, 8 9; one commit each.
constexpr Position first_rotation = 4, second_rotation = 7;
constexpr std::uint64_t event_count = 10;
constexpr std::uint8_t first_seed = 0x00, second_seed = 0x20, third_seed = 0x60;

std::uint8_t seed_at(Position position) {
  return position <= first_rotation ? first_seed : position <= second_rotation ? second_seed : third_seed;
}

Draft rotation(const Verifier& from, const std::string& vkey) {
  fb::SigningKeyRotatedT rotated;
  rotated.old_key_id.assign(from.id.bytes.begin(), from.id.bytes.end());
  rotated.vkey = vkey;
  Draft draft;
  draft.payload.Set(std::move(rotated));
  return draft;
}

AccountHead head_of(const Store& store, const Id& account) {
  AccountHead head;
  const auto error = store.scan(Family::events, {}, [&](ByteView, ByteView value) {
    const std::string envelope(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (event->account() == account) head = {event->account_version(), event->position(), leaf_hash(value)};
    return true;
  });
  REQUIRE(!error);
  return head;
}

using Appended = Result<std::vector<Place>, LogError>;

/// `meanwhile` runs while the rotation is in flight.
Appended rotate(TestLedger& ledger, std::uint8_t seed, const std::function<void()>& meanwhile = nullptr) {
  const auto next = std::make_shared<const Signer>(make_signer(seed));
  const Verifier from = ledger.log->verifier();
  const Log::Decide decide = [&](Time) {
    Decided decided;
    decided.drafts.push_back(rotation(from, next->verifier().vkey()));
    return decided;
  };
  const Log::Fold fold = [&](const std::vector<Event>&, const std::vector<Hash>&) {
    if (meanwhile) meanwhile();
    return Rows{};
  };
  const Issuer issuer = make_issuer();
  const auto key = ledger.keys->data_key(*ledger.store, Id{});
  REQUIRE(key);
  return ledger.log->append({Id{}, head_of(*ledger.store, Id{}), issuer, only_data_key(*key), decide, fold, next});
}

struct RotatedLedger : StoredLedger {
  RotatedLedger() {
    const auto ledger = TestLedger::create("/l", env.get());
    for (std::uint64_t i = 1; i < event_count; ++i) {
      const bool rotates = i == first_rotation || i == second_rotation;
      const auto appended = rotates ? rotate(*ledger, seed_at(i + 1)) : ledger->append(1 + i % 2);
      REQUIRE(appended);
    }
  }

  Result<std::unique_ptr<Log>, StoreError> open_log(std::unique_ptr<Store>& store, std::uint8_t seed) const {
    auto opened = Store::open("/l", Store::Mode::write, env.get());
    REQUIRE(opened);
    store = *std::move(opened);
    return Log::open(*store, make_signer().verifier(), make_signer(seed), [] { return start_time; });
  }
  bool opens(std::uint8_t seed = third_seed) const {
    std::unique_ptr<Store> store;
    const auto log = open_log(store, seed);
    if (!log) CHECK(log.error().fault == StoreFault::corrupt);
    return log.has_value();
  }
};

/// Whose signatures a true checkpoint of this size carries.
std::vector<std::uint8_t> true_seeds(std::uint64_t size) {
  const std::uint8_t before = seed_at(size - 1), after = seed_at(size);
  return before == after ? std::vector{before} : std::vector{before, after};
}

Draft false_rotation(std::uint8_t from, const std::string& vkey) {
  return rotation(make_signer(from).verifier(), vkey);
}

}  // namespace

SCENARIO("a ledger over two rotations is intact for who trusts its first key") {
  const RotatedLedger ledger;
  const auto report = ledger.audit();
  REQUIRE(!report.first_finding);
  CHECK(report.events == event_count);
  CHECK(report.checkpoints == event_count);
  CHECK(report.rotations == 2);
  for (Position position = 0; position < event_count; ++position) {
    const std::string envelope = ledger.event(position);
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    for (const std::uint8_t seed : {first_seed, second_seed, third_seed})
      CHECK(event->verify(make_signer(seed).verifier()) == (seed == seed_at(position)));
  }
}

SCENARIO("a log is followed over its rotations by its first key, from any cursor") {
  const RotatedLedger ledger;
  const auto view = Store::open_folder("/l/store", ledger.note(event_count), ledger.env.get());
  REQUIRE(view);
  LogCursor cursor;
  Position next = 0;
  while (next < event_count) {
    LogFollower follower(make_signer().verifier(), cursor);
    const auto more =
        follower.next(**view, {.batch_events = 1}, [&](const Event& event) { CHECK(event.position() == next++); });
    REQUIRE(more);
    REQUIRE(*more);
    cursor = follower.cursor();
  }
  LogFollower other(make_signer(second_seed).verifier());
  CHECK(!other.next(**view, {}, [](const Event&) {}));
}

SCENARIO("the checkpoint of a rotation opens under either key, later ones under the new one only") {
  const RotatedLedger ledger;
  for (std::uint64_t size = 1; size <= event_count; ++size) {
    const std::string note = ledger.note(size);
    const auto seeds = true_seeds(size);
    CHECK(parse_note(note)->signatures.size() == seeds.size());
    for (const std::uint8_t seed : {first_seed, second_seed, third_seed}) {
      const bool signs = std::ranges::find(seeds, seed) != seeds.end();
      CHECK(open_checkpoint(note, make_signer(seed).verifier()).has_value() == signs);
    }
  }
}

SCENARIO("the history read from a store says whose signature counts where") {
  const RotatedLedger ledger;
  KeyHistory keys(make_signer().verifier());
  ledger.change([&](Store& store) { CHECK(!read_key_history(store, keys)); });
  CHECK(keys.rotations() == std::vector<Position>{first_rotation, second_rotation});
  for (Position position = 0; position < 2 * event_count; ++position)
    CHECK(keys.at(position) == make_signer(seed_at(position)).verifier());
  CHECK(keys.first() == make_signer(first_seed).verifier());
  CHECK(keys.newest() == make_signer(third_seed).verifier());
  for (std::uint64_t size = 1; size <= event_count; ++size) CHECK(keys.open(ledger.note(size)).has_value());
  CHECK(keys.open("no note").error() == NoteFault::malformed);
}

SCENARIO("a log opens with the key in force and no other, and goes on") {
  const RotatedLedger ledger;
  CHECK(!ledger.opens(first_seed));
  CHECK(!ledger.opens(second_seed));
  std::unique_ptr<Store> store;
  const auto log = ledger.open_log(store, third_seed);
  REQUIRE(log);
  CHECK((*log)->size() == event_count);
  CHECK((*log)->verifier() == make_signer(third_seed).verifier());
  CHECK(!Log::open(*store, make_signer(third_seed), [] { return start_time; }));  // not the first key
}

SCENARIO("a ledger without a rotation holds nothing about one") {
  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  const auto ledger = TestLedger::create("/l", env.get());
  REQUIRE(ledger->append(1));
  CHECK(!*ledger->store->get(Family::meta, as_bytes(rotations_key)));
  CHECK(ledger->log->checkpoint() ==
        sign_checkpoint(*open_checkpoint(ledger->log->checkpoint(), make_signer().verifier()), make_signer()));
}

SCENARIO("an event that the old key signed after the rotation is found") {
  const RotatedLedger ledger;
  for (const Position position : {first_rotation + 1, first_rotation + 2, second_rotation + 1}) {
    const RotatedLedger fresh;
    fresh.rewrite(position, failed_sign_in("rewritten"), make_signer(seed_at(position - 2)));
    fresh.check_finding(FindingKind::flipped, position);
    fresh.sign_checkpoints(true_seeds);  // committed like this by who holds both keys
    fresh.check_finding(FindingKind::signature, position);
  }
  ledger.rewrite(event_count - 1, failed_sign_in("rewritten"), make_signer(first_seed));
  ledger.sign_checkpoints(true_seeds);
  ledger.check_finding(FindingKind::signature, event_count - 1);
  CHECK(!ledger.opens());
}

SCENARIO("an event that the new key signed before the rotation is found") {
  const RotatedLedger ledger;
  ledger.rewrite(first_rotation - 1, failed_sign_in("rewritten"), make_signer(second_seed));
  ledger.sign_checkpoints(true_seeds);
  ledger.check_finding(FindingKind::signature, first_rotation - 1);
}

SCENARIO("a rotation that the key in force did not sign is found") {
  const RotatedLedger ledger;
  const std::string vkey = make_signer(second_seed).verifier().vkey();
  SUBCASE("signed by the new key itself, with every checkpoint that it could sign") {
    ledger.rewrite(first_rotation, false_rotation(first_seed, vkey), make_signer(second_seed));
    ledger.sign_checkpoints(
        [](std::uint64_t size) { return size == first_rotation + 1 ? std::vector{second_seed} : true_seeds(size); });
    ledger.check_finding(FindingKind::flipped, first_rotation);
  }
  SUBCASE("signed by the new key itself, under checkpoints of both") {
    ledger.rewrite(first_rotation, false_rotation(first_seed, vkey), make_signer(second_seed));
    ledger.sign_checkpoints(true_seeds);
    ledger.check_finding(FindingKind::signature, first_rotation);
  }
  SUBCASE("signed by the key before it, once more") {
    ledger.rewrite(second_rotation, false_rotation(first_seed, make_signer(third_seed).verifier().vkey()),
                   make_signer(first_seed));
    ledger.sign_checkpoints(true_seeds);
    ledger.check_finding(FindingKind::signature, second_rotation);
  }
  CHECK(!ledger.opens());
}

SCENARIO("a rotation that names no key which may come next is found, though it is signed") {
  const RotatedLedger ledger;
  const std::string good = make_signer(third_seed).verifier().vkey();
  Draft draft;
  SUBCASE("of another origin") {
    const Signer other("elsewhere.example", bytes_from(third_seed).view());
    draft = false_rotation(second_seed, other.verifier().vkey());
  }
  SUBCASE("a key that was in force before") {
    draft = false_rotation(second_seed, make_signer(first_seed).verifier().vkey());
  }
  SUBCASE("the key in force") { draft = false_rotation(second_seed, make_signer(second_seed).verifier().vkey()); }
  SUBCASE("no verifier key") { draft = false_rotation(second_seed, good.substr(1)); }
  SUBCASE("nothing") { draft = false_rotation(second_seed, ""); }
  SUBCASE("from a key that is not in force") { draft = false_rotation(first_seed, good); }
  ledger.rewrite(second_rotation, draft, make_signer(second_seed));
  ledger.sign_checkpoints(true_seeds);
  ledger.check_finding(FindingKind::malformed, second_rotation);
  CHECK(!ledger.opens());
}

SCENARIO("a checkpoint counts only with the signatures its size asks for") {
  const RotatedLedger ledger;
  std::uint64_t wrong_size = 0;
  std::vector<std::uint8_t> seeds;
  SUBCASE("the old key alone after the overlap") { wrong_size = first_rotation + 2, seeds = {first_seed}; }
  SUBCASE("the old key alone at the end") { wrong_size = event_count, seeds = {first_seed}; }
  SUBCASE("the old key alone at the rotation") { wrong_size = first_rotation + 1, seeds = {first_seed}; }
  SUBCASE("the new key alone at the rotation") { wrong_size = first_rotation + 1, seeds = {second_seed}; }
  SUBCASE("the new key before the rotation") { wrong_size = first_rotation, seeds = {second_seed}; }
  ledger.sign_checkpoints([&](std::uint64_t size) { return size == wrong_size ? seeds : true_seeds(size); });
  ledger.check_finding(FindingKind::checkpoint, wrong_size);
  CHECK(ledger.opens() == (wrong_size != event_count));
}

SCENARIO("the list of rotations is checked against the events") {
  const RotatedLedger ledger;
  const std::string list(rotations_key);
  SUBCASE("lost") {
    ledger.set(Family::meta, list, std::nullopt);
    ledger.check_finding(FindingKind::missing, first_rotation);
  }
  SUBCASE("without the last") {
    ledger.set(Family::meta, list, key_of(first_rotation));
    ledger.check_finding(FindingKind::missing, second_rotation);
  }
  SUBCASE("without the first") {
    ledger.set(Family::meta, list, key_of(second_rotation));
    ledger.check_finding(FindingKind::missing, first_rotation);
  }
  SUBCASE("torn") {
    ledger.set(Family::meta, list, key_of(first_rotation) + "torn");
    ledger.check_finding(FindingKind::missing, first_rotation);
  }
  SUBCASE("with an event that is none") {
    ledger.set(Family::meta, list, key_of(first_rotation) + key_of(second_rotation) + key_of(8));
    ledger.check_finding(FindingKind::malformed, event_count);
  }
  SUBCASE("with one twice") {
    ledger.set(Family::meta, list, key_of(first_rotation) + key_of(second_rotation) + key_of(second_rotation));
    ledger.check_finding(FindingKind::malformed, event_count);
  }
  SUBCASE("with one behind the end") {
    ledger.set(Family::meta, list, key_of(first_rotation) + key_of(second_rotation) + key_of(event_count));
    ledger.check_finding(FindingKind::malformed, event_count);
  }
  CHECK(!ledger.opens());
}

SCENARIO("a rotation event with a flipped bit is found where it is") {
  const RotatedLedger ledger;
  const std::string good = ledger.event(first_rotation);
  ledger.set_event(first_rotation, flipped(good, good.size() / 2));
  ledger.check_finding(FindingKind::flipped, first_rotation);
}

SCENARIO("a key is handed over with nothing else in flight") {
  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  const auto ledger = TestLedger::create("/l", env.get());
  const auto is_busy = [](const Appended& appended) { return !appended && appended.error().fault == LogFault::busy; };
  REQUIRE(rotate(*ledger, second_seed, [&] { CHECK(is_busy(ledger->append(1))); }));
  CHECK(ledger->log->verifier() == make_signer(second_seed).verifier());
  const Log::Decide decide = [](Time) {
    Decided decided;
    decided.drafts.push_back(failed_sign_in("wrong_password"));
    return decided;
  };
  const Log::Fold fold = [&](const std::vector<Event>&, const std::vector<Hash>&) {
    CHECK(is_busy(rotate(*ledger, third_seed)));
    return Rows{{Family::keys, KeyRing::row_key(account_id(2)), "wrapped"}};
  };
  const Issuer issuer = make_issuer();
  const SecretKey own_key = make_key(3);
  REQUIRE(ledger->log->append({account_id(2), {}, issuer, only_data_key(own_key), decide, fold}));
  CHECK(is_busy(rotate(*ledger, first_seed)));   // in force before
  CHECK(is_busy(rotate(*ledger, second_seed)));  // in force now
  CHECK(ledger->log->size() == 3);
  REQUIRE(rotate(*ledger, third_seed));
  REQUIRE(ledger->append(1));
  const auto report = audit_log(*ledger->store, make_signer().verifier(), {});
  CHECK(!report.first_finding);
  CHECK(report.rotations == 2);
}

SCENARIO("a rotation whose write failed is in force exactly when the log that is opened anew has it") {
  FaultEnv disk;
  for (const DiskLie lie : {DiskLie::failed_and_stored, DiskLie::failed_and_torn, DiskLie::failed_and_lost}) {
    CAPTURE(static_cast<int>(lie));
    const std::string directory = "/l" + std::to_string(static_cast<int>(lie));
    {
      const auto ledger = TestLedger::create(directory, disk.get());
      disk.set(lie);
      const auto failed = rotate(*ledger, second_seed);
      REQUIRE(!failed);
      CHECK(failed.error().fault == LogFault::stopped);
      CHECK(ledger->log->verifier() == make_signer(first_seed).verifier());
      CHECK(ledger->log->checkpoint() == *ledger->store->get(Family::checkpoints, as_bytes(key_of(1))));
    }
    disk.set(DiskLie::none);
    const bool is_stored = lie == DiskLie::failed_and_stored;
    auto store = Store::open(directory, Store::Mode::write, disk.get());
    REQUIRE(store);
    KeyHistory keys(make_signer().verifier());
    CHECK(!read_key_history(**store, keys));
    CHECK(keys.newest() == make_signer(is_stored ? second_seed : first_seed).verifier());
    for (const std::uint8_t seed : {first_seed, second_seed}) {
      const auto log = Log::open(**store, make_signer().verifier(), make_signer(seed), [] { return start_time; });
      CHECK(log.has_value() == (make_signer(seed).verifier() == keys.newest()));
    }
    CHECK(!audit_log(**store, make_signer().verifier(), {}).first_finding);
  }
}
