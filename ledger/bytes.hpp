// ledger/bytes.hpp — byte strings, fixed-size byte arrays and their text forms.
// Pure, any thread. Text forms: hex (lower case), base64 (RFC 4648 section 4, padded), base64url (section 5, unpadded).
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace daicho {

using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// N bytes with value semantics; the tag keeps a leaf hash from being taken for a key.
template <std::size_t N, class Tag>
struct FixedBytes {
  static constexpr std::size_t size = N;
  std::array<std::uint8_t, N> bytes{};

  // clang-tidy 14 takes the 0 of a defaulted comparison for a pointer.
  auto operator<=>(const FixedBytes&) const = default;  // NOLINT(modernize-use-nullptr)
  ByteView view() const { return bytes; }
  std::string_view text() const { return as_text(bytes); }
  bool is_zero() const { return *this == FixedBytes{}; }
  /// Copies exactly N bytes; nullopt for any other length.
  static std::optional<FixedBytes> from(ByteView source) {
    if (source.size() != N) return std::nullopt;
    FixedBytes result;
    std::copy(source.begin(), source.end(), result.bytes.begin());
    return result;
  }
};

using Hash = FixedBytes<32, struct HashTag>;  ///< SHA-256
using Tag16 = FixedBytes<16, struct TagTag>;  ///< keyed BLAKE2b-128 of something that must be comparable, not readable
using Tag32 = FixedBytes<32, struct Tag32Tag>;  ///< keyed BLAKE2b-256

std::string to_hex(ByteView bytes);
std::optional<std::string> from_hex(std::string_view hex);  ///< nullopt unless an even number of hex digits
std::string to_base64(ByteView bytes);
std::optional<std::string> from_base64(std::string_view text);  ///< nullopt unless canonical and padded
std::string to_base64url(ByteView bytes);

/// Big-endian, so that byte order is number order in the store.
std::array<std::uint8_t, 8> big_endian(std::uint64_t value);
std::array<std::uint8_t, 4> big_endian32(std::uint32_t value);
std::uint64_t read_big_endian(ByteView eight_bytes);
std::uint32_t read_big_endian32(ByteView four_bytes);

inline void append(std::string& out, ByteView bytes) { out.append(as_text(bytes)); }

}  // namespace daicho
