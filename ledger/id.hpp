// ledger/id.hpp — 128-bit identifiers, UUIDv7 (RFC 9562 section 5.7) in their usual text form.
#pragma once

#include "ledger/bytes.hpp"

namespace daicho {

using Id = FixedBytes<16, struct IdTag>;  ///< all zero: absent, and as an account: the ledger itself

std::string to_text(const Id& id);                  ///< 8-4-4-4-12, lower case
std::optional<Id> parse_id(std::string_view text);  ///< 36 characters, either case; any UUID version

/// A UUIDv7 from a time (its millisecond part is used) and 10 random bytes, of which 74 bits are kept.
Id make_uuid_v7(std::int64_t time_us, std::span<const std::uint8_t, 10> random);

}  // namespace daicho

namespace daicho::fb {
struct Id;
struct Digest;
struct Tag;
}  // namespace daicho::fb

namespace flatbuffers {  // how the schema's structs map to ours (native_type)
daicho::fb::Id Pack(const daicho::Id& id);
daicho::Id UnPack(const daicho::fb::Id& id);
daicho::fb::Digest Pack(const daicho::Hash& hash);
daicho::Hash UnPack(const daicho::fb::Digest& hash);
daicho::fb::Tag Pack(const daicho::Tag16& tag);
daicho::Tag16 UnPack(const daicho::fb::Tag& tag);
}  // namespace flatbuffers
