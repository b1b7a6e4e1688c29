#include "tools/explain.hpp"

#include <algorithm>

#include "commands/policy_adoption.hpp"
#include "commands/recovery_matching.hpp"
#include "projections/daily_limits.hpp"
#include "projections/event_fields.hpp"
#include "tools/event_words.hpp"
#include "tools/query_subject.hpp"
#include "tools/rule_index.hpp"

namespace daicho {

namespace {

/// The account's events up to the one explained, that one last.
struct Story {
  std::vector<std::string> envelopes;
  std::vector<Event> events;
  Policy policy;  ///< in force then

  const Event& told() const { return events.back(); }
};

std::string event_at(const LedgerView& ledger, Position position) {
  auto envelope = value_or_fail(read_event(*ledger.store, position));
  if (!envelope) throw Failure(Exit::usage, "--seq: there is no event " + std::to_string(position) + " yet");
  return *std::move(envelope);
}

Story story_of(const LedgerView& ledger, Position position) {
  Story story;
  const std::string envelope = event_at(ledger, position);
  const auto event = Event::parse(as_bytes(envelope));
  if (!event)
    throw Failure(Exit::integrity, "the event at " + std::to_string(position) + " does not read: run audit verify");
  const AccountHead head{event->account_version(), position, {}};
  story.envelopes = value_or_fail(account_events(*ledger.store, head, {}));
  for (const std::string& each : story.envelopes) story.events.push_back(*Event::parse(as_bytes(each)));
  story.policy = value_or_fail(ledger_at(*ledger.store, {.position = position})).policy;
  return story;
}

bool is_refusal_or_outcome(const Event& event) {
  switch (event.type()) {
    case fb::Payload::CodeRejected:
    case fb::Payload::SecretAnswerRejected:
    case fb::Payload::RecoveryCodeRejected:
    case fb::Payload::PasswordRejected:
    case fb::Payload::ContactConfirmationFailed:
    case fb::Payload::CharacterCheckFailed:
    case fb::Payload::ChallengeEnded:
    case fb::Payload::ChallengePassed:
    case fb::Payload::RecoveryRefused:
    case fb::Payload::RecoveryVerified:
    case fb::Payload::RecoveryNotVerified:
    case fb::Payload::SignInRefused:
    case fb::Payload::SignInSucceeded:
    case fb::Payload::CommandRefused:
    case fb::Payload::ReplacementCompleted:
    case fb::Payload::ReplacementCancelled:
    case fb::Payload::ReplacementDisputed:
    case fb::Payload::AccountUnblocked:
    case fb::Payload::PasswordReset:
      return true;
    default:
      return false;
  }
}

Position newest_outcome(const LedgerView& ledger, const QueryOptions& options) {
  if (!options.account)
    throw Failure(Exit::usage, "explain needs --seq N, or --account for its newest refusal or outcome");
  const Account account = resolve_account(*ledger.store, ledger.keys, *options.account);
  const auto envelopes = value_or_fail(account_events(*ledger.store, account.head, options.as_of));
  for (auto envelope = envelopes.rbegin(); envelope != envelopes.rend(); ++envelope) {
    const auto event = Event::parse(as_bytes(*envelope));
    if (event && is_refusal_or_outcome(*event)) return event->position();
  }
  throw Failure(Exit::usage, "the account has no refusal and no outcome to explain yet");
}

// ---- what it rested on ---------------------------------------------------------------------------------------------

/// A payload's id of one kind, if it has that: rejections name a proof, recoveries a form, windows a replacement.
template <class Get>
Id id_in(const Event& event, Get get) {
  Id id;
  const auto look = [&]<class T>(const T* payload) {
    if constexpr (requires { get(*payload); }) {
      if (payload) id = id_of(get(*payload));
    }
  };
  look(event.as<fb::CodeSent>()), look(event.as<fb::LinkSent>()), look(event.as<fb::CodeRejected>());
  look(event.as<fb::SecretAnswerRejected>()), look(event.as<fb::ContactConfirmationFailed>());
  look(event.as<fb::RecoverySubmitted>()), look(event.as<fb::RecoveryVerified>());
  look(event.as<fb::RecoveryNotVerified>()), look(event.as<fb::PasswordReset>());
  look(event.as<fb::ProofsMarkedLost>()), look(event.as<fb::ReplacementOpened>());
  look(event.as<fb::ReplacementProofProposed>()), look(event.as<fb::ReplacementConfirmed>());
  look(event.as<fb::ReplacementCompleted>()), look(event.as<fb::ReplacementCancelled>());
  look(event.as<fb::ReplacementDisputed>());
  return id;
}
Id proof_in(const Event& e) {
  return id_in(e, [](const auto& p) -> decltype(p.proof_id()) { return p.proof_id(); });
}
Id recovery_in(const Event& e) {
  return id_in(e, [](const auto& p) -> decltype(p.recovery_id()) { return p.recovery_id(); });
}
Id replacement_in(const Event& e) {
  return id_in(e, [](const auto& p) -> decltype(p.replacement_id()) { return p.replacement_id(); });
}

template <class Rejected>
bool is_wrong_guess(const Event& event) {
  const auto* rejected = event.as<Rejected>();
  return rejected && rejected->reason() == fb::CodeRejection::wrong;
}

bool is_wrong_guess(const Event& event) {
  return is_wrong_guess<fb::CodeRejected>(event) || is_wrong_guess<fb::SecretAnswerRejected>(event) ||
         is_wrong_guess<fb::RecoveryCodeRejected>(event) || is_wrong_guess<fb::PasswordRejected>(event);
}

bool counts_within_day(const Event& event, const Event& told, const Policy& policy) {
  return daily_allowance({event.time()}, 1, policy, told.time()).used > 0;
}

/// Why an earlier event matters to the one told; null: it does not.
const char* bearing(const Event& earlier, const Event& told, const Policy& policy) {
  if (told.header().caused_by() == flatbuffers::Optional<Position>(earlier.position())) return "it follows from this";
  const bool within_hour = earlier.time() > told.time() - hour_us;
  switch (told.type()) {
    case fb::Payload::CodeRejected:
    case fb::Payload::SecretAnswerRejected:
    case fb::Payload::RecoveryCodeRejected:
    case fb::Payload::PasswordRejected: {
      const bool is_same_factor = told.type() == fb::Payload::CodeRejected || proof_in(told) != Id{}
                                      ? proof_in(earlier) == proof_in(told)
                                      : earlier.type() == told.type();
      if (within_hour && is_same_factor && is_wrong_guess(earlier)) return "a wrong guess of the same hour";
      if (is_same_factor && !proof_in(told).is_zero() && earlier.type() == fb::Payload::CodeSent && within_hour)
        return "the code that was sent";
      return nullptr;
    }
    case fb::Payload::ContactConfirmationFailed:
      return earlier.type() == told.type() && proof_in(earlier) == proof_in(told) &&
                     counts_within_day(earlier, told, policy)
                 ? "a wrong confirmation of the same day"
                 : nullptr;
    case fb::Payload::RecoveryRefused:
      if (told.as<fb::RecoveryRefused>()->rule() == static_cast<std::uint16_t>(Rule::rec_1))
        return earlier.type() == fb::Payload::TwoStepEnabled ? "two-step verification was turned on" : nullptr;
      return earlier.type() == fb::Payload::RecoverySubmitted && counts_within_day(earlier, told, policy)
                 ? "an attempt of the same day"
                 : nullptr;
    case fb::Payload::RecoveryVerified:
    case fb::Payload::RecoveryNotVerified:
      return recovery_in(earlier) == recovery_in(told) && !recovery_in(told).is_zero() ? "the form" : nullptr;
    case fb::Payload::ReplacementCompleted:
    case fb::Payload::ReplacementCancelled:
    case fb::Payload::ReplacementDisputed:
      return replacement_in(earlier) == replacement_in(told) ? "the same replacement" : nullptr;
    default:
      return nullptr;
  }
}

/// The newest event of a type before the one told, as the state it left stood then.
const Event* newest(const Story& story, fb::Payload type) {
  for (auto event = story.events.rbegin() + 1; event != story.events.rend(); ++event) {
    if (event->type() == type) return &*event;
  }
  return nullptr;
}

Json event_json(const Event& event, const char* why) {
  return {{"seq", event.position()},
          {"type", event.type_name()},
          {"time", to_rfc3339(event.time())},
          {"why", why},
          {"what", describe(event).sentence}};
}

Json rests_on(const Story& story) {
  Json rows = Json::array();
  const auto add = [&](const Event& event, const char* why) { rows.push_back(event_json(event, why)); };
  const Event& told = story.told();
  for (const Event& earlier : std::span(story.events).first(story.events.size() - 1)) {
    if (const char* why = bearing(earlier, told, story.policy)) add(earlier, why);
  }
  const auto state = [&](fb::Payload type, const char* why) {
    if (const Event* event = newest(story, type)) add(*event, why);
  };
  if (const auto* refused = told.as<fb::SignInRefused>()) {
    const bool is_block = refused->rule() == static_cast<std::uint16_t>(Rule::blk_1);
    state(is_block ? fb::Payload::AccountBlocked : fb::Payload::TwoStepEnabled, "in force at that instant");
  }
  if (told.as<fb::AccountUnblocked>()) state(fb::Payload::AccountBlocked, "the block that was lifted");
  if (told.as<fb::AccountExpired>() || told.as<fb::MailboxDeactivated>())
    state(newest(story, fb::Payload::SignInSucceeded) ? fb::Payload::SignInSucceeded : fb::Payload::AccountRegistered,
          "the last sign of life");
  return rows;
}

// ---- what would change it
// --------------------------------------------------------------------------------------------

Json change(std::string what, const std::optional<Time>& at = std::nullopt) {
  Json json = {{"what", std::move(what)}};
  json["at"] = at ? Json(to_rfc3339(*at)) : Json(nullptr);
  return json;
}

/// When the budget of wrong guesses that this rejection drew on has room again.
std::optional<Time> budget_has_room_at(const Story& story, const Json& rested_on) {
  std::vector<Time> wrong;
  for (const Json& row : rested_on) {
    if (row["why"] == "a wrong guess of the same hour") wrong.push_back(*parse_rfc3339(row["time"].get<std::string>()));
  }
  if (is_wrong_guess(story.told())) wrong.push_back(story.told().time());
  const auto budget = static_cast<std::size_t>(story.policy.max_code_guesses);
  return wrong.size() < budget ? std::nullopt : std::optional(wrong[wrong.size() - budget] + hour_us);
}

template <class Outcome>
Json missing_points(const Outcome& outcome, const Policy& policy) {
  Json changes = Json::array();
  if (outcome.points() >= outcome.threshold()) return changes;
  changes.push_back(
      change(std::to_string(outcome.threshold() - outcome.points()) + " more points; another form may be sent"));
  if (!outcome.fields()) return changes;
  for (const auto* field : *outcome.fields()) {
    if (field->result() == fb::FieldResult::matched) continue;
    const auto weight = policy.recovery_weights.at(static_cast<std::size_t>(field->field()));
    changes.push_back(change(std::string(name(field->field())) + " is " + std::string(name(field->result())) +
                             "; right it earns " + std::to_string(weight)));
  }
  return changes;
}

Json would_change(const Story& story, const Json& rested_on) {
  const Event& told = story.told();
  if (const auto* outcome = told.as<fb::RecoveryNotVerified>()) return missing_points(*outcome, story.policy);
  Json changes = Json::array();
  if (const auto* refused = told.as<fb::RecoveryRefused>()) {
    const bool is_two_step = refused->rule() == static_cast<std::uint16_t>(Rule::rec_1);
    const auto retry_at = refused->retry_at();
    changes.push_back(
        is_two_step ? change("two-step verification turned off by its owner")
                    : change("the next day of the policy", retry_at ? std::optional<Time>(*retry_at) : std::nullopt));
  } else if (const auto* sign_in = told.as<fb::SignInRefused>()) {
    const bool is_block = sign_in->rule() == static_cast<std::uint16_t>(Rule::blk_1);
    changes.push_back(change(is_block ? "a passed challenge with purpose unblock, or a verified recovery and a reset"
                                      : "a passed challenge with purpose two_step_sign_in, or a trusted device"));
  } else if (is_wrong_guess(told) || !rested_on.empty()) {
    switch (told.type()) {
      case fb::Payload::CodeRejected:
      case fb::Payload::SecretAnswerRejected:
      case fb::Payload::RecoveryCodeRejected:
      case fb::Payload::PasswordRejected:
        if (const auto room_at = budget_has_room_at(story, rested_on))
          changes.push_back(change("the budget of guesses has room again", room_at));
        changes.push_back(change("the right one, within the budget; other ways to prove who one is stay open"));
        break;
      case fb::Payload::ContactConfirmationFailed:
        changes.push_back(change("the part left of the @, or the last four digits, as registered"));
        break;
      default:
        break;
    }
  }
  return changes;
}

Json rule_json(const RuleText& text, const Policy& policy, const std::string& language) {
  const Json parameters = to_json(policy);
  Json row = {{"rule", text.id}, {"title", title_in(language, text)}, {"sources", split_words(text.sources)}};
  row["parameters"] = Json::object();
  for (const std::string_view name : split_words(text.parameters))
    row["parameters"][std::string(name)] = parameters[std::string(name)];
  return row;
}

Json rules_json(const Event& event, const Policy& policy, const std::string& language) {
  Json list = Json::array();
  if (!event.header().rules()) return list;
  for (const std::uint16_t number : *event.header().rules()) {
    if (const auto rule = rule_of(number)) list.push_back(rule_json(text_of(*rule), policy, language));
  }
  return list;
}

/// When a limit of this rule lets the next through; nullopt: it does now, or the rule has none.
std::optional<Time> next_allowed_at(Rule rule, const Subject& subject) {
  const Account& account = subject.account;
  const Policy& policy = subject.policy;
  switch (rule) {
    case Rule::rec_3:
      return daily_allowance(account.limits.recoveries, policy.recovery_per_day, policy, subject.now).next_allowed_at;
    case Rule::lost_3:
    case Rule::lost_4:
    case Rule::lost_6:
      return account.windows.open ? account.windows.open->effective_at : std::nullopt;
    case Rule::life_2:
    case Rule::life_3: {
      const std::int64_t days = rule == Rule::life_3 ? policy.account_inactive_days : policy.mailbox_inactive_days;
      return account.last_active() + days * day_us;
    }
    default:
      return std::nullopt;
  }
}

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
  json["would_change"] = Json::array();
  if (const auto at = next_allowed_at(*rule, subject)) json["would_change"].push_back(change("time", at));
  return json;
}

}  // namespace

Json query_explain(const LedgerView& ledger, const QueryOptions& options) {
  if (options.rule) return explain_rule(ledger, options);
  const Position position = options.seq ? *options.seq : newest_outcome(ledger, options);
  const Story story = story_of(ledger, position);
  const Event& told = story.told();
  Json json = {{"clock", ledger.ledger.simulated_clock ? "simulated" : "real"}};
  const Json header = header_json(told);
  for (const char* member : {"seq", "type", "account", "time", "service", "command", "policy_version"})
    json[member] = header[member];
  const EventWords words = describe(told);
  json["what"] = words.sentence;
  json["payload"] = words.fields;
  json["rules"] = rules_json(told, story.policy, options.language);
  json["rests_on"] = rests_on(story);
  json["would_change"] = would_change(story, json["rests_on"]);
  return json;
}

}  // namespace daicho
