#include <doctest/doctest.h>
#include <liboath/oath.h>

#include <thread>

#include "projections/event_fields.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr int threads_count = 8, shots_per_thread = 25;                  // two hundred in all
constexpr int budget = 5;                                                // max_code_guesses
constexpr const char* totp_base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";  // RFC 6238, appendix B

std::string totp_at(Time now) {
  char code[7] = {};
  oath_totp_generate("12345678901234567890", 20, now / second_us, 30, 0, 6, code);
  return code;
}

/// How often each outcome came, faults as `fault`.
using Outcomes = std::map<std::string, int>;

/// Two hundred commands of one account from eight threads; `make` is given their number.
Outcomes fire(MemoryLedger& ledger, const std::optional<Id>& account, const std::function<Command(int)>& make,
              const Envelope& envelope = {}) {
  std::mutex mutex;
  Outcomes outcomes;
  std::vector<std::jthread> threads;
  for (int t = 0; t < threads_count; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < shots_per_thread; ++i) {
        const auto answer = ledger.execute(make(t * shots_per_thread + i), account, envelope);
        const std::string words = answer ? outcome(*answer) : "fault";
        const std::lock_guard lock(mutex);
        ++outcomes[words];
      }
    });
  }
  threads.clear();
  return outcomes;
}

int count(const Outcomes& outcomes, const std::string& words) {
  int times = 0;
  for (const auto& [outcome, each] : outcomes) times += outcome.find(words) == std::string::npos ? 0 : each;
  return times;
}

/// Events of one kind that say a guess was made and wrong.
template <class Payload>
int wrong_guesses(const MemoryLedger& ledger, const Id& account) {
  int wrong = 0;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    const auto* rejected = event->account() == account ? event->as<Payload>() : nullptr;
    wrong += rejected && rejected->reason() == fb::CodeRejection::wrong;
  }
  return wrong;
}

/// Two accounts, hours after they registered.
struct Town {
  MemoryLedger ledger;
  Id owner, neighbour;
  Account neighbour_before;

  Town()
      : owner(ledger.make_owner("owner@outlook.jp")),
        neighbour(ledger.make_owner("neighbour@outlook.jp")),
        neighbour_before(ledger.account(neighbour)) {
    ledger.wait(2 * hour_us);
  }
  Id start(fb::Purpose purpose = fb::Purpose::reset_password) {
    return id_in(ledger.run(StartChallenge{purpose, {}, CharacterCheck{"a", "a"}}, owner), "challenge_id");
  }
  Id proof(std::size_t n) const { return ledger.account(owner).proofs.all.at(n).id; }
  SendCode sending(const Id& challenge, std::size_t n) const {
    return {challenge, proof(n), fb::Channel::email, n == 0 ? "first" : "second"};
  }
  std::string newest_code() const { return ledger.newest_mail(owner, fb::NotificationKind::security_code).secret; }

  /// Nobody is locked out: another proof still works for the owner, and nothing happened to the neighbour.
  void check_others(std::size_t other_proof = 1) {
    CHECK(ledger.account(neighbour) == neighbour_before);
    const Id passed = ledger.pass_challenge(owner, fb::Purpose::sensitive_page, other_proof);
    CHECK(ledger.account(owner).challenges.find(passed)->passed_at.has_value());
    CHECK(outcome(ledger.run(RecordSignIn{.succeeded = true}, owner)) == "accepted: SignInSucceeded");
    ledger.pass_challenge(neighbour, fb::Purpose::sensitive_page, 0);
  }
  /// A proof that owners of two mailboxes add with a challenge passed.
  Id add(NewProof proof) {
    const Id challenge = ledger.pass_challenge(owner, fb::Purpose::change_security_info);
    const Answer added = ledger.run(AddProof{challenge, std::move(proof)}, owner);
    REQUIRE_MESSAGE(!added.is_refusal, added.body.dump());
    ledger.wait(2 * hour_us);
    return id_in(added, "proof_id");
  }
};

}  // namespace

SCENARIO("R-CHL-5: five guesses at one code are tried, and the right code does not pass once they are spent") {
  Town town;
  const Id challenge = town.start();
  REQUIRE(!town.ledger.run(town.sending(challenge, 0), town.owner).is_refusal);
  const std::string right = town.newest_code();
  const int shots_before_right = threads_count * shots_per_thread / 2;
  std::atomic<int> fired = 0;
  const auto outcomes = fire(town.ledger, town.owner, [&](int) -> Command {
    // Ninety commands are answered by then: the five guesses are long made.
    const bool is_late = fired++ > shots_before_right;
    return SubmitCode{challenge, is_late ? right : "not a code"};
  });
  CHECK(count(outcomes, "R-CHL-5 wrong_code: CodeRejected") == budget);
  CHECK(count(outcomes, "R-CHL-5 guess_limit") == 200 - budget);
  CHECK(wrong_guesses<fb::CodeRejected>(town.ledger, town.owner) == budget);
  CHECK(!town.ledger.account(town.owner).challenges.find(challenge)->passed_at);
  town.check_others();
  town.ledger.wait(hour_us);
  CHECK(town.ledger.run(SubmitCode{challenge, right}, town.owner).is_refusal);  // expired by then
  town.ledger.pass_challenge(town.owner, fb::Purpose::reset_password, 0);
}

SCENARIO("R-CHL-5: neither new challenges nor new codes give more than five guesses at one proof") {
  Town town;
  std::vector<Id> challenges;
  for (int i = 0; i < 4; ++i) challenges.push_back(town.start());
  const auto outcomes = fire(town.ledger, town.owner, [&](int shot) -> Command {
    const Id& challenge = challenges[static_cast<std::size_t>(shot / 2) % challenges.size()];
    if (shot % 10 == 0) return town.sending(challenge, 0);
    if (shot % 50 == 1) return StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "a"}};
    return SubmitCode{challenge, "not a code"};
  });
  CHECK(count(outcomes, "accepted: CodeSent") == 5);
  CHECK(count(outcomes, "R-CHL-5 proof_send_limit") == 15);
  CHECK(count(outcomes, "accepted: ChallengeStarted") == 4);
  CHECK(count(outcomes, "wrong_code") + count(outcomes, "guess_limit") + count(outcomes, "no_code") == 176);
  CHECK(count(outcomes, "ChallengePassed") == 0);
  for (const Id& challenge : challenges) {  // until the last guess is made, if some are left
    for (int i = 0; i < budget; ++i) town.ledger.run(SubmitCode{challenge, "not a code"}, town.owner);
  }
  CHECK(wrong_guesses<fb::CodeRejected>(town.ledger, town.owner) == budget);
  const std::string right = town.newest_code();
  int limited = 0;
  for (const Id& challenge : challenges) {
    const Answer answer = town.ledger.run(SubmitCode{challenge, right}, town.owner);
    CHECK(answer.is_refusal);
    limited += answer.body["code"] == "guess_limit";
  }
  CHECK(limited == 1);  // of the challenge that the newest code belongs to
  town.check_others();
}

SCENARIO("R-CHL-5 R-CHL-9: five answers to a secret question are tried, over whatever challenges") {
  Town town;
  const Id question = town.add(new_question("First pet?", "Pochi"));
  std::vector<Id> challenges;
  for (int i = 0; i < 4; ++i) challenges.push_back(town.start());
  const auto outcomes = fire(town.ledger, town.owner, [&](int shot) -> Command {
    return AnswerSecretQuestion{challenges[static_cast<std::size_t>(shot) % 4], question, "Tama"};
  });
  CHECK(count(outcomes, "R-CHL-5 wrong_answer: SecretAnswerRejected") == budget);
  CHECK(count(outcomes, "R-CHL-5 guess_limit") == 200 - budget);
  CHECK(wrong_guesses<fb::SecretAnswerRejected>(town.ledger, town.owner) == budget);
  const AnswerSecretQuestion right{challenges[0], question, "pochi"};
  CHECK(town.ledger.run(right, town.owner).body["code"] == "guess_limit");
  town.check_others();
  town.ledger.wait(hour_us);
  const AnswerSecretQuestion later{town.start(), question, "pochi"};
  CHECK(outcome(town.ledger.run(later, town.owner)) == "accepted: ChallengePassed");
}

SCENARIO("R-CHL-5 R-PRF-1: five codes of an app are tried, while it is verified and after, and each right one once") {
  Town town;
  const Id app = town.add({.kind = fb::ProofKind::authenticator_app, .totp_secret = totp_base32});
  const auto verifying =
      fire(town.ledger, town.owner, [&](int) -> Command { return VerifyProof{.proof = app, .totp = "not a code"}; });
  CHECK(count(verifying, "R-CHL-5 wrong_code: CodeRejected") == budget);
  CHECK(count(verifying, "R-CHL-5 guess_limit") == 200 - budget);
  const auto verify = [&] {
    return outcome(town.ledger.run(VerifyProof{.proof = app, .totp = totp_at(town.ledger.clock)}, town.owner));
  };
  CHECK(verify().starts_with("R-CHL-5 guess_limit"));
  town.ledger.wait(hour_us);
  CHECK(verify() == "accepted: ProofVerified");

  std::vector<Id> challenges;
  for (int i = 0; i < 4; ++i) challenges.push_back(town.start());
  const auto outcomes = fire(town.ledger, town.owner, [&](int shot) -> Command {
    return SubmitCode{challenges[static_cast<std::size_t>(shot) % 4], "not a code", app};
  });
  CHECK(count(outcomes, "R-CHL-5 wrong_code: CodeRejected") == budget);
  CHECK(count(outcomes, "R-CHL-5 guess_limit") == 200 - budget);
  CHECK(wrong_guesses<fb::CodeRejected>(town.ledger, town.owner) == 2 * budget);
  town.ledger.wait(30 * second_us);
  CHECK(town.ledger.run(SubmitCode{challenges[0], totp_at(town.ledger.clock), app}, town.owner).body["code"] ==
        "guess_limit");
  town.check_others();

  town.ledger.wait(hour_us);
  const Id challenge = town.start(), other = town.start();
  const std::string right = totp_at(town.ledger.clock);
  const auto passing = fire(town.ledger, town.owner, [&](int shot) -> Command {
    return SubmitCode{shot % 2 == 0 ? challenge : other, right, app};
  });
  CHECK(count(passing, "accepted: ChallengePassed") == 1);  // a code counts once (RFC 6238 section 5.2)
}

SCENARIO("R-PRF-9 R-LOST-2: five recovery codes are tried, in challenges and while marking proofs lost together") {
  Town town;
  const Id allowed = town.ledger.pass_challenge(town.owner, fb::Purpose::change_security_info);
  const Answer issued = town.ledger.run(IssueRecoveryCode{allowed}, town.owner);
  const std::string right = issued.body.at("recovery_code").get<std::string>();
  town.ledger.wait(2 * hour_us);
  std::vector<Id> challenges;
  for (int i = 0; i < 4; ++i) challenges.push_back(town.start());
  const auto outcomes = fire(town.ledger, town.owner, [&](int shot) -> Command {
    if (shot % 3 == 0) return MarkProofsLost{.recovery_code = "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"};
    return UseRecoveryCode{challenges[static_cast<std::size_t>(shot) % 4], "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"};
  });
  CHECK(count(outcomes, "wrong_recovery_code: RecoveryCodeRejected") == budget);
  CHECK(count(outcomes, "guess_limit") == 200 - budget);
  CHECK(wrong_guesses<fb::RecoveryCodeRejected>(town.ledger, town.owner) == budget);
  CHECK(town.ledger.run(UseRecoveryCode{challenges[0], right}, town.owner).body["code"] == "guess_limit");
  CHECK(town.ledger.run(MarkProofsLost{.recovery_code = right}, town.owner).body["code"] == "guess_limit");
  CHECK(!town.ledger.account(town.owner).windows.open);
  town.check_others();
  town.ledger.wait(hour_us);
  CHECK(outcome(town.ledger.run(UseRecoveryCode{town.start(), right}, town.owner)) ==
        "accepted: RecoveryCodeUsed ChallengePassed");
}

SCENARIO("R-PWD-4 R-LIFE-1: five current passwords are tried, changing it and closing the account together") {
  Town town;
  const NewPassword next{"New-pass2", "New-pass2"};
  const auto outcomes = fire(town.ledger, town.owner, [&](int shot) -> Command {
    if (shot % 3 == 0) return CloseAccount{.password = "Wrong-pass1", .confirm = true};
    return ChangePassword{.current = "Wrong-pass1", .password = next};
  });
  CHECK(count(outcomes, "wrong_password: PasswordRejected") == budget);
  CHECK(count(outcomes, "guess_limit") == 200 - budget);
  CHECK(wrong_guesses<fb::PasswordRejected>(town.ledger, town.owner) == budget);
  const ChangePassword change{.current = "Old-pass1", .password = next};
  CHECK(town.ledger.run(change, town.owner).body["code"] == "guess_limit");
  CHECK(town.ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, town.owner).body["code"] ==
        "guess_limit");
  CHECK(!town.ledger.account(town.owner).life.end);
  town.check_others(0);
  const Id challenge = town.ledger.pass_challenge(town.owner, fb::Purpose::reset_password, 1);
  CHECK(outcome(town.ledger.run(ResetPassword{.challenge = challenge, .password = next}, town.owner)) ==
        "accepted: PasswordReset");
  town.ledger.wait(hour_us);
  CHECK(outcome(town.ledger.run(ChangePassword{.current = "New-pass2", .password = {"Third-pass3", "Third-pass3"}},
                                town.owner)) == "accepted: PasswordChanged");
}

SCENARIO("R-CHL-5: of two hundred codes asked for at once five go to a proof and ten to the account") {
  Town town;
  const Id link = town.add(new_mailbox("third@example.org"));
  const Mail mail = town.ledger.newest_mail(town.owner, fb::NotificationKind::proof_link);
  REQUIRE(!town.ledger.run(VerifyProof{.proof = link, .link_token = mail.secret}, town.owner).is_refusal);
  const Id challenge = town.start(), other = town.start();
  const auto sends_to = [&](std::size_t n) {
    const Account account = town.ledger.account(town.owner);
    return count_since(account.proofs.all[n].sends, town.ledger.clock, hour_us);
  };
  const auto one = fire(town.ledger, town.owner,
                        [&](int shot) -> Command { return town.sending(shot % 2 == 0 ? challenge : other, 0); });
  CHECK(count(one, "accepted: CodeSent") == 5);
  CHECK(count(one, "R-CHL-5 proof_send_limit") == 195);
  const auto all = fire(town.ledger, town.owner, [&](int shot) -> Command {
    if (shot % 3 == 0) return SendCode{challenge, link, fb::Channel::email, "third"};
    return town.sending(shot % 2 == 0 ? challenge : other, shot % 3 == 1 ? 0 : 1);
  });
  CHECK(count(all, "accepted: CodeSent") == 5);
  CHECK(count(all, "_send_limit") == 195);
  CHECK(count(all, "account_send_limit") > 0);
  CHECK(sends_to(0) == 5);
  CHECK(sends_to(1) + sends_to(2) == 5);
  CHECK(town.ledger.account(town.neighbour) == town.neighbour_before);
  town.ledger.wait(hour_us - 1);
  CHECK(town.ledger.run(town.sending(town.start(), 0), town.owner).is_refusal);
  town.ledger.wait(1);
  CHECK(outcome(town.ledger.run(town.sending(town.start(), 0), town.owner)) == "accepted: CodeSent");
}

SCENARIO("R-ACC-6 R-CHL-5 R-REC-3: limits of a name that nobody has cannot be raced either") {
  Town town;
  Envelope nobody;
  nobody.unknown_name = "nobody@outlook.jp";
  const StartChallenge start{fb::Purpose::reset_password, {}, CharacterCheck{"a", "a"}};
  const Answer started = town.ledger.run(start, std::nullopt, nobody);
  const Id challenge = id_in(started, "challenge_id");
  const Id proof = *parse_id(started.body.at("offers")[0].at("proof_id").get<std::string>());
  const auto outcomes = fire(
      town.ledger, std::nullopt,
      [&](int shot) -> Command {
        if (shot % 4 == 0) return recovery_form();
        if (shot % 4 == 1) return SendCode{challenge, proof, fb::Channel::email, "nothing"};
        return UseRecoveryCode{challenge, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"};
      },
      nobody);
  CHECK(count(outcomes, "accepted: RecoverySubmitted") == 2);
  CHECK(count(outcomes, "R-REC-3 attempts_used_up") == 48);
  CHECK(count(outcomes, "R-CHL-3 wrong_confirmation") == budget);
  CHECK(count(outcomes, "R-CHL-3 confirmation_limit") == 50 - budget);
  CHECK(count(outcomes, "wrong_recovery_code") == budget);
  CHECK(count(outcomes, "R-CHL-5 guess_limit") == 100 - budget);
  CHECK(town.ledger.account(town.neighbour) == town.neighbour_before);
}
