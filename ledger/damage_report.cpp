#include "ledger/damage.hpp"

namespace daicho {

const char* name(DamageClass what) {
  switch (what) {
    case DamageClass::flipped:
      return "flipped";
    case DamageClass::rewritten:
      return "rewritten";
    case DamageClass::truncated:
      return "truncated";
    case DamageClass::reordered:
      return "reordered";
    case DamageClass::missing:
      return "missing";
    case DamageClass::forked:
      return "forked";
    case DamageClass::signature:
      return "signature";
    case DamageClass::malformed:
      return "malformed";
    case DamageClass::service_signature:
      return "service_signature";
    case DamageClass::projection:
      return "projection";
  }
  return "";
}

const char* name(DamagedThing thing) {
  switch (thing) {
    case DamagedThing::event:
      return "event";
    case DamagedThing::checkpoint:
      return "checkpoint";
    case DamagedThing::tile:
      return "tile";
    case DamagedThing::store:
      return "store";
  }
  return "";
}

std::vector<ByteChange> byte_changes(std::string_view expected, std::string_view found) {
  std::vector<ByteChange> changes;
  const std::size_t common = std::min(expected.size(), found.size());
  const auto add = [&](std::size_t from, std::size_t expected_end, std::size_t found_end) {
    const auto part = [&](std::string_view bytes, std::size_t end) {
      return std::string(bytes.substr(from, std::min(end - from, byte_change_bytes_max)));
    };
    changes.push_back({from, part(expected, expected_end), part(found, found_end)});
  };
  for (std::size_t at = 0; at < common && changes.size() < byte_changes_max;) {
    if (expected[at] == found[at]) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < common && expected[end] != found[end]) ++end;
    add(at, end, end);
    at = end;
  }
  if (expected.size() != found.size() && changes.size() < byte_changes_max) add(common, expected.size(), found.size());
  return changes;
}

}  // namespace daicho
