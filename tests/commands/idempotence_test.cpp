#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Runs the command, which must append, and says what the same command is answered from what came of it.
template <class C>
std::string twice(Subject subject, const C& command) {
  const Decision first = subject.run(command);
  REQUIRE(!first.refusal);
  REQUIRE(!first.events.empty());
  return outcome(subject.when(command));
}

Subject with(Subject subject, std::initializer_list<Past> past) {
  for (const Past& step : past) step(subject);
  return subject;
}

template <class Stop>
Stop by_opener(const Subject& subject) {
  Stop command;
  command.replacement = numbered(70);
  command.replacement_token = subject.vault().secret(OneTime::opener_token, numbered(70));
  return command;
}

}  // namespace

SCENARIO("R-LED-2: deciding again from what a decision brought about appends nothing") {
  const Subject known = owner();
  const Subject waiting = with(owner(), {marked_lost(70), proposed(70, "new@example.org")});
  CHECK(twice(Subject(), registration("owner@example.com")) == "R-ACC-1 account_exists");
  CHECK(twice(with(known, {blocked("x"), passed(fb::Purpose::unblock, 60)}), UnblockAccount{numbered(60)}) ==
        "accepted");
  CHECK(twice(known, BlockAccount{"suspected_intrusion", ""}) == "accepted");
  CHECK(twice(known, MarkProofsLost{}) == "R-LOST-4 window_open");
  CHECK(twice(waiting, ConfirmReplacementProof{.replacement = numbered(70),
                                               .link_token = waiting.secret_of(2),
                                               .account_named = "owner@outlook.jp"}) == "accepted");
  CHECK(twice(waiting, by_opener<CancelReplacement>(waiting)) == "R-LOST-5 no_open_window");
  CHECK(twice(waiting, by_opener<DisputeReplacement>(waiting)) == "R-LOST-5 no_open_window");
  const Subject unverified = given({registered(), mailbox("a@example.com")});
  CHECK(twice(unverified, VerifyProof{.proof = unverified.proof(0).id, .link_token = unverified.secret_of(0)}) ==
        "accepted");
  CHECK(twice(with(known, {passed(fb::Purpose::reset_password, 60)}),
              ResetPassword{.challenge = numbered(60), .password = {"New-pass2", "New-pass2"}}) ==
        "R-PWD-3 challenge_unknown");
  CHECK(twice(with(known, {passed(fb::Purpose::change_security_info, 60)}),
              AddProof{.challenge = numbered(60), .proof = new_mailbox("third@example.org")}) ==
        "R-PRF-2 already_added");
  Subject challenged = with(known, {started(fb::Purpose::unblock, 60)});
  challenged.happened(send_code_to(challenged.proof(0).id, numbered(60), fb::Channel::email, challenged.context()));
  CHECK(twice(challenged, SubmitCode{numbered(60), challenged.secret_of(0)}) == "R-CHL-5 challenge_passed");
}

SCENARIO("R-LED-2: a decision is a function of account, command and context") {
  const auto events = [] {
    Subject subject = with(owner(), {marked_lost(70)});
    subject.run(ProposeReplacementProof{numbered(70), new_phone("080-1111-2222")});
    subject.run(ConfirmReplacementProof{.replacement = numbered(70), .code = subject.secret_of(2)});
    subject.run(recovery_form());
    return subject.envelopes();
  };
  CHECK(events() == events());
}
