#include "ledger/store.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/ledger_fault_env.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;
using Mode = Store::Mode;

namespace {

std::unique_ptr<Store> opened(const std::filesystem::path& directory, Mode mode, rocksdb::Env* env = nullptr) {
  auto store = Store::open(directory, mode, env);
  REQUIRE_MESSAGE(store, (store ? "" : store.error().detail));
  return std::move(*store);
}

StoreFault fault(const std::filesystem::path& directory, Mode mode, rocksdb::Env* env = nullptr) {
  const auto store = Store::open(directory, mode, env);
  REQUIRE(!store);
  return store.error().fault;
}

void put(Store& store, const std::string& key, const std::string& value, Family family = Family::rows) {
  REQUIRE(!store.write({{family, key, value}}, true));
}

std::optional<std::string> get(const Store& store, const std::string& key, Family family = Family::rows) {
  const auto row = store.get(family, as_bytes(key));
  REQUIRE(row);
  return *row;
}

std::string all_rows(const Store& store, const std::string& from = "") {
  std::string text;
  const auto error = store.scan(Family::rows, as_bytes(from), [&](ByteView key, ByteView value) {
    text += std::string(as_text(key)) + "=" + std::string(as_text(value)) + " ";
    return true;
  });
  REQUIRE(!error);
  return text;
}

}  // namespace

SCENARIO("a store is created once, and opened only where one is") {
  const TempDir directory;
  CHECK(fault(directory.path(), Mode::write) == StoreFault::not_found);
  CHECK(fault(directory.path(), Mode::read) == StoreFault::not_found);
  CHECK(fault(directory.path() / "absent", Mode::write) == StoreFault::not_found);
  CHECK(!std::filesystem::exists(directory.path() / "store"));
  put(*opened(directory.path(), Mode::create), "a", "1");
  CHECK(fault(directory.path(), Mode::create) == StoreFault::exists);
  CHECK(get(*opened(directory.path(), Mode::write), "a") == "1");
  CHECK((std::filesystem::status(directory.path() / "store").permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);

  std::filesystem::remove(directory.path() / "store" / "CURRENT");
  CHECK(fault(directory.path(), Mode::create) == StoreFault::exists);  // never over what is left of another
  CHECK(fault(directory.path(), Mode::write) == StoreFault::corrupt);
}

SCENARIO("a second writer is locked out, readers are not") {
  const TempDir directory;
  const auto writer = opened(directory.path(), Mode::create);
  put(*writer, "a", "1");
  CHECK(fault(directory.path(), Mode::write) == StoreFault::locked);
  const auto reader = opened(directory.path(), Mode::read);
  CHECK(get(*reader, "a") == "1");
  put(*writer, "a", "2");
  CHECK(get(*reader, "a") == "1");  // a view as of opening
  CHECK(get(*opened(directory.path(), Mode::read), "a") == "2");
}

SCENARIO("rows are written all or nothing, read by key, in order, and from the end") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto store = opened("/l", Mode::create, env.get());
  REQUIRE(!store->write({{Family::rows, "b", "2"}, {Family::rows, "a", "1"}, {Family::leases, "a", "x"}}, false));
  CHECK(all_rows(*store) == "a=1 b=2 ");
  CHECK(all_rows(*store, "aa") == "b=2 ");
  CHECK(get(*store, "a", Family::leases) == "x");
  CHECK(!get(*store, "a", Family::answers));
  CHECK(store->last(Family::rows).value()->first == "b");
  CHECK(!store->last(Family::events).value());
  REQUIRE(!store->write({{Family::rows, "b", std::nullopt}, {Family::rows, "", "empty"}}, false));
  CHECK(all_rows(*store) == "=empty a=1 ");
  std::size_t seen = 0;
  CHECK(!store->scan(Family::rows, {}, [&](ByteView, ByteView) { return ++seen, false; }));
  CHECK(seen == 1);
}

SCENARIO("a prefix deletes exactly the keys that begin with it, live and in a shadow") {
  const TempDir directory;
  const auto store = opened(directory.path(), Mode::create);
  const std::string ff = "\xff", e_ff = "E\xff", d_end = "D\xff\xff\xff", zero("E\0", 2);
  const std::vector<std::string> keys = {"D",        d_end,     "E", zero,     "E\xfe\xff", e_ff,
                                         e_ff + "a", e_ff + ff, "F", "F" + ff, ff};
  const auto left_after = [&](const std::string& prefix) {
    std::vector<std::string> left;
    for (const std::string& key : keys) {
      if (!key.starts_with(prefix)) left.push_back(key);
    }
    return left;
  };
  for (const std::string& prefix :
       {std::string("E"), e_ff, e_ff + ff, d_end, zero, std::string("D"), "F" + ff, std::string("G")}) {
    CAPTURE(to_hex(as_bytes(prefix)));
    Rows rows;
    for (const std::string& key : keys) rows.push_back({Family::rows, key, "x"});
    REQUIRE(!store->write(rows, true));
    put(*store, "E", "of another family", Family::meta);
    REQUIRE(!store->begin_shadow());
    REQUIRE(!store->write_shadow(rows));
    std::vector<std::string> live, shadow;
    const auto collect = [](std::vector<std::string>& into) {
      return [&into](ByteView key, ByteView) { return into.emplace_back(as_text(key)), true; };
    };
    REQUIRE(!store->write_shadow({{Family::rows, prefix, std::nullopt, true}}));
    REQUIRE(!store->scan(Family::rows, {}, collect(live)));
    CHECK(live == keys);
    REQUIRE(!store->write({{Family::rows, prefix, std::nullopt, true}}, true));
    live.clear();
    REQUIRE(!store->scan(Family::rows, {}, collect(live)));
    REQUIRE(!store->scan_shadow(collect(shadow)));
    CHECK(live == left_after(prefix));
    CHECK(shadow == left_after(prefix));
    CHECK(get(*store, "E", Family::meta) == "of another family");
    REQUIRE(!store->drop_shadow());
  }
}

SCENARIO("in one write, a row put after a prefix was deleted stays") {
  const TempDir directory;
  const auto store = opened(directory.path(), Mode::create);
  put(*store, "Ea", "old");
  REQUIRE(!store->write(
      {{Family::rows, "Eb", "gone"}, {Family::rows, "E", std::nullopt, true}, {Family::rows, "Ea", "new"}}, true));
  CHECK(all_rows(*store) == "Ea=new ");
  CHECK(get(*store, "Eb") == std::nullopt);
}

SCENARIO("a failed write stops the store") {
  FaultEnv disk;
  for (const DiskLie lie : {DiskLie::failed_and_stored, DiskLie::failed_and_lost}) {
    const std::string directory = "/l" + std::to_string(static_cast<int>(lie));
    {
      const auto store = opened(directory, Mode::create, disk.get());
      put(*store, "a", "1");
      disk.set(lie);
      const auto error = store->write({{Family::rows, "b", "2"}}, true);
      REQUIRE(error);
      CHECK(error->fault == StoreFault::io);
      disk.set(DiskLie::none);
      CHECK(store->write({{Family::rows, "c", "3"}}, true));
      CHECK(store->write({{Family::rows, "c", "3"}}, false));
      CHECK(get(*store, "a") == "1");
    }
    const auto store = opened(directory, Mode::write, disk.get());
    CHECK(get(*store, "b").has_value() == (lie == DiskLie::failed_and_stored));
    CHECK(!get(*store, "c"));
    put(*store, "c", "3");
  }
}

SCENARIO("a rebuild fills a shadow, then swaps it in") {
  const TempDir directory;
  const auto names = [&] {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "store")) {
      text += entry.path().filename().string() + " ";
    }
    return text;
  };
  {
    const auto store = opened(directory.path(), Mode::create);
    put(*store, "a", "old");
    REQUIRE(!store->begin_shadow());
    REQUIRE(!store->write_shadow({{Family::rows, "a", "given up"}}));
    REQUIRE(!store->drop_shadow());
    CHECK(all_rows(*store) == "a=old ");

    REQUIRE(!store->begin_shadow());
    REQUIRE(!store->write_shadow({{Family::rows, "a", "new"}, {Family::rows, "b", "new"}}));
    CHECK(all_rows(*store) == "a=old ");
    std::string shadow;
    CHECK(!store->scan_shadow([&](ByteView key, ByteView) { return shadow += as_text(key), true; }));
    CHECK(shadow == "ab");
    put(*store, "c", "old");
    REQUIRE(!store->swap_shadow());
    CHECK(all_rows(*store) == "a=new b=new ");
    put(*store, "d", "new");
  }
  for (int round = 0; round < 3; ++round) {
    const auto store = opened(directory.path(), Mode::write);
    CHECK(all_rows(*store) == "a=new b=new d=new ");
    REQUIRE(!store->begin_shadow());  // left unfinished: the next opening still has the live one
    REQUIRE(!store->write_shadow({{Family::rows, "z", "unfinished"}}));
  }
  CHECK(all_rows(*opened(directory.path(), Mode::read)) == "a=new b=new d=new ");
  CHECK(!names().empty());
}

SCENARIO("what is published is read back as of the opening, and only from the machine's own files") {
  const TempDir directory;
  {
    const auto store = opened(directory.path(), Mode::create);
    CHECK(!store->published());
    store->publish("a longer text");
    store->publish("short");
    CHECK(!store->published());
  }
  CHECK(opened(directory.path(), Mode::read)->published() == "short");
  CHECK(opened(directory.path(), Mode::write)->published() == "short");
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto store = opened("/l", Mode::create, env.get());
  store->publish("x");
  CHECK(!opened("/l", Mode::read, env.get())->published());
}

SCENARIO("a closed store keeps its rows in table files, whose every byte is checked") {
  const TempDir directory;
  {
    const auto store = opened(directory.path(), Mode::create);
    for (int i = 0; i < 200; ++i) put(*store, std::to_string(i), std::string(50, 'v'));
  }
  std::filesystem::path table;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "store")) {
    if (entry.path().extension() == ".log") CHECK(entry.file_size() == 0);
    if (entry.path().extension() == ".sst" && (table.empty() || entry.file_size() > file_size(table))) {
      table = entry.path();
    }
  }
  REQUIRE(!table.empty());
  const auto store = opened(directory.path(), Mode::read);
  CHECK(!store->verify_files());
  std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(100);
  const int byte = file.get();
  file.seekp(100);
  file.put(static_cast<char>(byte ^ 4));
  file.close();
  const auto bad = store->verify_files();
  REQUIRE(bad);
  CHECK(bad->words.find(table.filename().string()) != std::string::npos);
}

namespace {

constexpr const char* writer_variable = "DAICHO_TEST_WRITER";  // of the child: "<pipe> <directory>"

/// The child's part: writes large rows for ever, so that memtables are flushed and compacted meanwhile.
[[noreturn]] void write_for_ever(const std::string& order) {
  const int tell = std::stoi(order);
  auto store = Store::open(order.substr(order.find(' ') + 1), Mode::write);
  if (!store) ::_exit(1);
  for (std::uint64_t i = 0;; ++i) {
    const std::string key(as_text(big_endian(i)));
    if ((*store)->write({{Family::events, key, std::string(60'000, static_cast<char>(i))}}, true)) ::_exit(2);
    if (::write(tell, &i, sizeof i) != sizeof i) ::_exit(3);
  }
}

/// This program once more, for the same scenario: a fork alone would have none of RocksDB's threads.
pid_t spawn_writer(const std::filesystem::path& directory, int tell) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv(writer_variable, (std::to_string(tell) + " " + directory.string()).c_str(), 1);
  ::execl("/proc/self/exe", "daicho_tests", "--test-case=*a reader beside a writer in another process*", nullptr);
  ::_exit(4);
}

}  // namespace

SCENARIO("a reader beside a writer in another process sees every write that was synced before it opened") {
  if (const char* const order = ::getenv(writer_variable)) write_for_ever(order);
  const TempDir directory;
  opened(directory.path(), Mode::create).reset();
  int tell[2];
  REQUIRE(::pipe(tell) == 0);
  const pid_t child = spawn_writer(directory.path(), tell[1]);
  REQUIRE(child > 0);
  ::close(tell[1]);
  std::uint64_t synced = 0;
  REQUIRE(::fcntl(tell[0], F_SETPIPE_SZ, 4096) > 0);  // the child gets 512 writes ahead at most
  for (int round = 0; round < 16; ++round) {
    std::uint64_t many[128];
    const ssize_t got = ::read(tell[0], many, sizeof many);
    REQUIRE(got > 0);
    synced = many[static_cast<std::size_t>(got) / sizeof(std::uint64_t) - 1];
    const auto store = opened(directory.path(), Mode::read);
    std::uint64_t expected = 0;
    const auto error = store->scan(Family::events, {}, [&](ByteView key, ByteView) {
      return read_big_endian(key) == expected ? (++expected, true) : false;
    });
    CHECK(!error);
    CHECK(expected > synced);
    CHECK(store->last(Family::events).value()->first == key_of(expected - 1));
    if (round % 8 == 7) CHECK(!store->verify_files());
  }
  CHECK(fault(directory.path(), Mode::write) == StoreFault::locked);
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  ::close(tell[0]);
  CHECK(get(*opened(directory.path(), Mode::write), key_of(synced), Family::events));
}

SCENARIO("a writer's readings say what is in its files and its cache; a reader's count no hits") {
  const TempDir directory;
  {
    const auto store = opened(directory.path(), Mode::create);
    const StoreReadings before = store->readings();
    CHECK(before.wal_files >= 1);
    CHECK(before.cache_bytes_max > 0);
    for (int i = 0; i < 100; ++i) put(*store, "a" + std::to_string(i), std::string(1'000, 'x'), Family::answers);
    const StoreReadings after = store->readings();
    CHECK(after.wal_bytes >= before.wal_bytes + 100 * 1'000);
    CHECK(after.unflushed_bytes > before.unflushed_bytes);
    CHECK(!after.is_write_stopped);
  }
  const auto store = opened(directory.path(), Mode::write);
  const StoreReadings before = store->readings();
  CHECK(before.table_files >= 1);  // closing a writer flushes
  CHECK(before.table_bytes > 0);
  for (int i = 0; i < 100; ++i) CHECK(get(*store, "a7", Family::answers));
  const StoreReadings after = store->readings();
  CHECK(after.cache_hits + after.cache_misses > before.cache_hits + before.cache_misses);
  CHECK(after.cache_hits > before.cache_hits);
  const StoreReadings view = opened(directory.path(), Mode::read)->readings();
  CHECK(view.cache_hits == 0);
  CHECK(view.table_files == after.table_files);
}
