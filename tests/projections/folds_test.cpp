#include <doctest/doctest.h>

#include "projections/account.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

bool has(const Subject& subject, Notice notice, const std::string& device_id = "") {
  std::optional<Tag16> device;
  if (!device_id.empty()) device = subject.vault().tag("device", device_id);
  const auto shown = notices(subject.account(), subject.policy, device);
  return std::ranges::find(shown, notice) != shown.end();
}

Draft signed_in(const Subject& subject, const std::string& device_id, const std::string& location) {
  return draft(fb::SignInSucceededT{.device_tag = subject.vault().tag("device", device_id),
                                    .location_tag = subject.vault().tag("location", location)},
               {Rule::acc_5});
}

}  // namespace

SCENARIO("R-LED-2: the account's head is its newest event") {
  const Subject subject = given({registered(), mailbox("me@example.com")});
  const AccountHead& head = subject.folded().head;
  CHECK(head.version == 3);
  CHECK(head.position == 2);
  CHECK(!head.leaf.is_zero());
  CHECK(subject.folded().exists());
  CHECK(!Subject().folded().exists());
}

SCENARIO("R-PRF-1: a proof is unverified until its owner answered, a question is usable at once") {
  Subject subject =
      given({registered(), mailbox("me@example.com"), question("First pet?"), after(minute_us), verified(0)});
  const Proof& mailbox_proof = subject.proof(0);
  CHECK(mailbox_proof.status == ProofStatus::verified);
  CHECK(mailbox_proof.added_at == noon);
  CHECK(mailbox_proof.status_since == noon + minute_us);
  CHECK(mailbox_proof.added == 1);
  CHECK(mailbox_proof.status_position == 4);
  CHECK(!mailbox_proof.code);
  CHECK(mailbox_proof.sends.size() == 1);
  CHECK(subject.proof(1).status == ProofStatus::verified);
  removed(0)(subject);
  CHECK(mailbox_proof.status == ProofStatus::removed);
  CHECK(subject.folded().proofs.usable_count() == 1);
}

SCENARIO("R-PRF-1: of removed proofs the newest sixteen are kept") {
  Subject subject = given({registered()});
  for (std::size_t i = 0; i < removed_proofs_kept_max + 4; ++i) {
    question("question " + std::to_string(i))(subject);
    subject.happened(draft(fb::ProofRemovedT{.proof_id = subject.folded().proofs.all.back().id}, {Rule::prf_5}));
  }
  CHECK(subject.folded().proofs.all.size() == removed_proofs_kept_max);
  CHECK(subject.proof(0).address_tag == subject.vault(subject.proof(0).sealed_slot).tag("question", "question 4"));
}

SCENARIO("R-CHL-5: codes, guesses and sends are folded to the proof they belong to") {
  Subject subject = owner();
  subject.happened(send_code_to(subject.proof(0).id, numbered(70), fb::Channel::email, subject.context()));
  CHECK(subject.folded().proofs.with_code_of(numbered(70)) == &subject.proof(0));
  CHECK(subject.folded().proofs.with_code_of(Id{}) == nullptr);
  const auto rejected = [&](fb::CodeRejection reason) {
    subject.happened(
        draft(fb::CodeRejectedT{.challenge_id = numbered(70), .proof_id = subject.proof(0).id, .reason = reason},
              {Rule::chl_5}));
  };
  for (const auto reason : {fb::CodeRejection::expired, fb::CodeRejection::no_code, fb::CodeRejection::budget_spent})
    rejected(reason);
  CHECK(subject.proof(0).wrong_guesses.empty());
  rejected(fb::CodeRejection::wrong);
  CHECK(subject.proof(0).wrong_guesses == std::vector<Time>{subject.now});
  CHECK(subject.proof(1).wrong_guesses.empty());
  passed(fb::Purpose::reset_password, 71, 0)(subject);
  CHECK(subject.proof(0).wrong_guesses.empty());
  CHECK(!subject.proof(0).code);
  CHECK(subject.proof(0).sends.size() == 1);
}

SCENARIO("R-CHL-5: a proof added again at the same destination brings its budgets along, another one has its own") {
  Subject subject = owner();
  const Id first = subject.proof(0).id;
  const Time noted = subject.now;
  subject.happened(draft(fb::CodeRejectedT{.proof_id = first, .reason = fb::CodeRejection::wrong}, {Rule::chl_5}));
  subject.happened(
      draft(fb::SecretAnswerRejectedT{.proof_id = first, .reason = fb::CodeRejection::wrong}, {Rule::chl_5}));
  subject.happened(
      draft(fb::SecretAnswerRejectedT{.proof_id = first, .reason = fb::CodeRejection::budget_spent}, {Rule::chl_5}));
  subject.happened(draft(fb::ContactConfirmationFailedT{.proof_id = first}, {Rule::chl_3}));
  subject.happened(draft(fb::ContactConfirmationFailedT{.proof_id = first, .familiar = true}, {Rule::chl_3}));
  subject.happened(draft(fb::ContactConfirmationFailedT{.proof_id = first, .familiar = true}, {Rule::chl_3}));
  removed(0)(subject);
  mailbox("msabc123@outlook.com")(subject);
  mailbox("another@outlook.com")(subject);
  const Proof &again = subject.proof(2), &other = subject.proof(3);
  CHECK(again.wrong_guesses == std::vector<Time>{noted, noted});
  CHECK(again.wrong_confirmations == std::vector<Time>{noted});
  CHECK(again.familiar_wrong_confirmations == std::vector<Time>{noted, noted});
  CHECK(other.wrong_guesses.empty());
  CHECK(other.wrong_confirmations.empty());
  CHECK(other.familiar_wrong_confirmations.empty());
}

SCENARIO("R-CHL-5: a spent budget comes back with its destination, however many proofs were removed since") {
  Subject subject = owner();
  const Id first = subject.proof(0).id;
  const Time noted = subject.now;
  subject.happened(draft(fb::CodeRejectedT{.proof_id = first, .reason = fb::CodeRejection::wrong}, {Rule::chl_5}));
  removed(0)(subject);
  const auto churn = [&] {
    for (std::size_t i = 0; i <= removed_proofs_kept_max; ++i) {
      question("question " + std::to_string(i))(subject);
      subject.happened(draft(fb::ProofRemovedT{.proof_id = subject.folded().proofs.all.back().id}, {Rule::prf_5}));
    }
  };
  churn();
  mailbox("msabc123@outlook.com")(subject);
  CHECK(subject.folded().proofs.all.back().wrong_guesses == std::vector<Time>{noted});
  subject.now += hour_us;
  churn();
  CHECK(subject.folded().proofs.find(first) == nullptr);  // by now it counts no more
}

SCENARIO("R-PWD-3 R-LOST-6: a new password or a replacement voids codes, links and trust in devices") {
  const std::vector<std::pair<const char*, Past>> endings = {
      {"reset", [](Subject& s) { s.happened(draft(fb::PasswordResetT{}, {Rule::pwd_3})); }},
      {"change", [](Subject& s) { s.happened(draft(fb::PasswordChangedT{}, {Rule::pwd_4})); }},
      {"replacement", [](Subject& s) { s.happened(draft(fb::ReplacementCompletedT{}, {Rule::lost_6})); }},
  };
  for (const auto& each : endings) {
    const auto& [words, ending] = each;
    CAPTURE(each.first);
    Subject subject = owner();
    device("pc-1")(subject);
    verified(2)(subject);
    mailbox("later@example.com")(subject);
    started(fb::Purpose::reset_password, 70)(subject);
    subject.happened(send_code_to(subject.proof(0).id, numbered(70), fb::Channel::email, subject.context()));
    subject.happened(draft(fb::RecoverySubmittedT{.recovery_id = numbered(71)}, {Rule::rec_3}));
    subject.happened(draft(fb::ResetLinkIssuedT{.recovery_id = numbered(71), .link_id = numbered(72)}, {Rule::rec_8}));
    CHECK(subject.account().recoveries.find(numbered(71))->link);
    CHECK(subject.proof(3).code);
    ending(subject);
    CHECK(!subject.account().recoveries.find(numbered(71))->link);
    CHECK(!subject.proof(0).code);
    CHECK(!subject.proof(3).code);
    CHECK(subject.proof(2).status == ProofStatus::unverified);
    CHECK(subject.proof(0).status == ProofStatus::verified);
    CHECK(subject.account().challenges.open.empty());
  }
}

SCENARIO("R-LOST-7: settled() shows an account as if its window had ended on time") {
  Subject subject = owner();
  for (const Past& step : {marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) step(subject);
  const Account open = subject.folded();
  const Time effective_at = *open.windows.open->effective_at;
  CHECK(settled(open, effective_at - 1) == open);
  const Account closed = settled(open, effective_at + day_us);
  CHECK(closed == settled(open, effective_at));
  CHECK(!closed.windows.open);
  CHECK(closed.windows.last->outcome == WindowOutcome::completed);
  CHECK(closed.windows.last->at == effective_at);
  CHECK(closed.proofs.all[0].status == ProofStatus::removed);
  CHECK(closed.proofs.all[2].status == ProofStatus::verified);
  CHECK(closed.proofs.all[2].status_since == effective_at);
  CHECK(closed.identity.changed_at == effective_at);
  WHEN("the completion is appended late") {
    subject.now = effective_at + 3 * day_us;
    subject.happened(completion(open, effective_at, subject.context()));
    THEN("the window ended when it was to end, whatever the event's own time") {
      const Account& folded = subject.folded();
      CHECK(folded.windows.last->at == effective_at);
      CHECK(folded.proofs.all[0].status_since == effective_at);
      CHECK(folded.proofs.all[2].status_since == effective_at);
      CHECK(folded.windows.last->position == subject.envelopes().size() - 1);
      CHECK(folded.proofs.usable_count() == closed.proofs.usable_count());
    }
  }
}

SCENARIO("R-LOST-6: a window keeps what it was and how it closed; another window's events change nothing of it") {
  Subject subject = owner();
  marked_lost(70)(subject);
  const Window opened = *subject.folded().windows.open;
  CHECK(opened.opened_at == subject.now);
  CHECK(!opened.expedited);
  CHECK(!opened.effective_at);
  subject.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(70), .by = fb::Canceller::opener_token},
                         {Rule::lost_5}));
  CHECK(!subject.folded().windows.open);
  CHECK(subject.folded().windows.last->window == opened);
  CHECK(subject.folded().windows.last->outcome == WindowOutcome::cancelled);
  subject.now += day_us;
  marked_lost(71, true)(subject);
  CHECK(subject.folded().windows.open->id == numbered(71));
  CHECK(subject.folded().windows.open->expedited);
  complete_replacement(const_cast<CurrentProofs&>(subject.folded().proofs), numbered(70), noon, 1);
  CHECK(subject.proof(0).status == ProofStatus::marked_lost);
  subject.happened(draft(fb::ReplacementDisputedT{.replacement_id = numbered(71)}, {Rule::lost_5}));
  CHECK(subject.folded().windows.last->outcome == WindowOutcome::disputed);
  CHECK(subject.proof(0).status == ProofStatus::verified);
}

SCENARIO(
    "R-LOST-2 R-LOST-6: a window that a recovery code brought forward took effect when it did, not when it would "
    "have") {
  Subject subject = owner();
  for (const Past& step : {marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) step(subject);
  subject.now += day_us;
  subject.happened(completion(subject.folded(), subject.now, subject.context()));
  CHECK(subject.folded().windows.last->at == subject.now);
  CHECK(subject.folded().windows.last->window.effective_at == subject.now);
}

SCENARIO("R-BLK-3: a block says why, by whom and since when, and afterwards what lifted it") {
  Subject subject = owner();
  const Time blocked_at = subject.now;
  blocked("suspected_intrusion")(subject);
  const Block block = *subject.folded().block.current;
  CHECK(block.reason == "suspected_intrusion");
  CHECK(block.by == "web");
  CHECK(block.since == blocked_at);
  CHECK(block.position == subject.envelopes().size() - 1);
  subject.now += hour_us;
  subject.happened(draft(fb::AccountUnblockedT{.block_id = block.id, .by = fb::Lifted::by_challenge}, {Rule::blk_2}));
  CHECK(!subject.folded().block.current);
  CHECK(subject.folded().block.last->block == block);
  CHECK(subject.folded().block.last->by == fb::Lifted::by_challenge);
  CHECK(subject.folded().block.last->at == blocked_at + hour_us);
}

SCENARIO("R-CHL-1: challenges open, pass, end with a reset, and the oldest not passed gives way") {
  Subject subject = owner();
  passed(fb::Purpose::unblock, 70)(subject);
  for (std::uint64_t i = 0; i < challenges_kept_max; ++i) started(fb::Purpose::sensitive_page, 100 + i)(subject);
  const Challenges& challenges = subject.folded().challenges;
  CHECK(challenges.open.size() == challenges_kept_max);
  CHECK(challenges.find(numbered(70)) != nullptr);
  CHECK(challenges.find(numbered(70))->passed_with == subject.proof(0).id);
  CHECK(challenges.find(numbered(100)) == nullptr);
  CHECK(challenges.find(numbered(101)) != nullptr);
  subject.happened(draft(fb::AccountUnblockedT{.challenge_id = numbered(70)}, {Rule::blk_2}));
  CHECK(challenges.find(numbered(70)) == nullptr);
  subject.happened(draft(fb::PasswordResetT{}, {Rule::pwd_3}));
  CHECK(challenges.open.empty());
}

SCENARIO("R-ACC-5: sign-ins leave devices, places and failures since the last success") {
  Subject subject = given({registered()});
  subject.happened(draft(fb::SignInFailedT{.reason = "wrong_password"}, {Rule::acc_5}));
  CHECK(subject.folded().identity.failed_sign_ins == 1);
  subject.happened(signed_in(subject, "pc-1", "Kyoto"));
  subject.now += hour_us;
  subject.happened(signed_in(subject, "pc-2", "Osaka"));
  subject.happened(signed_in(subject, "pc-1", "Kyoto"));
  const Identity& identity = subject.folded().identity;
  CHECK(identity.failed_sign_ins == 0);
  CHECK(identity.last_sign_in == noon + hour_us);
  CHECK(identity.devices.size() == 2);
  CHECK(identity.devices.back().tag == subject.vault().tag("device", "pc-1"));
  CHECK(identity.find_device(subject.vault().tag("device", "pc-1"))->last_sign_in == noon + hour_us);
  CHECK(identity.find_device(subject.vault().tag("device", "pc-3")) == nullptr);
  CHECK(identity.locations.size() == 2);
  for (int i = 0; i < 40; ++i)
    subject.happened(signed_in(subject, "device " + std::to_string(i), "place " + std::to_string(i)));
  CHECK(identity.devices.size() == devices_kept_max);
  CHECK(identity.locations.size() == devices_kept_max);
}

SCENARIO("R-REC-9 R-CHL-3: familiar is where somebody signed in since the last reset; what is not named never is") {
  Subject subject = owner();
  const Tag16 device = subject.vault().tag("device", "pc-1"), place = subject.vault().tag("location", "JP-13");
  const auto& identity = subject.folded().identity;
  const auto is_familiar = [&] {
    return std::pair(identity.is_familiar_device(device), identity.is_familiar_place(place));
  };
  CHECK(is_familiar() == std::pair(false, false));
  subject.happened(draft(fb::SignInFailedT{.device_tag = device, .location_tag = place}, {Rule::acc_5}));
  subject.happened(draft(fb::ChallengePassedT{.device_tag = device}, {Rule::chl_5}));
  CHECK(is_familiar() == std::pair(false, false));
  subject.happened(draft(fb::SignInSucceededT{}, {Rule::acc_5}));
  CHECK(!identity.is_familiar_device({}));
  CHECK(!identity.is_familiar_place({}));
  subject.happened(draft(fb::SignInSucceededT{.device_tag = device, .location_tag = place}, {Rule::acc_5}));
  CHECK(is_familiar() == std::pair(true, true));
  subject.happened(draft(fb::PasswordResetT{}, {Rule::pwd_3}));
  CHECK(is_familiar() == std::pair(false, false));
}

SCENARIO("R-PWD-4: the positions of the newest verifiers are kept") {
  Subject subject = given({registered()});
  for (std::size_t i = 0; i < 30; ++i)
    subject.happened(draft(fb::PasswordResetT{.grade = fb::Grade::strong}, {Rule::pwd_3}));
  const Identity& identity = subject.folded().identity;
  CHECK(identity.passwords.size() == password_events_kept_max);
  CHECK(identity.passwords.back() == 30);
  CHECK(identity.passwords.front() == 6);
  CHECK(identity.grade == fb::Grade::strong);
  CHECK(identity.changed_at == noon);
}

SCENARIO("R-PRF-9: a recovery code replaces the one before, and nothing is left of a used one") {
  Subject subject = given({registered(), recovery_code(60), recovery_code(61)});
  const Identity& identity = subject.folded().identity;
  CHECK(identity.recovery_code == numbered(61));
  CHECK(!identity.recovery_code_hash.is_zero());
  subject.happened(draft(fb::RecoveryCodeUsedT{.code_id = numbered(61)}, {Rule::prf_9}));
  CHECK(identity.recovery_code.is_zero());
  CHECK(identity.recovery_code_hash.is_zero());
}

SCENARIO("R-PRF-8: too few usable proofs ask for more, two clear it") {
  Subject subject = given({registered(), mailbox("a@example.com"), mailbox("b@example.com")});
  CHECK(has(subject, Notice::add_security_info));
  verified(0)(subject);
  CHECK(has(subject, Notice::add_security_info));
  verified(1)(subject);
  CHECK(!has(subject, Notice::add_security_info));
  subject.policy.min_proofs = 3;
  CHECK(has(subject, Notice::add_security_info));
}

SCENARIO("R-ACC-2 R-LOST-4: notices for the name and for a pending change") {
  Subject subject = given({registered("owner@example.com", false), mailbox("a@example.com"), verified(0)});
  CHECK(has(subject, Notice::confirm_sign_in_name));
  subject.happened(draft(fb::SignInNameConfirmedT{}, {Rule::acc_2}));
  CHECK(!has(subject, Notice::confirm_sign_in_name));
  CHECK(!has(subject, Notice::security_info_change_pending));
  for (const Past& step : {marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) step(subject);
  CHECK(has(subject, Notice::security_info_change_pending));
  subject.now += 30 * day_us;
  CHECK(!has(subject, Notice::security_info_change_pending));
}

SCENARIO(
    "R-ACC-7: what registration brings is no change, what comes later is, until the owner verifies on the device") {
  Subject subject;
  subject.run(registration("owner@outlook.jp"));
  CHECK(subject.account().identity.changed_at == 0);
  CHECK(!has(subject, Notice::verify_this_device, "pc-1"));
  subject.now += hour_us;
  mailbox("later@example.com")(subject);
  CHECK(subject.account().identity.changed_at == subject.now);
  CHECK(has(subject, Notice::verify_this_device, "pc-1"));
  CHECK(has(subject, Notice::verify_this_device));
  passed(fb::Purpose::sensitive_page, 70, 0, "pc-1")(subject);
  CHECK(!has(subject, Notice::verify_this_device, "pc-1"));
  CHECK(has(subject, Notice::verify_this_device, "pc-2"));
  CHECK(!has(subject, Notice::verify_this_device));
}

SCENARIO("R-LED-4: a policy event gives back the policy it was made from, whatever this code's defaults are") {
  Policy policy;
  policy.version = 7;
  for (const PolicyNumber& entry : policy_numbers()) policy.*entry.field = entry.max;
  policy.day_kind = "rolling_24h";
  policy.day_zone = "Europe/Berlin";
  policy.routes = {};
  policy.provider_domains = {"example.jp"};
  Subject subject;
  subject.happened(draft(adopt(policy), {Rule::led_4}));
  const auto event = Event::parse(as_bytes(subject.envelopes().back()));
  REQUIRE(event);
  CHECK(read_policy(*event->as<fb::PolicyAdopted>()) == policy);
  LedgerState ledger;
  evolve(ledger, *event, Hash{});
  CHECK(ledger.policy == policy);
  CHECK(ledger.head.version == 1);
}
