#include "commands/life_cycle.hpp"

#include "commands/blocking.hpp"

namespace daicho {

std::optional<Refusal> check_not_ended(const Account& account) {
  if (!account.life.end) return std::nullopt;
  const bool is_closed = account.life.end->kind == EndKind::closed;
  return Refusal{is_closed ? Rule::life_1 : Rule::life_3, is_closed ? "account_closed" : "account_expired",
                 is_closed ? "The account was closed." : "The account expired."};
}

namespace {

Draft closing(const std::string& name_mark, Rule rule, const Context& context) {
  fb::AccountClosedT closed{.key_fingerprint = context.vault.key_fingerprint()};
  closed.name_mark.assign(name_mark.begin(), name_mark.end());
  return draft(std::move(closed), {rule});
}

Draft key_erased(const DataKey& key, const Vault& vault, Rule rule) {
  return draft(fb::DataKeyErasedT{.slot = key.slot,
                                  .purpose = key.purpose,
                                  .key_fingerprint = vault.key_fingerprint(),
                                  .unneeded_since = key.unneeded_since.value_or(0)},
               {rule});
}

}  // namespace

Decision decide(const Account& account, const CloseAccount& command, const Context& context) {
  if (!command.confirm)
    return refused({Rule::life_1, "not_confirmed", "Closing an account needs an explicit yes: `confirm` is true."});
  if (auto blocked = check_not_blocked(account)) return refused(*std::move(blocked));
  if (auto rejection = check_current_password(account, command.verdict, Rule::life_1, context))
    return *std::move(rejection);
  Decision decision = accepted({{"state", "closed"}});
  decision.events.push_back(closing(command.name_mark, Rule::life_1, context));
  return decision;
}

Decision decide(const Account& account, const CloseExpiredAccount& command, const Context& context) {
  const auto& end = account.life.end;
  if (!end || end->kind != EndKind::expired)
    return refused({Rule::life_3, "not_expired", "The account did not expire, or is closed already."});
  const Time due = end->at + context.policy.expired_account_retention_days * day_us;
  if (context.now < due)
    return refused({Rule::life_3, "not_due", "An expired account is kept for a while before it is erased.", due});
  Decision decision = accepted({{"state", "closed"}});
  decision.events.push_back(closing(command.name_mark, Rule::life_3, context));
  decision.events.back().caused_by = end->position;
  return decision;
}

Decision decide(const Account& account, const EraseDataKey& command, const Context& context) {
  const DataKey* key = account.keys.find(command.slot);
  if (!key) return refused({Rule::prf_5, "key_unknown", "The account has no such data key, or it is erased already."});
  if (!key->unneeded_since)
    return refused({Rule::prf_5, "key_needed", "A proof of the account is under this data key, or its mailbox."});
  const Time due = *key->unneeded_since + context.policy.removed_proof_retention_days * day_us;
  if (context.now < due)
    return refused({Rule::prf_5, "not_due", "What is removed is kept for a while before it is erased.", due});
  const Vault* vault = context.vault_at(key->slot);
  if (!vault) return refused({Rule::prf_5, "key_missing", "The data key is gone and no event says why: see an audit."});
  Decision decision = accepted({{"slot", key->slot}});
  decision.events.push_back(key_erased(*key, *vault, Rule::prf_5));
  return decision;
}

namespace {

/// What was erased under this slot and waits to leave the files: by which event, and the key's fingerprint.
struct Leaving {
  Position position;
  Hash fingerprint;
};
std::optional<Leaving> leaving(const Account& account, std::uint32_t slot) {
  if (slot == own_key_slot) {
    const auto& end = account.life.end;
    const bool is_leaving = end && end->is_erased() && !end->erasure;
    return is_leaving ? std::optional(Leaving{end->position, end->erased_key}) : std::nullopt;
  }
  const auto found = std::ranges::find(account.keys.leaving, slot, &LeavingKey::slot);
  if (found == account.keys.leaving.end()) return std::nullopt;
  return Leaving{found->position, found->fingerprint};
}

Rule rule_of_erasure(std::uint32_t slot) {
  if (slot == own_key_slot) return Rule::life_1;
  return slot == mailbox_key_slot ? Rule::life_2 : Rule::prf_5;
}

}  // namespace

Decision decide(const Account& account, const CompleteErasure& command, const Context&) {
  const auto erased = leaving(account, command.slot);
  if (!erased)
    return refused(
        {rule_of_erasure(command.slot), "nothing_to_erase", "Nothing was erased that has not left the files already."});
  Decision decision = accepted({{"account", to_text(account.id)}});
  decision.events.push_back(draft(fb::ErasureCompletedT{.key_fingerprint = erased->fingerprint,
                                                        .sealed_events = command.sealed_events,
                                                        .answers = command.answers,
                                                        .notifications = command.notifications,
                                                        .slot = command.slot},
                                  {rule_of_erasure(command.slot)}));
  decision.events.back().caused_by = erased->position;
  return decision;
}

Decision decide(const Account& account, const DeactivateMailbox& command, const Context& context) {
  if (!account.life.has_mailbox)
    return refused({Rule::life_2, "no_mailbox", "The account's mailbox is not one of the provider's."});
  if (account.life.mailbox_off) return accepted();
  const bool has_signed_in = account.identity.last_sign_in > 0;
  if (command.reason == fb::MailboxReason::never_signed_in && has_signed_in)
    return refused({Rule::life_2, "signed_in", "The account was signed in to."});
  if (command.reason != fb::MailboxReason::owner) {
    const bool first = command.reason == fb::MailboxReason::never_signed_in;
    const std::int64_t days = first ? context.policy.mailbox_first_sign_in_days : context.policy.mailbox_inactive_days;
    const Time due = account.last_active() + days * day_us;
    if (context.now < due) return refused({Rule::life_2, "not_due", "The mailbox has not been idle long enough.", due});
  }
  Decision decision = accepted({{"reason", fb::EnumNameMailboxReason(command.reason)}});
  decision.events.push_back(draft(fb::MailboxDeactivatedT{.reason = command.reason}, {Rule::life_2}));
  const DataKey* key = account.keys.find(mailbox_key_slot);
  const Vault* vault = key ? context.vault_at(mailbox_key_slot) : nullptr;
  if (vault) decision.events.push_back(key_erased(*key, *vault, Rule::life_2));
  return decision;
}

Decision decide(const Account& account, const ExpireAccount&, const Context& context) {
  if (account.identity.plan != fb::Plan::free) return refused({Rule::life_3, "not_free", "Only free accounts expire."});
  const Time due = account.last_active() + context.policy.account_inactive_days * day_us;
  if (context.now <= due)  // more than the days, not as many
    return refused({Rule::life_3, "not_due", "The account has not been idle long enough.", due + 1});
  Decision decision = accepted({{"state", "expired"}});
  decision.events.push_back(draft(fb::AccountExpiredT{.idle_since = account.last_active()}, {Rule::life_3}));
  return decision;
}

Decision decide(const Account& account, const MergeAccounts&, const Context& context) {
  return refused_on_record(
      account, context, {Rule::acc_4, "never_merged", "Accounts cannot be merged, and nothing moves between them."},
      draft(fb::CommandRefusedT{.rule = static_cast<std::uint16_t>(Rule::acc_4), .code = "never_merged"},
            {Rule::acc_4}));
}

}  // namespace daicho
