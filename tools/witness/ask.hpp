// tools/witness/ask.hpp — a ledger and its witnesses: asking them for cosignatures of the newest checkpoint, and the
// checkpoint that is handed to auditors.
#pragma once

#include <chrono>
#include <filesystem>

#include "commands/decision.hpp"
#include "ledger/tlog_policy.hpp"
#include "tools/failure.hpp"

namespace daicho {

struct CheckpointReport {
  Json json;
  Exit exit = Exit::done;  ///< unavailable: the policy is not met; integrity: a witness has proof of another history
};

/// Asks beside a writer, if there is one; only storing what was answered needs the writer's place, for one write. A
/// Failure `unavailable` when it is taken.
CheckpointReport ask_for_cosignatures(const std::filesystem::path& directory, const TlogPolicy& policy,
                                      std::chrono::milliseconds time);

/// The newest checkpoint; with a policy, the newest that meets it, or else the newest with what it lacks.
CheckpointReport checkpoint_for_auditors(const std::filesystem::path& directory,
                                         const std::optional<TlogPolicy>& policy);

}  // namespace daicho
