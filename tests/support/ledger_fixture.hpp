// tests/support/ledger_fixture.hpp — a small ledger with known keys, for the tests of ledger/.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <map>
#include <mutex>

#include "ledger/audit.hpp"
#include "ledger/log.hpp"
#include "ledger/log_rows.hpp"

namespace daicho::test {

/// A directory of its own, removed when it goes.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline const std::string origin = "daicho.example/ledger";
inline constexpr Time start_time = 1'700'000'000 * second_us;

Hash bytes_from(std::uint8_t first);                 ///< first, first + 1, ...
Signer make_signer(std::uint8_t first_byte = 0x00);  ///< its seed is bytes_from(first_byte)
SecretKey make_key(std::uint8_t first_byte);
Entropy make_entropy();  ///< fills with a counter
Id account_id(std::uint64_t number);
Issuer make_issuer();
Draft failed_sign_in(const std::string& reason, const std::string& location = "");
std::string key_of(std::uint64_t number);  ///< its 8 bytes in the store

/// A ledger whose appends need nothing but an account. Any thread may append, each account in one.
class TestLedger {
 public:
  /// In `directory` with `env`; the first event is LedgerCreated.
  static std::unique_ptr<TestLedger> create(const std::filesystem::path& directory, rocksdb::Env* env,
                                            LogLimits limits = {});
  static Result<std::unique_ptr<TestLedger>, StoreError> open(const std::filesystem::path& directory,
                                                              rocksdb::Env* env);

  using Appended = Result<std::vector<Place>, LogError>;
  Appended append(std::uint64_t account, std::vector<Draft> drafts);
  Appended append(std::uint64_t account) {
    std::vector<Draft> drafts;
    drafts.push_back(failed_sign_in("wrong_password", "Kyoto"));
    return append(account, std::move(drafts));
  }
  Appended append_decided(const Id& account, const Log::Decide& decide);

  std::atomic<Time> clock = start_time;
  Issuer issuer = make_issuer();  ///< of what is appended
  std::unique_ptr<Store> store;
  std::unique_ptr<KeyRing> keys;
  std::unique_ptr<Log> log;

 private:
  TestLedger() = default;
  Appended found();
  void read_heads();
  Clock make_clock() {
    return [this] { return clock.load(); };
  }

  std::mutex mutex_;  // guards heads_
  std::map<Id, AccountHead> heads_;
};

AuditReport audit_directory(const std::filesystem::path& directory, rocksdb::Env* env, const KeyRing* keys = nullptr,
                            unsigned threads = 2);

}  // namespace daicho::test
