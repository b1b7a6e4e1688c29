// An image is held in mid-way by a write-ahead log that is a pipe: opening it waits for a writer.
#include "ledger/store_image.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

using Path = std::filesystem::path;

void put(const Path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

std::string text_of(const Path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Files by RocksDB's names; the older of the two logs holds whoever copies it until it is let go.
class HeldStore {
 public:
  HeldStore() {
    std::filesystem::create_directory(store());
    put(store() / "CURRENT", "MANIFEST-000001\n");
    put(store() / "MANIFEST-000001", "one table");
    put(store() / "000007.sst", "table 7");
    put(store() / "1000000.log", "newest");
    REQUIRE(::mkfifo((store() / "999999.log").c_str(), 0600) == 0);
  }
  Path store() const { return place_.path() / "store"; }
  Path image() const { return place_.path() / "image"; }

  /// Runs `change` when the tables are linked and no log is copied yet.
  std::optional<StoreError> image_while(const std::function<void()>& change) {
    std::optional<StoreError> error;
    std::thread taker([&] { error = take_store_image(store(), image()); });
    while (!std::filesystem::exists(image() / "000007.sst")) std::this_thread::yield();
    change();
    const Path held = place_.path() / "held";
    std::filesystem::rename(store() / "999999.log", held);
    put(store() / "999999.log", "older");
    const int end = ::open(held.c_str(), O_WRONLY);  // lets go
    taker.join();
    ::close(end);
    return error;
  }

 private:
  TempDir place_;
};

}  // namespace

SCENARIO("an image during which the manifest grew is thrown away and taken again") {
  HeldStore held;
  const auto error = held.image_while([&] {
    put(held.store() / "000008.sst", "table 8");
    put(held.store() / "MANIFEST-000001", "another table");
    std::filesystem::remove(held.store() / "000007.sst");
  });
  CHECK(!error);
  CHECK(text_of(held.image() / "MANIFEST-000001") == "another table");
  CHECK(text_of(held.image() / "000008.sst") == "table 8");
  CHECK(!std::filesystem::exists(held.image() / "000007.sst"));
  CHECK(text_of(held.image() / "999999.log") == "older");
}

SCENARIO("an image during which another manifest came into force is thrown away and taken again") {
  HeldStore held;
  const auto error = held.image_while([&] {
    put(held.store() / "MANIFEST-000002", "one table");
    put(held.store() / "CURRENT", "MANIFEST-000002\n");
  });
  CHECK(!error);
  CHECK(text_of(held.image() / "CURRENT") == "MANIFEST-000002\n");
  CHECK(text_of(held.image() / "MANIFEST-000002") == "one table");
  CHECK(!std::filesystem::exists(held.image() / "MANIFEST-000001"));
}

SCENARIO("the newest log is copied last, by its number and not by its name") {
  HeldStore held;
  const auto error = held.image_while([&] { put(held.store() / "1000000.log", "newest, and more"); });
  CHECK(!error);
  CHECK(text_of(held.image() / "1000000.log") == "newest, and more");
}

SCENARIO("a table stays in the image when the store removes it afterwards") {
  HeldStore held;
  CHECK(!held.image_while([] {}));
  std::filesystem::remove(held.store() / "000007.sst");
  CHECK(text_of(held.image() / "000007.sst") == "table 7");
}

SCENARIO("a folder that is no store gives no image") {
  const TempDir place;
  const auto error = take_store_image(place.path() / "absent", place.path() / "image");
  REQUIRE(error);
  CHECK(error->fault == StoreFault::io);
}
