// tools/audit/proofs.hpp — `export tiles`, and proofs that stand alone: `audit prove`, `account`, `consistency`,
// `check`.
#pragma once

#include <filesystem>

#include "commands/decision.hpp"
#include "ledger/tlog_policy.hpp"

namespace daicho {

Json export_log(const std::filesystem::path& directory, const std::filesystem::path& folder);

struct ProofFile {
  std::string content;  ///< ledger/tlog_proof.hpp; of consistency: the body that a witness takes, ledger/witness.hpp
  Json summary;
};
/// Of the event at `position`, up to the log's newest checkpoint. Verified before it is returned.
ProofFile prove_event(const std::filesystem::path& directory, std::uint64_t position,
                      const std::vector<Verifier>& keys);
/// All events of an account up to its last one in the newest checkpoint. `account`: an id.
ProofFile prove_account(const std::filesystem::path& directory, const Id& account, const std::vector<Verifier>& keys);
/// From an earlier checkpoint, a signed note, to `to` (a note; nullopt: the log's newest).
ProofFile prove_consistency(const std::filesystem::path& directory, const std::string& from,
                            const std::optional<std::string>& to, const std::vector<Verifier>& keys);

struct CheckOptions {
  std::vector<Verifier> keys;        ///< of the log: its first verifier, and later ones that it was rotated to
  std::optional<TlogPolicy> policy;  ///< adds its keys, and says which witnesses must have cosigned
  std::optional<std::string> since;  ///< for a consistency proof: the earlier checkpoint
};
/// Offline: nothing but the file and the keys. A `Failure` with exit code 3 when it does not show what it says, or the
/// policy is not met.
Json check_proof(const std::string& file, CheckOptions options);

}  // namespace daicho
