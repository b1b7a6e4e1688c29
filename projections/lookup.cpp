#include "projections/lookup.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"
#include "projections/folding.hpp"

namespace daicho {

namespace {

// On disk: do not change them.
constexpr std::string_view name_label = "daicho sign-in name v1";
constexpr std::string_view holder_label = "daicho name holder v1";
constexpr std::string_view name_mark_label = "daicho name mark v1";
constexpr std::string_view address_label = "daicho proof address v1";
constexpr std::size_t entry_bytes = Id::size + Tag16::size;  // of a row P

Tag32 name_tag_under(const SecretKey& lookup_key, std::string_view name) {
  return keyed_hash(lookup_key, name_label, {as_bytes(name)});
}

/// The code key is not rotated: who holds a name can be read under whichever lookup key its row was written.
SecretKey holder_key(const KeyRing& keys) { return derive_key(keys.code_key(), holder_label, {}); }

/// The account is hashed with the address, so that no two accounts have a tag in common.
Tag16 address_tag(const KeyRing& keys, std::string_view folded_address, const Id& account) {
  return keyed_tag(keys.lookup_key(), address_label, {as_bytes(folded_address), account.view()});
}

bool has_address(fb::ProofKind kind) {
  return kind == fb::ProofKind::email || kind == fb::ProofKind::mobile_email || kind == fb::ProofKind::mobile_phone ||
         kind == fb::ProofKind::landline_phone;
}

}  // namespace

Tag32 sign_in_name_tag(const KeyRing& keys, std::string_view name) { return name_tag_under(keys.lookup_key(), name); }

std::string sign_in_name_row_key(const Tag32& name_tag) { return "N" + std::string(name_tag.text()); }

RowChange sign_in_name_row(const KeyRing& keys, const Tag32& name_tag, const Id& account) {
  std::string key = sign_in_name_row_key(name_tag);
  std::string holder = seal(holder_key(keys), account.view(), as_bytes(key));
  return {Family::rows, std::move(key), std::move(holder)};
}

std::optional<Id> holder_of_name(const KeyRing& keys, ByteView row_key, ByteView row_value) {
  const auto holder = open_sealed(holder_key(keys), row_value, row_key);
  return holder ? Id::from(as_bytes(*holder)) : std::nullopt;
}

Result<std::optional<Id>, StoreError> find_sign_in_name(const Store& store, const KeyRing& keys,
                                                        std::string_view name) {
  std::optional<Id> found;
  for (const KeyRing::LookupKey& each : keys.lookup_keys()) {
    const std::string key = sign_in_name_row_key(name_tag_under(each.key, name));
    const auto row = store.get(Family::rows, as_bytes(key));
    if (!row) return Unexpected{row.error()};
    if (!*row || found) continue;  // under an earlier key the name was a closed account's, before this one had it
    found = holder_of_name(keys, as_bytes(key), as_bytes(**row));
    if (!found)
      return Unexpected{StoreError{StoreFault::corrupt, "a sign-in name's row does not open: replay --rebuild"}};
  }
  return found;
}

std::string name_mark(const SecretKey& ledger_key, const Id& account, const Tag32& name_tag) {
  return seal(derive_key(ledger_key, name_mark_label, {}), name_tag.view(), account.view());
}

std::optional<Tag32> open_name_mark(const SecretKey& ledger_key, const Id& account, ByteView mark) {
  const auto tag = open_sealed(derive_key(ledger_key, name_mark_label, {}), mark, account.view());
  return tag ? Tag32::from(as_bytes(*tag)) : std::nullopt;
}

std::optional<Tag32> marked_name_tag(const Event& event, const SecretKey& ledger_key) {
  const auto* closed = event.as<fb::AccountClosed>();
  return open_name_mark(ledger_key, event.account(), list_of(closed ? closed->name_mark() : nullptr));
}

std::vector<AddressedProof> addressed_proofs(const Account& account) {
  std::vector<AddressedProof> proofs;
  if (account.life.end) return proofs;
  for (const Proof& proof : account.proofs.all) {
    const bool is_there = proof.is_usable() || proof.status == ProofStatus::confirmed;
    if (is_there && has_address(proof.kind)) proofs.push_back({proof.id, proof.added});
  }
  return proofs;
}

std::string proof_addresses_row_key(const Id& account) { return "P" + std::string(account.text()); }

std::optional<std::string> proof_addresses_row_value(const Lookup& lookup, const Id& account,
                                                     const std::vector<AddressedProof>& proofs) {
  std::string value;
  for (const AddressedProof& each : proofs) {
    const auto personal = lookup.personal(each.added);
    if (!personal || personal->address.empty()) continue;
    append(value, each.proof.view());
    append(value, address_tag(*lookup.keys, fold_address(personal->address), account).view());
  }
  return value.empty() ? std::nullopt : std::optional(std::move(value));
}

Result<std::vector<FoundProof>, StoreError> find_proof_address(const Store& store, const KeyRing& keys,
                                                               std::string_view address, std::size_t found_max) {
  std::vector<FoundProof> found;
  bool is_damaged = false;
  const auto failed = store.scan(Family::rows, as_bytes("P"), [&](ByteView key, ByteView value) {
    if (key[0] != 'P') return false;
    const auto account = Id::from(key.subspan(1));
    is_damaged = !account || value.size() % entry_bytes != 0;
    if (is_damaged) return false;
    const Tag16 wanted = address_tag(keys, address, *account);
    for (; !value.empty() && found.size() < found_max; value = value.subspan(entry_bytes)) {
      const bool is_it = equal_constant_time(value.subspan(Id::size, Tag16::size), wanted.view());
      if (is_it) found.push_back({*account, *Id::from(value.first(Id::size))});
    }
    return found.size() < found_max;
  });
  if (failed) return Unexpected{*failed};
  if (is_damaged)
    return Unexpected{StoreError{StoreFault::corrupt, "a row of proof addresses does not read: replay --rebuild"}};
  return found;
}

}  // namespace daicho
