// ledger/structured_fields.hpp — what message signatures need of structured fields for HTTP (RFC 8941): dictionaries
// (section 3.2) of inner lists and items with parameters. Pure; any thread.
//
// Stricter than the RFC where leniency helps nobody: a key stands once in a dictionary and once among parameters,
// base64 is padded and canonical. Decimals (section 3.3.2) are not read: no field of ours has one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace daicho {

inline constexpr std::size_t structured_bytes_max = 8'192;  ///< of a field's value: no header is longer
inline constexpr std::size_t structured_members_max = 32;   ///< of a dictionary, an inner list, an item's parameters

struct StructuredToken {
  std::string text;
  bool operator==(const StructuredToken&) const = default;
};
struct StructuredBytes {
  std::string bytes;
  bool operator==(const StructuredBytes&) const = default;
};
/// A bare item (section 3.3): integer, string, token, byte sequence, boolean.
using StructuredValue = std::variant<std::int64_t, std::string, StructuredToken, StructuredBytes, bool>;

struct StructuredParameter {
  std::string key;
  StructuredValue value;
  bool operator==(const StructuredParameter&) const = default;
};
struct StructuredItem {
  StructuredValue value;
  std::vector<StructuredParameter> parameters;
  bool operator==(const StructuredItem&) const = default;
};
struct InnerList {
  std::vector<StructuredItem> items;
  std::vector<StructuredParameter> parameters;
  bool operator==(const InnerList&) const = default;
};
struct DictionaryMember {
  std::string key;
  std::variant<StructuredItem, InnerList> value;
  bool operator==(const DictionaryMember&) const = default;
};

/// Section 4.2.2; nullopt when malformed or beyond a limit above. A field sent in several lines is given joined by ",
/// ".
std::optional<std::vector<DictionaryMember>> parse_dictionary(std::string_view text);
/// A single inner list, as the value of `@signature-params` is (RFC 9421 section 2.3).
std::optional<InnerList> parse_inner_list(std::string_view text);

/// Section 4.1.1.1: the one canonical form.
std::string serialise(const InnerList& list);

}  // namespace daicho
