#include "projections/rows.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Rows changes_by(Subject& subject, const Draft& event) {
  const Account before = index_view(subject.folded());
  subject.happened(event);
  const auto parsed = Event::parse(as_bytes(subject.envelopes().back()));
  REQUIRE(parsed);
  Rows rows;
  append_index_changes(rows, before, subject.folded(), *parsed, std::nullopt);
  return rows;
}

}  // namespace

SCENARIO("R-LED-3: keys of rows read back, and sort by table, then time") {
  const Due due{noon, DueKind::replacement, numbered(1), numbered(2)};
  CHECK(parse_due_row(as_bytes(due_row_key(due))) == due);
  Due later = due;
  later.at += 1;
  later.account = Id{};
  CHECK(due_row_key(due) < due_row_key(later));
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
  CHECK(due_of(subject.folded()).empty());
  const Id proof = subject.folded().proofs.all.back().id;
  const Rows confirmed_rows = changes_by(subject, draft(fb::ReplacementConfirmedT{.replacement_id = numbered(70),
                                                                                  .proof_id = proof,
                                                                                  .effective_at = noon + 30 * day_us},
                                                        {Rule::lost_3}));
  REQUIRE(confirmed_rows.size() == 1);
  CHECK(confirmed_rows[0].key == due_row_key({noon + 30 * day_us, DueKind::replacement, subject.id(), numbered(70)}));
  CHECK(confirmed_rows[0].value == std::string());
  const Rows blocked_rows =
      changes_by(subject, draft(fb::AccountBlockedT{.block_id = numbered(80), .reason = "x"}, {Rule::blk_1}));
  REQUIRE(blocked_rows.size() == 1);
  CHECK(blocked_rows[0].key == blocked_row_key(subject.id()));
  CHECK(read_big_endian(as_bytes(*blocked_rows[0].value)) == static_cast<std::uint64_t>(subject.now));
  const Rows cancelled_rows =
      changes_by(subject, draft(fb::ReplacementCancelledT{.replacement_id = numbered(70)}, {Rule::lost_5}));
  REQUIRE(cancelled_rows.size() == 1);
  CHECK(cancelled_rows[0].key == confirmed_rows[0].key);
  CHECK(!cancelled_rows[0].value);
  const Rows unblocked_rows =
      changes_by(subject, draft(fb::AccountUnblockedT{.block_id = numbered(80)}, {Rule::blk_2}));
  REQUIRE(unblocked_rows.size() == 1);
  CHECK(!unblocked_rows[0].value);
}
