#include "commands/restoring.hpp"

namespace daicho {

Decision decide(const LedgerState&, const AcceptRestore& command, const Context&) {
  if (command.reason.empty() || command.reason.size() > restore_reason_bytes_max)
    return refused({Rule::led_5, "reason_missing", "An accepted restore names its reason, in at most 1,024 bytes."});
  Decision decision = accepted({{"size", command.size}, {"events_missing", command.known_size - command.size}});
  Draft event = draft(
      fb::RestoreAcceptedT{.size = command.size, .known_size = command.known_size, .known_root = command.known_root},
      {Rule::led_5});
  event.personal.detail = command.reason;
  decision.events.push_back(std::move(event));
  return decision;
}

Decision decide(const Account& account, const CloseAgain& command, const Context&) {
  if (account.life.end && account.life.end->is_erased()) return accepted();
  Decision decision = accepted({{"state", "closed"}});
  fb::AccountClosedT closed{.key_fingerprint = command.key_fingerprint};
  closed.name_mark.assign(command.name_mark.begin(), command.name_mark.end());
  decision.events.push_back(draft(std::move(closed), {Rule::life_1}));
  decision.events.back().caused_by = command.restore;
  return decision;
}

}  // namespace daicho
