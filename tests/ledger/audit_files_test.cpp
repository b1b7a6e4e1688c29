#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t event_count = 61;
using Path = std::filesystem::path;

void copy_files(const Path& from, const Path& to) {
  std::filesystem::copy(from, to,
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
}

/// With its events in table files, or as after a kill: in the write-ahead log.
void make_ledger(const Path& closed, const Path& killed) {
  const auto ledger = TestLedger::create(closed, nullptr);
  for (std::uint64_t i = 1; i < event_count; ++i) REQUIRE(ledger->append(i % 7));
  copy_files(closed, killed);
}

std::vector<Path> files_with(const Path& directory, const std::string& extension) {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "store")) {
    if (entry.path().extension() == extension && entry.file_size() > 0) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void flip_bit(const Path& path, std::uint64_t at, unsigned bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ (1 << bit)));
}

/// One bit of a stored event, in the table file that holds it.
void flip_in_event(const Path& directory, Position position) {
  std::string envelope;
  {
    const auto store = Store::open(directory, Store::Mode::read);
    REQUIRE(store);
    envelope = **(*store)->get(Family::events, as_bytes(key_of(position)));
  }
  int flipped = 0;
  for (const Path& file : files_with(directory, ".sst")) {
    std::ifstream in(file, std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), {});
    const auto at = content.find(envelope);
    if (at == std::string::npos) continue;
    flip_bit(file, at + 100, 0);
    ++flipped;
  }
  REQUIRE(flipped == 1);
}

/// "" when it opens and passes, else what is said.
std::string complaint(const Path& directory) {
  const auto store = Store::open(directory, Store::Mode::read);
  if (!store) return store.error().detail;
  AuditOptions options;
  options.threads = 1;
  const auto report = audit_log(**store, make_signer().verifier(), options);
  return report.first_finding ? name(report.first_finding->kind) + (" " + report.first_finding->found) : "";
}

/// Where a flip went unnoticed, out of this many.
std::string unnoticed_flips(const Path& directory, const std::string& extension, int flips) {
  std::string unnoticed;
  const std::vector<Path> files = files_with(directory, extension);
  REQUIRE(!files.empty());
  CHECK(complaint(directory) == "");
  std::uint64_t state = 7;
  const auto next = [&] { return state = state * 6364136223846793005U + 1442695040888963407U, state >> 33; };
  for (int i = 0; i < flips; ++i) {
    const Path& file = files[next() % files.size()];
    const std::uint64_t at = next() % std::filesystem::file_size(file);
    const unsigned bit = next() % 8;
    flip_bit(file, at, bit);
    if (complaint(directory).empty()) {
      unnoticed += file.filename().string() + " byte " + std::to_string(at) + " bit " + std::to_string(bit) + "; ";
    }
    flip_bit(file, at, bit);
  }
  CHECK(complaint(directory) == "");
  return unnoticed;
}

}  // namespace

SCENARIO("a flipped bit anywhere in a table file is found") {
  const TempDir closed, killed;
  make_ledger(closed.path(), killed.path());
  CHECK(unnoticed_flips(closed.path(), ".sst", 100) == "");
}

SCENARIO("a flipped bit anywhere in the write-ahead log is found") {
  const TempDir closed, killed;
  make_ledger(closed.path(), killed.path());
  CHECK(unnoticed_flips(killed.path(), ".log", 100) == "");
}

SCENARIO("a damaged block in one of many table files is found, though RocksDB's iterator passes over it") {
  const TempDir directory;
  TestLedger::create(directory.path(), nullptr).reset();
  for (int session = 0; session < 14; ++session) {  // closing flushes: a file each, moved down a level unmerged
    const auto ledger = TestLedger::open(directory.path(), nullptr);
    REQUIRE(ledger);
    for (std::uint64_t account = 0; account < 3; ++account) REQUIRE((*ledger)->append(account));
  }
  for (const Position position : {3U, 10U, 20U, 30U, 42U}) {
    const TempDir copy;
    copy_files(directory.path(), copy.path());
    flip_in_event(copy.path(), position);
    const auto report = audit_directory(copy.path(), nullptr);
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::unreadable);
    CHECK(report.first_finding->position <= position);
    CHECK(report.first_finding->position + 3 > position);
  }
  CHECK(!audit_directory(directory.path(), nullptr).first_finding);
}

SCENARIO("a flipped bit in an event's block is unreadable from the block's first event on") {
  const TempDir closed, killed;
  make_ledger(closed.path(), killed.path());
  flip_in_event(closed.path(), 50);
  const auto report = audit_directory(closed.path(), nullptr);
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->kind == FindingKind::unreadable);
  CHECK(report.first_finding->position == report.events);
  CHECK(report.events > 0);
  CHECK(report.events <= 50);
  CHECK(report.first_finding->found.find("checksum") != std::string::npos);
}

SCENARIO("a store that does not open can be salvaged, to say what is wrong") {
  const TempDir closed, killed;
  make_ledger(closed.path(), killed.path());
  const Path log = files_with(killed.path(), ".log").back();
  flip_bit(log, std::filesystem::file_size(log) / 2, 3);
  const auto read = Store::open(killed.path(), Store::Mode::read);
  REQUIRE(!read);
  CHECK(read.error().fault == StoreFault::corrupt);
  const auto write = Store::open(killed.path(), Store::Mode::write);
  REQUIRE(!write);
  CHECK(write.error().fault == StoreFault::corrupt);

  const auto salvaged = Store::open(killed.path(), Store::Mode::salvage);
  REQUIRE(salvaged);
  const auto report = audit_log(**salvaged, make_signer().verifier(), {});
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->position > 10);
  CHECK(report.first_finding->position < 50);
}
