#include "commands/evidence.hpp"

#include <doctest/doctest.h>

#include "commands/names.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::array families = {Family::events, Family::checkpoints, Family::keys, Family::answers,
                                 Family::leases, Family::meta,        Family::rows};

bool is_in_store(const MemoryLedger& ledger, const std::string& text) {
  for (const Family family : families) {
    for (const auto& [key, value] : ledger.rows(family)) {
      if (key.find(text) != std::string::npos || value.find(text) != std::string::npos) return true;
    }
  }
  return false;
}

std::size_t rows_of(const MemoryLedger& ledger, const Id& account, fb::RecoveryField field) {
  const std::string prefix = evidence_rows_prefix(account, field);
  std::size_t count = 0;
  for (const auto& [key, value] : ledger.rows(Family::rows)) count += key.starts_with(prefix) ? 1 : 0;
  return count;
}

std::string record(MemoryLedger& ledger, const Id& account, const std::string& kind, const std::string& value) {
  return outcome(ledger.run(RecordEvidence{{{kind, value}}}, account));
}

/// What the newest submission found of a field.
FieldMatch found(MemoryLedger& ledger, const Id& owner, const std::string& field, std::vector<std::string> values) {
  SubmitRecovery form = recovery_form();
  form.answers = {{.field = field, .values = std::move(values)}};
  CHECK(outcome(ledger.run(form, owner)) == "accepted: RecoverySubmitted");
  const auto fields = ledger.account(owner).recoveries.all.back().fields;
  return *std::ranges::find(fields, *parse_recovery_field(field), &FieldMatch::field);
}

const Json open_form = {{"recovery_per_day", 100}, {"recovery_min_fields", 1}};

}  // namespace

SCENARIO("R-REC-5 R-REC-6: evidence is compared with through the ledger's own rows, each fact once") {
  MemoryLedger ledger(open_form);
  const Id owner = ledger.make_owner("owner@outlook.jp"), other = ledger.make_owner("other@outlook.jp");
  CHECK(found(ledger, owner, "mail_folders", {"旅行"}).result == fb::FieldResult::not_on_file);
  const Answer answer = ledger.run(
      RecordEvidence{{{"mail_folders", "旅行"}, {"mail_folders", "家計"}, {"mail_subjects", "来週の定例会議の議事録"}}},
      owner);
  CHECK(outcome(answer) == "accepted: EvidenceRecorded");
  CHECK(answer.body["recorded"] == 3);
  CHECK(record(ledger, owner, "mail_folders", " 旅行 ") == "accepted: EvidenceRecorded");
  CHECK(rows_of(ledger, owner, fb::RecoveryField::mail_folders) == 2);
  CHECK(found(ledger, owner, "mail_folders", {"旅行", "家計"}).matched == 2);
  CHECK(found(ledger, owner, "mail_folders", {"写真"}).result == fb::FieldResult::not_matched);
  CHECK(found(ledger, owner, "mail_subjects", {"定例会議の議事録"}).matched == 1);
  CHECK(found(ledger, other, "mail_folders", {"旅行"}).result == fb::FieldResult::not_on_file);
  ledger.run(AdoptPolicy{{{"subject_match", "exact"}}});
  CHECK(found(ledger, owner, "mail_subjects", {"定例会議の議事録"}).result == fb::FieldResult::not_matched);
  ledger.reopen();
  CHECK(found(ledger, owner, "mail_subjects", {"来週の定例会議の議事録"}).matched == 1);
}

SCENARIO("R-REC-5: evidence of what is no service's to observe, or of nothing comparable, is refused as a whole") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  for (const char* kind : {"surname", "given_name", "birth_date", "country", "region", "postal_code", "passwords",
                           "none", "", "Mail_subjects"}) {
    CAPTURE(kind);
    CHECK(record(ledger, owner, kind, "1980") == "R-REC-5 kind_unknown");
  }
  CHECK(record(ledger, owner, "mail_recipients", "nobody") == "R-REC-5 value_unusable");
  CHECK(record(ledger, owner, "card_last4", "none") == "R-REC-5 value_unusable");
  CHECK(record(ledger, owner, "mail_folders", " \t") == "R-REC-5 value_unusable");
  CHECK(outcome(ledger.run(RecordEvidence{}, owner)) == "R-REC-5 no_items");
  CHECK(outcome(ledger.run(RecordEvidence{{{"mail_folders", "旅行"}, {"surname", "山田"}}}, owner)) ==
        "R-REC-5 kind_unknown");
  CHECK(rows_of(ledger, owner, fb::RecoveryField::mail_folders) == 0);
  for (const char* const field : recovery_fields()) {
    if (is_evidence(*parse_recovery_field(field)))
      CHECK(record(ledger, owner, field, "1234567@example.org") == "accepted: EvidenceRecorded");
  }
}

SCENARIO("R-REC-6 R-LED-6: evidence is kept as hashes only; no stored byte tells a value") {
  MemoryLedger ledger(open_form);
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const std::vector<std::pair<std::string, std::string>> planted = {
      {"mail_subjects", "Plantedsubject of the party"},
      {"mail_folders", "plantedfolder"},
      {"mail_recipients", "plantedfriend@planted.example"},
      {"card_name", "PLANTEDNAME"},
      {"skype_id", "plantedskype"},
      {"xbox_console_id", "PLANTED-1234-XBOX"},
      {"card_expiry", "11/2043"}};
  for (const auto& [kind, value] : planted) CHECK(record(ledger, owner, kind, value) == "accepted: EvidenceRecorded");
  SubmitRecovery form = recovery_form();
  form.answers = {{.field = "mail_subjects", .values = {"Plantedsubject of the party", "Plantedguess"}},
                  {.field = "passwords", .values = {"Old-pass1", "Plantedpass1"}}};
  CHECK(outcome(ledger.run(form, owner)) == "accepted: RecoverySubmitted");
  ledger.tick();
  for (const char* text : {"lantedsubject", "of the party", "oftheparty", "lantedfolder", "lantedfriend",
                           "planted.example", "PLANTEDNAME", "lantedname", "lantedskype", "1234-XBOX",
                           "planted1234xbox", "11/2043", "11-43", "lantedguess", "lantedpass", "Old-pass1"}) {
    CAPTURE(text);
    CHECK(!is_in_store(ledger, text));
  }
  CHECK(is_in_store(ledger, "command-"));  // the search finds what is there
  const Account account = ledger.account(owner);
  const auto& fields = account.recoveries.all.back().fields;
  CHECK(std::ranges::find(fields, fb::RecoveryField::passwords, &FieldMatch::field)->matched == 1);
}

SCENARIO("R-LIFE-2: evidence of mail goes with the mailbox, the rest stays; later mail is refused") {
  MemoryLedger ledger(open_form);
  const Id owner = ledger.make_owner("owner@outlook.jp"), other = ledger.make_owner("other@outlook.jp");
  for (const Id& id : {owner, other}) {
    record(ledger, id, "mail_subjects", "来週の定例会議の議事録");
    record(ledger, id, "mail_folders", "旅行");
    record(ledger, id, "mail_recipients", "taro@example.com");
    record(ledger, id, "skype_id", "hanako.y");
  }
  CHECK(outcome(ledger.run(DeactivateMailbox{fb::MailboxReason::owner}, owner)) ==
        "accepted: MailboxDeactivated DataKeyErased");
  for (const auto field :
       {fb::RecoveryField::mail_subjects, fb::RecoveryField::mail_folders, fb::RecoveryField::mail_recipients}) {
    CAPTURE(name(field));
    CHECK(is_mail(field));
    CHECK(rows_of(ledger, owner, field) == 0);
    CHECK(rows_of(ledger, other, field) == 1);
  }
  CHECK(rows_of(ledger, owner, fb::RecoveryField::skype_id) == 1);
  CHECK(found(ledger, owner, "mail_folders", {"旅行"}).result == fb::FieldResult::not_on_file);
  CHECK(found(ledger, owner, "mail_folders", {"作成されていません"}).result == fb::FieldResult::matched);
  CHECK(found(ledger, owner, "skype_id", {"hanako.y"}).matched == 1);
  CHECK(found(ledger, other, "mail_folders", {"旅行"}).matched == 1);
  CHECK(record(ledger, owner, "mail_folders", "写真") == "R-LIFE-2 mailbox_off");
  CHECK(record(ledger, owner, "card_last4", "0042") == "accepted: EvidenceRecorded");
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, {}));
  const auto difference = first_difference(ledger.store(), replay);
  REQUIRE(difference.has_value());
  CHECK(!difference->has_value());
}
