#include "projections/recoveries.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"

namespace daicho {

const Recovery* Recoveries::find(const Id& id) const {
  const auto found = std::ranges::find(all, id, &Recovery::id);
  return found == all.end() ? nullptr : &*found;
}

namespace {

Recovery* find(Recoveries& recoveries, const Id& id) {
  return const_cast<Recovery*>(std::as_const(recoveries).find(id));
}

void submit(Recoveries& recoveries, const fb::RecoverySubmitted& submitted, const Event& event) {
  Recovery recovery;
  recovery.id = id_of(submitted.recovery_id());
  recovery.submitted = event.position();
  recovery.submitted_at = event.time();
  recovery.reply_due_at = submitted.reply_due_at();
  if (submitted.fields()) {
    for (const fb::FieldMatch* match : *submitted.fields())
      recovery.fields.push_back({match->field(), match->result(), match->matched()});
  }
  recovery.familiar_device = submitted.familiar_device();
  recovery.familiar_place = submitted.familiar_place();
  if (!submitted.fields()) {  // of 0.1.0: nobody compared it with anything, and nobody waits for it any more
    recovery.outcome = RecoveryOutcome::not_verified;
    recovery.survey_sent = true;
  }
  for (Recovery& earlier : recoveries.all) {
    if (earlier.link && earlier.link->expires_at <= event.time()) earlier.link.reset();
  }
  recoveries.all.push_back(std::move(recovery));
  auto finished = std::ranges::count_if(recoveries.all, &Recovery::is_finished);
  while (finished-- > static_cast<std::ptrdiff_t>(finished_recoveries_kept_max))
    recoveries.all.erase(std::ranges::find_if(recoveries.all, &Recovery::is_finished));
}

void decide(Recoveries& recoveries, const fb::Id* id, RecoveryOutcome outcome, const Event& event) {
  if (Recovery* recovery = find(recoveries, id_of(id))) {
    recovery->outcome = outcome;
    recovery->decided = event.position();
    recovery->decided_at = event.time();
  }
}

}  // namespace

void void_open(Recoveries& recoveries) {
  for (Recovery& recovery : recoveries.all) {
    recovery.link.reset();
    recovery.is_stale |= recovery.outcome == RecoveryOutcome::pending;
  }
}

namespace {

/// The account ended: nobody waits for an answer any more.
void finish(Recoveries& recoveries) {
  for (Recovery& recovery : recoveries.all) {
    recovery.link.reset();
    recovery.survey_sent = true;
    if (recovery.outcome == RecoveryOutcome::pending) recovery.outcome = RecoveryOutcome::not_verified;
  }
}

}  // namespace

bool supersedes(const Event& event) {
  return event.as<fb::PasswordReset>() || event.as<fb::PasswordChanged>() || event.as<fb::ReplacementCompleted>() ||
         event.as<fb::TwoStepEnabled>() || event.as<fb::AccountBlocked>();
}

void evolve(Recoveries& recoveries, const Event& event) {
  if (const auto* submitted = event.as<fb::RecoverySubmitted>()) {
    submit(recoveries, *submitted, event);
  } else if (const auto* verified = event.as<fb::RecoveryVerified>()) {
    decide(recoveries, verified->recovery_id(), RecoveryOutcome::verified, event);
  } else if (const auto* not_verified = event.as<fb::RecoveryNotVerified>()) {
    decide(recoveries, not_verified->recovery_id(), RecoveryOutcome::not_verified, event);
  } else if (const auto* issued = event.as<fb::ResetLinkIssued>()) {
    if (Recovery* recovery = find(recoveries, id_of(issued->recovery_id())))
      recovery->link = ResetLink{id_of(issued->link_id()), tag_of(issued->token_hash()), issued->expires_at()};
  } else if (const auto* survey = event.as<fb::RecoverySurveySent>()) {
    if (Recovery* recovery = find(recoveries, id_of(survey->recovery_id()))) recovery->survey_sent = true;
  } else if (event.as<fb::AccountClosed>() || event.as<fb::AccountExpired>()) {
    finish(recoveries);
  } else if (supersedes(event)) {
    void_open(recoveries);
  }
}

}  // namespace daicho
