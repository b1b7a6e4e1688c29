#include "tools/backup/later_erasures.hpp"

#include <set>

#include "commands/erasure.hpp"
#include "ledger/exported_log.hpp"
#include "ledger/log_rows.hpp"
#include "ledger/store_backup.hpp"
#include "ledger/stored_tree.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tools/answers.hpp"
#include "tools/backup/backup.hpp"
#include "tools/json_fields.hpp"
#include "tools/log_files.hpp"
#include "tools/output.hpp"
#include "tools/query/erasure_list.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

/// What one source gave.
struct Known {
  std::vector<PendingErasure> found;
  std::uint64_t known_to = 0;
  std::vector<std::string> warnings = {};
};

/// One pass over a log: what it erased behind what the restored ledger has, and whether that is all.
class LogReader {
 public:
  LogReader(const LogSource& source, const Verifier& first, const Frontier& here)
      : source_(source), first_(first), here_(here), keys_(first), known_{.known_to = here.size()} {}

  Known read() {
    if (const auto error = read_key_history(source_, keys_)) known_.warnings.push_back(error->detail);
    const auto newest = source_.last(Family::checkpoints);
    if (newest && *newest) {
      const auto opened = keys_.open((*newest)->second);
      if (opened) checkpoint_ = *opened;
    }
    const auto root = checkpoint_ && checkpoint_->size >= here_.size()
                          ? tree_root(here_.size(), stored_subtrees(source_))
                          : std::nullopt;
    goes_on_ = root && *root == here_.root();
    if (goes_on_) frontier_ = here_;
    read_rotations();
    scan();
    judge();
    return std::move(known_);
  }

 private:
  void read_rotations() {
    for (const Position position : keys_.rotations()) {
      const auto envelope = source_.get(Family::events, big_endian(position));
      if (envelope && *envelope) rotations_.emplace_back(position, **envelope);
    }
  }

  void scan() {
    const auto from = big_endian(frontier_.size());
    const auto failed = source_.scan(Family::events, ByteView(from), [&](ByteView key, ByteView value) {
      is_whole_ = is_whole_ && number_of(key) == frontier_.size();
      frontier_.append(leaf_hash(value));
      take(std::string(as_text(value)));
      return true;
    });
    if (!failed) return;
    is_whole_ = false;
    known_.warnings.push_back("it could be read to event " + std::to_string(frontier_.size()) +
                              " only: " + failed->detail);
  }

  void take(std::string envelope) {
    auto erasure = read_erasure({}, std::move(envelope));
    if (!erasure) return;
    for (const auto& [position, rotation] : rotations_) {
      if (position < erasure->position) erasure->rotations.push_back(rotation);
    }
    if (is_proven(*erasure, first_)) {
      known_.found.push_back(*std::move(erasure));
    } else {
      ++unproven_;
    }
  }

  void judge() {
    if (!checkpoint_ && known_.found.empty())
      throw Failure(Exit::usage, "nothing in it is signed by a key of this ledger");
    if (unproven_ > 0)
      known_.warnings.push_back(std::to_string(unproven_) +
                                " erasures in it are signed by no key of this ledger: "
                                "they are left out");
    is_whole_ = is_whole_ && unproven_ == 0 && checkpoint_ && frontier_.size() == checkpoint_->size &&
                frontier_.root() == checkpoint_->root;
    if (is_whole_ && goes_on_) {
      known_.known_to = checkpoint_->size;
    } else if (!is_whole_) {
      known_.warnings.push_back("it is not whole: what it erased is taken, and there may have been more");
    } else if (checkpoint_->size > here_.size()) {
      known_.warnings.push_back("it goes on from another history than the backup's: what it erased is taken");
    }
  }

  const LogSource& source_;
  const Verifier& first_;
  const Frontier& here_;
  KeyHistory keys_;
  Known known_;
  std::optional<Checkpoint> checkpoint_;
  std::vector<std::pair<Position, std::string>> rotations_;
  Frontier frontier_;
  bool goes_on_ = false, is_whole_ = true;
  std::uint64_t unproven_ = 0;
};

std::unique_ptr<Store> open_damaged(const fs::path& directory) {
  auto store = Store::open(directory, Store::Mode::read);
  if (!store && store.error().fault == StoreFault::corrupt) store = Store::open(directory, Store::Mode::salvage);
  return value_or_fail(std::move(store));
}

/// In a process of its own.
Known read_source(const ErasureSource& source, const Verifier& first, const fs::path& restored) {
  const auto store = value_or_fail(Store::open_folder(restored, std::nullopt));
  const auto row = value_or_fail(store->get(Family::meta, as_bytes(frontier_key)));
  const auto here = row ? Frontier::decode(as_bytes(*row)) : std::nullopt;
  if (!here) throw Failure(Exit::integrity, restored.string() + ": no frontier");
  if (source.backup) {
    const auto backups = value_or_fail(BackupFolder::open(source.path, false));
    const auto opened = value_or_fail(backups->open_store(*source.backup, std::nullopt));
    return LogReader(*opened, first, *here).read();
  }
  if (is_ledger(source.path)) return LogReader(*open_damaged(source.path), first, *here).read();
  if (fs::is_directory(source.path))
    return LogReader(*value_or_fail(ExportedLog::open(source.path)), first, *here).read();
  ErasureList list = read_erasure_list(source.path, first, here->size());
  return {std::move(list.erasures), list.known_to};
}

std::string words_of(const ErasureSource& source) {
  return source.path.string() + (source.backup ? ", backup " + std::to_string(*source.backup) : "");
}

Json told_of(const Known& known) {
  Json told = {{"known_to", known.known_to}, {"warnings", known.warnings}, {"found", Json::array()}};
  for (const PendingErasure& each : known.found) told["found"].push_back(to_base64(as_bytes(*pending_row(each).value)));
  return told;
}

void add(LaterErasures& all, const ErasureSource& source, const Json& told) {
  Json shown = {{"from", words_of(source)}};
  if (told.contains("failure")) {
    const std::string words = told["failure"];
    const bool is_named = words.starts_with(source.path.string());
    if (source.is_asked_for)
      throw Failure(static_cast<Exit>(told["exit"].get<int>()), is_named ? words : words_of(source) + ": " + words);
    shown["warnings"] = Json::array({words});
  } else {
    for (const Json& each : told["found"]) {
      const auto row = from_base64(each.get<std::string>());
      auto erasure = row ? parse_pending_row(as_bytes(*row)) : std::nullopt;
      if (erasure) all.found.push_back(*std::move(erasure));
    }
    all.known_to = std::max(all.known_to, told["known_to"].get<std::uint64_t>());
    shown["erasures"] = told["found"].size();
    if (!told["warnings"].empty()) shown["warnings"] = told["warnings"];
  }
  all.sources.push_back(std::move(shown));
}

/// A folder of backups stands for each of them.
std::vector<ErasureSource> each_of(const std::vector<ErasureSource>& sources) {
  std::vector<ErasureSource> all;
  for (const ErasureSource& source : sources) {
    const auto records = source.backup ? std::vector<BackupRecord>() : read_backup_records(source.path);
    for (const BackupRecord& record : records) all.push_back({source.path, record.id, source.is_asked_for});
    if (records.empty()) all.push_back(source);
  }
  return all;
}

}  // namespace

LaterErasures collect_erasures(const fs::path& store, const Verifier& first,
                               const std::vector<ErasureSource>& sources) {
  LaterErasures all;
  for (const ErasureSource& source : each_of(sources)) {
    const Isolated reader = run_isolated_telling([&](const Tell& tell) {
      Json told;
      try {
        told = told_of(read_source(source, first, store));
      } catch (const Failure& failure) {
        told = {{"failure", failure.what()}, {"exit", static_cast<int>(failure.exit)}};
      } catch (const std::exception& failure) {  // what is damaged may give anything
        told = {{"failure", failure.what()}, {"exit", static_cast<int>(Exit::integrity)}};
      }
      tell(json_text(told));
      return Exit::done;
    });
    const Json told = Json::parse(reader.told, nullptr, false);
    const bool is_told = reader.exit == Exit::done && told.is_object();
    add(all, source,
        is_told ? told
                : Json{{"failure", "its reader was ended by a signal: it is damaged"},
                       {"exit", static_cast<int>(Exit::integrity)}});
  }
  return all;
}

std::vector<PendingErasure> not_yet_erased(const Store& store, const std::vector<PendingErasure>& found) {
  std::vector<PendingErasure> left;
  std::set<std::string> seen;
  for (const PendingErasure& each : found) {
    const auto account = value_or_fail(load_account(store, each.account));
    const bool is_open = account && !(account->life.end && account->life.end->is_erased());
    if (is_open && seen.insert(std::string(each.account.text())).second) left.push_back(each);
  }
  return left;
}

std::vector<RowPrefix> withhold(Store& store, const std::vector<PendingErasure>& erasures) {
  std::vector<RowPrefix> prefixes;
  for (const PendingErasure& each : erasures) {
    const auto account = value_or_fail(load_account(store, each.account));
    const auto envelopes = value_or_fail(account_events(store, account->head, {}));
    const std::vector<Event> history = parse_events(envelopes);
    Rows rows = erasure_rows(each.account, history);
    rows.push_back(pending_row(each));
    if (auto error = store.write(rows, true)) fail(*error);
    std::ranges::move(erased_prefixes(each.account, history), std::back_inserter(prefixes));
  }
  return prefixes;
}

namespace {

Answer close_again(Executor& executor, const PendingErasure& erasure, Position restore) {
  const Event event = erasure.event();
  const auto mark = list_of(event.as<fb::AccountClosed>()->name_mark());
  Request request{.command = CloseAgain{erasure.fingerprint, std::string(as_text(mark)), restore},
                  .account = erasure.account};
  request.issuer.service = owner_service;
  request.issuer.command = "close-again";
  request.issuer.command_id = "close-again/" + to_text(erasure.account) + "/" + std::to_string(restore);
  request.issuer.entry = fb::Entry::cli;
  return accepted_or_fail(executor.execute(std::move(request)));
}

}  // namespace

Json accounts_of(const std::vector<PendingErasure>& erasures) {
  Json accounts = Json::array();
  for (const PendingErasure& each : erasures) {
    std::string account = to_text(each.account);
    if (accounts.empty() || accounts.back() != account) accounts.push_back(std::move(account));
  }
  return accounts;
}

Json erase_again(WritableLedger& ledger, Position restore) {
  const auto pending = value_or_fail(pending_erasures(*ledger.store));
  for (const PendingErasure& each : pending) close_again(*ledger.executor, each, restore);
  for (bool is_left = true; is_left;) {
    const auto done = ledger.executor->finish_erasures();
    if (!done) throw Failure(exit_of(done.error().kind), done.error().detail + " Run it again.");
    is_left = !done->empty();
  }
  return accounts_of(pending);
}

}  // namespace daicho
