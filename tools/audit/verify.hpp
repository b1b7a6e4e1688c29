// tools/audit/verify.hpp — `audit verify` and `replay`: the whole log re-read, and the projections computed anew from
// it.
#pragma once

#include <filesystem>

#include "commands/decision.hpp"
#include "ledger/audit.hpp"
#include "ledger/store.hpp"

namespace daicho {

struct AuditVerifyOptions {
  std::filesystem::path directory;  ///< of a ledger, or of an export
  unsigned threads = 0;
  std::vector<Verifier> keys = {};  ///< the first one, trusted from elsewhere instead of the directory's ledger.vkey
  AuditDepth depth = AuditDepth::projections;
  std::vector<KnownCheckpoint> known = {};  ///< the log must have their history
  std::filesystem::path copy = {};          ///< a ledger or an export of the same log, to tell byte differences by
};
struct AuditVerifyResult {
  Json report;
  bool is_clean = false;
  std::optional<Finding> finding = std::nullopt;  ///< the first
};
/// Opens the ledger to read, beside a writer if there is one. Works without the master key, and on an export, and says
/// what that leaves out.
AuditVerifyResult audit_verify(const AuditVerifyOptions& options);
/// Adds to the report of a log that was found violated what happened to it: ledger/damage.hpp.
void explain_violation(const AuditVerifyOptions& options, AuditVerifyResult& result);

struct AuditedStore {
  const Store& store;
  const Verifier& verifier;  ///< the first
  /// Where the master key is looked for.
  const std::filesystem::path& keys;
  bool is_backup = false;  ///< the master key may have been rotated since: another one is noted, not a failure
  unsigned threads = 0;
  AuditDepth depth = AuditDepth::projections;
  std::vector<KnownCheckpoint> known = {};
  std::string trouble = {};  ///< why it could only be opened to salvage
  std::function<void(const Event& event, const Hash& leaf)> on_event = nullptr;
};
/// The same of a store that is open, wherever it lies: a backup.
AuditVerifyResult audit_store(const AuditedStore& audited);
/// The result for a store that cannot even be opened.
AuditVerifyResult unreadable_store(const std::string& found);

/// Folds the log and compares with the stored rows; with `rebuild`, puts what the events give in their place.
AuditVerifyResult replay_ledger(const std::filesystem::path& directory, bool rebuild);

}  // namespace daicho
