#include "commands/evidence.hpp"

namespace daicho {

namespace {

std::unique_ptr<fb::EvidenceItemT> stored(fb::RecoveryField field, Evidence evidence) {
  auto item = std::make_unique<fb::EvidenceItemT>();
  item->field = field;
  item->tag = evidence.tag;
  item->shingles = std::move(evidence.shingles);
  return item;
}

/// Of the mailbox, under the key that goes with it; drawn with its first evidence.
const Vault& mailbox_vault(const Context& context) {
  const Vault* vault = context.vault_at(mailbox_key_slot);
  return vault ? *vault : context.new_vault_at(mailbox_key_slot);
}

void append(Decision& decision, fb::EvidenceRecordedT recorded, std::uint32_t slot) {
  if (recorded.items.empty()) return;
  Draft event = draft(std::move(recorded), {Rule::rec_5, Rule::rec_6});
  event.sealed_slot = slot;
  decision.events.push_back(std::move(event));
}

}  // namespace

Decision decide(const Account& account, const RecordEvidence& command, const Context& context) {
  fb::EvidenceRecordedT of_mailbox, others;
  for (const RecordEvidence::Item& item : command.items) {
    const auto field = parse_recovery_field(item.kind);
    if (!field || !is_evidence(*field))
      return refused({Rule::rec_5, "kind_unknown", "Evidence is of a mail, billing, Skype or Xbox field of the form."});
    if (is_mail(*field) && account.life.mailbox_off)
      return refused({Rule::life_2, "mailbox_off", "The mailbox is deactivated; nothing is kept of it."});
    const std::string normalised = normalise(*field, item.value);
    if (normalised.empty())
      return refused({Rule::rec_5, "value_unusable", "A value of " + item.kind + " cannot be compared with anything."});
    const Vault& vault = is_mail(*field) ? mailbox_vault(context) : context.vault;
    auto& items = is_mail(*field) ? of_mailbox.items : others.items;
    items.push_back(stored(*field, evidence_of(*field, normalised, vault)));
  }
  const std::size_t count = of_mailbox.items.size() + others.items.size();
  if (count == 0) return refused({Rule::rec_5, "no_items", "There is nothing to record."});
  Decision decision = accepted({{"recorded", count}});
  append(decision, std::move(others), own_key_slot);
  append(decision, std::move(of_mailbox), mailbox_key_slot);
  return decision;
}

}  // namespace daicho
