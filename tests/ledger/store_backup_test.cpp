#include "ledger/store_backup.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "ledger/store_image.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

using Path = std::filesystem::path;

std::string published_in(const Path& directory) {
  std::ifstream in(directory / "checkpoint", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What an audit of the backup counts; 0 when it finds anything.
std::uint64_t audited_events(const BackupFolder& folder, BackupId id, const std::string& published) {
  if (folder.verify_files(id)) return 0;
  const auto store = folder.open_store(id, published);
  if (!store) return 0;
  const auto report = audit_log(**store, make_signer().verifier(), {.threads = 1});
  return report.first_finding ? 0 : report.events;
}

struct Taken {
  BackupId id = 0;
  std::string published;
};

Taken take(BackupFolder& folder, const Path& ledger, const Path& image) {
  Taken taken{.published = published_in(ledger)};  // before the image: it must cover as much
  const auto failed = take_store_image(ledger / "store", image);
  REQUIRE_MESSAGE(!failed, failed->detail);
  const auto id = folder.add(image);
  REQUIRE_MESSAGE(id, id.error().detail);
  taken.id = *id;
  std::filesystem::remove_all(image);
  return taken;
}

std::uint64_t bytes_in(const Path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

}  // namespace

namespace {

/// Appends until it is stopped; closes and opens its ledger after every `appends`, which flushes,
/// begins a new manifest, and removes what became obsolete.
class RestlessWriter {
 public:
  RestlessWriter(const Path& directory, int appends) : ledger_(TestLedger::create(directory, nullptr)) {
    thread_ = std::thread([this, directory, appends] {
      for (std::uint64_t i = 1; !stop_; ++i) {
        if (!ledger_->append(i % 7)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // else the audits fall behind
        acknowledged_ = ledger_->log->size();
        if (i % static_cast<std::uint64_t>(appends) != 0) continue;
        ledger_.reset();
        ledger_ = *TestLedger::open(directory, nullptr);
        ++reopened_;
      }
    });
  }
  ~RestlessWriter() {
    stop_ = true;
    thread_.join();
  }
  std::uint64_t acknowledged() const { return acknowledged_; }
  int reopened() const { return reopened_; }

 private:
  std::unique_ptr<TestLedger> ledger_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<int> reopened_ = 0;
  std::thread thread_;
};

}  // namespace

SCENARIO("a backup taken beside a writer that never rests holds every event that was acknowledged before it") {
  for (const int appends : {1'000'000, 4}) {
    const TempDir place;
    const Path directory = place.path() / "ledger";
    const auto folder = BackupFolder::open(place.path() / "backups", true);
    REQUIRE(folder);
    RestlessWriter writer(directory, appends);
    const bool reopens = appends < 1'000;
    std::size_t backups = 0;
    while (backups < 12 || writer.acknowledged() < 50 || (reopens && writer.reopened() < 10)) {
      const std::uint64_t before = writer.acknowledged();
      const Taken taken = take(**folder, directory, place.path() / "image");
      CHECK(audited_events(**folder, taken.id, taken.published) >= std::max<std::uint64_t>(before, 1));
      ++backups;
    }
    CHECK((*folder)->entries().size() == backups);
  }
}

SCENARIO("a second backup copies only what is new, and a removed one leaves the others whole") {
  const TempDir place;
  const Path directory = place.path() / "ledger", backups = place.path() / "backups";
  auto ledger = TestLedger::create(directory, nullptr);
  for (int i = 0; i < 400; ++i)
    REQUIRE(ledger->append(1, [] {
      std::vector<Draft> drafts;
      drafts.push_back(failed_sign_in(std::string(2'000, 'x')));
      return drafts;
    }()));
  ledger.reset();  // what is closed lies in table files
  const auto folder = BackupFolder::open(backups, true);
  REQUIRE(folder);
  const Taken first = take(**folder, directory, place.path() / "image");
  const std::uint64_t once = bytes_in(backups);
  ledger = *TestLedger::open(directory, nullptr);
  REQUIRE(ledger->append(1));
  ledger.reset();
  const Taken second = take(**folder, directory, place.path() / "image");
  CHECK(bytes_in(backups) - once < once / 4);
  CHECK(audited_events(**folder, first.id, first.published) == 401);
  CHECK(audited_events(**folder, second.id, second.published) == 402);
  CHECK(audited_events(**folder, first.id, second.published) == 0);  // covers less than the checkpoint kept with it

  CHECK(!(*folder)->remove(first.id));
  CHECK(audited_events(**folder, second.id, second.published) == 402);
  std::filesystem::create_directory(place.path() / "restored");
  CHECK(!(*folder)->restore(second.id, place.path() / "restored"));
  const auto restored = Store::open(place.path() / "restored", Store::Mode::read);
  REQUIRE(restored);
  CHECK(!audit_log(**restored, make_signer().verifier(), {.threads = 1}).first_finding);
}

SCENARIO("a bit that flips in any file of a backup is found") {
  const TempDir place;
  const Path directory = place.path() / "ledger", backups = place.path() / "backups";
  const auto ledger = TestLedger::create(directory, nullptr);
  for (int i = 0; i < 50; ++i) REQUIRE(ledger->append(1));
  Taken taken;
  {
    const auto folder = BackupFolder::open(backups, true);
    REQUIRE(folder);
    taken = take(**folder, directory, place.path() / "image");
  }
  int tried = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(backups)) {
    if (!entry.is_regular_file() || entry.path().string().find("/meta/") != std::string::npos) continue;
    if (entry.file_size() == 0) continue;
    const auto flip = [&] {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(entry.file_size() / 2));
      const int byte = file.get();
      file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
      file.put(static_cast<char>(byte ^ 1));
    };
    flip();
    const auto folder = BackupFolder::open(backups, false);
    REQUIRE(folder);
    CHECK_MESSAGE((*folder)->verify_files(taken.id), entry.path().string());
    flip();
    ++tried;
  }
  CHECK(tried >= 4);
}

SCENARIO("a folder without backups is not taken for one") {
  const TempDir place;
  const auto folder = BackupFolder::open(place.path(), false);
  REQUIRE(!folder);
  CHECK(folder.error().fault == StoreFault::not_found);
  CHECK(std::filesystem::is_empty(place.path()));
}
