#include <doctest/doctest.h>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::array families = {Family::events, Family::checkpoints, Family::keys, Family::answers,
                                 Family::leases, Family::meta,        Family::rows};

/// Where a text occurs in any stored row; empty: nowhere.
std::string found_in_store(const MemoryLedger& ledger, const std::string& text) {
  std::string where;
  for (const Family family : families) {
    for (const auto& [key, value] : ledger.rows(family)) {
      if (key.find(text) != std::string::npos || value.find(text) != std::string::npos) {
        where += "family " + std::to_string(static_cast<int>(family)) + " ";
      }
    }
  }
  return where;
}

RegisterAccount planted_registration() {
  RegisterAccount command = registration("planted-owner@planted.example");
  command.password = {"Planted-pw1", "Planted-pw1"};
  command.profile.surname = "Plantedsurname";
  command.profile.given_name = "Plantedgiven";
  command.profile.birth_date = "1971-02-03";
  command.profile.region = "Plantedregion";
  command.profile.postal_code = "987-6543";
  command.device_id = "planted-device-0";
  command.proofs = {new_mailbox("plantedmailbox@planted-one.example"), new_phone("090-9876-5432"),
                    new_question("Planted question?", "Planted answer")};
  return command;
}

struct Planted {
  std::vector<std::string> texts = {"Planted-pw1",
                                    "Planted-pw2",
                                    "planted-owner",
                                    "planted.example",
                                    "Plantedsurname",
                                    "Plantedgiven",
                                    "1971-02-03",
                                    "Plantedregion",
                                    "987-6543",
                                    "planted-device-0",
                                    "planted-device-1",
                                    "plantedmailbox",
                                    "planted-one.example",
                                    "9098765432",
                                    "Planted question",
                                    "planted question",
                                    "Planted answer",
                                    "planted answer",
                                    "Plantedplace",
                                    "plantedplace",
                                    "planted detail",
                                    "plantedcontact",
                                    "planted-contact.example",
                                    "Plantedsubject",
                                    "Planted-old1",
                                    "plantednew",
                                    "planted-new.example",
                                    "203.0.113.77",
                                    "Planted agent"};
};

/// Lives an account's whole life with planted values; what was secret on the way is added to `planted`.
void live(MemoryLedger& ledger, Planted& planted) {
  const Id owner = id_in(ledger.run(planted_registration()), "account");
  for (const Mail& mail : ledger.outbox()) {
    planted.texts.push_back(mail.secret);
    VerifyProof verify{.proof = mail.proof};
    if (mail.kind == fb::NotificationKind::proof_link) verify.link_token = mail.secret;
    if (mail.kind == fb::NotificationKind::security_code) verify.code = mail.secret;
    if (verify.link_token || verify.code) CHECK(!ledger.run(verify, owner).is_refusal);
  }
  ledger.run(RecordSignIn{.succeeded = true, .device_id = "planted-device-1", .location = "Plantedplace"}, owner);
  const Id changing = ledger.pass_challenge(owner, fb::Purpose::change_security_info);
  planted.texts.push_back(ledger.newest_mail(owner, fb::NotificationKind::security_code).secret);
  planted.texts.push_back(ledger.run(IssueRecoveryCode{changing}, owner).body["recovery_code"].get<std::string>());
  const Id resetting = ledger.pass_challenge(owner, fb::Purpose::reset_password);
  CHECK(
      !ledger.run(ResetPassword{.challenge = resetting, .password = {"Planted-pw2", "Planted-pw2"}}, owner).is_refusal);
  ledger.run(SubmitCode{resetting, "1234567"}, owner);
  SubmitRecovery form = recovery_form("plantedcontact@planted-contact.example");
  form.answers.push_back({.field = "mail_subjects", .values = {"Plantedsubject"}});
  form.answers.push_back({.field = "passwords", .values = {"Planted-old1"}});
  form.device_id = "planted-device-1";
  form.location = "Plantedplace";
  CHECK(!ledger.run(form, owner).is_refusal);
  ledger.run(BlockAccount{"suspected_intrusion", "planted detail"}, owner);
  ledger.wait(hour_us);
  const auto opened = ledger.open_window(owner, "plantednew@planted-new.example");
  planted.texts.push_back(opened.token);
  planted.texts.push_back(ledger.newest_mail(owner, fb::NotificationKind::replacement_pending).secret);
  ledger.clock = opened.effective_at;
  ledger.tick();
}

}  // namespace

SCENARIO("R-LED-6: no secret and nothing personal is stored in clear, in any row of any family") {
  MemoryLedger ledger;
  Planted planted;
  live(ledger, planted);
  CHECK(planted.texts.size() > 33);
  for (const std::string& text : planted.texts) {
    CAPTURE(text);
    REQUIRE(text.size() >= 6);
    CHECK(found_in_store(ledger, text) == "");
  }
  CHECK(found_in_store(ledger, "suspected_intrusion") != "");  // the search finds what is there
  CHECK(found_in_store(ledger, "web") != "");
}

SCENARIO("R-LED-6: nor are the body of a command, its source and a seven-digit code as they were handed in") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  Request request{.command = RecordSignIn{.succeeded = true}};
  request.account = owner;
  request.issuer = {.service = "web",
                    .command = "record-sign-in",
                    .command_id = "one",
                    .network = "203.0.113.0/24",
                    .entry = fb::Entry::http,
                    .ip = "203.0.113.77",
                    .user_agent = "Planted agent",
                    .request_id = "planted-request"};
  request.body = "{\"planted\":\"planted body\"}";
  REQUIRE(ledger.executor().execute(std::move(request)).has_value());
  for (const char* text : {"203.0.113.77", "Planted agent", "planted-request", "planted body"}) {
    CAPTURE(text);
    CHECK(found_in_store(ledger, text) == "");
  }
  CHECK(found_in_store(ledger, "203.0.113.0/24") != "");
}

SCENARIO("R-LED-6: what is sealed opens with the account's key and says what was given") {
  MemoryLedger ledger;
  const Id owner = id_in(ledger.run(planted_registration()), "account");
  const auto key = ledger.keys().data_key(ledger.store(), owner);
  REQUIRE(key);
  const auto envelopes = ledger.envelopes();
  const auto registered = Event::parse(as_bytes(envelopes.at(2)));
  REQUIRE(registered);
  const auto personal = registered->open(*key);
  REQUIRE(personal);
  CHECK(personal->sign_in_name == "planted-owner@planted.example");
  CHECK(personal->password_verifier.starts_with("$argon2id$"));
  CHECK(personal->profile->surname == "Plantedsurname");
  const Id other = ledger.make_owner("other@outlook.jp");
  CHECK(!registered->open(*ledger.keys().data_key(ledger.store(), other)));
}
