#include "commands/blocking.hpp"

#include "commands/challenges.hpp"
#include "commands/text.hpp"

namespace daicho {

Draft block(const std::string& reason, const std::string& detail, const Account& account, const Context& context,
            std::initializer_list<Rule> rules) {
  Draft blocked = draft(fb::AccountBlockedT{.block_id = context.new_id(), .reason = reason}, rules);
  blocked.personal.detail = detail;
  notify_owner(blocked, account, context, fb::NotificationKind::account_blocked);
  return blocked;
}

std::optional<Refusal> check_not_blocked(const Account& account) {
  if (!account.block.current) return std::nullopt;
  return Refusal{Rule::blk_1, "blocked", "The account is blocked; it is unblocked by a challenge."};
}

Decision decide(const Account& account, const BlockAccount& command, const Context& context) {
  if (!is_word(command.reason)) {
    return refused({Rule::blk_1, "reason_not_a_word", "A reason is one word of a-z, 0-9 and _, at most 64 long."});
  }
  if (account.block.current) return accepted({{"block_id", to_text(account.block.current->id)}});
  Draft blocked = block(command.reason, command.detail, account, context, {Rule::blk_1});
  Decision decision = accepted({{"block_id", to_text(blocked.payload.AsAccountBlocked()->block_id)}});
  decision.events.push_back(std::move(blocked));
  return decision;
}

Decision decide(const Account& account, const UnblockAccount& command, const Context& context) {
  if (!account.block.current) return accepted();
  if (auto refusal = check_passed(account, command.challenge, fb::Purpose::unblock, Rule::blk_2, context))
    return refused(*std::move(refusal));
  Draft unblocked = draft(
      fb::AccountUnblockedT{
          .block_id = account.block.current->id, .by = fb::Lifted::by_challenge, .challenge_id = command.challenge},
      {Rule::blk_2});
  unblocked.caused_by = account.challenges.find(command.challenge)->passed;
  Decision decision = accepted({{"block_id", to_text(account.block.current->id)}});
  decision.events.push_back(std::move(unblocked));
  return decision;
}

}  // namespace daicho
