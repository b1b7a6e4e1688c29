#include "commands/evidence.hpp"

namespace daicho {

Decision decide(const Account& account, const RecordEvidence& command, const Context& context) {
  fb::EvidenceRecordedT recorded;
  for (const RecordEvidence::Item& item : command.items) {
    const auto field = parse_recovery_field(item.kind);
    if (!field || !is_evidence(*field))
      return refused({Rule::rec_5, "kind_unknown", "Evidence is of a mail, billing, Skype or Xbox field of the form."});
    if (is_mail(*field) && account.life.mailbox_off)
      return refused({Rule::life_2, "mailbox_off", "The mailbox is deactivated; nothing is kept of it."});
    const std::string normalised = normalise(*field, item.value);
    if (normalised.empty())
      return refused({Rule::rec_5, "value_unusable", "A value of " + item.kind + " cannot be compared with anything."});
    Evidence evidence = evidence_of(*field, normalised, context.vault);
    auto stored = std::make_unique<fb::EvidenceItemT>();
    stored->field = *field;
    stored->tag = evidence.tag;
    stored->shingles = std::move(evidence.shingles);
    recorded.items.push_back(std::move(stored));
  }
  if (recorded.items.empty()) return refused({Rule::rec_5, "no_items", "There is nothing to record."});
  Decision decision = accepted({{"recorded", recorded.items.size()}});
  decision.events.push_back(draft(std::move(recorded), {Rule::rec_5, Rule::rec_6}));
  return decision;
}

}  // namespace daicho
