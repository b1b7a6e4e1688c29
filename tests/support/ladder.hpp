// tests/support/ladder.hpp — a command's refusals in their fixed order. A request that is wrong in every way at once is
// mended one thing at a time: each row names the refusal that comes now and what mends it; at last it is accepted.
#pragma once

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

namespace daicho::test {

/// `State` is asked with `when(command)`: a Subject, or the ledger's own state.
template <class State, class C>
class Ladder {
 public:
  Ladder(State state, C command) : state_(std::move(state)), command_(std::move(command)) {}

  /// Mended by what happens to the state, `mend(state)`, or by `mend(state, command)`.
  template <class Mend>
  Ladder& rung(const std::string& refusal, const Mend& mend) {
    expect(refusal);
    if constexpr (std::is_invocable_v<Mend, State&>) {
      mend(state_);
    } else {
      mend(state_, command_);
    }
    return *this;
  }
  /// Mended by another value of one member of the command.
  template <class Base, class Member>
  Ladder& rung(const std::string& refusal, Member Base::*member, const std::type_identity_t<Member>& value) {
    expect(refusal);
    command_.*member = value;
    return *this;
  }

  /// The rungs of a command for which a challenge with this purpose must have been passed (check_passed).
  Ladder& passed_challenge(const std::string& rule, fb::Purpose purpose, const std::string& device_id = "") {
    return rung(rule + " challenge_unknown",
                [](State& state, C& command) {
                  passed(fb::Purpose::sensitive_page, 60)(state);
                  command.challenge = numbered(60);
                })
        .rung(rule + " challenge_unknown",
              [=](State& state, C& command) {
                started(purpose, 61, device_id)(state);
                command.challenge = numbered(61);
              })
        .rung(rule + " challenge_not_passed",
              [](State& state, C&) {
                answered(61)(state);
                removed(0)(state);
                state.now += state.policy.step_up_ttl_seconds * second_us;
              })
        .rung(rule + " challenge_stale", after(-1))
        .rung(rule + " challenge_void", verified(0));
  }

  /// The rungs of a command that answers a challenge still open (open_challenge).
  Ladder& open_challenge() {
    return rung("R-CHL-1 challenge_unknown",
                [](State& state, C& command) {
                  passed(fb::Purpose::reset_password, 60, 1)(state);
                  command.challenge = numbered(60);
                })
        .rung("R-CHL-5 challenge_passed",
              [](State& state, C& command) {
                started(fb::Purpose::reset_password, 61)(state);
                command.challenge = numbered(61);
                state.now += state.policy.challenge_ttl_seconds * second_us;
              })
        .rung("R-CHL-1 challenge_expired", after(-1));
  }

  /// The rungs of a password entered twice that equals the current one (check_password).
  Ladder& new_password() {
    return rung("R-PWD-1 not_repeated", [](State&, C& command) { command.password.repeat = command.password.text; })
        .rung("R-PWD-1 wrong_length", [](State&, C& command) { type(command, "longenough"); })
        .rung("R-PWD-1 too_few_classes", [](State&, C& command) { type(command, "long-enough"); });
  }

  void expect_accepted(const std::string& events) const { expect(events.empty() ? "accepted" : "accepted: " + events); }

 private:
  static void type(C& command, const std::string& password) {
    command.password.text = command.password.repeat = password;
  }
  void expect(const std::string& words) const { CHECK(outcome(state_.when(command_)) == words); }

  State state_;
  C command_;
};

/// A new password that is short, of one class, not repeated, and the current one.
inline NewPassword bad_password() { return {.text = "short", .repeat = "other", .equals_current = true}; }

/// One factor's budget of wrong guesses is spent; what refills it here is a policy that allows one more.
inline Past guesses_spent(const std::function<Draft(const Subject&)>& rejected) {
  return [=](Subject& subject) {
    for (int i = 0; i < subject.policy.max_code_guesses; ++i) subject.happened(rejected(subject));
  };
}
inline Past one_more_guess() {
  return under([](Policy& policy) { ++policy.max_code_guesses; });
}
inline Past code_guesses_spent(std::size_t n) {
  return guesses_spent([n](const Subject& subject) {
    return draft(fb::CodeRejectedT{.proof_id = subject.proof(n).id, .reason = fb::CodeRejection::wrong}, {Rule::chl_5});
  });
}
/// Codes were sent to proof n, `times` of them just now.
inline Past codes_sent(std::size_t n, int times, const Id& window = {}) {
  return [=](Subject& subject) {
    for (int i = 0; i < times; ++i)
      subject.happened(send_code_to(subject.proof(n).id, Id{}, fb::Channel::sms, subject.context(), window));
  };
}
/// To one proof; twice that to the account.
inline Past codes_per_hour(std::int64_t allowed) {
  return under([allowed](Policy& policy) { policy.max_codes_per_hour = allowed; });
}

}  // namespace daicho::test
