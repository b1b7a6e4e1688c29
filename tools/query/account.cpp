// Queries about one account, at any instant.
#include "tools/query/account.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "tools/query/event_words.hpp"
#include "tools/query/subject.hpp"

namespace daicho {

namespace {

Json window_json(const Window& window, Time now) {
  Json json = {{"replacement_id", to_text(window.id)},
               {"opened_at", to_rfc3339(window.opened_at)},
               {"opened_by", window.opened},
               {"confirmed_at", optional_time(window.confirmed_at)},
               {"effective_at", optional_time(window.effective_at)}};
  json["seconds_left"] =
      window.effective_at ? Json(std::max<Time>(0, *window.effective_at - now) / second_us) : Json(nullptr);
  json["with_recovery_code"] = window.expedited;
  return json;
}

/// Until when the newest passed challenge opens sensitive pages (R-CHL-8).
std::optional<Time> step_up_until(const Account& account, const Subject& subject) {
  std::optional<Time> until;
  for (const Challenge& challenge : account.challenges.open) {
    if (challenge.purpose != fb::Purpose::sensitive_page || !challenge.passed_at) continue;
    const Time stale_at = *challenge.passed_at + subject.policy.step_up_ttl_seconds * second_us;
    if (stale_at > subject.now) until = std::max(until.value_or(stale_at), stale_at);
  }
  return until;
}

}  // namespace

Json query_account(const LedgerView& ledger, const QueryOptions& options) {
  const Subject subject = subject_of(ledger, options);
  const Account& account = subject.account;
  Json json = head_of(ledger, subject);
  json["state"] = account.life.end        ? name(account.life.end->kind)
                  : account.block.current ? "blocked"
                  : account.windows.open  ? "pending"
                                          : "active";
  json["version"] = account.head.version;
  json["last_seq"] = account.head.position;
  json["policy_version"] = subject.policy.version;
  json["notices"] = Json::array();
  for (const Notice notice : notices(account, subject.policy, std::nullopt)) json["notices"].push_back(name(notice));
  if (account.life.end && account.life.end->kind == EndKind::closed) return json;  // nothing else is kept of it
  if (const auto registered = subject.personal(account.identity.registered))
    json["sign_in_name"] = mask_email(registered->sign_in_name);
  json["plan"] = name(account.identity.plan);
  json["password_grade"] = name(account.identity.grade);
  json["password_changed_at"] = to_rfc3339(account.identity.password_changed_at);
  json["registered_at"] = to_rfc3339(account.identity.registered_at);
  json["last_sign_in_at"] =
      account.identity.last_sign_in > 0 ? Json(to_rfc3339(account.identity.last_sign_in)) : Json(nullptr);
  json["failed_sign_ins"] = account.identity.failed_sign_ins;
  json["recovery_code"] = !account.identity.recovery_code.is_zero();
  json["two_step"] = account.identity.two_step;
  json["mailbox"] = !account.life.has_mailbox ? "foreign" : account.life.mailbox_off ? "deactivated" : "active";
  json["step_up_until"] = optional_time(step_up_until(account, subject));
  if (account.windows.open) json["effective_at"] = optional_time(account.windows.open->effective_at);
  return json;
}

Json query_proofs(const LedgerView& ledger, const QueryOptions& options) {
  const Subject subject = subject_of(ledger, options);
  Json json = head_of(ledger, subject);
  json["proofs"] = Json::array();
  const auto erasures = erasures_of(ledger, subject);
  for (const Proof& proof : subject.account.proofs.all) {
    const bool pending = proof.is_of_window();
    Json row = {{"proof_id", to_text(proof.id)},    {"kind", name(proof.kind)},
                {"masked", masked(subject, proof)}, {"status", pending ? "unverified" : name(proof.status)},
                {"in_force", proof.is_in_force()},  {"since", to_rfc3339(proof.status_since)},
                {"seq", proof.status_position}};
    row["channels"] = channels_json(proof.kind);
    if (const auto erased = erasures.find(proof.sealed_slot); erased != erasures.end()) row["erased"] = erased->second;
    if (pending && subject.account.windows.open)
      row["effective_at"] = optional_time(subject.account.windows.open->effective_at);
    json["proofs"].push_back(std::move(row));
  }
  return json;
}

Json query_block(const LedgerView& ledger, const QueryOptions& options) {
  const Subject subject = subject_of(ledger, options);
  const BlockStatus& status = subject.account.block;
  Json json = head_of(ledger, subject);
  json["blocked"] = status.current.has_value();
  if (status.current) {
    json["reason"] = status.current->reason;
    json["since"] = to_rfc3339(status.current->since);
    json["by"] = status.current->by;
    json["seq"] = status.current->position;
  }
  if (status.last) {
    json["last"] = {{"reason", status.last->block.reason},
                    {"since", to_rfc3339(status.last->block.since)},
                    {"by", status.last->block.by},
                    {"lifted", name(status.last->by)},
                    {"lifted_at", to_rfc3339(status.last->at)},
                    {"lifted_seq", status.last->position}};
  }
  return json;
}

Json query_account_windows(const LedgerView& ledger, const QueryOptions& options) {
  const Subject subject = subject_of(ledger, options);
  const PendingWindows& windows = subject.account.windows;
  Json json = head_of(ledger, subject);
  json["windows"] = Json::array();
  if (windows.last) {
    Json row = window_json(windows.last->window, subject.now);
    row["seconds_left"] = nullptr;
    row["state"] = name(windows.last->outcome);
    row["closed_at"] = to_rfc3339(windows.last->at);
    json["windows"].push_back(std::move(row));
  }
  if (windows.open) {
    Json row = window_json(*windows.open, subject.now);
    row["state"] = "open";
    row["closed_at"] = nullptr;
    json["windows"].push_back(std::move(row));
  }
  return json;
}

Json query_limits(const LedgerView& ledger, const QueryOptions& options) {
  const Subject subject = subject_of(ledger, options);
  const Policy& policy = subject.policy;
  const DailyLimits& limits = subject.account.limits;
  Json json = head_of(ledger, subject);
  json["day"] = {{"kind", policy.day_kind}, {"zone", policy.day_zone}};
  json["recovery"] = allowance_json(daily_allowance(limits.recoveries, policy.recovery_per_day, policy, subject.now),
                                    policy.recovery_per_day);
  const std::int64_t sends_max = 2 * policy.max_codes_per_hour, sends = count_since(limits.sends, subject.now, hour_us);
  json["sends_this_hour"] = {
      {"max", sends_max}, {"used", sends}, {"left", std::max<std::int64_t>(0, sends_max - sends)}};
  const auto guesses_left = [&](const std::vector<Time>& wrong) {
    return std::max<std::int64_t>(0, policy.max_code_guesses - count_since(wrong, subject.now, hour_us));
  };
  json["recovery_code_guesses_left"] = guesses_left(subject.account.identity.wrong_recovery_codes);
  json["password_guesses_left"] = guesses_left(subject.account.identity.wrong_passwords);
  json["refusals_counted"] = limits.refusals_counted;
  json["proofs"] = Json::array();
  for (const Proof& proof : subject.account.proofs.all) {
    const bool is_asked = !channels_of(proof.kind).empty() || proof.kind == fb::ProofKind::secret_question;
    if (proof.status == ProofStatus::removed || !is_asked) continue;
    const auto left = [&](std::int64_t max, const std::vector<Time>& marks) {
      return std::max<std::int64_t>(0, max - count_since(marks, subject.now, hour_us));
    };
    json["proofs"].push_back(
        {{"proof_id", to_text(proof.id)},
         {"masked", masked(subject, proof)},
         {"guesses_left", left(policy.max_code_guesses, proof.wrong_guesses)},
         {"sends_left", left(policy.max_codes_per_hour, proof.sends)},
         {"confirmations_left",
          daily_allowance(proof.wrong_confirmations, policy.max_contact_confirmations, policy, subject.now).left}});
  }
  return json;
}

Json query_timeline(const LedgerView& ledger, const QueryOptions& options) {
  const Subject subject = subject_of(ledger, options);
  const auto envelopes = value_or_fail(account_events(*ledger.store, subject.account.head, options.as_of));
  Json json = head_of(ledger, subject);
  json["events"] = Json::array();
  for (const std::string& envelope : envelopes) {
    const auto event = Event::parse(as_bytes(envelope));
    const Json header = header_json(*event);
    Json row = {{"seq", event->position()},   {"time", header["time"]},
                {"type", event->type_name()}, {"what", describe(*event).sentence},
                {"who", header["service"]},   {"command", header["command"]},
                {"from", header["from"]}};
    row["caused_by"] = header.contains("caused_by") ? header["caused_by"] : Json(nullptr);
    row["rules"] = header["rules"];
    row["policy_version"] = header["policy_version"];
    if (const auto personal = subject.keys ? subject.keys->personal(*ledger.store, *event) : std::nullopt;
        personal && !personal->ip.empty()) {
      row["from"]["ip_recorded"] = true;  // the full address stays sealed
    }
    json["events"].push_back(std::move(row));
  }
  return json;
}

}  // namespace daicho
