// commands/vault.hpp — what the account's keys let a decision compute: tags, one-time codes, links and tokens, and
// their hashes. One-time secrets are derived from an id that is in the log and a key that is not, so none is ever
// stored (R-CHL-6, docs/decisions/0003-derived-secrets.md). Pure for given keys.
#pragma once

#include "ledger/id.hpp"
#include "ledger/sealing.hpp"

namespace daicho {

enum class OneTime : std::uint8_t {
  security_code,  ///< decimal digits (R-CHL-4)
  link,           ///< in a mailed link: proof or sign-in name
  notice_link,    ///< in the notices of a pending replacement (R-LOST-5)
  opener_token,   ///< the replacement opener's own
  recovery_code,  ///< 25 characters in groups of five (R-PRF-9)
  service_token,  ///< what a service proves itself with
};

class Vault {
 public:
  Vault(const Id& account, const SecretKey& data_key, const SecretKey& code_key);

  /// Equal texts of one account give equal tags; across accounts, and without the account's key, they tell nothing.
  Tag16 tag(std::string_view label, std::string_view text) const;

  /// Tells one data key from any other, and gives nothing of it away.
  Hash key_fingerprint() const;

  /// The secret that belongs to an id; `digits` matters to security codes only.
  std::string secret(OneTime kind, const Id& id, std::int64_t digits = 0) const;
  /// What the log keeps of it.
  Tag16 hash(OneTime kind, const Id& id, std::string_view secret) const;
  /// Constant time. Recovery codes compare without regard to case, spaces and hyphens.
  bool matches(OneTime kind, const Id& id, const Tag16& hash, std::string_view attempt) const;

 private:
  Id account_;
  SecretKey tag_key_, code_key_;
};

}  // namespace daicho
