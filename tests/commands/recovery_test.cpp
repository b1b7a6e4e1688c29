#include "commands/recovery.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Subject customer() { return given({registered("owner@outlook.jp"), mailbox("me@example.com"), verified(0)}); }

void at(Subject& subject, const char* time) { subject.now = *parse_rfc3339(time); }

const fb::RecoverySubmittedT& submitted(const Decision& decision) {
  REQUIRE(!decision.refusal);
  return *decision.events.front().payload.AsRecoverySubmitted();
}

/// How many of these a real submission finds to be passwords of the account.
int passwords_found(MemoryLedger& ledger, const Id& owner, const std::vector<std::string>& values) {
  SubmitRecovery form = recovery_form();
  form.answers.push_back({.field = "passwords", .values = values});
  const Answer answer = ledger.run(form, owner);
  CHECK(outcome(answer) == "accepted: RecoverySubmitted");
  const Account account = ledger.account(owner);
  for (const FieldMatch& match : account.recoveries.all.back().fields) {
    if (match.field == fb::RecoveryField::passwords) return match.matched;
  }
  return -1;
}

void change_password(MemoryLedger& ledger, const Id& owner, const std::string& from, const std::string& to) {
  CHECK(outcome(ledger.run(ChangePassword{.current = from, .password = {to, to}}, owner)) ==
        "accepted: PasswordChanged");
}

}  // namespace

SCENARIO("R-REC-3: two submissions a calendar day in Tokyo, to the microsecond of its midnight") {
  Subject subject = customer();
  at(subject, "2026-03-01T00:00:00+09:00");
  CHECK(subject.run(recovery_form()).returns["attempts_left_today"] == 1);
  at(subject, "2026-03-01T23:59:59.999999+09:00");
  CHECK(subject.run(recovery_form("other@example.org")).returns["attempts_left_today"] == 0);
  const Decision third = subject.run(recovery_form("third@example.org"));
  CHECK(outcome(third) == "R-REC-3 attempts_used_up: RecoveryRefused");
  CHECK(*third.refusal->retry_at == *parse_rfc3339("2026-03-02T00:00:00+09:00"));
  CHECK(third.events.front().payload.AsRecoveryRefused()->retry_at == *parse_rfc3339("2026-03-02T00:00:00+09:00"));
  at(subject, "2026-03-02T00:00:00+09:00");
  CHECK(outcome(subject.run(recovery_form())) == "accepted: RecoverySubmitted");
  CHECK(outcome(subject.run(recovery_form())) == "accepted: RecoverySubmitted");
  CHECK(outcome(subject.run(recovery_form())) == "R-REC-3 attempts_used_up: RecoveryRefused");
  for (int day = 3; day < 10; ++day) {
    subject.now += day_us;
    CHECK(outcome(subject.run(recovery_form())) == "accepted: RecoverySubmitted");
    CHECK(outcome(subject.run(recovery_form())) == "accepted: RecoverySubmitted");
    CHECK(outcome(subject.run(recovery_form())) == "R-REC-3 attempts_used_up: RecoveryRefused");
  }
}

SCENARIO("R-REC-3: or two in any 24 hours, when the policy says so") {
  Subject subject = customer();
  subject.policy.day_kind = "rolling_24h";
  at(subject, "2026-03-01T22:00:00+09:00");
  const Time first = subject.now;
  subject.run(recovery_form());
  at(subject, "2026-03-01T23:00:00+09:00");
  subject.run(recovery_form());
  at(subject, "2026-03-02T01:00:00+09:00");
  CHECK(*subject.when(recovery_form()).refusal->retry_at == first + day_us);
  subject.now = first + day_us - 1;
  CHECK(outcome(subject.when(recovery_form())) == "R-REC-3 attempts_used_up: RecoveryRefused");
  subject.now += 1;
  CHECK(outcome(subject.run(recovery_form())) == "accepted: RecoverySubmitted");
  CHECK(*subject.when(recovery_form()).refusal->retry_at == first + hour_us + day_us);
}

SCENARIO("R-REC-3 R-LED-1: refusals are recorded ten times an hour, then counted") {
  Subject subject = customer();
  subject.run(recovery_form());
  subject.run(recovery_form());
  for (int i = 0; i < 10; ++i)
    CHECK(outcome(subject.run(recovery_form())) == "R-REC-3 attempts_used_up: RecoveryRefused");
  CHECK(outcome(subject.run(recovery_form())) == "R-REC-3 attempts_used_up (counted)");
  subject.now += hour_us - 1;
  CHECK(outcome(subject.when(recovery_form())) == "R-REC-3 attempts_used_up (counted)");
  subject.now += 1;
  CHECK(outcome(subject.when(recovery_form())) == "R-REC-3 attempts_used_up: RecoveryRefused");
}

SCENARIO("R-REC-4: too little information names the blank fields and uses no attempt") {
  Subject subject = customer();
  SubmitRecovery command = recovery_form();
  command.answers = {{.field = "surname", .values = {"Yamada"}},
                     {.field = "given_name", .values = {" \t", ""}},
                     {.field = "skype_id", .not_registered = true}};
  const Decision decision = subject.run(command);
  CHECK(outcome(decision) == "R-REC-4 too_little_information");
  CHECK(decision.refusal->extra["blank_fields"].size() == recovery_fields().size() - 2);
  CHECK(decision.refusal->extra["blank_fields"].dump().find("skype_id") == std::string::npos);
  CHECK(decision.refusal->extra["blank_fields"].dump().find("given_name") != std::string::npos);
  CHECK(subject.account().limits.recoveries.empty());
  subject.policy.recovery_min_fields = 2;
  CHECK(outcome(subject.when(command)) == "accepted: RecoverySubmitted");
}

SCENARIO("R-REC-4: naming one field again and again is not more information") {
  Subject subject = customer();
  SubmitRecovery command = recovery_form();
  command.answers = {{.field = "surname", .values = {"a"}},
                     {.field = "surname", .values = {"b"}},
                     {.field = "surname", .values = {"c"}}};
  CHECK(outcome(subject.when(command)) == "R-REC-4 too_little_information");
}

SCENARIO("R-REC-5 R-LED-6: answers are sealed as given, but passwords are never written") {
  Subject subject = customer();
  SubmitRecovery command = recovery_form("Friend@Example.org");
  command.answers.push_back({.field = "passwords", .values = {"Old-pass1", "Older-pass0"}});
  command.device_id = "pc-1";
  command.location = "Kyoto";
  const Decision decision = subject.when(command);
  const fb::PersonalT& sealed = decision.events.front().personal;
  CHECK(sealed.contact_address == "Friend@example.org");
  CHECK(sealed.device_id == "pc-1");
  CHECK(sealed.location == "Kyoto");
  REQUIRE(sealed.answers.size() == 4);
  CHECK(sealed.answers[0]->values == std::vector<std::string>{"Yamada"});
  CHECK(sealed.answers[2]->not_registered);
  CHECK(sealed.answers[3]->field == "passwords");
  CHECK(sealed.answers[3]->values.empty());
  CHECK(decision.events.front().payload.AsRecoverySubmitted()->answered == 4);
}

SCENARIO("R-REC-7: receipt is acknowledged at once to the contact address, the reply is due in 24 hours") {
  Subject subject = customer();
  const Decision decision = subject.when(recovery_form());
  REQUIRE(decision.events.front().notifications.size() == 1);
  CHECK(decision.events.front().notifications[0].kind == fb::NotificationKind::recovery_received);
  CHECK(decision.events.front().notifications[0].recipient == fb::Recipient::sealed_address);
  CHECK(decision.returns["reply_due_at"] == to_rfc3339(subject.now + day_us));
  subject.policy.recovery_reply_hours = 6;
  CHECK(subject.when(recovery_form()).events.front().payload.AsRecoverySubmitted()->reply_due_at ==
        subject.now + 6 * hour_us);
}

SCENARIO("R-REC-1: with two-step verification on the form cannot help; that is recorded and uses no attempt") {
  Subject subject = customer();
  subject.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5}));
  const Decision refused = subject.run(recovery_form());
  CHECK(outcome(refused) == "R-REC-1 two_step_on: RecoveryRefused");
  CHECK(refused.events.front().payload.AsRecoveryRefused()->rule == static_cast<int>(Rule::rec_1));
  CHECK(!refused.refusal->retry_at);
  CHECK(subject.account().limits.recoveries.empty());
  for (int i = 0; i < 9; ++i) CHECK(outcome(subject.run(recovery_form())) == "R-REC-1 two_step_on: RecoveryRefused");
  CHECK(outcome(subject.run(recovery_form())) == "R-REC-1 two_step_on (counted)");
  SubmitRecovery wrong = recovery_form("nobody");
  CHECK(outcome(subject.when(wrong)) == "R-REC-2 invalid_contact_address");
  subject.happened(draft(fb::TwoStepDisabledT{}, {Rule::prf_5}));
  CHECK(subject.run(recovery_form()).returns["attempts_left_today"] == 1);
}

SCENARIO("R-REC-2: anybody's working address will do, but the account's own will not in any spelling") {
  const Subject subject = customer();
  for (const char* address : {"owner@outlook.jp", " owner@outlook.jp", "OWNER@OUTLOOK.JP", "ｏｗｎｅｒ@outlook.jp"}) {
    CAPTURE(address);
    CHECK(subject.when(recovery_form(address)).refusal->rule == Rule::rec_2);
  }
  for (const char* address : {"", "@", "friend", "friend@", "@example.org", "a b@example.org", "friend@example"}) {
    CAPTURE(address);
    CHECK(outcome(subject.when(recovery_form(address))) == "R-REC-2 invalid_contact_address");
  }
  for (const char* address : {"owner@outlook.com", "owner1@outlook.jp", "me@example.com", "花子@example.jp"}) {
    CAPTURE(address);
    CHECK(outcome(subject.when(recovery_form(address))) == "accepted: RecoverySubmitted");
  }
}

SCENARIO("R-CHL-1 R-CHL-9: the form begins with a character check, and the policy can close it") {
  Subject subject = customer();
  SubmitRecovery form = recovery_form("nobody");
  form.character_check = CharacterCheck{"aB3", "aB4"};
  subject.policy.routes = {"security_code"};
  CHECK(outcome(subject.when(form)) == "R-CHL-1 character_check_failed: CharacterCheckFailed");
  form.character_check->typed = "Ab3";
  CHECK(outcome(subject.when(form)) == "R-CHL-9 route_closed");
  subject.policy.routes = {"recovery_form"};
  CHECK(outcome(subject.when(form)) == "R-REC-2 invalid_contact_address");
}

SCENARIO("R-REC-9: a device and a place are familiar from successful sign-ins, and from nothing else") {
  Subject subject = customer();
  const auto from = [&](const std::optional<std::string>& device, const std::optional<std::string>& place) {
    SubmitRecovery form = recovery_form();
    form.device_id = device;
    form.location = place;
    const Decision decision = subject.when(form);
    return std::pair{submitted(decision).familiar_device, submitted(decision).familiar_place};
  };
  subject.run(RecordSignIn{.succeeded = false, .device_id = "pc-1", .location = "Kyoto", .reason = "wrong_password"});
  passed(fb::Purpose::sensitive_page, 70, 0, "pc-1")(subject);
  CHECK(from("pc-1", "Kyoto") == std::pair{false, false});
  subject.run(RecordSignIn{.succeeded = true, .device_id = "pc-1", .location = "Kyoto"});
  CHECK(from("pc-1", "Kyoto") == std::pair{true, true});
  CHECK(from("pc-1", " ＫＹＯＴＯ") == std::pair{true, true});
  CHECK(from("pc-1", "Osaka") == std::pair{true, false});
  CHECK(from("PC-1", "Kyoto") == std::pair{false, true});
  CHECK(from({}, {}) == std::pair{false, false});
  CHECK(from("", "") == std::pair{false, false});
  subject.run(RecordSignIn{.succeeded = true});
  CHECK(from("", "") == std::pair{false, false});
  blocked("suspected_intrusion")(subject);
  subject.run(RecordSignIn{.succeeded = true, .device_id = "pc-2", .location = "Osaka"});
  CHECK(from("pc-2", "Osaka") == std::pair{false, false});
}

SCENARIO("R-REC-5 R-PWD-4: passwords used before count within password_history, and never beyond") {
  MemoryLedger ledger({{"password_history", 2}, {"recovery_per_day", 100}});
  const Id owner = ledger.make_owner("owner@outlook.jp");
  CHECK(passwords_found(ledger, owner, {"Old-pass1"}) == 1);
  change_password(ledger, owner, "Old-pass1", "New-pass2");
  change_password(ledger, owner, "New-pass2", "New-pass3");
  CHECK(passwords_found(ledger, owner, {"Old-pass1", "New-pass2", "New-pass3"}) == 3);
  change_password(ledger, owner, "New-pass3", "New-pass4");
  CHECK(passwords_found(ledger, owner, {"Old-pass1"}) == 0);
  CHECK(passwords_found(ledger, owner, {"Old-pass1", "New-pass2", "New-pass3", "New-pass4"}) == 3);
  CHECK(passwords_found(ledger, owner, {"New-pass2", "New-pass2"}) == 1);
  CHECK(passwords_found(ledger, owner, {"new-pass4", "New-pass4 ", "New-pass", ""}) == 0);
  ledger.run(AdoptPolicy{{{"password_history", 0}}});
  CHECK(passwords_found(ledger, owner, {"New-pass2", "New-pass3"}) == 0);
  CHECK(passwords_found(ledger, owner, {"New-pass4"}) == 1);
}

SCENARIO("R-REC-5 R-REC-6: a password that was set twice is one password known") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  change_password(ledger, owner, "Old-pass1", "New-pass2");
  change_password(ledger, owner, "New-pass2", "New-pass3");
  ledger.run(AdoptPolicy{{{"password_history", 0}}});
  change_password(ledger, owner, "New-pass3", "Old-pass1");
  ledger.run(AdoptPolicy{{{"password_history", 10}}});
  CHECK(passwords_found(ledger, owner, {"Old-pass1"}) == 1);
  CHECK(passwords_found(ledger, owner, {"Old-pass1", "New-pass3"}) == 2);
}
