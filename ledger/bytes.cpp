#include "ledger/bytes.hpp"

namespace daicho {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t not_a_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> base64_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_a_digit);
  for (std::size_t i = 0; i < base64_digits.size(); ++i) {
    values[static_cast<std::uint8_t>(base64_digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint8_t hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<std::uint8_t>(digit - 'A' + 10);
  return not_a_digit;
}

std::string encode_base64(ByteView bytes, std::string_view digits, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t taken = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < taken ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k <= taken; ++k) out += digits[group >> (18 - 6 * k) & 63U];
    if (padded) out.append(3 - taken, '=');
  }
  return out;
}

template <std::size_t N, class Number>
std::array<std::uint8_t, N> to_big_endian(Number value) {
  std::array<std::uint8_t, N> bytes{};
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * (N - 1 - i)));
  return bytes;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const std::uint8_t high = hex_value(hex[i]);
    const std::uint8_t low = hex_value(hex[i + 1]);
    if (high == not_a_digit || low == not_a_digit) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string to_base64(ByteView bytes) { return encode_base64(bytes, base64_digits, true); }
std::string to_base64url(ByteView bytes) { return encode_base64(bytes, base64url_digits, false); }

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char digit : text) {
    const std::uint8_t value = base64_values[static_cast<std::uint8_t>(digit)];
    if (value == not_a_digit) return std::nullopt;
    pending = (pending << 6 | value) & 0xFFFFU;
    pending_bits += 6;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    out += static_cast<char>(pending >> pending_bits);
    pending &= (1U << pending_bits) - 1;
  }
  if (pending != 0) return std::nullopt;  // RFC 4648 section 3.5: pad bits are zero
  return out;
}

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) { return to_big_endian<8>(value); }
std::array<std::uint8_t, 4> big_endian32(std::uint32_t value) { return to_big_endian<4>(value); }

std::uint64_t read_big_endian(ByteView eight_bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : eight_bytes) value = value << 8 | byte;
  return value;
}

std::uint32_t read_big_endian32(ByteView four_bytes) { return static_cast<std::uint32_t>(read_big_endian(four_bytes)); }

}  // namespace daicho
