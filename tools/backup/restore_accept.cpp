// daicho restore --accept: a ledger that holds less than somebody has seen, and says so, goes on.
#include <algorithm>
#include <map>

#include "ledger/key_history.hpp"
#include "ledger/merkle.hpp"
#include "tools/answers.hpp"
#include "tools/audit/verify.hpp"
#include "tools/backup/later_erasures.hpp"
#include "tools/backup/restore.hpp"
#include "tools/backup/restored_mark.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/log_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr const char* published_file = "checkpoint";

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
    const bool was_set_aside = is_kept_checkpoint(name);
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
  rename_file(directory / published_file, kept_checkpoint(directory, claimed->size));
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
  if (answer && answer->is_refusal)
    throw Failure(Exit::usage, "--reason: " + answer->body["detail"].get<std::string>());
  return accepted_or_fail(std::move(answer));
}

/// The data key that is here must be the one that went there, or the event would say what is not so.
bool has_other_key(const WritableLedger& ledger, const PendingErasure& erasure) {
  const auto key = ledger.keys->data_key(*ledger.store, erasure.account, own_key_slot);
  return key && Vault(erasure.account, *key, ledger.keys->code_key()).key_fingerprint() != erasure.fingerprint;
}

/// What is in no list, log or backup that was given: positions that events were signed for, and no more is known.
Json unknown_erasures(std::uint64_t from, std::uint64_t to) {
  return {{"from", from},
          {"to", to - 1},
          {"words",
           "accounts that these events closed are open again; whoever knows of one closes it, and a log or list that "
           "is found later is given with `daicho restore --accept --erasures`"}};
}

/// Whether there is anything to accept; before anything is changed.
void check_occasion(const AcceptOptions& options, const Examined& examined, const LaterErasures& later) {
  if (!has_mark(options.data) && !examined.ahead && later.found.empty())
    throw Failure(
        Exit::usage,
        "there is nothing to accept: no restored ledger, no checkpoint that covers more, nothing erased since");
  if (options.reason.empty() || options.reason.size() > restore_reason_bytes_max)
    throw Failure(Exit::usage, "--reason: why, in 1 to 1,024 bytes; it is kept with the event");
}

/// The ledger, open for writing behind its mark, with all that is to be erased withheld; those that are not.
Json open_and_withhold(const AcceptOptions& options, const Examined& examined, const LaterErasures& later,
                       WritableLedger& ledger) {
  if (!has_mark(options.data) && examined.ahead) write_mark(options.data, {{"events", examined.size}});
  set_published_aside(options.data, examined.size);
  ledger = open_restored_for_writing(options.data, options.at);
  std::vector<PendingErasure> erasures = not_yet_erased(*ledger.store, later.found);
  Json other_key = Json::array();
  std::erase_if(erasures, [&](const PendingErasure& each) {
    const bool is_other = has_other_key(ledger, each);
    if (is_other) other_key.push_back(to_text(each.account));
    return is_other;
  });
  if (!has_mark(options.data)) {
    if (erasures.empty()) throw Failure(Exit::usage, "there is nothing to accept: all of it is erased already");
    write_mark(options.data, {{"events", examined.size}});
  }
  withhold(*ledger.store, erasures);
  return other_key;
}

Exit accept(const AcceptOptions& options, const LaterErasures& later, Format format) {
  const Examined examined = examine(options, read_verifier(options.data));
  check_occasion(options, examined, later);
  WritableLedger ledger;
  const Json other_key = open_and_withhold(options, examined, later, ledger);
  const Json mark = read_mark(options.data);
  if (!mark.contains("mark") || !mark["mark"].is_string())
    throw Failure(Exit::integrity, "the mark in " + options.data.string() + " is not as it was written");
  Json shown = append_acceptance(ledger, examined, mark["mark"], options.reason).body;
  const Json closed_again = erase_again(ledger, shown["events"][0]["seq"]);
  remove_mark(options.data);
  if (examined.ahead) {
    shown["missing_from"] = examined.size;
    shown["missing_to"] = examined.ahead->checkpoint.size - 1;
    shown["seen_in"] = examined.ahead->from;
  }
  shown["erased_again"] = closed_again;
  if (!other_key.empty()) shown["another_key"] = other_key;
  if (!later.sources.empty()) shown["erasures_from"] = later.sources;
  const std::uint64_t known_to = std::max(later.known_to, mark.value("erasures_known_to", examined.size));
  if (examined.ahead && known_to < examined.ahead->checkpoint.size)
    shown["erasures_unknown"] = unknown_erasures(known_to, examined.ahead->checkpoint.size);
  print(shown, format);
  return Exit::done;
}

}  // namespace

Exit accept_restore(const AcceptOptions& options, Format format) {
  const Verifier verifier = read_verifier(options.data);
  std::vector<ErasureSource> sources;
  for (const fs::path& path : options.erasures) sources.push_back({path});
  const LaterErasures later = collect_erasures(options.data / "store", verifier, sources);
  const auto code = run_isolated([&] { return accept(options, later, format); });
  if (!code) throw Failure(Exit::integrity, "a reader of the store was ended by a signal: it is damaged");
  return *code;
}

}  // namespace daicho
