#include "commands/challenges.hpp"

#include <algorithm>

#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

namespace {

bool is_public(fb::Purpose purpose) {
  return purpose == fb::Purpose::reset_password || purpose == fb::Purpose::unblock;
}

bool equal_ignoring_ascii_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// Proofs that can answer a challenge of this purpose: to verify a proof, those not verified yet (R-CHL-2).
bool is_offered(const Proof& proof, fb::Purpose purpose) {
  const bool is_question = proof.kind == fb::ProofKind::secret_question;
  if (channels_of(proof.kind).empty() && !is_question) return false;
  if (purpose == fb::Purpose::verify_proof) return proof.status == ProofStatus::unverified;
  return proof.is_usable();
}

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
  return refused_on_record(
      account, context, std::move(refusal),
      draft(fb::ChallengeEndedT{.challenge_id = context.new_id(), .purpose = command.purpose, .routes = routes},
            {Rule::chl_2, Rule::chl_9}));
}

}  // namespace

Tag16 device_tag(const std::optional<std::string>& device_id, const Context& context) {
  return device_id ? context.vault.tag("device", *device_id) : Tag16{};
}

Decision decide(const Account& account, const StartChallenge& command, const Context& context) {
  const auto& check = command.character_check;
  const bool check_failed = check && (check->shown.empty() || !equal_ignoring_ascii_case(check->shown, check->typed));
  if (check_failed || (is_public(command.purpose) && !command.character_check)) {
    return refused_on_record(
        account, context,
        {Rule::chl_1, command.character_check ? "character_check_failed" : "character_check_missing",
         "The characters typed must be those shown; ask for new ones as often as needed."},
        draft(fb::CharacterCheckFailedT{.purpose = command.purpose}, {Rule::chl_1}));
  }
  std::vector<const Proof*> offered;
  for (const Proof& proof : account.proofs.all) {
    if (is_offered(proof, command.purpose)) offered.push_back(&proof);
  }
  if (offered.empty()) return no_usable_proof(account, command, context);

  fb::ChallengeStartedT started{.challenge_id = context.new_id(), .purpose = command.purpose};
  started.device_tag = device_tag(command.device_id, context);
  started.routes = open_routes(account, offered, context.policy);
  for (const Proof* proof : offered) started.offers.push_back(proof->id);
  Decision decision = accepted({{"challenge_id", to_text(started.challenge_id)}, {"purpose", name(command.purpose)}});
  decision.returns["routes"] = route_names(started.routes);
  decision.offers = started.offers;
  decision.events.push_back(draft(std::move(started), {Rule::chl_1, Rule::chl_2, Rule::chl_9}));
  return decision;
}

namespace {

/// The challenge, open and not yet passed; else the refusal.
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

Refusal limited(const char* code, const char* detail, std::optional<Time> retry_at) {
  return {Rule::chl_5, code, detail, retry_at};
}

Time hour_after_nth_newest(const std::vector<Time>& marks, std::int64_t n) {
  return marks[marks.size() - static_cast<std::size_t>(n)] + hour_us;
}

}  // namespace

std::optional<Refusal> check_send_quota(const Account& account, const std::vector<Time>& sends_to_proof,
                                        const Context& context) {
  const std::int64_t per_proof = context.policy.max_codes_per_hour, per_account = 2 * per_proof;
  if (count_since(sends_to_proof, context.now, hour_us) >= per_proof) {
    return limited("proof_send_limit", "No more codes go to this proof for now.",
                   hour_after_nth_newest(sends_to_proof, per_proof));
  }
  const auto& all = account.limits.sends;
  if (count_since(all, context.now, hour_us) >= per_account) {
    return limited("account_send_limit", "No more codes go out for this account for now.",
                   hour_after_nth_newest(all, per_account));
  }
  return std::nullopt;
}

std::optional<Refusal> check_send_quota(const Account& account, const Tag16& address_tag, const Context& context) {
  const Proof* earlier = account.proofs.newest_at(address_tag);
  return check_send_quota(account, earlier ? earlier->sends : std::vector<Time>{}, context);
}

Draft send_code_to(const Id& proof, const Id& challenge, fb::Channel channel, const Context& context) {
  fb::CodeSentT sent{.code_id = context.new_id(), .challenge_id = challenge, .proof_id = proof, .channel = channel};
  const std::string code = context.vault.secret(OneTime::security_code, sent.code_id, context.policy.code_digits);
  sent.code_hash = context.vault.hash(OneTime::security_code, sent.code_id, code);
  sent.expires_at = context.now + context.policy.code_ttl_seconds * second_us;
  const Id secret = sent.code_id;
  Draft event = draft(std::move(sent), {Rule::chl_4, Rule::chl_5, Rule::chl_6});
  notify(event, context, fb::NotificationKind::security_code, fb::Recipient::proof, channel, proof, secret);
  return event;
}

Draft send_link_to(const Id& proof, const Context& context) {
  fb::LinkSentT sent{.link_id = context.new_id(), .proof_id = proof};
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
  if (!proof || !is_offer || !is_offered(*proof, (*challenge)->purpose)) {
    return refused({Rule::chl_2, "proof_not_offered", "This challenge does not offer that proof."});
  }
  const auto channels = channels_of(proof->kind);
  if (std::ranges::find(channels, command.channel) == channels.end() || command.channel == fb::Channel::app) {
    return refused({Rule::prf_3, "channel_not_offered", "That kind of proof does not receive codes this way."});
  }
  const Allowance confirmations = daily_allowance(
      account.limits.failed_confirmations, context.policy.max_contact_confirmations, context.policy, context.now);
  if (confirmations.left == 0) {
    return refused(
        {Rule::chl_3, "confirmation_limit", "Too many wrong confirmations today.", confirmations.next_allowed_at});
  }
  if (auto refusal = check_send_quota(account, proof->sends, context)) return refused(*std::move(refusal));
  if (context.vault.tag("confirmation", fold(command.confirmation)) != proof->confirmation_tag) {
    Decision decision =
        refused({Rule::chl_3, "wrong_confirmation", "What was typed is not the hidden part; nothing was sent."});
    decision.refusal->extra["confirmations_left"] = confirmations.left - 1;
    decision.events.push_back(draft(
        fb::ContactConfirmationFailedT{.challenge_id = command.challenge, .proof_id = command.proof}, {Rule::chl_3}));
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

std::optional<Decision> check_code(const Account& account, const Proof* proof, const Id& challenge, bool is_link,
                                   std::string_view attempt, const Context& context) {
  const auto rejected = [&](fb::CodeRejection reason, Refusal refusal) {
    return refused_on_record(
        account, context, std::move(refusal),
        draft(fb::CodeRejectedT{.challenge_id = challenge, .proof_id = proof ? proof->id : Id{}, .reason = reason},
              {Rule::chl_5}));
  };
  if (!proof || !proof->code || proof->code->is_link != is_link) {
    return rejected(fb::CodeRejection::no_code,
                    limited("no_code", "No code is waited for: none was sent, or it was used.", {}));
  }
  const std::int64_t used = count_since(proof->wrong_guesses, context.now, hour_us);
  if (used >= context.policy.max_code_guesses) {
    Refusal refusal = limited("guess_limit", "Too many wrong codes for this proof.",
                              hour_after_nth_newest(proof->wrong_guesses, context.policy.max_code_guesses));
    refusal.extra["guesses_left"] = 0;
    return rejected(fb::CodeRejection::budget_spent, std::move(refusal));
  }
  if (proof->code->expires_at <= context.now) {
    return rejected(fb::CodeRejection::expired, limited("code_expired", "The code is too old; ask for a new one.", {}));
  }
  const OneTime kind = is_link ? OneTime::link : OneTime::security_code;
  if (context.vault.matches(kind, proof->code->id, proof->code->hash, attempt)) return std::nullopt;
  Refusal refusal = limited("wrong_code", "That is not the code that was sent.", {});
  refusal.extra["guesses_left"] = context.policy.max_code_guesses - used - 1;
  // A wrong guess always is an event: the budget that limits it is counted from them.
  Decision decision = refused(std::move(refusal));
  decision.events.push_back(
      draft(fb::CodeRejectedT{.challenge_id = challenge, .proof_id = proof->id, .reason = fb::CodeRejection::wrong},
            {Rule::chl_5}));
  return decision;
}

Decision decide(const Account& account, const SubmitCode& command, const Context& context) {
  const auto challenge = open_challenge(account, command.challenge, context);
  if (!challenge) return refused(challenge.error());
  const Proof* proof = account.proofs.with_code_of(command.challenge);
  if (auto rejection = check_code(account, proof, command.challenge, false, command.code, context))
    return *std::move(rejection);
  Decision decision = accepted({{"passed", true}, {"guesses_left", context.policy.max_code_guesses}});
  Draft passed = draft(fb::ChallengePassedT{.challenge_id = command.challenge,
                                            .purpose = (*challenge)->purpose,
                                            .proof_id = proof->id,
                                            .device_tag = (*challenge)->device_tag},
                       {Rule::chl_5});
  passed.caused_by = (*challenge)->started;
  decision.events.push_back(std::move(passed));
  const auto verify = [&](const Proof& verified) {
    decision.events.push_back(draft(fb::ProofVerifiedT{.proof_id = verified.id}, {Rule::prf_1, Rule::prf_10}));
  };
  if (proof->status == ProofStatus::unverified) verify(*proof);
  for (const Proof& device : account.proofs.all) {  // the device the owner is on is trusted from here (R-PRF-10)
    if ((*challenge)->purpose == fb::Purpose::trust_device && device.kind == fb::ProofKind::trusted_device &&
        device.status == ProofStatus::unverified && device.address_tag == (*challenge)->device_tag) {
      verify(device);
    }
  }
  if (account.windows.open &&
      proof->status == ProofStatus::marked_lost) {  // R-LOST-4: using an old proof offers to cancel
    decision.returns["offer_cancel_replacement"] = to_text(account.windows.open->id);
  }
  return decision;
}

std::optional<NotPassed> check_passed(const Account& account, const Id& id, fb::Purpose purpose,
                                      const Context& context) {
  const Challenge* challenge = account.challenges.find(id);
  if (!challenge || challenge->purpose != purpose) {
    return NotPassed{"challenge_unknown",
                     "A challenge with purpose " + std::string(name(purpose)) + " must be passed first."};
  }
  if (!challenge->passed_at) return NotPassed{"challenge_not_passed", "The challenge is not passed yet."};
  if (*challenge->passed_at + context.policy.step_up_ttl_seconds * second_us <= context.now) {
    return NotPassed{"challenge_stale", "The challenge was passed too long ago; pass another."};
  }
  return std::nullopt;
}

}  // namespace daicho
