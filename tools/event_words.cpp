#include "tools/event_words.hpp"

#include "commands/rules.hpp"
#include "projections/event_fields.hpp"

namespace daicho {

namespace {

std::string text(const fb::Id* id) { return to_text(id_of(id)); }
std::string text(const flatbuffers::String* string) { return text_of(string); }
std::string said(std::string_view word) { return std::string(word); }

Json list(const flatbuffers::Vector<const fb::Id*>* ids) {
  Json json = Json::array();
  for (const Id& id : ids_of(ids)) json.push_back(to_text(id));
  return json;
}
Json list(const flatbuffers::Vector<fb::Route>* routes) {
  Json json = Json::array();
  if (routes) {
    for (const auto route : *routes) json.push_back(name(static_cast<fb::Route>(route)));
  }
  return json;
}
std::string count(const flatbuffers::Vector<const fb::Id*>* ids, const char* what) {
  const std::size_t n = ids ? ids->size() : 0;
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

// One overload a type: what the event says, in a sentence and in fields.

EventWords words(const fb::LedgerCreated& e) {
  return {
      "the ledger was created",
      {{"origin", text(e.origin())}, {"vkey", text(e.vkey())}, {"clock", e.simulated_clock() ? "simulated" : "real"}}};
}
EventWords words(const fb::PolicyAdopted& e) {
  return {"policy version " + std::to_string(e.version()) + " was adopted", {{"version", e.version()}}};
}
EventWords words(const fb::ProjectionDigestsRecorded& e) {
  EventWords words{"the projections' digests were recorded", {{"size", e.size()}, {"digests", Json::array()}}};
  if (!e.digests()) return words;
  for (const fb::ProjectionDigest* each : *e.digests()) {
    words.fields["digests"].push_back({{"table", std::string(1, static_cast<char>(each->table()))},
                                       {"rows", each->rows()},
                                       {"digest", to_hex(flatbuffers::UnPack(*each->digest()).view())}});
  }
  return words;
}
EventWords words(const fb::RefusalsCounted& e) {
  const auto rule = rule_of(e.rule());
  const std::string id = rule ? text_of(*rule).id : std::to_string(e.rule());
  return {std::to_string(e.count()) + " more refusals by " + id,
          {{"rule", id}, {"count", e.count()}, {"since", to_rfc3339(e.since())}}};
}
EventWords words(const fb::AccountRegistered& e) {
  return {"the account was registered",
          {{"plan", name(e.plan())}, {"grade", name(e.grade())}, {"name_confirmed", e.name_confirmed()}}};
}
EventWords words(const fb::SignInNameConfirmationRequested& e) {
  return {"a link to confirm the sign-in name was asked for",
          {{"link_id", text(e.link_id())}, {"expires_at", to_rfc3339(e.expires_at())}}};
}
EventWords words(const fb::SignInNameConfirmed& e) {
  return {"the sign-in name was confirmed", {{"link_id", text(e.link_id())}}};
}
EventWords words(const fb::ProofAdded& e) {
  return {said(name(e.kind())) + " proof was added", {{"proof_id", text(e.proof_id())}, {"kind", name(e.kind())}}};
}
EventWords words(const fb::ProofVerified& e) { return {"a proof was verified", {{"proof_id", text(e.proof_id())}}}; }
EventWords words(const fb::ProofRemoved& e) { return {"a proof was removed", {{"proof_id", text(e.proof_id())}}}; }
EventWords words(const fb::CodeSent& e) {
  return {"a code was sent by " + said(name(e.channel())),
          {{"challenge_id", text(e.challenge_id())},
           {"proof_id", text(e.proof_id())},
           {"channel", name(e.channel())},
           {"expires_at", to_rfc3339(e.expires_at())}}};
}
EventWords words(const fb::LinkSent& e) {
  return {"a link was mailed", {{"proof_id", text(e.proof_id())}, {"expires_at", to_rfc3339(e.expires_at())}}};
}
EventWords words(const fb::CodeRejected& e) {
  return {"a code was rejected: " + said(name(e.reason())),
          {{"challenge_id", text(e.challenge_id())}, {"proof_id", text(e.proof_id())}, {"reason", name(e.reason())}}};
}
EventWords words(const fb::ContactConfirmationFailed& e) {
  return {"the hidden part of a proof was confirmed wrongly",
          {{"challenge_id", text(e.challenge_id())}, {"proof_id", text(e.proof_id())}}};
}
EventWords words(const fb::DeliveryRecorded& e) {
  return {said(name(e.kind())) + " was " + said(name(e.result())),
          {{"notification_id", text(e.notification_id())}, {"kind", name(e.kind())}, {"result", name(e.result())}}};
}
EventWords words(const fb::CharacterCheckFailed& e) {
  return {"a character check failed", {{"purpose", name(e.purpose())}}};
}
EventWords words(const fb::ChallengeStarted& e) {
  return {"a challenge was started: " + said(name(e.purpose())),
          {{"challenge_id", text(e.challenge_id())},
           {"purpose", name(e.purpose())},
           {"offers", list(e.offers())},
           {"routes", list(e.routes())}}};
}
EventWords words(const fb::ChallengeEnded& e) {
  return {"a challenge ended: no usable proof",
          {{"challenge_id", text(e.challenge_id())}, {"purpose", name(e.purpose())}, {"routes", list(e.routes())}}};
}
EventWords words(const fb::ChallengePassed& e) {
  return {"a challenge was passed: " + said(name(e.purpose())),
          {{"challenge_id", text(e.challenge_id())}, {"purpose", name(e.purpose())}, {"proof_id", text(e.proof_id())}}};
}
EventWords words(const fb::PasswordReset& e) {
  return {"the password was reset", {{"challenge_id", text(e.challenge_id())}, {"grade", name(e.grade())}}};
}
EventWords words(const fb::RecoveryCodeIssued& e) {
  return {"a recovery code was issued", {{"code_id", text(e.code_id())}}};
}
EventWords words(const fb::RecoveryCodeUsed& e) {
  return {"the recovery code was used", {{"code_id", text(e.code_id())}}};
}
EventWords words(const fb::RecoveryCodeRejected&) { return {"a recovery code was rejected"}; }
EventWords words(const fb::ProofsMarkedLost& e) {
  return {count(e.proof_ids(), "proof") + " marked lost",
          {{"replacement_id", text(e.replacement_id())}, {"proof_ids", list(e.proof_ids())}}};
}
EventWords words(const fb::ReplacementOpened& e) {
  return {e.expedited() ? "a replacement was opened with the recovery code" : "a replacement was opened",
          {{"replacement_id", text(e.replacement_id())}, {"expedited", e.expedited()}}};
}
EventWords words(const fb::ReplacementProofProposed& e) {
  return {said(name(e.kind())) + " was proposed as the new proof",
          {{"replacement_id", text(e.replacement_id())}, {"proof_id", text(e.proof_id())}, {"kind", name(e.kind())}}};
}
EventWords words(const fb::ReplacementConfirmed& e) {
  return {"the new proof was confirmed, effective " + to_rfc3339(e.effective_at()),
          {{"replacement_id", text(e.replacement_id())},
           {"proof_id", text(e.proof_id())},
           {"effective_at", to_rfc3339(e.effective_at())}}};
}
EventWords words(const fb::ReplacementCompleted& e) {
  return {"the replacement took effect at " + to_rfc3339(e.effective_at()),
          {{"replacement_id", text(e.replacement_id())},
           {"effective_at", to_rfc3339(e.effective_at())},
           {"removed", list(e.removed())},
           {"added", list(e.added())}}};
}
EventWords words(const fb::ReplacementCancelled& e) {
  return {"the replacement was cancelled by " + said(name(e.by())),
          {{"replacement_id", text(e.replacement_id())}, {"by", name(e.by())}}};
}
EventWords words(const fb::ReplacementDisputed& e) {
  return {"the replacement was disputed by " + said(name(e.by())),
          {{"replacement_id", text(e.replacement_id())}, {"by", name(e.by())}}};
}
EventWords words(const fb::AccountBlocked& e) {
  return {"the account was blocked: " + text(e.reason()),
          {{"block_id", text(e.block_id())}, {"reason", text(e.reason())}}};
}
EventWords words(const fb::AccountUnblocked& e) {
  return {"the block was lifted " + said(name(e.by())),
          {{"block_id", text(e.block_id())}, {"by", name(e.by())}, {"challenge_id", text(e.challenge_id())}}};
}
EventWords words(const fb::RecoverySubmitted& e) {
  return {"the recovery form was submitted",
          {{"recovery_id", text(e.recovery_id())},
           {"reply_due_at", to_rfc3339(e.reply_due_at())},
           {"answered", e.answered()}}};
}
EventWords words(const fb::RecoveryRefused& e) {
  EventWords words{"a recovery form was refused"};
  if (const auto rule = rule_of(e.rule())) words.fields["rule"] = text_of(*rule).id;
  if (e.retry_at()) words.fields["retry_at"] = to_rfc3339(*e.retry_at());
  return words;
}
EventWords words(const fb::SignInSucceeded&) { return {"signed in"}; }
EventWords words(const fb::SignInFailed& e) { return {"sign-in failed", {{"reason", text(e.reason())}}}; }
EventWords words(const fb::SignInRefused&) { return {"sign-in was refused: the account is blocked"}; }

}  // namespace

EventWords describe(const Event& event) {
  switch (event.type()) {
#define DAICHO_CASE(T) \
  case fb::Payload::T: \
    return words(*event.as<fb::T>());
    DAICHO_CASE(LedgerCreated)
    DAICHO_CASE(PolicyAdopted)
    DAICHO_CASE(ProjectionDigestsRecorded) DAICHO_CASE(RefusalsCounted) DAICHO_CASE(AccountRegistered)
        DAICHO_CASE(SignInNameConfirmationRequested) DAICHO_CASE(SignInNameConfirmed) DAICHO_CASE(ProofAdded)
            DAICHO_CASE(ProofVerified) DAICHO_CASE(ProofRemoved) DAICHO_CASE(CodeSent) DAICHO_CASE(LinkSent)
                DAICHO_CASE(CodeRejected) DAICHO_CASE(ContactConfirmationFailed) DAICHO_CASE(DeliveryRecorded)
                    DAICHO_CASE(CharacterCheckFailed) DAICHO_CASE(ChallengeStarted) DAICHO_CASE(ChallengeEnded)
                        DAICHO_CASE(ChallengePassed) DAICHO_CASE(PasswordReset) DAICHO_CASE(RecoveryCodeIssued)
                            DAICHO_CASE(RecoveryCodeUsed) DAICHO_CASE(RecoveryCodeRejected)
                                DAICHO_CASE(ProofsMarkedLost) DAICHO_CASE(ReplacementOpened)
                                    DAICHO_CASE(ReplacementProofProposed) DAICHO_CASE(ReplacementConfirmed)
                                        DAICHO_CASE(ReplacementCompleted) DAICHO_CASE(ReplacementCancelled)
                                            DAICHO_CASE(ReplacementDisputed) DAICHO_CASE(AccountBlocked)
                                                DAICHO_CASE(AccountUnblocked) DAICHO_CASE(RecoverySubmitted)
                                                    DAICHO_CASE(RecoveryRefused) DAICHO_CASE(SignInSucceeded)
                                                        DAICHO_CASE(SignInFailed) DAICHO_CASE(SignInRefused)
#undef DAICHO_CASE
                                                            case fb::Payload::NONE : break;
  }
  return {"an event of a type this program does not know"};
}

Json header_json(const Event& event) {
  const fb::Header& header = event.header();
  Json json = {{"seq", event.position()},
               {"type", event.type_name()},
               {"account", to_text(event.account())},
               {"account_version", event.account_version()},
               {"time", to_rfc3339(event.time())},
               {"service", text(header.service())},
               {"command", text(header.command())},
               {"command_id", text(header.command_id())}};
  if (header.caused_by()) json["caused_by"] = *header.caused_by();
  json["policy_version"] = header.policy_version();
  json["rules"] = Json::array();
  if (header.rules()) {
    for (const std::uint16_t number : *header.rules()) {
      if (const auto rule = rule_of(number)) json["rules"].push_back(text_of(*rule).id);
    }
  }
  if (const fb::Source* source = header.source()) {
    json["from"] = {{"entry", name(source->entry())},
                    {"network", text(source->network())},
                    {"device_id", text(source->device_id())}};
  }
  return json;
}

}  // namespace daicho
