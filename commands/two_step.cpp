#include "commands/two_step.hpp"

namespace daicho {

namespace {

template <class Payload>
Decision turn(bool on, const Account& account, const Id& challenge, const Context& context) {
  if (auto refusal = check_passed(account, challenge, fb::Purpose::change_security_info, Rule::prf_5, context))
    return refused(*std::move(refusal));
  Decision decision = accepted({{"two_step", on}});
  if (account.identity.two_step == on) return decision;
  Draft event = draft(Payload{.challenge_id = challenge}, {Rule::rec_1, Rule::prf_5, Rule::prf_7, Rule::acc_7});
  event.caused_by = account.challenges.find(challenge)->passed;
  notify_proofs(event, account, context, fb::NotificationKind::security_info_changed);
  decision.events.push_back(std::move(event));
  return decision;
}

}  // namespace

Decision decide(const Account& account, const EnableTwoStep& command, const Context& context) {
  return turn<fb::TwoStepEnabledT>(true, account, command.challenge, context);
}

Decision decide(const Account& account, const DisableTwoStep& command, const Context& context) {
  return turn<fb::TwoStepDisabledT>(false, account, command.challenge, context);
}

}  // namespace daicho
