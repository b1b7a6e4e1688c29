// Erasure of parts: the mailbox's evidence, the destination of a removed proof, an expired account.
#include <doctest/doctest.h>

#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tests/support/commands_erasure.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr Duration retention = 90 * day_us;
const char* const owner_name = "owner@outlook.jp";

std::string outcomes(const std::vector<Answer>& done) {
  std::string words;
  for (const Answer& answer : done) words += (words.empty() ? "" : ", ") + outcome(answer);
  return words;
}

Id add(MemoryLedger& ledger, const Id& owner, const NewProof& proof, const Envelope& envelope = {}) {
  const Id challenge = ledger.pass_challenge(owner, fb::Purpose::change_security_info);
  const Answer added = ledger.run(AddProof{challenge, proof}, owner, envelope);
  REQUIRE_MESSAGE(!added.is_refusal, added.body.dump());
  return id_in(added, "proof_id");
}

void remove(MemoryLedger& ledger, const Id& owner, const Id& proof) {
  const Id challenge = ledger.pass_challenge(owner, fb::Purpose::change_security_info);
  REQUIRE(!ledger.run(RemoveProof{challenge, proof}, owner).is_refusal);
}

std::uint32_t slot_of(const MemoryLedger& ledger, const Id& owner, const Id& proof) {
  return ledger.account(owner).proofs.find(proof)->sealed_slot;
}

/// Everything in the store but what lies under one slot opens; that does not.
void check_only_gone(const MemoryLedger& ledger, const Id& owner, std::uint32_t slot) {
  std::vector<std::string> envelopes;
  for (const Event& event : events_of(ledger, owner, envelopes)) {
    CAPTURE(event.type_name());
    if (event.is_sealed())
      CHECK(ledger.keys().personal(ledger.store(), event).has_value() == (event.sealed_slot() != slot));
  }
}

/// What a form that names the folder is told of it.
fb::FieldResult folder_of_form(MemoryLedger& ledger, const Id& owner, const std::string& folder) {
  SubmitRecovery form = recovery_form();
  form.answers.back() = {.field = "mail_folders", .values = {folder}};
  REQUIRE(!ledger.run(form, owner).is_refusal);
  const auto fields = ledger.account(owner).recoveries.all.back().fields;
  return std::ranges::find(fields, fb::RecoveryField::mail_folders, &FieldMatch::field)->result;
}

}  // namespace

SCENARIO("R-LIFE-2: what was known from the mailbox goes with it, out of store and files, and nothing else does") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  const Answer recorded = ledger.run(RecordEvidence{{{"mail_folders", "travel"}, {"skype_id", "hanako.y"}}}, owner,
                                     {.key = "evidence", .body = "{\"a\":1}"});
  CHECK(outcome(recorded) == "accepted: EvidenceRecorded EvidenceRecorded");
  CHECK(folder_of_form(ledger, owner, "travel") == fb::FieldResult::matched);
  CHECK(has_key(ledger, owner, mailbox_key_slot));
  const auto key = ledger.keys().data_key(ledger.store(), owner, mailbox_key_slot);
  const Hash fingerprint = Vault(owner, *key, ledger.keys().code_key()).key_fingerprint();

  const Answer off = ledger.run(DeactivateMailbox{fb::MailboxReason::owner}, owner);
  CHECK(outcome(off) == "accepted: MailboxDeactivated DataKeyErased");
  CHECK(ledger.history(owner).ends_with("MailboxDeactivated DataKeyErased ErasureCompleted"));
  CHECK(slots_of(ledger, owner) == std::vector<std::uint32_t>{0, 2, 3});
  CHECK(folder_of_form(ledger, owner, "travel") == fb::FieldResult::not_on_file);
  std::vector<std::string> envelopes;
  const auto history = events_of(ledger, owner, envelopes);
  const Event& completed = *std::ranges::find(history, fb::Payload::ErasureCompleted, &Event::type);
  const Event& erased = *std::ranges::find(history, fb::Payload::DataKeyErased, &Event::type);
  CHECK(erased.as<fb::DataKeyErased>()->slot() == mailbox_key_slot);
  CHECK(erased.as<fb::DataKeyErased>()->purpose() == fb::KeyPurpose::mailbox);
  CHECK(hash_of(erased.as<fb::DataKeyErased>()->key_fingerprint()) == fingerprint);
  CHECK(hash_of(completed.as<fb::ErasureCompleted>()->key_fingerprint()) == fingerprint);
  CHECK(completed.as<fb::ErasureCompleted>()->slot() == mailbox_key_slot);
  CHECK(completed.as<fb::ErasureCompleted>()->answers() == 1);
  CHECK(completed.header().caused_by() == flatbuffers::Optional<Position>(erased.position()));
  check_only_gone(ledger, owner, mailbox_key_slot);
  // A body that held the evidence is confirmed by nothing any more.
  const auto again = ledger.execute(RecordEvidence{}, owner, {.key = "evidence", .body = "{\"a\":2}"});
  CHECK(again.error().kind == FaultKind::answer_erased);
  CHECK(ledger.account(owner).keys.leaving.empty());
  CHECK(outcomes(ledger.tick()).find("Erasure") == std::string::npos);
  CHECK(difference(ledger) == "");
  CHECK(!audit(ledger).first_finding);
  CHECK(audit(ledger).erasures == 1);
}

SCENARIO("R-LIFE-2: a mailbox of which nothing is known has no key to erase") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  ledger.run(RecordEvidence{{{"skype_id", "hanako.y"}}}, owner);
  CHECK(slots_of(ledger, owner) == std::vector<std::uint32_t>{0, 2, 3});
  CHECK(outcome(ledger.run(DeactivateMailbox{fb::MailboxReason::owner}, owner)) == "accepted: MailboxDeactivated");
}

SCENARIO("R-LIFE-2: mail evidence that is older than the mailbox's key still counts, beside the newer") {
  Subject subject = owner();
  subject.evidence[fb::RecoveryField::mail_folders].push_back(
      evidence_of(fb::RecoveryField::mail_folders, "old", subject.vault()));
  observed(fb::RecoveryField::mail_folders, "new")(subject);
  const auto matched = [&](const std::vector<std::string>& values) {
    const auto fields =
        match_answers(subject.account(), {{.field = "mail_folders", .values = values}}, 0, subject.context());
    return std::ranges::find(fields, fb::RecoveryField::mail_folders, &FieldMatch::field)->matched;
  };
  CHECK(matched({"old", "new", "other"}) == 2);
}

SCENARIO("R-PRF-5: a removed proof's destination is erased when it was kept long enough, by the scheduler") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  const Id proof = add(ledger, owner, new_mailbox("gone@example.org"), {.key = "adding", .body = "{\"v\":1}"});
  const std::uint32_t slot = slot_of(ledger, owner, proof);
  CHECK(slot == 4);
  ledger.wait(hour_us);
  remove(ledger, owner, proof);
  const Time removed_at = ledger.clock;
  CHECK(ledger.rows(Family::rows).contains(due_row_key({DueKind::unneeded_key, removed_at, owner, subject_of_key(4)})));
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  ledger.wait(retention - 1);
  CHECK(outcomes(ledger.tick()).find("DataKeyErased") == std::string::npos);
  CHECK(outcome(ledger.run(EraseDataKey{slot}, owner)) == "R-PRF-5 not_due");
  CHECK(has_key(ledger, owner, slot));
  const auto waits_for_proof = [&](const Mail& mail) { return mail.proof == proof; };
  CHECK(std::ranges::any_of(ledger.outbox(), waits_for_proof));

  ledger.wait(1);
  CHECK(outcomes(ledger.tick()) == "accepted: DataKeyErased, accepted: ErasureCompleted");
  CHECK(ledger.history(owner).ends_with("DataKeyErased ErasureCompleted"));
  CHECK(slots_of(ledger, owner) == std::vector<std::uint32_t>{0, 2, 3});
  check_only_gone(ledger, owner, slot);
  CHECK(std::ranges::none_of(ledger.outbox(), waits_for_proof));
  const auto again = ledger.execute(AddProof{}, owner, {.key = "adding", .body = "{\"v\":2}"});
  CHECK(again.error().kind == FaultKind::answer_erased);
  CHECK(ledger.tick().empty());
  CHECK(outcome(ledger.run(EraseDataKey{slot}, owner)) == "R-PRF-5 key_unknown");
  CHECK(difference(ledger) == "");
  ledger.reopen();
  const auto report = audit(ledger), keyless = audit(ledger, false);
  CHECK(!report.first_finding);
  CHECK(!keyless.first_finding);
  CHECK(report.sealed_erased == keyless.sealed_erased);
  CHECK(report.sealed_without_key == 0);
}

SCENARIO("R-PRF-5 R-CHL-5: a destination that comes back in time keeps its key, its tag and what was used up of it") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  const Id first = add(ledger, owner, new_mailbox("Again@example.org"));
  const Proof was = *ledger.account(owner).proofs.find(first);
  remove(ledger, owner, first);
  const Id second = add(ledger, owner, new_mailbox("again@Example.org"));
  const Proof is = *ledger.account(owner).proofs.find(second);
  CHECK(is.sealed_slot == was.sealed_slot);
  CHECK(is.address_tag == was.address_tag);
  CHECK(is.sends.size() == 2);
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  ledger.wait(retention);
  CHECK(outcome(ledger.run(EraseDataKey{is.sealed_slot}, owner)) == "R-PRF-5 key_needed");
  CHECK(outcomes(ledger.tick()).find("DataKeyErased") == std::string::npos);
  remove(ledger, owner, second);  // the clock starts anew
  ledger.wait(retention - 1);
  CHECK(outcomes(ledger.tick()).find("DataKeyErased") == std::string::npos);
  ledger.wait(1);
  CHECK(outcomes(ledger.tick()).find("DataKeyErased") != std::string::npos);
  const Id third = add(ledger, owner, new_mailbox("again@example.org"));
  CHECK(slot_of(ledger, owner, third) == was.sealed_slot + 1);
  CHECK(ledger.account(owner).proofs.find(third)->address_tag != was.address_tag);
  CHECK(difference(ledger) == "");
}

SCENARIO(
    "R-PRF-6 R-LOST-6: destinations that a replacement, a window's end or a refused proposal leave are erased, too") {
  MemoryLedger ledger(Json{{"removed_proof_retention_days", 3}, {"link_ttl_seconds", 604'800}});
  const Id owner = ledger.make_owner(owner_name);
  const auto erased = [&] { return outcomes(ledger.tick()).find("DataKeyErased") != std::string::npos; };
  SUBCASE("replaced") {
    const Id old = ledger.account(owner).proofs.all.at(1).id;
    const Id challenge = ledger.pass_challenge(owner, fb::Purpose::change_security_info);
    const Answer replaced = ledger.run(ReplaceProof{challenge, old, new_mailbox("next@example.org")}, owner);
    ledger.wait(4 * day_us);
    CHECK(!erased());
    const std::string token = ledger.newest_mail(owner, fb::NotificationKind::proof_link).secret;
    ledger.run(VerifyProof{.proof = id_in(replaced, "proof_id"), .link_token = token}, owner);
  }
  SUBCASE("a window ran out") {
    const auto opened = ledger.open_window(owner, "next@example.org");
    ledger.clock = opened.effective_at;
    CHECK(!erased());
    CHECK(slots_of(ledger, owner) == std::vector<std::uint32_t>{0, 2, 3, 4});
  }
  SUBCASE("a window cancelled") {
    const auto opened = ledger.open_window(owner, "next@example.org");
    ledger.run(CancelReplacement{{.replacement = opened.window, .replacement_token = opened.token}}, owner);
  }
  ledger.wait(3 * day_us - 1);
  CHECK(!erased());
  ledger.wait(1);
  CHECK(erased());
  CHECK(difference(ledger) == "");
  CHECK(!audit(ledger).first_finding);
}

SCENARIO(
    "R-LIFE-3: an expired account is closed for good when it was kept long enough, with all that a closing erases") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name), other = ledger.make_owner("other@outlook.jp");
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  ledger.wait(365 * day_us + hour_us);
  ledger.run(RecordSignIn{.succeeded = true}, other);
  CHECK(outcomes(ledger.tick()).find("AccountExpired") != std::string::npos);
  const Time expired_at = ledger.clock;
  CHECK(ledger.account(owner).life.end->kind == EndKind::expired);
  CHECK(has_key(ledger, owner));
  ledger.wait(retention - 1);
  ledger.tick();
  CHECK(outcome(ledger.run(CloseExpiredAccount{}, owner)) == "R-LIFE-3 not_due");
  CHECK(outcome(ledger.run(CloseExpiredAccount{}, other)) == "R-LIFE-3 not_expired");
  ledger.wait(1);
  CHECK(ledger.clock == expired_at + retention);
  CHECK(outcomes(ledger.tick()).starts_with("accepted: AccountClosed, accepted: ErasureCompleted"));
  CHECK(slots_of(ledger, owner).empty());
  CHECK(has_key(ledger, other));
  const Account left = ledger.account(owner);
  CHECK(left == Account{.id = owner, .head = left.head, .life = {.end = left.life.end}});
  CHECK(left.life.end->kind == EndKind::closed);
  std::vector<std::string> envelopes;
  const auto history = events_of(ledger, owner, envelopes);
  const Event& closed = *std::ranges::find(history, fb::Payload::AccountClosed, &Event::type);
  const Event& expired = *std::ranges::find(history, fb::Payload::AccountExpired, &Event::type);
  CHECK(closed.header().caused_by() == flatbuffers::Optional<Position>(expired.position()));
  CHECK(closed.header().rules()->Get(0) == static_cast<std::uint16_t>(Rule::life_3));
  CHECK(outcome(ledger.run(registration(owner_name))) == "R-ACC-1 sign_in_name_taken");
  CHECK(outcome(ledger.run(CloseExpiredAccount{}, owner)) == "R-LIFE-3 not_expired");
  CHECK(difference(ledger) == "");
  CHECK(!audit(ledger).first_finding);
}

SCENARIO("R-LIFE-3 R-PRF-5: of an expired account a removed proof is erased no later than of another") {
  MemoryLedger ledger(Json{{"expired_account_retention_days", 200}});
  const Id owner = ledger.make_owner(owner_name);
  ledger.run(RecordSignIn{.succeeded = true}, owner);
  ledger.wait(364 * day_us);
  const Id proof = add(ledger, owner, new_mailbox("gone@example.org"));
  remove(ledger, owner, proof);
  ledger.wait(2 * day_us);
  CHECK(outcomes(ledger.tick()).find("AccountExpired") != std::string::npos);
  ledger.wait(retention);
  CHECK(outcomes(ledger.tick()).find("DataKeyErased") != std::string::npos);
  CHECK(slots_of(ledger, owner) == std::vector<std::uint32_t>{0, 2, 3});
  CHECK(difference(ledger) == "");
}

SCENARIO(
    "R-PRF-5 R-LIFE-1: while a file with the key cannot go nothing is called erased; a closing settles what is open") {
  MemoryLedger ledger(Json{{"removed_proof_retention_days", 3}});
  const Id owner = ledger.make_owner(owner_name), other = ledger.make_owner("other@outlook.jp");
  for (const Id& each : {owner, other}) {
    ledger.run(RecordSignIn{.succeeded = true}, each);
    remove(ledger, each, add(ledger, each, new_mailbox("gone@example.org")));
  }
  ledger.wait(3 * day_us);
  while_keys_are_read(ledger, [&] {
    for (const Id& each : {owner, other})
      CHECK(outcome(ledger.run(EraseDataKey{4}, each)) == "accepted: DataKeyErased");
  });
  for (const Id& each : {owner, other}) {
    CHECK(!has_key(ledger, each, 4));
    CHECK(ledger.account(each).keys.leaving.size() == 1);
  }
  CHECK(audit(ledger).erasures_open == 2);
  CHECK(difference(ledger) == "");
  SUBCASE("the tick finishes both") {
    ledger.reopen();
    CHECK(outcomes(ledger.tick()).starts_with("accepted: ErasureCompleted, accepted: ErasureCompleted"));
    CHECK(audit(ledger).erasures == 2);
  }
  SUBCASE("one account was closed meanwhile: its completion says it for all") {
    ledger.reopen();
    CHECK(outcome(ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, owner)) ==
          "accepted: AccountClosed");
    CHECK(ledger.history(owner).ends_with("DataKeyErased AccountClosed ErasureCompleted"));
    CHECK(ledger.history(other).ends_with("DataKeyErased ErasureCompleted"));
    CHECK(outcome(ledger.run(CompleteErasure{.slot = 4}, owner)) == "R-PRF-5 nothing_to_erase");
  }
  CHECK(audit(ledger).erasures_open == 0);
  CHECK(!audit(ledger).first_finding);
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LED-3: an audit finds a data key of one slot that is gone or is there wrongly, of tags alone, too") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  ledger.run(RecordEvidence{{{"mail_folders", "travel"}}}, owner);
  const std::string key = KeyRing::row_key(owner, mailbox_key_slot), wrapped = ledger.rows(Family::keys).at(key);
  const std::string proof_key = KeyRing::row_key(owner, 2), wrapped_proof = ledger.rows(Family::keys).at(proof_key);
  const auto put = [&](const std::string& row, const std::optional<std::string>& value) {
    REQUIRE(!ledger.store().write({{Family::keys, row, value}}, true));
  };
  for (const auto& [row, value] : {std::pair(key, wrapped), std::pair(proof_key, wrapped_proof)}) {
    put(row, std::nullopt);
    check_finding(audit(ledger), FindingKind::key, owner);
    check_finding(audit(ledger, false), FindingKind::key, owner);
    put(row, value);
    CHECK(!audit(ledger).first_finding);
  }
  ledger.run(DeactivateMailbox{fb::MailboxReason::owner}, owner);
  CHECK(!audit(ledger).first_finding);
  put(key, wrapped);
  check_finding(audit(ledger), FindingKind::key, owner);
  CHECK(audit(ledger, false).first_finding->position == ledger.account(owner).head.position);
}

SCENARIO("R-LED-3: a completed erasure of one key that is not what went is malformed") {
  MemoryLedger ledger(Json{{"removed_proof_retention_days", 3}});
  const Id owner = ledger.make_owner(owner_name);
  remove(ledger, owner, add(ledger, owner, new_mailbox("gone@example.org")));
  ledger.wait(3 * day_us);
  while_keys_are_read(ledger, [&] { ledger.run(EraseDataKey{4}, owner); });
  const std::uint64_t sealed = audit(ledger).sealed_erased;
  SUBCASE("as many as there are") {
    ledger.run(CompleteErasure{.sealed_events = sealed, .slot = 4}, owner);
    CHECK(!audit(ledger).first_finding);
  }
  SUBCASE("one more") {
    ledger.run(CompleteErasure{.sealed_events = sealed + 1, .slot = 4}, owner);
    check_finding(audit(ledger), FindingKind::malformed, owner);
  }
}

SCENARIO("R-PRF-5 R-LOST-3: a stranger who proposes many destinations draws a bounded number of keys") {
  MemoryLedger ledger(Json{{"max_codes_per_hour", 50}});
  const Id owner = ledger.make_owner(owner_name);
  const Id window = id_in(ledger.run(MarkProofsLost{}, owner), "replacement_id");
  const auto propose = [&](std::size_t n) {
    const NewProof proof = new_mailbox("n" + std::to_string(n) + "@example.org");
    REQUIRE(!ledger.run(ProposeReplacementProof{window, proof}, owner).is_refusal);
    return ledger.account(owner).proofs.all.back().sealed_slot;
  };
  for (std::size_t n = 2; n < destination_keys_max; ++n) CHECK(propose(n) == n + 2);
  CHECK(slots_of(ledger, owner).size() == 1 + destination_keys_max);
  const std::uint32_t shared = propose(1'000);
  CHECK(shared == destination_keys_max);  // the newest that no proof needs: the last proposal's gave way to this one
  CHECK(propose(1'001) == shared + 1);    // likewise
  CHECK(slots_of(ledger, owner).size() == 1 + destination_keys_max);
  const Account account = ledger.account(owner);
  CHECK(account.proofs.all.back().address_tag != account.keys.find(shared + 1)->destination);
  CHECK(propose(1'001) == shared + 1);  // known by its proof
  CHECK(difference(ledger) == "");
}

SCENARIO("R-PRF-5: a proof that is older than keys of destinations stays under the account's own key") {
  Subject subject = owner();
  const Tag16 tag = subject.vault().tag("address", "old@example.org");
  Draft old =
      draft(fb::ProofAddedT{.proof_id = numbered(50), .kind = fb::ProofKind::email, .address_tag = tag}, {Rule::prf_1});
  subject.happened(old);
  CHECK(examine(new_mailbox("Old@example.org"), subject.account(), subject.context())->address_tag == tag);
  CHECK(examine(new_mailbox("Old@example.org"), subject.account(), subject.context())->sealed_slot == own_key_slot);
  passed(fb::Purpose::change_security_info, 60)(subject);
  CHECK(outcome(subject.when(AddProof{numbered(60), new_mailbox("old@example.org")})) == "R-PRF-2 already_added");
  subject.happened(draft(fb::ProofRemovedT{.proof_id = numbered(50)}, {Rule::prf_5}));
  CHECK(due_of(subject.folded()).size() == due_of(owner().folded()).size());  // nothing to erase
}

SCENARIO("R-LED-1 R-PRF-5: no digest of a command can be tried for what its body held of an erased destination") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  const Id proof = add(ledger, owner, new_mailbox("gone@example.org"), {.body = "[1]"});
  const std::uint32_t slot = slot_of(ledger, owner, proof);
  std::vector<std::string> envelopes;
  const auto history = events_of(ledger, owner, envelopes);
  const auto own = ledger.keys().data_key(ledger.store(), owner);
  const auto of_slot = ledger.keys().data_key(ledger.store(), owner, slot);
  const auto digest_of = [](const Event& event) { return flatbuffers::UnPack(*event.header().command_digest()); };
  const Event& added = *std::ranges::find(history, slot, &Event::sealed_slot);
  const std::string_view label = "daicho command digest v1";
  const Tag32 own_digest =
      keyed_hash(*own, label, {as_bytes(added.header().command()->string_view()), as_bytes("[1]")});
  CHECK(digest_of(added) == *Hash::from(keyed_hash(*of_slot, label, {own_digest.view()}).view()));
  CHECK(digest_of(history.back()) == digest_of(added));  // the link's, of the same command
}

SCENARIO("R-CHL-7 R-PRF-5: what a carrier says of a delivery goes with the destination") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner(owner_name);
  const Id proof = add(ledger, owner, new_mailbox("gone@example.org"));
  const Mail link = ledger.newest_mail(owner, fb::NotificationKind::proof_link);
  ledger.run(RecordDelivery{.notification = link.notification,
                            .result = fb::DeliveryResult::bounced,
                            .detail = "gone@example.org: no such mailbox",
                            .waiting = {}},
             owner);
  std::string envelope;
  CHECK(newest_event(ledger, owner, envelope).sealed_slot() == slot_of(ledger, owner, proof));
}
