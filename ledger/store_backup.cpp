// docs/decisions/0018-backup-and-restore.md.
#include "ledger/store_backup.hpp"

#include <rocksdb/utilities/backup_engine.h>

#include "ledger/store_options.hpp"

namespace daicho {
namespace {

constexpr int copy_threads = 2;

struct OpenImage {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  ~OpenImage() {
    for (auto* const handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
};

rocksdb::Status open_image(const std::string& path, OpenImage& image) {
  const auto options = store_db_options(Store::Mode::read, nullptr);
  std::vector<std::string> names;
  if (auto listed = rocksdb::DB::ListColumnFamilies(options, path, &names); !listed.ok()) return listed;
  const auto cache = make_block_cache();
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, store_family_options(name, cache));
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(options, path, families, &image.handles, &db);
  image.db.reset(db);
  return status;
}

}  // namespace

struct BackupFolder::Impl {
  std::unique_ptr<rocksdb::BackupEngine> engine;
};

BackupFolder::BackupFolder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BackupFolder::~BackupFolder() = default;

Result<std::unique_ptr<BackupFolder>, StoreError> BackupFolder::open(const std::filesystem::path& folder, bool create) {
  std::error_code ignored;  // what cannot be made shows when the engine opens it
  if (create) std::filesystem::create_directories(folder, ignored);
  if (!create && !std::filesystem::is_directory(folder / "meta", ignored))
    return Unexpected{StoreError{StoreFault::not_found, folder.string() + ": no backups here"}};
  rocksdb::BackupEngineOptions options(folder.string());
  options.max_background_operations = copy_threads;
  rocksdb::BackupEngine* engine = nullptr;
  const auto status = rocksdb::BackupEngine::Open(options, rocksdb::Env::Default(), &engine);
  auto impl = std::make_unique<Impl>();
  impl->engine.reset(engine);
  if (!status.ok()) return Unexpected{store_error(status)};
  return std::unique_ptr<BackupFolder>(new BackupFolder(std::move(impl)));
}

Result<BackupId, StoreError> BackupFolder::add(const std::filesystem::path& path) {
  OpenImage image;
  if (const auto status = open_image(path.string(), image); !status.ok()) return Unexpected{store_error(status)};
  BackupId id = 0;
  const auto status = impl_->engine->CreateNewBackup(rocksdb::CreateBackupOptions(), image.db.get(), &id);
  if (!status.ok()) return Unexpected{store_error(status)};
  return id;
}

std::vector<BackupEntry> BackupFolder::entries() const {
  std::vector<rocksdb::BackupInfo> good;
  std::vector<BackupId> damaged;
  impl_->engine->GetBackupInfo(&good);
  impl_->engine->GetCorruptedBackups(&damaged);
  std::vector<BackupEntry> entries;
  for (const auto& info : good) entries.push_back({info.backup_id, info.size, info.number_files});
  for (const BackupId id : damaged) entries.push_back({.id = id, .is_damaged = true});
  std::ranges::sort(entries, {}, &BackupEntry::id);
  return entries;
}

std::optional<StoreError> BackupFolder::verify_files(BackupId id) const {
  const auto status = impl_->engine->VerifyBackup(id, true);
  return status.ok() ? std::nullopt : std::optional(store_error(status));
}

Result<std::unique_ptr<Store>, StoreError> BackupFolder::open_store(BackupId id,
                                                                    std::optional<std::string> published) const {
  rocksdb::BackupInfo info;
  const auto status = impl_->engine->GetBackupInfo(id, &info, true);
  if (!status.ok()) return Unexpected{store_error(status)};
  return Store::open_folder(info.name_for_open, std::move(published), info.env_for_open.get());
}

std::optional<StoreError> BackupFolder::restore(BackupId id, const std::filesystem::path& directory) const {
  const std::string path = (directory / "store").string();
  const auto status = impl_->engine->RestoreDBFromBackup(id, path, path);
  return status.ok() ? std::nullopt : std::optional(store_error(status));
}

std::optional<StoreError> BackupFolder::remove(BackupId id) {
  const auto status = impl_->engine->DeleteBackup(id);
  return status.ok() ? std::nullopt : std::optional(store_error(status));
}

}  // namespace daicho
