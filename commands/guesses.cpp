#include "commands/guesses.hpp"

namespace daicho {

Time hour_after_nth_newest(const std::vector<Time>& marks, std::int64_t n) {
  return marks[marks.size() - static_cast<std::size_t>(n)] + hour_us;
}

Decision reject(const Account& account, const Factor& factor, const Context& context, fb::CodeRejection reason,
                const char* code, const char* detail) {
  return refused_on_record(account, context, {Rule::chl_5, code, detail}, factor.rejected(reason));
}

std::optional<Decision> judge(const Account& account, const Factor& factor, const Context& context,
                              const std::function<bool()>& is_right) {
  const std::int64_t budget = context.policy.max_code_guesses;
  const std::int64_t used = count_since(factor.wrong_guesses, context.now, hour_us);
  if (used >= budget) {
    Decision decision = reject(account, factor, context, fb::CodeRejection::budget_spent, "guess_limit",
                               "Too many wrong guesses; this way is closed for a while.");
    decision.refusal->retry_at = hour_after_nth_newest(factor.wrong_guesses, budget);
    decision.refusal->extra["guesses_left"] = 0;
    return decision;
  }
  if (is_right()) return std::nullopt;
  // A wrong guess always is an event: the budget that limits it is counted from them.
  Decision decision = refused({factor.rule, factor.wrong_code, factor.wrong_detail});
  decision.refusal->extra["guesses_left"] = budget - used - 1;
  decision.events.push_back(factor.rejected(fb::CodeRejection::wrong));
  return decision;
}

}  // namespace daicho
