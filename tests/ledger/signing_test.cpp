// tests/ledger/signing_test.cpp — Ed25519 keys, their texts, and signed notes.
#include "ledger/signing.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <numeric>

namespace daicho {
namespace {

const std::string log_vkey = "daicho.example/ledger+5a758731+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const std::string dash = "\xE2\x80\x94 ";  // starts a signature line

std::string seed_from(std::uint8_t first) {
  std::string seed(32, '\0');
  std::iota(seed.begin(), seed.end(), static_cast<char>(first));
  return seed;
}
Signer log_signer() { return Signer("daicho.example/ledger", as_bytes(seed_from(0))); }
Signer other_signer() { return Signer("other.example", as_bytes(seed_from(64))); }
std::string unhex(std::string_view hex) { return *from_hex(hex); }

NoteFault fault_of(std::string_view note, const std::vector<Verifier>& known) {
  const auto opened = open_note(note, known);
  REQUIRE_FALSE(opened);
  return opened.error();
}

// ---- keys
// ------------------------------------------------------------------------------------------------------------

TEST_CASE("Ed25519: RFC 8032 section 7.1, test 1") {
  const Signer signer("test", as_bytes(unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")));
  CHECK(to_hex(signer.verifier().key.view()) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const Signature signature = signer.sign({});
  CHECK(to_hex(signature.view()) ==
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  CHECK(signer.verifier().verify({}, signature));
}

TEST_CASE("Ed25519: a changed message, signature or key is refused") {
  const Signer signer = log_signer();
  const Signature good = signer.sign(as_bytes("message"));
  CHECK(signer.verifier().verify(as_bytes("message"), good));
  CHECK_FALSE(signer.verifier().verify(as_bytes("Message"), good));
  CHECK_FALSE(signer.verifier().verify(as_bytes("message\n"), good));
  CHECK_FALSE(other_signer().verifier().verify(as_bytes("message"), good));
  CHECK_FALSE(signer.verifier().verify(as_bytes("message"), Signature{}));
  CHECK_FALSE(Verifier("zero", PublicKey{}).verify(as_bytes("message"), good));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Signature changed = good;
    changed.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK_FALSE(signer.verifier().verify(as_bytes("message"), changed));
  }
}

TEST_CASE("vkey: the golden log key and the signed-note example") {
  CHECK(log_signer().verifier().vkey() == log_vkey);
  CHECK(to_hex(log_signer().verifier().id.view()) == "5a758731");
  CHECK(Verifier::parse_vkey(log_vkey) == log_signer().verifier());
  const std::string example = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  const auto parsed = Verifier::parse_vkey(example);
  REQUIRE(parsed);
  CHECK(parsed->name == "example.com/foo");
  CHECK(to_hex(parsed->id.view()) == "530d903a");
  CHECK(parsed->vkey() == example);
}

TEST_CASE("vkey: malformed, of another algorithm, or with another key's id is refused") {
  const std::string key = "AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
  const std::string name = "daicho.example/ledger";
  REQUIRE(Verifier::parse_vkey(name + "+5a758731+" + key));
  const std::vector<std::string> wrong_ones = {
      std::string(),
      std::string("++"),
      name,
      name + "+5a758731",
      name + "+5a758731+",
      name + "+5a758732+" + key,  // another id
      name + "+5A758731+" + key,  // upper case
      name + "+5a75873+" + key,
      name + "+05a758731+" + key,
      name + "+5a758731+" + key + "\n",
      name + "+5a758731+" + key.substr(0, 40),  // 30 bytes
      name + "+5a758731+" + key + "AAAA",       // 36 bytes
      "+5a758731+" + key,
      "other.example+5a758731+" + key,
      "daicho example+5a758731+" + key,
      "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X",  // type 04, a cosigner
  };
  for (const auto& wrong : wrong_ones) {
    CAPTURE(wrong);
    CHECK(Verifier::parse_vkey(wrong) == std::nullopt);
  }
}

TEST_CASE("secret text: comes back as the same signer") {
  const std::string text = log_signer().secret_text();
  CHECK(text == "PRIVATE+KEY+daicho.example/ledger+5a758731+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");
  const auto signer = Signer::parse_secret(text);
  REQUIRE(signer);
  CHECK(signer->verifier() == log_signer().verifier());
  CHECK(signer->sign(as_bytes("m")) == log_signer().sign(as_bytes("m")));
}

TEST_CASE("secret text: malformed is refused") {
  const std::string good = log_signer().secret_text();
  CHECK_FALSE(Signer::parse_secret(""));
  CHECK_FALSE(Signer::parse_secret(log_vkey));
  CHECK_FALSE(Signer::parse_secret(good.substr(8)));
  CHECK_FALSE(Signer::parse_secret(good.substr(0, good.size() - 4)));
  CHECK_FALSE(Signer::parse_secret(good + "\n"));
  CHECK_FALSE(Signer::parse_secret("PRIVATE+KEY+daicho.example/ledger+5a758732" + good.substr(42)));
  CHECK_FALSE(Signer::parse_secret("PRIVATE+KEY+daicho.example/ledgex+5a758731" + good.substr(42)));
  REQUIRE(Signer::parse_secret("PRIVATE+KEY+daicho.example/ledger+5a758731" + good.substr(42)));
}

TEST_CASE("signer: moved, it still signs") {
  Signer first = log_signer();
  const Signature expected = first.sign(as_bytes("m"));
  Signer second = std::move(first);
  CHECK(second.sign(as_bytes("m")) == expected);
  second = other_signer();
  CHECK(second.verifier().name == "other.example");
}

TEST_CASE("key names") {
  for (const auto* good : {"a", "daicho.example/ledger", "a-b_c:8080/~x", "\xE5\x8F\xB0\xE5\xB8\xB3", "\x7F"}) {
    CAPTURE(good);
    CHECK(is_key_name(good));
  }
  for (const auto* wrong : {"",
                            " ",
                            "a b",
                            "a+b",
                            "a\n",
                            "a\tb",
                            "a\rb",
                            "a\x01",
                            "a\xC2\xA0",
                            "\xE2\x80\x83x",
                            "\xE3\x80\x80",
                            "\xC2\x85",
                            "\xFF",
                            "\xC3",
                            "\xC0\x80",
                            "\xED\xA0\x80",
                            "\xF4\x90\x80\x80",
                            "\xE0\x80\x80",
                            "\xF0\x80\x80\x80",
                            "\xE2\x28\xA1",
                            "\x80"}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_key_name(wrong));
  }
  CHECK_FALSE(is_key_name(std::string_view("a\0", 2)));
  CHECK(is_key_name(std::string(key_name_bytes_max, 'n')));
  CHECK_FALSE(is_key_name(std::string(key_name_bytes_max + 1, 'n')));
}

// ---- notes
// -----------------------------------------------------------------------------------------------------------

TEST_CASE("note: signed, parsed, opened") {
  const Signer log = log_signer();
  const Signer other = other_signer();
  const std::string note = sign_note("a text\n", {&log, &other});
  const Signature signature = log.sign(as_bytes("a text\n"));
  CHECK(note.starts_with("a text\n\n" + signature_line(log.verifier(), signature) + dash + "other.example "));
  const auto parsed = parse_note(note);
  REQUIRE(parsed);
  CHECK(parsed->text == "a text\n");
  REQUIRE(parsed->signatures.size() == 2);
  CHECK(parsed->signatures[0].name == "daicho.example/ledger");
  CHECK(parsed->signatures[0].id == log.verifier().id);
  CHECK(parsed->signatures[0].payload == signature.text());
  for (const auto& known : {std::vector{log.verifier()}, {other.verifier()}, {other.verifier(), log.verifier()}}) {
    const auto opened = open_note(note, known);
    REQUIRE(opened);
    CHECK(*opened == "a text\n");
  }
}

TEST_CASE("note: the last empty line separates") {
  const Signer log = log_signer();
  for (const std::string text : {"one\n\ntwo\n", "one\n\n", "\n", "\n\n\n", "one\n\n\xE2\x80\x94 a b\n"}) {
    CAPTURE(text);
    const auto opened = open_note(sign_note(text, {&log}), {log.verifier()});
    REQUIRE(opened);
    CHECK(*opened == text);
  }
}

TEST_CASE("note: an unknown signer is ignored, a known one's bad signature is not") {
  const Signer log = log_signer();
  const Signer other = other_signer();
  const std::vector known = {log.verifier()};
  const std::string good = signature_line(log.verifier(), log.sign(as_bytes("text\n")));
  const std::string bad = signature_line(log.verifier(), log.sign(as_bytes("Text\n")));
  const std::string unknown_bad = signature_line(other.verifier(), other.sign(as_bytes("Text\n")));
  const std::string cosignature = dash + "daicho.example/ledger " + to_base64(as_bytes(std::string(76, 'x'))) + "\n";
  const std::string short_one =
      dash + "daicho.example/ledger " + to_base64(as_bytes(std::string(log.verifier().id.text()) + "short")) + "\n";
  CHECK(open_note("text\n\n" + unknown_bad + good + cosignature, known));
  CHECK(open_note("text\n\n" + good + good, known));
  CHECK(fault_of("text\n\n" + bad, known) == NoteFault::bad_signature);
  CHECK(fault_of("text\n\n" + good + bad, known) == NoteFault::bad_signature);
  CHECK(fault_of("text\n\n" + bad + good, known) == NoteFault::bad_signature);
  CHECK(fault_of("text\n\n" + good + short_one, known) == NoteFault::bad_signature);
  CHECK(fault_of("text\n\n" + unknown_bad, known) == NoteFault::unknown_key);
  CHECK(fault_of("text\n\n" + good, {}) == NoteFault::unknown_key);
  CHECK(fault_of("text\n\n" + good, {Verifier("renamed", log.verifier().key)}) == NoteFault::unknown_key);
  CHECK(fault_of("text\n", known) == NoteFault::malformed);
}

TEST_CASE("note: a malformed text is refused") {
  const Signer log = log_signer();
  const std::string line = signature_line(log.verifier(), log.sign(as_bytes("text\n")));
  REQUIRE(parse_note("text\n\n" + line));
  const std::string nul(1, '\0');
  const std::vector<std::string> wrong_ones = {
      std::string(),
      std::string("\n"),
      std::string("\n\n"),
      std::string("text\n"),
      std::string("text\n\n"),
      "text\n" + line,  // no blank line
      "text" + line,
      line,
      "\n" + line,
      "text\n\n" + line.substr(0, line.size() - 1),  // no last newline
      "text\n\n" + line + "\n",
      "text\n\n" + line + "\n" + "x\n",
      "text\r\n\r\n" + line,
      "text\r\n\n" + line,
      "te\txt\n\n" + line,
      "te\x1Fxt\n\n" + line,
      "te" + nul + "xt\n\n" + line,
      "text\n\n" + line.substr(0, line.size() - 1) + "\r\n",
      "te\xFFxt\n\n" + line,
      "te\xC3\n\n" + line,
      "te\xED\xA0\x80\n\n" + line,
  };
  for (const auto& wrong : wrong_ones) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_note(wrong));
  }
}

TEST_CASE("note: a malformed signature line is refused, whoever's it is") {
  const std::string base64 = to_base64(as_bytes(std::string(68, 's')));
  const auto with = [](const std::string& line) { return parse_note("text\n\n" + line + "\n"); };
  REQUIRE(with(dash + "name " + base64));
  REQUIRE(with(dash + "name AAAAAAE="));  // five bytes: a payload of one
  const std::vector<std::string> wrong_ones = {
      "- name " + base64,
      "\xE2\x80\x94name " + base64,
      "\xE2\x80\x93 name " + base64,
      " " + dash + "name " + base64,
      dash + " " + base64,
      dash + base64,
      dash + "name",
      dash + "name ",
      dash + "name  " + base64,
      dash + "name " + base64 + " ",
      dash + "name " + base64 + " x",
      dash + "na+me " + base64,
      dash + "na\xC2\xA0me " + base64,
      dash + std::string(key_name_bytes_max + 1, 'n') + " " + base64,
      dash + "name AAAAAA==",  // a key id and nothing after it
      dash + "name AAAAAAF=",  // pad bits not zero
      dash + "name AAAAAAE",
      dash + "name AAAA-_E=",
      dash + "name AAAAAAE=AAAA",
  };
  for (const auto& wrong : wrong_ones) {
    CAPTURE(wrong);
    CHECK_FALSE(with(wrong));
  }
  CHECK(with(dash + std::string(key_name_bytes_max, 'n') + " " + base64));
}

TEST_CASE("note: at the limits and one past them") {
  const Signer log = log_signer();
  const std::size_t overhead = sign_note("\n", {&log}).size() - 1;
  const std::string longest = std::string(note_bytes_max - overhead - 1, 'x') + "\n";
  const std::string note = sign_note(longest, {&log});
  CHECK(note.size() == note_bytes_max);
  CHECK(open_note(note, {log.verifier()}));
  const std::string too_long = sign_note("x" + longest, {&log});
  CHECK(too_long.size() == note_bytes_max + 1);
  CHECK(fault_of(too_long, {log.verifier()}) == NoteFault::malformed);

  const std::vector<const Signer*> most(note_signatures_max, &log);
  CHECK(open_note(sign_note("text\n", most), {log.verifier()}));
  const std::vector<const Signer*> too_many(note_signatures_max + 1, &log);
  CHECK(fault_of(sign_note("text\n", too_many), {log.verifier()}) == NoteFault::malformed);
}

TEST_CASE("note: one changed byte of the text is noticed") {
  const Signer log = log_signer();
  const std::string note = sign_note("origin\n12\nroot\n", {&log});
  CHECK(rc::check("changed", [&] {
    std::string changed = note;
    const auto at = *rc::gen::inRange<std::size_t>(0, 15);
    changed[at] = static_cast<char>(changed[at] ^ *rc::gen::inRange(1, 256));
    RC_ASSERT(!open_note(changed, {log.verifier()}));
  }));
}

}  // namespace
}  // namespace daicho
