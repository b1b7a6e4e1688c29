#include "tests/support/ledger_fixture.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

namespace daicho::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "daicho-test-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Hash bytes_from(std::uint8_t first) {
  Hash hash;
  for (std::uint8_t& byte : hash.bytes) byte = first++;
  return hash;
}

Signer make_signer(std::uint8_t first_byte) { return Signer(origin, bytes_from(first_byte).view()); }

SecretKey make_key(std::uint8_t first_byte) { return SecretKey(bytes_from(first_byte).view()); }

Entropy make_entropy() {
  return [counter = std::make_shared<std::atomic<std::uint8_t>>()](std::span<std::uint8_t> bytes) {
    for (std::uint8_t& byte : bytes) byte = (*counter)++;
  };
}

Id account_id(std::uint64_t number) {
  Id id;
  const auto bytes = big_endian(number);
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin() + 8);
  id.bytes[0] = 0xac;
  return id;
}

Issuer make_issuer() {
  return {.service = "web",
          .command = "sign_in",
          .command_id = "0001",
          .command_digest = bytes_from(0xd0),
          .network = "192.0.2.0/24",
          .device_id = "device-1",
          .entry = fb::Entry::http,
          .ip = "192.0.2.7",
          .user_agent = "browser",
          .request_id = "request-1"};
}

Draft failed_sign_in(const std::string& reason, const std::string& location) {
  Draft draft;
  fb::SignInFailedT failed;
  failed.reason = reason;
  draft.payload.Set(std::move(failed));
  draft.personal.location = location;
  draft.rules = {201};
  return draft;
}

std::string key_of(std::uint64_t number) { return std::string(as_text(big_endian(number))); }

std::unique_ptr<TestLedger> TestLedger::create(const std::filesystem::path& directory, rocksdb::Env* env,
                                               LogLimits limits) {
  std::unique_ptr<TestLedger> ledger(new TestLedger);
  auto store = Store::open(directory, Store::Mode::create, env);
  REQUIRE(store);
  ledger->store = std::move(*store);
  ledger->log = Log::create(*ledger->store, make_signer(), ledger->make_clock(), limits);
  REQUIRE(ledger->found());
  return ledger;
}

TestLedger::Appended TestLedger::found() {
  auto [ring, rows] = KeyRing::create(make_key(0x40), make_entropy());
  keys = std::make_unique<KeyRing>(std::move(ring));
  const Log::Decide decide = [](Time) {
    Decided decided;
    fb::LedgerCreatedT created;
    created.origin = origin;
    created.vkey = make_signer().verifier().vkey();
    decided.drafts.emplace_back().payload.Set(std::move(created));
    return decided;
  };
  const Log::Fold fold = [&, key_rows = rows](const std::vector<Event>& events, const std::vector<Hash>& leaves) {
    heads_[Id{}] = {events.back().account_version(), events.back().position(), leaves.back()};
    return key_rows;
  };
  const auto data_key = keys->unwrap(rows.front());
  REQUIRE(data_key);
  return log->append({Id{}, {}, issuer, only_data_key(*data_key), decide, fold});
}

Result<std::unique_ptr<TestLedger>, StoreError> TestLedger::open(const std::filesystem::path& directory,
                                                                 rocksdb::Env* env) {
  std::unique_ptr<TestLedger> ledger(new TestLedger);
  auto store = Store::open(directory, Store::Mode::write, env);
  if (!store) return Unexpected{store.error()};
  ledger->store = std::move(*store);
  auto keys = KeyRing::open(make_key(0x40), *ledger->store);
  if (!keys) return Unexpected{StoreError{StoreFault::corrupt, "keys"}};
  ledger->keys = std::make_unique<KeyRing>(std::move(*keys));
  auto log = Log::open(*ledger->store, make_signer(), ledger->make_clock());
  if (!log) return Unexpected{log.error()};
  ledger->log = std::move(*log);
  ledger->read_heads();
  return ledger;
}

void TestLedger::read_heads() {
  const auto error = store->scan(Family::events, {}, [&](ByteView, ByteView value) {
    const std::string envelope(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    heads_[event->account()] = {event->account_version(), event->position(), leaf_hash(value)};
    return true;
  });
  REQUIRE(!error);
}

TestLedger::Appended TestLedger::append_decided(const Id& account, const Log::Decide& decide) {
  AccountHead head;
  {
    const std::lock_guard lock(mutex_);
    head = heads_[account];
  }
  Rows rows;
  std::optional<SecretKey> key = keys->data_key(*store, account);
  if (!key) {
    auto [drawn, row] = keys->new_data_key(account, make_entropy());
    key = std::move(drawn);
    rows.push_back(std::move(row));
  }
  AccountHead newest;
  const Log::Fold fold = [&](const std::vector<Event>& events, const std::vector<Hash>& leaves) {
    newest = {events.back().account_version(), events.back().position(), leaves.back()};
    rows.push_back({Family::rows, std::string(account.text()), std::string(newest.leaf.text())});
    return rows;
  };
  auto appended = log->append({account, head, issuer, only_data_key(*key), decide, fold});
  if (appended && !appended->empty()) {
    const std::lock_guard lock(mutex_);
    heads_[account] = newest;
  }
  return appended;
}

TestLedger::Appended TestLedger::append(std::uint64_t account, std::vector<Draft> drafts) {
  return append_decided(account_id(account), [&](Time) { return Decided{std::move(drafts), 1}; });
}

AuditReport audit_directory(const std::filesystem::path& directory, rocksdb::Env* env, const KeyRing* keys,
                            unsigned threads) {
  const auto store = Store::open(directory, Store::Mode::read, env);
  REQUIRE(store);
  AuditOptions options;
  options.threads = threads;
  options.keys = keys;
  return audit_log(**store, make_signer().verifier(), options);
}

}  // namespace daicho::test
