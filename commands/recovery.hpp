// commands/recovery.hpp — submissions of the recovery form and their limit (R-REC-2…5, R-REC-7). Sources: documents
// 000, 002.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t answer_values_max = 10;  ///< of one field
inline constexpr std::size_t answer_value_bytes_max = 256;

struct RecoveryAnswer {
  std::string field;
  std::vector<std::string> values;
  bool not_registered = false;
};
struct SubmitRecovery {
  std::string contact_address;
  std::vector<RecoveryAnswer> answers;
  std::optional<std::string> device_id, location;
};

/// The form's fields (R-REC-5).
std::span<const std::string_view> recovery_fields();

Decision decide(const Account& account, const SubmitRecovery& command, const Context& context);

}  // namespace daicho
