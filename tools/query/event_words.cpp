#include "tools/query/event_words.hpp"

#include "commands/rules.hpp"
#include "projections/event_fields.hpp"

namespace daicho {

namespace {

std::string text(const fb::Id* id) { return to_text(id_of(id)); }
std::string text(const flatbuffers::String* string) { return text_of(string); }
std::string text(const fb::Digest* digest) { return to_hex(hash_of(digest).view()); }
std::string hex(const flatbuffers::Vector<std::uint8_t>* bytes) {
  return bytes ? to_hex({bytes->data(), bytes->size()}) : "";
}
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
/// A field of the recovery form with what came of it; never its value (R-REC-10).
Json list(const flatbuffers::Vector<const fb::FieldMatch*>* fields) {
  Json json = Json::array();
  if (fields) {
    for (const auto* each : *fields)
      json.push_back({{"field", name(each->field())}, {"result", name(each->result())}, {"matched", each->matched()}});
  }
  return json;
}
Json list(const flatbuffers::Vector<const fb::FieldPoints*>* fields) {
  Json json = Json::array();
  if (fields) {
    for (const auto* each : *fields)
      json.push_back({{"field", name(each->field())}, {"result", name(each->result())}, {"points", each->points()}});
  }
  return json;
}
template <class List>
std::string count(const List* ids, const char* what) {
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
          {{"challenge_id", text(e.challenge_id())}, {"proof_id", text(e.proof_id())}, {"familiar", e.familiar()}}};
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
          {{"challenge_id", text(e.challenge_id())},
           {"purpose", name(e.purpose())},
           {"proof_id", text(e.proof_id())},
           {"by", name(e.by())}}};
}
EventWords words(const fb::PasswordReset& e) {
  return {
      "the password was reset",
      {{"challenge_id", text(e.challenge_id())}, {"recovery_id", text(e.recovery_id())}, {"grade", name(e.grade())}}};
}
EventWords words(const fb::RecoveryCodeIssued& e) {
  return {"a recovery code was issued", {{"code_id", text(e.code_id())}}};
}
EventWords words(const fb::RecoveryCodeUsed& e) {
  return {"the recovery code was used", {{"code_id", text(e.code_id())}}};
}
EventWords words(const fb::RecoveryCodeRejected& e) {
  return {"a recovery code was rejected: " + said(name(e.reason())),
          {{"challenge_id", text(e.challenge_id())}, {"reason", name(e.reason())}}};
}
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
           {"answered", e.answered()},
           {"familiar_device", e.familiar_device()},
           {"familiar_place", e.familiar_place()},
           {"fields", list(e.fields())}}};
}
EventWords words(const fb::RecoveryRefused& e) {
  EventWords words{"a recovery form was refused"};
  if (const auto rule = rule_of(e.rule())) words.fields["rule"] = text_of(*rule).id;
  if (e.retry_at()) words.fields["retry_at"] = to_rfc3339(*e.retry_at());
  return words;
}
EventWords words(const fb::SignInSucceeded&) { return {"signed in"}; }
EventWords words(const fb::SignInFailed& e) { return {"sign-in failed", {{"reason", text(e.reason())}}}; }
EventWords words(const fb::SignInRefused& e) {
  const auto rule = rule_of(e.rule());
  return {rule == Rule::blk_1 ? "sign-in was refused: the account is blocked"
                              : "sign-in was refused: a second step is needed",
          {{"rule", rule ? text_of(*rule).id : ""}}};
}
EventWords words(const fb::ProfileChanged& e) {
  EventWords words{"the profile was changed", {{"fields", Json::array()}}};
  if (e.fields()) {
    for (const auto* field : *e.fields()) words.fields["fields"].push_back(field->str());
  }
  return words;
}
EventWords words(const fb::PasswordChanged& e) { return {"the password was changed", {{"grade", name(e.grade())}}}; }
EventWords words(const fb::PasswordRejected& e) {
  return {"the current password was given wrongly: " + said(name(e.reason())), {{"reason", name(e.reason())}}};
}
EventWords words(const fb::SecretAnswerRejected& e) {
  return {"a secret answer was rejected: " + said(name(e.reason())),
          {{"challenge_id", text(e.challenge_id())}, {"proof_id", text(e.proof_id())}, {"reason", name(e.reason())}}};
}
EventWords words(const fb::DeviceTrusted& e) {
  return {"a device was trusted", {{"challenge_id", text(e.challenge_id())}, {"proof_id", text(e.proof_id())}}};
}
EventWords words(const fb::TwoStepEnabled& e) {
  return {"two-step verification was turned on", {{"challenge_id", text(e.challenge_id())}}};
}
EventWords words(const fb::TwoStepDisabled& e) {
  return {"two-step verification was turned off", {{"challenge_id", text(e.challenge_id())}}};
}
EventWords words(const fb::EvidenceRecorded& e) {
  EventWords words{count(e.items(), "fact") + " recorded", {{"kinds", Json::array()}}};
  if (e.items()) {
    for (const auto* item : *e.items()) words.fields["kinds"].push_back(name(item->field()));
  }
  return words;
}

template <class Outcome>
EventWords outcome(const Outcome& e, const char* sentence) {
  return {sentence + (": " + std::to_string(e.points())) + " points of " + std::to_string(e.threshold()),
          {{"recovery_id", text(e.recovery_id())},
           {"points", e.points()},
           {"threshold", e.threshold()},
           {"familiar_points", e.familiar_points()},
           {"fields", list(e.fields())}}};
}
EventWords words(const fb::RecoveryVerified& e) { return outcome(e, "the recovery was verified"); }
EventWords words(const fb::RecoveryNotVerified& e) { return outcome(e, "the recovery was not verified"); }
EventWords words(const fb::ResetLinkIssued& e) {
  return {"a reset link was issued",
          {{"recovery_id", text(e.recovery_id())}, {"expires_at", to_rfc3339(e.expires_at())}}};
}
EventWords words(const fb::RecoverySurveySent& e) {
  return {"a survey was sent", {{"recovery_id", text(e.recovery_id())}}};
}
EventWords words(const fb::MailboxDeactivated& e) {
  return {"the mailbox was deactivated: " + said(name(e.reason())), {{"reason", name(e.reason())}}};
}
EventWords words(const fb::AccountExpired& e) {
  return {"the account expired", {{"idle_since", to_rfc3339(e.idle_since())}}};
}
EventWords words(const fb::AccountClosed& e) {
  if (!e.key_fingerprint()) return {"the account was closed"};
  return {"the account was closed and its data key erased", {{"key_fingerprint", text(e.key_fingerprint())}}};
}
EventWords words(const fb::DataKeyErased& e) {
  const char* of = e.purpose() == fb::KeyPurpose::mailbox ? "what was known from the mailbox" : "a removed proof";
  EventWords words{
      "the data key of " + std::string(of) + " was erased",
      {{"slot", e.slot()}, {"purpose", name(e.purpose())}, {"key_fingerprint", text(e.key_fingerprint())}}};
  if (e.unneeded_since() > 0) words.fields["unneeded_since"] = to_rfc3339(e.unneeded_since());
  return words;
}
EventWords words(const fb::ErasureCompleted& e) {
  return {
      "the erasure was completed: " + std::to_string(e.sealed_events()) + " sealed events cannot be opened any more",
      {{"slot", e.slot()},
       {"key_fingerprint", text(e.key_fingerprint())},
       {"sealed_events", e.sealed_events()},
       {"answers", e.answers()},
       {"notifications", e.notifications()}}};
}
EventWords words(const fb::ServiceRegistered& e) {
  EventWords words{"service " + text(e.name()) + " was registered",
                   {{"service_id", text(e.service_id())}, {"name", text(e.name())}, {"roles", Json::array()}}};
  for (const auto role : list_of(e.roles())) words.fields["roles"].push_back(name(static_cast<fb::Role>(role)));
  return words;
}
EventWords words(const fb::ServiceRevoked& e) {
  return {"service " + text(e.name()) + " was revoked",
          {{"service_id", text(e.service_id())}, {"name", text(e.name())}}};
}
EventWords words(const fb::CommandRefused& e) {
  const auto rule = rule_of(e.rule());
  const std::string investigator = text(e.investigator());
  EventWords words{"a command was refused: " + text(e.code()),
                   {{"rule", rule ? text_of(*rule).id : ""}, {"code", text(e.code())}}};
  if (!investigator.empty()) {
    words.sentence += ", of investigator " + investigator;
    words.fields["investigator"] = investigator;
  }
  return words;
}
EventWords words(const fb::AccessRecorded& e) {
  const std::string investigator = text(e.investigator()), case_number = text(e.case_number());
  EventWords words{"", {{"investigator", investigator}, {"case_number", case_number}, {"fields", Json::array()}}};
  if (e.fields()) {
    for (const auto* field : *e.fields()) {
      words.sentence += (words.sentence.empty() ? "" : ", ") + field->str();
      words.fields["fields"].push_back(field->str());
    }
  }
  words.sentence = (words.sentence.empty() ? "sealed fields" : words.sentence) + " read";
  if (!investigator.empty()) words.sentence += " by investigator " + investigator;
  if (!case_number.empty()) words.sentence += " for case " + case_number;
  return words;
}

EventWords words(const fb::SigningKeyRotated& e) {
  return {"the signing key was changed", {{"old_key_id", hex(e.old_key_id())}, {"vkey", text(e.vkey())}}};
}

EventWords words(const fb::LookupKeyRotated& e) {
  return {"the lookup key was changed",
          {{"old_key_fingerprint", text(e.old_key_fingerprint())}, {"key_fingerprint", text(e.key_fingerprint())}}};
}

EventWords words(const fb::RestoreAccepted& e) {
  const std::uint64_t missing = e.known_size() > e.size() ? e.known_size() - e.size() : 0;
  return {"a restored ledger went on from " + std::to_string(e.size()) + " events; " + std::to_string(missing) +
              " that were known to have existed are missing",
          {{"size", e.size()},
           {"known_size", e.known_size()},
           {"known_root", e.known_root() ? to_base64(flatbuffers::UnPack(*e.known_root()).view()) : ""}}};
}

EventWords words(const fb::MasterKeyRotated& e) {
  return {"the master key was changed: " + std::to_string(e.keys()) + " keys are wrapped by the new one",
          {{"keys", e.keys()},
           {"old_fingerprint", text(e.old_fingerprint())},
           {"new_fingerprint", text(e.new_fingerprint())}}};
}

template <class... Payloads>
EventWords words_of_one(const Event& event) {
  static_assert(sizeof...(Payloads) == static_cast<std::size_t>(fb::Payload::MAX), "every payload type has its words");
  EventWords result{"an event of a type this program does not know"};
  const auto is_it = [&]<class T>(const T* payload) {
    if (payload) result = words(*payload);
    return payload != nullptr;
  };
  (void)(is_it(event.as<Payloads>()) || ...);
  return result;
}

}  // namespace

EventWords describe(const Event& event) {
  using namespace fb;
  return words_of_one<
      LedgerCreated, PolicyAdopted, ProjectionDigestsRecorded, RefusalsCounted, AccountRegistered,
      SignInNameConfirmationRequested, SignInNameConfirmed, ProofAdded, ProofVerified, ProofRemoved, CodeSent, LinkSent,
      CodeRejected, ContactConfirmationFailed, DeliveryRecorded, CharacterCheckFailed, ChallengeStarted, ChallengeEnded,
      ChallengePassed, PasswordReset, RecoveryCodeIssued, RecoveryCodeUsed, RecoveryCodeRejected, ProofsMarkedLost,
      ReplacementOpened, ReplacementProofProposed, ReplacementConfirmed, ReplacementCompleted, ReplacementCancelled,
      ReplacementDisputed, AccountBlocked, AccountUnblocked, RecoverySubmitted, RecoveryRefused, SignInSucceeded,
      SignInFailed, SignInRefused, ProfileChanged, PasswordChanged, PasswordRejected, SecretAnswerRejected,
      DeviceTrusted, TwoStepEnabled, TwoStepDisabled, EvidenceRecorded, RecoveryVerified, RecoveryNotVerified,
      ResetLinkIssued, RecoverySurveySent, MailboxDeactivated, AccountExpired, AccountClosed, ServiceRegistered,
      ServiceRevoked, CommandRefused, AccessRecorded, SigningKeyRotated, RestoreAccepted, ErasureCompleted,
      MasterKeyRotated, LookupKeyRotated, DataKeyErased>(event);
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
  if (header.service_key()) json["service_key"] = hex(header.service_key());
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
