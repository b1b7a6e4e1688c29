// commands/recovery.hpp — the recovery form: submission and its daily limit, the decision by score, the survey
// (R-REC-1…10). Sources: documents 000, 002.
#pragma once

#include "commands/challenges.hpp"
#include "commands/recovery_matching.hpp"

namespace daicho {

struct SubmitRecovery {
  std::string contact_address;
  std::vector<RecoveryAnswer> answers;
  std::optional<std::string> device_id, location;
  std::optional<CharacterCheck> character_check;
  std::size_t passwords_matched = 0;  ///< how many answers were passwords of the account, filled in by the executor
};
struct DecideRecovery {
  Id recovery;
};
struct SendRecoverySurvey {
  Id recovery;
};

Decision decide(const Account& account, const SubmitRecovery& command, const Context& context);
/// The same submission, policy and ledger give the same outcome: nothing is asked of anybody.
Decision decide(const Account& account, const DecideRecovery& command, const Context& context);
Decision decide(const Account& account, const SendRecoverySurvey& command, const Context& context);

/// When the survey goes out: a day before the last day it may (R-REC-7).
Time survey_at(const Recovery& recovery, const Policy& policy);

}  // namespace daicho
