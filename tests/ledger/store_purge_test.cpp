#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Bytes that no compression shortens and nothing else has.
std::string marked(std::uint8_t first) {
  std::string bytes;
  for (int i = 0; i < 104; ++i) bytes.push_back(static_cast<char>(first + i * 37 + i * i));
  return bytes;
}

/// Names of the files below `folder` in which `bytes` stand.
std::vector<std::string> files_with(const std::filesystem::path& folder, const std::string& bytes) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (content.find(bytes) != std::string::npos) names.push_back(entry.path().filename());
  }
  return names;
}

std::unique_ptr<Store> open(const std::filesystem::path& folder, Store::Mode mode = Store::Mode::write) {
  auto store = Store::open(folder, mode);
  REQUIRE(store);
  return *std::move(store);
}

const std::string doomed = marked(1), kept = marked(2);
const Rows put_both = {{Family::keys, "doomed", doomed}, {Family::keys, "kept", kept}};
const Rows take_one = {{Family::keys, "doomed", std::nullopt}};
const std::vector<RowPrefix> where = {{Family::keys, "doomed"}};

}  // namespace

SCENARIO("R-LIFE-1: a deleted key stays in the write-ahead log and table files, until they are purged") {
  const TempDir directory;
  auto store = open(directory.path(), Store::Mode::create);
  REQUIRE(!store->write(put_both, true));
  SUBCASE("still in the write-ahead log") {}
  SUBCASE("in a table file") {
    store.reset();
    store = open(directory.path());
  }
  SUBCASE("in table files of two levels and in the log") {
    for (int i = 0; i < 3; ++i) {
      store.reset();
      store = open(directory.path());
      REQUIRE(!store->write(put_both, true));
    }
  }
  REQUIRE(!store->write(take_one, true));
  CHECK(!files_with(directory.path(), doomed).empty());
  REQUIRE(!store->purge(where));
  CHECK(files_with(directory.path(), doomed).empty());
  CHECK(!files_with(directory.path(), kept).empty());
  CHECK(*store->get(Family::keys, as_bytes("kept")) == kept);
  REQUIRE(!store->purge(where));  // again: nothing to do
  store.reset();
  store = open(directory.path());
  CHECK(files_with(directory.path(), doomed).empty());
  CHECK(*store->get(Family::keys, as_bytes("kept")) == kept);
  CHECK(!*store->get(Family::keys, as_bytes("doomed")));
}

SCENARIO("R-LIFE-1: a file that is still read is not called gone") {
  const TempDir directory;
  auto store = open(directory.path(), Store::Mode::create);
  REQUIRE(!store->write(put_both, true));
  store.reset();
  store = open(directory.path());
  REQUIRE(!store->write(take_one, true));
  REQUIRE(!store->scan(Family::keys, {}, [&](ByteView, ByteView) {
    const auto error = store->purge(where);
    REQUIRE(error);
    CHECK(error->fault == StoreFault::io);
    CHECK(error->detail.find(".sst") != std::string::npos);
    return false;
  }));
  CHECK(!store->purge(where));
  CHECK(files_with(directory.path(), doomed).empty());
}

SCENARIO("R-LIFE-1: rows that a rebuild set aside are emptied, in this process and the next") {
  const TempDir directory;
  auto store = open(directory.path(), Store::Mode::create);
  REQUIRE(!store->write({{Family::rows, "Adoomed", doomed}, {Family::rows, "Akept", kept}}, true));
  REQUIRE(!store->begin_shadow());
  REQUIRE(!store->write_shadow({{Family::rows, "Akept", kept}}));
  REQUIRE(!store->swap_shadow());
  SUBCASE("this one") {}
  SUBCASE("the next") {
    store.reset();
    store = open(directory.path());
  }
  CHECK(!files_with(directory.path(), doomed).empty());
  REQUIRE(!store->purge({}));
  CHECK(files_with(directory.path(), doomed).empty());
  CHECK(*store->get(Family::rows, as_bytes("Akept")) == kept);
  REQUIRE(!store->begin_shadow());
  REQUIRE(!store->drop_shadow());
}

SCENARIO("R-LIFE-1: many rows of many prefixes go at once, while others are written") {
  const TempDir directory;
  const auto store = open(directory.path(), Store::Mode::create);
  Rows all, gone;
  std::vector<RowPrefix> prefixes;
  for (std::uint8_t i = 0; i < 40; ++i) {
    const std::string key = "k" + std::to_string(i);
    all.push_back({Family::answers, key, marked(i)});
    if (i % 2 == 0) continue;
    gone.push_back({Family::answers, key, std::nullopt});
    prefixes.push_back({Family::answers, key});
  }
  REQUIRE(!store->write(all, true));
  REQUIRE(!store->write(gone, true));
  std::atomic<bool> stop = false;
  int written = 0;
  std::thread writer([&] {
    while (!stop) written += store->write({{Family::meta, "n" + std::to_string(written), "x"}}, true) ? 0 : 1;
  });
  const auto error = store->purge(prefixes);
  stop = true;
  writer.join();
  CHECK(!error);
  CHECK(*store->get(Family::meta, as_bytes("n0")) == "x");
  CHECK(*store->get(Family::answers, as_bytes("k38")) == marked(38));
  CHECK(!*store->get(Family::answers, as_bytes("k39")));
}
