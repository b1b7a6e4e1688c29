#include "tools/keys/key_backup.hpp"

#include <spdlog/spdlog.h>

#include <charconv>

#include "tools/backup/backup.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/keys/master_place.hpp"
#include "tools/keys/signing_place.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view what_begin = "backup ";  // then made, expiry and verifier key, one space between
constexpr std::string_view signing_begin = "signing ", master_begin = "master ";

std::string what_of(const KeyBackup& backup) {
  return std::string(what_begin) + to_rfc3339(backup.made) + ' ' + to_rfc3339(backup.expires) + ' ' + backup.vkey;
}

/// What it says in the clear, and is authenticated.
std::optional<KeyBackup> parse_what(const std::string& what) {
  if (!what.starts_with(what_begin)) return std::nullopt;
  const std::size_t made_at = what_begin.size(), expires_at = what.find(' ', made_at) + 1,
                    vkey_at = what.find(' ', expires_at) + 1;
  if (expires_at == 0 || vkey_at == 0) return std::nullopt;
  const auto made = parse_rfc3339(what.substr(made_at, expires_at - made_at - 1)),
             expires = parse_rfc3339(what.substr(expires_at, vkey_at - expires_at - 1));
  if (!made || !expires) return std::nullopt;
  KeyBackup backup{.vkey = what.substr(vkey_at), .made = *made, .expires = *expires};
  return what_of(backup) == what ? std::optional(std::move(backup)) : std::nullopt;
}

Failure not_a_backup() { return {Exit::usage, "not a key backup as this program writes them"}; }

/// A line of the secret that begins so, without it; nullopt: there is none.
std::optional<std::string> line_of(std::string_view secret, std::string_view begin) {
  for (std::size_t at = 0; at < secret.size();) {
    const std::size_t end = std::min(secret.find('\n', at), secret.size());
    const std::string_view line = secret.substr(at, end - at);
    if (line.starts_with(begin)) return std::string(line.substr(begin.size()));
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

Time parse_expiry(const std::string& text, Time now) {
  std::int64_t days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  const bool is_days = error == std::errc{} && end == text.data() + text.size() && days <= key_backup_days_max;
  const auto expires = is_days ? std::optional(now + days * day_us) : parse_rfc3339(text);
  if (!expires || *expires <= now || *expires > now + key_backup_days_max * day_us)
    throw Failure(Exit::usage, "--expires: a number of days, 1 to " + std::to_string(key_backup_days_max) +
                                   ", is wanted, or a time to come within as many");
  return *expires;
}

std::string seal_key_backup(const KeyBackup& backup, std::string_view passphrase, const KeyCost& cost,
                            const Entropy& entropy) {
  std::string secret;
  secret.reserve(1'024);  // no copy is left behind
  if (backup.signing) secret.append(signing_begin).append(*backup.signing).append("\n");
  if (backup.master) {
    std::string hex = to_hex(backup.master->view());
    secret.append(master_begin).append(hex).append("\n");
    wipe(hex);
  }
  std::string text = encrypt_key(what_of(backup), as_bytes(secret), passphrase, cost, entropy);
  wipe(secret);
  return text;
}

KeyBackup open_key_backup(std::string_view text, std::string_view passphrase) {
  const auto key = parse_encrypted_key(text);
  auto backup = key ? parse_what(key->what) : std::nullopt;
  if (!backup) throw not_a_backup();
  auto secret = decrypt_key(*key, passphrase);
  if (!secret) throw Failure(Exit::not_permitted, "the key backup's passphrase is wrong, or the file was altered");
  backup->signing = line_of(*secret, signing_begin);
  auto master = line_of(*secret, master_begin);
  wipe(*secret);
  if (master) backup->master = parse_master_key(*std::move(master), "the key backup");
  return *std::move(backup);
}

bool is_expired(const KeyBackup& backup, Time now) { return now >= backup.expires; }

Json export_keys(const ExportOptions& options) {
  const Time now = system_time();
  KeyBackup backup{
      .vkey = read_verifier(options.data).vkey(), .made = now, .expires = parse_expiry(options.expires, now)};
  if (fs::exists(options.data / next_signing_key_file) || find_master(options.data, next_ending))
    throw Failure(Exit::usage, "a rotation of a key is not finished, or another key is on its way: end that first");
  Json held = Json::array(), not_in_it = Json::array();
  if (fs::exists(options.data / signing_key_file)) {
    backup.signing = read_signing_key(options.data / signing_key_file).secret_text();
    held.push_back(signing_key_file);
  } else {
    not_in_it.push_back("signing key: not in a file here");
  }
  if (find_master(options.data) == MasterSource::file) {
    backup.master = read_master_key(options.data / master_key_file);
    held.push_back(master_key_file);
  } else {
    not_in_it.push_back("master key: not in one file here");
  }
  if (held.empty()) throw Failure(Exit::usage, options.data.string() + ": no key file here to export");
  const std::string words = read_passphrase(options.passphrase_source);
  create_file(options.out, seal_key_backup(backup, words, options.cost, system_entropy()), 0600);
  if (backup.signing) wipe(*backup.signing);
  return {{"written", options.out.string()},
          {"keys", std::move(held)},
          {"not_in_it", std::move(not_in_it)},
          {"expires", to_rfc3339(backup.expires)}};
}

namespace {

std::optional<KeyGuard> guard_for_files() {
  return has_passphrases() ? std::optional(KeyGuard{KeyCost{}, passphrase()}) : std::nullopt;
}

void check_time(const KeyBackup& backup, bool even_expired) {
  if (!is_expired(backup, system_time())) return;
  const std::string words = "this key backup expired at " + to_rfc3339(backup.expires);
  if (!even_expired)
    throw Failure(Exit::not_permitted,
                  words + ": take a newer one; where there is none, --even-expired takes it all the same");
  spdlog::warn("{}; rotate both keys once the ledger writes again", words);
}

/// Before anything is written: a wrong key put in would be told at the next opening only.
void check_master(const fs::path& directory, const SecretKey& master) {
  const auto store = value_or_fail(Store::open(directory, Store::Mode::read));
  const auto ring = KeyRing::open(master.clone(), *store);
  if (ring || ring.error() == KeyFault::rotation_unfinished) return;
  if (ring.error() == KeyFault::wrong_master_key)
    throw Failure(
        Exit::not_permitted,
        "the key backup's master key is not the one this store is wrapped by: it was rotated before or after");
  throw failure_of(ring.error());
}

/// Whether its file is to be written; a Failure when another key is in its place.
bool wants_signing(const fs::path& directory, const Signer& signer) {
  if (fs::exists(directory / signing_command_file))
    throw Failure(Exit::usage, (directory / signing_command_file).string() + " is there: the signing key is elsewhere");
  if (!fs::exists(directory / signing_key_file)) return true;
  if (read_signing_key(directory / signing_key_file).verifier() == signer.verifier()) return false;
  throw Failure(Exit::usage, (directory / signing_key_file).string() + " is there, and is another key");
}

bool wants_master(const fs::path& directory, const SecretKey& master) {
  const auto source = find_master(directory);
  if (!source) return true;
  const auto there = read_master(directory);
  if (there.key && equal_constant_time(there.key->view(), master.view())) return false;
  throw Failure(Exit::usage, directory.string() + ": another master key is there");
}

}  // namespace

Json import_keys(const ImportOptions& options) {
  const DirectoryLock lock(options.data);
  remove_key_drafts(options.data);
  const Verifier first = read_verifier(options.data);
  const auto text = read_file(options.from);
  if (!text) throw Failure(Exit::usage, options.from.string() + ": cannot be read");
  KeyBackup backup = open_key_backup(*text, read_passphrase(options.passphrase_source));
  if (backup.vkey != first.vkey())
    throw Failure(Exit::usage, options.from.string() + ": keys of another ledger, " + backup.vkey);
  check_time(backup, options.even_expired);
  std::optional<Signer> signer;
  if (backup.signing) {
    signer = Signer::parse_secret(*backup.signing);
    wipe(*backup.signing);
    if (!signer) throw not_a_backup();
  }
  if (backup.master) check_master(options.data, *backup.master);
  const bool has_signing = signer && wants_signing(options.data, *signer);
  const bool has_master = backup.master && wants_master(options.data, *backup.master);
  const auto guard = guard_for_files();
  Json put = Json::array(), as_before = Json::array();
  if (has_signing) create_signing_key(options.data / signing_key_file, *signer, guard);
  if (has_master) put_master_key(options.data / master_key_file, *backup.master, guard);
  if (signer) (has_signing ? put : as_before).push_back(signing_key_file);
  if (backup.master) (has_master ? put : as_before).push_back(master_key_file);
  return {{"imported", std::move(put)}, {"as_before", std::move(as_before)}, {"made", to_rfc3339(backup.made)}};
}

}  // namespace daicho
