// tests/support/commands_random.hpp — random but repeatable lives of a few accounts, with pauses of minutes to weeks;
// RapidCheck makes them and takes steps away while a property still fails.
#pragma once

#include <rapidcheck.h>

#include <random>

#include "tests/support/commands_ledger.hpp"

namespace daicho::test {

/// How the people of a life are.
struct Habits {
  std::uint64_t accounts_max = 5;
  std::uint64_t wrong_percent = 15;    ///< of what they type
  std::uint64_t pause_percent = 12;    ///< of their steps, before which time goes on
  std::uint64_t proving_percent = 20;  ///< of their steps, before which they pass a challenge, or try to
};

/// A life not lived yet. Each step follows from its own throw of the dice and from what happened so far, so that what
/// is left when some are taken away is a life, too.
struct LifePlan {
  Habits habits;
  std::vector<std::uint64_t> dice;
};
std::ostream& operator<<(std::ostream& out, const LifePlan& plan);
rc::Gen<LifePlan> life_plans();

class RandomLife {
 public:
  explicit RandomLife(MemoryLedger& ledger, const Habits& habits = {}) : ledger_(ledger), habits_(habits) {}

  /// What an account was asked, and what it answered.
  struct Step {
    Id account;
    Command command;
    Answer answer;
  };
  /// One command, tick or pause; nullopt: no command of one account. A fault fails the test.
  std::optional<Step> step(std::uint64_t dice);
  /// A command that this account may get next.
  Command any_command(std::uint64_t dice, const Id& account);

  const std::vector<Id>& accounts() const { return accounts_; }
  /// How often each outcome came, without its events.
  const std::map<std::string, int>& outcomes() const { return outcomes_; }
  /// Every step so far, a line each.
  const std::string& story() const { return story_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  bool is_wrong() { return chance(habits_.wrong_percent); }
  void pause();
  void adopt_policy();
  void add_account();
  void prove(const Id& account);
  void note(const std::string& who, std::string_view what, const std::string& outcome);
  Command any_command(const Id& account);
  Command challenge_command(const Account& account);
  Command code_command(const Account& account, const Id& challenge);
  Command answer_command(const Account& account, const Challenge* challenge);
  Command proof_command(const Account& account);
  Command trust_command(const Account& account);
  Command window_command(const Account& account);
  Command secret_command(const Account& account);
  Command other_command(const Account& account);
  NewProof any_proof();
  Id any_challenge(const Account& account);
  Id challenge_for(const Account& account, fb::Purpose purpose);
  Id any_proof_of(const Account& account);
  std::string confirmation_of(const Account& account, const Proof& proof);
  std::string code_of(const Account& account, const Proof& proof);

  MemoryLedger& ledger_;
  const Habits habits_;
  std::mt19937_64 random_;  // of the step that is being made
  std::vector<Id> accounts_;
  std::size_t current_ = 0;                                        // of accounts_: who acts mostly
  std::map<Id, std::string> tokens_, recovery_codes_, passwords_;  // an opener's, the last issued, the last set
  bool waits_out_ = false;                                         // the window that was just confirmed
  bool sends_again_ = false;                                       // the recovery form, in the hope of a better answer
  std::map<std::string, int> outcomes_;
  std::string story_;
};

/// Every event of a ledger, in order.
struct Journal {
  explicit Journal(const MemoryLedger& ledger);
  std::vector<std::string> envelopes;
  std::vector<Event> events;
};

/// Whether a property holds for a hundred lives. One that fails is told with its seed, the fewest steps that still make
/// it fail, and its story.
bool holds_in_lives(const std::string& what,
                    const std::function<void(MemoryLedger&, RandomLife&, const LifePlan&)>& property);
/// Fails the property, in these words, unless it holds.
void expect_in_life(const RandomLife& life, bool holds, const std::string& otherwise);

}  // namespace daicho::test
