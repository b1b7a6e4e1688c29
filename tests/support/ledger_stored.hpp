// tests/support/ledger_stored.hpp — a closed ledger whose stored bytes a test changes, as somebody would who holds the
// files and perhaps keys.
#pragma once

#include "tests/support/ledger_fixture.hpp"

namespace daicho::test {

/// The ledger at "/l" of an environment in memory.
class StoredLedger {
 public:
  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};

  void change(const std::function<void(Store&)>& with) const;
  void set(Family family, const std::string& key, std::optional<std::string> value) const;
  void set_event(Position position, std::optional<std::string> envelope) const;
  std::string get(Family family, const std::string& key) const;  ///< empty when there is none
  std::string event(Position position) const { return get(Family::events, key_of(position)); }
  std::string note(std::uint64_t size) const { return get(Family::checkpoints, key_of(size)); }

  /// Another event at `position` and, by `alter`, of another place; signed anew.
  void rewrite(Position position, const Draft& draft, const Signer& signer,
               const std::function<void(Place&)>& alter = nullptr) const;
  /// Every checkpoint signed anew over what is stored now, with the keys that `seeds` names for its size.
  using Seeds = std::function<std::vector<std::uint8_t>(std::uint64_t size)>;
  void sign_checkpoints(const Seeds& seeds) const;

  AuditReport audit() const { return audit_directory("/l", env.get()); }
  void check_finding(FindingKind kind, Position position) const;
};

std::string flipped(std::string bytes, std::size_t at);  ///< one bit of the byte at `at`

}  // namespace daicho::test
