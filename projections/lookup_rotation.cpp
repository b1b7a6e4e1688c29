#include "projections/lookup_rotation.hpp"

#include <algorithm>

namespace daicho {

namespace {

/// Which of the keys before stay in use: names that closings marked can be found under no other.
LookupSlots slots_after(const Replay& replay, const LookupSlots& before, std::uint32_t rotations) {
  LookupSlots after{{lookup_slot(rotations)}, before.in_use};
  for (std::uint32_t earlier = rotations; earlier-- > 0;) {
    const std::uint32_t slot = lookup_slot(earlier);
    const bool was_in_use = std::ranges::find(before.in_use, slot) != before.in_use.end();
    if (was_in_use && replay.marked_after_rotations().contains(earlier)) after.in_use.push_back(slot);
  }
  return after;
}

std::optional<StoreError> put_rows_under(Store& store, KeyRing& keys, const LookupSlots& before,
                                         std::uint32_t rotations, const ReplayProgress& progress) {
  std::vector<std::uint32_t> all = before.in_use;
  all.insert(all.begin(), lookup_slot(rotations));
  if (!keys.use_lookup_keys(store, all)) return StoreError{StoreFault::corrupt, "a lookup key does not open"};
  Replay replay(store, &keys);
  if (auto error = replay_log(store, replay, progress)) return error;
  if (auto error = fill_shadow(store, replay.rows())) return error;
  const LookupSlots after = slots_after(replay, before, rotations);
  Rows beside = {lookup_slots_row(after)};
  for (const std::uint32_t slot : before.in_use) {
    const bool is_kept = std::ranges::find(after.in_use, slot) != after.in_use.end();
    if (!is_kept) beside.push_back({Family::keys, KeyRing::row_key(Id{}, slot), std::nullopt});
  }
  if (auto error = store.swap_shadow(beside)) return error;
  const bool is_open = keys.use_lookup_keys(store, after.in_use);
  return is_open ? std::nullopt : std::optional(StoreError{StoreFault::corrupt, "a lookup key does not open"});
}

/// The rows that were set aside go, and with the write-ahead log every copy of what was deleted.
std::optional<StoreError> purge_leaving(Store& store, LookupSlots slots) {
  std::vector<RowPrefix> prefixes;
  for (const std::uint32_t slot : slots.leaving) prefixes.push_back({Family::keys, KeyRing::row_key(Id{}, slot)});
  if (auto error = store.purge(prefixes)) return error;
  slots.leaving.clear();
  return store.write({lookup_slots_row(slots)}, true);
}

}  // namespace

std::optional<StoreError> finish_lookup_rotation(Store& store, KeyRing& keys, std::uint32_t rotations,
                                                 const ReplayProgress& progress) {
  auto slots = read_lookup_slots(store);
  if (!slots) return slots.error();
  if (slots->in_use.front() != lookup_slot(rotations)) {
    if (auto error = put_rows_under(store, keys, *slots, rotations, progress)) return error;
    slots = read_lookup_slots(store);
    if (!slots) return slots.error();
  }
  return slots->leaving.empty() ? std::nullopt : purge_leaving(store, *std::move(slots));
}

}  // namespace daicho
