// tests/support/commands_random.hpp — random but repeatable lives of a few accounts, with time jumps of minutes to
// weeks.
#pragma once

#include <random>

#include "tests/support/commands_ledger.hpp"

namespace daicho::test {

class RandomLife {
 public:
  RandomLife(MemoryLedger& ledger, std::uint64_t seed) : ledger_(ledger), random_(seed) {}
  /// One command, tick or jump in time. A fault fails the test.
  void step();
  /// How often each outcome came, without its events.
  const std::map<std::string, int>& outcomes() const { return outcomes_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  Command any_command(const Id& account);
  Command challenge_command(const Account& account);
  Command proof_command(const Account& account);
  Command window_command(const Account& account);
  Command other_command(const Account& account);
  NewProof any_proof();
  Id any_challenge(const Account& account);
  Id any_proof_of(const Account& account);
  std::string code_of(const Account& account, const Proof& proof);

  MemoryLedger& ledger_;
  std::mt19937_64 random_;
  std::vector<Id> accounts_;
  std::size_t current_ = 0;                            // of accounts_: who acts mostly
  std::map<Id, std::string> tokens_, recovery_codes_;  // of opener and of recovery, by account
  std::map<std::string, int> outcomes_;
};

}  // namespace daicho::test
