// tests/support/commands_ledger.hpp — a whole ledger in memory: store, log with a settable clock, keys, executor.
#pragma once

#include <atomic>

#include "commands/executor.hpp"
#include "tests/support/commands_subject.hpp"
#include "tests/support/ledger_fault_env.hpp"

namespace daicho::test {

/// What waits in the outbox, with what its text would carry.
struct Mail {
  Id notification, account;
  fb::NotificationKind kind = fb::NotificationKind::none;
  fb::Recipient recipient = fb::Recipient::none;
  Id proof;
  Position position = 0;
  std::string secret;  ///< code, link or notice token; empty: none
};

/// How a command is issued; what is left out is made up anew.
struct Envelope {
  std::string key = {};   ///< idempotency key
  std::string body = {};  ///< canonical JSON
  std::string service = "web";
  std::optional<std::uint64_t> expected_version = std::nullopt;
  std::string command = {};  ///< its public name: what the service's roles are checked for
  std::optional<std::string> unknown_name = std::nullopt;
  bool is_anybody = false;  ///< as in Request
};

class MemoryLedger {
 public:
  /// `changes`: to the default policy, beside a fast Argon2id. `seed`: of all that is drawn, the keys above all.
  explicit MemoryLedger(const Json& changes = Json::object(), std::uint64_t seed = 1);
  ~MemoryLedger();

  /// Closes all and opens it again from what is stored; with another master key, or two, as the program does.
  void reopen(std::uint8_t master = first_master, std::optional<std::uint8_t> other = std::nullopt);
  static constexpr std::uint8_t first_master = 0x3a;
  static SecretKey master_key(std::uint8_t byte) { return SecretKey(std::vector<std::uint8_t>(32, byte)); }

  /// What is drawn from here on is as in any other ledger that was told the same number. At first that is `seed`.
  void draw_from(std::uint64_t stream) { drawn_ = stream << 32U; }

  FaultEnv disk;  ///< in memory; it does not fail until it is told to
  std::atomic<Time> clock = noon;
  void wait(Duration span) { clock += span; }

  Result<Answer, Fault> execute(Command command, const std::optional<Id>& account = std::nullopt,
                                const Envelope& envelope = {});
  /// One that must not be a fault; counts as an assertion.
  Answer run(Command command, const std::optional<Id>& account = std::nullopt, const Envelope& envelope = {});
  std::vector<Answer> tick();

  /// Registered with two mailboxes, both verified by the links mailed to them.
  Id make_owner(const std::string& sign_in_name);
  /// A challenge started and passed through the account's proof n (in the order they were added).
  Id pass_challenge(const Id& account, fb::Purpose purpose, std::size_t n = 0);
  /// A window with all proofs lost, its new mailbox confirmed; its id.
  struct Opened {
    Id window;
    Time effective_at = 0;
    std::string token;
  };
  Opened open_window(const Id& account, const std::string& new_address);

  Account account(const Id& id) const;  ///< as stored
  std::vector<Mail> outbox() const;
  /// The newest waiting one of a kind; its absence fails the test.
  Mail newest_mail(const Id& account, fb::NotificationKind kind) const;
  std::string secret(const Id& account, OneTime kind, const Id& id) const;
  std::vector<std::string> envelopes() const;
  /// Type names of the account's events in order.
  std::string history(const Id& account) const;
  std::map<std::string, std::string> rows(Family family) const;

  Store& store() { return *store_; }
  const Store& store() const { return *store_; }
  const KeyRing& keys() const { return *keys_; }
  Log& log() { return *log_; }
  Executor& executor() { return *executor_; }
  KeyRing& keys() { return *keys_; }
  rocksdb::Env* env() { return disk.get(); }

 private:
  void found(const Json& changes);

  std::atomic<std::uint64_t> drawn_ = 0;
  Entropy entropy_;  // different every time, the same in every run; any thread
  std::unique_ptr<Store> store_;
  std::unique_ptr<KeyRing> keys_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Executor> executor_;
  std::atomic<std::uint64_t> next_key_ = 0;
};

/// `accepted`, or the refusal in the words of outcome(); with the events' types.
std::string outcome(const Answer& answer);
Id id_in(const Answer& answer, const char* member);

}  // namespace daicho::test
