// The data keys of an account beside its own, as one command uses them (docs/decisions/0023-data-keys-by-purpose.md).
#include <set>

#include "commands/executor_run.hpp"

namespace daicho {

/// The stored one, or one that this command drew; null: there is none.
const Executor::SlotKey* Executor::slot_key(Run& run, std::uint32_t slot) const {
  const auto [found, is_new] = run.slots.try_emplace(slot);
  if (!is_new) return found->second.get();
  auto key = run.decoy ? std::optional(slot_key_of(*run.decoy, slot)) : keys_.data_key(store_, run.account_id, slot);
  if (!key) return nullptr;
  Vault vault(run.account_id, *key, keys_.code_key());
  found->second = std::make_unique<const SlotKey>(SlotKey{*std::move(key), std::move(vault), std::nullopt});
  return found->second.get();
}

/// One and the same however often the command decides.
const Executor::SlotKey& Executor::drawn_key(Run& run, std::uint32_t slot) const {
  if (const SlotKey* key = run.decoy ? slot_key(run, slot) : nullptr) return *key;
  auto& drawn = run.slots[slot];
  if (!drawn) {
    auto [key, row] = keys_.new_data_key(run.account_id, entropy_, slot);
    Vault vault(run.account_id, key, keys_.code_key());
    drawn = std::make_unique<const SlotKey>(SlotKey{std::move(key), std::move(vault), std::move(row)});
  }
  return *drawn;
}

/// Those that an event is under; the account's own with its first.
void Executor::append_drawn_keys(Rows& rows, const Run& run, std::span<const Event> appended) const {
  if (run.key_row) rows.push_back(*run.key_row);
  for (const auto& [slot, key] : run.slots) {
    const bool is_used = std::ranges::find(appended, slot, &Event::sealed_slot) != appended.end();
    if (key && key->drawn && is_used) rows.push_back(*key->drawn);
  }
}

namespace {

/// The proof that a command names: its body may hold something of it, a confirmation or an answer.
std::optional<Id> named_proof(const Command& command) {
  return std::visit(
      [](const auto& each) -> std::optional<Id> {
        if constexpr (requires { Id(each.proof); }) return each.proof;
        return std::nullopt;
      },
      command);
}

}  // namespace

/// The data keys beside the account's own under which something of the command is, in ascending order.
std::vector<std::uint32_t> Executor::slots_concerned(const Run& run, std::span<const Draft> drafts) const {
  std::set<std::uint32_t> slots;
  for (const Draft& draft : drafts) slots.insert(draft.sealed_slot);
  const auto named = named_proof(run.request.command);
  const Proof* proof = named ? run.account.proofs.find(*named) : nullptr;
  if (proof) slots.insert(proof->sealed_slot);
  slots.erase(own_key_slot);
  return {slots.begin(), slots.end()};
}

/// Keyed, so that the public log confirms no guess at what is in the body; by every key under which something of it is,
/// so that nothing can once one of them is erased.
Hash Executor::command_digest(Run& run, std::span<const Draft> drafts) const {
  constexpr std::string_view label = "daicho command digest v1";
  Tag32 digest = keyed_hash(*run.data_key, label, {as_bytes(run.request.issuer.command), as_bytes(run.request.body)});
  for (const std::uint32_t slot : slots_concerned(run, drafts)) {
    if (const SlotKey* key = slot_key(run, slot)) digest = keyed_hash(key->key, label, {digest.view()});
  }
  return *Hash::from(digest.view());
}

/// A signature over a digest of the body confirms guesses, too: nobody opens it once one of these keys is erased.
std::shared_ptr<const RequestToSeal> Executor::request_to_seal(Run& run, std::span<const Draft> drafts) const {
  std::vector<std::uint32_t> slots;
  std::vector<const SecretKey*> keys;
  for (const std::uint32_t slot : slots_concerned(run, drafts)) {
    const SlotKey* key = slot_key(run, slot);
    if (!key) continue;
    slots.push_back(slot);
    keys.push_back(&key->key);
  }
  return std::make_shared<const RequestToSeal>(
      RequestToSeal{run.request.issuer.signed_request, std::move(slots), request_key(*run.data_key, keys)});
}

}  // namespace daicho
