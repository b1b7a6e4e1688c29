#include "commands/restoring.hpp"

#include <doctest/doctest.h>

#include "commands/erasure.hpp"
#include "ledger/audit.hpp"
#include "ledger/pending_erasure.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-LED-5: a restored ledger that goes on leaves an event of its own account, with the reason sealed") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  const Hash root = *Hash::from(as_bytes(std::string(32, '\x07')));
  const Envelope once{.key = "once", .body = "mark", .service = "local"};
  const AcceptRestore command{.size = size, .known_size = size + 5, .known_root = root, .reason = "disk lost"};
  const Answer answer = ledger.run(command, std::nullopt, once);
  CHECK(outcome(answer) == "accepted: RestoreAccepted");
  CHECK(answer.body["events_missing"] == 5);
  const std::string envelope = ledger.envelopes().back();
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  const auto* restored = event->as<fb::RestoreAccepted>();
  REQUIRE(restored);
  CHECK(event->account().is_zero());
  CHECK(event->position() == size);
  CHECK(restored->size() == size);
  CHECK(restored->known_size() == size + 5);
  CHECK(flatbuffers::UnPack(*restored->known_root()) == root);
  CHECK(envelope.find("disk lost") == std::string::npos);
  const auto key = ledger.keys().data_key(ledger.store(), Id{});
  REQUIRE(key);
  CHECK(event->open(*key)->detail == "disk lost");

  const auto report = audit_log(ledger.store(), ledger.log().verifier(), {.threads = 1, .keys = &ledger.keys()});
  CHECK(!report.first_finding);
  REQUIRE(report.restores.size() == 1);
  CHECK(report.restores[0].position == size);
  CHECK(report.restores[0].known_size == size + 5);

  const Answer again = ledger.run(command, std::nullopt, once);  // as after a crash before the mark was taken away
  CHECK(again.replayed);
  CHECK(ledger.log().size() == size + 1);
}

SCENARIO("an accepted restore that names another size than its position is found") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  ledger.run(AcceptRestore{.size = size - 1, .known_size = size, .reason = "x"}, std::nullopt, {.service = "local"});
  const auto report = audit_log(ledger.store(), ledger.log().verifier(), {.threads = 1});
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->kind == FindingKind::malformed);
  CHECK(report.first_finding->position == size);
}

SCENARIO("an accepted restore needs a reason, to its limit and not beyond") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  const auto accept = [&](std::size_t bytes) {
    return ledger.run(AcceptRestore{.size = size, .known_size = size, .reason = std::string(bytes, 'r')}, std::nullopt,
                      {.service = "local"});
  };
  for (const std::size_t bytes : {std::size_t{0}, restore_reason_bytes_max + 1})
    CHECK(outcome(accept(bytes)) == "R-LED-5 reason_missing");
  CHECK(ledger.log().size() == size);
  CHECK(outcome(accept(restore_reason_bytes_max)) == "accepted: RestoreAccepted");
}

namespace {

const std::string sign_in_name = "owner@outlook.jp";

/// A ledger that was restored to before its owner's account was closed, with the keys taken out: what was signed for
/// the closing is pending. Another ledger, that draws the same, went on and has it.
struct Restored {
  MemoryLedger ledger, longer;
  Id other, owner;
  PendingErasure pending;
  std::string wrapped;

  Restored() {
    for (MemoryLedger* each : {&ledger, &longer}) {
      other = each->make_owner("other@outlook.jp");
      owner = each->make_owner(sign_in_name);
      each->open_window(owner, "new@example.org");
    }
    longer.run(CloseAccount{.password = "Old-pass1", .confirm = true}, owner);
    for (const std::string& envelope : longer.envelopes()) {
      if (auto erasure = read_erasure({}, envelope)) pending = *std::move(erasure);
    }
    REQUIRE(pending.account == owner);
    wrapped = ledger.rows(Family::keys).at(KeyRing::row_key(owner));
    const auto envelopes = account_events(ledger.store(), ledger.account(owner).head, {});
    Rows rows = erasure_rows(owner, parse_events(*envelopes));
    rows.push_back(pending_row(pending));
    REQUIRE(!ledger.store().write(rows, true));
  }

  std::uint64_t sealed_of_owner() {
    const auto envelopes = account_events(ledger.store(), ledger.account(owner).head, {});
    const std::vector<Event> events = parse_events(*envelopes);
    return static_cast<std::uint64_t>(std::ranges::count_if(events, &Event::is_sealed));
  }
  AuditReport audit(bool with_keys = true) {
    return audit_log(ledger.store(), ledger.log().verifier(),
                     {.threads = 1, .keys = with_keys ? &ledger.keys() : nullptr});
  }
  void check_finding(const Id& account) {
    const auto report = audit();
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::key);
    CHECK(report.first_finding->account == account);
  }
  std::string difference() {
    Replay replay(ledger.store(), &ledger.keys());
    REQUIRE(!replay_log(ledger.store(), replay, {}));
    const auto found = first_difference(ledger.store(), replay);
    REQUIRE(found);
    return *found ? describe(**found) : "";
  }
  Answer close_again(Position restore) {
    const auto mark = list_of(pending.event().as<fb::AccountClosed>()->name_mark());
    return ledger.run(CloseAgain{pending.fingerprint, std::string(as_text(mark)), restore}, owner,
                      {.key = "close-again", .service = "local"});
  }
};

}  // namespace

SCENARIO("R-LIFE-1 R-LED-3: a key that is gone for an erasure that is pending is no finding, as long as it is proven") {
  Restored restored;
  Store& store = restored.ledger.store();
  for (const bool with_keys : {true, false}) {
    const auto report = restored.audit(with_keys);
    CHECK(!report.first_finding);
    CHECK(report.erasures_pending == 1);
    CHECK(report.erasures + report.erasures_open == 0);
    CHECK(report.sealed_erased == restored.sealed_of_owner());
    CHECK((report.sealed_without_key == 0) == with_keys);
  }
  CHECK(restored.difference() == "");
  SUBCASE("the key is stored all the same") {
    REQUIRE(!store.write({{Family::keys, KeyRing::row_key(restored.owner), restored.wrapped}}, true));
    restored.check_finding(restored.owner);
  }
  SUBCASE("nothing says why it is gone") {
    REQUIRE(!store.write({{Family::meta, pending_rows_prefix(restored.owner), std::nullopt, true}}, true));
    restored.check_finding(restored.owner);
  }
  SUBCASE("what says so is another account's") {
    RowChange row = pending_row(restored.pending);
    REQUIRE(!store.write({{Family::keys, KeyRing::row_key(restored.other), std::nullopt}}, true));
    row.key.replace(row.key.find(restored.owner.text()), Id::size, restored.other.text());
    REQUIRE(!store.write({row}, true));
    restored.check_finding(restored.other);
  }
  SUBCASE("what says so was altered") {
    RowChange row = pending_row(restored.pending);
    const std::size_t at = row.value->find(restored.pending.fingerprint.text());
    REQUIRE(at != std::string::npos);
    (*row.value)[at] = static_cast<char>((*row.value)[at] ^ 1);
    REQUIRE(!store.write({row}, true));
    restored.check_finding(restored.owner);
  }
}

SCENARIO("R-LIFE-1: an accepted ledger closes again what was closed: the same key, the same name, complete, once") {
  Restored restored;
  MemoryLedger& ledger = restored.ledger;
  ledger.wait(60 * day_us);  // the window ran out meanwhile: that comes to nothing
  const std::uint64_t size = ledger.log().size();
  ledger.run(AcceptRestore{.size = size, .known_size = size, .reason = "x"}, std::nullopt, {.service = "local"});
  CHECK(outcome(restored.close_again(size)) == "accepted: AccountClosed");
  CHECK(restored.close_again(size).replayed);
  CHECK(
      ledger.rows(Family::rows)
          .contains(due_row_key({DueKind::erasure, ledger.account(restored.owner).life.end->at, restored.owner, {}})));
  const auto done = ledger.executor().finish_erasures();
  REQUIRE(done);
  REQUIRE(done->size() == 1);
  CHECK(outcome(done->front()) == "accepted: ErasureCompleted");
  CHECK(ledger.executor().finish_erasures()->empty());
  CHECK(ledger.history(restored.owner).ends_with("AccountClosed ErasureCompleted"));
  CHECK(ledger.history(restored.owner).find("ReplacementCompleted") == std::string::npos);
  CHECK(pending_erasures(ledger.store())->empty());

  const Account closed = ledger.account(restored.owner), there = restored.longer.account(restored.owner);
  CHECK(closed.life.end->erased_key == there.life.end->erased_key);
  const std::string envelope = **read_event(ledger.store(), closed.life.end->position);
  const auto event = Event::parse(as_bytes(envelope));
  CHECK(event->header().caused_by() == flatbuffers::Optional<Position>(size));
  CHECK(!event->is_sealed());
  CHECK(marked_name_tag(*event, *ledger.keys().data_key(ledger.store(), Id{})) ==
        sign_in_name_tag(ledger.keys(), sign_in_name));
  for (const Mail& mail : ledger.outbox()) CHECK(mail.account != restored.owner);

  const auto report = restored.audit();
  CHECK(!report.first_finding);
  CHECK(report.erasures == 1);
  CHECK(report.erasures_pending + report.erasures_open == 0);
  CHECK(restored.difference() == "");
  CHECK(outcome(ledger.run(registration(sign_in_name))) == "R-ACC-1 sign_in_name_taken");
  CHECK(outcome(ledger.run(CloseAgain{}, restored.owner)) == "accepted");
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, restored.owner)) == "R-LIFE-1 account_closed");
  CHECK(!ledger.run(RecordSignIn{.succeeded = true}, restored.other).is_refusal);
}
