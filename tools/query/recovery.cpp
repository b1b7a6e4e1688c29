#include "tools/query/recovery.hpp"

#include "commands/challenges.hpp"
#include "commands/decoy.hpp"
#include "commands/names.hpp"
#include "commands/recovery_scoring.hpp"
#include "commands/text.hpp"
#include "tools/query/subject.hpp"

namespace daicho {

namespace {

Json form_json(const Subject& subject, const Allowance& allowance) {
  const bool two_step = subject.account.identity.two_step;
  const bool is_route = is_route_open(fb::Route::recovery_form, subject.policy);
  return {{"open", is_route && !two_step && allowance.left > 0 && !subject.account.life.end},
          {"two_step", two_step},
          {"attempts_left_today", allowance.left},
          {"next_allowed_at", optional_time(allowance.next_allowed_at)}};
}

/// The first way on, in the order of the policy's routes; the last resort is to mark the proofs lost (R-CHL-9).
std::string next_step(const Subject& subject, bool form_open) {
  const Account& account = subject.account;
  if (account.life.end) return "none";
  const auto has = [&](bool question) {
    return std::ranges::any_of(account.proofs.all, [&](const Proof& proof) {
      return (proof.kind == fb::ProofKind::secret_question) == question &&
             is_offered(proof, fb::Purpose::reset_password, subject.policy);
    });
  };
  for (const std::string& route : subject.policy.routes) {
    const bool is_open = route == "secret_question" ? has(true)
                         : route == "security_code" ? has(false)
                         : route == "recovery_code" ? !account.identity.recovery_code.is_zero()
                                                    : form_open;
    if (is_open) return route;
  }
  return account.windows.open ? "wait_for_window" : "mark_lost";
}

using Masked = std::function<std::string(const Proof&)>;

Json options_json(const LedgerView& ledger, const Subject& subject, const Masked& shown) {
  const Account& account = subject.account;
  Json json = clock_of(ledger);
  json["as_of"] = to_rfc3339(subject.now);
  json["proofs"] = Json::array();
  for (const Proof& proof : account.proofs.all) {
    if (account.life.end || !is_offered(proof, fb::Purpose::reset_password, subject.policy)) continue;
    Json row = {{"proof_id", to_text(proof.id)}, {"kind", name(proof.kind)}, {"masked", shown(proof)}};
    row["channels"] = channels_json(proof.kind);
    row["marked_lost"] = proof.status == ProofStatus::marked_lost;
    json["proofs"].push_back(std::move(row));
  }
  const Allowance allowance =
      daily_allowance(account.limits.recoveries, subject.policy.recovery_per_day, subject.policy, subject.now);
  json["recovery_code"] = !account.identity.recovery_code.is_zero();
  json["form"] = form_json(subject, allowance);
  json["window"] = nullptr;
  if (const auto& window = account.windows.open) {
    json["window"] = {{"opened_at", to_rfc3339(window->opened_at)},
                      {"effective_at", optional_time(window->effective_at)}};
  }
  json["blocked"] = account.block.current.has_value();
  json["purpose"] = name(account.block.current ? fb::Purpose::unblock : fb::Purpose::reset_password);
  json["next_step"] = next_step(subject, json["form"]["open"].get<bool>());
  return json;
}

Json decoy_options(const LedgerView& ledger, const QueryOptions& options) {
  if (ledger.ledger.policy.disclose_account_existence) throw Failure(Exit::usage, "there is no such account");
  const std::string sign_in_name = parse_email(*options.account)->folded();
  const Decoy decoy =
      value_or_fail(load_decoy(*ledger.store, *ledger.keys, sign_in_name, ledger.ledger.created_at, ledger.now));
  const Subject subject{settled(decoy.account, ledger.now), ledger.ledger.policy, ledger.now, nullptr, *ledger.store};
  return options_json(ledger, subject,
                      [&](const Proof& proof) { return masked(*decoy_personal(*ledger.store, decoy, proof.added)); });
}

}  // namespace

Json query_recovery_options(const LedgerView& ledger, const QueryOptions& options) {
  if (!options.account) throw Failure(Exit::usage, "this query needs --account ID (or a sign-in name)");
  const bool by_name = !parse_id(*options.account) && ledger.keys;
  const auto find = options.is_past() ? find_account : find_open_account;
  if (by_name && !find(*ledger.store, ledger.keys, *options.account)) return decoy_options(ledger, options);
  const Subject subject = subject_of(ledger, options);
  return options_json(ledger, subject, [&](const Proof& proof) { return masked(subject, proof); });
}

namespace {

Json fields_json(const Recovery& recovery, const Policy& policy) {
  const Score points = score(recovery, policy);
  Json fields = Json::array();
  for (std::size_t i = 0; i < recovery.fields.size(); ++i) {
    const FieldMatch& match = recovery.fields[i];
    fields.push_back({{"field", name(match.field)},
                      {"result", name(match.result)},
                      {"matched", match.matched},
                      {"points", points.fields[i]},
                      {"weight", policy.recovery_weights.at(static_cast<std::size_t>(match.field))}});
  }
  return fields;
}

/// Scored under the policy it was decided under; one not decided yet, under the policy in force.
Json recovery_json(const Subject& subject, const Recovery& recovery) {
  const Policy policy = recovery.decided
                            ? value_or_fail(ledger_at(subject.store, {.position = *recovery.decided})).policy
                            : subject.policy;
  const Score points = score(recovery, policy);
  const bool is_pending = recovery.outcome == RecoveryOutcome::pending;
  Json json = {{"recovery_id", to_text(recovery.id)},
               {"seq", recovery.submitted},
               {"submitted_at", to_rfc3339(recovery.submitted_at)},
               {"reply_due_at", to_rfc3339(recovery.reply_due_at)},
               {"overdue", is_pending && recovery.reply_due_at <= subject.now},
               {"outcome", name(recovery.outcome)},
               {"decided_at", is_pending ? Json(nullptr) : Json(to_rfc3339(recovery.decided_at))},
               {"decided_seq", recovery.decided ? Json(*recovery.decided) : Json(nullptr)},
               {"points", points.total},
               {"threshold", policy.recovery_threshold},
               {"familiar_device", recovery.familiar_device},
               {"familiar_place", recovery.familiar_place},
               {"familiar_points", points.familiar},
               {"policy_version", policy.version},
               {"reset_link", recovery.link ? Json(to_rfc3339(recovery.link->expires_at)) : Json(nullptr)},
               {"survey_sent", recovery.survey_sent}};
  json["fields"] = fields_json(recovery, policy);
  return json;
}

/// Replies that nobody decided yet, of all accounts.
Json due_replies(const LedgerView& ledger, const QueryOptions& options) {
  Json json = clock_of(ledger);
  json["recoveries"] = Json::array();
  const std::string prefix = due_rows_prefix(DueKind::recovery_reply);
  const auto failed = ledger.store->scan(Family::rows, as_bytes(prefix), [&](ByteView key, ByteView) {
    const auto due = parse_due_row(key);
    if (!due || due->kind != DueKind::recovery_reply || json["recoveries"].size() >= options.rows_max()) return false;
    const Account account = *value_or_fail(load_account(*ledger.store, due->account));
    const Recovery* recovery = account.recoveries.find(due->subject);
    if (recovery->reply_due_at >= options.due_before.value_or(time_max)) return true;
    json["recoveries"].push_back({{"account", to_text(due->account)},
                                  {"recovery_id", to_text(due->subject)},
                                  {"submitted_at", to_rfc3339(recovery->submitted_at)},
                                  {"reply_due_at", to_rfc3339(recovery->reply_due_at)},
                                  {"overdue", recovery->reply_due_at <= ledger.now}});
    return true;
  });
  if (failed) fail(*failed);
  return json;
}

}  // namespace

Json query_recoveries(const LedgerView& ledger, const QueryOptions& options) {
  if (!options.account) return due_replies(ledger, options);
  const Subject subject = subject_of(ledger, options);
  Json json = head_of(ledger, subject);
  json["recoveries"] = Json::array();
  for (const Recovery& recovery : subject.account.recoveries.all)
    json["recoveries"].push_back(recovery_json(subject, recovery));
  return json;
}

}  // namespace daicho
