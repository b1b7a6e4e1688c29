// commands/passwords.hpp — password rules and the reset (R-PWD-1…4). Hashing takes tens of milliseconds and is done
// before a decision, in a bounded pool; the decision sees only what came of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t password_bytes_max = 1'024;  ///< of UTF-8, before the policy's own limit in characters

/// A password as its owner chose it, entered twice.
struct NewPassword {
  std::string text, repeat;
  // Filled in before the last decision, because they take long.
  std::string verifier = {};  ///< Argon2id
  bool equals_current = false;
  fb::Grade grade = fb::Grade::none;  ///< none: the decision grades it itself
};

/// Bounded: at most `running_max` hashes at a time, `waiting_max` callers behind them, then `busy`.
class PasswordPool {
 public:
  explicit PasswordPool(unsigned running_max, unsigned waiting_max = 256);
  /// Argon2id in libsodium's text form; nullopt: the pool is full, or memory is.
  std::optional<std::string> hash(std::string_view password, std::int64_t passes, std::int64_t memory_kib);
  std::optional<bool> verify(std::string_view password, const std::string& verifier);

  struct Load {
    unsigned running = 0, waiting = 0;
  };
  Load load();

 private:
  class Turn;
  const unsigned running_max_, waiting_max_;
  std::mutex mutex_;
  std::condition_variable free_;
  unsigned running_ = 0, waiting_ = 0;
};

/// R-PWD-1 and, with the reason, why not; nullopt: good.
std::optional<Refusal> check_password(const NewPassword& password, const Policy& policy);
/// R-PWD-2: strong, acceptable, or weak (a word list finds it at once, or the account's own names are in it).
fb::Grade grade_password(std::string_view password, const Policy& policy, const std::vector<std::string>& own_names);

struct ResetPassword {
  std::optional<Id> challenge;
  std::optional<std::string> reset_token;
  NewPassword password;
};
struct ChangePassword {
  std::string current;
  NewPassword password;
  Verdict verdict = Verdict::not_asked;  ///< on `current`, filled in by the executor
};
Decision decide(const Account& account, const ResetPassword& command, const Context& context);
Decision decide(const Account& account, const ChangePassword& command, const Context& context);

/// Judges the current password given again (R-PWD-4, R-LIFE-1): nullopt when right, else the refusal and its record.
std::optional<Decision> check_current_password(const Account& account, Verdict verdict, Rule rule,
                                               const Context& context);

/// Graded with the account's own names, those it had before included.
fb::Grade grade(const Account& account, const NewPassword& password, const Context& context);

}  // namespace daicho
