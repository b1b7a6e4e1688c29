#include "commands/challenges.hpp"

#include <algorithm>

#include "commands/guesses.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"
#include "ledger/ascii.hpp"

namespace daicho {

bool is_public(fb::Purpose purpose) {
  return purpose == fb::Purpose::reset_password || purpose == fb::Purpose::unblock;
}

bool is_route_open(fb::Route route, const Policy& policy) {
  return std::ranges::find(policy.routes, name(route)) != policy.routes.end();
}

bool is_offered(const Proof& proof, fb::Purpose purpose, const Policy& policy) {
  const bool is_question = proof.kind == fb::ProofKind::secret_question;
  if (channels_of(proof.kind).empty() && !is_question) return false;
  if (!is_route_open(is_question ? fb::Route::secret_question : fb::Route::security_code, policy)) return false;
  if (purpose == fb::Purpose::verify_proof) return proof.status == ProofStatus::unverified;
  return proof.is_usable();
}

namespace {

/// The routes the policy leaves open to this account, in its order (R-CHL-9).
std::vector<fb::Route> open_routes(const Account& account, const std::vector<const Proof*>& offered,
                                   const Policy& policy) {
  std::vector<fb::Route> routes;
  for (const std::string& word : policy.routes) {
    const auto route = parse_name<fb::Route>(word);
    const auto has = [&](auto&& test) { return std::ranges::any_of(offered, test); };
    const bool is_open = route == fb::Route::secret_question
                             ? has([](const Proof* p) { return p->kind == fb::ProofKind::secret_question; })
                         : route == fb::Route::security_code
                             ? has([](const Proof* p) { return !channels_of(p->kind).empty(); })
                         : route == fb::Route::recovery_code ? !account.identity.recovery_code.is_zero()
                                                             : route == fb::Route::recovery_form;
    if (route && is_open) routes.push_back(*route);
  }
  if (!account.windows.open) routes.push_back(fb::Route::mark_lost);
  return routes;
}

Json route_names(const std::vector<fb::Route>& routes) {
  Json names = Json::array();
  for (const fb::Route route : routes) names.push_back(name(route));
  return names;
}

Decision no_usable_proof(const Account& account, const StartChallenge& command, const Context& context) {
  const auto routes = open_routes(account, {}, context.policy);
  Refusal refusal{Rule::chl_2, "no_usable_proof", "The account has no proof that a code could be sent to."};
  refusal.extra["other_routes"] = route_names(routes);
  fb::ChallengeEndedT ended{.challenge_id = context.new_id(), .purpose = command.purpose, .routes = routes};
  const bool has_code = std::ranges::find(routes, fb::Route::recovery_code) != routes.end();
  if (has_code) refusal.extra["challenge_id"] = to_text(ended.challenge_id);
  Draft event = draft(std::move(ended), {Rule::chl_2, Rule::chl_9});
  if (!has_code) return refused_on_record(account, context, std::move(refusal), std::move(event));
  Decision decision = refused(std::move(refusal));  // a recovery code still passes it (R-CHL-9): it is always kept
  decision.events.push_back(std::move(event));
  return decision;
}

}  // namespace

Tag16 device_tag(std::string_view device_id, const Context& context) {
  return device_id.empty() ? Tag16{} : context.vault.tag("device", device_id);
}

Tag16 location_tag(std::string_view location, const Context& context) {
  return location.empty() ? Tag16{} : context.vault.tag("location", fold(location));
}

bool is_passed(const CharacterCheck& check) {
  return !check.shown.empty() && equal_without_case(check.shown, check.typed);
}

Decision decide(const Account& account, const StartChallenge& command, const Context& context) {
  const bool check_failed = command.character_check && !is_passed(*command.character_check);
  if (check_failed || (is_public(command.purpose) && !command.character_check)) {
    return refused_on_record(
        account, context,
        {Rule::chl_1, command.character_check ? "character_check_failed" : "character_check_missing",
         "The characters typed must be those shown; ask for new ones as often as needed."},
        draft(fb::CharacterCheckFailedT{.purpose = command.purpose}, {Rule::chl_1}));
  }
  std::vector<const Proof*> offered;
  for (const Proof& proof : account.proofs.all) {
    if (is_offered(proof, command.purpose, context.policy)) offered.push_back(&proof);
  }
  if (offered.empty()) return no_usable_proof(account, command, context);

  fb::ChallengeStartedT started{.challenge_id = context.new_id(), .purpose = command.purpose};
  started.device_tag = device_tag(command.device_id.value_or(""), context);
  started.routes = open_routes(account, offered, context.policy);
  for (const Proof* proof : offered) started.offers.push_back(proof->id);
  Decision decision = accepted({{"challenge_id", to_text(started.challenge_id)}, {"purpose", name(command.purpose)}});
  decision.returns["routes"] = route_names(started.routes);
  decision.described.emplace_back("offers", started.offers);
  decision.events.push_back(draft(std::move(started), {Rule::chl_1, Rule::chl_2, Rule::chl_9}));
  return decision;
}

Result<const Challenge*, Refusal> open_challenge(const Account& account, const Id& id, const Context& context) {
  const Challenge* challenge = account.challenges.find(id);
  if (!challenge)
    return Unexpected{Refusal{Rule::chl_1, "challenge_unknown", "The account has no such open challenge."}};
  if (challenge->passed_at)
    return Unexpected{Refusal{Rule::chl_5, "challenge_passed", "The challenge is passed already."}};
  if (challenge->started_at + context.policy.challenge_ttl_seconds * second_us <= context.now) {
    return Unexpected{
        Refusal{Rule::chl_1, "challenge_expired", "The challenge was started too long ago; start another."}};
  }
  return challenge;
}

namespace {

Refusal limited(const char* code, const char* detail, std::optional<Time> retry_at) {
  return {Rule::chl_5, code, detail, retry_at};
}

std::optional<Refusal> check_quota(const std::vector<Time>& sends_to_proof, const std::vector<Time>& all,
                                   const Context& context) {
  const std::int64_t per_proof = context.policy.max_codes_per_hour, per_account = 2 * per_proof;
  if (count_since(sends_to_proof, context.now, hour_us) >= per_proof) {
    return limited("proof_send_limit", "No more codes go to this proof for now.",
                   hour_after_nth_newest(sends_to_proof, per_proof));
  }
  if (count_since(all, context.now, hour_us) >= per_account) {
    return limited("account_send_limit", "No more codes go out for this account for now.",
                   hour_after_nth_newest(all, per_account));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_send_quota(const Account& account, const std::vector<Time>& sends_to_proof,
                                        const Context& context) {
  return check_quota(sends_to_proof, account.limits.sends, context);
}

std::optional<Refusal> check_send_quota(const Account& account, const Tag16& address_tag, bool in_window,
                                        const Context& context) {
  const Proof* earlier = account.proofs.newest_at(address_tag);
  return check_quota(earlier ? earlier->sends : std::vector<Time>{},
                     in_window ? account.limits.window_sends : account.limits.sends, context);
}

Draft send_code_to(const Id& proof, const Id& challenge, fb::Channel channel, const Context& context,
                   const Id& replacement) {
  fb::CodeSentT sent{.code_id = context.new_id(), .challenge_id = challenge, .proof_id = proof, .channel = channel};
  sent.replacement_id = replacement;
  const std::string code = context.vault.secret(OneTime::security_code, sent.code_id, context.policy.code_digits);
  sent.code_hash = context.vault.hash(OneTime::security_code, sent.code_id, code);
  sent.expires_at = context.now + context.policy.code_ttl_seconds * second_us;
  const Id secret = sent.code_id;
  Draft event = draft(std::move(sent), {Rule::chl_4, Rule::chl_5, Rule::chl_6});
  notify(event, context, fb::NotificationKind::security_code, fb::Recipient::proof, channel, proof, secret);
  return event;
}

Draft send_link_to(const Id& proof, const Context& context, const Id& replacement) {
  fb::LinkSentT sent{.link_id = context.new_id(), .proof_id = proof};
  sent.replacement_id = replacement;
  sent.token_hash = context.vault.hash(OneTime::link, sent.link_id, context.vault.secret(OneTime::link, sent.link_id));
  sent.expires_at = context.now + context.policy.link_ttl_seconds * second_us;
  const Id secret = sent.link_id;
  Draft event = draft(std::move(sent), {Rule::prf_1, Rule::chl_5, Rule::chl_6});
  notify(event, context, fb::NotificationKind::proof_link, fb::Recipient::proof, fb::Channel::email, proof, secret);
  return event;
}

Decision decide(const Account& account, const SendCode& command, const Context& context) {
  const auto challenge = open_challenge(account, command.challenge, context);
  if (!challenge) return refused(challenge.error());
  const Proof* proof = account.proofs.find(command.proof);
  const bool is_offer = std::ranges::find((*challenge)->offers, command.proof) != (*challenge)->offers.end();
  if (!proof || !is_offer || !is_offered(*proof, (*challenge)->purpose, context.policy)) {
    return refused({Rule::chl_2, "proof_not_offered", "This challenge does not offer that proof."});
  }
  const auto channels = channels_of(proof->kind);
  if (std::ranges::find(channels, command.channel) == channels.end() || command.channel == fb::Channel::app) {
    return refused({Rule::prf_3, "channel_not_offered", "That kind of proof does not receive codes this way."});
  }
  // A device that the owner signed in on has a budget of its own: strangers have no part in it.
  const bool familiar = account.identity.is_familiar_device((*challenge)->device_tag);
  const Allowance confirmations =
      daily_allowance(familiar ? proof->familiar_wrong_confirmations : proof->wrong_confirmations,
                      context.policy.max_contact_confirmations, context.policy, context.now);
  if (confirmations.left == 0) {
    return refused({Rule::chl_3, "confirmation_limit",
                    "Too many wrong confirmations of this proof today; choose another.",
                    confirmations.next_allowed_at});
  }
  if (auto refusal = check_send_quota(account, proof->sends, context)) return refused(*std::move(refusal));
  const Vault* vault = context.vault_at(proof->sealed_slot);
  if (!vault || vault->tag("confirmation", fold(command.confirmation)) != proof->confirmation_tag) {
    Decision decision =
        refused({Rule::chl_3, "wrong_confirmation", "What was typed is not the hidden part; nothing was sent."});
    decision.refusal->extra["confirmations_left"] = confirmations.left - 1;
    decision.events.push_back(draft(
        fb::ContactConfirmationFailedT{
            .challenge_id = command.challenge, .proof_id = command.proof, .familiar = familiar},
        {Rule::chl_3}));
    return decision;
  }
  Draft sent = send_code_to(proof->id, command.challenge, command.channel, context);
  sent.caused_by = (*challenge)->started;
  sent.rules.push_back(static_cast<std::uint16_t>(Rule::chl_3));
  Decision decision = accepted({{"notification_id", to_text(sent.notifications.front().id)},
                                {"expires_at", to_rfc3339(sent.payload.AsCodeSent()->expires_at)}});
  decision.events.push_back(std::move(sent));
  return decision;
}

std::optional<Refusal> check_passed(const Account& account, const Id& id, fb::Purpose purpose, Rule rule,
                                    const Context& context) {
  const Challenge* challenge = account.challenges.find(id);
  if (!challenge || challenge->purpose != purpose) {
    return Refusal{rule, "challenge_unknown",
                   "A challenge with purpose " + std::string(name(purpose)) + " must be passed first."};
  }
  if (!challenge->passed_at) return Refusal{rule, "challenge_not_passed", "The challenge is not passed yet."};
  if (*challenge->passed_at + context.policy.step_up_ttl_seconds * second_us <= context.now)
    return Refusal{rule, "challenge_stale", "The challenge was passed too long ago; pass another."};
  const Proof* proof = account.proofs.find(challenge->passed_with);
  const bool is_void = !challenge->passed_with.is_zero() && (!proof || !proof->is_usable());
  if (is_void && purpose != fb::Purpose::verify_proof)
    return Refusal{rule, "challenge_void", "The proof it was passed with is none any more."};
  return std::nullopt;
}

}  // namespace daicho
