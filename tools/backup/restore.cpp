#include "tools/backup/restore.hpp"

#include "tools/audit/verify.hpp"
#include "tools/backup/backup.hpp"
#include "tools/backup/later_erasures.hpp"
#include "tools/backup/restored_mark.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/log_files.hpp"
#include "tools/output.hpp"

#include "ledger/store_backup.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr const char* published_file = "checkpoint";
constexpr const char* verifier_file = "ledger.vkey";
constexpr std::array key_files = {"signing.key", "master.key"};

BackupRecord choose_backup(const RestoreOptions& options) {
  std::optional<BackupRecord> chosen;
  for (BackupRecord& record : read_backup_records(options.from)) {
    if (options.id ? record.id == *options.id : record.is_good) chosen = std::move(record);
  }
  if (!chosen) throw Failure(Exit::usage, options.from.string() + ": no such backup, or none that is good");
  if (!chosen->is_good) throw Failure(Exit::integrity, "backup " + std::to_string(chosen->id) + " is damaged");
  return *std::move(chosen);
}

void make_new_directory(const fs::path& directory) {
  std::error_code failed;
  if (fs::exists(directory, failed) && !(fs::is_directory(directory) && fs::is_empty(directory)))
    throw Failure(Exit::usage, directory.string() + " is there already: a backup is restored into a new directory");
  fs::create_directories(directory, failed);
  if (failed) throw Failure(Exit::usage, directory.string() + ": " + failed.message());
  fs::permissions(directory, fs::perms::owner_all, failed);
}

/// The mark first, so that whatever is there later cannot be written to.
Exit copy_backup(const RestoreOptions& options, const BackupRecord& backup) {
  write_mark(options.data, {{"backup", backup.id}});
  const auto backups = value_or_fail(BackupFolder::open(options.from, false));
  if (auto error = backups->restore(backup.id, options.data)) fail(*error);
  std::error_code ignored;
  fs::permissions(options.data / "store", fs::perms::owner_all, ignored);
  return Exit::done;
}

void remove_copy(const fs::path& directory) {
  std::error_code ignored;
  fs::remove_all(directory / "store", ignored);
  fs::remove(directory / published_file, ignored);
  if (has_mark(directory)) remove_mark(directory);
}

/// Tells the report when it is good, and prints it when it is not. The record's checkpoint counts as far as it is
/// signed: what it covers must be there.
Exit audit_copy(const RestoreOptions& options, const BackupRecord& backup, const Verifier& verifier, Format format,
                const Tell& tell) {
  const auto store = Store::open_folder(options.data / "store", backup.checkpoint);
  if (!store) fail(store.error());
  const AuditVerifyResult result = audit_store(
      {.store = **store, .verifier = verifier, .keys = options.data, .is_backup = true, .threads = options.threads});
  if (!result.is_clean) {
    print(result.report, format);
    return Exit::integrity;
  }
  tell(json_text(result.report));
  return Exit::done;
}

/// How much there is, by what the copy itself is signed for: a record is only what somebody wrote beside it.
Json take_from_report(const RestoreOptions& options, const BackupRecord& backup, const Json& report) {
  const Json held = {{"events", report["events"]}, {"checkpoint", report["checkpoint"]}};
  create_file(options.data / published_file, report["checkpoint"].get<std::string>(), 0600);
  add_to_mark(options.data, held);
  Json shown = {{"restored", backup.id},
                {"events", report["events"]},
                {"last_time", report["last_time"]},
                {"checkpoint", report["checkpoint"]}};
  if (report.contains("warnings")) shown["warnings"] = report["warnings"];
  if (backup.checkpoint != report["checkpoint"] || backup.events != report["events"])
    shown["warnings"].push_back("the record of this backup is not what was written when it was taken: it says " +
                                std::to_string(backup.events) + " events; what the backup is signed for counts");
  return shown;
}

/// Newer backups of the folder know of it without being asked.
std::vector<ErasureSource> erasure_sources(const RestoreOptions& options, const BackupRecord& backup) {
  std::vector<ErasureSource> sources;
  for (const BackupRecord& record : read_backup_records(options.from)) {
    if (record.id > backup.id) sources.push_back({options.from, record.id, false});
  }
  for (const fs::path& path : options.erasures) sources.push_back({path});
  return sources;
}

/// What was erased since the backup is erased here, down to the files.
Exit erase_in_copy(const RestoreOptions& options, const LaterErasures& later, const Tell& tell) {
  const auto store = value_or_fail(Store::open(options.data, Store::Mode::write));
  const auto prefixes = withhold(*store, not_yet_erased(*store, later.found));
  if (!prefixes.empty()) {
    if (auto error = store->purge(prefixes)) fail(*error);
  }
  tell(accounts_of(value_or_fail(pending_erasures(*store))).dump());
  return Exit::done;
}

Exit apply_erasures(const RestoreOptions& options, const BackupRecord& backup, const Verifier& verifier, Json& shown) {
  const LaterErasures later = collect_erasures(options.data / "store", verifier, erasure_sources(options, backup));
  const Isolated erased = run_isolated_telling([&](const Tell& tell) { return erase_in_copy(options, later, tell); });
  if (erased.exit != Exit::done) return erased.exit.value_or(Exit::integrity);
  const std::uint64_t known_to = std::max(later.known_to, shown["events"].get<std::uint64_t>());
  add_to_mark(options.data, {{"erasures_known_to", known_to}});
  shown["erased"] = Json::parse(erased.told);
  shown["erasures_known_to"] = known_to;
  if (!later.sources.empty()) shown["erasures_from"] = later.sources;
  return Exit::done;
}

/// All but the file that makes it a ledger's directory.
Exit make_copy(const RestoreOptions& options, const BackupRecord& backup, const Verifier& verifier, Format format,
               Json& shown) {
  const auto copied = run_isolated([&] { return copy_backup(options, backup); });
  if (copied && *copied != Exit::done) return *copied;
  Isolated audited;
  if (copied) {
    audited =
        run_isolated_telling([&](const Tell& tell) { return audit_copy(options, backup, verifier, format, tell); });
  }
  if (!audited.exit) throw Failure(Exit::integrity, "a reader of the backup was ended by a signal: it is damaged");
  if (*audited.exit != Exit::done) return *audited.exit;
  shown = take_from_report(options, backup, Json::parse(audited.told));
  return apply_erasures(options, backup, verifier, shown);
}

}  // namespace

Exit restore_ledger(const RestoreOptions& options, Format format) {
  const Verifier verifier = first_verifier(options.from, options.vkey);
  const DirectoryLock source(options.from);
  const BackupRecord backup = choose_backup(options);
  make_new_directory(options.data);
  Json shown;
  try {
    const Exit code = make_copy(options, backup, verifier, format, shown);
    if (code != Exit::done) {
      remove_copy(options.data);
      return code;
    }
  } catch (...) {
    remove_copy(options.data);
    throw;
  }
  create_file(options.data / verifier_file, verifier.vkey() + "\n", 0644);  // from here on it is a ledger's directory
  shown["missing_files"] = key_files;
  shown["next"] =
      "put signing.key and master.key in; the ledger opens to read only until `daicho restore --accept`, given with "
      "--seen every checkpoint that a witness, an auditor or the lost directory has, and with --erasures whatever "
      "knows of accounts that were closed from event " +
      shown["erasures_known_to"].dump() + " on";
  print(shown, format);
  return Exit::done;
}

}  // namespace daicho
