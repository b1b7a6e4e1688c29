// No limit is exceeded in any life, judged by counting events and by nothing the product keeps.
#include <doctest/doctest.h>

#include "projections/event_fields.hpp"
#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// A whole number of the policy that the event was decided under; `day_kind` in its first letter.
using Parameters = std::map<std::string, std::int64_t>;

Parameters parameters_of(const fb::PolicyAdopted& adopted) {
  Parameters parameters;
  for (const fb::PolicyParameter* each : *adopted.parameters()) {
    parameters[each->name()->str()] = each->number();
    if (each->name()->str() == "day_kind") parameters["rolling"] = each->texts()->Get(0)->str() == "rolling_24h";
  }
  return parameters;
}

/// Something that a limit counts, or that refills what others used up.
struct Count {
  std::string limit;  ///< a parameter's name
  std::string of;     ///< whose: an account's, a proof's, a destination's
  bool is_refill = false;
  std::int64_t times = 1;  ///< of the parameter: twice as many codes go to an account as to a proof
};

/// Reads one event after the other; says what each counts for.
class Counting {
 public:
  std::vector<Count> of(const Event& event) {
    account_ = to_text(event.account());
    if (const auto* added = event.as<fb::ProofAdded>()) {
      chains_[id_of(added->proof_id())] = account_ + " proof at " + to_hex(tag_of(added->address_tag()).view());
    } else if (const auto* proposed = event.as<fb::ReplacementProofProposed>()) {
      chains_[id_of(proposed->proof_id())] =
          account_ + " proposal at " + to_hex(tag_of(proposed->address_tag()).view());
    }
    std::vector<Count> counts = guesses(event);
    if (event.as<fb::RecoverySubmitted>()) counts.push_back({"recovery_per_day", account_});
    if (const auto* opened = event.as<fb::ReplacementOpened>(); opened && !opened->expedited())
      counts.push_back({"max_replacements_per_day", account_});
    if (const auto* failed = event.as<fb::ContactConfirmationFailed>())
      counts.push_back(
          {"max_contact_confirmations", chain(failed->proof_id()) + (failed->familiar() ? " at home" : " elsewhere")});
    if (const auto* sent = event.as<fb::CodeSent>()) add_sends(counts, sent->proof_id(), sent->replacement_id());
    if (const auto* sent = event.as<fb::LinkSent>()) add_sends(counts, sent->proof_id(), sent->replacement_id());
    return counts;
  }

 private:
  std::string chain(const fb::Id* proof) { return chains_[id_of(proof)]; }

  void add_sends(std::vector<Count>& counts, const fb::Id* proof, const fb::Id* window) {
    const std::string all = account_ + (id_of(window).is_zero() ? " own" : " in windows");
    counts.push_back({"max_codes_per_hour", chain(proof)});
    counts.push_back({"max_codes_per_hour", all, false, 2});
  }

  std::vector<Count> guesses(const Event& event) {
    const std::string budget = "max_code_guesses";
    const std::string code = account_ + " recovery code", password = account_ + " password";
    if (const auto* wrong = event.as<fb::CodeRejected>(); wrong && wrong->reason() == fb::CodeRejection::wrong)
      return {{budget, chain(wrong->proof_id())}};
    if (const auto* wrong = event.as<fb::SecretAnswerRejected>(); wrong && wrong->reason() == fb::CodeRejection::wrong)
      return {{budget, chain(wrong->proof_id())}};
    if (const auto* wrong = event.as<fb::RecoveryCodeRejected>(); wrong && wrong->reason() == fb::CodeRejection::wrong)
      return {{budget, code}};
    if (const auto* wrong = event.as<fb::PasswordRejected>(); wrong && wrong->reason() == fb::CodeRejection::wrong)
      return {{budget, password}};
    if (const auto* right = event.as<fb::ProofVerified>()) return {{budget, chain(right->proof_id()), true}};
    if (const auto* right = event.as<fb::ChallengePassed>()) return {{budget, chain(right->proof_id()), true}};
    if (const auto* right = event.as<fb::ReplacementConfirmed>()) return {{budget, chain(right->proof_id()), true}};
    if (event.as<fb::RecoveryCodeUsed>()) return {{budget, code, true}};
    if (event.as<fb::PasswordChanged>() || event.as<fb::PasswordReset>()) return {{budget, password, true}};
    return {};
  }

  std::string account_;
  /// Of each proof its destination: what is added there again has the budgets of what was there before.
  std::map<Id, std::string> chains_;
};

bool is_daily(const std::string& limit) { return limit.ends_with("_per_day") || limit == "max_contact_confirmations"; }

/// In the span that ends with `now`: an hour, 24 hours, or the calendar day in Tokyo, nine hours ahead all the year.
std::ptrdiff_t within(const std::vector<Time>& times, Time now, const std::string& limit, bool rolling) {
  const auto day = [](Time time) { return (time + 9 * hour_us) / day_us; };
  return std::ranges::count_if(times, [&](Time time) {
    if (!is_daily(limit)) return time > now - hour_us;
    return rolling ? time > now - day_us : day(time) == day(now);
  });
}

/// Counts a whole ledger; in words, the first limit that was exceeded. `reached`: how often a limit was just reached.
std::string exceeded(const Journal& journal, std::map<std::string, int>& reached) {
  std::map<std::uint32_t, Parameters> policies;
  std::map<std::pair<std::string, std::string>, std::vector<Time>> counted;
  Counting counting;
  for (const Event& event : journal.events) {
    if (const auto* adopted = event.as<fb::PolicyAdopted>()) policies[adopted->version()] = parameters_of(*adopted);
    for (const auto& [limit, of, is_refill, times] : counting.of(event)) {
      std::vector<Time>& marks = counted[{limit, of}];
      if (is_refill) marks.clear();
      if (is_refill) continue;
      marks.push_back(event.time());
      Parameters& policy = policies[event.header().policy_version()];
      const auto count = within(marks, event.time(), limit, policy["rolling"] != 0);
      const std::int64_t allowed = policy[limit] * times;
      if (count > allowed)
        return limit + " of " + of + ": " + std::to_string(count) + " at position " + std::to_string(event.position());
      if (count == allowed) ++reached[limit];
    }
  }
  return "";
}

}  // namespace

SCENARIO("R-REC-3 R-CHL-3 R-CHL-5 R-LOST-4: whatever happens, no limit is exceeded in any hour or day") {
  std::map<std::string, int> reached;
  const bool holds = holds_in_lives("within limits", [&](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    const std::string limit = exceeded(Journal(ledger), reached);
    expect_in_life(life, limit.empty(), limit);
  });
  CHECK(holds);
  for (const std::string limit : {"recovery_per_day", "max_replacements_per_day", "max_code_guesses",
                                  "max_codes_per_hour", "max_contact_confirmations"}) {
    CAPTURE(limit);
    CHECK(reached[limit] > 0);
  }
}
