// tests/ledger/witness_test.cpp — a witness's answers: the golden request, each status in its order, what it remembers.
#include "ledger/witness.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <numeric>

#include "ledger/merkle.hpp"
#include "tests/support/ledger_tree.hpp"

namespace daicho {
namespace {

constexpr std::uint64_t now = 1'700'000'000;

std::string seed_from(std::uint8_t first) {
  std::string seed(32, '\0');
  std::iota(seed.begin(), seed.end(), static_cast<char>(first));
  return seed;
}
const std::string origin = "daicho.example/ledger";
Signer log_signer() { return Signer(origin, as_bytes(seed_from(0))); }

/// A history of entries, its checkpoints and proofs.
struct History {
  std::vector<Hash> leaves;
  explicit History(const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) leaves.push_back(leaf_hash(as_bytes(entry)));
  }
  static History golden() {
    std::vector<std::string> entries;
    for (const char* hex :
         {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
      entries.push_back(*from_hex(hex));
    }
    return History(entries);
  }
  static History forked() { return History({"a", "b", "c", "d", "e", "f", "g", "h"}); }

  Checkpoint at(std::uint64_t size) const {
    Frontier frontier;
    for (std::uint64_t i = 0; i < size; ++i) frontier.append(leaves[i]);
    return {origin, size, frontier.root()};
  }
  std::string note(std::uint64_t size) const { return sign_checkpoint(at(size), log_signer()); }
  AddCheckpoint request(std::uint64_t old_size, std::uint64_t size) const {
    auto proof = consistency_proof(old_size, size, test::subtrees_over(leaves)).value_or(std::vector<Hash>());
    return {old_size, std::move(proof), note(size)};
  }
};

/// A witness that remembers.
struct TestWitness {
  Cosigner cosigner{Signer("witness.example/w1", as_bytes(seed_from(0x20)))};
  std::vector<Verifier> logs = {log_signer().verifier()};
  WitnessState state;

  WitnessAnswer ask(const std::string& body, std::uint64_t seconds = now) {
    const WitnessState before = state;
    WitnessAnswer answer = answer_add_checkpoint(body, logs, state, cosigner, seconds);
    CHECK(answer.next.has_value() == (answer.status == 200));
    if (answer.next) state.insert_or_assign(answer.next->checkpoint.origin, *answer.next);
    return answer;
  }
  unsigned status(const AddCheckpoint& request) { return ask(add_checkpoint_body(request)).status; }
};

TEST_CASE("add-checkpoint golden vector: the request's body, the cosignature, the origin's hash") {
  const History history = History::golden();
  const std::string body = add_checkpoint_body(history.request(6, 8));
  CHECK(
      body.starts_with("old 6\nDrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=\n"
                       "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n"
                       "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n\ndaicho.example/ledger\n8\n"));
  CHECK(parse_add_checkpoint(body) == history.request(6, 8));
  TestWitness witness;
  CHECK(witness.status(history.request(0, 6)) == 200);
  const auto answer = witness.ask(body);
  CHECK(answer.status == 200);
  CHECK(answer.body ==
        "\xE2\x80\x94 witness.example/w1 IDJKvgAAAABlU/EASUDgG/wcZa3zRMHodNnRSajvYIVhC8jb+I4YyjD3oHWfFzcpC0LrQv/"
        "CsQpXWm+1Zk9idXQm6/mloUc8IHCBAA==\n");
  CHECK(answer.next->note == history.note(8) + answer.body);
  CHECK(read_witnessed(answer.next->note, witness.cosigner.verifier())->checkpoint == history.at(8));
  CHECK(origin_hash(origin) == "73bf88abbb596985f54897546d1d906d78817d22eecb190ab2760c38b5a8f6f7");
}

TEST_CASE("add-checkpoint: bodies that are none") {
  const std::string good = add_checkpoint_body(History::golden().request(6, 8));
  TestWitness witness;
  REQUIRE(parse_add_checkpoint(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CAPTURE(cut);
    CHECK(witness.ask(good.substr(0, cut)).status == 400);
  }
  for (const auto* head : {"old", "old ", "old 06", "old -1", "old +6", "old 6 ", "old  6", "Old 6", "old 0x6",
                           "old 6\r", "old 18446744073709551616", "6", ""}) {
    CAPTURE(head);
    CHECK_FALSE(parse_add_checkpoint(head + good.substr(good.find('\n'))));
  }
  const std::string note = History::golden().note(8);
  for (const auto* line :
       {"x", "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o",
        " DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=", "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY7w=="}) {
    CHECK_FALSE(parse_add_checkpoint("old 6\n" + std::string(line) + "\n\n" + note));
  }
  CHECK(witness.ask(good + "x").status == 400);
  const Signer log = log_signer();
  CHECK(witness.ask("old 0\n\n" + sign_note("daicho.example/ledger\n8\n", {&log})).status == 400);
  const std::string extended = checkpoint_text(History::golden().at(8)) + "extension\n";
  CHECK(witness.ask("old 0\n\n" + sign_note(extended, {&log})).status == 400);
  CHECK(witness.state.empty());
}

TEST_CASE("add-checkpoint: 63 hashes read, 64 do not; nor a byte past the limit") {
  AddCheckpoint request{.old_size = 6, .proof = std::vector<Hash>(consistency_hashes_max), .note = "n"};
  CHECK(parse_add_checkpoint(add_checkpoint_body(request)) == request);
  request.proof.emplace_back();
  CHECK_FALSE(parse_add_checkpoint(add_checkpoint_body(request)));
  request = {.old_size = UINT64_MAX,
             .proof = std::vector<Hash>(consistency_hashes_max),
             .note = std::string(note_bytes_max, 'n')};
  CHECK(add_checkpoint_body(request).size() == add_checkpoint_bytes_max);
  CHECK(parse_add_checkpoint(add_checkpoint_body(request)));
  request.note += 'n';
  CHECK_FALSE(parse_add_checkpoint(add_checkpoint_body(request)));
}

TEST_CASE("add-checkpoint: a request wrong in every way meets the checks in their order") {
  const History history = History::golden();
  TestWitness witness;
  CHECK(witness.status(history.request(0, 4)) == 200);
  const Signer log = log_signer(), stranger(origin, as_bytes(seed_from(0x60)));

  AddCheckpoint request{.old_size = 9, .proof = {Hash{}}, .note = "no note"};
  CHECK(witness.status(request) == 400);
  Checkpoint offered{"unknown.example", 3, Hash{}};
  request.note = sign_checkpoint(offered, stranger);
  CHECK(witness.status(request) == 404);
  offered.origin = origin;
  request.note = sign_checkpoint(offered, stranger);
  CHECK(witness.status(request) == 403);  // nobody known signed it
  const auto spoilt = signature_line(log.verifier(), stranger.sign(as_bytes("x")));
  request.note = sign_checkpoint(offered, log) + spoilt;
  CHECK(witness.status(request) == 403);  // well signed, and spoilt beside it
  request.note = sign_checkpoint(offered, log);
  CHECK(witness.status(request) == 400);  // old above the checkpoint's size
  request.old_size = 3;
  const auto conflict = witness.ask(add_checkpoint_body(request));
  CHECK(conflict.status == 409);
  CHECK(conflict.body == "4\n");
  CHECK(conflict.content_type == "text/x.tlog.size");
  request = {.old_size = 4, .proof = {Hash{}}, .note = history.note(8)};
  CHECK(witness.status(request) == 422);
  CHECK(witness.status(history.request(4, 8)) == 200);
}

TEST_CASE("add-checkpoint: a fork is refused, of the same size and of a larger one, and named") {
  const History history = History::golden(), fork = History::forked();
  TestWitness witness;
  CHECK(witness.status(history.request(0, 4)) == 200);
  const auto same_size = witness.ask(add_checkpoint_body(fork.request(4, 4)));
  CHECK(same_size.status == 422);
  CHECK(same_size.is_fork);
  const auto larger = witness.ask(add_checkpoint_body(fork.request(4, 8)));
  CHECK(larger.status == 422);
  CHECK_FALSE(larger.is_fork);  // a wrong proof proves nothing
  CHECK(witness.status(fork.request(0, 8)) == 409);
  CHECK(witness.status(history.request(0, 3)) == 409);  // a log that lost its end
  CHECK(witness.state.at(origin).checkpoint == history.at(4));
}

TEST_CASE("add-checkpoint: the same tree again, the empty tree, and a proof where none is due") {
  const History history = History::golden();
  TestWitness witness;
  AddCheckpoint empty{.note = sign_checkpoint({origin, 0, Hash{}}, log_signer())};
  CHECK(witness.status(empty) == 422);
  empty.note = sign_checkpoint({origin, 0, empty_root()}, log_signer());
  CHECK(witness.status(empty) == 200);
  CHECK(witness.status(empty) == 200);
  AddCheckpoint first = history.request(0, 4);
  first.proof.push_back(history.leaves[0]);
  CHECK(witness.status(first) == 422);
  CHECK(witness.status(history.request(0, 4)) == 200);
  AddCheckpoint again = history.request(4, 4);
  CHECK(witness.status(again) == 200);
  again.proof.push_back(history.leaves[0]);
  CHECK(witness.status(again) == 422);
}

TEST_CASE("add-checkpoint: the time stated never goes back") {
  const History history = History::golden();
  TestWitness witness;
  CHECK(witness.ask(add_checkpoint_body(history.request(0, 4)), now).status == 200);
  CHECK(witness.ask(add_checkpoint_body(history.request(4, 5)), now - 100).next->seconds == now);
  CHECK(witness.ask(add_checkpoint_body(history.request(5, 6)), now + 1).next->seconds == now + 1);
}

TEST_CASE("add-checkpoint: what is kept has the log's lines and the witness's, one a key") {
  const History history = History::golden();
  TestWitness witness;
  const Signer second(origin, as_bytes(seed_from(0x70))), stranger("s", as_bytes(seed_from(0x60)));
  witness.logs.push_back(second.verifier());  // a rotated key
  const Signer first = log_signer();
  const std::string text = checkpoint_text(history.at(4));
  std::vector<const Signer*> signers(note_signatures_max - 2, &first);
  signers.push_back(&stranger);
  signers.push_back(&second);
  const auto answer = witness.ask("old 0\n\n" + sign_note(text, signers));
  REQUIRE(answer.status == 200);
  CHECK(answer.next->note == sign_note(text, {&first, &second}) + answer.body);
  CHECK(witness.status({4, history.request(4, 5).proof, sign_checkpoint(history.at(5), second)}) == 200);
}

TEST_CASE("what a witness remembered counts only with its own cosignature") {
  const History history = History::golden();
  TestWitness witness;
  CHECK(witness.status(history.request(0, 4)) == 200);
  const std::string kept = witness.state.at(origin).note;
  const CosignatureVerifier verifier = witness.cosigner.verifier();
  CHECK(read_witnessed(kept, verifier));
  CHECK_FALSE(read_witnessed(history.note(4), verifier));
  CHECK_FALSE(read_witnessed("", verifier));
  std::string other = kept;
  other[origin.size() + 1] = '5';
  CHECK_FALSE(read_witnessed(other, verifier));
}

TEST_CASE("property: whatever is asked, what was cosigned is one growing history") {
  rc::check([] {
    const History histories[] = {History::golden(), History::forked()};
    TestWitness witness;
    std::optional<Checkpoint> last;
    for (int i = 0; i < 30; ++i) {
      const auto& history = histories[*rc::gen::inRange(0, 2)];
      const auto size = *rc::gen::inRange<std::uint64_t>(1, 9);
      const auto old_size = *rc::gen::inRange<std::uint64_t>(0, 9);
      auto request = history.request(std::min(old_size, size), size);
      request.old_size = old_size;
      const auto answer = answer_add_checkpoint(add_checkpoint_body(request), witness.logs, witness.state,
                                                witness.cosigner, now + static_cast<std::uint64_t>(i));
      if (!answer.next) continue;
      const Checkpoint& next = answer.next->checkpoint;
      if (last) {
        RC_ASSERT(next.size >= last->size);
        RC_ASSERT(history.at(last->size) == *last);  // of the same history
      }
      last = next;
      witness.state.insert_or_assign(origin, *answer.next);
    }
  });
}

}  // namespace
}  // namespace daicho
