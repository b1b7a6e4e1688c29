#include <doctest/doctest.h>

#include <barrier>
#include <thread>

#include "projections/event_fields.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Runs the commands at once, each in a thread; outcomes in their order, faults as `fault`.
std::vector<std::string> run_at_once(MemoryLedger& ledger, const std::optional<Id>& account,
                                     const std::vector<Command>& commands) {
  std::vector<std::string> outcomes(commands.size());
  std::barrier start(static_cast<std::ptrdiff_t>(commands.size()));
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      const auto answer = ledger.execute(commands[i], account);
      outcomes[i] = answer ? outcome(*answer) : "fault";
    });
  }
  threads.clear();
  return outcomes;
}

std::ptrdiff_t count(const std::vector<std::string>& outcomes, const std::string& words) {
  return std::ranges::count_if(outcomes, [&](const std::string& one) { return one.find(words) != std::string::npos; });
}

CancelReplacement cancel(const MemoryLedger::Opened& opened) {
  CancelReplacement command;
  command.replacement = opened.window;
  command.replacement_token = opened.token;
  return command;
}

}  // namespace

SCENARIO("R-ACC-1: of threads that register one sign-in name exactly one wins") {
  MemoryLedger ledger;
  for (int round = 0; round < 5; ++round) {
    std::vector<Command> commands;
    for (int i = 0; i < 6; ++i) {
      commands.emplace_back(registration((i % 2 == 0 ? "Owner" : "OWNER") + std::to_string(round) + "@outlook.jp"));
    }
    const auto outcomes = run_at_once(ledger, std::nullopt, commands);
    CHECK(count(outcomes, "accepted") == 1);
    CHECK(count(outcomes, "R-ACC-1 sign_in_name_taken") == 5);
  }
}

SCENARIO("R-REC-3: of sixteen submissions at once exactly two are accepted") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  std::vector<Command> commands;
  for (int i = 0; i < 16; ++i) commands.emplace_back(recovery_form("friend" + std::to_string(i) + "@example.org"));
  const auto outcomes = run_at_once(ledger, owner, commands);
  CHECK(count(outcomes, "accepted: RecoverySubmitted") == 2);
  CHECK(count(outcomes, "R-REC-3 attempts_used_up: RecoveryRefused") == 10);
  CHECK(count(outcomes, "R-REC-3") == 14);
  CHECK(ledger.account(owner).limits.recoveries.size() == 2);
}

SCENARIO("R-CHL-5: of two hundred guesses at once five are tried, and none more though one is right") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.wait(hour_us);
  const Answer started = ledger.run(StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "a"}}, owner);
  const Id challenge = id_in(started, "challenge_id");
  const Id proof = ledger.account(owner).proofs.all[0].id;
  REQUIRE(!ledger.run(SendCode{challenge, proof, fb::Channel::email, "first"}, owner).is_refusal);
  std::vector<std::jthread> threads;
  std::atomic<int> tried = 0, limited = 0, other = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const auto answer = ledger.execute(SubmitCode{challenge, "not a code"}, owner);
        const std::string words = answer ? outcome(*answer) : "fault";
        ++(words == "R-CHL-5 wrong_code: CodeRejected" ? tried
           : words.starts_with("R-CHL-5 guess_limit")  ? limited
                                                       : other);
      }
    });
  }
  threads.clear();
  CHECK(tried == 5);
  CHECK(limited == 195);
  CHECK(other == 0);
  const std::string code = ledger.newest_mail(owner, fb::NotificationKind::security_code).secret;
  CHECK(ledger.run(SubmitCode{challenge, code}, owner).body["code"] == "guess_limit");
}

SCENARIO("R-CHL-5: of the right code given eight times at once one passes") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.wait(hour_us);
  const Id challenge = id_in(ledger.run(StartChallenge{fb::Purpose::sensitive_page, {}, {}}, owner), "challenge_id");
  REQUIRE(!ledger.run(SendCode{challenge, ledger.account(owner).proofs.all[0].id, fb::Channel::email, "first"}, owner)
               .is_refusal);
  const std::string code = ledger.newest_mail(owner, fb::NotificationKind::security_code).secret;
  const auto outcomes = run_at_once(ledger, owner, std::vector<Command>(8, SubmitCode{challenge, code}));
  CHECK(count(outcomes, "accepted: ChallengePassed") == 1);
  CHECK(count(outcomes, "R-CHL-5 challenge_passed") == 7);
}

SCENARIO(
    "R-LOST-5: confirmations and cancellations at once: one cancellation, at most one confirmation, and before it") {
  for (int round = 0; round < 4; ++round) {
    MemoryLedger ledger;
    const Id owner = ledger.make_owner("owner@outlook.jp");
    const Answer marked = ledger.run(MarkProofsLost{}, owner);
    const MemoryLedger::Opened opened{id_in(marked, "replacement_id"), 0,
                                      marked.body["replacement_token"].get<std::string>()};
    REQUIRE(!ledger.run(ProposeReplacementProof{opened.window, new_mailbox("new@example.org")}, owner).is_refusal);
    const std::string token = ledger.newest_mail(owner, fb::NotificationKind::proof_link).secret;
    std::vector<Command> commands;
    for (int i = 0; i < 4; ++i) {
      commands.emplace_back(ConfirmReplacementProof{
          .replacement = opened.window, .link_token = token, .account_named = "owner@outlook.jp"});
      commands.emplace_back(cancel(opened));
    }
    const auto outcomes = run_at_once(ledger, owner, commands);
    CHECK(count(outcomes, "accepted: ReplacementCancelled") == 1);
    CHECK(count(outcomes, "R-LOST-5 no_open_window") == 3);
    CHECK(count(outcomes, "accepted: ReplacementConfirmed") <= 1);
    const Account account = ledger.account(owner);
    CHECK(!account.windows.open);
    CHECK(account.proofs.usable_count() == 2);
    const std::string history = ledger.history(owner);
    CHECK(history.find("ReplacementConfirmed", history.find("ReplacementCancelled")) == std::string::npos);
  }
}

SCENARIO("R-LOST-5: eight cancellations at the instant of effect all lose; a microsecond before one wins") {
  for (const Duration before : {Duration{0}, Duration{1}}) {
    MemoryLedger ledger;
    const Id owner = ledger.make_owner("owner@outlook.jp");
    const auto opened = ledger.open_window(owner, "new@example.org");
    ledger.clock = opened.effective_at - before;
    std::vector<Command> commands(8, cancel(opened));
    commands.resize(12, CompleteReplacement{opened.window});
    const auto outcomes = run_at_once(ledger, owner, commands);
    CHECK(count(outcomes, "ReplacementCancelled") == before);
    CHECK(count(outcomes, "ReplacementCompleted") == 1 - before);
    CHECK(count(outcomes, "fault") == 0);
    const Account account = ledger.account(owner);
    CHECK(account.windows.last->outcome == (before ? WindowOutcome::cancelled : WindowOutcome::completed));
    CHECK(account.proofs.usable_count() == (before ? 2 : 1));
  }
}

SCENARIO("R-LED-1 R-LED-5: of one investigator's accesses to many accounts at once as many pass as a day has") {
  MemoryLedger ledger(Json{{"accesses_per_day", 5}});
  std::vector<Id> owners;
  for (int i = 0; i < 8; ++i) owners.push_back(ledger.make_owner("owner" + std::to_string(i) + "@outlook.jp"));
  for (const std::string investigator : {"staff-17", "staff-18", ""}) {
    std::vector<std::string> outcomes(16);
    std::barrier start(static_cast<std::ptrdiff_t>(outcomes.size()));
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        const auto answer =
            ledger.execute(RecordAccess{{"complaint", "C-1042", investigator}, {"profile"}}, owners[i % owners.size()]);
        outcomes[i] = answer ? outcome(*answer) : "fault";
      });
    }
    threads.clear();
    CHECK(count(outcomes, "accepted: AccessRecorded") == 5);
    CHECK(count(outcomes, "R-LED-5 access_limit: CommandRefused") == 11);
  }
}

SCENARIO("R-LED-5: when a service is revoked, nothing of it stands behind that in the log, whatever was on its way") {
  for (int round = 0; round < 5; ++round) {
    MemoryLedger ledger(Json::object(), 1 + static_cast<std::uint64_t>(round));
    const Id owner = ledger.make_owner("owner@outlook.jp");
    const auto issue = [&](Command command, const char* name, const char* service) {
      return ledger.execute(std::move(command), owner, {.service = service, .command = name});
    };
    const RegisterService registered{.name = "mail", .roles = {fb::Role::evidence}, .public_key = ""};
    REQUIRE(ledger.execute(registered, std::nullopt, {.service = "local", .command = "register-service"}));
    std::atomic<int> accepted = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        const RecordEvidence evidence{.items = {{"card_last4", "1234"}}};
        for (auto answer = issue(evidence, "record-evidence", "mail"); answer && !answer->is_refusal;
             answer = issue(evidence, "record-evidence", "mail"))
          ++accepted;
      });
    }
    while (accepted < 16) std::this_thread::yield();
    const auto revoked =
        ledger.execute(RevokeService{"mail"}, std::nullopt, {.service = "local", .command = "revoke-service"});
    REQUIRE(revoked);
    threads.clear();
    const auto position = revoked->body["events"][0]["seq"].get<Position>();
    for (const std::string& envelope : ledger.envelopes()) {
      const auto event = Event::parse(as_bytes(envelope));
      if (event->position() > position) CHECK(event->type() == fb::Payload::CommandRefused);
    }
  }
}

SCENARIO("R-LED-5: who did not have to say who they are may do nothing any more once a service is registered") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Envelope anybody{.service = "local", .command = "block-account", .is_anybody = true};
  CHECK(outcome(ledger.run(BlockAccount{"suspected_intrusion", ""}, owner, anybody)) == "accepted: AccountBlocked");
  const RegisterService registered{.name = "mail", .roles = {fb::Role::evidence}, .public_key = ""};
  REQUIRE(ledger.execute(registered, std::nullopt, {.service = "local", .command = "register-service"}));
  const std::size_t size = ledger.envelopes().size();
  CHECK(outcome(ledger.run(BlockAccount{"suspected_intrusion", ""}, owner, anybody)) == "R-LED-5 service_unknown");
  CHECK(ledger.envelopes().size() == size);
}

SCENARIO("R-LED-1: one idempotency key used at once gives one event and one answer") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto size = ledger.log().size();
  std::vector<std::jthread> threads;
  std::atomic<int> replayed = 0, first = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto answer = ledger.execute(RecordSignIn{.succeeded = true}, owner, {.key = "one", .body = "{}"});
      if (answer) ++(answer->replayed ? replayed : first);
    });
  }
  threads.clear();
  CHECK(first == 1);
  CHECK(replayed == 7);
  CHECK(ledger.log().size() == size + 1);
}

SCENARIO("R-LED-2: accounts side by side keep their own versions without a gap") {
  MemoryLedger ledger;
  std::vector<Id> owners;
  for (int i = 0; i < 4; ++i) owners.push_back(ledger.make_owner("owner" + std::to_string(i) + "@outlook.jp"));
  const auto size = ledger.log().size();
  std::vector<std::jthread> threads;
  std::atomic<int> faults = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 20; ++i) {
        faults +=
            !ledger.execute(RecordSignIn{.succeeded = true}, owners[(i + static_cast<std::size_t>(t)) % 4]).has_value();
      }
    });
  }
  threads.clear();
  CHECK(faults == 0);
  CHECK(ledger.log().size() == size + 160);
  std::map<Id, std::uint64_t> versions;
  Position position = 0;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    CHECK(event->position() == position++);
    CHECK(event->account_version() == ++versions[event->account()]);
  }
  for (const Id& owner : owners) CHECK(ledger.account(owner).head.version == versions[owner]);
}
