#include <doctest/doctest.h>

#include "commands/recovery.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::int64_t form_points = 9;  // of recovery_form(): 4 + 4 for the names, 10 % of 10 for no folders

Subject customer(std::int64_t threshold) {
  Subject subject = given({registered(), mailbox("me@example.com"), verified(0), device("pc-1"), verified(1)});
  subject.policy.recovery_threshold = threshold;
  subject.policy.reset_link_ttl_seconds = 600;
  return subject;
}

Id submit(Subject& subject, const SubmitRecovery& form = recovery_form()) {
  const Decision decision = subject.run(form);
  REQUIRE(outcome(decision) == "accepted: RecoverySubmitted");
  return *parse_id(decision.returns["recovery_id"].get<std::string>());
}

/// Submits a form, has it verified, and says what its link carries.
std::string reset_token(Subject& subject) {
  const Id recovery = submit(subject);
  REQUIRE(outcome(subject.run(DecideRecovery{recovery})) == "accepted: RecoveryVerified ResetLinkIssued");
  return subject.vault().secret(OneTime::link, subject.folded().recoveries.find(recovery)->link->id);
}

ResetPassword reset(const std::string& token) {
  return {.reset_token = token, .password = {"New-pass2", "New-pass2", "$argon2id$new"}};
}

ResetPassword by_challenge(std::uint64_t number) {
  ResetPassword command = reset("");
  command.reset_token.reset();
  command.challenge = numbered(number);
  return command;
}

bool names_rule(const Decision& decision, Rule rule) {
  const auto& rules = decision.events.front().rules;
  return std::ranges::find(rules, static_cast<std::uint16_t>(rule)) != rules.end();
}

std::vector<Id> described(const Decision& decision, std::string_view member) {
  for (const auto& [name, ids] : decision.described) {
    if (name == member) return ids;
  }
  return {};
}

const fb::NotificationT& only_notification(const Draft& event) {
  REQUIRE(event.notifications.size() == 1);
  CHECK(event.notifications[0].recipient == fb::Recipient::sealed_address);
  CHECK(event.notifications[0].channel == fb::Channel::email);
  CHECK(event.personal.contact_address == "friend@example.org");
  return event.notifications[0];
}

}  // namespace

SCENARIO("R-REC-6 R-REC-8: at the threshold verified, one point below it not") {
  Subject subject = customer(form_points);
  const Id recovery = submit(subject);
  CHECK(outcome(subject.when(DecideRecovery{recovery})) == "accepted: RecoveryVerified ResetLinkIssued");
  subject.policy.recovery_threshold = form_points + 1;
  const Decision not_verified = subject.run(DecideRecovery{recovery});
  CHECK(outcome(not_verified) == "accepted: RecoveryNotVerified");
  CHECK(not_verified.returns["points"] == form_points);
  CHECK(!subject.folded().recoveries.find(recovery)->link);
  GIVEN("the owner tries again with more") {
    subject.run(RecordSignIn{.succeeded = true, .device_id = "pc-7"});
    SubmitRecovery more = recovery_form();
    more.device_id = "pc-7";
    const Id second = submit(subject, more);
    CHECK(outcome(subject.run(DecideRecovery{second})) == "accepted: RecoveryVerified ResetLinkIssued");
  }
}

SCENARIO("R-REC-7: a submission is decided once, and none that is unknown") {
  Subject subject = customer(form_points);
  CHECK(outcome(subject.when(DecideRecovery{numbered(99)})) == "R-REC-7 recovery_unknown");
  CHECK(outcome(subject.when(SendRecoverySurvey{numbered(99)})) == "R-REC-7 recovery_unknown");
  const Id recovery = submit(subject);
  subject.run(DecideRecovery{recovery});
  subject.policy.recovery_threshold = 10'000;
  const Decision again = subject.run(DecideRecovery{recovery});
  CHECK(outcome(again) == "accepted");
  CHECK(again.returns["outcome"] == "verified");
}

SCENARIO("R-REC-1: two-step verification turned on since the submission: not verified") {
  Subject subject = customer(form_points);
  const Id recovery = submit(subject);
  subject.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5}));
  const Decision decision = subject.when(DecideRecovery{recovery});
  CHECK(outcome(decision) == "accepted: RecoveryNotVerified");
  CHECK(decision.returns["points"] == form_points);
  CHECK(decision.returns.contains("because"));
  CHECK(names_rule(decision, Rule::rec_1));
  subject.happened(draft(fb::TwoStepDisabledT{}, {Rule::prf_5}));
  const Decision later = subject.when(DecideRecovery{recovery});
  CHECK(outcome(later) == "accepted: RecoveryNotVerified");
  CHECK(later.returns["because"] == "superseded");
  CHECK(!names_rule(later, Rule::rec_1));
}

SCENARIO("R-REC-7: a form sent before the account was recovered, changed or blocked is not verified any more") {
  Subject subject = customer(form_points);
  subject.policy.replacement_days = 1;
  const Id recovery = submit(subject);
  const Decision before = subject.when(DecideRecovery{recovery});
  CHECK(outcome(before) == "accepted: RecoveryVerified ResetLinkIssued");
  CHECK(!before.returns.contains("because"));
  WHEN("a challenge resets the password") {
    passed(fb::Purpose::reset_password, 70)(subject);
    CHECK(outcome(subject.run(by_challenge(70))) == "accepted: PasswordReset");
  }
  WHEN("the link of another form does") { CHECK(!subject.run(reset(reset_token(subject))).refusal); }
  WHEN("the owner changes it") {
    const ChangePassword change{
        .current = "Old-pass1", .password = {"New-pass3", "New-pass3", "$argon2id$new"}, .verdict = Verdict::right};
    CHECK(outcome(subject.run(change)) == "accepted: PasswordChanged");
  }
  WHEN("the proofs are replaced, before anybody appended it") {
    marked_lost(71)(subject);
    proposed(71, "new@example.org")(subject);
    confirmed(71)(subject);
    subject.now += day_us;
  }
  WHEN("two-step verification was on for a while") {
    subject.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5}));
    subject.happened(draft(fb::TwoStepDisabledT{}, {Rule::prf_5}));
  }
  WHEN("the account is blocked") { blocked("suspected_intrusion")(subject); }
  const Decision decision = subject.run(DecideRecovery{recovery});
  CHECK(outcome(decision) == "accepted: RecoveryNotVerified");
  CHECK(decision.returns["because"] == "superseded");
  CHECK(decision.returns["points"] == form_points);
  CHECK(only_notification(decision.events[0]).kind == fb::NotificationKind::recovery_not_verified);
  subject.now += day_us;
  CHECK(outcome(subject.run(DecideRecovery{submit(subject)})) == "accepted: RecoveryVerified ResetLinkIssued");
}

SCENARIO("R-REC-7: verified recoveries whose links ran out unused do not pile up") {
  Subject subject = customer(form_points);
  for (int day = 0; day < 60; ++day) {
    const Id recovery = submit(subject);
    subject.run(DecideRecovery{recovery});
    subject.run(SendRecoverySurvey{recovery});
    CHECK(subject.folded().recoveries.find(recovery)->link);
    subject.now += 2 * day_us;
  }
  CHECK(subject.folded().recoveries.all.size() <= finished_recoveries_kept_max + 1);
}

SCENARIO("R-REC-10: an outcome says of every field result, points and weight, the total and the threshold, no value") {
  Subject subject = customer(70);
  observed(fb::RecoveryField::mail_folders, "Plantedfolder")(subject);
  observed(fb::RecoveryField::card_last4, "8271")(subject);
  subject.run(RecordSignIn{.succeeded = true, .device_id = "planted-pc", .location = "Plantedplace"});
  SubmitRecovery form = recovery_form("planted@planted.example");
  form.answers = {{.field = "surname", .values = {"Yamada"}},
                  {.field = "given_name", .values = {"Plantedwrong"}},
                  {.field = "mail_folders", .values = {"Plantedfolder"}},
                  {.field = "card_last4", .values = {"8271"}},
                  {.field = "skype_id", .values = {"Plantedskype"}},
                  {.field = "region", .not_registered = true},
                  {.field = "passwords", .values = {"Planted-pw1", "Planted-pw2"}}};
  form.passwords_matched = 2;
  form.device_id = "planted-pc";
  form.location = "Plantedplace";
  const Id recovery = submit(subject, form);
  const Decision decision = subject.when(DecideRecovery{recovery});
  const Json& told = decision.returns;
  CHECK(told["fields"].size() == recovery_fields().size());
  CHECK(told["fields"][0].dump() == R"({"field":"surname","result":"matched","points":4,"weight":4})");
  CHECK(told["fields"][1].dump() == R"({"field":"given_name","result":"not_matched","points":0,"weight":4})");
  CHECK(told["fields"][2].dump() == R"({"field":"birth_date","result":"blank","points":0,"weight":6})");
  CHECK(told["fields"][4].dump() == R"({"field":"region","result":"matched","points":0,"weight":2})");
  CHECK(told["fields"][6].dump() == R"({"field":"passwords","result":"matched","points":30,"weight":30})");
  CHECK(told["fields"][14].dump() == R"({"field":"skype_id","result":"not_on_file","points":0,"weight":4})");
  CHECK(told["familiar_points"] == 20);
  CHECK(told["points"] == 4 + 30 + 10 + 12 + 20);
  CHECK(told["threshold"] == 70);
  CHECK(told["outcome"] == "verified");
  for (const char* planted : {"Yamada", "lanted", "8271"}) CHECK(told.dump().find(planted) == std::string::npos);
  THEN("the event says the same") {
    const auto& event = *decision.events.front().payload.AsRecoveryVerified();
    CHECK(event.points == 76);
    CHECK(event.threshold == 70);
    CHECK(event.familiar_points == 20);
    REQUIRE(event.fields.size() == recovery_fields().size());
    std::int64_t sum = event.familiar_points;
    for (const fb::FieldPoints& field : event.fields) sum += field.points();
    CHECK(sum == event.points);
    CHECK(event.fields[6].field() == fb::RecoveryField::passwords);
    CHECK(event.fields[6].result() == fb::FieldResult::matched);
    CHECK(decision.events.front().caused_by == subject.folded().recoveries.find(recovery)->submitted);
  }
  THEN("deciding it at another time, from another person's command, gives the same") {
    subject.now += 20 * hour_us;
    subject.issuer.service = "other";
    subject.evidence.clear();  // what was compared at submission stays compared
    CHECK(subject.when(DecideRecovery{recovery}).returns == told);
  }
}

SCENARIO("R-REC-10 R-LED-4: the policy in force when it is decided decides, and the event names its version") {
  Subject subject = customer(form_points + 1);
  const Id recovery = submit(subject);
  subject.policy.recovery_weights.at(static_cast<std::size_t>(fb::RecoveryField::surname)) = 5;
  subject.policy.version = 8;
  const Decision decision = subject.run(DecideRecovery{recovery});
  CHECK(decision.returns["outcome"] == "verified");
  CHECK(decision.returns["fields"][0]["weight"] == 5);
  CHECK(Event::parse(as_bytes(subject.envelopes().back()))->header().policy_version() == 8);
}

SCENARIO("R-REC-8: a reset link lives reset_link_ttl to the microsecond and works once") {
  Subject subject = customer(form_points);
  const std::string token = reset_token(subject);
  subject.now += 600 * second_us;
  CHECK(outcome(subject.when(reset(token))) == "R-REC-8 reset_link_expired");
  subject.now -= 1;
  CHECK(outcome(subject.when(reset(token + "x"))) == "R-REC-8 reset_link_unknown");
  CHECK(outcome(subject.when(reset(""))) == "R-REC-8 reset_link_unknown");
  ResetPassword weak = reset(token);
  weak.password.repeat = "Other-pass2";
  CHECK(outcome(subject.run(weak)) == "R-PWD-1 not_repeated");  // and the link stays
  const Decision done = subject.run(reset(token));
  CHECK(outcome(done) == "accepted: PasswordReset");
  CHECK(done.returns["state"] == "recovered");
  CHECK(done.events.front().payload.AsPasswordReset()->recovery_id == subject.folded().recoveries.all[0].id);
  CHECK(done.events.front().payload.AsPasswordReset()->challenge_id.is_zero());
  CHECK(outcome(subject.run(reset(token))) == "R-REC-8 reset_link_unknown");
  CHECK(subject.account().recoveries.all[0].outcome == RecoveryOutcome::verified);
}

SCENARIO("R-REC-8 R-PWD-3 R-REC-1 R-BLK-2: a password set, proofs replaced, two-step or a block voids every link") {
  Subject subject = customer(form_points);
  subject.policy.reset_link_ttl_seconds = 604'800;
  subject.policy.replacement_days = 1;
  const std::string token = reset_token(subject), second = reset_token(subject);
  CHECK(token != second);
  CHECK(outcome(subject.when(reset(token))) == "accepted: PasswordReset");
  CHECK(outcome(subject.when(reset(second))) == "accepted: PasswordReset");
  WHEN("the other link is followed") { subject.run(reset(second)); }
  WHEN("a challenge resets it") {
    passed(fb::Purpose::reset_password, 70)(subject);
    CHECK(outcome(subject.run(by_challenge(70))) == "accepted: PasswordReset");
  }
  WHEN("the owner changes it") {
    const ChangePassword change{
        .current = "Old-pass1", .password = {"New-pass3", "New-pass3", "$argon2id$new"}, .verdict = Verdict::right};
    CHECK(outcome(subject.run(change)) == "accepted: PasswordChanged");
  }
  WHEN("the proofs are replaced, before anybody appended it") {
    marked_lost(71)(subject);
    proposed(71, "new@example.org")(subject);
    confirmed(71)(subject);
    subject.now += day_us - 1;
    CHECK(outcome(subject.when(reset(token))) == "accepted: PasswordReset");
    subject.now += 1;
  }
  WHEN("two-step verification is turned on, and off again") {
    subject.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5}));
    CHECK(outcome(subject.when(reset(token))) == "R-REC-8 reset_link_unknown");
    subject.happened(draft(fb::TwoStepDisabledT{}, {Rule::prf_5}));
  }
  WHEN("the account is blocked") {
    passed(fb::Purpose::reset_password, 72)(subject);
    blocked("suspected_intrusion")(subject);
    CHECK(subject.when(by_challenge(72)).refusal);
  }
  CHECK(outcome(subject.when(reset(token))) == "R-REC-8 reset_link_unknown");
  CHECK(outcome(subject.when(reset(second))) == "R-REC-8 reset_link_unknown");
}

SCENARIO(
    "R-BLK-2 R-REC-8: the reset by a verified recovery lifts a block; the recovery alone, or a challenge, does not") {
  Subject subject = customer(form_points);
  blocked("suspected_intrusion")(subject);
  const Id block = subject.folded().block.current->id;
  const std::string token = reset_token(subject);
  CHECK(subject.folded().block.current);
  passed(fb::Purpose::reset_password, 70)(subject);
  CHECK(outcome(subject.when(by_challenge(70))) == "accepted: PasswordReset");
  const Decision decision = subject.run(reset(token));
  CHECK(outcome(decision) == "accepted: PasswordReset AccountUnblocked");
  const auto& lifted = *decision.events.back().payload.AsAccountUnblocked();
  CHECK(lifted.block_id == block);
  CHECK(lifted.by == fb::Lifted::by_recovery);
  CHECK(!subject.folded().block.current);
  THEN("it names the proofs that are left and those that are not, and tells those left") {
    CHECK(described(decision, "proofs_kept") == std::vector<Id>{subject.proof(0).id});
    CHECK(described(decision, "proofs_removed") == std::vector<Id>{subject.proof(1).id});
    CHECK(subject.proof(0).status == ProofStatus::verified);
    CHECK(!subject.proof(1).is_usable());
    REQUIRE(decision.events.front().notifications.size() == 1);
    CHECK(decision.events.front().notifications[0].kind == fb::NotificationKind::password_reset_done);
  }
}

SCENARIO("R-REC-7 R-REC-8: the outcome goes to the contact address, with the link when verified") {
  Subject subject = customer(form_points);
  const Id recovery = submit(subject);
  Decision decision = subject.when(DecideRecovery{recovery});
  CHECK(decision.events[0].notifications.empty());
  const fb::NotificationT& verified = only_notification(decision.events[1]);
  CHECK(verified.kind == fb::NotificationKind::recovery_verified);
  const auto& issued = *decision.events[1].payload.AsResetLinkIssued();
  CHECK(verified.secret_id == issued.link_id);
  CHECK(issued.expires_at == subject.now + 600 * second_us);
  CHECK(decision.returns.dump().find(subject.vault().secret(OneTime::link, issued.link_id)) == std::string::npos);
  subject.policy.recovery_threshold = 70;
  decision = subject.when(DecideRecovery{recovery});
  const fb::NotificationT& told = only_notification(decision.events[0]);
  CHECK(told.kind == fb::NotificationKind::recovery_not_verified);
  CHECK(told.secret_id.is_zero());
}

SCENARIO("R-REC-7: the survey goes out once whatever the outcome, within 3 days, and has no influence") {
  for (const std::int64_t threshold : {form_points, form_points + 1}) {
    CAPTURE(threshold);
    Subject subject = customer(threshold);
    const Id recovery = submit(subject);
    const std::string expected = outcome(subject.when(DecideRecovery{recovery}));
    const Decision survey = subject.run(SendRecoverySurvey{recovery});
    CHECK(outcome(survey) == "accepted: RecoverySurveySent");
    CHECK(only_notification(survey.events[0]).kind == fb::NotificationKind::recovery_survey);
    CHECK(survey.returns.dump().find("verified") == std::string::npos);
    CHECK(outcome(subject.run(SendRecoverySurvey{recovery})) == "accepted");
    CHECK(outcome(subject.run(DecideRecovery{recovery})) == expected);
    const Time at = survey_at(*subject.folded().recoveries.find(recovery), subject.policy);
    CHECK(at == subject.now + 2 * day_us);
  }
}

SCENARIO("R-REC-11: support staff can neither send a reset link nor read or change an account, and each try is kept") {
  MemoryLedger ledger(Json{{"recovery_threshold", 1}});
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Id recovery = id_in(ledger.run(recovery_form(), owner), "recovery_id");
  ledger.run(RegisterService{.name = "desk", .roles = {fb::Role::support}, .public_key = ""});
  int key = 0;
  const auto as_support = [&](const char* name, Command command) {
    Request request{.command = std::move(command)};
    request.account = owner;
    request.issuer = {.service = "desk", .command = name, .command_id = std::to_string(++key)};
    request.issuer.entry = fb::Entry::http;
    request.body = std::to_string(key);
    const auto answer = ledger.executor().execute(std::move(request));
    REQUIRE(answer.has_value());
    return outcome(*answer);
  };
  const std::string refused = "R-REC-11 support_overreach: CommandRefused";
  CHECK(as_support("decide-recovery", DecideRecovery{recovery}) == refused);
  CHECK(as_support("reset-password", ResetPassword{.reset_token = "x", .password = {"New-pass2", "New-pass2"}}) ==
        refused);
  CHECK(as_support("change-profile", ChangeProfile{}) == refused);
  CHECK(as_support("record-access",
                   RecordAccess{{.reason = "a call", .case_number = "1", .investigator = ""}, {"profile"}}) == refused);
  CHECK(as_support("close-account", CloseAccount{.password = "Old-pass1", .confirm = true}) == refused);
  CHECK(as_support("submit-recovery", recovery_form()) == refused);
  CHECK(ledger.account(owner).recoveries.find(recovery)->outcome == RecoveryOutcome::pending);
  CHECK(!ledger.account(owner).life.end);
}
