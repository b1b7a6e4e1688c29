// ledger/lines.hpp — what the line formats of C2SP have in common. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace daicho {

/// Takes a line and its newline from the front; nullopt when there is no newline.
std::optional<std::string_view> take_line(std::string_view& rest);
/// Decimal without leading zeros; `0` is zero.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace daicho
