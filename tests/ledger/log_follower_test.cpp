#include "ledger/log_follower.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_stored.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t event_count = 10;

/// Position 0 is LedgerCreated, then accounts 1, 2, 3 by turns, one commit each.
struct FollowedLedger : StoredLedger {
  std::optional<std::string> published;  ///< what the reader finds beside the store; none: the newest note

  explicit FollowedLedger(std::uint64_t count = event_count) {
    TestLedger::create("/l", env.get());
    grow(count - 1);
  }
  /// `accounts_from` 2 makes another history of the same size.
  void grow(std::uint64_t count, std::uint64_t accounts_from = 1) const {
    const auto ledger = TestLedger::open("/l", env.get());
    REQUIRE(ledger);
    for (std::uint64_t i = 0; i < count; ++i) REQUIRE((*ledger)->append(accounts_from + i % 3));
  }
  void commit_together(std::uint64_t count) const {
    const auto ledger = TestLedger::open("/l", env.get());
    REQUIRE(ledger);
    std::vector<Draft> drafts;
    for (std::uint64_t i = 0; i < count; ++i) drafts.push_back(failed_sign_in("x"));
    REQUIRE((*ledger)->append(1, std::move(drafts)));
  }

  std::unique_ptr<Store> view() const {
    const std::string newest = as_newest_note();
    auto opened = Store::open_folder("/l/store", published.value_or(newest), env.get());
    REQUIRE(opened);
    return *std::move(opened);
  }
  std::string as_newest_note() const {
    std::string note;
    change([&](Store& store) { note = store.last(Family::checkpoints)->value().second; });
    return note;
  }
  /// The log as it was with fewer events: what a restored backup is.
  void roll_back(std::uint64_t size) const {
    change([&](Store& store) {
      Rows rows;
      Frontier frontier;
      REQUIRE(!store.scan(Family::events, {}, [&](ByteView key, ByteView value) {
        if (read_big_endian(key) < size) frontier.append(leaf_hash(value));
        if (read_big_endian(key) >= size) rows.push_back({Family::events, std::string(as_text(key)), std::nullopt});
        return true;
      }));
      REQUIRE(!store.scan(Family::checkpoints, {}, [&](ByteView key, ByteView) {
        if (read_big_endian(key) > size) rows.push_back({Family::checkpoints, std::string(as_text(key)), std::nullopt});
        return true;
      }));
      rows.push_back(frontier_row(frontier));
      REQUIRE(!store.write(rows, true));
    });
  }
};

/// Takes batches; `shown` is what a consumer would have seen.
struct Follower {
  LogFollower follower{make_signer().verifier()};
  FollowLimits limits = {};
  std::vector<Position> shown;
  std::optional<FollowFinding> found;

  Follower() = default;
  explicit Follower(LogCursor from) : follower(make_signer().verifier(), std::move(from)) {}

  bool next(const LogSource& source) {
    std::vector<Position> batch;
    const auto more = follower.next(source, limits, [&](const Event& event) { batch.push_back(event.position()); });
    if (!more) {
      found = more.error();
      return false;
    }
    if (*more) shown.insert(shown.end(), batch.begin(), batch.end());
    if (!*more) CHECK(batch.empty());
    return *more;
  }
  /// All batches; how many.
  int follow(const FollowedLedger& ledger) {
    const auto view = ledger.view();
    int batches = 0;
    while (next(*view)) ++batches;
    return batches;
  }
  void check_found(FindingKind kind, Position position, std::size_t evidence) const {
    REQUIRE(found);
    INFO("expected " << found->finding.expected << ", found " << found->finding.found);
    CHECK(std::string(name(found->finding.kind)) == name(kind));
    CHECK(found->finding.position == position);
    CHECK(found->evidence.size() == evidence);
  }
};

std::vector<Position> positions(Position from, Position to) {
  std::vector<Position> all;
  for (Position at = from; at < to; ++at) all.push_back(at);
  return all;
}

}  // namespace

SCENARIO("a log is followed from its first event, on as it grows, and on from a cursor") {
  const FollowedLedger ledger;
  Follower follower;
  CHECK(follower.follow(ledger) == 1);
  CHECK(follower.shown == positions(0, event_count));
  CHECK(follower.follow(ledger) == 0);
  ledger.grow(3);
  CHECK(follower.follow(ledger) == 1);
  CHECK(follower.shown == positions(0, event_count + 3));
  Follower later(follower.follower.cursor());
  CHECK(later.follow(ledger) == 0);
  ledger.grow(2);
  CHECK(later.follow(ledger) == 1);
  CHECK(later.shown == positions(event_count + 3, event_count + 5));
  CHECK(!later.found);
}

SCENARIO("a batch is as many whole commits as its limit holds, and one commit at least") {
  const FollowedLedger ledger(4);
  ledger.commit_together(3);  // 4, 5, 6
  Follower at, past, small;
  at.limits.batch_events = 7;
  CHECK(at.follow(ledger) == 1);
  past.limits.batch_events = 6;
  CHECK(past.follow(ledger) == 2);
  CHECK(past.shown == positions(0, 7));
  small.limits.batch_events = 1;
  CHECK(small.follow(ledger) == 5);
  CHECK(small.shown == positions(0, 7));
}

SCENARIO("a commit without a checkpoint for too long is none") {
  const FollowedLedger ledger(1);
  ledger.commit_together(4);
  Follower at, past;
  at.limits = past.limits = {.batch_events = 1, .commit_events = 4};
  CHECK(at.follow(ledger) == 2);
  CHECK(!at.found);
  past.limits.commit_events = 3;
  CHECK(past.follow(ledger) == 1);
  past.check_found(FindingKind::checkpoint, 1, 0);
}

SCENARIO("what is not known to be synced is not shown") {
  FollowedLedger ledger;
  Follower follower;
  ledger.published = ledger.note(4);
  CHECK(follower.follow(ledger) == 1);
  CHECK(follower.shown == positions(0, 4));
  for (const std::string& torn : {std::string(), ledger.note(9).substr(0, 40), flipped(ledger.note(9), 100)}) {
    ledger.published = torn;
    CHECK(follower.follow(ledger) == 0);
  }
  ledger.published = ledger.note(2);  // behind the cursor, as after a power loss
  CHECK(follower.follow(ledger) == 0);
  CHECK(!follower.found);
  ledger.published = ledger.note(event_count);
  CHECK(follower.follow(ledger) == 1);
  CHECK(follower.shown == positions(0, event_count));
}

SCENARIO("of a batch in which something does not verify nothing is shown") {
  const FollowedLedger ledger;
  Follower follower;
  {
    const auto view = ledger.view();
    follower.limits.batch_events = 4;
    REQUIRE(follower.next(*view));
  }
  const std::string good = ledger.event(6);
  SUBCASE("a flipped byte") {
    ledger.set_event(6, flipped(good, good.size() / 2));
    follower.follow(ledger);
    follower.check_found(FindingKind::flipped, 6, 0);
  }
  SUBCASE("a flipped byte of the last event, with no other behind it") {
    ledger.set_event(7, flipped(ledger.event(7), 80));
    follower.follow(ledger);
    follower.check_found(FindingKind::flipped, 7, 0);
  }
  SUBCASE("a gap") {
    ledger.set_event(6, std::nullopt);
    follower.follow(ledger);
    follower.check_found(FindingKind::missing, 6, 0);
  }
  SUBCASE("another event in its place") {
    ledger.set_event(6, ledger.event(5));
    follower.follow(ledger);
    follower.check_found(FindingKind::missing, 6, 0);
  }
  SUBCASE("an event that the key signed, and the tree has not") {
    ledger.rewrite(6, failed_sign_in("rewritten"), make_signer());
    follower.follow(ledger);
    follower.check_found(FindingKind::tree, 6, 2);  // that the checkpoints are of one log cannot be shown any more
  }
  SUBCASE("a link that leaves out an event seen before") {
    ledger.rewrite(7, failed_sign_in("rewritten"), make_signer(), [](Place& place) { place.previous.leaf = {}; });
    follower.follow(ledger);
    follower.check_found(FindingKind::back_link, 7, 0);
  }
  SUBCASE("a checkpoint that the key did not sign") {
    ledger.set(Family::checkpoints, key_of(8), flipped(ledger.note(8), 100));
    follower.follow(ledger);
    follower.check_found(FindingKind::checkpoint, 8, 0);
  }
  CHECK(follower.shown == positions(0, 4));
}

SCENARIO("events before the cursor are not read again") {
  const FollowedLedger ledger;
  Follower follower;
  CHECK(follower.follow(ledger) == 1);
  ledger.grow(2);
  ledger.set_event(5, flipped(ledger.event(5), 90));
  Follower later(follower.follower.cursor());
  CHECK(later.follow(ledger) == 1);
  CHECK(later.shown == positions(event_count, event_count + 2));
}

SCENARIO("a log that does not extend what was verified is told, with both checkpoints") {
  const FollowedLedger ledger;
  Follower follower;
  CHECK(follower.follow(ledger) == 1);
  const std::string seen = follower.follower.cursor().note;
  Follower later(follower.follower.cursor());
  SUBCASE("rolled back") {
    ledger.roll_back(7);
    CHECK(later.follow(ledger) == 0);
    later.check_found(FindingKind::truncated, 7, 2);
  }
  SUBCASE("forked, of the same size") {
    ledger.roll_back(7);
    ledger.grow(3, 2);
    CHECK(later.follow(ledger) == 0);
    later.check_found(FindingKind::tree, event_count, 2);
  }
  SUBCASE("forked and grown, with a checkpoint of the same size") {
    ledger.roll_back(7);
    ledger.grow(6, 2);
    CHECK(later.follow(ledger) == 0);
    later.check_found(FindingKind::tree, event_count, 2);
  }
  SUBCASE("forked and grown, with no checkpoint of the same size") {
    ledger.roll_back(7);
    ledger.commit_together(5);
    CHECK(later.follow(ledger) == 0);
    later.check_found(FindingKind::tree, event_count, 2);
  }
  CHECK(later.shown.empty());
  REQUIRE(later.found);
  CHECK(later.found->evidence.front() == seen);
  for (const std::string& note : later.found->evidence) CHECK(open_checkpoint(note, make_signer().verifier()));
}

SCENARIO("a published checkpoint over more than the store has is told") {
  FollowedLedger ledger;
  ledger.published = ledger.note(event_count);
  ledger.roll_back(7);
  Follower follower;
  CHECK(follower.follow(ledger) == 0);
  follower.check_found(FindingKind::truncated, 7, 2);
}

SCENARIO("a cursor that was tampered with is refused") {
  const FollowedLedger ledger;
  Follower follower;
  follower.limits.batch_events = 6;
  const auto view = ledger.view();
  REQUIRE(follower.next(*view));
  const LogCursor good = follower.follower.cursor();
  LogCursor bad = good;
  SUBCASE("a hash of its frontier") { bad.frontier = *Frontier::decode(as_bytes(flipped(good.frontier.encode(), 20))); }
  SUBCASE("the frontier of another size") { bad.frontier.append(Hash{}); }
  SUBCASE("no frontier") { bad.frontier = {}; }
  SUBCASE("no note") { bad.note.clear(); }
  SUBCASE("the note of another size") { bad.note = ledger.note(7); }
  SUBCASE("a note with another signature") { bad.note = flipped(good.note, good.note.size() - 10); }
  SUBCASE("a note and a frontier that fit, signed by somebody else") {
    bad.frontier = {};
    bad.frontier.append(Hash{});
    bad.note = sign_checkpoint({origin, 1, bad.frontier.root()}, make_signer(0x20));
  }
  Follower later(bad);
  CHECK(!later.next(*view));
  later.check_found(FindingKind::checkpoint, bad.frontier.size(), 0);
  Follower again(good);
  CHECK(again.next(*view));
}
