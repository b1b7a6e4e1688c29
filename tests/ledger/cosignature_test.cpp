// tests/ledger/cosignature_test.cpp — Ed25519 cosignatures: the golden note, what is refused, and notes that gain
// lines.
#include "ledger/cosignature.hpp"

#include <doctest/doctest.h>

#include <numeric>

namespace daicho {
namespace {

const std::string witness_vkey = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const std::string text = "daicho.example/ledger\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
const std::string log_line =
    "\xE2\x80\x94 daicho.example/ledger "
    "WnWHMbHo1HnLHvWmJNGj05ThGaGgQObcZO1na7bDPjo0LQC/fvKMXBJBqQcQKQ72GLFOaPkhJ4Dnbdqt0N4twyLlPQA=\n";
const std::string witness_line =
    "\xE2\x80\x94 witness.example/w1 IDJKvgAAAABlU/EASUDgG/wcZa3zRMHodNnRSajvYIVhC8jb+I4YyjD3oHWfFzcpC0LrQv/"
    "CsQpXWm+1Zk9idXQm6/mloUc8IHCBAA==\n";
constexpr std::uint64_t golden_seconds = 1'700'000'000;

Cosigner witness(std::uint8_t first = 0x20) {
  std::string seed(32, '\0');
  std::iota(seed.begin(), seed.end(), static_cast<char>(first));
  return Cosigner(Signer("witness.example/w1", as_bytes(seed)));
}
NoteSignature golden() { return witness().cosign(text, golden_seconds); }

TEST_CASE("cosignature golden vector: verifier key and signature line") {
  CHECK(witness().verifier().vkey() == witness_vkey);
  CHECK(to_hex(witness().verifier().id.view()) == "20324abe");
  CHECK(CosignatureVerifier::parse_vkey(witness_vkey) == witness().verifier());
  CHECK(signature_line(golden()) == witness_line);
  CHECK(golden().payload.size() == 72);  // 76 bytes with the key id
  CHECK(witness().verifier().verify(text, golden()) == golden_seconds);
}

TEST_CASE("cosignature: a key's vkey as a log's and as a witness's are not taken for each other") {
  const std::string log_vkey = Verifier("witness.example/w1", witness().verifier().key).vkey();
  CHECK(log_vkey != witness_vkey);
  CHECK_FALSE(CosignatureVerifier::parse_vkey(log_vkey));
  CHECK_FALSE(Verifier::parse_vkey(witness_vkey));
  for (const std::string& wrong : {std::string(), witness_vkey.substr(1), witness_vkey + "A",
                                   std::string("witness.example/w2") + witness_vkey.substr(18)}) {
    CAPTURE(wrong);
    CHECK_FALSE(CosignatureVerifier::parse_vkey(wrong));
  }
}

TEST_CASE("cosignature: another text, time, name, key or length is refused") {
  const CosignatureVerifier verifier = witness().verifier();
  CHECK_FALSE(verifier.verify(text + "x\n", golden()));
  CHECK_FALSE(witness(0x40).verifier().verify(text, golden()));
  NoteSignature renamed = golden();
  renamed.name = "witness.example/w2";
  CHECK_FALSE(verifier.verify(text, renamed));
  for (std::size_t byte = 0; byte < golden().payload.size(); ++byte) {
    NoteSignature changed = golden();
    changed.payload[byte] = static_cast<char>(changed.payload[byte] ^ 1);
    CHECK_FALSE(verifier.verify(text, changed));
  }
  NoteSignature cut = golden(), longer = golden();
  cut.payload.pop_back();
  longer.payload += '\0';
  CHECK_FALSE(verifier.verify(text, cut));
  CHECK_FALSE(verifier.verify(text, longer));
}

TEST_CASE("cosignature: the time is from 1 to 2^63 - 1") {
  const auto stated = [](std::uint64_t seconds) {
    NoteSignature line = golden();
    const std::string message = "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + text;
    std::string seed(32, '\0');
    std::iota(seed.begin(), seed.end(), static_cast<char>(0x20));
    line.payload = std::string(as_text(big_endian(seconds)));
    line.payload += Signer("any", as_bytes(seed)).sign(as_bytes(message)).text();
    return witness().verifier().verify(text, line);
  };
  CHECK_FALSE(stated(0));
  CHECK(stated(1) == 1);
  CHECK(stated(INT64_MAX) == INT64_MAX);
  CHECK_FALSE(stated(std::uint64_t{INT64_MAX} + 1));
}

TEST_CASE("with_signatures: a line a key, the first one stays, the limit holds") {
  const std::string note = text + "\n" + log_line;
  const auto once = with_signatures(note, {golden()});
  REQUIRE(once);
  CHECK(*once == note + witness_line);
  CHECK(with_signatures(*once, {golden(), witness().cosign(text, golden_seconds + 1)}) == once);
  CHECK(with_signatures(note, {}) == note);
  CHECK_FALSE(with_signatures(text, {golden()}));
  std::vector<NoteSignature> many;
  for (std::size_t i = 1; i < note_signatures_max; ++i) {
    many.push_back(golden());
    many.back().name = "w" + std::to_string(i);
  }
  CHECK(with_signatures(note, many));
  many.push_back(golden());
  CHECK_FALSE(with_signatures(note, many));
}

}  // namespace
}  // namespace daicho
