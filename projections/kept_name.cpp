#include "projections/kept_name.hpp"

namespace daicho {

std::optional<Tag32> kept_name_tag(const Store& store, const KeyRing& keys, const SecretKey& ledger_key,
                                   const Id& account, ByteView mark) {
  const auto marked = open_name_mark(ledger_key, account, mark);
  if (marked) {
    const auto row = store.get(Family::rows, as_bytes(sign_in_name_row_key(*marked)));
    if (row && *row) return marked;
  }
  const std::string_view table = "N";
  std::optional<Tag32> kept;
  const auto failed = store.scan(Family::rows, as_bytes(table), [&](ByteView key, ByteView value) {
    if (!as_text(key).starts_with(table)) return false;
    if (holder_of_name(keys, key, value) == account) kept = Tag32::from(key.subspan(table.size()));
    return !kept;
  });
  return failed ? std::nullopt : kept;
}

}  // namespace daicho
