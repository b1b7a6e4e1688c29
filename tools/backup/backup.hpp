// tools/backup/backup.hpp — `daicho backup`: a folder of backups of one ledger, each audited before it is called one.
//
//   TO/ledger.vkey    the first verifier: whose backups these are
//   TO/records/ID     written when backup ID was audited: what it covers, or that it is damaged. Without one: no backup
//   TO/meta, private, shared_checksum   RocksDB's BackupEngine (ledger/store_backup.hpp)
//
// Neither signing.key nor master.key is ever in it. Every audit and copy runs in a process of its own, for damaged
// files may end the one that reads them: call these while this process has one thread.
#pragma once

#include <filesystem>

#include "tools/failure.hpp"
#include "tools/output.hpp"

namespace daicho {

struct BackupOptions {
  std::filesystem::path data, to;
  std::optional<unsigned> keep;  ///< afterwards only so many good ones are kept
  unsigned threads = 0;          ///< of the audit
};
/// Beside a writer, or without one. Prints what was taken, or what the audit found; then there is no backup.
Exit take_backup(const BackupOptions& options, Format format);

/// What the records say; nothing is read anew.
Json list_backups(const std::filesystem::path& folder);

struct BackupVerifyOptions {
  std::filesystem::path folder;
  std::optional<unsigned> id;       ///< absent: all
  std::optional<std::string> vkey;  ///< trusted from elsewhere instead of the folder's own
  std::filesystem::path keys = {};  ///< where master.key is looked for
  unsigned threads = 0;
};
/// Audits backups anew; one that fails is on record as damaged from then on. A line for each.
Exit verify_backups(const BackupVerifyOptions& options, Format format);

/// Removes all but the newest `keep` good ones; damaged ones stay until they are removed by hand.
Exit prune_backups(const std::filesystem::path& folder, unsigned keep, Format format);

/// Held while a process works on a directory; another one is told to try later.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int file_;
};

/// One backup as its record says.
struct BackupRecord {
  unsigned id = 0;
  bool is_good = false;
  std::uint64_t events = 0;
  std::string checkpoint;  ///< the newest signed note in it
  Json json;
};
std::vector<BackupRecord> read_backup_records(const std::filesystem::path& folder);  ///< oldest first

}  // namespace daicho
