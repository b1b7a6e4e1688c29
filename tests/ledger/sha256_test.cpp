// tests/ledger/sha256_test.cpp — SHA-256 against FIPS 180-4's examples.
#include "ledger/sha256.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace daicho {
namespace {

std::string hash_of(std::string_view text) { return to_hex(sha256(as_bytes(text)).view()); }

TEST_CASE("sha256: known answers") {
  CHECK(hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hash_of(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: parts are concatenated") {
  const Hash whole = sha256(as_bytes("abc"));
  CHECK(sha256({as_bytes("a"), as_bytes("bc")}) == whole);
  CHECK(sha256({as_bytes(""), as_bytes("ab"), ByteView{}, as_bytes("c")}) == whole);
  CHECK(sha256({}) == sha256(ByteView{}));
}

TEST_CASE("sha256: a hash leaves nothing behind for the next, and threads do not meet") {
  const Hash expected = sha256(as_bytes("abc"));
  Hash elsewhere;
  std::thread other([&elsewhere] {
    for (int i = 0; i < 1000; ++i) elsewhere = sha256(as_bytes("abc"));
  });
  bool same = true;
  for (int i = 0; i < 1000; ++i) {
    (void)sha256(as_bytes("something else"));
    same = same && sha256(as_bytes("abc")) == expected;
  }
  other.join();
  CHECK(same);
  CHECK(elsewhere == expected);
}

}  // namespace
}  // namespace daicho
