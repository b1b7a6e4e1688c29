#include "ledger/audit.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_stored.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t event_count = 10;

/// Position 0 is LedgerCreated, then accounts 1, 2, 3, 1, 2, 3, 1, 2, 3 by one commit each; closed.
struct ClosedLedger : StoredLedger {
  ClosedLedger() {
    const auto ledger = TestLedger::create("/l", env.get());
    for (std::uint64_t i = 1; i < event_count; ++i) {
      ledger->clock = start_time + static_cast<Time>(i) * second_us;
      REQUIRE(ledger->append(1 + (i - 1) % 3));
    }
  }

  void rewrite(Position position, const Signer& signer, const std::function<void(Place&)>& alter = nullptr) const {
    StoredLedger::rewrite(position, failed_sign_in("rewritten"), signer, alter);
  }
  /// As one could who holds the ledger's key.
  void sign_checkpoints() const {
    StoredLedger::sign_checkpoints([](std::uint64_t) { return std::vector<std::uint8_t>{0x00}; });
  }
};

}  // namespace

SCENARIO("a clean log passes, and is counted") {
  const ClosedLedger ledger;
  const auto report = ledger.audit();
  CHECK(!report.first_finding);
  CHECK(report.events == event_count);
  CHECK(report.checkpoints == event_count);
  CHECK(report.signatures == 2 * event_count);
  CHECK(report.accounts == 4);
  CHECK(report.sealed_opened == 0);
  CHECK(report.sealed_without_key == event_count);
  CHECK(report.first_time == start_time);
  CHECK(report.last_time == start_time + 9 * second_us);
  CHECK(report.bytes > event_count * 200);
  const auto last = open_checkpoint(report.last_checkpoint, make_signer().verifier());
  REQUIRE(last);
  CHECK(last->size == event_count);
}

SCENARIO("changes by someone without the ledger's key") {
  const ClosedLedger ledger;
  const std::string good = ledger.event(4);
  SUBCASE("a bit of the envelope's version") {
    ledger.set_event(4, flipped(good, 0));
    ledger.check_finding(FindingKind::flipped, 4);
  }
  SUBCASE("a bit of its key id") {
    ledger.set_event(4, flipped(good, 5));
    ledger.check_finding(FindingKind::flipped, 4);
  }
  SUBCASE("a bit of its signature") {
    ledger.set_event(4, flipped(good, 20));
    ledger.check_finding(FindingKind::flipped, 4);
  }
  SUBCASE("a bit of its event") {
    ledger.set_event(4, flipped(good, good.size() / 2));
    ledger.check_finding(FindingKind::flipped, 4);
  }
  SUBCASE("an empty envelope") {
    ledger.set_event(4, "");
    ledger.check_finding(FindingKind::flipped, 4);
  }
  SUBCASE("dropped") {
    ledger.set_event(4, std::nullopt);
    ledger.check_finding(FindingKind::missing, 4);
  }
  SUBCASE("the first dropped") {
    ledger.set_event(0, std::nullopt);
    ledger.check_finding(FindingKind::missing, 0);
  }
  SUBCASE("the last dropped") {
    ledger.set_event(event_count - 1, std::nullopt);
    ledger.check_finding(FindingKind::truncated, event_count - 1);
  }
  SUBCASE("all dropped") {
    for (Position position = 0; position < event_count; ++position) ledger.set_event(position, std::nullopt);
    ledger.check_finding(FindingKind::truncated, 0);
  }
  SUBCASE("swapped with the next") {
    ledger.set_event(4, ledger.event(5));
    ledger.set_event(5, good);
    ledger.check_finding(FindingKind::missing, 4);
  }
  SUBCASE("repeated over the next") {
    ledger.set_event(5, good);
    ledger.check_finding(FindingKind::missing, 5);
  }
  SUBCASE("an event appended behind the last checkpoint") {
    ledger.set_event(event_count, good);
    ledger.check_finding(FindingKind::checkpoint, event_count);
  }
  SUBCASE("a key that is no position") {
    ledger.set(Family::events, key_of(4) + "x", good);
    ledger.check_finding(FindingKind::malformed, 5);
  }
  SUBCASE("rewritten and signed by another key") {
    ledger.rewrite(4, make_signer(0x20));
    ledger.check_finding(FindingKind::flipped, 4);
  }
}

SCENARIO("changes by someone who signs with the ledger's own key") {
  const ClosedLedger ledger;
  SUBCASE("an event rewritten") {
    ledger.rewrite(4, make_signer());
    ledger.check_finding(FindingKind::tree, 4);
  }
  SUBCASE("an event and all checkpoints rewritten: the account's next event still links to the old one") {
    ledger.rewrite(4, make_signer());
    ledger.sign_checkpoints();
    ledger.check_finding(FindingKind::back_link, 7);
  }
  SUBCASE("another leaf linked to") {
    ledger.rewrite(4, make_signer(), [](Place& place) { place.previous.leaf = bytes_from(1); });
    ledger.check_finding(FindingKind::back_link, 4);
  }
  SUBCASE("another position linked to") {
    ledger.rewrite(4, make_signer(), [](Place& place) { place.previous.position = 2; });
    ledger.check_finding(FindingKind::back_link, 4);
  }
  SUBCASE("an account version left out") {
    ledger.rewrite(4, make_signer(), [](Place& place) { place.previous.version = 2; });
    ledger.check_finding(FindingKind::back_link, 4);
  }
  SUBCASE("a second beginning of an account") {
    ledger.rewrite(4, make_signer(), [](Place& place) { place.previous = {}; });
    ledger.check_finding(FindingKind::back_link, 4);
  }
  SUBCASE("a time before the event before it") {
    ledger.rewrite(4, make_signer(), [](Place& place) { place.time = start_time; });
    ledger.check_finding(FindingKind::time, 4);
  }
  SUBCASE("a log that does not begin with its creation") {
    ledger.rewrite(0, make_signer());
    ledger.sign_checkpoints();
    ledger.check_finding(FindingKind::malformed, 0);
  }
  SUBCASE("an event committed with a foreign signature") {
    ledger.rewrite(4, make_signer(0x20));
    ledger.sign_checkpoints();
    ledger.check_finding(FindingKind::signature, 4);
  }
  SUBCASE("no event committed as an event") {
    ledger.set_event(4, "not an event");
    ledger.sign_checkpoints();
    ledger.check_finding(FindingKind::malformed, 4);
  }
}

SCENARIO("changed checkpoints") {
  const ClosedLedger ledger;
  const auto set = [&](std::uint64_t size, std::optional<std::string> note) {
    ledger.set(Family::checkpoints, key_of(size), std::move(note));
  };
  SUBCASE("signed by another key") {
    set(6, sign_checkpoint({origin, 6, bytes_from(0)}, make_signer(0x20)));
    ledger.check_finding(FindingKind::checkpoint, 6);
  }
  SUBCASE("not a note") {
    set(6, "x");
    ledger.check_finding(FindingKind::checkpoint, 6);
  }
  SUBCASE("of another log, by the same key") {
    const Signer other("other.example/ledger", bytes_from(0x00).view());
    set(6, sign_checkpoint({"other.example/ledger", 6, bytes_from(0)}, other));
    ledger.check_finding(FindingKind::checkpoint, 6);
  }
  SUBCASE("another root, signed by the ledger's key") {
    set(6, sign_checkpoint({origin, 6, bytes_from(0)}, make_signer()));
    ledger.check_finding(FindingKind::tree, 5);
  }
  SUBCASE("of another size") {
    set(6, sign_checkpoint({origin, 7, bytes_from(0)}, make_signer()));
    ledger.check_finding(FindingKind::checkpoint, 6);
  }
  SUBCASE("one that covers nothing") {
    set(0, sign_checkpoint({origin, 0, empty_root()}, make_signer()));
    ledger.check_finding(FindingKind::checkpoint, 0);
  }
  SUBCASE("one that covers more than there is") {
    set(event_count + 3, sign_checkpoint({origin, event_count + 3, bytes_from(0)}, make_signer()));
    ledger.check_finding(FindingKind::truncated, event_count);
  }
  SUBCASE("the last removed") {
    set(event_count, std::nullopt);
    ledger.check_finding(FindingKind::checkpoint, event_count - 1);
  }
  SUBCASE("all removed") {
    for (std::uint64_t size = 1; size <= event_count; ++size) set(size, std::nullopt);
    ledger.check_finding(FindingKind::checkpoint, 0);
  }
  SUBCASE("another stored frontier") {
    ledger.set(Family::meta, std::string(frontier_key), Frontier().encode());
    ledger.check_finding(FindingKind::tree, event_count);
  }
}

SCENARIO("sealed parts are opened with the stored keys, and no key is gone or another") {
  const ClosedLedger ledger;
  const auto audit = [&] {
    const auto store = Store::open("/l", Store::Mode::read, ledger.env.get());
    REQUIRE(store);
    const auto keys = KeyRing::open(make_key(0x40), **store);
    REQUIRE(keys);
    AuditOptions options;
    options.keys = &*keys;
    return audit_log(**store, make_signer().verifier(), options);
  };
  SUBCASE("gone, and no closing erased it") {
    ledger.set(Family::keys, KeyRing::row_key(account_id(2)), std::nullopt);
    for (const auto& report : {audit(), ledger.audit()}) {
      REQUIRE(report.first_finding);
      CHECK(report.first_finding->kind == FindingKind::key);
      CHECK(report.first_finding->position == 2);
      CHECK(report.first_finding->account == account_id(2));
      CHECK(report.sealed_erased == 0);
    }
  }
  SUBCASE("altered") {
    const std::string key = KeyRing::row_key(account_id(2));
    ledger.set(Family::keys, key, flipped(ledger.get(Family::keys, key), 40));
    const auto report = audit();
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::sealed);
    CHECK(report.first_finding->position == 2);
    CHECK(report.first_finding->account == account_id(2));
  }
  SUBCASE("another key") {
    ledger.change([](Store& store) {
      const auto keys = KeyRing::open(make_key(0x40), store);
      REQUIRE(keys);
      const Entropy other = [](std::span<std::uint8_t> bytes) { std::ranges::fill(bytes, std::uint8_t{7}); };
      REQUIRE(!store.write({keys->new_data_key(account_id(3), other).second}, true));
    });
    const auto report = audit();
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::sealed);
    CHECK(report.first_finding->position == 3);
  }
}

SCENARIO("with another verifier nothing passes, and a warning says whose the store is") {
  const ClosedLedger ledger;
  const auto store = Store::open("/l", Store::Mode::read, ledger.env.get());
  REQUIRE(store);
  const auto report = audit_log(**store, make_signer(0x20).verifier(), {});
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->position == 0);
  CHECK(report.events == 0);
  CHECK(std::ranges::any_of(report.warnings, [](const std::string& warning) {
    return warning.find(make_signer().verifier().vkey()) != std::string::npos;
  }));
}

SCENARIO("a log of many chunks is audited in order by any number of threads, beside its writer") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::vector<Draft> drafts;
    for (int j = 0; j < 12; ++j) drafts.push_back(failed_sign_in("x"));
    REQUIRE(ledger->append(i % 20, std::move(drafts)));
  }
  const std::uint64_t size = ledger->log->size();
  CHECK(size == 3601);
  for (const unsigned threads : {1U, 4U}) {
    std::vector<Position> seen;
    std::uint64_t progress_calls = 0;
    AuditOptions options;
    options.threads = threads;
    options.on_event = [&](const Event& event, const Hash&) {
      seen.push_back(event.position());
      if (event.position() == 100) REQUIRE(ledger->append(1));
    };
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      ++progress_calls;
      CHECK(done <= total);
    };
    const std::uint64_t before = ledger->log->size();
    const auto report = audit_log(*ledger->store, ledger->log->verifier(), options);
    CHECK(!report.first_finding);
    CHECK(report.events == before);
    CHECK(seen.size() == before);
    CHECK(std::ranges::is_sorted(seen));
    CHECK(progress_calls > 0);
  }
  std::string envelope = **ledger->store->get(Family::events, as_bytes(key_of(2500)));
  REQUIRE(!ledger->store->write({{Family::events, key_of(2500), flipped(envelope, 300)}}, true));
  std::uint64_t passed = 0;
  AuditOptions options;
  options.on_event = [&](const Event&, const Hash&) { ++passed; };
  const auto report = audit_log(*ledger->store, ledger->log->verifier(), options);
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->kind == FindingKind::flipped);
  CHECK(report.first_finding->position == 2500);
  CHECK(passed == 2500);
}
