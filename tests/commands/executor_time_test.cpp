#include <doctest/doctest.h>

#include <thread>

#include "commands/names.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::size_t count_of(const std::string& history, const std::string& name) {
  std::size_t count = 0;
  for (std::size_t at = history.find(name); at != std::string::npos; at = history.find(name, at + 1)) ++count;
  return count;
}

/// The newest event of this type.
template <class T>
fb::PayloadUnion newest(const MemoryLedger& ledger) {
  fb::PayloadUnion found;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (const T* payload = event->as<T>()) found.Set(*std::unique_ptr<typename T::NativeTableType>(payload->UnPack()));
  }
  return found;
}

}  // namespace

SCENARIO("R-LOST-6: a command after the end and before any tick sees the effect and appends the completion first") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto opened = ledger.open_window(owner, "new@example.org");
  ledger.clock = opened.effective_at;
  WHEN("the owner signs in") {
    const Answer answer = ledger.run(RecordSignIn{.succeeded = true}, owner);
    THEN("the window is over before") {
      CHECK(outcome(answer) == "accepted: ReplacementCompleted SignInSucceeded");
      CHECK(answer.body["notices"].dump().find("pending") == std::string::npos);
      CHECK(newest<fb::ReplacementCompleted>(ledger).AsReplacementCompleted()->effective_at == opened.effective_at);
      CHECK(ledger.rows(Family::rows)
                .count(due_row_key({DueKind::replacement, opened.effective_at, owner, opened.window})) == 0);
      const auto done = ledger.tick();
      CHECK(count_of(ledger.history(owner), "ReplacementCompleted") == 1);
    }
  }
  WHEN("a command is refused without an event") {
    CancelReplacement cancel;
    cancel.replacement = opened.window;
    cancel.replacement_token = opened.token;
    THEN("it is refused as after the effect, and nothing is appended") {
      CHECK(outcome(ledger.run(cancel, owner)) == "R-LOST-5 no_open_window");
      CHECK(count_of(ledger.history(owner), "ReplacementCompleted") == 0);
    }
  }
  WHEN("a challenge starts with nothing but the new proof") {
    const Answer answer = ledger.run(StartChallenge{fb::Purpose::sensitive_page, {}, {}}, owner);
    THEN("it alone is offered, masked") {
      CHECK(outcome(answer) == "accepted: ReplacementCompleted ChallengeStarted");
      REQUIRE(answer.body["offers"].size() == 1);
      CHECK(answer.body["offers"][0]["masked"] == "ne*****@example.org");
    }
  }
  WHEN("it was cancelled one microsecond before") { ledger.clock = opened.effective_at - 1; }
}

SCENARIO("R-LOST-6: ticks twice, late, at once and after a restart complete a window exactly once") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto opened = ledger.open_window(owner, "new@example.org");
  ledger.clock = opened.effective_at - 1;
  ledger.tick();
  CHECK(count_of(ledger.history(owner), "ReplacementCompleted") == 0);
  ledger.clock = opened.effective_at + 40 * day_us;
  ledger.reopen();
  std::vector<std::jthread> threads;
  std::atomic<int> faults = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { faults += !ledger.executor().tick().has_value(); });
  }
  threads.clear();
  CHECK(faults == 0);
  ledger.reopen();
  ledger.tick();
  CHECK(count_of(ledger.history(owner), "ReplacementCompleted") == 1);
  CHECK(newest<fb::ReplacementCompleted>(ledger).AsReplacementCompleted()->effective_at == opened.effective_at);
  CHECK(ledger.account(owner).windows.last->at == opened.effective_at);
}

SCENARIO("R-LOST-6: windows of many accounts fall due in their order") {
  MemoryLedger ledger;
  std::vector<Id> owners;
  std::vector<MemoryLedger::Opened> windows;
  for (int i = 0; i < 3; ++i) {
    owners.push_back(ledger.make_owner("owner" + std::to_string(i) + "@outlook.jp"));
    windows.push_back(ledger.open_window(owners.back(), "new@example.org"));
    ledger.wait(day_us);
  }
  ledger.clock = windows[1].effective_at;
  ledger.tick();
  CHECK(!ledger.account(owners[0]).windows.open);
  CHECK(!ledger.account(owners[1]).windows.open);
  CHECK(ledger.account(owners[2]).windows.open);
}

SCENARIO("R-LED-1: of a flood of refusals ten are recorded, the others counted and written by the next tick") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.tick();
  ledger.run(recovery_form(), owner);
  ledger.run(recovery_form(), owner);
  CHECK(ledger.tick().size() == 2);  // both are decided
  for (int i = 0; i < 35; ++i) CHECK(ledger.run(recovery_form(), owner).is_refusal);
  CHECK(count_of(ledger.history(owner), "RecoveryRefused") == 10);
  const auto done = ledger.tick();
  REQUIRE(done.size() == 1);
  CHECK(outcome(done[0]) == "accepted: RefusalsCounted");
  CHECK(done[0].body["rule"] == "R-REC-3");
  CHECK(done[0].body["count"] == 25);
  CHECK(ledger.account(owner).limits.refusals_counted == 25);
  CHECK(ledger.tick().empty());
}

SCENARIO("R-LED-4: a policy takes effect with the next command, and events name the version they were decided under") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(recovery_form(), owner);
  ledger.run(recovery_form(), owner);
  CHECK(ledger.run(recovery_form(), owner).is_refusal);
  const Answer adopted = ledger.run(AdoptPolicy{{{"recovery_per_day", 3}}});
  CHECK(outcome(adopted) == "accepted: PolicyAdopted");
  CHECK(adopted.body["version"] == 2);
  CHECK(outcome(ledger.run(recovery_form(), owner)) == "accepted: RecoverySubmitted");
  CHECK(outcome(ledger.run(AdoptPolicy{{{"recovery_per_day", 0}}})) == "R-LED-4 bad_value");
  ledger.reopen();
  CHECK(ledger.executor().ledger().policy.recovery_per_day == 3);
  CHECK(ledger.executor().ledger().policy.version == 2);
  CHECK(outcome(ledger.run(recovery_form(), owner)) == "R-REC-3 attempts_used_up: RecoveryRefused");
  std::vector<std::uint32_t> versions;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (event->as<fb::RecoverySubmitted>() || event->as<fb::RecoveryRefused>() || event->as<fb::PolicyAdopted>()) {
      versions.push_back(event->header().policy_version());
    }
  }
  CHECK(versions == std::vector<std::uint32_t>{1, 1, 1, 1, 1, 2, 2});
}

SCENARIO("R-CHL-7: what is to be sent waits in the outbox until its delivery is recorded") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@example.com"), other = ledger.make_owner("other@outlook.jp");
  const Mail mail = ledger.newest_mail(owner, fb::NotificationKind::sign_in_name_link);
  CHECK(mail.recipient == fb::Recipient::sign_in_name);
  CHECK(outcome(ledger.run(ConfirmSignInName{mail.secret}, owner)) == "accepted: SignInNameConfirmed");
  const auto waiting = ledger.outbox().size();
  const RecordDelivery delivery{
      .notification = mail.notification, .result = fb::DeliveryResult::failed, .detail = "no such host", .waiting = {}};
  CHECK(outcome(ledger.run(delivery, other)) == "R-CHL-7 notification_unknown");
  CHECK(outcome(ledger.run(delivery, owner)) == "accepted: DeliveryRecorded");
  CHECK(newest<fb::DeliveryRecorded>(ledger).AsDeliveryRecorded()->kind == fb::NotificationKind::sign_in_name_link);
  CHECK(ledger.outbox().size() == waiting - 1);
  CHECK(outcome(ledger.run(delivery, owner)) == "R-CHL-7 notification_unknown");
}

SCENARIO("R-PRF-4: offers are masked, questions are shown, channels named") {
  MemoryLedger ledger;
  RegisterAccount command = registration("owner@outlook.jp");
  command.proofs = {new_mailbox("msabc123@outlook.com"), new_phone("090-9876-5432"),
                    new_question("First pet?", "Pochi")};
  const Id owner = id_in(ledger.run(command), "account");
  const Account account = ledger.account(owner);
  for (const Mail& mail : ledger.outbox()) {
    const bool is_link = mail.kind == fb::NotificationKind::proof_link;
    VerifyProof verify{.proof = mail.proof};
    (is_link ? verify.link_token : verify.code) = mail.secret;
    CHECK(outcome(ledger.run(verify, owner)) == "accepted: ProofVerified");
  }
  const Answer answer = ledger.run(StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}}, owner);
  const Json& offers = answer.body["offers"];
  REQUIRE(offers.size() == 3);
  CHECK(offers[0]["masked"] == "ms*****@outlook.com");
  CHECK(offers[0]["channels"] == Json::array({"email"}));
  CHECK(offers[1]["masked"] == "*********32");
  CHECK(offers[1]["channels"] == Json({"sms", "voice"}));
  CHECK(offers[2]["question"] == "First pet?");
  CHECK(!offers[2].contains("masked"));
  CHECK(answer.body.dump().find("msabc") == std::string::npos);
}

SCENARIO("R-PWD-4: the new password may not equal the current one") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const Id challenge = ledger.pass_challenge(owner, fb::Purpose::reset_password);
  const auto reset = [&](const std::string& text) {
    return outcome(ledger.run(ResetPassword{.challenge = challenge, .password = {text, text}}, owner));
  };
  CHECK(reset("Old-pass1") == "R-PWD-4 same_as_current");
  CHECK(reset("New-pass2") == "accepted: PasswordReset");
}
