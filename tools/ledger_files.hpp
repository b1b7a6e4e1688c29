// tools/ledger_files.hpp — a ledger's directory: creating it (`init` only) and opening it to write or to read.
//
//   DIR/signing.key   Ed25519 signing key, `PRIVATE+KEY+…`        0600
//   DIR/signing.key.next  while it is rotated: the key to come    0600
//   DIR/signing.command  instead of signing.key: a helper program that signs (tools/keys/external_signer.hpp)
//   DIR/master.key    master key, 64 hex digits                   0600; or elsewhere (tools/keys/master_place.hpp)
//   DIR/ledger.vkey   the first verifier, for anyone              0644
//   DIR/checkpoint    copy of the newest signed checkpoint        0600
//   DIR/restored      a restored ledger that nobody accepted yet: read only (tools/backup/restore.hpp)
//   DIR/store/        RocksDB
#pragma once

#include <filesystem>

#include "commands/executor.hpp"
#include "tools/failure.hpp"
#include "tools/system.hpp"

namespace daicho {

struct InitOptions {
  std::filesystem::path directory;
  std::string origin = "daicho.example/ledger";
  bool simulated_clock = false;
  Time at = 0;  ///< first instant of a simulated clock
  Json policy = Json::object();
};
/// Creates keys and store and appends the first events. Fails when anything of a ledger is there already.
void init_ledger(const InitOptions& options);

/// What a query reads: an open ledger, its state, and the instant it is asked at.
struct LedgerView {
  const Store* store;
  const KeyRing* keys;  ///< null: sealed parts stay closed
  LedgerState ledger;
  Time now = 0;
};

/// A ledger open for writing: the one writer.
struct WritableLedger {
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyRing> keys;
  std::unique_ptr<Log> log;
  std::unique_ptr<Executor> executor;
  std::optional<SimulatedClock> simulated;
  bool is_next_master_in_force = false;    ///< of two master keys that are here the one to come
  bool has_ended_master_rotation = false;  ///< the opening brought one to its end

  /// Moves a simulated clock on. Failure `usage` on a real one, or backwards.
  void set_time(Time at);
  LedgerView view() const { return {store.get(), keys.get(), executor->ledger(), log->time()}; }
};
WritableLedger open_for_writing(const std::filesystem::path& directory, std::optional<Time> at);
/// Finishes a rotation of the lookup key whose event is in the log; opening does it, too.
void settle_lookup_rotation(WritableLedger& ledger, const LedgerState& state);
/// The same of a directory that a restore marked as one to be read only (tools/backup/restore.hpp): to accept it.
WritableLedger open_restored_for_writing(const std::filesystem::path& directory, std::optional<Time> at);

/// A ledger open beside its writer. Without a readable master key `keys` is null: sealed parts stay closed.
struct ReadableLedger {
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyRing> keys;
  LedgerState ledger;
  Time now = 0;  ///< real: the machine's; simulated: the newest event's

  LedgerView view() const { return {store.get(), keys.get(), ledger, now}; }
};
ReadableLedger open_for_reading(const std::filesystem::path& directory);

Verifier read_verifier(const std::filesystem::path& directory);

struct FoundKeys {
  std::unique_ptr<KeyRing> ring;
  bool is_next_master_in_force = false;
};
/// With the master key from where it is kept; a Failure when it cannot be had.
Result<FoundKeys, KeyFault> find_keys(const std::filesystem::path& directory, const Store& store);
/// The same; its fault is a Failure, too.
FoundKeys read_keys(const std::filesystem::path& directory, const Store& store);
Failure failure_of(KeyFault fault);

/// A file that the caller named; nullopt: there is none. Failure `usage` for what is no regular file, or too long.
std::optional<std::string> read_given_file(const std::filesystem::path& path, std::size_t bytes_max);

[[noreturn]] void fail(const StoreError& error);
template <class T>
T value_or_fail(Result<T, StoreError> result) {
  if (!result) fail(result.error());
  return *std::move(result);
}

}  // namespace daicho
