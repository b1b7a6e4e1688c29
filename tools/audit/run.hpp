// tools/audit/run.hpp — one run of `audit verify`: holds the log to what the auditor saw before, reads it in a process
// of its own, says what happened to a log that is violated, and remembers where an intact one ended.
#pragma once

#include "tools/audit/verify.hpp"
#include "tools/failure.hpp"
#include "tools/output.hpp"

namespace daicho {

struct AuditRun {
  AuditVerifyOptions audit;
  std::filesystem::path since;   ///< a checkpoint that the log must extend
  std::filesystem::path state;   ///< the same, and it is made, or replaced by the newest one, when the log is intact
  std::filesystem::path report;  ///< the answer as JSON (docs/audit-report.schema.json)
};
/// Exit 3: violated; then the checkpoint of the log that contradicts the one seen before is kept beside `state`. Exit 4
/// with result `no answer`: nothing can be read of a log that was seen before. Call it while this process has one
/// thread.
Exit run_audit(const AuditRun& run, Format format);

}  // namespace daicho
