// tests/ledger/sealing_test.cpp — secret keys, keyed hashes, and sealed parts that open under one key only.
#include "ledger/sealing.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>
#include <sodium.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "ledger/sha256.hpp"

namespace daicho {
namespace {

SecretKey counting_key(std::uint8_t first = 0) {
  std::array<std::uint8_t, 32> bytes;
  std::iota(bytes.begin(), bytes.end(), first);
  return SecretKey(bytes);
}

std::string hex_of(const Tag32& tag) { return to_hex(tag.view()); }
std::string flipped(std::string bytes, std::size_t at, int mask) {
  bytes[at] = static_cast<char>(bytes[at] ^ mask);
  return bytes;
}

// ---- keys
// ------------------------------------------------------------------------------------------------------------

TEST_CASE("secret key: holds its bytes, moves, and is cloned on request only") {
  SecretKey key = counting_key();
  CHECK(to_hex(key.view()) == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const SecretKey copy = key.clone();
  CHECK(copy.view().data() != key.view().data());
  const SecretKey moved = std::move(key);
  CHECK(equal_constant_time(moved.view(), copy.view()));
  SecretKey other = counting_key(1);
  other = moved.clone();
  CHECK(equal_constant_time(other.view(), copy.view()));
  static_assert(!std::is_copy_constructible_v<SecretKey> && !std::is_copy_assignable_v<SecretKey>);
  static_assert(std::is_nothrow_move_constructible_v<SecretKey> && std::is_nothrow_move_assignable_v<SecretKey>);
}

TEST_CASE("secret key: more keys than a block holds, from several threads, do not share bytes") {
  std::array<bool, 3> intact{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < intact.size(); ++t) {
    threads.emplace_back([&intact, t] {
      std::vector<SecretKey> keys;
      for (std::size_t i = 0; i < 2000; ++i) keys.push_back(counting_key(static_cast<std::uint8_t>(i + t)));
      for (std::size_t i = 0; i < keys.size(); i += 2) keys[i] = counting_key(static_cast<std::uint8_t>(i + t));
      intact[t] = true;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const SecretKey expected = counting_key(static_cast<std::uint8_t>(i + t));
        intact[t] = intact[t] && equal_constant_time(keys[i].view(), expected.view());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(intact == std::array{true, true, true});
}

TEST_CASE("secret key: its bytes are gone when it goes") {
  auto key = std::make_unique<SecretKey>(counting_key(100));
  const std::uint8_t* const where = key->view().data();
  key.reset();  // the slot stays in its locked block; its first bytes now chain the free slots
  CHECK(std::all_of(where + sizeof(void*), where + 32, [](std::uint8_t byte) { return byte == 0; }));
}

TEST_CASE("equal in constant time, and wiped") {
  CHECK(equal_constant_time(as_bytes("same"), as_bytes("same")));
  CHECK(equal_constant_time({}, {}));
  CHECK_FALSE(equal_constant_time(as_bytes("same"), as_bytes("sama")));
  CHECK_FALSE(equal_constant_time(as_bytes("same"), as_bytes("same ")));
  std::string secret = "a secret that is longer than the small string";
  const char* const where = secret.data();
  const std::size_t length = secret.size();
  wipe(secret);
  CHECK(secret.empty());
  REQUIRE(secret.data() == where);  // the same memory, still the string's
  CHECK(std::all_of(where, where + length, [](char byte) { return byte == 0; }));
}

// ---- keyed hashes
// ----------------------------------------------------------------------------------------------------

TEST_CASE("keyed hash: pinned answers, made with Python's hashlib.blake2b") {
  const SecretKey key = counting_key();
  CHECK(hex_of(keyed_hash(key, "label", {})) == "7b063ae2b018058260442a8644d995cdafb0eaac5039507bf785ee4803a2241c");
  CHECK(hex_of(keyed_hash(key, "label", {as_bytes("ab"), as_bytes("c")})) ==
        "82c2a1c476db36c878bb07a2c3e007c01c16b4fbeb46eb48543f6055ae316b11");
  CHECK(hex_of(keyed_hash(key, "label", {as_bytes("a"), as_bytes("bc")})) ==
        "a85a51442859099b8d49e1ec4d33c0c75b828a8649d932908f6fc68406ee6c92");
  CHECK(to_hex(keyed_tag(key, "label", {as_bytes("ab"), as_bytes("c")}).view()) == "26513a4541bfee76fa6f53be39b0c85a");
}

TEST_CASE("keyed hash: is BLAKE2b of the layout in the header") {
  const SecretKey key = counting_key();
  CHECK(rc::check("one call of crypto_generichash", [&](const std::string& first, const std::string& second) {
    std::string message = "label" + std::string(1, '\0');
    for (const auto& part : {first, second}) {
      append(message, big_endian(part.size()));
      message += part;
    }
    Tag32 expected;
    crypto_generichash(expected.bytes.data(), 32, as_bytes(message).data(), message.size(), key.view().data(), 32);
    RC_ASSERT(keyed_hash(key, "label", {as_bytes(first), as_bytes(second)}) == expected);
  }));
}

TEST_CASE("BLAKE2b: RFC 7693 appendix A, and the first keyed answer of the reference implementation") {
  std::array<std::uint8_t, 64> out;
  crypto_generichash(out.data(), out.size(), as_bytes("abc").data(), 3, nullptr, 0);
  CHECK(to_hex(out) ==
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  std::array<std::uint8_t, 64> key;
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  crypto_generichash(out.data(), out.size(), nullptr, 0, key.data(), key.size());
  CHECK(to_hex(out) ==
        "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786"
        "b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568");
}

TEST_CASE("keyed hash: key, label, number of parts and their boundaries all count") {
  const SecretKey key = counting_key();
  const std::vector<Tag32> hashes = {
      keyed_hash(key, "label", {as_bytes("ab"), as_bytes("c")}),
      keyed_hash(key, "label", {as_bytes("a"), as_bytes("bc")}),
      keyed_hash(key, "label", {as_bytes("abc")}),
      keyed_hash(key, "label", {as_bytes("abc"), {}}),
      keyed_hash(key, "label", {{}, as_bytes("abc")}),
      keyed_hash(key, "label", {}),
      keyed_hash(key, "label", {{}}),
      keyed_hash(key, "labe", {as_bytes("labc")}),
      keyed_hash(key, "Label", {as_bytes("abc")}),
      keyed_hash(counting_key(1), "label", {as_bytes("abc")}),
  };
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    for (std::size_t k = i + 1; k < hashes.size(); ++k) {
      CAPTURE(i);
      CAPTURE(k);
      CHECK(hashes[i] != hashes[k]);
    }
  }
  CHECK(hashes[0].text().substr(0, 16) != keyed_tag(key, "label", {as_bytes("ab"), as_bytes("c")}).text());
}

TEST_CASE("derived key: is the keyed hash, as a key") {
  const SecretKey key = counting_key();
  const SecretKey derived = derive_key(key, "label", {as_bytes("part")});
  CHECK(derived.view().size() == 32);
  CHECK(to_hex(derived.view()) == hex_of(keyed_hash(key, "label", {as_bytes("part")})));
}

// ---- sealing
// ---------------------------------------------------------------------------------------------------------

TEST_CASE("seal: the layout of its bytes is pinned") {
  // The answers were made with Python: hashlib.blake2b and a plain XChaCha20-Poly1305.
  const std::string sealed = seal(counting_key(), as_bytes("plaintext"), as_bytes("associated"));
  CHECK(sealed.size() == 9 + seal_overhead_bytes);
  CHECK(to_hex(as_bytes(sealed).first(24)) == "a5296d0d38e1211b98febbaa18acbc94a82906273a1d1cf5");
  CHECK(to_hex(as_bytes(sealed).subspan(24, 32)) == "cbee428163d4109e9f39e326ab9c4adea10ed4d45e9cc71ceefa75206ea61638");
  CHECK(to_hex(as_bytes(sealed).subspan(56)) == "3582a1fd167aced1d75ebb5411dd25cc47ad71e090c4215372");
}

TEST_CASE("seal: round trip, and the same for the same input") {
  CHECK(rc::check("round trip", [](const std::string& plaintext, const std::string& associated, std::uint8_t first) {
    const SecretKey key = counting_key(first);
    const std::string sealed = seal(key, as_bytes(plaintext), as_bytes(associated));
    RC_ASSERT(sealed.size() == plaintext.size() + seal_overhead_bytes);
    RC_ASSERT(seal(key.clone(), as_bytes(plaintext), as_bytes(associated)) == sealed);
    RC_ASSERT(open_sealed(key, as_bytes(sealed), as_bytes(associated)) == plaintext);
  }));
  const SecretKey key = counting_key();
  CHECK(open_sealed(key, as_bytes(seal(key, {}, {})), {}) == std::string());
}

TEST_CASE("seal: another plaintext, associated data or key has another nonce") {
  const auto nonce = [](const SecretKey& key, std::string_view plaintext, std::string_view associated) {
    return seal(key, as_bytes(plaintext), as_bytes(associated)).substr(0, 24);
  };
  const std::string base = nonce(counting_key(), "ab", "c");
  CHECK(nonce(counting_key(), "b", "ca") != base);
  CHECK(nonce(counting_key(), "ab", "d") != base);
  CHECK(nonce(counting_key(), "ac", "c") != base);
  CHECK(nonce(counting_key(1), "ab", "c") != base);
}

TEST_CASE("open: any changed byte, length or key is refused") {
  const SecretKey key = counting_key();
  const std::string associated = "account and position";
  const std::string sealed = seal(key, as_bytes("personal data"), as_bytes(associated));
  REQUIRE(open_sealed(key, as_bytes(sealed), as_bytes(associated)));
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    CAPTURE(at);
    for (const int mask : {0x01, 0x80, 0xFF}) {
      CHECK_FALSE(open_sealed(key, as_bytes(flipped(sealed, at, mask)), as_bytes(associated)));
    }
    CHECK_FALSE(open_sealed(key, as_bytes(sealed).first(at), as_bytes(associated)));
  }
  for (std::size_t at = 0; at < associated.size(); ++at) {
    CAPTURE(at);
    for (const int mask : {0x01, 0x80, 0xFF}) {
      CHECK_FALSE(open_sealed(key, as_bytes(sealed), as_bytes(flipped(associated, at, mask))));
    }
  }
  CHECK_FALSE(open_sealed(key, as_bytes(sealed + '\0'), as_bytes(associated)));
  CHECK_FALSE(open_sealed(key, as_bytes(sealed), as_bytes(associated + '\0')));
  CHECK_FALSE(open_sealed(key, as_bytes(sealed), {}));
  CHECK_FALSE(open_sealed(counting_key(1), as_bytes(sealed), as_bytes(associated)));
  CHECK_FALSE(open_sealed(key, {}, as_bytes(associated)));
}

TEST_CASE("open: the commitment names one key, and cannot be exchanged for another key's") {
  const SecretKey mine = counting_key();
  const SecretKey theirs = counting_key(1);
  const std::string sealed = seal(mine, as_bytes("data"), {});
  const Tag32 commitment = keyed_hash(theirs, "daicho commitment v1", {});
  CHECK(sealed.substr(24, 32) == keyed_hash(mine, "daicho commitment v1", {}).text());
  std::string swapped = sealed;
  swapped.replace(24, 32, commitment.text());
  CHECK_FALSE(open_sealed(theirs, as_bytes(swapped), {}));
  CHECK_FALSE(open_sealed(mine, as_bytes(swapped), {}));
}

TEST_CASE("open: a ciphertext made for two keys opens under the committed one only") {
  // Without a commitment a party that knows both keys could make one ciphertext mean two things. Here the part after
  // the commitment is valid under `theirs`, the commitment under `mine`: neither opens it.
  const SecretKey mine = counting_key();
  const SecretKey theirs = counting_key(1);
  std::string crossed = seal(theirs, as_bytes("data"), {});
  REQUIRE(open_sealed(theirs, as_bytes(crossed), {}) == std::string("data"));
  crossed.replace(24, 32, keyed_hash(mine, "daicho commitment v1", {}).text());
  CHECK_FALSE(open_sealed(mine, as_bytes(crossed), {}));
  CHECK_FALSE(open_sealed(theirs, as_bytes(crossed), {}));
}

}  // namespace
}  // namespace daicho
