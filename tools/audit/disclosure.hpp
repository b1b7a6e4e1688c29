// tools/audit/disclosure.hpp — single events opened for a third party (docs/disclosure.md): `audit disclose`,
// `audit check-disclosure`.
#pragma once

#include "tools/audit/proofs.hpp"

namespace daicho {

struct DiscloseOptions {
  std::filesystem::path directory;
  std::vector<Position> positions;
  std::string reason, case_number, investigator;  ///< as of record-access
  std::string service = "local";
  bool with_secrets = false;
  std::optional<Time> at;            ///< on a simulated clock
  std::optional<TlogPolicy> policy;  ///< the newest checkpoint that meets it is given, else the newest
};
/// Records the access first, an AccessRecorded on each account whose sealed parts are opened: it needs the ledger's one
/// writer's place. A Failure `refused` when a rule says no, or an event's key was erased: then nothing comes of it but
/// what was recorded on accounts before that one. The content holds keys and personal data: wipe it.
ProofFile disclose_events(const DiscloseOptions& options);

/// Offline: nothing but the file, the log's first verifier, and the policy if there is one. A Failure with exit code 3
/// that begins with the name of the check that does not hold (DisclosureCheck, or `policy`).
Json check_disclosure_file(const std::string& file, const Verifier& first, std::optional<TlogPolicy> policy);

}  // namespace daicho
