// tests/ledger/bytes_test.cpp — text forms of bytes, and big-endian numbers.
#include "ledger/bytes.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

namespace daicho {
namespace {

std::string base64_of(std::string_view text) { return to_base64(as_bytes(text)); }

TEST_CASE("hex: lower case out, either case in, nothing else") {
  const std::string bytes("\x00\x01\x7F\x80\xFF", 5);
  CHECK(to_hex(as_bytes(bytes)) == "00017f80ff");
  CHECK(from_hex("00017f80ff") == bytes);
  CHECK(from_hex("00017F80fF") == bytes);
  CHECK(to_hex({}) == "");
  CHECK(from_hex("") == std::string());
  for (const auto* wrong : {"0", "000", "0g", "g0", " 0", "0x00", "00 ", "/0", ":0", "@0", "`0"}) {
    CAPTURE(wrong);
    CHECK(from_hex(wrong) == std::nullopt);
  }
}

TEST_CASE("base64: the vectors of RFC 4648 section 10") {
  CHECK(base64_of("") == "");
  CHECK(base64_of("f") == "Zg==");
  CHECK(base64_of("fo") == "Zm8=");
  CHECK(base64_of("foo") == "Zm9v");
  CHECK(base64_of("foob") == "Zm9vYg==");
  CHECK(base64_of("fooba") == "Zm9vYmE=");
  CHECK(base64_of("foobar") == "Zm9vYmFy");
}

TEST_CASE("base64url: the other two digits, no padding") {
  const std::string_view bytes = "\xFB\xEF\xFF\xFE";
  CHECK(base64_of(bytes) == "++///g==");
  CHECK(to_base64url(as_bytes(bytes)) == "--___g");
  CHECK(to_base64url(as_bytes("fooba")) == "Zm9vYmE");
  CHECK(to_base64url({}) == "");
}

TEST_CASE("base64: only the canonical, padded text of a value is accepted") {
  CHECK(from_base64("") == std::string());
  CHECK(from_base64("Zm9vYg==") == std::string("foob"));
  for (const auto* wrong : {"Zg", "Zg=", "Zg===", "Z===", "====", "==", "=", "Zh==", "Zm9=", "Zm8=Zm8=", "Zg==Zg==",
                            "Z=g=", "Zm9v\n", "Zm 9", " m9v", "-_-_", "Zm9vY===", "Zm9*", "Zm9v===="}) {
    CAPTURE(wrong);
    CHECK(from_base64(wrong) == std::nullopt);
  }
  CHECK(from_base64(std::string_view("Zm9\0", 4)) == std::nullopt);
}

TEST_CASE("hex and base64: every byte string comes back, and one text only stands for it") {
  CHECK(rc::check("round trip", [](const std::string& bytes) {
    RC_ASSERT(from_hex(to_hex(as_bytes(bytes))) == bytes);
    RC_ASSERT(from_base64(to_base64(as_bytes(bytes))) == bytes);
  }));
  CHECK(rc::check("canonical", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ABgw/+=")));
    const auto bytes = from_base64(text);
    if (bytes) RC_ASSERT(to_base64(as_bytes(*bytes)) == text);
  }));
}

TEST_CASE("big-endian: byte order is number order") {
  CHECK(to_hex(big_endian(0x0102030405060708)) == "0102030405060708");
  CHECK(to_hex(big_endian32(0x01020304)) == "01020304");
  CHECK(read_big_endian(big_endian(UINT64_MAX)) == UINT64_MAX);
  CHECK(read_big_endian32(big_endian32(UINT32_MAX)) == UINT32_MAX);
  CHECK(rc::check("order", [](std::uint64_t a, std::uint64_t b) {
    RC_ASSERT(read_big_endian(big_endian(a)) == a);
    RC_ASSERT((big_endian(a) < big_endian(b)) == (a < b));
    const auto low = static_cast<std::uint32_t>(a);
    RC_ASSERT(read_big_endian32(big_endian32(low)) == low);
  }));
}

TEST_CASE("fixed bytes: exactly N bytes, compared by value") {
  const std::string text(32, 'x');
  const auto hash = Hash::from(as_bytes(text));
  REQUIRE(hash);
  CHECK(hash->text() == text);
  CHECK(*hash == *Hash::from(as_bytes(text)));
  CHECK_FALSE(hash->is_zero());
  CHECK(Hash{}.is_zero());
  CHECK(Hash{} < *hash);
  CHECK_FALSE(Hash::from(as_bytes(text).first(31)));
  CHECK_FALSE(Hash::from(as_bytes(text + "x")));
  CHECK_FALSE(Hash::from({}));
}

}  // namespace
}  // namespace daicho
