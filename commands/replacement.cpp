#include "commands/replacement.hpp"

#include <algorithm>

#include "commands/blocking.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

namespace {

const Window* open_window(const Account& account, const Id& id) {
  return account.windows.open && account.windows.open->id == id ? &*account.windows.open : nullptr;
}

Decision window_closed(Rule rule) { return refused({rule, "no_open_window", "The account has no such open window."}); }

Json window_answer(const Window& window) {
  Json answer = {{"replacement_id", to_text(window.id)}};
  if (window.effective_at) answer["effective_at"] = to_rfc3339(*window.effective_at);
  return answer;
}

/// The window's end, with a recovery code: at once.
void complete_now(Decision& decision, const Account& account, const Context& context) {
  Draft completed = completion(account, context.now, context);
  const auto& outcome = *completed.payload.AsReplacementCompleted();
  describe_survivors(decision, account, outcome.added, outcome.removed);
  decision.events.push_back(std::move(completed));
}

Draft cancellation(const Account& account, fb::Canceller by, const Context& context,
                   std::initializer_list<Rule> rules) {
  const Window& window = *account.windows.open;
  Draft cancelled = draft(fb::ReplacementCancelledT{.replacement_id = window.id, .by = by}, rules);
  cancelled.caused_by = window.opened;
  notify_owner(cancelled, account, context, fb::NotificationKind::security_info_changed);
  return cancelled;
}

/// A second mark-lost by the window's opener, with the recovery code: what nothing else shortens (R-LOST-4).
Decision expedite(const Account& account, const Context& context) {
  const Window& window = *account.windows.open;
  Decision decision = accepted(window_answer(window));
  decision.events.push_back(
      draft(fb::RecoveryCodeUsedT{.code_id = account.identity.recovery_code}, {Rule::prf_9, Rule::lost_2}));
  decision.events.push_back(draft(fb::ReplacementOpenedT{.replacement_id = window.id,
                                                         .expedited = true,
                                                         .token_hash = window.token_hash,
                                                         .link_hash = window.link_hash},
                                  {Rule::lost_2, Rule::lost_4}));
  if (window.confirmed_at) {
    decision.returns["effective_at"] = to_rfc3339(context.now);
    complete_now(decision, account, context);
  }
  return decision;
}

/// Whether the caller is the open window's opener: nobody else is told its id or its token.
bool is_opener(const Window& window, const MarkProofsLost& command, const Context& context) {
  return command.replacement == window.id ||
         (command.replacement_token &&
          context.vault.matches(OneTime::opener_token, window.id, window.token_hash, *command.replacement_token));
}

bool has_lapsed(const Window& window, const Context& context) {
  return !window.confirmed_at && window.opened_at + context.policy.link_ttl_seconds * second_us <= context.now;
}

}  // namespace

Draft completion(const Account& account, Time effective_at, const Context& context) {
  const Window& window = *account.windows.open;
  fb::ReplacementCompletedT completed{.replacement_id = window.id, .effective_at = effective_at};
  for (const Proof& proof : account.proofs.all) {
    if (proof.replacement != window.id) continue;
    if (proof.status == ProofStatus::marked_lost) completed.removed.push_back(proof.id);
    if (proof.status == ProofStatus::confirmed) completed.added.push_back(proof.id);
  }
  Draft event = draft(std::move(completed), {Rule::lost_6, Rule::lost_2});
  event.caused_by = window.confirmed;
  notify_proofs(event, account, context, fb::NotificationKind::security_info_changed);
  for (const Proof& proof : account.proofs.all) {  // the new ones, too
    if (proof.replacement != window.id || proof.status != ProofStatus::confirmed) continue;
    notify(event, context, fb::NotificationKind::security_info_changed, fb::Recipient::proof,
           channels_of(proof.kind).front(), proof.id);
  }
  return event;
}

namespace {

/// The proofs that become lost: those named, or all; nullopt: one named is no verified proof of the account.
std::optional<std::vector<Id>> lost_proofs(const Account& account, const std::vector<Id>& named) {
  std::vector<Id> lost;
  for (const Proof& proof : account.proofs.all) {
    const bool is_named = named.empty() || std::ranges::find(named, proof.id) != named.end();
    if (is_named && proof.is_usable()) lost.push_back(proof.id);
  }
  const auto is_lost = [&](const Id& id) { return std::ranges::find(lost, id) != lost.end(); };
  if (!std::ranges::all_of(named, is_lost)) return std::nullopt;
  return lost;
}

Decision open(const Account& account, std::vector<Id> lost, bool expedited, const Context& context) {
  const Id id = context.new_id();
  const std::string token = context.vault.secret(OneTime::opener_token, id);
  Decision decision = accepted({{"replacement_id", to_text(id)}, {"replacement_token", token}});
  if (expedited) {
    decision.events.push_back(
        draft(fb::RecoveryCodeUsedT{.code_id = account.identity.recovery_code}, {Rule::prf_9, Rule::lost_2}));
  }
  if (account.windows.open) {
    // One that its opener left, or that somebody else opened before the code's holder came.
    const auto by = expedited ? fb::Canceller::recovery_code : fb::Canceller::lapse;
    decision.events.push_back(cancellation(account, by, context, {Rule::lost_4, Rule::lost_5}));
  }
  Draft opened = draft(
      fb::ReplacementOpenedT{
          .replacement_id = id,
          .expedited = expedited,
          .token_hash = context.vault.hash(OneTime::opener_token, id, token),
          .link_hash = context.vault.hash(OneTime::notice_link, id, context.vault.secret(OneTime::notice_link, id))},
      {Rule::lost_2, Rule::lost_4, Rule::lost_5});
  notify_owner(opened, account, context, fb::NotificationKind::replacement_pending, id);
  decision.events.push_back(
      draft(fb::ProofsMarkedLostT{.replacement_id = id, .proof_ids = std::move(lost)}, {Rule::lost_1}));
  decision.events.push_back(std::move(opened));
  return decision;
}

}  // namespace

Decision decide(const Account& account, const MarkProofsLost& command, const Context& context) {
  const bool expedited = command.recovery_code.has_value();
  if (expedited && !is_route_open(fb::Route::recovery_code, context.policy))
    return refused({Rule::chl_9, "route_closed", "Recovery codes are not accepted under the policy in force."});
  if (expedited) {
    if (auto rejection = check_recovery_code(account, Id{}, *command.recovery_code, Rule::lost_2, context))
      return *std::move(rejection);
  }
  if (const auto& window = account.windows.open) {
    if (expedited && is_opener(*window, command, context)) return expedite(account, context);
    if (!expedited && !has_lapsed(*window, context)) {
      return refused({Rule::lost_4, "window_open", "A replacement is pending already; it neither restarts nor stacks.",
                      window->effective_at});
    }
  }
  const Allowance openings = daily_allowance(account.limits.replacements, context.policy.max_replacements_per_day,
                                             context.policy, context.now);
  if (!expedited && openings.left == 0) {
    return refused(
        {Rule::lost_4, "openings_used_up", "The proofs were marked lost too often today.", openings.next_allowed_at});
  }
  auto lost = lost_proofs(account, command.proofs);
  if (!lost) return refused({Rule::lost_1, "proof_unknown", "Only verified proofs of the account can be marked lost."});
  return open(account, *std::move(lost), expedited, context);
}

Decision decide(const Account& account, const ProposeReplacementProof& command, const Context& context) {
  const Window* window = open_window(account, command.replacement);
  if (!window) return window_closed(Rule::lost_3);
  if (window->confirmed_at) {
    return refused({Rule::lost_4, "already_confirmed", "The new proof is confirmed and waits for the window's end.",
                    window->effective_at});
  }
  if (!is_written_to(command.proof.kind))
    return refused({Rule::lost_3, "kind_not_offered", "The new proof is an e-mail address or a phone."});
  auto details = examine(command.proof, account, context);
  if (!details) return refused(details.error());
  // Whether the account has this destination already is not told (R-ACC-6): anybody may ask here.
  if (auto refusal = check_send_quota(account, details->address_tag, true, context))
    return refused(*std::move(refusal));
  const Id proof_id = context.new_id();
  Draft proposed = draft(fb::ReplacementProofProposedT{.replacement_id = window->id,
                                                       .proof_id = proof_id,
                                                       .kind = command.proof.kind,
                                                       .address_tag = details->address_tag,
                                                       .confirmation_tag = details->confirmation_tag},
                         {Rule::lost_3});
  proposed.personal = std::move(details->personal);
  proposed.sealed_slot = details->sealed_slot;
  proposed.caused_by = window->opened;
  Decision decision = accepted({{"proof_id", to_text(proof_id)}});
  decision.events.push_back(std::move(proposed));
  decision.events.push_back(*first_message(command.proof.kind, proof_id, context, window->id));
  return decision;
}

Decision decide(const Account& account, const ConfirmReplacementProof& command, const Context& context) {
  const Window* window = open_window(account, command.replacement);
  if (!window) return window_closed(Rule::lost_3);
  const auto proposed = std::ranges::find_if(
      account.proofs.all, [&](const Proof& proof) { return proof.replacement == window->id && proof.is_of_window(); });
  if (proposed == account.proofs.all.end()) {
    return refused({Rule::lost_3, "nothing_proposed", "No new proof was proposed in this window."});
  }
  if (window->confirmed_at) return accepted(window_answer(*window));
  if (auto rejection = check_code(account, &*proposed, Id{}, command.link_token.has_value(),
                                  command.link_token ? *command.link_token : command.code.value_or(""), context)) {
    return *std::move(rejection);
  }
  if (command.link_token) {  // 004 step 14: on the link's page the owner names the account being changed
    const auto named = parse_email(command.account_named.value_or(""));
    const auto registered = context.personal(account.identity.registered);
    if (!named || !registered || named->folded() != registered->sign_in_name) {
      return refused(
          {Rule::lost_3, "wrong_account_named", "The account named is not the one whose proofs are being replaced."});
    }
  }
  const Time effective_at = window->expedited ? context.now : context.now + context.policy.replacement_days * day_us;
  Draft confirmed = draft(
      fb::ReplacementConfirmedT{.replacement_id = window->id, .proof_id = proposed->id, .effective_at = effective_at},
      {Rule::lost_3, Rule::lost_2});
  confirmed.caused_by = window->opened;
  if (!window->expedited)
    notify_owner(confirmed, account, context, fb::NotificationKind::replacement_pending, window->id);
  Decision decision = accepted({{"replacement_id", to_text(window->id)}, {"effective_at", to_rfc3339(effective_at)}});
  decision.events.push_back(std::move(confirmed));
  if (window->expedited) {
    Account confirmed_account = account;
    confirmed_account.proofs.find(proposed->id)->status = ProofStatus::confirmed;
    complete_now(decision, confirmed_account, context);
    decision.events.back().caused_by.reset();  // the confirmation just above
  }
  return decision;
}

namespace {

/// Who stops it, or nullopt when nothing given entitles to that (R-LOST-5).
std::optional<fb::Canceller> entitled(const Account& account, const Window& window, const StopReplacement& command,
                                      const Context& context) {
  if (command.link_token &&
      context.vault.matches(OneTime::notice_link, window.id, window.link_hash, *command.link_token)) {
    return fb::Canceller::notice_link;
  }
  if (command.replacement_token &&
      context.vault.matches(OneTime::opener_token, window.id, window.token_hash, *command.replacement_token)) {
    return fb::Canceller::opener_token;
  }
  if (!command.challenge) return std::nullopt;
  const Challenge* challenge = account.challenges.find(*command.challenge);
  const Proof* proof = challenge ? account.proofs.find(challenge->passed_with) : nullptr;
  const bool is_fresh = challenge && !check_passed(account, challenge->id, challenge->purpose, Rule::lost_5, context);
  return is_fresh && proof && proof->is_usable() ? std::optional(fb::Canceller::old_proof) : std::nullopt;
}

struct Stoppable {
  const Window* window;
  fb::Canceller by;
};
Result<Stoppable, Decision> stoppable(const Account& account, const StopReplacement& command, const Context& context) {
  const Window* window = open_window(account, command.replacement);
  if (!window) return Unexpected{window_closed(Rule::lost_5)};
  const auto by = entitled(account, *window, command, context);
  if (!by) {
    return Unexpected{
        refused({Rule::lost_5, "not_entitled",
                 "Give the notice's link token, a freshly passed challenge on an old proof, or the opener's token."})};
  }
  return Stoppable{window, *by};
}

}  // namespace

Decision decide(const Account& account, const CancelReplacement& command, const Context& context) {
  auto stop = stoppable(account, command, context);
  if (!stop) return std::move(const_cast<Decision&>(stop.error()));
  Decision decision = accepted({{"replacement_id", to_text(stop->window->id)}, {"by", name(stop->by)}});
  decision.events.push_back(cancellation(account, stop->by, context, {Rule::lost_5}));
  return decision;
}

Decision decide(const Account& account, const DisputeReplacement& command, const Context& context) {
  auto stop = stoppable(account, command, context);
  if (!stop) return std::move(const_cast<Decision&>(stop.error()));
  Draft disputed = draft(fb::ReplacementDisputedT{.replacement_id = stop->window->id, .by = stop->by}, {Rule::lost_5});
  disputed.caused_by = stop->window->opened;
  if (account.block.current || stop->by == fb::Canceller::opener_token)
    notify_owner(disputed, account, context, fb::NotificationKind::security_info_changed);
  Decision decision = accepted({{"replacement_id", to_text(stop->window->id)}, {"by", name(stop->by)}});
  decision.events.push_back(std::move(disputed));
  // The opener's own token closes the window and blocks nobody: else two calls by a stranger would lock an owner out.
  if (!account.block.current && stop->by != fb::Canceller::opener_token) {
    decision.events.push_back(block("disputed_replacement", "", account, context, {Rule::lost_5, Rule::blk_1}));
  }
  return decision;
}

Decision decide(const Account& account, const CompleteReplacement& command, const Context&) {
  if (const auto& last = account.windows.last;
      last && last->window.id == command.replacement && last->outcome == WindowOutcome::completed) {
    Decision decision =
        accepted({{"replacement_id", to_text(command.replacement)}, {"effective_at", to_rfc3339(last->at)}});
    std::vector<Id> kept, removed;
    for (const Proof& proof : account.proofs.all) {
      if (proof.is_usable()) kept.push_back(proof.id);
      const bool was_marked = proof.replacement == command.replacement && proof.status == ProofStatus::removed;
      const bool was_trusted = proof.kind == fb::ProofKind::trusted_device && proof.status == ProofStatus::unverified &&
                               proof.status_since == last->at;
      if (was_marked || was_trusted) removed.push_back(proof.id);
    }
    decision.described = {{"proofs_kept", std::move(kept)}, {"proofs_removed", std::move(removed)}};
    return decision;
  }
  const Window* window = open_window(account, command.replacement);
  if (!window) return window_closed(Rule::lost_6);
  return refused({Rule::lost_6, window->effective_at ? "not_due" : "not_confirmed", "The window has not run out.",
                  window->effective_at});
}

}  // namespace daicho
