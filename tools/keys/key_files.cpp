#include "tools/keys/key_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "ledger/files.hpp"
#include "tools/failure.hpp"
#include "tools/ledger_files.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

constexpr std::size_t key_file_bytes_max = 65'536;
constexpr const char* signing_what = "signing";

Failure file_failure(const std::filesystem::path& path, const char* what) {
  const bool denied = errno == EACCES || errno == EPERM;
  const Exit code = denied ? Exit::not_permitted : errno == EEXIST ? Exit::usage : Exit::unavailable;
  return {code, path.string() + ": " + what + ": " + std::strerror(errno)};
}

void sync_folder_of(const std::filesystem::path& path) {
  if (const auto error = sync_directory(path.parent_path())) fail(*error);
}

}  // namespace

void create_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) throw file_failure(path, "cannot create");
  const bool synced = write_all(file, content) && ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const Failure failure = file_failure(path, "cannot write");
  ::close(file);
  if (!synced) throw failure;
  sync_folder_of(path);
}

void create_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) throw file_failure(path, "cannot create");
  sync_folder_of(path);
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) throw file_failure(from, "cannot rename");
  sync_folder_of(to);
}

void remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0) throw file_failure(path, "cannot remove");
  sync_folder_of(path);
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string content(key_file_bytes_max + 1, '\0');
  if (!in) return std::nullopt;
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > key_file_bytes_max) return std::nullopt;
  return content;
}

namespace {

struct PassphraseSource {
  std::string from;
  std::string text = {};  // once it is read
};
std::vector<PassphraseSource> passphrase_sources;

std::string read_descriptor(const std::string& number) {
  int descriptor = -1;
  std::from_chars(number.data(), number.data() + number.size(), descriptor);
  std::string text(passphrase_bytes_max + 2, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0 && size < text.size(); size += static_cast<std::size_t>(std::max<ssize_t>(got, 0)))
    got = ::read(descriptor, text.data() + size, text.size() - size);
  text.resize(size);
  return text;
}

const std::string& text_of(PassphraseSource& source) {
  if (source.text.empty()) source.text = read_passphrase(source.from);
  return source.text;
}

Failure no_passphrase() {
  return {Exit::not_permitted,
          "a key file is encrypted: --passphrase-file FILE (or DAICHO_PASSPHRASE_FILE) "
          "is wanted"};
}

bool holds(const EncryptedKey& key, std::string_view what) {
  return what == signing_what ? key.what.starts_with("signing ") : key.what == what;
}

/// An encrypted file's secret, and the passphrase that opened it: one of those given.
std::pair<std::string, const std::string*> decrypt_file(const std::filesystem::path& path, const EncryptedKey& key) {
  if (passphrase_sources.empty()) throw no_passphrase();
  for (PassphraseSource& source : passphrase_sources) {
    const std::string& words = text_of(source);
    if (auto secret = decrypt_key(key, words)) return {*std::move(secret), &words};
  }
  throw Failure(Exit::not_permitted, path.string() + ": the passphrase is wrong, or the file was altered");
}

/// A key file's one line of secret, decrypted if it must be, and what stands before it in the clear. The caller wipes
/// it.
std::string read_secret(const std::filesystem::path& path, const char* what, std::string* public_part = nullptr) {
  auto text = read_file(path);
  if (!text) throw file_failure(path, ("cannot read the " + std::string(what) + " key").c_str());
  if (!is_encrypted_key(*text)) {
    if (text->ends_with('\n')) text->pop_back();
    return *std::move(text);
  }
  const auto key = parse_encrypted_key(*text);
  if (!key || !holds(*key, what))
    throw Failure(Exit::usage, path.string() + ": not an encrypted " + what + " key as this program writes them");
  if (public_part) *public_part = key->what;
  return decrypt_file(path, *key).first;
}

std::string signing_words(const Verifier& verifier) { return "signing " + verifier.vkey(); }

/// The file's text; the secret is wiped.
std::string key_text(const std::string& what, std::string secret, const std::optional<KeyGuard>& guard) {
  std::string text;
  if (guard) {
    text = encrypt_key(what, as_bytes(secret), guard->passphrase, guard->cost, system_entropy());
  } else {
    text.reserve(secret.size() + 1);  // no copy is left behind
    text.append(secret).append("\n");
  }
  wipe(secret);
  return text;
}

void create_secret_file(const std::filesystem::path& path, std::string text) {
  try {
    create_file(path, text, 0600);
  } catch (...) {
    wipe(text);
    throw;
  }
  wipe(text);
}

constexpr std::string_view draft_end = ".new";

void put_secret_file(const std::filesystem::path& path, std::string text) {
  std::filesystem::path draft = path;
  draft += draft_end;
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  create_secret_file(draft, std::move(text));
  rename_file(draft, path);
}

}  // namespace

void use_passphrases(std::vector<std::string> sources) {
  passphrase_sources.clear();
  for (std::string& source : sources) passphrase_sources.push_back({std::move(source)});
}

bool has_passphrases() { return !passphrase_sources.empty(); }

const std::string& passphrase() {
  if (passphrase_sources.empty()) throw no_passphrase();
  if (passphrase_sources.size() > 1)
    throw Failure(Exit::usage, "--passphrase-file: one is wanted to encrypt with, several only to open files with");
  return text_of(passphrase_sources.front());
}

std::string read_passphrase(const std::string& source, const std::string& what) {
  const bool is_descriptor = source.starts_with("fd:");
  auto content = is_descriptor ? read_descriptor(source.substr(3)) : read_file(source);
  if (!content) throw file_failure(source, ("cannot read the " + what).c_str());
  if (content->ends_with('\n')) content->pop_back();
  if (content->empty() || content->size() > passphrase_bytes_max)
    throw Failure(Exit::usage, source + ": a " + what + " is 1 to 1,024 bytes in one line");
  return *std::move(content);
}

std::optional<KeyGuard> key_file_guard(const std::filesystem::path& path) {
  auto text = read_file(path);
  const auto key = text && is_encrypted_key(*text) ? parse_encrypted_key(*text) : std::nullopt;
  if (text) wipe(*text);
  if (!key) return std::nullopt;
  auto [secret, words] = decrypt_file(path, *key);
  wipe(secret);
  return KeyGuard{key->cost, *words};
}

SecretKey parse_master_key(std::string text, const std::string& from) {
  if (text.ends_with('\n')) text.pop_back();
  auto bytes = from_hex(text);
  wipe(text);
  if (!bytes || bytes->size() != 32) throw Failure(Exit::usage, from + ": a master key is 64 hex digits");
  SecretKey key(as_bytes(*bytes));
  wipe(*bytes);
  return key;
}

SecretKey read_master_key(const std::filesystem::path& path, const char* what) {
  std::string text = read_secret(path, what);
  if (text.ends_with('\n')) text += '\n';  // one line's end is taken off already
  return parse_master_key(std::move(text), path.string());
}

Signer read_signing_key(const std::filesystem::path& path) {
  std::string public_part, text = read_secret(path, signing_what, &public_part);
  auto signer = Signer::parse_secret(text);
  wipe(text);
  if (!signer || (!public_part.empty() && public_part != signing_words(signer->verifier())))
    throw Failure(Exit::usage, path.string() + ": not a signing key");
  return *std::move(signer);
}

void create_signing_key(const std::filesystem::path& path, const Signer& signer, const std::optional<KeyGuard>& guard) {
  create_secret_file(path, key_text(signing_words(signer.verifier()), signer.secret_text(), guard));
}

void put_master_key(const std::filesystem::path& path, const SecretKey& key, const std::optional<KeyGuard>& guard,
                    const char* what) {
  put_secret_file(path, key_text(what, to_hex(key.view()), guard));
}

std::vector<std::filesystem::path> find_key_drafts(const std::filesystem::path& directory) {
  std::error_code failed;
  std::vector<std::filesystem::path> drafts;
  for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    const bool is_key = name.starts_with("signing.key") || name.starts_with("master.key");
    if (is_key && name.ends_with(draft_end)) drafts.push_back(at->path());
  }
  return drafts;
}

void remove_key_drafts(const std::filesystem::path& directory) {
  for (const auto& draft : find_key_drafts(directory)) remove_file(draft);
}

bool rewrite_key_file(const std::filesystem::path& path, const std::optional<KeyCost>& cost) {
  auto text = read_file(path);
  const auto key = text && is_encrypted_key(*text) ? parse_encrypted_key(*text) : std::nullopt;
  if (text) wipe(*text);
  if (key.has_value() == cost.has_value()) return false;
  const std::string name = path.filename().string();
  const bool is_signing = name.starts_with("signing.");
  std::string what = is_signing ? signing_what : name == "master.key" ? master_what : "master." + name.substr(11);
  std::string secret;
  if (is_signing) {
    const Signer signer = read_signing_key(path);
    what = signing_words(signer.verifier());
    secret = signer.secret_text();
  } else {
    secret = to_hex(read_master_key(path, what.c_str()).view());
  }
  const auto guard = cost ? std::optional(KeyGuard{*cost, passphrase()}) : std::nullopt;
  put_secret_file(path, key_text(what, std::move(secret), guard));
  return true;
}

}  // namespace daicho
