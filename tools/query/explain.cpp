#include "tools/query/explain.hpp"

#include <algorithm>

#include "commands/guesses.hpp"
#include "commands/policy_adoption.hpp"
#include "commands/recovery_matching.hpp"
#include "commands/services.hpp"
#include "projections/daily_limits.hpp"
#include "projections/event_fields.hpp"
#include "tools/query/accesses.hpp"
#include "tools/query/event_words.hpp"
#include "tools/query/explain_rule.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/query/subject.hpp"

namespace daicho {

namespace {

/// The account's events up to the one explained, that one last.
struct Story {
  std::vector<std::string> envelopes;
  std::vector<Event> events;
  Account account;                  ///< the fold of these events
  LedgerState ledger;               ///< then
  std::vector<AccessRow> accesses;  ///< of an access that was refused: those that used up its investigator's day

  const Event& told() const { return events.back(); }
  const Policy& policy() const { return ledger.policy; }
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
  for (const std::string& each : story.envelopes) {
    story.events.push_back(*Event::parse(as_bytes(each)));
    evolve(story.account, story.events.back(), {});
  }
  story.ledger = value_or_fail(ledger_at(*ledger.store, {.position = position}));
  if (const auto* refused = story.told().as<fb::CommandRefused>(); refused && refused->investigator())
    story.accesses = accesses_of_day(*ledger.store, text_of(refused->investigator()), story.told(), story.policy());
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

/// The wrong guesses that count against the factor of a rejection, as decisions count them; null: told is none.
const std::vector<Time>* wrong_guesses(const Story& story) {
  const Account& account = story.account;
  switch (story.told().type()) {
    case fb::Payload::CodeRejected:
    case fb::Payload::SecretAnswerRejected: {
      const Proof* proof = account.proofs.find(proof_in(story.told()));
      return proof ? &proof->wrong_guesses : nullptr;
    }
    case fb::Payload::RecoveryCodeRejected:
      return &account.identity.wrong_recovery_codes;
    case fb::Payload::PasswordRejected:
      return &account.identity.wrong_passwords;
    default:
      return nullptr;
  }
}

/// Of the wrong confirmations, those of the proof told and of devices as familiar; null: told is none.
const std::vector<Time>* wrong_confirmations(const Story& story) {
  const auto* failed = story.told().as<fb::ContactConfirmationFailed>();
  const Proof* proof = failed ? story.account.proofs.find(id_of(failed->proof_id())) : nullptr;
  if (!proof) return nullptr;
  return failed->familiar() ? &proof->familiar_wrong_confirmations : &proof->wrong_confirmations;
}

bool counts(const std::vector<Time>* marks, const Event& event) {
  return marks && std::ranges::find(*marks, event.time()) != marks->end();
}

bool counts_within_day(const Event& event, const Event& told, const Policy& policy) {
  return daily_allowance({event.time()}, 1, policy, told.time()).used > 0;
}

/// Why an earlier event matters to a rejected guess or confirmation; null: it does not.
const char* bearing_on_rejection(const Event& earlier, const Story& story) {
  const Event& told = story.told();
  if (const auto* marks = wrong_guesses(story)) {
    const bool is_same_factor = !proof_in(told).is_zero() ? proof_in(earlier) == proof_in(told)  //
                                                          : earlier.type() == told.type();
    if (is_same_factor && is_wrong_guess(earlier) && counts(marks, earlier) && earlier.time() > told.time() - hour_us)
      return "a wrong guess of the same hour";
    const bool is_code = earlier.type() == fb::Payload::CodeSent && earlier.time() > told.time() - hour_us;
    return is_code && is_same_factor ? "the code that was sent" : nullptr;
  }
  return earlier.type() == told.type() && proof_in(earlier) == proof_in(told) &&
                 counts(wrong_confirmations(story), earlier) && counts_within_day(earlier, told, story.policy())
             ? "a wrong confirmation of the same day"
             : nullptr;
}

const char* bearing_on_erasure(const Event& earlier, const fb::DataKeyErased& erased) {
  if (earlier.sealed_slot() == erased.slot()) return "it is under the key";
  const bool takes_proofs =
      earlier.as<fb::ProofRemoved>() || earlier.as<fb::PasswordReset>() || !replacement_in(earlier).is_zero();
  return takes_proofs && earlier.time() == erased.unneeded_since() ? "the last proof went" : nullptr;
}

/// Why an earlier event matters to the one told; null: it does not.
const char* bearing(const Event& earlier, const Story& story) {
  const Event& told = story.told();
  if (told.header().caused_by() == flatbuffers::Optional<Position>(earlier.position())) return "it follows from this";
  switch (told.type()) {
    case fb::Payload::CodeRejected:
    case fb::Payload::SecretAnswerRejected:
    case fb::Payload::RecoveryCodeRejected:
    case fb::Payload::PasswordRejected:
    case fb::Payload::ContactConfirmationFailed:
      return bearing_on_rejection(earlier, story);
    case fb::Payload::RecoveryRefused:
      if (told.as<fb::RecoveryRefused>()->rule() == static_cast<std::uint16_t>(Rule::rec_1))
        return earlier.type() == fb::Payload::TwoStepEnabled ? "two-step verification was turned on" : nullptr;
      return earlier.type() == fb::Payload::RecoverySubmitted && counts_within_day(earlier, told, story.policy())
                 ? "an attempt of the same day"
                 : nullptr;
    case fb::Payload::RecoveryVerified:
    case fb::Payload::RecoveryNotVerified: {
      if (recovery_in(earlier) == recovery_in(told) && !recovery_in(told).is_zero()) return "the form";
      const Recovery* recovery = story.account.recoveries.find(recovery_in(told));
      return recovery && earlier.position() > recovery->submitted && supersedes(earlier) ? "it supersedes the form"
                                                                                         : nullptr;
    }
    case fb::Payload::ReplacementCompleted:
    case fb::Payload::ReplacementCancelled:
    case fb::Payload::ReplacementDisputed:
      return replacement_in(earlier) == replacement_in(told) ? "the same replacement" : nullptr;
    case fb::Payload::DataKeyErased:
      return bearing_on_erasure(earlier, *told.as<fb::DataKeyErased>());
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

Json rests_on(const LedgerView& ledger, const Story& story) {
  Json rows = Json::array();
  const auto add = [&](const Event& event, const char* why) { rows.push_back(event_json(event, why)); };
  const Event& told = story.told();
  for (const Event& earlier : std::span(story.events).first(story.events.size() - 1)) {
    if (const char* why = bearing(earlier, story)) add(earlier, why);
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
  for (const AccessRow& access : story.accesses) {  // of any account
    const std::string envelope = event_at(ledger, access.position);
    add(*Event::parse(as_bytes(envelope)), "an access of the same day");
  }
  const auto* command = told.as<fb::CommandRefused>();
  const bool is_of_roles =
      command && !command->investigator() && command->rule() != static_cast<std::uint16_t>(Rule::acc_4);
  const Service* service = is_of_roles ? story.ledger.find_service(text_of(told.header().service())) : nullptr;
  if (service) {  // its roles: an event of the ledger's own
    const std::string envelope = event_at(ledger, service->registered);
    add(*Event::parse(as_bytes(envelope)), "the roles of the service");
  }
  return rows;
}

// ---- what would change it ------------------------------------------------------------------------------------------

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

Json changes_of(const fb::RecoveryNotVerified& outcome, const Story& story) {
  const Recovery* recovery = story.account.recoveries.find(id_of(outcome.recovery_id()));
  if (story.account.identity.two_step) return Json::array({change("two-step verification turned off by its owner")});
  if (recovery && recovery->is_stale)
    return Json::array({change("another form: what changed since this one was sent supersedes it")});
  return missing_points(outcome, story.policy());
}

Json changes_of(const fb::RecoveryRefused& refused) {
  if (refused.rule() == static_cast<std::uint16_t>(Rule::rec_1))
    return Json::array({change("two-step verification turned off by its owner")});
  const auto retry_at = refused.retry_at();
  return Json::array({change("the next day of the policy", retry_at ? std::optional<Time>(*retry_at) : std::nullopt)});
}

Json changes_of(const fb::SignInRefused& refused) {
  const bool is_block = refused.rule() == static_cast<std::uint16_t>(Rule::blk_1);
  return Json::array({change(is_block ? "a passed challenge with purpose unblock, or a verified recovery and a reset"
                                      : "a passed challenge with purpose two_step_sign_in, or a trusted device")});
}

Json changes_of(const fb::ChallengeEnded& ended) {
  Json changes = Json::array();
  if (!ended.routes()) return changes;
  for (const auto route : *ended.routes())
    changes.push_back(change("the route that remains: " + std::string(name(static_cast<fb::Route>(route)))));
  return changes;
}

Json changes_of_access_limit(const Story& story) {
  std::vector<Time> marks;
  for (const AccessRow& access : story.accesses) marks.push_back(access.at);
  const Policy& policy = story.policy();
  const auto at = daily_allowance(marks, policy.accesses_per_day, policy, story.told().time()).next_allowed_at;
  return Json::array({at ? change("the next day of the policy", at) : change("a policy that lets anybody read")});
}

Json changes_of(const fb::CommandRefused& refused, const Story& story) {
  if (refused.investigator()) return changes_of_access_limit(story);
  if (refused.rule() == static_cast<std::uint16_t>(Rule::acc_4)) return Json::array();  // nothing would
  std::string roles;
  for (const fb::Role role : roles_of(text_of(story.told().header().command())))
    roles += (roles.empty() ? "" : " or ") + std::string(name(role));
  return Json::array({change("a service whose role is " + roles)});
}

Json changes_of_rejection(const Story& story) {
  Json changes = Json::array();
  const auto budget = static_cast<std::size_t>(story.policy().max_code_guesses);
  const auto* wrong = wrong_guesses(story);
  if (wrong && wrong->size() >= budget)
    changes.push_back(change("the budget of guesses has room again", (*wrong)[wrong->size() - budget] + hour_us));
  changes.push_back(change("the right one, within the budget; other ways to prove who one is stay open"));
  return changes;
}

Json changes_of_confirmation(const Story& story) {
  Json changes = Json::array({change("the part left of the @, or the last four digits, as registered")});
  const auto* wrong = wrong_confirmations(story);
  const auto allowance =
      wrong ? daily_allowance(*wrong, story.policy().max_contact_confirmations, story.policy(), story.told().time())
            : Allowance{};
  if (allowance.next_allowed_at)
    changes.push_back(change("the confirmations of another day", allowance.next_allowed_at));
  return changes;
}

Json would_change(const Story& story) {
  const Event& told = story.told();
  if (const auto* outcome = told.as<fb::RecoveryNotVerified>()) return changes_of(*outcome, story);
  if (const auto* recovery = told.as<fb::RecoveryRefused>()) return changes_of(*recovery);
  if (const auto* sign_in = told.as<fb::SignInRefused>()) return changes_of(*sign_in);
  if (const auto* ended = told.as<fb::ChallengeEnded>()) return changes_of(*ended);
  if (const auto* command = told.as<fb::CommandRefused>()) return changes_of(*command, story);
  switch (told.type()) {
    case fb::Payload::CodeRejected:
    case fb::Payload::SecretAnswerRejected:
    case fb::Payload::RecoveryCodeRejected:
    case fb::Payload::PasswordRejected:
      return changes_of_rejection(story);
    case fb::Payload::ContactConfirmationFailed:
      return changes_of_confirmation(story);
    case fb::Payload::CharacterCheckFailed:
      return Json::array({change("the characters shown, in either case; new ones as often as needed")});
    default:
      return Json::array();
  }
}

Json rules_json(const Event& event, const Policy& policy, const std::string& language) {
  Json list = Json::array();
  if (!event.header().rules()) return list;
  for (const std::uint16_t number : *event.header().rules()) {
    if (const auto rule = rule_of(number)) list.push_back(rule_json(text_of(*rule), policy, language));
  }
  return list;
}

}  // namespace

Json query_explain(const LedgerView& ledger, const QueryOptions& options) {
  if (options.rule) return explain_rule(ledger, options);
  const Position position = options.seq ? *options.seq : newest_outcome(ledger, options);
  const Story story = story_of(ledger, position);
  const Event& told = story.told();
  Json json = clock_of(ledger);
  const Json header = header_json(told);
  for (const char* member : {"seq", "type", "account", "time", "service", "command", "policy_version"})
    json[member] = header[member];
  const EventWords words = describe(told);
  json["what"] = words.sentence;
  json["payload"] = words.fields;
  json["rules"] = rules_json(told, story.policy(), options.language);
  json["rests_on"] = rests_on(ledger, story);
  json["would_change"] = would_change(story);
  return json;
}

}  // namespace daicho
