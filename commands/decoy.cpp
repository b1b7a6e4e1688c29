#include "commands/decoy.hpp"

#include "commands/vault.hpp"
#include "projections/row_codec.hpp"

namespace daicho {

namespace {

constexpr std::size_t decoy_slots = 65'536;
constexpr Position decoy_mailbox = 1, decoy_phone = 2, decoy_events = 6;
constexpr Time first_registration =
    1'577'836'800 * second_us;  // 2020-01-01; decoys registered in the three years after
constexpr Duration registration_span = 3 * 365 * day_us;

std::string slot_key(const Id& id) {
  const std::uint64_t slot = read_big_endian(id.view().last(8)) % decoy_slots;
  std::string key = "decoy";
  append(key, big_endian32(static_cast<std::uint32_t>(slot)));
  return key;
}

/// As an account that registered long ago and has two verified proofs.
Account new_decoy(const Decoy& decoy, const Vault& vault, Time registered_at, Time now) {
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

}  // namespace

fb::PersonalT decoy_personal(const Id& decoy, Position position, const Policy& policy) {
  fb::PersonalT personal;
  const ByteView random = decoy.view().last(8);
  if (position == decoy_mailbox) {
    const auto& domains = policy.provider_domains;
    const std::string domain = domains.empty() ? "example.com" : domains[random[2] % domains.size()];
    personal.address = {static_cast<char>('a' + random[3] % 26), static_cast<char>('a' + random[4] % 26)};
    personal.address += "nobody@" + domain;
  } else if (position == decoy_phone) {
    personal.national_digits = "090000000";
    personal.national_digits += {static_cast<char>('0' + random[5] % 10), static_cast<char>('0' + random[6] % 10)};
  }
  return personal;
}

Result<Decoy, StoreError> load_decoy(const Store& store, const KeyRing& keys, std::string_view name, Time now) {
  const Tag32 hash = keyed_hash(keys.lookup_key(), "daicho decoy v1", {as_bytes(name)});
  const Time registered_at =
      first_registration + static_cast<Time>(read_big_endian(hash.view().first(8)) % registration_span);
  std::array<std::uint8_t, 10> random;
  std::ranges::copy(hash.view().subspan(8, 10), random.begin());
  Decoy decoy{
      make_uuid_v7(registered_at, random), derive_key(keys.code_key(), "daicho decoy key v1", {hash.view()}), {}, {}};
  decoy.row_key = slot_key(decoy.id);
  const auto stored = store.get(Family::meta, as_bytes(decoy.row_key));
  if (!stored) return Unexpected{stored.error()};
  auto account = *stored ? decode_account(as_bytes(**stored)) : std::nullopt;
  const bool is_its = account && account->id == decoy.id;
  const Vault vault(decoy.id, decoy.data_key, keys.code_key());
  decoy.account = is_its ? *std::move(account) : new_decoy(decoy, vault, registered_at, now);
  return decoy;
}

}  // namespace daicho
