// tools/witness/client.hpp — asks the witnesses of a policy to cosign a checkpoint (c2sp.org/tlog-witness), all at
// once, each with its own deadline. Nothing that a witness says is believed before it is verified.
#pragma once

#include "ledger/tlog_policy.hpp"
#include "tools/http/client.hpp"

namespace daicho {

/// Consistency of two sizes of the asking log; nullopt when it cannot be made. Called by one thread at a time.
using ConsistencyProver =
    std::function<std::optional<std::vector<Hash>>(std::uint64_t old_size, std::uint64_t new_size)>;

enum class WitnessOutcome {
  cosigned,
  cosigned_before,  ///< its line is in the note already; it was not asked
  silent,           ///< no URL, no connection, no answer in time, or an error of its own
  refused,          ///< it does not know the log or its key, or takes the histories for two
  ahead,            ///< it cosigned a larger checkpoint of this origin
  lied,             ///< what it answered cannot be true, or is not its signature
};
const char* name(WitnessOutcome outcome);

struct WitnessReport {
  std::size_t witness = 0;  ///< in TlogPolicy::witnesses
  WitnessOutcome outcome = WitnessOutcome::silent;
  std::string words;
  std::optional<NoteSignature> cosignature;  ///< verified
  /// When it says no to the history: the newest checkpoint it cosigned of this origin, as it hands it out. Its own line
  /// is verified, the log's is not.
  std::optional<std::string> seen;
};

/// `note` is the log's checkpoint, with the lines it has so far. One report a witness, in the policy's order.
std::vector<WitnessReport> ask_witnesses(const TlogPolicy& policy, const std::string& note,
                                         const Checkpoint& checkpoint, const ConsistencyProver& prove,
                                         std::chrono::milliseconds time);

}  // namespace daicho
