// docs/ledger-format.md, sections "Keys" and "Store".
#include "ledger/lookup_slots.hpp"

namespace daicho {
namespace {

// On disk: do not change these values.
constexpr std::uint32_t first_lookup_slot = 1;
constexpr std::uint32_t rotated_lookup_slots = 256;
constexpr std::string_view lookup_slots_key = "lookup";
constexpr std::size_t slot_bytes = 4;

}  // namespace

std::uint32_t lookup_slot(std::uint32_t rotations) {
  return rotations == 0 ? first_lookup_slot : rotated_lookup_slots + rotations;
}

Hash lookup_fingerprint(const SecretKey& key) {
  return *Hash::from(keyed_hash(key, "daicho lookup key fingerprint v1", {}).view());
}

Result<LookupSlots, StoreError> read_lookup_slots(const Store& store) {
  const auto row = store.get(Family::meta, as_bytes(lookup_slots_key));
  if (!row) return Unexpected{row.error()};
  if (!*row) return LookupSlots{};
  const ByteView bytes = as_bytes(**row);
  std::vector<std::uint32_t> numbers;
  for (std::size_t at = 0; at + slot_bytes <= bytes.size(); at += slot_bytes)
    numbers.push_back(read_big_endian32(bytes.subspan(at, slot_bytes)));
  const bool is_whole = bytes.size() == numbers.size() * slot_bytes && numbers.size() > 1 && numbers[0] > 0;
  if (!is_whole || numbers[0] >= numbers.size())
    return Unexpected{StoreError{StoreFault::corrupt, "the list of lookup keys does not read"}};
  const auto leaving = numbers.begin() + 1 + numbers[0];
  return LookupSlots{{numbers.begin() + 1, leaving}, {leaving, numbers.end()}};
}

RowChange lookup_slots_row(const LookupSlots& slots) {
  std::string value;
  append(value, big_endian32(static_cast<std::uint32_t>(slots.in_use.size())));
  for (const auto* list : {&slots.in_use, &slots.leaving}) {
    for (const std::uint32_t slot : *list) append(value, big_endian32(slot));
  }
  return {Family::meta, std::string(lookup_slots_key), std::move(value)};
}

}  // namespace daicho
