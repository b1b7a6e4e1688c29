#include "ledger/id.hpp"

namespace daicho {
namespace {

constexpr std::size_t uuid_text_size = 36;

constexpr bool is_dash_position(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

std::string to_text(const Id& id) {
  std::string text = to_hex(id.view());
  for (std::size_t position = 0; position < uuid_text_size; ++position) {
    if (is_dash_position(position)) text.insert(position, 1, '-');
  }
  return text;
}

std::optional<Id> parse_id(std::string_view text) {
  if (text.size() != uuid_text_size) return std::nullopt;
  std::string hex;
  for (std::size_t position = 0; position < uuid_text_size; ++position) {
    if (!is_dash_position(position)) {
      hex += text[position];
    } else if (text[position] != '-') {
      return std::nullopt;
    }
  }
  const auto bytes = from_hex(hex);
  return bytes ? Id::from(as_bytes(*bytes)) : std::nullopt;
}

Id make_uuid_v7(std::int64_t time_us, std::span<const std::uint8_t, 10> random) {
  const auto time = big_endian(static_cast<std::uint64_t>(time_us / 1000));
  Id id;
  std::copy(time.begin() + 2, time.end(), id.bytes.begin());             // unix_ts_ms, 48 bits
  std::copy(random.begin(), random.end(), id.bytes.begin() + 6);         // rand_a and rand_b
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0F));  // ver = 7
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3F));  // var = 10
  return id;
}

}  // namespace daicho
