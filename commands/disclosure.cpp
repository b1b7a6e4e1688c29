#include "commands/disclosure.hpp"

#include <algorithm>

namespace daicho {

namespace {

/// What is wrong with the events that are named.
std::optional<Refusal> check_events(const std::vector<Position>& sorted, bool with_secrets, const Context& context) {
  if (sorted.empty()) return Refusal{Rule::led_5, "positions_missing", "A disclosure names the events it opens."};
  if (sorted.size() > disclosure_events_max)
    return Refusal{Rule::led_5, "too_many_positions", "A disclosure opens at most 256 events."};
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    return Refusal{Rule::led_5, "position_repeated", "Each event is named once."};
  for (const Position position : sorted) {
    const std::string event = "Event " + std::to_string(position);
    const auto personal = context.personal(position);
    if (!personal) return Refusal{Rule::led_5, "event_closed", event + " is none of the account's that can be opened."};
    if (!with_secrets && has_secrets(*personal)) {
      return Refusal{Rule::led_6, "secrets_included",
                     event +
                         " also seals what signs its owner in: a verifier, or an authenticator's secret. It is opened "
                         "only when that is asked for, with_secrets."};
    }
  }
  return std::nullopt;
}

/// The keys are derived by who asked, once the record is durable: nothing is revealed here.
Decision disclose(const RefusalMarks& marks, const DiscloseEvents& command, const Context& context) {
  std::vector<Position> sorted = command.positions;
  std::ranges::sort(sorted);
  if (auto refusal = check_events(sorted, command.with_secrets, context)) return refused(*std::move(refusal));
  std::vector<std::string> fields;
  for (const Position position : sorted) fields.push_back("event:" + std::to_string(position));
  if (command.with_secrets) fields.emplace_back("with_secrets");
  return record_access(marks, command, std::move(fields), {}, context);
}

}  // namespace

bool has_secrets(const fb::PersonalT& personal) {
  return !personal.password_verifier.empty() || !personal.answer_verifier.empty() || !personal.totp_secret.empty();
}

Decision decide(const Account& account, const DiscloseEvents& command, const Context& context) {
  if (account.life.end && account.life.end->is_erased()) {
    return refused({Rule::life_1, "account_erased",
                    "The account was closed and its key erased: nobody can open its events any more."});
  }
  return disclose(account.limits.refusals, command, context);
}

Decision decide(const LedgerState& ledger, const DiscloseEvents& command, const Context& context) {
  return disclose(ledger.refusals, command, context);
}

}  // namespace daicho
