#include "tools/backup/backup.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "ledger/files.hpp"
#include "ledger/store_backup.hpp"
#include "ledger/store_image.hpp"
#include "tools/audit/verify.hpp"
#include "tools/json_fields.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr const char* verifier_file = "ledger.vkey";
constexpr const char* records_folder = "records";
constexpr const char* image_folder = "backup.image";  // beside the store: table files are linked into it

fs::path record_path(const fs::path& folder, unsigned id) { return folder / records_folder / std::to_string(id); }

/// Over an earlier record, at once or not at all.
void write_record(const fs::path& folder, unsigned id, const Json& record) {
  if (const auto error = replace_file_durably(record_path(folder, id), record.dump() + "\n", 0600)) fail(*error);
}

/// The folder's own verifier; the first backup writes it, and may have been ended while it did.
Verifier claim_folder(const fs::path& folder, const Verifier& ledger) {
  if (!fs::exists(folder / verifier_file)) {
    const bool is_new = std::ranges::all_of(fs::directory_iterator(folder), [](const fs::directory_entry& entry) {
      return entry.path().filename().string().starts_with(verifier_file);
    });
    if (!is_new) throw Failure(Exit::usage, folder.string() + ": not empty, and no folder of backups");
    if (const auto error = replace_file_durably(folder / verifier_file, ledger.vkey() + "\n", 0644)) fail(*error);
  }
  const Verifier owner = read_verifier(folder);
  if (owner != ledger)
    throw Failure(Exit::usage, folder.string() + ": holds backups of another ledger, " + owner.vkey());
  return owner;
}

std::unique_ptr<BackupFolder> open_folder(const fs::path& folder, bool create = false) {
  return value_or_fail(BackupFolder::open(folder, create));
}

/// What an interrupted run left, or what did not pass its audit: not a backup.
void remove_unrecorded(BackupFolder& backups, const fs::path& folder) {
  for (const BackupEntry& entry : backups.entries()) {
    if (fs::exists(record_path(folder, entry.id))) continue;
    if (auto error = backups.remove(entry.id)) fail(*error);
  }
}

void add_backup(const BackupOptions& options) {
  const fs::path image = options.data / image_folder;
  if (auto error = take_store_image(options.data / "store", image)) fail(*error);
  const auto backups = open_folder(options.to, true);
  remove_unrecorded(*backups, options.to);
  const auto id = backups->add(image);
  std::error_code ignored;
  fs::remove_all(image, ignored);
  if (!id) fail(id.error());
}

struct Audited {
  unsigned id;
  const Verifier& verifier;
  std::optional<std::string> published;  ///< what it must cover
  const fs::path& keys;
  unsigned threads;
};

/// Every file against its checksum, then the log as `audit verify` has it.
AuditVerifyResult audit_backup(const BackupFolder& backups, const Audited& what) {
  if (const auto error = backups.verify_files(what.id)) return unreadable_store(error->detail);
  const auto store = backups.open_store(what.id, what.published);
  if (!store) return unreadable_store(store.error().detail);
  return audit_store(
      {.store = **store, .verifier = what.verifier, .keys = what.keys, .is_backup = true, .threads = what.threads});
}

Json record_of(const AuditVerifyResult& result) {
  Json record = {{"status", result.is_clean ? "good" : "damaged"}, {"audited_at", to_rfc3339(system_time())}};
  for (const char* member : {"events", "last_time", "checkpoint", "finding"}) {
    if (result.report.contains(member)) record[member] = result.report[member];
  }
  return record;
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code gone;
  for (fs::recursive_directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone)) {
    if (at->is_regular_file()) bytes += at->file_size();
  }
  return bytes;
}

/// Audits the one backup without a record, and writes its record when it passes.
Exit audit_newest(const BackupOptions& options, const Verifier& verifier, const std::optional<std::string>& published,
                  std::uint64_t bytes_before, Format format) {
  const auto backups = open_folder(options.to);
  const auto entries = backups->entries();
  if (entries.empty()) throw Failure(Exit::integrity, options.to.string() + ": the backup just taken is not there");
  const BackupEntry& newest = entries.back();
  const AuditVerifyResult result =
      audit_backup(*backups, {newest.id, verifier, published, options.data, options.threads});
  Json shown = {{"backup", newest.id}};
  shown.update(record_of(result));
  if (!result.is_clean) {
    shown["status"] = "not a backup: its audit found the ledger, or the folder's earlier files, changed";
    print(shown, format);
    return Exit::integrity;
  }
  write_record(options.to, newest.id, record_of(result));
  shown["files"] = newest.files;
  shown["bytes"] = newest.bytes;
  shown["bytes_copied"] = bytes_in(options.to) - std::min(bytes_before, bytes_in(options.to));
  shown["not_in_it"] = {"signing.key", "master.key"};
  if (result.report.contains("warnings")) shown["warnings"] = result.report["warnings"];
  print(shown, format);
  return Exit::done;
}

/// In a process of its own; one that was ended by a signal met damaged files.
Exit isolated(const std::function<Exit()>& step, const char* what) {
  const auto code = run_isolated(step);
  if (!code) throw Failure(Exit::integrity, std::string(what) + " was ended by a signal: damaged files");
  return *code;
}

void prune(const fs::path& folder, unsigned keep, std::vector<unsigned>& removed) {
  const auto backups = open_folder(folder);
  std::vector<unsigned> good;
  for (const BackupRecord& record : read_backup_records(folder)) {
    if (record.is_good) good.push_back(record.id);
  }
  for (std::size_t i = 0; i + keep < good.size(); ++i) {
    remove_file(record_path(folder, good[i]));  // first: from here on it is none
    if (auto error = backups->remove(good[i])) fail(*error);
    removed.push_back(good[i]);
  }
}

}  // namespace

DirectoryLock::DirectoryLock(const fs::path& directory)
    : file_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (file_ < 0) throw Failure(Exit::usage, directory.string() + ": " + std::strerror(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(file_);
  throw Failure(Exit::unavailable, directory.string() + ": another backup, restore or change of keys is at work here");
}

DirectoryLock::~DirectoryLock() { ::close(file_); }

std::vector<BackupRecord> read_backup_records(const fs::path& folder) {
  std::vector<BackupRecord> records;
  std::error_code none;
  for (fs::directory_iterator at(folder / records_folder, none), end; !none && at != end; at.increment(none)) {
    const std::string name = at->path().filename().string();
    BackupRecord record;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), record.id);
    if (error != std::errc{} || rest != name.data() + name.size()) continue;  // a draft
    record.json = Json::parse(read_file(at->path()).value_or(""), nullptr, false);
    const auto text = [&](const char* member) {
      return record.json.is_object() && record.json.contains(member) && record.json[member].is_string()
                 ? record.json[member].get<std::string>()
                 : "";
    };
    record.checkpoint = text("checkpoint");
    const bool has_events =
        record.json.is_object() && record.json.contains("events") && record.json["events"].is_number_unsigned();
    if (has_events) record.events = record.json["events"].get<std::uint64_t>();
    record.is_good = text("status") == "good" && has_events && !record.checkpoint.empty();
    records.push_back(std::move(record));
  }
  std::ranges::sort(records, {}, &BackupRecord::id);
  return records;
}

Exit take_backup(const BackupOptions& options, Format format) {
  const Verifier verifier = read_verifier(options.data);
  std::error_code failed;
  fs::create_directories(options.to, failed);
  if (failed) throw Failure(Exit::usage, options.to.string() + ": " + failed.message());
  if (fs::equivalent(options.to, options.data, failed))
    throw Failure(Exit::usage, options.to.string() + ": the ledger's own directory");
  const DirectoryLock source(options.data), target(options.to);
  claim_folder(options.to, verifier);
  const auto published = read_file(options.data / "checkpoint");  // before the image, which must cover as much
  const std::uint64_t bytes_before = bytes_in(options.to);
  const Exit taken = isolated(
      [&] {
        add_backup(options);
        return Exit::done;
      },
      "the copying");
  if (taken != Exit::done) return taken;
  const auto audited = run_isolated([&] { return audit_newest(options, verifier, published, bytes_before, format); });
  if (audited != Exit::done) {
    isolated(
        [&] {
          remove_unrecorded(*open_folder(options.to), options.to);
          return Exit::done;
        },
        "the removal of what is no backup");
    if (!audited) throw Failure(Exit::integrity, "the audit of the backup was ended by a signal: it is not one");
    return *audited;
  }
  if (!options.keep) return Exit::done;
  return isolated(
      [&] {
        std::vector<unsigned> removed;
        prune(options.to, *options.keep, removed);
        return Exit::done;
      },
      "the removal of old backups");
}

Json list_backups(const fs::path& folder) {
  const Verifier verifier = read_verifier(folder);
  Json backups = Json::array();
  for (const BackupRecord& record : read_backup_records(folder)) {
    Json shown = {{"backup", record.id}, {"status", record.is_good ? "good" : "damaged"}};
    if (record.json.is_object()) {
      for (const auto& [name, value] : record.json.items()) {
        if (name != "status") shown[name] = value;
      }
    }
    backups.push_back(std::move(shown));
  }
  return {{"vkey", verifier.vkey()}, {"backups", std::move(backups)}};
}

Exit verify_backups(const BackupVerifyOptions& options, Format format) {
  const Verifier verifier = first_verifier(options.folder, options.vkey);
  const DirectoryLock lock(options.folder);
  std::vector<BackupRecord> records = read_backup_records(options.folder);
  if (options.id) std::erase_if(records, [&](const BackupRecord& record) { return record.id != *options.id; });
  if (records.empty()) throw Failure(Exit::usage, options.folder.string() + ": no such backup");
  Exit all = Exit::done;
  for (const BackupRecord& record : records) {
    const auto show = [&](const AuditVerifyResult& result) {
      Json shown = {{"backup", record.id}};
      shown.update(record_of(result));
      Json updated = result.is_clean || !record.json.is_object() ? Json::object() : record.json;
      updated.update(record_of(result));
      // What it must cover, as long as it does not: of a good one its own checkpoint is signed, and the record's is
      // not.
      if (!result.is_clean && !record.checkpoint.empty()) updated["checkpoint"] = record.checkpoint;
      if (result.is_clean && record.is_good && record.checkpoint != updated["checkpoint"])
        shown["record"] = "not as it was written: written anew";
      print_line(shown, format);
      write_record(options.folder, record.id, updated);
      return result.is_clean ? Exit::done : Exit::integrity;
    };
    const auto code = run_isolated([&] {
      const auto backups = open_folder(options.folder);
      const auto published = record.checkpoint.empty() ? std::nullopt : std::optional(record.checkpoint);
      return show(audit_backup(*backups, {record.id, verifier, published, options.keys, options.threads}));
    });
    const Exit one = code ? *code : show(unreadable_store("a reader that was ended by a signal"));
    if (one != Exit::done) all = one;
  }
  return all;
}

Exit prune_backups(const fs::path& folder, unsigned keep, Format format) {
  read_verifier(folder);
  const DirectoryLock lock(folder);
  std::vector<unsigned> removed;
  prune(folder, keep, removed);
  print({{"removed", removed}, {"kept", read_backup_records(folder).size()}}, format);
  return Exit::done;
}

}  // namespace daicho
