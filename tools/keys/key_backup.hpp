// tools/keys/key_backup.hpp — a ledger's key files in one file under a passphrase of its own, with a day on which it
// expires (docs/keys.md, section "Key backups"). The expiry is authenticated; keeping to it is this program's policy,
// not cryptography: whoever has file and passphrase can read it for ever.
#pragma once

#include <filesystem>

#include "ledger/time.hpp"
#include "tools/keys/encrypted_key.hpp"
#include "tools/output.hpp"

namespace daicho {

inline constexpr std::int64_t key_backup_days_max = 3'653;  ///< ten years

struct KeyBackup {
  std::string vkey;  ///< the ledger's first verifier key
  Time made = 0, expires = 0;
  std::optional<std::string> signing;  ///< as its file has it, in the clear
  std::optional<SecretKey> master;
};

/// `90`: days from `now` on; else an instant of RFC 3339. A Failure `usage` unless it lies behind `now`, and by no more
/// than `key_backup_days_max`.
Time parse_expiry(const std::string& text, Time now);

/// An encrypted key file (tools/keys/encrypted_key.hpp) that holds several.
std::string seal_key_backup(const KeyBackup& backup, std::string_view passphrase, const KeyCost& cost,
                            const Entropy& entropy);
/// A Failure: `usage` for what is no key backup, `not_permitted` for a wrong passphrase or an altered file.
KeyBackup open_key_backup(std::string_view text, std::string_view passphrase);
/// From the instant on that it names.
bool is_expired(const KeyBackup& backup, Time now);

struct ExportOptions {
  std::filesystem::path data, out;
  std::string expires, passphrase_source;
  KeyCost cost;
};
/// What of the keys is in files here, but for a master key in two shares, which are never brought together in a file.
Json export_keys(const ExportOptions& options);

struct ImportOptions {
  std::filesystem::path data, from;
  std::string passphrase_source;
  bool even_expired = false;
};
/// Puts the files in, under the passphrase that is given for key files, else plain. A key that is there stays: the same
/// is left, another one is a Failure `usage`. The master key must be the one that the store is wrapped by.
Json import_keys(const ImportOptions& options);

}  // namespace daicho
