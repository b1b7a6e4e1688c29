#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tests/support/commands_erasure.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

const CloseAccount close_it{.password = "Old-pass1", .confirm = true};

/// No file can go, so nothing is completed.
void close_while_read(MemoryLedger& ledger, const std::vector<Id>& accounts) {
  while_keys_are_read(ledger, [&] {
    for (const Id& account : accounts) CHECK(outcome(ledger.run(close_it, account)) == "accepted: AccountClosed");
  });
}

std::set<std::string> answer_keys(const MemoryLedger& ledger) {
  std::set<std::string> keys;
  for (const auto& [key, value] : ledger.rows(Family::answers)) keys.insert(key);
  return keys;
}

}  // namespace

SCENARIO(
    "R-LIFE-1: the closing takes the key, the outbox, the leases, the evidence and all but the end of the account") {
  MemoryLedger ledger;
  const Id other = ledger.make_owner("other@outlook.jp"), owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(RecordEvidence{{{"mail_folders", "旅行"}, {"skype_id", "hanako.y"}}}, owner);
  ledger.run(recovery_form(), owner, {.key = "form", .body = "{\"a\":1}"});
  ledger.open_window(owner, "new@example.org");
  std::size_t waiting = 0, of_other = 0;
  Rows leases;
  for (const Mail& mail : ledger.outbox()) {
    waiting += mail.account == owner ? 1 : 0;
    of_other += mail.account == other ? 1 : 0;
    leases.push_back({Family::leases, std::string(mail.notification.text()), "a lease"});
  }
  REQUIRE((waiting > 0 && of_other > 0));
  REQUIRE(!ledger.store().write(leases, true));
  const auto fingerprint =
      Vault(owner, *ledger.keys().data_key(ledger.store(), owner), ledger.keys().code_key()).key_fingerprint();
  const std::set<std::string> answers = answer_keys(ledger);
  const std::string tag_of_name(sign_in_name_tag(ledger.keys(), "owner@outlook.jp").text());

  const Answer closed = ledger.run(close_it, owner, {.key = "close", .body = "{\"password\":\"Old-pass1\"}"});
  CHECK(outcome(closed) == "accepted: AccountClosed");
  CHECK(ledger.history(owner).ends_with("AccountClosed ErasureCompleted"));
  CHECK(!has_key(ledger, owner));
  CHECK(has_key(ledger, other));
  const Account left = ledger.account(owner);
  Account expected{.id = owner, .head = left.head, .life = {.end = left.life.end}};
  CHECK(left == expected);
  REQUIRE(left.life.end);
  CHECK(left.life.end->erased_key == fingerprint);
  for (const Mail& mail : ledger.outbox()) CHECK(mail.account == other);
  CHECK(ledger.rows(Family::leases).size() == of_other);
  CHECK(ledger.rows(Family::rows).contains("N" + tag_of_name));
  for (const auto& [row_key, value] : ledger.rows(Family::rows)) {
    const std::string& key = row_key;
    CAPTURE(key);
    const bool names_owner = key.find(owner.text()) != std::string::npos;
    CHECK((!names_owner || key == account_row_key(owner)));
    CHECK(value != owner.text());  // nor does the name's own row, whose value is sealed
  }
  for (const auto& [key, value] : ledger.rows(Family::answers)) CHECK(value.find(owner.text()) == std::string::npos);
  const std::set<std::string> now = answer_keys(ledger);
  CHECK(std::ranges::includes(now, answers));  // their keys stay used

  std::string envelope;
  const Event completed = newest_event(ledger, owner, envelope);
  const auto* what = completed.as<fb::ErasureCompleted>();
  REQUIRE(what);
  CHECK(hash_of(what->key_fingerprint()) == fingerprint);
  CHECK(completed.header().caused_by() == flatbuffers::Optional<Position>(left.life.end->position));
  CHECK(what->notifications() == waiting);
  CHECK(what->answers() > 5);
  const auto envelopes = account_events(ledger.store(), left.head, {.position = left.life.end->position});
  const auto history = parse_events(*envelopes);
  CHECK(what->sealed_events() == static_cast<std::uint64_t>(std::ranges::count_if(history, &Event::is_sealed)));
  CHECK(!completed.is_sealed());
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LIFE-1: whoever repeats a command of an erased account is told so; the closing itself is answered again") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(recovery_form(), owner, {.key = "form", .body = "{\"a\":1}"});
  const Answer first = ledger.run(close_it, owner, {.key = "close", .body = "{\"b\":1}"});
  for (const char* body : {"{\"a\":1}", "{\"a\":2}"}) {  // what it was is not kept, not even as a hash
    const auto again = ledger.execute(recovery_form(), owner, {.key = "form", .body = body});
    CHECK(again.error().kind == FaultKind::answer_erased);
  }
  const Id other = ledger.make_owner("other@outlook.jp");
  const auto elsewhere = [&](const char* key, const char* body) {
    return ledger.execute(close_it, other, {.key = key, .body = body}).error().kind;
  };
  CHECK(elsewhere("form", "{\"a\":1}") == FaultKind::answer_erased);
  CHECK(elsewhere("close", "{\"b\":1}") == FaultKind::key_reused);  // the closing is the key's, of its account alone
  const auto another = ledger.execute(recovery_form(), owner, {.key = "close", .body = "{\"b\":1}"});
  CHECK(another.error().kind == FaultKind::key_reused);
  for (const char* body : {"{\"b\":1}", "{\"b\":2}"}) {
    const Answer again = ledger.run(close_it, owner, {.key = "close", .body = body});
    CHECK(again.replayed);
    CHECK(again.body == first.body);
  }
  ledger.reopen();
  CHECK(ledger.run(close_it, owner, {.key = "close", .body = "{\"b\":1}"}).body == first.body);
  CHECK(outcome(ledger.run(close_it, owner, {.key = "another"})) == "R-LIFE-1 account_closed");
}

SCENARIO("R-LIFE-1: what is still recorded of an erased account has no sealed part and names no device") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(RegisterService{"desk", {fb::Role::support}, ""});
  ledger.run(close_it, owner, {.service = "local", .command = "close-account"});
  Request request{.command = close_it, .account = owner};
  request.issuer = {.service = "desk", .command = "close-account", .command_id = "overreach"};
  request.issuer.network = "192.0.2.0/24";
  request.issuer.device_id = "pc-1";
  request.issuer.entry = fb::Entry::http;
  request.issuer.ip = request.issuer.user_agent = request.issuer.request_id = "192.0.2.7";
  const auto answer = ledger.executor().execute(request);
  REQUIRE(answer);
  CHECK(outcome(*answer) == "R-REC-11 support_overreach: CommandRefused");
  std::string envelope;
  const Event refused = newest_event(ledger, owner, envelope);
  CHECK(refused.as<fb::CommandRefused>() != nullptr);
  CHECK(!refused.is_sealed());
  CHECK(text_of(refused.header().source()->device_id()).empty());
  CHECK(!has_key(ledger, owner));
  CHECK(difference(ledger) == "");
}

SCENARIO(
    "R-LIFE-1: while a file with the key cannot go nothing is called erased; the tick finishes it, once, for all") {
  MemoryLedger ledger;
  const Id first = ledger.make_owner("first@outlook.jp"), second = ledger.make_owner("second@outlook.jp");
  const Id open = ledger.make_owner("open@outlook.jp");
  close_while_read(ledger, {first, second});
  for (const Id& account : {first, second}) {
    CHECK(ledger.history(account).ends_with("AccountClosed"));
    CHECK(!has_key(ledger, account));
    CHECK(ledger.account(account).life.end->is_erased());
    CHECK(!ledger.account(account).life.end->erasure);
    CHECK(ledger.rows(Family::rows)
              .contains(due_row_key({DueKind::erasure, ledger.account(account).life.end->at, account, {}})));
  }
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, first)) == "R-LIFE-1 account_closed");
  CHECK(difference(ledger) == "");
  ledger.reopen();
  const auto done = ledger.tick();
  REQUIRE(done.size() == 2);
  for (const Answer& answer : done) CHECK(outcome(answer) == "accepted: ErasureCompleted");
  for (const Id& account : {first, second}) {
    CHECK(ledger.history(account).ends_with("AccountClosed ErasureCompleted"));
    CHECK(ledger.account(account).life.end->erasure->at == noon);
  }
  CHECK(ledger.tick().empty());
  CHECK(ledger.history(open).find("Erasure") == std::string::npos);
  CHECK(outcome(ledger.run(CompleteErasure{}, first)) == "R-LIFE-1 nothing_to_erase");
  CHECK(outcome(ledger.run(CompleteErasure{}, open)) == "R-LIFE-1 nothing_to_erase");
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LIFE-1: an erased name stays taken through rebuilds, and changes hands only when the policy says so") {
  MemoryLedger ledger;
  const std::string name = "owner@outlook.jp", taken = "R-ACC-1 sign_in_name_taken";
  ledger.run(close_it, ledger.make_owner(name));
  CHECK(difference(ledger) == "");
  ledger.reopen();
  CHECK(outcome(ledger.run(registration(name))) == taken);
  ledger.run(AdoptPolicy{{{"sign_in_name_reuse", "after_closing"}}});
  for (int i = 0; i < 2; ++i) {  // closed and handed out twice over
    const Answer again = ledger.run(registration(name));
    REQUIRE(!again.is_refusal);
    CHECK(difference(ledger) == "");
    CHECK(outcome(ledger.run(close_it, id_in(again, "account"))) == "accepted: AccountClosed");
    CHECK(difference(ledger) == "");
  }
  ledger.run(AdoptPolicy{{{"sign_in_name_reuse", "never"}}});
  CHECK(outcome(ledger.run(registration(name))) == taken);
  std::set<std::string> marks;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    const auto* closed = event->as<fb::AccountClosed>();
    if (closed) marks.emplace(as_text(list_of(closed->name_mark())));
  }
  CHECK(marks.size() == 3);  // the log alone does not link accounts of one name
}

SCENARIO("R-LIFE-1: commands that race with the closing come before it or are refused, and leave nothing") {
  MemoryLedger ledger;
  std::vector<Id> owners;
  for (int i = 0; i < 3; ++i) owners.push_back(ledger.make_owner("owner" + std::to_string(i) + "@outlook.jp"));
  std::vector<std::thread> threads;
  std::atomic<int> others = 0;
  for (const Id& owner : owners) {
    threads.emplace_back([&ledger, owner, &others] {
      for (int i = 0; i < 20; ++i) {
        const auto answer = ledger.execute(RecordSignIn{.succeeded = false, .reason = "wrong_password"}, owner);
        if (!answer || (answer->is_refusal && answer->body["code"] != "account_closed")) ++others;
      }
    });
    threads.emplace_back([&ledger, owner, &others] {
      const auto answer = ledger.execute(close_it, owner);
      if (!answer || answer->is_refusal) ++others;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(others == 0);
  ledger.tick();  // for what a reader of the moment held up
  for (const Id& owner : owners) {
    CHECK(ledger.history(owner).ends_with("AccountClosed ErasureCompleted"));
    CHECK(!has_key(ledger, owner));
  }
  CHECK(difference(ledger) == "");
}

SCENARIO("R-LOST-7 R-LIFE-1: before its closing an account is what it was, without what was sealed") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Account before = ledger.account(owner);
  ledger.wait(day_us);
  ledger.run(close_it, owner);
  const auto then = account_at(ledger.store(), owner, {.time = noon});
  REQUIRE(then);
  CHECK((*then)->account == before);
  const auto now = account_at(ledger.store(), owner, {});
  CHECK((*now)->account == ledger.account(owner));
}

SCENARIO("R-LIFE-1 R-LED-3: an audit counts erased payloads apart, and finds a key that is gone or is there wrongly") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp"), other = ledger.make_owner("other@outlook.jp");
  const std::string key = KeyRing::row_key(owner), wrapped = ledger.rows(Family::keys).at(key);
  ledger.run(close_it, owner);
  const auto report = audit(ledger), keyless = audit(ledger, false);
  CHECK(!report.first_finding);
  CHECK(!keyless.first_finding);
  std::string envelope;
  const std::uint64_t erased = newest_event(ledger, owner, envelope).as<fb::ErasureCompleted>()->sealed_events();
  CHECK(erased > 0);
  CHECK(report.sealed_erased == erased);
  CHECK(keyless.sealed_erased == erased);
  CHECK(report.sealed_without_key == 0);
  CHECK(keyless.sealed_without_key == report.sealed_opened);
  CHECK(report.erasures == 1);
  CHECK(report.erasures_open == 0);

  REQUIRE(!ledger.store().write({{Family::keys, key, wrapped}}, true));
  check_finding(audit(ledger), FindingKind::key, owner);
  CHECK(audit(ledger, false).first_finding->position == ledger.account(owner).head.position);
  REQUIRE(!ledger.store().write({{Family::keys, key, std::nullopt}}, true));
  CHECK(!audit(ledger).first_finding);
  REQUIRE(!ledger.store().write({{Family::keys, std::string(owner.text()) + "\1\1\1\1", wrapped}}, true));
  check_finding(audit(ledger), FindingKind::key, owner);
  REQUIRE(!ledger.store().write({{Family::keys, std::string(owner.text()), std::nullopt, true}}, true));
  CHECK(!audit(ledger).first_finding);

  REQUIRE(!ledger.store().write({{Family::keys, KeyRing::row_key(other), std::nullopt}}, true));
  check_finding(audit(ledger), FindingKind::key, other);
  check_finding(audit(ledger, false), FindingKind::key, other);
}

SCENARIO("R-LIFE-1: a completed erasure that is not what was closed is malformed") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  close_while_read(ledger, {owner});
  const auto open = audit(ledger);
  CHECK(!open.first_finding);
  CHECK(open.erasures == 0);
  CHECK(open.erasures_open == 1);
  const std::uint64_t sealed = open.sealed_erased;
  SUBCASE("as many as there are") {
    ledger.run(CompleteErasure{.sealed_events = sealed}, owner);
    CHECK(!audit(ledger).first_finding);
  }
  SUBCASE("one more") {
    ledger.run(CompleteErasure{.sealed_events = sealed + 1}, owner);
    check_finding(audit(ledger), FindingKind::malformed, owner);
  }
}
