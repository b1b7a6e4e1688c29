#include "tools/ledger_files.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "commands/policy_adoption.hpp"
#include "ledger/files.hpp"
#include "ledger/merkle.hpp"
#include "projections/history.hpp"
#include "projections/lookup_rotation.hpp"
#include "tools/answers.hpp"
#include "tools/backup/backup.hpp"
#include "tools/backup/restored_mark.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/keys/master_place.hpp"
#include "tools/keys/signing_place.hpp"
#include "tools/writer_lock.hpp"

namespace daicho {

namespace {

constexpr const char* verifier_file = "ledger.vkey";

Exit exit_of(StoreFault fault) {
  switch (fault) {
    case StoreFault::not_found:
    case StoreFault::exists:
      return Exit::usage;
    case StoreFault::corrupt:
    case StoreFault::behind:
      return Exit::integrity;
    case StoreFault::locked:
    case StoreFault::io:
      return Exit::unavailable;
  }
  return Exit::unavailable;
}

/// The directory to be, with nothing in it that an earlier ledger, or its unfinished `init`, left.
void make_directory(const std::filesystem::path& directory) {
  for (const char* each : {signing_key_file, next_signing_key_file, master_key_file, "master.key.next", share_files[0],
                           share_files[1], verifier_file, "checkpoint", "restored"}) {
    if (!std::filesystem::exists(std::filesystem::symlink_status(directory / each))) continue;
    throw Failure(Exit::usage,
                  (directory / each).string() + " is there already: a ledger, or what an unfinished `init` left");
  }
  std::error_code made;
  std::filesystem::create_directories(directory, made);
  if (!made) return;
  const bool is_wrong =
      made == std::errc::not_a_directory || made == std::errc::file_exists || made == std::errc::filename_too_long;
  const Exit code = made == std::errc::permission_denied ? Exit::not_permitted
                    : is_wrong                           ? Exit::usage
                                                         : Exit::unavailable;
  throw Failure(code, directory.string() + ": " + made.message());
}

/// Signing and master key, stored before anything is signed or sealed with them. Drawn now, but for a master key that a
/// command or the environment gives.
std::pair<Signer, SecretKey> create_keys(const InitOptions& options) {
  std::optional<SecretKey> master;
  if (find_master(options.directory)) master = read_master(options.directory).key;
  Signer signer = Signer::draw(options.origin, system_entropy());
  create_signing_key(options.directory / signing_key_file, signer);
  if (!master) {
    std::array<std::uint8_t, 32> drawn;
    system_entropy()(drawn);
    master.emplace(drawn);
    put_master_key(options.directory / master_key_file, *master, std::nullopt);
  }
  create_file(options.directory / verifier_file, signer.verifier().vkey() + "\n", 0644);
  return {std::move(signer), *std::move(master)};
}

/// LedgerCreated and the first policy with the wrapped keys, one commit.
void append_first_events(Log& log, const SecretKey& data_key, const Rows& key_rows, const InitOptions& options,
                         const Policy& policy) {
  Issuer issuer;
  issuer.service = "init";
  issuer.command = "init";
  issuer.command_id = "init";
  issuer.entry = fb::Entry::cli;
  const std::string vkey = log.verifier().vkey();
  const Log::Decide decide = [&](Time) {
    Decided decided;
    decided.policy_version = policy.version;
    decided.drafts.push_back(
        draft(fb::LedgerCreatedT{.origin = options.origin, .vkey = vkey, .simulated_clock = options.simulated_clock},
              {Rule::led_5}));
    decided.drafts.push_back(draft(adopt(policy), {Rule::led_4}));
    return decided;
  };
  const Log::Fold fold = [&](const std::vector<Event>& events, const std::vector<Hash>& leaves) {
    LedgerState ledger;
    for (std::size_t i = 0; i < events.size(); ++i) evolve(ledger, events[i], leaves[i]);
    Rows rows = key_rows;
    rows.push_back({Family::rows, ledger_row_key(), encode_row(ledger)});
    return rows;
  };
  const auto places = log.append({Id{}, AccountHead{}, issuer, only_data_key(data_key), decide, fold});
  if (!places) throw Failure(Exit::unavailable, places.error().detail);
}

}  // namespace

void fail(const StoreError& error) { throw Failure(exit_of(error.fault), error.detail); }

std::optional<std::string> read_given_file(const std::filesystem::path& path, std::size_t bytes_max) {
  auto content = read_whole_file(path, bytes_max);
  if (!content && content.error().fault == StoreFault::corrupt) throw Failure(Exit::usage, content.error().detail);
  return value_or_fail(std::move(content));
}

void init_ledger(const InitOptions& options) {
  if (!is_key_name(options.origin)) {
    throw Failure(Exit::usage,
                  "--origin: a name of 1 to 255 bytes without white space or `+`, such as ledger.example/accounts");
  }
  Policy first;
  first.version = 1;
  auto policy = amended(first, options.policy);
  if (!policy) throw Failure(Exit::usage, "--policy: " + policy.error().detail);

  make_directory(options.directory);
  auto [signer, master] = create_keys(options);
  const auto store = value_or_fail(Store::open(options.directory, Store::Mode::create));
  auto [keys, key_rows] = KeyRing::create(std::move(master), system_entropy());
  const Clock clock = options.simulated_clock ? Clock([at = options.at] { return at; }) : Clock(system_time);
  const auto log = Log::create(*store, std::move(signer), clock);
  const auto own = std::ranges::find(key_rows, KeyRing::row_key(Id{}), &RowChange::key);
  append_first_events(*log, *keys.unwrap(*own), key_rows, options, *policy);
}

Verifier read_verifier(const std::filesystem::path& directory) {
  auto text = read_file(directory / verifier_file);
  if (!text)
    throw Failure(Exit::usage,
                  directory.string() + ": no ledger here (no " + verifier_file + "); `daicho init` makes one");
  if (text->ends_with('\n')) text->pop_back();
  const auto verifier = Verifier::parse_vkey(*text);
  if (!verifier) throw Failure(Exit::integrity, (directory / verifier_file).string() + ": not a verifier key");
  return *verifier;
}

Result<FoundKeys, KeyFault> find_keys(const std::filesystem::path& directory, const Store& store) {
  MasterFound found = read_master(directory);
  const auto fingerprint = [](const std::optional<SecretKey>& key) {
    return key ? std::optional(master_fingerprint(*key)) : std::nullopt;
  };
  const auto current = fingerprint(found.key), next = fingerprint(found.next);
  if (!found.key) found.key.swap(found.next);
  auto ring = KeyRing::open(*std::move(found.key), store, std::move(found.next));
  if (!ring) return Unexpected{ring.error()};
  const Hash in_force = ring->master_fingerprint();
  return FoundKeys{std::make_unique<KeyRing>(*std::move(ring)), next == in_force && current != in_force};
}

Failure failure_of(KeyFault fault) {
  switch (fault) {
    case KeyFault::wrong_master_key:
      return {Exit::not_permitted,
              "the master key here is not the one this ledger was sealed with; if it was rotated just now, try again"};
    case KeyFault::rotation_unfinished:
      return {Exit::not_permitted,
              "a rotation of the master key is not finished: the key before it is wanted beside the new one"};
    case KeyFault::unreadable:
      break;
  }
  return {Exit::integrity, "the ledger's wrapped keys cannot be read"};
}

FoundKeys read_keys(const std::filesystem::path& directory, const Store& store) {
  auto found = find_keys(directory, store);
  if (!found) throw failure_of(found.error());
  return *std::move(found);
}

namespace {

/// What a killed `keys encrypt` or the like left; not while another one is at work.
void remove_drafts(const std::filesystem::path& directory) {
  if (find_key_drafts(directory).empty()) return;
  try {
    const DirectoryLock lock(directory);
    remove_key_drafts(directory);
  } catch (const Failure&) {  // the next opening does it
    return;
  }
}

/// Brings to its end a rotation of the master key that is on record.
void settle_master_rotation(const std::filesystem::path& directory, WritableLedger& ledger) {
  try {
    if (ledger.keys->master_rotation() == MasterRotation::begun) return;
    if (ledger.keys->master_rotation() == MasterRotation::wrapped) {
      const auto cleared = ledger.executor->rotate_master_key({}, std::nullopt);
      if (!cleared) throw failure_of(cleared.error());
      ledger.has_ended_master_rotation = true;
      if (!ledger.is_next_master_in_force) drop_next_master(directory);
    }
    if (!ledger.is_next_master_in_force) return;
    put_next_master_in_force(directory);
    ledger.has_ended_master_rotation = true;
  } catch (const Failure& failure) {  // left to the next opening
    spdlog::warn("{}", failure.what());
  }
}

}  // namespace

void WritableLedger::set_time(Time at) {
  if (!simulated) throw Failure(Exit::usage, "--at: this ledger runs on the real clock");
  if (at < log->time() || !simulated->set(at)) {
    throw Failure(Exit::usage, "--at: " + to_rfc3339(at) + " is before the ledger's time, " + to_rfc3339(log->time()));
  }
}

void settle_lookup_rotation(WritableLedger& ledger, const LedgerState& state) {
  const auto error = finish_lookup_rotation(*ledger.store, *ledger.keys, state.lookup_rotations, nullptr);
  if (error) fail(*error);
}

WritableLedger open_for_writing(const std::filesystem::path& directory, std::optional<Time> at) {
  if (const auto words = restored_mark_words(directory)) throw Failure(Exit::unavailable, *words);
  return open_restored_for_writing(directory, at);
}

WritableLedger open_restored_for_writing(const std::filesystem::path& directory, std::optional<Time> at) {
  const Verifier first = read_verifier(directory);
  WritableLedger ledger;
  auto store = Store::open(directory, Store::Mode::write);
  if (!store && store.error().fault == StoreFault::behind)
    throw Failure(Exit::integrity, store.error().detail +
                                       ": it opens to read only; `daicho restore --accept --data "
                                       "DIR` says what is missing and lets it go on without");
  if (!store && has_writer(directory))
    throw Failure(Exit::unavailable,
                  "another process writes to this ledger, which has one writer at a time: ask it "
                  "(--server), or end it");
  ledger.store = value_or_fail(std::move(store));
  remove_drafts(directory);
  FoundKeys keys = read_keys(directory, *ledger.store);
  ledger.keys = std::move(keys.ring);
  ledger.is_next_master_in_force = keys.is_next_master_in_force;
  auto state = load_ledger(*ledger.store);
  if (!state) {  // rows of another fold version, or damaged ones: the events give them anew
    spdlog::warn("{}; rebuilding the projections", state.error().detail);
    value_or_fail(rebuild(*ledger.store, *ledger.keys, nullptr));
    state = load_ledger(*ledger.store);
  }
  settle_lookup_rotation(ledger, value_or_fail(state));
  const bool is_simulated = state->simulated_clock;
  if (is_simulated) ledger.simulated.emplace();
  KeyHistory history(first);
  if (auto error = read_key_history(*ledger.store, history)) fail(*error);
  FoundSigner found = find_signer(directory, history);
  ledger.log = value_or_fail(Log::open(*ledger.store, first, std::move(found.signer),
                                       is_simulated ? ledger.simulated->clock() : Clock(system_time)));
  settle_rotation(directory, found.is_next);
  ledger.executor =
      value_or_fail(Executor::open(*ledger.store, *ledger.log, *ledger.keys, system_entropy(), processor_count()));
  ledger.executor->set_signing_key_place(signing_key_place(directory));
  settle_master_rotation(directory, ledger);
  if (at) ledger.set_time(*at);
  return ledger;
}

ReadableLedger open_for_reading(const std::filesystem::path& directory) {
  read_verifier(directory);
  ReadableLedger ledger;
  ledger.store = value_or_fail(Store::open(directory, Store::Mode::read));
  if (find_master(directory) || find_master(directory, next_ending))
    ledger.keys = read_keys(directory, *ledger.store).ring;
  ledger.ledger = value_or_fail(load_ledger(*ledger.store));
  if (!ledger.ledger.simulated_clock) {
    ledger.now = system_time();
    return ledger;
  }
  const auto last = value_or_fail(ledger.store->last(Family::events));
  if (last) {
    if (const auto event = Event::parse(as_bytes(last->second))) ledger.now = event->time();
  }
  return ledger;
}

}  // namespace daicho
