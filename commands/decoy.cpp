#include "commands/decoy.hpp"

#include <algorithm>

#include "commands/vault.hpp"
#include "projections/row_codec.hpp"

namespace daicho {

namespace {

constexpr Position decoy_mailbox = 1, decoy_phone = 2, decoy_events = 6;
constexpr Time first_registration =
    1'577'836'800 * second_us;  // 2020-01-01; decoys registered in the three years after
constexpr Duration registration_span = 3 * 365 * day_us;

Time registration_of(const Tag32& name_hash) {
  return first_registration + static_cast<Time>(read_big_endian(name_hash.view().first(8)) % registration_span);
}

Id id_of(const Tag32& name_hash) {
  std::array<std::uint8_t, 10> random;
  std::ranges::copy(name_hash.view().subspan(8, 10), random.begin());
  return make_uuid_v7(registration_of(name_hash), random);
}

Tag32 hash_of(const KeyRing& keys, std::string_view name) {
  return keyed_hash(keys.lookup_key(), "daicho decoy v1", {as_bytes(name)});
}

Decoy decoy_of(const KeyRing& keys, const Tag32& name_hash) {
  return {name_hash, id_of(name_hash), derive_key(keys.code_key(), "daicho decoy key v1", {name_hash.view()}), {}, {},
          {}};
}

/// As an account that registered long ago and has two verified proofs.
Account made_up(const Decoy& decoy, const Vault& vault, Time now) {
  const Time registered_at = registration_of(decoy.name_hash);
  Account account;
  account.id = decoy.id;
  account.head = {decoy_events, decoy_events - 1, {}};
  account.identity.registered_at = std::min(registered_at, now);
  account.identity.last_sign_in = now;
  account.identity.profiles = account.identity.passwords = {0};
  account.identity.name_confirmed = true;
  const auto add = [&](fb::ProofKind kind, Position position, const char* label) {
    Proof proof;
    proof.kind = kind;
    proof.status = ProofStatus::verified;
    proof.added = proof.status_position = position;
    proof.added_at = proof.status_since = proof.verified_at = account.identity.registered_at;
    proof.address_tag = vault.tag("decoy address", label);
    proof.confirmation_tag = vault.tag("decoy confirmation", label);
    const Tag16 id = vault.tag("decoy proof", label);
    proof.id = make_uuid_v7(registered_at, std::span(id.bytes).first<10>());
    account.proofs.all.push_back(std::move(proof));
  };
  add(fb::ProofKind::email, decoy_mailbox, "mailbox");
  add(fb::ProofKind::mobile_phone, decoy_phone, "phone");
  return account;
}

/// What is kept in a slot: the keyed hash of its name and its state.
struct Kept {
  Tag32 name_hash;
  Account account;
};
Result<std::optional<Kept>, StoreError> kept_at(const Store& store, const std::string& key) {
  const auto row = store.get(Family::meta, as_bytes(key));
  if (!row) return Unexpected{row.error()};
  if (!*row || (*row)->size() < 32) return std::optional<Kept>{};
  const ByteView bytes = as_bytes(**row);
  auto account = decode_account(bytes.subspan(32));
  if (!account) return std::optional<Kept>{};
  return std::optional(Kept{*Tag32::from(bytes.first(32)), *std::move(account)});
}

}  // namespace

std::string decoy_row_key(const Id& decoy) {
  std::string key = "decoy/slot/";
  append(key, big_endian32(static_cast<std::uint32_t>(read_big_endian(decoy.view().last(8)) % decoy_slots)));
  return key;
}

std::string encode_decoy_row(const Decoy& decoy, const Account& account) {
  return std::string(decoy.name_hash.text()) + encode_row(account);
}

std::string decoy_events_prefix(const Id& decoy) { return "decoy/event/" + std::string(decoy.text()); }

std::string decoy_event_key(const Id& decoy, Position position) {
  std::string key = decoy_events_prefix(decoy);
  append(key, big_endian(position));
  return key;
}

std::string decoy_index_key(std::string_view row_key) { return "decoy/row/" + std::string(row_key); }

bool is_made_up(const Proof& proof) { return proof.added < decoy_events; }

Id decoy_id(const KeyRing& keys, std::string_view name) { return id_of(hash_of(keys, name)); }

Result<Decoy, StoreError> load_decoy(const Store& store, const KeyRing& keys, std::string_view name, Time now) {
  Decoy decoy = decoy_of(keys, hash_of(keys, name));
  decoy.name = name;
  auto kept = kept_at(store, decoy_row_key(decoy.id));
  if (!kept) return Unexpected{kept.error()};
  if (*kept && (*kept)->account.id == decoy.id) {
    decoy.account = std::move((*kept)->account);
    return decoy;
  }
  if (*kept) decoy.evicted = (*kept)->account.id;
  decoy.account = made_up(decoy, Vault(decoy.id, decoy.data_key, keys.code_key()), now);
  return decoy;
}

Result<std::optional<Decoy>, StoreError> find_decoy(const Store& store, const KeyRing& keys, const Id& id) {
  auto kept = kept_at(store, decoy_row_key(id));
  if (!kept) return Unexpected{kept.error()};
  if (!*kept || (*kept)->account.id != id) return std::optional<Decoy>{};
  Decoy decoy = decoy_of(keys, (*kept)->name_hash);
  decoy.account = std::move((*kept)->account);
  return std::optional(std::move(decoy));
}

std::shared_ptr<const fb::PersonalT> decoy_personal(const Store& store, const Decoy& decoy, Position position,
                                                    const Policy& policy) {
  if (position >= decoy_events) {
    const auto envelope = store.get(Family::meta, as_bytes(decoy_event_key(decoy.id, position)));
    if (!envelope || !*envelope) return nullptr;
    const auto event = Event::parse(as_bytes(**envelope));
    auto personal = event ? event->open(decoy.data_key) : std::nullopt;
    return personal ? std::make_shared<const fb::PersonalT>(*std::move(personal)) : nullptr;
  }
  fb::PersonalT personal;
  const ByteView random = decoy.id.view().last(8);
  if (position == 0) {
    personal.sign_in_name = decoy.name;
  } else if (position == decoy_mailbox) {
    const auto& domains = policy.provider_domains;
    const std::string domain = domains.empty() ? "example.com" : domains[random[2] % domains.size()];
    personal.address = {static_cast<char>('a' + random[3] % 26), static_cast<char>('a' + random[4] % 26)};
    personal.address += "nobody@" + domain;
  } else if (position == decoy_phone) {
    personal.national_digits = "090000000";
    personal.national_digits += {static_cast<char>('0' + random[5] % 10), static_cast<char>('0' + random[6] % 10)};
  }
  return std::make_shared<const fb::PersonalT>(std::move(personal));
}

}  // namespace daicho
