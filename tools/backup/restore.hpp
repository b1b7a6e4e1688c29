// tools/backup/restore.hpp — `daicho restore`: a backup becomes a ledger's directory again, and a restored ledger
// writes again.
//
// A restored directory carries the file `restored` (tools/backup/restored_mark.hpp). While it is there the ledger opens
// to read only: going on from less history than somebody has seen would fork it. `restore --accept` takes the mark away
// and leaves the event RestoreAccepted. docs/decisions/0018-backup-and-restore.md. Accounts that were closed since are
// erased from the first moment on: docs/decisions/0028-restore-and-erasure.md.
#pragma once

#include <filesystem>

#include "tools/failure.hpp"
#include "tools/output.hpp"

namespace daicho {

struct RestoreOptions {
  std::filesystem::path from, data;  ///< `data` does not exist, or is empty
  std::optional<unsigned> id;        ///< absent: the newest good backup
  std::optional<std::string> vkey;   ///< trusted from elsewhere instead of the backups' own
  /// What knows of accounts that were closed since, beside newer backups of the folder:
  /// tools/backup/later_erasures.hpp.
  std::vector<std::filesystem::path> erasures = {};
  unsigned threads = 0;
};
/// Call it while this process has one thread.
Exit restore_ledger(const RestoreOptions& options, Format format);

struct AcceptOptions {
  std::filesystem::path data;
  std::vector<std::filesystem::path>
      seen;                        ///< checkpoints kept elsewhere: by a witness, an auditor, the lost directory
  std::vector<std::string> vkeys;  ///< of keys that signed them and whose rotation is among what is lost
  std::vector<std::filesystem::path> erasures = {};  ///< as with `restore`
  std::string reason;
  std::optional<Time> at;  ///< of a ledger with a simulated clock
  unsigned threads = 0;
};
/// Audits the directory, compares it with every checkpoint, says what is missing, appends the event, erases again what
/// was erased since, takes the mark away. Call it while this process has one thread.
Exit accept_restore(const AcceptOptions& options, Format format);

}  // namespace daicho
