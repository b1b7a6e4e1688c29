#include "commands/decoy.hpp"

#include <algorithm>
#include <bit>

#include "commands/vault.hpp"
#include "projections/row_codec.hpp"
#include "projections/rows.hpp"

namespace daicho {

namespace {

constexpr Position decoy_mailbox = 1, decoy_phone = 2, decoy_events = 8;
constexpr std::array<std::string_view, 8> mailbox_domains = {"gmail.com",   "outlook.com", "yahoo.co.jp",
                                                             "icloud.com",  "hotmail.com", "docomo.ne.jp",
                                                             "ezweb.ne.jp", "outlook.jp"};

/// Some instant of the ledger's life, the same until the ledger is twice as old: no account's id is older than it.
Time registration_of(const Tag32& name_hash, Time ledger_created_at, Time now) {
  const auto age = static_cast<std::uint64_t>(std::max<Time>(now - ledger_created_at, 1));
  return ledger_created_at + static_cast<Time>(read_big_endian(name_hash.view().first(8)) % std::bit_floor(age));
}

Id id_of(const Tag32& name_hash, Time registered_at) {
  std::array<std::uint8_t, 10> random;
  std::ranges::copy(name_hash.view().subspan(8, 10), random.begin());
  return make_uuid_v7(registered_at, random);
}

Tag32 hash_of(const KeyRing& keys, std::string_view name) {
  return keyed_hash(keys.code_key(), "daicho decoy v2", {as_bytes(name)});  // the lookup key is rotated; decoys stay
}

Decoy decoy_of(const KeyRing& keys, const Tag32& name_hash) {
  return {
      name_hash, id_of(name_hash, 0), derive_key(keys.code_key(), "daicho decoy key v1", {name_hash.view()}), {}, {},
      {}};
}

/// As an account that registered long ago and has two verified proofs.
Account made_up(const Decoy& decoy, const Vault& vault, Time registered_at) {
  const std::uint64_t events = decoy_events + decoy.name_hash.view()[31] % 32;
  Account account;
  account.id = decoy.id;
  account.head = {events, events - 1, {}};
  account.identity.registered_at = registered_at;
  account.identity.last_sign_in = registered_at;
  account.identity.profiles = account.identity.passwords = {0};
  account.identity.name_confirmed = true;
  const auto add = [&](fb::ProofKind kind, Position position, const char* label) {
    Proof proof;
    proof.kind = kind;
    proof.status = ProofStatus::verified;
    proof.added = proof.status_position = position;
    proof.added_at = proof.status_since = registered_at;
    proof.verified = decoy_events - 1;
    proof.address_tag = vault.tag("decoy address", label);
    proof.confirmation_tag = vault.tag("decoy confirmation", label);
    const Tag16 id = vault.tag("decoy proof", label);
    proof.id = make_uuid_v7(registered_at, std::span(id.bytes).first<10>());
    proof.sealed_slot = account.keys.next_slot++;
    account.keys.live.push_back({.slot = proof.sealed_slot, .destination = proof.address_tag});
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

bool is_made_up(const Proof& proof) { return proof.added <= decoy_phone; }

Id decoy_lock_id(const KeyRing& keys, std::string_view name) { return id_of(hash_of(keys, name), 0); }

Result<Decoy, StoreError> load_decoy(const Store& store, const KeyRing& keys, std::string_view name,
                                     Time ledger_created_at, Time now) {
  Decoy decoy = decoy_of(keys, hash_of(keys, name));
  decoy.name = name;
  auto kept = kept_at(store, decoy_row_key(decoy.id));
  if (!kept) return Unexpected{kept.error()};
  const bool is_its = *kept && (*kept)->name_hash == decoy.name_hash;
  if (is_its && (*kept)->account.head.version < decoy_events_max) {
    decoy.account = std::move((*kept)->account);
    decoy.id = decoy.account.id;
    return decoy;
  }
  if (*kept) decoy.evicted = std::move((*kept)->account);
  const Time registered_at = registration_of(decoy.name_hash, ledger_created_at, now);
  decoy.id = id_of(decoy.name_hash, registered_at);
  decoy.account = made_up(decoy, Vault(decoy.id, decoy.data_key, keys.code_key()), registered_at);
  return decoy;
}

Result<Rows, StoreError> eviction(const Store& store, const Account& decoy) {
  Rows rows;
  for (const Due& due : due_of(decoy)) rows.push_back({Family::meta, decoy_index_key(due_row_key(due)), std::nullopt});
  const std::string events = decoy_events_prefix(decoy.id);
  std::string envelope;
  const auto failed = store.scan(Family::meta, as_bytes(events), [&](ByteView key, ByteView value) {
    if (!as_text(key).starts_with(events)) return false;
    envelope.assign(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    const auto* notifications = event ? event->body().notifications() : nullptr;
    for (std::size_t i = 0; notifications && i < notifications->size(); ++i) {
      const Id id = flatbuffers::UnPack(*notifications->Get(static_cast<flatbuffers::uoffset_t>(i))->id());
      rows.push_back({Family::meta, decoy_index_key(outbox_row_key(id)), std::nullopt});
    }
    return true;
  });
  if (failed) return Unexpected{*failed};
  rows.push_back({Family::meta, events, std::nullopt, true});
  return rows;
}

Result<std::optional<Decoy>, StoreError> find_decoy(const Store& store, const KeyRing& keys, const Id& id) {
  auto kept = kept_at(store, decoy_row_key(id));
  if (!kept) return Unexpected{kept.error()};
  if (!*kept || (*kept)->account.id != id) return std::optional<Decoy>{};
  Decoy decoy = decoy_of(keys, (*kept)->name_hash);
  decoy.account = std::move((*kept)->account);
  decoy.id = decoy.account.id;
  return std::optional(std::move(decoy));
}

SecretKey slot_key_of(const Decoy& decoy, std::uint32_t slot) {
  if (slot == own_key_slot) return decoy.data_key.clone();
  return derive_key(decoy.data_key, "daicho decoy slot v1", {big_endian32(slot)});
}

std::shared_ptr<const fb::PersonalT> decoy_personal(const Store& store, const Decoy& decoy, Position position) {
  if (position > decoy_phone) {
    const auto envelope = store.get(Family::meta, as_bytes(decoy_event_key(decoy.id, position)));
    if (!envelope || !*envelope) return nullptr;
    const auto event = Event::parse(as_bytes(**envelope));
    auto personal = event ? event->open(slot_key_of(decoy, event->sealed_slot())) : std::nullopt;
    return personal ? std::make_shared<const fb::PersonalT>(*std::move(personal)) : nullptr;
  }
  fb::PersonalT personal;
  const ByteView random = decoy.id.view().last(8);
  if (position == 0) {
    personal.sign_in_name = decoy.name;
  } else if (position == decoy_mailbox) {
    personal.address = {static_cast<char>('a' + random[3] % 26), static_cast<char>('a' + random[4] % 26)};
    personal.address += "nobody@" + std::string(mailbox_domains[random[2] % mailbox_domains.size()]);
  } else if (position == decoy_phone) {
    personal.national_digits = "090000000";
    personal.national_digits += {static_cast<char>('0' + random[5] % 10), static_cast<char>('0' + random[6] % 10)};
  }
  return std::make_shared<const fb::PersonalT>(std::move(personal));
}

}  // namespace daicho
