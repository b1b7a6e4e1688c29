#include "ledger/erasing.hpp"

namespace daicho {

std::optional<Erasing> erasing(const Event& event) {
  const auto unpacked = [](const fb::Digest* digest) { return digest ? flatbuffers::UnPack(*digest) : Hash{}; };
  if (const auto* erased = event.as<fb::DataKeyErased>())
    return Erasing{erased->slot(), unpacked(erased->key_fingerprint())};
  const auto* closed = event.as<fb::AccountClosed>();
  const Hash fingerprint = unpacked(closed ? closed->key_fingerprint() : nullptr);
  return fingerprint.is_zero() ? std::nullopt : std::optional(Erasing{own_key_slot, fingerprint});
}

}  // namespace daicho
