#include "projections/rows.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::vector<DueKind> due_kinds_of(const Subject& subject) {
  std::vector<DueKind> kinds;
  for (const Due& due : due_of(subject.folded())) kinds.push_back(due.kind);
  return kinds;
}

std::string keys_of(const Rows& rows) {
  std::string words;
  for (const RowChange& row : rows) {
    words += row.value ? "+" : row.is_prefix ? "*" : "-";
    words += to_hex(as_bytes(row.key)) + " ";
  }
  return words;
}

Rows changes_by(Subject& subject, const Draft& event) {
  const Indexed before = indexed(subject.folded());
  subject.happened(event);
  const auto parsed = Event::parse(as_bytes(subject.envelopes().back()));
  REQUIRE(parsed);
  Rows rows;
  append_index_changes(rows, before, indexed(subject.folded()), *parsed, Lookup{});
  return rows;
}

}  // namespace

SCENARIO("R-LED-3: keys of rows read back, and sort by table, then time") {
  const Due due{DueKind::replacement, noon, numbered(1), numbered(2)};
  CHECK(parse_due_row(as_bytes(due_row_key(due))) == due);
  Due later = due;
  later.at += 1;
  later.account = Id{};
  CHECK(due_row_key(due) < due_row_key(later));
  Due other_kind = due;
  other_kind.kind = DueKind::recovery_reply;
  other_kind.at = 0;
  CHECK(due_row_key(later) < due_row_key(other_kind));  // each kind by itself, earliest first
  CHECK(parse_due_row(as_bytes(due_row_key(other_kind))) == other_kind);
  for (const DueKind kind : due_kinds) {
    CHECK(due_row_key(due).starts_with(due_rows_prefix(kind)) == (kind == DueKind::replacement));
  }
  CHECK(!parse_due_row(as_bytes("D")));
  CHECK(!parse_due_row(as_bytes(due_row_key(due) + "x")));
  CHECK(!parse_due_row(as_bytes("E" + due_row_key(due).substr(1))));
  CHECK(parse_blocked_row(as_bytes(blocked_row_key(numbered(1)))) == numbered(1));
  CHECK(!parse_blocked_row(as_bytes(account_row_key(numbered(1)))));
  CHECK(!parse_blocked_row(as_bytes("B")));
  CHECK(ledger_row_key() == "L");
  CHECK(account_row_key(numbered(1)).size() == 17);
  CHECK(sign_in_name_row_key(Tag32{}).size() == 33);
}

SCENARIO("R-LED-3: outbox rows read back, others are none") {
  const OutboxRow row{numbered(1), numbered(2), 77, 3, noon};
  const std::string key = outbox_row_key(row.notification), value = encode_outbox_row(row);
  const auto decoded = decode_outbox_row(as_bytes(key), as_bytes(value));
  REQUIRE(decoded);
  CHECK(decoded->notification == row.notification);
  CHECK(decoded->account == row.account);
  CHECK(decoded->position == 77);
  CHECK(decoded->index == 3);
  CHECK(decoded->asked_at == noon);
  CHECK(!decode_outbox_row(as_bytes(account_row_key(numbered(1))), as_bytes(value)));
  CHECK(!decode_outbox_row(as_bytes(key), as_bytes(value.substr(1))));
  CHECK(!decode_outbox_row(as_bytes(key.substr(1)), as_bytes(value)));
}

SCENARIO(
    "R-LOST-6 R-BLK-3: due and blocked rows come with the event that makes them and go with the one that ends them") {
  Subject subject = owner();
  marked_lost(70)(subject);
  proposed(70, "new@example.org")(subject);
  CHECK(due_kinds_of(subject) == std::vector{DueKind::mailbox_first_use, DueKind::account_idle});  // no window's end
  const Id proof = subject.folded().proofs.all.back().id;
  const Rows confirmed_rows = changes_by(subject, draft(fb::ReplacementConfirmedT{.replacement_id = numbered(70),
                                                                                  .proof_id = proof,
                                                                                  .effective_at = noon + 30 * day_us},
                                                        {Rule::lost_3}));
  REQUIRE(confirmed_rows.size() == 1);
  CHECK(confirmed_rows[0].key == due_row_key({DueKind::replacement, noon + 30 * day_us, subject.id(), numbered(70)}));
  CHECK(confirmed_rows[0].value == std::string());
  const Rows blocked_rows =
      changes_by(subject, draft(fb::AccountBlockedT{.block_id = numbered(80), .reason = "x"}, {Rule::blk_1}));
  REQUIRE(blocked_rows.size() == 1);
  CHECK(blocked_rows[0].key == blocked_row_key(subject.id()));
  CHECK(read_big_endian(as_bytes(*blocked_rows[0].value)) == static_cast<std::uint64_t>(subject.now));
  const Rows cancelled_rows =
      changes_by(subject, draft(fb::ReplacementCancelledT{.replacement_id = numbered(70)}, {Rule::lost_5}));
  REQUIRE(cancelled_rows.size() == 2);
  CHECK(cancelled_rows[0].key == confirmed_rows[0].key);
  CHECK(!cancelled_rows[0].value);
  const Due unneeded{DueKind::unneeded_key, subject.now, subject.id(), subject_of_key(4)};  // the proposal's
  CHECK(cancelled_rows[1].key == due_row_key(unneeded));
  CHECK(parse_due_row(as_bytes(cancelled_rows[1].key)) == unneeded);
  CHECK(key_of_subject(unneeded.subject) == 4);
  const Rows unblocked_rows =
      changes_by(subject, draft(fb::AccountUnblockedT{.block_id = numbered(80)}, {Rule::blk_2}));
  REQUIRE(unblocked_rows.size() == 1);
  CHECK(!unblocked_rows[0].value);
}

SCENARIO("R-LIFE-2 R-LIFE-3: idleness is due from the newest sign-in on, one row change an hour at most") {
  Subject subject = given({after(30 * minute_us), registered("owner@outlook.jp")});
  const Id none;
  const auto due = [&] { return due_of(subject.folded()); };
  using List = std::vector<Due>;
  CHECK(due() == List{{DueKind::mailbox_first_use, noon, subject.id(), none},
                      {DueKind::account_idle, noon, subject.id(), none}});
  const Draft signed_in = draft(fb::SignInSucceededT{}, {Rule::acc_5});
  CHECK(changes_by(subject, signed_in).size() == 2);  // the mailbox's first use, from now on its idleness
  subject.now = noon + hour_us - 1;
  CHECK(changes_by(subject, signed_in).empty());
  subject.now = noon + hour_us;
  CHECK(changes_by(subject, signed_in).size() == 4);
  CHECK(due() == List{{DueKind::mailbox_idle, noon + hour_us, subject.id(), none},
                      {DueKind::account_idle, noon + hour_us, subject.id(), none}});
  subject.happened(draft(fb::MailboxDeactivatedT{.reason = fb::MailboxReason::inactive}, {Rule::life_2}));
  CHECK(due_kinds_of(subject) == std::vector{DueKind::account_idle});
  subject.happened(draft(fb::AccountExpiredT{}, {Rule::life_3}));
  CHECK(due() == List{{DueKind::account_expired, subject.now, subject.id(), none}});
  CHECK(due_kinds_of(given({registered("owner@example.com", false)})) == std::vector{DueKind::account_idle});
}

SCENARIO("R-REC-7: a reply and a survey are due from the submission on, each until it is done") {
  Subject subject = owner();
  fb::RecoverySubmittedT old_form{.recovery_id = numbered(72)};  // of 0.1.0: nobody compared it, nobody waits for it
  CHECK(keys_of(changes_by(subject, draft(old_form, {Rule::rec_3}))) == "");
  fb::RecoverySubmittedT form{.recovery_id = numbered(71)};
  form.fields.emplace_back(fb::RecoveryField::surname, fb::FieldResult::matched, std::uint8_t{1});
  const Rows submitted = changes_by(subject, draft(form, {Rule::rec_3}));
  const Due reply{DueKind::recovery_reply, subject.now, subject.id(), numbered(71)};
  const Due survey{DueKind::recovery_survey, subject.now, subject.id(), numbered(71)};
  const auto hex = [](const Due& due) { return to_hex(as_bytes(due_row_key(due))); };
  CHECK(keys_of(submitted) == "+" + hex(reply) + " +" + hex(survey) + " ");
  subject.now += day_us;
  CHECK(keys_of(changes_by(subject, draft(fb::RecoveryNotVerifiedT{.recovery_id = numbered(71)}, {Rule::rec_7}))) ==
        "-" + hex(reply) + " ");
  CHECK(keys_of(changes_by(subject, draft(fb::RecoverySurveySentT{.recovery_id = numbered(71)}, {Rule::rec_7}))) ==
        "-" + hex(survey) + " ");
}

SCENARIO("R-REC-5 R-LIFE-2: evidence has its rows, mail goes with the mailbox, all of it with the account") {
  Subject subject = given({registered()});
  Tag16 tag;
  tag.bytes.fill(7);
  fb::EvidenceRecordedT recorded;
  recorded.items.push_back(std::make_unique<fb::EvidenceItemT>());
  recorded.items.back()->field = fb::RecoveryField::mail_subjects;
  recorded.items.back()->tag = tag;
  recorded.items.back()->shingles = {3, 9};
  const Rows rows = changes_by(subject, draft(std::move(recorded), {Rule::rec_5}));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.starts_with(evidence_rows_prefix(subject.id(), fb::RecoveryField::mail_subjects)));
  CHECK(!rows[0].key.starts_with(evidence_rows_prefix(subject.id(), fb::RecoveryField::mail_folders)));
  const auto read = parse_evidence_row(as_bytes(rows[0].key), as_bytes(*rows[0].value));
  REQUIRE(read);
  CHECK(read->tag == tag);
  CHECK(read->shingles == std::vector<std::uint64_t>{3, 9});
  CHECK(!parse_evidence_row(as_bytes(rows[0].key), as_bytes(*rows[0].value + "x")));
  CHECK(!parse_evidence_row(as_bytes(rows[0].key + "x"), as_bytes(*rows[0].value)));
  CHECK(!parse_evidence_row(as_bytes("D" + rows[0].key.substr(1)), as_bytes(*rows[0].value)));
  const auto prefixes = [](const Rows& changes) {
    std::vector<std::string> keys;
    for (const RowChange& row : changes) {
      if (row.is_prefix && !row.value) keys.push_back(row.key);
    }
    return keys;
  };
  std::vector<std::string> of_mail, of_all;
  for (int i = 1; i <= static_cast<int>(fb::RecoveryField::MAX); ++i) {
    const auto field = static_cast<fb::RecoveryField>(i);
    of_all.push_back(evidence_rows_prefix(subject.id(), field));
    if (is_mail(field)) of_mail.push_back(of_all.back());
  }
  CHECK(of_mail.size() == 3);
  CHECK(prefixes(changes_by(subject, draft(fb::MailboxDeactivatedT{}, {Rule::life_2}))) == of_mail);
  CHECK(prefixes(changes_by(subject, draft(fb::AccountExpiredT{}, {Rule::life_3}))) == of_all);
  CHECK(prefixes(changes_by(subject, draft(fb::AccountClosedT{}, {Rule::life_1}))) == of_all);
}
