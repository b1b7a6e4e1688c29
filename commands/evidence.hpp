// commands/evidence.hpp — what other services observed about the account, kept as keyed hashes, used only to score
// recoveries (R-REC-5, R-REC-6).
#pragma once

#include "commands/recovery_matching.hpp"

namespace daicho {

inline constexpr std::size_t evidence_items_max = 100;  ///< of one command

struct RecordEvidence {
  struct Item {
    std::string kind;  ///< a field of the recovery form
    std::string value;
  };
  std::vector<Item> items;
};
Decision decide(const Account& account, const RecordEvidence& command, const Context& context);

}  // namespace daicho
