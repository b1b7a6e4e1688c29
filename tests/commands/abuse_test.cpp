// What an attacker tried, and what holds: docs/decisions/0011 and 0015.
#include <doctest/doctest.h>

#include "commands/decoy.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// A name whose decoy falls into the same slot as another's.
std::string name_in_slot_of(const KeyRing& keys, const std::string& name) {
  const std::string slot = decoy_row_key(decoy_lock_id(keys, name));
  for (int i = 0;; ++i) {
    std::string other = "other" + std::to_string(i) + "@outlook.jp";
    if (decoy_row_key(decoy_lock_id(keys, other)) == slot) return other;
  }
}

Answer run_unknown(MemoryLedger& ledger, Command command, const std::string& name) {
  Envelope envelope;
  envelope.unknown_name = name;
  return ledger.run(std::move(command), std::nullopt, envelope);
}

std::size_t rows_with(const MemoryLedger& ledger, const std::string& prefix, const std::string& part) {
  return static_cast<std::size_t>(std::ranges::count_if(ledger.rows(Family::meta), [&](const auto& row) {
    return row.first.starts_with(prefix) && (row.first + row.second).find(part) != std::string::npos;
  }));
}

const CharacterCheck seen{"XVMS", "xvms"};

}  // namespace

SCENARIO("R-LOST-6 R-REC-7: a caller that calls itself the scheduler does not use up the scheduler's keys") {
  MemoryLedger ledger;
  const Id account = ledger.make_owner("owner@outlook.jp");
  const Answer submitted = ledger.run(recovery_form(), account);
  const Id recovery = id_in(submitted, "recovery_id");
  Envelope poison;
  poison.service = "scheduler";
  poison.key = "decide-recovery/" + to_text(recovery);
  CHECK(outcome(ledger.run(RecordSignIn{.reason = "wrong_password"}, account, poison)) == "accepted: SignInFailed");
  const auto done = ledger.tick();
  CHECK(std::ranges::any_of(done, [](const Answer& answer) { return answer.body.contains("outcome"); }));
  CHECK(ledger.account(account).recoveries.all.front().outcome == RecoveryOutcome::not_verified);
}

SCENARIO("R-ACC-6 R-LED-1: a decoy that loses its slot leaves nothing that leases or ticks could stumble over") {
  MemoryLedger ledger;
  const std::string first = "first@outlook.jp", second = name_in_slot_of(ledger.keys(), first);
  run_unknown(ledger, recovery_form(), first);
  const auto kept = load_decoy(ledger.store(), ledger.keys(), first, noon, ledger.clock);
  REQUIRE(kept);
  const std::string id(kept->id.text());
  CHECK(rows_with(ledger, "decoy/row/O", id) == 1);
  CHECK(rows_with(ledger, "decoy/row/D", id) == 2);
  CHECK(rows_with(ledger, "decoy/event/", id) == 1);
  run_unknown(ledger, StartChallenge{fb::Purpose::reset_password, {}, seen}, second);
  for (const char* prefix : {"decoy/row/O", "decoy/row/D", "decoy/event/"}) CHECK(rows_with(ledger, prefix, id) == 0);
  ledger.wait(3 * day_us);
  ledger.tick();
  CHECK(ledger.envelopes().size() == 3);  // the ledger's birth, its policy, the digests: nothing of a decoy
}

SCENARIO("R-ACC-6: a decoy's id answers public commands, deliveries and the scheduler only") {
  MemoryLedger ledger;
  run_unknown(ledger, StartChallenge{fb::Purpose::reset_password, {}, seen}, "nobody@outlook.jp");
  const auto decoy = load_decoy(ledger.store(), ledger.keys(), "nobody@outlook.jp", noon, ledger.clock);
  REQUIRE(decoy);
  for (const Command& command : std::initializer_list<Command>{BlockAccount{"suspected_intrusion", ""}, ExpireAccount{},
                                                               RecordAccess{{"a reason", "C-1", ""}, {"profile"}},
                                                               DiscloseEvents{{"a reason", "C-1", ""}, {0}}}) {
    const auto answer = ledger.execute(command, decoy->id);
    REQUIRE(!answer);
    CHECK(answer.error().kind == FaultKind::no_such_account);
  }
}

SCENARIO(
    "R-CHL-1 R-CHL-9: starts by strangers do not push out a challenge that a code was sent for, nor a passed one") {
  Subject subject = owner();
  passed(fb::Purpose::reset_password, 50)(subject);
  started(fb::Purpose::reset_password, 51)(subject);
  subject.happened(send_code_to(subject.proof(0).id, numbered(51), fb::Channel::email, subject.context()));
  for (std::uint64_t i = 0; i < 3 * challenges_kept_max; ++i) started(fb::Purpose::unblock, 100 + i)(subject);
  CHECK(subject.account().challenges.find(numbered(50)));
  CHECK(subject.account().challenges.find(numbered(51)));
  CHECK(subject.account().challenges.open.size() == challenges_kept_max);
  subject.now += challenge_kept;
  started(fb::Purpose::unblock, 900)(subject);
  CHECK(subject.account().challenges.open.size() == 1);
}

SCENARIO("R-BLK-2 R-BLK-1: what was proven before a block does not lift it, and nobody signed in changes the account") {
  Subject subject = owner();
  passed(fb::Purpose::unblock, 50)(subject);
  blocked("suspected_intrusion")(subject);
  CHECK(outcome(subject.when(UnblockAccount{numbered(50)})) == "R-BLK-2 challenge_unknown");
  CHECK(outcome(subject.when(ChangePassword{"Old-pass1", {"New-pass2", "New-pass2"}, Verdict::right})) ==
        "R-BLK-1 blocked");
  CHECK(outcome(subject.when(CloseAccount{"Old-pass1", true, Verdict::right})) == "R-BLK-1 blocked");
}

SCENARIO("R-PRF-10 R-LOST-4: a trusted device marked lost with the others is no proof any more after a reset") {
  Subject subject = given({registered(), mailbox("a@example.com"), device("pc-1"), verified(0), verified(1)});
  marked_lost(70)(subject);
  passed(fb::Purpose::reset_password, 50)(subject);
  const Decision reset = subject.run(ResetPassword{.challenge = numbered(50), .password = {"New-pass2", "New-pass2"}});
  CHECK(outcome(reset) == "accepted: PasswordReset");
  CHECK(subject.proof(1).status == ProofStatus::removed);
  CancelReplacement cancel;
  cancel.replacement = numbered(70);
  cancel.replacement_token = subject.vault().secret(OneTime::opener_token, numbered(70));
  CHECK(outcome(subject.run(cancel)) == "accepted: ReplacementCancelled");
  CHECK(subject.proof(0).status == ProofStatus::verified);
  CHECK(subject.proof(1).status == ProofStatus::removed);
}

SCENARIO("R-CHL-5: a refused send-code costs a stranger and the owner the same, in every member") {
  Subject subject = owner();
  started(fb::Purpose::reset_password, 50)(subject);
  for (int i = 0; i < 5; ++i)
    subject.happened(send_code_to(subject.proof(0).id, numbered(50), fb::Channel::email, subject.context()));
  SendCode owners{numbered(50), subject.proof(0).id, fb::Channel::email, "msabc123"};
  SendCode strangers = owners;
  strangers.confirmation = "guess";
  const Decision to_owner = subject.when(owners), to_stranger = subject.when(strangers);
  CHECK(outcome(to_owner) == "R-CHL-5 proof_send_limit");
  CHECK(outcome(to_stranger) == outcome(to_owner));
  CHECK(to_stranger.refusal->detail == to_owner.refusal->detail);
  CHECK(to_stranger.refusal->retry_at == to_owner.refusal->retry_at);
  CHECK(to_stranger.refusal->extra == to_owner.refusal->extra);
}
