#include "commands/life_cycle.hpp"

#include "commands/blocking.hpp"

namespace daicho {

std::optional<Refusal> check_not_ended(const Account& account) {
  if (!account.life.end) return std::nullopt;
  const bool is_closed = account.life.end->kind == EndKind::closed;
  return Refusal{is_closed ? Rule::life_1 : Rule::life_3, is_closed ? "account_closed" : "account_expired",
                 is_closed ? "The account was closed." : "The account expired."};
}

Decision decide(const Account& account, const CloseAccount& command, const Context& context) {
  if (!command.confirm)
    return refused({Rule::life_1, "not_confirmed", "Closing an account needs an explicit yes: `confirm` is true."});
  if (auto blocked = check_not_blocked(account)) return refused(*std::move(blocked));
  if (auto rejection = check_current_password(account, command.verdict, Rule::life_1, context))
    return *std::move(rejection);
  Decision decision = accepted({{"state", "closed"}});
  fb::AccountClosedT closed{.key_fingerprint = context.vault.key_fingerprint()};
  closed.name_mark.assign(command.name_mark.begin(), command.name_mark.end());
  decision.events.push_back(draft(std::move(closed), {Rule::life_1}));
  return decision;
}

Decision decide(const Account& account, const CompleteErasure& command, const Context&) {
  const auto& end = account.life.end;
  if (!end || !end->is_erased() || end->erasure)
    return refused({Rule::life_1, "nothing_to_erase", "The account was not closed, or is erased already."});
  Decision decision = accepted({{"account", to_text(account.id)}});
  decision.events.push_back(draft(fb::ErasureCompletedT{.key_fingerprint = end->erased_key,
                                                        .sealed_events = command.sealed_events,
                                                        .answers = command.answers,
                                                        .notifications = command.notifications},
                                  {Rule::life_1}));
  decision.events.back().caused_by = end->position;
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
