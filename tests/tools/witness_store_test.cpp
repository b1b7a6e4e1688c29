// tests/tools/witness_store_test.cpp — a witness's directory: made once, one process, state that survives and is
// checked.
#include "tools/witness/store.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "ledger/files.hpp"
#include "ledger/merkle.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/ledger_tree.hpp"
#include "tools/failure.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/witness/server.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// A log of `salt`, and requests over its sizes.
struct SignedLog {
  Signer signer = make_signer();
  std::vector<Hash> leaves;

  explicit SignedLog(std::uint8_t salt = 0) {
    for (std::uint8_t i = 0; i < 64; ++i) leaves.push_back(bytes_from(static_cast<std::uint8_t>(salt + i)));
  }
  std::string request(std::uint64_t old_size, std::uint64_t size) const {
    Frontier frontier;
    for (std::uint64_t i = 0; i < size; ++i) frontier.append(leaves[i]);
    auto proof = consistency_proof(old_size, size, subtrees_over(leaves)).value_or(std::vector<Hash>());
    return add_checkpoint_body({old_size, std::move(proof), sign_checkpoint({origin, size, frontier.root()}, signer)});
  }
};

struct TestWitness {
  TempDir directory;
  std::filesystem::path path = directory.path() / "w1";
  CosignatureVerifier verifier = init_witness(path, "witness.example/w1");
  SignedLog log;
  std::optional<WitnessStore> store;

  TestWitness() { open(); }
  void open() {
    store.reset();
    store.emplace(path, std::vector{log.signer.verifier()});
  }
  unsigned status(std::uint64_t old_size, std::uint64_t size) {
    return store->add_checkpoint(log.request(old_size, size), 9).status;
  }
  std::filesystem::path folder() const { return path / "logs" / origin_hash(origin); }
};

std::optional<Exit> exit_of(const std::function<void()>& run) {
  try {
    run();
    return std::nullopt;
  } catch (const Failure& failure) {
    return failure.exit;
  }
}

}  // namespace

TEST_CASE("a witness is made once, with a key of its own") {
  const TempDir directory;
  const auto path = directory.path() / "a" / "w1";
  const auto verifier = init_witness(path, "witness.example/w1");
  CHECK(read_file(path / "witness.vkey") == verifier.vkey() + "\n");
  CHECK(std::filesystem::status(path / "witness.key").permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(read_signing_key(path / "witness.key").verifier().key == verifier.key);
  CHECK(exit_of([&] { init_witness(path, "witness.example/w1"); }) == Exit::usage);
  CHECK(exit_of([&] { init_witness(directory.path() / "b", "a name"); }) == Exit::usage);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "b"));
  CHECK(init_witness(directory.path() / "c", "witness.example/w1") != verifier);
  CHECK(exit_of([&] { WitnessStore(directory.path() / "nowhere", {}); }) == Exit::usage);
}

TEST_CASE("one process a witness") {
  TestWitness witness;
  CHECK(exit_of([&] { WitnessStore(witness.path, {}); }) == Exit::unavailable);
  witness.store.reset();
  CHECK_FALSE(exit_of([&] { WitnessStore(witness.path, {}); }));
}

TEST_CASE("what was cosigned is on disk before the answer, and is read back") {
  TestWitness witness;
  CHECK(witness.status(0, 5) == 200);
  const auto kept = read_file(witness.folder() / "checkpoint");
  REQUIRE(kept);
  CHECK(read_witnessed(*kept, witness.verifier)->checkpoint.size == 5);
  CHECK(witness.store->checkpoint(origin_hash(origin)) == kept);
  CHECK_FALSE(witness.store->checkpoint(origin_hash("other")));
  create_file(witness.folder() / "checkpoint.tmp", "what a crash left", 0600);
  witness.open();
  CHECK(witness.status(0, 6) == 409);
  CHECK(witness.status(5, 6) == 200);
  CHECK(read_witnessed(*read_file(witness.folder() / "checkpoint"), witness.verifier)->checkpoint.size == 6);
}

TEST_CASE("what cannot be kept is not cosigned") {
  TestWitness witness;
  CHECK(witness.status(0, 5) == 200);
  std::filesystem::create_directory(witness.folder() / "checkpoint.tmp");  // nothing can be written there
  CHECK(exit_of([&] { witness.status(5, 6); }));
  const HttpHandler handler = witness_handler(*witness.store, [] { return std::uint64_t{9}; });
  CHECK(handler({"POST", "/add-checkpoint", "", witness.log.request(5, 6)}).status == 503);
  CHECK(witness.status(5, 4) == 400);
  CHECK(witness.status(4, 5) == 409);
  std::filesystem::remove(witness.folder() / "checkpoint.tmp");
  CHECK(witness.status(5, 6) == 200);
}

TEST_CASE("a state that this witness did not cosign stops it") {
  TestWitness witness;
  CHECK(witness.status(0, 5) == 200);
  witness.store.reset();
  const auto file = witness.folder() / "checkpoint";
  const std::string good = *read_file(file);
  std::string changed = good;
  changed[origin.size() + 1] = '4';
  for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2), changed}) {
    REQUIRE(!replace_file(file, bad));
    CHECK(exit_of([&] { witness.open(); }) == Exit::integrity);
  }
  REQUIRE(!replace_file(file, good));
  const auto elsewhere = witness.path / "logs" / origin_hash("other");
  std::filesystem::rename(witness.folder(), elsewhere);
  CHECK(exit_of([&] { witness.open(); }) == Exit::integrity);
  std::filesystem::rename(elsewhere, witness.folder());
  witness.open();
  CHECK(witness.status(5, 5) == 200);
}

TEST_CASE("a fork of a cosigned size is kept as evidence, the first one") {
  TestWitness witness;
  CHECK(witness.status(0, 5) == 200);
  const SignedLog fork(100), other(200);
  CHECK(witness.store->add_checkpoint(fork.request(5, 5), 9).status == 422);
  const auto evidence = read_file(witness.folder() / "fork");
  REQUIRE(evidence);
  CHECK(*evidence == parse_add_checkpoint(fork.request(5, 5))->note);
  CHECK(witness.store->add_checkpoint(other.request(5, 5), 9).status == 422);
  CHECK(read_file(witness.folder() / "fork") == evidence);
  CHECK(witness.status(5, 6) == 200);
}

TEST_CASE("compare and set: of many at once from one size, one history comes out") {
  TestWitness witness;
  CHECK(witness.status(0, 1) == 200);
  std::atomic<int> cosigned = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t size = 2; size < 34; ++size) {
    threads.emplace_back([&, size] {
      const auto answer = witness.store->add_checkpoint(witness.log.request(1, size), 9);
      if (answer.status == 200) ++cosigned;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(cosigned == 1);
}

TEST_CASE("a witness's paths and methods") {
  TestWitness witness;
  const HttpHandler handler = witness_handler(*witness.store, [] { return std::uint64_t{9}; });
  const std::string path = "/" + origin_hash(origin) + "/checkpoint";
  CHECK(handler({"GET", path, "", ""}).status == 404);
  const auto answer = handler({"POST", "/add-checkpoint", "", witness.log.request(0, 5)});
  CHECK(answer.status == 200);
  const auto read = handler({"GET", path, "", ""});
  CHECK(read.status == 200);
  CHECK(read.body.ends_with(answer.body));
  CHECK(handler({"POST", path, "", ""}).status == 405);
  CHECK(handler({"GET", "/add-checkpoint", "", ""}).status == 405);
  for (const std::string wrong : {"/", "", "/add-checkpoint/", "/x/checkpoint", "/../witness.key"}) {
    CHECK(handler({"GET", wrong, "", ""}).status == 404);
  }
}
