// ledger/store_backup.hpp — a folder of backups of one store, kept by RocksDB's BackupEngine: table files are shared
// between backups and copied once. Says nothing of whether a backup is good: its caller audits it
// (tools/backup/backup.hpp). One process at a time writes a folder; its caller holds a lock. One thread.
#pragma once

#include "ledger/store.hpp"

namespace daicho {

using BackupId = std::uint32_t;

struct BackupEntry {
  BackupId id = 0;
  std::uint64_t bytes = 0;  ///< of all its files, shared ones included
  std::uint32_t files = 0;
  bool is_damaged = false;  ///< a file is missing or of another size; bytes and files are 0
};

class BackupFolder {
 public:
  /// `create`: makes the folder when it is missing. Else a folder without backups is `not_found`.
  static Result<std::unique_ptr<BackupFolder>, StoreError> open(const std::filesystem::path& folder, bool create);
  ~BackupFolder();

  /// A new backup of a store that nobody changes meanwhile: an image (ledger/store_image.hpp). Synced when it returns.
  Result<BackupId, StoreError> add(const std::filesystem::path& image);
  std::vector<BackupEntry> entries() const;  ///< oldest first
  /// Every file against the checksum taken when it was copied.
  std::optional<StoreError> verify_files(BackupId id) const;
  /// Opens a backup to read it where it lies. `published`: the checkpoint that it must cover. The folder outlives it.
  Result<std::unique_ptr<Store>, StoreError> open_store(BackupId id, std::optional<std::string> published) const;
  /// Copies it into the directory of a ledger to be, which holds no store. Synced when it returns.
  std::optional<StoreError> restore(BackupId id, const std::filesystem::path& directory) const;
  std::optional<StoreError> remove(BackupId id);

 private:
  struct Impl;
  explicit BackupFolder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
