#include "projections/accesses.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"

namespace daicho {

namespace {

constexpr std::string_view table = "I";
constexpr std::size_t place_bytes = 1 + 8 + 8;  // the NUL, time, position

}  // namespace

std::string access_rows_prefix(std::string_view investigator) {
  std::string key(table);
  key += investigator;
  return key + '\0';
}

std::string access_row_key(const AccessRow& row) {
  std::string key = access_rows_prefix(row.investigator);
  append(key, big_endian(static_cast<std::uint64_t>(row.at)));
  append(key, big_endian(row.position));
  return key;
}

std::optional<AccessRow> parse_access_row(ByteView key) {
  const std::string_view text = as_text(key);
  if (!text.starts_with(table) || text.size() < table.size() + place_bytes) return std::nullopt;
  const std::size_t end = text.size() - place_bytes;
  if (text.find('\0') != end) return std::nullopt;
  return AccessRow{std::string(text.substr(table.size(), end - table.size())),
                   static_cast<Time>(read_big_endian(key.subspan(end + 1, 8))),
                   read_big_endian(key.subspan(end + 9, 8))};
}

std::optional<AccessRow> access_of(const Event& event) {
  const auto* recorded = event.as<fb::AccessRecorded>();
  if (!recorded) return std::nullopt;
  std::string investigator = text_of(recorded->investigator());
  if (investigator.empty()) investigator = text_of(event.header().service());
  return AccessRow{std::move(investigator), event.time(), event.position()};
}

Result<std::vector<AccessRow>, StoreError> read_accesses(const Store& store,
                                                         const std::optional<std::string>& investigator, Time since) {
  std::vector<AccessRow> rows;
  const std::string prefix = investigator ? access_rows_prefix(*investigator) : std::string(table);
  const std::string from = investigator ? access_row_key({*investigator, std::max<Time>(since, 0), 0}) : prefix;
  const auto failed = store.scan(Family::rows, as_bytes(from), [&](ByteView key, ByteView) {
    if (!as_text(key).starts_with(prefix)) return false;
    if (auto row = parse_access_row(key); row && row->at >= since) rows.push_back(*std::move(row));
    return true;
  });
  if (failed) return Unexpected{*failed};
  return rows;
}

}  // namespace daicho
