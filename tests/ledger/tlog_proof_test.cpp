// tests/ledger/tlog_proof_test.cpp — proof files: the golden one's lines, round trips, and what forgers try.
#include "ledger/tlog_proof.hpp"

#include <doctest/doctest.h>

#include "ledger/stored_tree.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t event_count = 40;

/// A ledger, and proofs as a tool would make them.
struct Proven {
  TempDir dir;
  std::unique_ptr<TestLedger> ledger = TestLedger::create(dir.path(), nullptr);
  std::vector<Verifier> keys = {make_signer().verifier()};
  Checkpoint checkpoint;

  Proven() {
    while (ledger->log->size() < event_count) REQUIRE(ledger->append(ledger->log->size() % 3));
    checkpoint = *open_checkpoint(ledger->log->checkpoint(), keys);
  }
  std::string envelope(Position position) const {
    return **ledger->store->get(Family::events, as_bytes(key_of(position)));
  }
  TlogProof prove(std::vector<Position> positions) const {
    TlogProof proof{.index = positions.back(), .checkpoint = ledger->log->checkpoint()};
    for (const Position position : positions) proof.envelopes.push_back(envelope(position));
    proof.path = *inclusion_proof(proof.index, event_count, stored_subtrees(*ledger->store));
    return proof;
  }
  /// All events of one account.
  TlogProof history(std::uint64_t account) const {
    std::vector<Position> positions;
    for (Position position = 0; position < event_count; ++position) {
      const std::string bytes = envelope(position);
      if (Event::parse(as_bytes(bytes))->account() == account_id(account)) positions.push_back(position);
    }
    return prove(positions);
  }
  std::string refuted(const TlogProof& proof) const { return refute(proof, checkpoint, keys).value_or("holds"); }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("proof file: written, read again, and it holds") {
  const Proven proven;
  for (const TlogProof& proof : {proven.prove({0}), proven.prove({17}), proven.prove({39}), proven.history(1)}) {
    const std::string file = write_proof(proof);
    CHECK(file.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    const auto read = read_proof(file);
    REQUIRE(read);
    CHECK(read->envelopes == proof.envelopes);
    CHECK(read->index == proof.index);
    CHECK(read->path == proof.path);
    CHECK(read->checkpoint == proof.checkpoint);
    CHECK(proven.refuted(*read) == "holds");
  }
}

TEST_CASE("proof file: a line that is not as it must be makes it none") {
  const Proven proven;
  const std::string file = write_proof(proven.prove({17}));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = file;
    const auto at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, from.size(), to);
  };
  REQUIRE(read_proof(file));
  CHECK_FALSE(read_proof(""));
  CHECK_FALSE(read_proof(with("@v1", "@v2")));
  CHECK_FALSE(read_proof(with("extra ", "Extra ")));
  CHECK_FALSE(read_proof(with("extra ", "extra =")));
  CHECK_FALSE(read_proof(with("index 17", "index 017")));
  CHECK_FALSE(read_proof(with("index 17", "index -1")));
  CHECK_FALSE(read_proof(with("index 17\n", "")));
  CHECK_FALSE(read_proof(with("index 17\n", "index 17\nAAAA\n")));
  const std::string hash = to_base64(Hash{}.view()) + "\n";
  std::string hashes;
  for (std::size_t i = 0; i + 6 < proof_hashes_max; ++i) hashes += hash;  // the proof itself has 6
  CHECK(proven.prove({17}).path.size() == 6);
  CHECK(read_proof(with("index 17\n", "index 17\n" + hashes)));
  CHECK_FALSE(read_proof(with("index 17\n", "index 17\n" + hashes + hash)));
}

TEST_CASE("a proof is refuted when anything in it is another's") {
  const Proven proven;
  const TlogProof good = proven.prove({17});
  TlogProof proof = good;
  proof.envelopes = {proven.envelope(18)};
  CHECK(has(proven.refuted(proof), "stands at 18"));
  proof = good;
  proof.index = 18;
  CHECK(has(proven.refuted(proof), "stands at 17"));
  for (std::size_t i = 0; i < good.path.size(); ++i) {
    proof = good;
    proof.path[i].bytes[0] ^= 1;
    CHECK(has(proven.refuted(proof), "path"));
  }
  proof = good;
  proof.path.pop_back();
  CHECK(has(proven.refuted(proof), "path"));
  for (const std::size_t at : {4U, 20U, 100U, 300U}) {
    proof = good;
    proof.envelopes[0][at] ^= 1;
    CHECK(proven.refuted(proof) != "holds");
  }
  CHECK(refute(good, proven.checkpoint, {make_signer(0x30).verifier()}) == "event 1 of 1 is signed by an unknown key");
  Checkpoint smaller = proven.checkpoint;
  smaller.size = 17;
  CHECK(has(*refute(good, smaller, proven.keys), "covers 17"));
}

TEST_CASE("a history is refuted when one of its events is left out, doubled, swapped or another account's") {
  const Proven proven;
  const TlogProof good = proven.history(1);
  REQUIRE(good.envelopes.size() > 5);
  for (std::size_t i = 0; i < good.envelopes.size(); ++i) {
    CAPTURE(i);
    const auto at = static_cast<std::ptrdiff_t>(i);
    TlogProof proof = good;
    proof.envelopes.erase(proof.envelopes.begin() + at);
    CHECK(proven.refuted(proof) != "holds");
    proof = good;
    proof.envelopes.insert(proof.envelopes.begin() + at, good.envelopes[i]);
    CHECK(proven.refuted(proof) != "holds");
    if (i > 0) {
      proof = good;
      std::swap(proof.envelopes[i], proof.envelopes[i - 1]);
      CHECK(proven.refuted(proof) != "holds");
    }
  }
  TlogProof proof = good;
  proof.envelopes[2] = proven.history(2).envelopes[2];
  CHECK(has(proven.refuted(proof), "does not follow"));
  proof = good;
  proof.envelopes.erase(proof.envelopes.begin());
  CHECK(has(proven.refuted(proof), "not its account's first"));
}
