#include "commands/registration.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-ACC-1: the kinds offered at registration, and no phone is asked for") {
  for (const auto kind :
       {fb::ProofKind::landline_phone, fb::ProofKind::authenticator_app, fb::ProofKind::recovery_code}) {
    RegisterAccount command = registration("owner@outlook.jp");
    command.proofs.push_back({.kind = kind, .value = "03-1234-5978", .country = "JP"});
    CHECK(outcome(Subject().when(command)) == "R-ACC-1 kind_not_offered");
  }
  RegisterAccount command = registration("owner@outlook.jp");
  command.proofs = {new_question("First pet?", "Pochi"),
                    {.kind = fb::ProofKind::trusted_device, .device_id = "pc-1"},
                    {.kind = fb::ProofKind::mobile_email, .value = "me@carrier.example"}};
  CHECK(outcome(Subject().when(command)) == "accepted: AccountRegistered ProofAdded ProofAdded ProofAdded LinkSent");
}

SCENARIO("R-ACC-1: how many proofs at least is the policy's, and at most as many as an account may have") {
  Subject fresh;
  RegisterAccount command = registration("owner@outlook.jp");
  fresh.policy.min_proofs = 3;
  CHECK(outcome(fresh.when(command)) == "R-ACC-1 too_few_proofs");
  command.proofs.push_back(new_mailbox("third@example.org"));
  CHECK(!fresh.when(command).refusal);
  while (command.proofs.size() < proofs_per_account_max) {
    command.proofs.push_back(new_question("question " + std::to_string(command.proofs.size()), "answer"));
  }
  CHECK(!fresh.when(command).refusal);
  command.proofs.push_back(new_question("one more", "answer"));
  CHECK(outcome(fresh.when(command)) == "R-PRF-5 too_many_proofs");
}

SCENARIO("R-ACC-2: a name outside the provider's domains is confirmed by the link mailed to it") {
  GIVEN("a registration under a foreign domain") {
    Subject subject;
    const Decision decision = subject.run(registration("owner@example.com"));
    const Draft& asked = decision.events.back();
    const Id link = asked.payload.AsSignInNameConfirmationRequested()->link_id;
    const std::string token = subject.vault().secret(OneTime::link, link);
    REQUIRE(asked.notifications.size() == 1);
    CHECK(asked.notifications[0].recipient == fb::Recipient::sign_in_name);
    CHECK(asked.notifications[0].secret_id == link);
    CHECK(notices(subject.account(), subject.policy, {}).front() == Notice::confirm_sign_in_name);
    THEN("another token is refused, the right one confirms, and once more changes nothing") {
      CHECK(outcome(subject.when(ConfirmSignInName{token + "x"})) == "R-ACC-2 link_unknown");
      CHECK(outcome(subject.when(ConfirmSignInName{subject.secret_of(0)})) == "R-ACC-2 link_unknown");
      CHECK(outcome(subject.run(ConfirmSignInName{token})) == "accepted: SignInNameConfirmed");
      CHECK(notices(subject.account(), subject.policy, {}).front() != Notice::confirm_sign_in_name);
      CHECK(outcome(subject.when(ConfirmSignInName{token})) == "accepted");
      CHECK(outcome(subject.when(ConfirmSignInName{token + "x"})) == "R-ACC-2 link_unknown");
    }
    THEN("it lives link_ttl to the microsecond") {
      subject.now += subject.policy.link_ttl_seconds * second_us - 1;
      CHECK(outcome(subject.when(ConfirmSignInName{token})) == "accepted: SignInNameConfirmed");
      subject.now += 1;
      CHECK(outcome(subject.when(ConfirmSignInName{token})) == "R-ACC-2 link_unknown");
    }
  }
  GIVEN("a registration under one of the provider's domains") {
    Subject subject;
    const Decision decision = subject.run(registration("owner@OUTLOOK.jp"));
    THEN("there is nothing to confirm, which no token finds out") {
      CHECK(outcome(decision) == "accepted: AccountRegistered ProofAdded LinkSent ProofAdded LinkSent");
      CHECK(subject.account().identity.name_confirmed);
      CHECK(outcome(subject.when(ConfirmSignInName{"anything"})) == "R-ACC-2 link_unknown");
    }
  }
}

SCENARIO("R-ACC-1 R-LED-6: what registration writes in clear, and what it seals") {
  RegisterAccount command = registration("Owner@Outlook.JP");
  command.password.verifier = "$argon2id$made";
  const Decision decision = Subject().when(command);
  const Draft& event = decision.events.front();
  CHECK(event.personal.sign_in_name == "owner@outlook.jp");
  CHECK(event.personal.password_verifier == "$argon2id$made");
  REQUIRE(event.personal.profile);
  CHECK(event.personal.profile->surname == "Yamada");
  CHECK(decision.events[1].personal.address == "first@example.com");
  CHECK(decision.returns["proof_ids"].size() == 2);
}
