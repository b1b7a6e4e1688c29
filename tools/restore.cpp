#include "tools/restore.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "ledger/key_history.hpp"
#include "ledger/merkle.hpp"
#include "ledger/store_backup.hpp"
#include "tools/audit_verify.hpp"
#include "tools/backup.hpp"
#include "tools/key_files.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr const char* mark_file = "restored";
constexpr const char* published_file = "checkpoint";
constexpr const char* verifier_file = "ledger.vkey";
constexpr std::array key_files = {"signing.key", "master.key"};

void write_mark(const fs::path& directory, Json mark) {
  std::array<std::uint8_t, 16> id;
  system_entropy()(id);
  mark["mark"] = to_hex(id);  // so that an interrupted --accept is finished, not done twice
  mark["at"] = to_rfc3339(system_time());
  create_file(directory / mark_file, mark.dump() + "\n", 0600);
}

Json read_mark(const fs::path& directory) {
  Json mark = Json::parse(read_file(directory / mark_file).value_or(""), nullptr, false);
  return mark.is_object() ? mark : Json::object();
}

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
  write_mark(options.data, {{"backup", backup.id}, {"events", backup.events}, {"checkpoint", backup.checkpoint}});
  const auto backups = value_or_fail(BackupFolder::open(options.from, false));
  if (auto error = backups->restore(backup.id, options.data)) fail(*error);
  create_file(options.data / published_file, backup.checkpoint, 0600);
  std::error_code ignored;
  fs::permissions(options.data / "store", fs::perms::owner_all, ignored);
  return Exit::done;
}

void remove_copy(const fs::path& directory) {
  std::error_code ignored;
  fs::remove_all(directory / "store", ignored);
  fs::remove(directory / published_file, ignored);
  fs::remove(directory / mark_file, ignored);
}

Exit audit_copy(const RestoreOptions& options, const BackupRecord& backup, const Verifier& verifier, Format format) {
  const auto store = Store::open(options.data, Store::Mode::read);
  if (!store) fail(store.error());
  const AuditVerifyResult result = audit_store(
      {.store = **store, .verifier = verifier, .keys = options.data, .is_backup = true, .threads = options.threads});
  if (!result.is_clean) {
    print(result.report, format);
    return Exit::integrity;
  }
  print({{"restored", backup.id},
         {"events", backup.events},
         {"last_time", result.report["last_time"]},
         {"checkpoint", backup.checkpoint},
         {"missing_files", key_files},
         {"next",
          "put signing.key and master.key in; the ledger opens to read only until `daicho restore --accept`, given "
          "with --seen every checkpoint that a witness, an auditor or the lost directory has"}},
        format);
  return Exit::done;
}

}  // namespace

void hold_back(const fs::path& directory, const std::string& seen) {
  const auto note = parse_note(seen);
  const auto checkpoint = note ? parse_checkpoint_text(note->text) : std::nullopt;
  if (!checkpoint) throw Failure(Exit::usage, "not a checkpoint");
  const fs::path kept = directory / (std::string(published_file) + "." + std::to_string(checkpoint->size));
  if (fs::exists(kept)) return;  // known already: the mark is there, or the loss was accepted
  if (!fs::exists(directory / mark_file)) write_mark(directory, {{"seen", checkpoint->size}});
  create_file(kept, seen, 0600);
}

std::optional<std::string> restored_mark_words(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::exists(directory / mark_file, ignored)) return std::nullopt;
  const Json mark = read_mark(directory);
  std::string what = "this directory was restored, and events after those it holds may have been seen elsewhere";
  if (mark.contains("backup") && mark.contains("events"))
    what = "this directory was restored from backup " + mark["backup"].dump() + " with " + mark["events"].dump() +
           " events, and events after them may have been seen elsewhere";
  if (mark.contains("seen"))
    what = "a witness has seen a checkpoint of " + mark["seen"].dump() + " events that this ledger does not have";
  return directory.string() + ": " + what +
         ": it opens to read only until `daicho restore --accept --data DIR --seen CHECKPOINT_FILE`";
}

Exit restore_ledger(const RestoreOptions& options, Format format) {
  const Verifier verifier = first_verifier(options.from, options.vkey);
  const DirectoryLock source(options.from);
  const BackupRecord backup = choose_backup(options);
  make_new_directory(options.data);
  const auto copied = run_isolated([&] { return copy_backup(options, backup); });
  auto code = copied;
  if (copied == Exit::done) code = run_isolated([&] { return audit_copy(options, backup, verifier, format); });
  if (code == Exit::done) {
    create_file(options.data / verifier_file, verifier.vkey() + "\n", 0644);  // from here on it is a ledger's directory
    return Exit::done;
  }
  remove_copy(options.data);
  if (!code) throw Failure(Exit::integrity, "a reader of the backup was ended by a signal: it is damaged");
  return *code;
}

namespace {

/// A checkpoint that somebody has kept, and where from.
struct Seen {
  Checkpoint checkpoint;
  std::string from;
  bool was_set_aside = false;  // by an --accept, this one's earlier try or one before
};

/// By a key of the log, or by one that is vouched for because its rotation is lost.
Checkpoint open_seen(const std::string& note, const std::string& from, const KeyHistory& keys,
                     const std::vector<Verifier>& vouched) {
  if (const auto opened = keys.open(note)) return *opened;
  for (const Verifier& verifier : vouched) {
    const auto opened = open_checkpoint(note, verifier);
    if (opened && verifier.name == keys.first().name) return *opened;
  }
  throw Failure(Exit::usage, from +
                                 ": no checkpoint that a key of this ledger signed; --vkey names a key whose "
                                 "rotation is among what is lost");
}

std::vector<Seen> collect_seen(const AcceptOptions& options, const KeyHistory& keys) {
  const auto vouched = parse_vkeys(options.vkeys);
  std::vector<Seen> all;
  for (const fs::path& file : options.seen) {
    const auto note = read_file(file);
    if (!note) throw Failure(Exit::usage, file.string() + ": cannot be read");
    all.push_back({open_seen(*note, file.string(), keys, vouched), file.string()});
  }
  for (const auto& entry : fs::directory_iterator(options.data)) {
    const std::string name = entry.path().filename().string();
    const bool was_set_aside = name.starts_with("checkpoint.");
    if (name != published_file && !was_set_aside) continue;
    const auto note = read_file(entry.path());
    if (note && parse_note(*note))  // else torn, as after a power loss
      all.push_back({open_seen(*note, name, keys, vouched), name, was_set_aside});
  }
  return all;
}

/// Drops what this event accepted as gone: the very checkpoint, or one set aside over no more than that.
void give_up(std::vector<Seen>& seen, const Event& event) {
  const auto* accepted = event.as<fb::RestoreAccepted>();
  if (!accepted || !accepted->known_root()) return;
  const Hash root = flatbuffers::UnPack(*accepted->known_root());
  std::erase_if(seen, [&](const Seen& each) {
    const std::uint64_t size = each.checkpoint.size;
    const bool is_the_one = size == accepted->known_size() && each.checkpoint.root == root;
    return size > accepted->size() && (is_the_one || (each.was_set_aside && size <= accepted->known_size()));
  });
}

/// The log as it is, without regard to what was published beside it, and its roots at the sizes that others have seen.
struct Examined {
  std::uint64_t size = 0;
  Hash root;
  std::optional<Seen> ahead;  ///< the one that covers most, if that is more than the log has
};

Examined examine(const AcceptOptions& options, const Verifier& verifier) {
  const auto store = value_or_fail(Store::open_folder(options.data / "store", std::nullopt));
  KeyHistory keys(verifier);
  if (auto error = read_key_history(*store, keys)) fail(*error);
  std::vector<Seen> seen = collect_seen(options, keys);
  Frontier frontier;
  std::map<std::uint64_t, Hash> roots = {{0, frontier.root()}};
  for (const Seen& each : seen) roots.try_emplace(each.checkpoint.size);
  const AuditVerifyResult result = audit_store({.store = *store,
                                                .verifier = verifier,
                                                .keys = options.data,
                                                .threads = options.threads,
                                                .on_event = [&](const Event& event, const Hash& leaf) {
                                                  give_up(seen, event);
                                                  frontier.append(leaf);
                                                  const auto wanted = roots.find(frontier.size());
                                                  if (wanted != roots.end()) wanted->second = frontier.root();
                                                }});
  if (!result.is_clean)
    throw Failure(Exit::integrity, "nothing is accepted: the audit found " + result.report["finding"].dump());
  Examined examined{frontier.size(), frontier.root(), std::nullopt};
  for (const Seen& each : seen) {
    const Checkpoint& one = each.checkpoint;
    if (one.size <= examined.size && roots[one.size] != one.root)
      throw Failure(Exit::integrity, each.from + ": another history of " + std::to_string(one.size) +
                                         " events is signed: this log and that one are forks; keep both as evidence");
    if (one.size > std::max(examined.size, examined.ahead ? examined.ahead->checkpoint.size : 0)) examined.ahead = each;
  }
  return examined;
}

/// Out of the way of the opening, and kept: `checkpoint.SIZE`.
void set_published_aside(const fs::path& directory, std::uint64_t size) {
  const auto note = read_file(directory / published_file);
  const auto parsed = note ? parse_note(*note) : std::nullopt;
  const auto claimed = parsed ? parse_checkpoint_text(parsed->text) : std::nullopt;
  if (!claimed || claimed->size <= size) return;
  rename_file(directory / published_file, directory / ("checkpoint." + std::to_string(claimed->size)));
}

Answer append_acceptance(WritableLedger& ledger, const Examined& examined, const std::string& mark,
                         const std::string& reason) {
  const Checkpoint known = examined.ahead ? examined.ahead->checkpoint
                                          : Checkpoint{ledger.log->verifier().name, examined.size, examined.root};
  Request request{.command = AcceptRestore{examined.size, known.size, known.root, reason}};
  request.issuer.service = owner_service;
  request.issuer.command = "accept-restore";
  request.issuer.command_id = "accept-restore " + mark;
  request.issuer.entry = fb::Entry::cli;
  request.body = mark;
  auto answer = ledger.executor->execute(std::move(request));
  if (!answer) throw Failure(Exit::unavailable, answer.error().detail);
  if (answer->is_refusal) throw Failure(Exit::usage, "--reason: " + answer->body["detail"].get<std::string>());
  return *std::move(answer);
}

Exit accept(const AcceptOptions& options, Format format) {
  const Verifier verifier = read_verifier(options.data);
  const Examined examined = examine(options, verifier);
  const bool is_marked = fs::exists(options.data / mark_file);
  if (!is_marked && !examined.ahead)
    throw Failure(Exit::usage, "there is nothing to accept: no restored ledger, and no checkpoint covers more");
  if (options.reason.empty() || options.reason.size() > restore_reason_bytes_max)
    throw Failure(Exit::usage, "--reason: why, in 1 to 1,024 bytes; it is kept with the event");
  if (!is_marked) write_mark(options.data, {{"events", examined.size}});
  set_published_aside(options.data, examined.size);
  Json mark = read_mark(options.data);
  if (!mark.contains("mark") || !mark["mark"].is_string())
    throw Failure(Exit::integrity, (options.data / mark_file).string() + ": not as it was written");
  WritableLedger ledger = open_restored_for_writing(options.data, options.at);
  const Answer answer = append_acceptance(ledger, examined, mark["mark"], options.reason);
  remove_file(options.data / mark_file);
  Json shown = answer.body;
  if (examined.ahead) {
    shown["missing_from"] = examined.size;
    shown["missing_to"] = examined.ahead->checkpoint.size - 1;
    shown["seen_in"] = examined.ahead->from;
  }
  print(shown, format);
  return Exit::done;
}

}  // namespace

Exit accept_restore(const AcceptOptions& options, Format format) {
  const auto code = run_isolated([&] { return accept(options, format); });
  if (!code) throw Failure(Exit::integrity, "a reader of the store was ended by a signal: it is damaged");
  return *code;
}

}  // namespace daicho
