// commands/challenge_answers.hpp — passing a challenge: with a code that was sent, an app's code, a secret answer or
// the recovery code (R-CHL-5, R-CHL-9, R-PRF-9). Each factor has one budget of wrong guesses (guesses.hpp).
#pragma once

#include "commands/challenges.hpp"

namespace daicho {

struct SubmitCode {
  Id challenge;
  std::string code;
  std::optional<Id> proof;  ///< an authenticator app, when the account has several or a code was sent, too
};
struct AnswerSecretQuestion {
  Id challenge;
  Id proof;
  std::string answer;
  Verdict verdict = Verdict::not_asked;  ///< of Argon2id, filled in by the executor
};
struct UseRecoveryCode {
  Id challenge;
  std::string code;
};

Decision decide(const Account& account, const SubmitCode& command, const Context& context);
Decision decide(const Account& account, const AnswerSecretQuestion& command, const Context& context);
Decision decide(const Account& account, const UseRecoveryCode& command, const Context& context);

/// Judges what came back for the code or link a proof waits for: nullopt when right, else the refusal and its record.
std::optional<Decision> check_code(const Account& account, const Proof* proof, const Id& challenge, bool is_link,
                                   std::string_view attempt, const Context& context);

/// Judges an app's code. Each time step counts once: `step` is the one it belongs to (RFC 6238 section 5.2).
std::optional<Decision> check_totp(const Account& account, const Proof& proof, const Id& challenge,
                                   std::string_view totp, const Context& context, std::uint64_t& step);

/// Judges a recovery code; `challenge` all zero while marking proofs lost (R-LOST-2).
std::optional<Decision> check_recovery_code(const Account& account, const Id& challenge, std::string_view attempt,
                                            Rule rule, const Context& context);

/// ProofVerified, and the end of the proof that it replaces (R-PRF-1, R-PRF-6).
void append_verification(Decision& decision, const Account& account, const Proof& proof, std::uint64_t totp_step,
                         const Context& context);
/// ProofRemoved, told to every proof, the removed one too (R-PRF-7).
Draft removal(const Account& account, const Proof& proof, const Context& context);

}  // namespace daicho
