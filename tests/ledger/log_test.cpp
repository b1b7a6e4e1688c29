#include "ledger/log.hpp"

#include <doctest/doctest.h>

#include <barrier>
#include <fstream>
#include <thread>

#include "tests/support/ledger_fault_env.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::uint64_t count_rows(const Store& store, Family family) {
  std::uint64_t count = 0;
  const auto error = store.scan(family, {}, [&](ByteView, ByteView) {
    ++count;
    return true;
  });
  REQUIRE(!error);
  return count;
}

void append_from_threads(TestLedger& ledger, unsigned threads, unsigned appends) {
  std::vector<std::thread> running;
  std::atomic<unsigned> failures = 0;
  for (unsigned thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      for (unsigned i = 0; i < appends; ++i) {
        if (!ledger.append(thread)) ++failures;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  CHECK(failures == 0);
}

}  // namespace

SCENARIO("many threads append: positions have no gap, and commits are shared") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  append_from_threads(*ledger, 16, 200);
  CHECK(ledger->log->size() == 1 + 16 * 200);

  Position next = 0;
  Time last = 0;
  const auto error = ledger->store->scan(Family::events, {}, [&](ByteView key, ByteView value) {
    const std::string envelope(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    CHECK(read_big_endian(key) == next);
    CHECK(event->position() == next);
    CHECK(event->time() >= last);
    CHECK(event->verify(ledger->log->verifier()));
    last = event->time();
    ++next;
    return true;
  });
  CHECK(!error);
  CHECK(next == 1 + 16 * 200);
  CHECK(count_rows(*ledger->store, Family::checkpoints) < next);

  const auto checkpoint = open_checkpoint(ledger->log->checkpoint(), ledger->log->verifier());
  REQUIRE(checkpoint);
  CHECK(checkpoint->size == next);
}

SCENARIO("an observer is told of each commit once and of each append once, by the clock it gave") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  std::atomic<std::int64_t> now = 0;
  std::atomic<std::uint64_t> commits = 0, appends = 0, events = 0, told = 0, wrong = 0;
  ledger->log->observe({.now = [&] { return LogObserver::Span(++now); },
                        .committed =
                            [&](const LogObserver::Group& group) {
                              ++commits;
                              appends += group.appends;
                              events += group.events;
                              if (group.appends == 0 || group.write.count() < 1) ++wrong;
                            },
                        .appended =
                            [&](LogObserver::Span took) {
                              ++told;
                              if (took.count() < 1) ++wrong;
                            }});
  append_from_threads(*ledger, 8, 50);
  REQUIRE(ledger->append(9, {failed_sign_in("x"), failed_sign_in("x")}));
  CHECK(wrong == 0);
  CHECK(appends == 8 * 50 + 1);
  CHECK(told == appends);
  CHECK(events == 8 * 50 + 2);
  CHECK(events == ledger->log->size() - 1);
  CHECK(commits == count_rows(*ledger->store, Family::checkpoints) - 1);  // the first is the founding one
  CHECK(ledger->log->waiting() == 0);
}

SCENARIO("a lone caller gets a checkpoint for each append") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  for (int i = 0; i < 10; ++i) CHECK(ledger->append(1));
  CHECK(count_rows(*ledger->store, Family::checkpoints) == 11);
}

SCENARIO("the events of one append are linked, and the later ones name the first as their cause") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  std::vector<Draft> drafts;
  for (int i = 0; i < 3; ++i) drafts.push_back(failed_sign_in("x"));
  drafts[2].caused_by = 0;
  const auto places = ledger->append(7, std::move(drafts));
  REQUIRE(places);
  REQUIRE(places->size() == 3);
  CHECK((*places)[0].position == 1);
  CHECK((*places)[2].position == 3);

  std::vector<std::string> envelopes;
  for (Position position = 1; position <= 3; ++position) {
    const auto row = ledger->store->get(Family::events, as_bytes(key_of(position)));
    REQUIRE(row);
    REQUIRE(*row);
    envelopes.push_back(**row);
  }
  const auto first = Event::parse(as_bytes(envelopes[0]));
  const auto second = Event::parse(as_bytes(envelopes[1]));
  const auto third = Event::parse(as_bytes(envelopes[2]));
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(third);
  CHECK(first->previous() == AccountHead{});
  CHECK(!first->header().caused_by());
  CHECK(second->previous() == AccountHead{1, 1, leaf_hash(as_bytes(envelopes[0]))});
  CHECK(second->header().caused_by() == 1U);
  CHECK(third->previous() == AccountHead{2, 2, leaf_hash(as_bytes(envelopes[1]))});
  CHECK(third->header().caused_by() == 0U);
}

SCENARIO("the log's time never goes back, whatever the clock does") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  {
    const auto ledger = TestLedger::create("/l", env.get());
    ledger->clock = start_time + hour_us;
    CHECK(ledger->append(1).value()[0].time == start_time + hour_us);
    ledger->clock = start_time - hour_us;
    CHECK(ledger->append(1).value()[0].time == start_time + hour_us);
    CHECK(ledger->log->time() == start_time + hour_us);
    ledger->clock = -5;
    CHECK(ledger->append(1).value()[0].time == start_time + hour_us);
  }
  const auto ledger = TestLedger::open("/l", env.get());
  REQUIRE(ledger);
  CHECK((*ledger)->log->time() == start_time + hour_us);
  CHECK((*ledger)->append(1).value()[0].time == start_time + hour_us);
}

SCENARIO("a decision without events claims nothing, and still moves the log's time") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  ledger->clock = start_time + 5;
  const auto places = ledger->append(1, {});
  REQUIRE(places);
  CHECK(places->empty());
  CHECK(ledger->log->size() == 1);
  ledger->clock = start_time;
  CHECK(ledger->log->time() == start_time + 5);
}

SCENARIO("an opened log goes on where it ended") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  std::string checkpoint;
  {
    const auto ledger = TestLedger::create("/l", env.get());
    for (int i = 0; i < 5; ++i) CHECK(ledger->append(1));
    checkpoint = ledger->log->checkpoint();
  }
  const auto ledger = TestLedger::open("/l", env.get());
  REQUIRE(ledger);
  CHECK((*ledger)->log->size() == 6);
  CHECK((*ledger)->log->checkpoint() == checkpoint);
  CHECK((*ledger)->append(1).value()[0].position == 6);
  CHECK(!audit_directory("/l", env.get()).first_finding);
}

SCENARIO("a log whose end does not fit is not opened") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  TestLedger::create("/l", env.get())->append(1).value();
  auto store = Store::open("/l", Store::Mode::write, env.get());
  REQUIRE(store);
  const auto open = [&] { return Log::open(**store, make_signer(), [] { return start_time; }); };
  const auto refuses = [&](const Rows& rows) {
    REQUIRE(!(*store)->write(rows, true));
    const auto log = open();
    return !log && log.error().fault == StoreFault::corrupt;
  };
  CHECK(open());
  SUBCASE("another key") {
    const auto log = Log::open(**store, make_signer(0x20), [] { return start_time; });
    REQUIRE(!log);
    CHECK(log.error().fault == StoreFault::corrupt);
  }
  SUBCASE("last event gone") { CHECK(refuses({{Family::events, key_of(1), std::nullopt}})); }
  SUBCASE("an event too many") { CHECK(refuses({{Family::events, key_of(2), "x"}})); }
  SUBCASE("last event altered") { CHECK(refuses({{Family::events, key_of(1), std::string(200, 'x')}})); }
  SUBCASE("last checkpoint gone") { CHECK(refuses({{Family::checkpoints, key_of(2), std::nullopt}})); }
  SUBCASE("frontier of another size") { CHECK(refuses({frontier_row(Frontier())})); }
  SUBCASE("frontier gone") { CHECK(refuses({{Family::meta, std::string(frontier_key), std::nullopt}})); }
  SUBCASE("another format") { CHECK(refuses({{Family::meta, std::string(format_key), "2"}})); }
  SUBCASE("checkpoint under another size") {
    CHECK(refuses({checkpoint_row(3, (*store)->last(Family::checkpoints).value()->second)}));
  }
}

SCENARIO("a failed sync stops the log, and opening shows all of the group or nothing of it") {
  FaultEnv disk;
  for (const DiskLie lie : {DiskLie::failed_and_stored, DiskLie::failed_and_torn, DiskLie::failed_and_lost}) {
    CAPTURE(static_cast<int>(lie));
    const std::string directory = "/l" + std::to_string(static_cast<int>(lie));
    {
      const auto ledger = TestLedger::create(directory, disk.get());
      REQUIRE(ledger->append(1));
      disk.set(lie);
      std::vector<Draft> drafts;
      for (int i = 0; i < 4; ++i) drafts.push_back(failed_sign_in("x", "Nara"));
      const auto failed = ledger->append(1, std::move(drafts));
      REQUIRE(!failed);
      CHECK(failed.error().fault == LogFault::stopped);
      CHECK(failed.error().detail.find("the disk says no") != std::string::npos);
      disk.set(DiskLie::none);
      const auto later = ledger->append(2);
      REQUIRE(!later);
      CHECK(later.error().fault == LogFault::stopped);
      CHECK(ledger->log->size() == 2);
      CHECK(ledger->store->write({{Family::leases, "k", "v"}}, false));
    }
    const auto ledger = TestLedger::open(directory, disk.get());
    REQUIRE(ledger);
    CHECK((*ledger)->log->size() == (lie == DiskLie::failed_and_stored ? 6 : 2));
    CHECK((*ledger)->append(1));
    const auto report = audit_directory(directory, disk.get());
    CHECK(!report.first_finding);
    CHECK(report.events == (*ledger)->log->size());
  }
}

SCENARIO("a failed sync fails every waiting caller once, and none hangs") {
  FaultEnv disk;
  const auto ledger = TestLedger::create("/l", disk.get());
  std::atomic<unsigned> stopped = 0, done = 0;
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 16; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        if (thread == 0 && i == 25) disk.set(DiskLie::failed_and_lost);
        const auto appended = ledger->append(thread);
        if (appended) ++done;
        if (!appended && appended.error().fault == LogFault::stopped) ++stopped;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done + stopped == 16 * 50);
  CHECK(stopped >= 25);
  CHECK(ledger->log->size() == 1 + done);
}

SCENARIO("the queue takes as many claims as its limit, and not one more") {
  constexpr std::size_t limit = 4;
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get(), {.claims_waiting = limit});
  std::barrier all_claimed(limit + 1), released(limit + 1);
  std::atomic<unsigned> done = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < limit; ++i) {
    threads.emplace_back([&, i] {
      const Issuer issuer = make_issuer();
      const SecretKey key = make_key(1);
      const Log::Decide decide = [](Time) {
        Decided decided;
        decided.drafts.push_back(failed_sign_in("x"));
        return decided;
      };
      const Log::Fold fold = [&, i](const std::vector<Event>&, const std::vector<Hash>&) {
        all_claimed.arrive_and_wait();
        released.arrive_and_wait();
        return Rows{{Family::keys, KeyRing::row_key(account_id(100 + i)), "wrapped"}};
      };
      if (ledger->log->append({account_id(100 + i), {}, issuer, only_data_key(key), decide, fold})) ++done;
    });
  }
  all_claimed.arrive_and_wait();
  const auto refused = ledger->append(1);
  released.arrive_and_wait();
  for (std::thread& thread : threads) thread.join();
  CHECK(done == limit);
  REQUIRE(!refused);
  CHECK(refused.error().fault == LogFault::busy);
  CHECK(ledger->append(1));
  CHECK(!audit_directory("/l", env.get()).first_finding);
}

SCENARIO("an event that does not fit an envelope is refused before it gets a place") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  std::vector<Draft> drafts;
  drafts.push_back(failed_sign_in("x"));
  drafts.push_back(failed_sign_in("x", std::string(envelope_bytes_max, 'y')));
  const auto appended = ledger->append(1, std::move(drafts));
  REQUIRE(!appended);
  CHECK(appended.error().fault == LogFault::too_large);
  CHECK(ledger->append(1).value()[0].position == 1);
}

SCENARIO("a group larger than its limit is committed in several") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get(), {.group_bytes = 1});
  append_from_threads(*ledger, 4, 20);
  CHECK(count_rows(*ledger->store, Family::checkpoints) == 1 + 4 * 20);
}

SCENARIO("a lost tail of the write-ahead log is noticed by the published checkpoint") {
  const TempDir directory;
  const TempDir copy;
  std::uint64_t size_before = 0;
  const auto wal_of = [](const std::filesystem::path& path) {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::directory_iterator(path / "store")) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) found = entry.path();
    }
    return found;
  };
  const auto ledger = TestLedger::create(directory.path(), nullptr);
  for (int i = 0; i < 3; ++i) REQUIRE(ledger->append(1));
  size_before = std::filesystem::file_size(wal_of(directory.path()));
  REQUIRE(ledger->append(1));
  // As after a kill: the files as they are, with the writer still open.
  std::filesystem::copy(directory.path(), copy.path(),
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  const auto wal = wal_of(copy.path());
  REQUIRE(!wal.empty());
  const auto open_size = [&] { return TestLedger::open(copy.path(), nullptr); };

  SUBCASE("untouched, it opens with everything") {
    const auto opened = open_size();
    REQUIRE(opened);
    CHECK((*opened)->log->size() == 5);
  }
  SUBCASE("cut at a record's end") {
    std::filesystem::resize_file(wal, size_before);
    const auto opened = open_size();
    REQUIRE(!opened);
    CHECK(opened.error().fault == StoreFault::behind);
    CHECK(opened.error().detail.find("covers 5 events") != std::string::npos);
    CHECK(std::filesystem::file_size(wal) == size_before);  // nothing was changed
    const auto report = audit_directory(copy.path(), nullptr);
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::truncated);
    CHECK(report.first_finding->position == 4);
  }
  SUBCASE("cut inside a record") {
    std::filesystem::resize_file(wal, size_before + 20);
    CHECK(!open_size());
  }
  SUBCASE("cut, with a torn published checkpoint, as a power loss may leave it") {
    std::filesystem::resize_file(wal, size_before);
    std::filesystem::resize_file(copy.path() / "checkpoint", 40);
    const auto report = audit_directory(copy.path(), nullptr);
    CHECK(!report.first_finding);
    CHECK(report.warnings.size() == 1);
    const auto opened = open_size();
    REQUIRE(opened);
    CHECK((*opened)->log->size() == 4);
  }
  SUBCASE("another root published for the same size") {
    std::ofstream(copy.path() / "checkpoint") << sign_checkpoint({origin, 5, bytes_from(9)}, make_signer());
    const auto opened = open_size();
    REQUIRE(!opened);
    CHECK(opened.error().detail.find("another root") != std::string::npos);
    const auto report = audit_directory(copy.path(), nullptr);
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::checkpoint);
    CHECK(report.first_finding->position == 5);
  }
}
