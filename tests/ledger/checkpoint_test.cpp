// tests/ledger/checkpoint_test.cpp — checkpoints: the golden note, and texts that are not a checkpoint.
#include "ledger/checkpoint.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "ledger/sha256.hpp"

namespace daicho {
namespace {

const std::string golden_text = "daicho.example/ledger\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
const std::string golden_log_line =
    "\xE2\x80\x94 daicho.example/ledger "
    "WnWHMbHo1HnLHvWmJNGj05ThGaGgQObcZO1na7bDPjo0LQC/fvKMXBJBqQcQKQ72GLFOaPkhJ4Dnbdqt0N4twyLlPQA=\n";
const std::string golden_witness_line =
    "\xE2\x80\x94 witness.example/w1 IDJKvgAAAABlU/EASUDgG/wcZa3zRMHodNnRSajvYIVhC8jb+I4YyjD3oHWfFzcpC0LrQv/"
    "CsQpXWm+1Zk9idXQm6/mloUc8IHCBAA==\n";

Signer log_signer() {
  std::string seed(32, '\0');
  std::iota(seed.begin(), seed.end(), '\0');
  return Signer("daicho.example/ledger", as_bytes(seed));
}

Checkpoint golden() {
  const auto root = from_hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
  return {"daicho.example/ledger", 8, *Hash::from(as_bytes(*root))};
}

NoteFault fault_of(std::string_view note, const Verifier& verifier) {
  const auto opened = open_checkpoint(note, verifier);
  REQUIRE_FALSE(opened);
  return opened.error();
}

TEST_CASE("checkpoint golden vector: text, signature, note") {
  CHECK(checkpoint_text(golden()) == golden_text);
  CHECK(parse_checkpoint_text(golden_text) == golden());
  const std::string note = sign_checkpoint(golden(), log_signer());
  CHECK(note == golden_text + "\n" + golden_log_line);
  const std::string cosigned = note + golden_witness_line;
  CHECK(cosigned.size() == 317);
  CHECK(to_hex(sha256(as_bytes(cosigned)).view()) ==
        "e5ec9cb3ea254bbfcdb81f4ae5389bedec02b940bf1f8c610b2639b71c220d32");
}

TEST_CASE("checkpoint: opens under the log's key, with or without a cosignature") {
  const Verifier verifier = log_signer().verifier();
  const std::string head = golden_text + "\n";
  const std::vector<std::string> notes = {head + golden_log_line, head + golden_log_line + golden_witness_line,
                                          head + golden_witness_line + golden_log_line};
  for (const auto& note : notes) {
    const auto opened = open_checkpoint(note, verifier);
    REQUIRE(opened);
    CHECK(*opened == golden());
  }
}

TEST_CASE("checkpoint: unsigned, changed, or signed by another is refused") {
  const Verifier verifier = log_signer().verifier();
  CHECK(fault_of(golden_text, verifier) == NoteFault::malformed);
  CHECK(fault_of(golden_text + "\n" + golden_witness_line, verifier) == NoteFault::unknown_key);
  std::string nine = golden_text + "\n" + golden_log_line;
  nine[22] = '9';
  CHECK(fault_of(nine, verifier) == NoteFault::bad_signature);
  const Verifier same_name(verifier.name, Signer("x", as_bytes(std::string(32, 'x'))).verifier().key);
  CHECK(fault_of(golden_text + "\n" + golden_log_line, same_name) == NoteFault::unknown_key);
}

TEST_CASE("checkpoint: well signed, but of another origin or not a checkpoint") {
  const Signer log = log_signer();
  Checkpoint elsewhere = golden();
  elsewhere.origin = "other.example/ledger";
  CHECK(fault_of(sign_checkpoint(elsewhere, log), log.verifier()) == NoteFault::malformed);
  CHECK(fault_of(sign_note("daicho.example/ledger\n8\n", {&log}), log.verifier()) == NoteFault::malformed);
  CHECK(fault_of(sign_note(golden_text + "extension\n", {&log}), log.verifier()) == NoteFault::malformed);
}

TEST_CASE("checkpoint text: sizes") {
  const std::string root_line = to_base64(golden().root.view()) + "\n";
  const auto with = [&](const std::string& size) { return parse_checkpoint_text("o\n" + size + "\n" + root_line); };
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{10}, UINT64_MAX}) {
    CAPTURE(size);
    const auto parsed = with(std::to_string(size));
    REQUIRE(parsed);
    CHECK(parsed->size == size);
    CHECK(checkpoint_text(*parsed) == "o\n" + std::to_string(size) + "\n" + root_line);
  }
  for (const auto* wrong : {"", "00", "01", "08", "+1", "-1", "-0", " 1", "1 ", "1a", "0x1", "1.0", "1e3",
                            "18446744073709551616", "99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK_FALSE(with(wrong));
  }
}

TEST_CASE("checkpoint text: roots") {
  const auto with = [](const std::string& root) { return parse_checkpoint_text("o\n8\n" + root + "\n"); };
  const std::string root = to_base64(golden().root.view());
  REQUIRE(with(root));
  const std::vector<std::string> wrong_ones = {std::string(),
                                               to_base64(as_bytes(std::string(31, 'r'))),
                                               to_base64(as_bytes(std::string(33, 'r'))),
                                               root.substr(0, 43),
                                               root + "=",
                                               root + " ",
                                               " " + root,
                                               root.substr(0, 42) + "h=",
                                               to_hex(golden().root.view())};
  for (const auto& wrong : wrong_ones) {
    CAPTURE(wrong);
    CHECK_FALSE(with(wrong));
  }
}

TEST_CASE("checkpoint text: exactly three lines, the first not empty") {
  REQUIRE(parse_checkpoint_text(golden_text));
  for (std::size_t length = 0; length < golden_text.size(); ++length) {  // the missing last newline among them
    CAPTURE(length);
    CHECK_FALSE(parse_checkpoint_text(golden_text.substr(0, length)));
  }
  CHECK_FALSE(parse_checkpoint_text(golden_text + "extension\n"));  // we write none, so we read none
  CHECK_FALSE(parse_checkpoint_text(golden_text + "\n"));
  CHECK_FALSE(parse_checkpoint_text(golden_text + "x"));
  CHECK_FALSE(parse_checkpoint_text("\n" + golden_text));
  CHECK_FALSE(parse_checkpoint_text(golden_text.substr(golden_text.find('\n'))));  // empty origin
}

}  // namespace
}  // namespace daicho
