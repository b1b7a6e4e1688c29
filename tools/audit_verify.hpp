// tools/audit_verify.hpp — `audit verify` and `replay`: the whole log re-read, and the projections computed anew from
// it.
#pragma once

#include <filesystem>

#include "commands/decision.hpp"
#include "ledger/signing.hpp"

namespace daicho {

struct AuditVerifyOptions {
  std::filesystem::path directory;  ///< of a ledger, or of an export
  unsigned threads = 0;
  std::vector<Verifier> keys;  ///< the first one, trusted from elsewhere instead of the directory's ledger.vkey
};
struct AuditVerifyResult {
  Json report;
  bool is_clean = false;
};
/// Opens the ledger to read, beside a writer if there is one. Works without the master key, and on an export, and says
/// what that leaves out.
AuditVerifyResult audit_verify(const AuditVerifyOptions& options);
/// The result for a store that cannot even be opened.
AuditVerifyResult unreadable_store(const std::string& found);

/// Folds the log and compares with the stored rows; with `rebuild`, puts what the events give in their place.
AuditVerifyResult replay_ledger(const std::filesystem::path& directory, bool rebuild);

}  // namespace daicho
