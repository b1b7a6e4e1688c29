// tests/ledger/id_test.cpp — UUIDv7 identifiers, their text, and their place in the schema.
#include "ledger/id.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "event_generated.h"

namespace daicho {
namespace {

using Random = std::array<std::uint8_t, 10>;

Random filled(std::uint8_t byte) {
  Random random;
  random.fill(byte);
  return random;
}

template <class Bytes>
Bytes counting() {
  Bytes value;
  for (std::size_t i = 0; i < Bytes::size; ++i) value.bytes[i] = static_cast<std::uint8_t>(i + 1);
  return value;
}

TEST_CASE("id: the example of RFC 9562 appendix A.6") {
  // unix_ts_ms 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F
  const Random random = {0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
  const Id id = make_uuid_v7(0x017F22E279B0LL * 1000 + 999, random);
  CHECK(to_text(id) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST_CASE("id: version and variant are set whatever the random bytes are") {
  CHECK(to_text(make_uuid_v7(0, filled(0x00))) == "00000000-0000-7000-8000-000000000000");
  CHECK(to_text(make_uuid_v7(0, filled(0xFF))) == "00000000-0000-7fff-bfff-ffffffffffff");
}

TEST_CASE("id: a later millisecond is a greater id, whatever the random bytes are") {
  CHECK(make_uuid_v7(1'999, filled(0xFF)) < make_uuid_v7(2'000, filled(0x00)));
  CHECK(make_uuid_v7(1'000, filled(0x55)) == make_uuid_v7(1'999, filled(0x55)));
  CHECK(rc::check("order", [](std::uint32_t ms, const Random& first, const Random& second) {
    const std::int64_t time = std::int64_t{ms} * 1000;
    RC_ASSERT(make_uuid_v7(time, first) < make_uuid_v7(time + 1000, second));
  }));
}

TEST_CASE("id: 74 random bits are kept") {
  std::size_t kept = 0;
  for (std::size_t bit = 0; bit < 80; ++bit) {
    Random random{};
    random[bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
    kept += make_uuid_v7(0, random) != make_uuid_v7(0, Random{}) ? 1 : 0;
  }
  CHECK(kept == 74);
}

TEST_CASE("id: text comes back, in either case and any version") {
  const auto id = parse_id("017F22E2-79b0-4CC3-98C4-DC0C0C07398F");
  REQUIRE(id);
  CHECK(to_text(*id) == "017f22e2-79b0-4cc3-98c4-dc0c0c07398f");
  CHECK(parse_id(to_text(counting<Id>())) == counting<Id>());
  CHECK(parse_id("00000000-0000-0000-0000-000000000000") == Id{});
}

TEST_CASE("id: malformed text is refused") {
  for (const auto* wrong : {
           "",
           "017f22e279b07cc398c4dc0c0c07398f",
           "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
           "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
           "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
           "017f22e2-79b0-7cc3-98c4dc-0c0c07398f",
           "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
           "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
           "017f22e2-79b0-7cc3-98c4-dc0c0c0-398f",
           "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
           " 017f22e2-79b0-7cc3-98c4-dc0c0c07398",
       }) {
    CAPTURE(wrong);
    CHECK(parse_id(wrong) == std::nullopt);
  }
}

TEST_CASE("id: the schema's structs hold the same bytes in the same order") {
  const fb::Id id = flatbuffers::Pack(counting<Id>());
  CHECK(id.bytes()->Get(0) == 1);
  CHECK(id.bytes()->Get(15) == 16);
  CHECK(flatbuffers::UnPack(id) == counting<Id>());
  CHECK(flatbuffers::UnPack(flatbuffers::Pack(counting<Hash>())) == counting<Hash>());
  CHECK(flatbuffers::UnPack(flatbuffers::Pack(counting<Tag16>())) == counting<Tag16>());
}

}  // namespace
}  // namespace daicho
