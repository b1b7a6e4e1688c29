// tests/ledger/exported_log_test.cpp — hash tiles in the store, and the static export that is written from them.
#include "ledger/exported_log.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "ledger/files.hpp"
#include "ledger/stored_tree.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

using Path = std::filesystem::path;
namespace fs = std::filesystem;

struct Exported {
  TempDir dir;
  std::unique_ptr<TestLedger> ledger = TestLedger::create(dir.path() / "ledger", nullptr);
  Path folder = dir.path() / "public";

  void grow_to(std::uint64_t size) {
    while (ledger->log->size() < size) REQUIRE(ledger->append(ledger->log->size() % 7));
  }
  ExportReport write() const {
    const auto report = export_tiles(*ledger->store, folder);
    REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().detail));
    return *report;
  }
  AuditReport audit() const {
    const auto log = ExportedLog::open(folder);
    REQUIRE(log);
    return audit_log(**log, make_signer().verifier(), {.threads = 2});
  }
  std::string read(const std::string& name) const { return read_whole_file(folder / name, 1 << 24)->value_or("none"); }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) names.insert(fs::relative(entry.path(), folder).string());
    }
    return names;
  }
};

void rewrite(const Path& path, const std::function<void(std::string&)>& change) {
  std::string content = **read_whole_file(path, 1 << 24);
  change(content);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

}  // namespace

TEST_CASE("export: a folder is extended, and audits at every size on the way") {
  Exported exported;
  std::uint64_t before = 0;
  for (const std::uint64_t size : {1U, 2U, 255U, 256U, 257U, 511U, 512U, 600U}) {
    CAPTURE(size);
    exported.grow_to(size);
    const ExportReport report = exported.write();
    CHECK(report.size == size);
    CHECK(report.size_before == before);
    before = size;
    const AuditReport audit = exported.audit();
    CHECK(!audit.first_finding);
    CHECK(audit.events == size);
    CHECK(audit.checkpoints == 1);
  }
  CHECK(exported.files() == std::set<std::string>{"checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88",
                                                  "tile/1/000.p/1", "tile/1/000.p/2", "tile/entries/000",
                                                  "tile/entries/001", "tile/entries/002.p/88"});
  CHECK(exported.write().files == 0);
}

TEST_CASE("export: what an interrupted one left is taken up, and an old checkpoint keeps all it names") {
  Exported exported;
  exported.grow_to(300);
  exported.write();
  const std::string old_note = exported.read("checkpoint");
  const std::string old_tile = exported.read("tile/0/001.p/44");
  exported.grow_to(700);
  exported.write();
  const auto whole = exported.files();
  // As if it had stopped before the checkpoint: the new files are there, the old checkpoint too.
  std::ofstream(exported.folder / "checkpoint", std::ios::trunc) << old_note;
  fs::create_directories(exported.folder / "tile/0/001.p");
  fs::create_directories(exported.folder / "tile/entries/001.p");
  std::ofstream(exported.folder / "tile/0/001.p/44", std::ios::binary) << old_tile;
  std::ofstream(exported.folder / "tile/entries/001.p/44", std::ios::binary)
      << exported.read("tile/entries/001").substr(0, 44);
  std::ofstream(exported.folder / "tile/0/002.p/188", std::ios::binary) << "cut";
  exported.write();
  CHECK(exported.files() == whole);
  CHECK(!exported.audit().first_finding);
}

TEST_CASE("export: a folder of another log, or of a history that is not this one's prefix, is left alone") {
  Exported exported;
  exported.grow_to(20);
  exported.write();
  const Signer signer = make_signer();
  const auto put = [&](const Checkpoint& checkpoint) {
    std::ofstream(exported.folder / "checkpoint", std::ios::trunc) << sign_checkpoint(checkpoint, signer);
  };
  const auto refused = [&](const std::string& words) {
    const auto before = exported.read("checkpoint");
    const auto report = export_tiles(*exported.ledger->store, exported.folder);
    REQUIRE(!report);
    CHECK(report.error().fault == StoreFault::corrupt);
    CHECK(report.error().detail.find(words) != std::string::npos);
    CHECK(exported.read("checkpoint") == before);
  };
  const Hash root = *tree_root(10, stored_subtrees(*exported.ledger->store));
  put({origin, 10, root});
  CHECK(exported.write().size_before == 10);
  put({origin, 10, Hash{}});
  refused("another history");
  put({origin, 21, root});
  refused("lost its end");
  put({"other.example/ledger", 10, root});
  refused("of another log");
  std::ofstream(exported.folder / "checkpoint", std::ios::trunc) << "torn";
  refused("not a checkpoint");
}

TEST_CASE("export: an audit finds what is changed in a file, and where") {
  Exported exported;
  exported.grow_to(300);
  exported.write();
  const auto found = [&](const std::string& name, const std::function<void(std::string&)>& change) {
    const std::string content = exported.read(name);
    rewrite(exported.folder / name, change);
    const auto log = ExportedLog::open(exported.folder);
    const auto finding = log ? audit_log(**log, make_signer().verifier(), {}).first_finding : std::nullopt;
    rewrite(exported.folder / name, [&](std::string& bytes) { bytes = content; });
    REQUIRE(finding);
    return std::string(daicho::name(finding->kind)) + " " + std::to_string(finding->position);
  };
  const auto flip = [](std::size_t at) { return [at](std::string& bytes) { bytes.at(at) ^= 1; }; };
  CHECK(found("tile/0/000", flip(5)) == "tile 0");
  CHECK(found("tile/0/000", [](std::string& bytes) { bytes.pop_back(); }) == "tile 0");
  CHECK(found("tile/0/001.p/44", flip(5)) == "tile 256");
  CHECK(found("tile/1/000.p/1", flip(5)) == "tile 0");
  CHECK(found("tile/entries/000", flip(300)).find("flipped") == 0);
  CHECK(found("tile/entries/001.p/44", [](std::string& bytes) { bytes.pop_back(); }) == "unreadable 256");
  CHECK(!exported.audit().first_finding);
}

TEST_CASE("tiles of a store: a changed one is found, a missing family is made anew") {
  TempDir dir;
  {
    const auto ledger = TestLedger::create(dir.path(), nullptr);
    for (int i = 1; i < 600; ++i) REQUIRE(ledger->append(1));
    CHECK(tree_root(600, stored_subtrees(*ledger->store)) ==
          open_checkpoint(ledger->log->checkpoint(), make_signer().verifier())->root);
    auto tile = **ledger->store->get(Family::tiles, as_bytes(tile_key({0, 1})));
    tile[7] ^= 1;
    REQUIRE(!ledger->store->write({tile_row({0, 1}, tile)}, true));
  }
  const auto changed = audit_directory(dir.path(), nullptr);
  REQUIRE(changed.first_finding);
  CHECK(changed.first_finding->kind == FindingKind::tile);
  CHECK(changed.first_finding->position == 256);
  {
    const auto store = Store::open(dir.path(), Store::Mode::write);
    REQUIRE(store);
    REQUIRE(!(*store)->write({{Family::tiles, std::string(1, '\0'), std::nullopt, true},
                              {Family::tiles, std::string(1, '\1'), std::nullopt, true}},
                             true));
  }
  CHECK(!audit_directory(dir.path(), nullptr).first_finding);
  CHECK(audit_directory(dir.path(), nullptr).warnings.size() == 1);
  { REQUIRE(TestLedger::open(dir.path(), nullptr)); }
  const auto rebuilt = audit_directory(dir.path(), nullptr);
  CHECK(!rebuilt.first_finding);
  CHECK(rebuilt.warnings.empty());
  const auto store = Store::open(dir.path(), Store::Mode::read);
  CHECK((*store)->get(Family::tiles, as_bytes(tile_key({1, 0})))->value_or("").size() == 2 * Hash::size);
}
