#include "tools/query/explain_rule.hpp"

#include "commands/guesses.hpp"
#include "commands/policy_adoption.hpp"
#include "projections/daily_limits.hpp"
#include "tools/query/event_words.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/query/subject.hpp"

namespace daicho {

Json event_json(const Event& event, const char* why) {
  return {{"seq", event.position()},
          {"type", event.type_name()},
          {"time", to_rfc3339(event.time())},
          {"why", why},
          {"what", describe(event).sentence}};
}

Json change(std::string what, const std::optional<Time>& at) {
  Json json = {{"what", std::move(what)}};
  json["at"] = at ? Json(to_rfc3339(*at)) : Json(nullptr);
  return json;
}

Json rule_json(const RuleText& text, const Policy& policy, const std::string& language) {
  const Json parameters = to_json(policy);
  Json row = {{"rule", text.id}, {"title", title_in(language, text)}, {"sources", split_words(text.sources)}};
  row["parameters"] = Json::object();
  for (const std::string_view name : split_words(text.parameters))
    row["parameters"][std::string(name)] = parameters[std::string(name)];
  return row;
}

namespace {

/// When the marks that fill an hourly limit leave room again; nullopt: there is room.
std::optional<Time> room_at(const std::vector<Time>& marks, std::int64_t limit, Time now) {
  return count_since(marks, now, hour_us) < limit ? std::nullopt : std::optional(hour_after_nth_newest(marks, limit));
}

/// When limits of this rule that are used up let the next through; for some rules, when something comes by time.
Json changes_of(Rule rule, const Subject& subject) {
  const Account& account = subject.account;
  const Policy& policy = subject.policy;
  Json changes = Json::array();
  if (account.life.end) return changes;  // nothing does any more
  const auto add = [&](const std::string& what, const std::optional<Time>& at) {
    if (at) changes.push_back(change(what, at));
  };
  const auto next_day = [&](const std::vector<Time>& marks, std::int64_t per_day) {
    return daily_allowance(marks, per_day, policy, subject.now).next_allowed_at;
  };
  if (rule == Rule::rec_3) add("time", next_day(account.limits.recoveries, policy.recovery_per_day));
  if (rule == Rule::lost_3 || rule == Rule::lost_4 || rule == Rule::lost_6)
    add("time", account.windows.open ? account.windows.open->effective_at : std::nullopt);
  if (rule == Rule::lost_4)
    add("another window may be opened", next_day(account.limits.replacements, policy.max_replacements_per_day));
  if (rule == Rule::life_2 && account.life.has_mailbox && !account.life.mailbox_off) {
    const bool is_used = account.identity.last_sign_in > 0;
    add("time",
        account.last_active() + (is_used ? policy.mailbox_inactive_days : policy.mailbox_first_sign_in_days) * day_us);
  }
  if (rule == Rule::life_3 && account.identity.plan == fb::Plan::free)
    add("time", account.last_active() + policy.account_inactive_days * day_us + 1);  // more than the days
  for (const DataKey& key : account.keys.live) {
    if (rule == Rule::prf_5 && key.unneeded_since)
      add("what was removed is erased", *key.unneeded_since + policy.removed_proof_retention_days * day_us);
  }
  if (rule == Rule::prf_9 || rule == Rule::lost_2)
    add("the recovery code may be tried again",
        room_at(account.identity.wrong_recovery_codes, policy.max_code_guesses, subject.now));
  if (rule == Rule::pwd_4 || rule == Rule::life_1)
    add("the current password may be tried again",
        room_at(account.identity.wrong_passwords, policy.max_code_guesses, subject.now));
  if (rule == Rule::chl_5)
    add("codes may go out for the account again",
        room_at(account.limits.sends, 2 * policy.max_codes_per_hour, subject.now));
  for (const Proof& proof : account.proofs.all) {
    if (!proof.is_in_force()) continue;
    const std::string shown = masked(subject, proof);
    if (rule == Rule::chl_5) {
      add("codes may go to " + shown + " again", room_at(proof.sends, policy.max_codes_per_hour, subject.now));
      add(shown + " may be tried again", room_at(proof.wrong_guesses, policy.max_code_guesses, subject.now));
    }
    if (rule == Rule::chl_3)
      add(shown + " may be confirmed again", next_day(proof.wrong_confirmations, policy.max_contact_confirmations));
  }
  return changes;
}

}  // namespace

/// What a rule goes by for an account at an instant: the newest event of each type that comes of it.
Json explain_rule(const LedgerView& ledger, const QueryOptions& options) {
  const auto rule = parse_rule(*options.rule);  // checked before
  const Subject subject = subject_of(ledger, options);
  const RuleText& text = text_of(*rule);
  Json json = head_of(ledger, subject);
  json["policy_version"] = subject.policy.version;
  json["rules"] = Json::array({rule_json(text, subject.policy, options.language)});
  const auto envelopes = value_or_fail(account_events(*ledger.store, subject.account.head, options.as_of));
  std::map<std::string_view, Json> newest_of_type;
  for (const std::string& envelope : envelopes) {
    const auto event = Event::parse(as_bytes(envelope));
    for (const std::string_view type : split_words(text.events)) {
      if (type == event->type_name()) newest_of_type[type] = event_json(*event, "the newest of its type");
    }
  }
  json["rests_on"] = Json::array();
  for (auto& [type, row] : newest_of_type) json["rests_on"].push_back(std::move(row));
  json["would_change"] = changes_of(*rule, subject);
  return json;
}

}  // namespace daicho
