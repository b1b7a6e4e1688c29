#include "tools/key_files.hpp"

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
  const bool written = ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const bool synced = written && ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
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
  std::string text;  // once it is read
} passphrase_source;

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
  if (!key || !key->what.starts_with(what))
    throw Failure(Exit::usage, path.string() + ": not an encrypted " + what + " key as this program writes them");
  auto secret = decrypt_key(*key, passphrase());
  if (!secret) throw Failure(Exit::not_permitted, path.string() + ": the passphrase is wrong, or the file was altered");
  if (public_part) *public_part = key->what;
  return *std::move(secret);
}

std::string signing_words(const Verifier& verifier) { return "signing " + verifier.vkey(); }

void create_secret_file(const std::filesystem::path& path, std::string text) {
  try {
    create_file(path, text, 0600);
  } catch (...) {
    wipe(text);
    throw;
  }
  wipe(text);
}

/// The file's text; the secret is wiped.
std::string key_text(const std::string& what, std::string secret, const std::optional<KeyCost>& cost) {
  std::string text;
  if (cost) {
    text = encrypt_key(what, as_bytes(secret), passphrase(), *cost, system_entropy());
  } else {
    text.reserve(secret.size() + 1);  // no copy is left behind
    text.append(secret).append("\n");
  }
  wipe(secret);
  return text;
}

}  // namespace

void use_passphrase(const std::string& source) { passphrase_source = {source, {}}; }

const std::string& passphrase() {
  auto& [from, text] = passphrase_source;
  if (!text.empty()) return text;
  if (from.empty())
    throw Failure(Exit::not_permitted,
                  "a key file is encrypted: --passphrase-file FILE (or DAICHO_PASSPHRASE_FILE) "
                  "is wanted");
  const bool is_descriptor = from.starts_with("fd:");
  auto content = is_descriptor ? read_descriptor(from.substr(3)) : read_file(from);
  if (!content) throw file_failure(from, "cannot read the passphrase");
  if (content->ends_with('\n')) content->pop_back();
  if (content->empty() || content->size() > passphrase_bytes_max)
    throw Failure(Exit::usage, from + ": a passphrase is 1 to 1,024 bytes in one line");
  text = *std::move(content);
  return text;
}

SecretKey read_master_key(const std::filesystem::path& path) {
  std::string text = read_secret(path, "master");
  auto bytes = from_hex(text);
  wipe(text);
  if (!bytes || bytes->size() != 32) throw Failure(Exit::usage, path.string() + ": a master key is 64 hex digits");
  SecretKey key(as_bytes(*bytes));
  wipe(*bytes);
  return key;
}

void create_signing_key(const std::filesystem::path& path, const Signer& signer) {
  std::string text = signer.secret_text(), line;
  line.reserve(text.size() + 1);  // no copy is left behind
  line.append(text).append("\n");
  wipe(text);
  try {
    create_file(path, line, 0600);
  } catch (...) {
    wipe(line);
    throw;
  }
  wipe(line);
}

Signer read_signing_key(const std::filesystem::path& path) {
  std::string public_part, text = read_secret(path, "signing", &public_part);
  auto signer = Signer::parse_secret(text);
  wipe(text);
  if (!signer || (!public_part.empty() && public_part != signing_words(signer->verifier())))
    throw Failure(Exit::usage, path.string() + ": not a signing key");
  return *std::move(signer);
}

void create_signing_key(const std::filesystem::path& path, const Signer& signer, const std::optional<KeyCost>& cost) {
  create_secret_file(path, key_text(signing_words(signer.verifier()), signer.secret_text(), cost));
}

std::optional<KeyCost> key_file_cost(const std::filesystem::path& path) {
  auto text = read_file(path);
  const auto key = text && is_encrypted_key(*text) ? parse_encrypted_key(*text) : std::nullopt;
  if (text) wipe(*text);
  return key ? std::optional(key->cost) : std::nullopt;
}

bool rewrite_key_file(const std::filesystem::path& path, const std::optional<KeyCost>& cost) {
  if (key_file_cost(path).has_value() == cost.has_value()) return false;
  const bool is_master = path.filename() == "master.key";
  std::string what = "master";
  std::string secret;
  if (is_master) {
    secret = to_hex(read_master_key(path).view());
  } else {
    const Signer signer = read_signing_key(path);
    what = signing_words(signer.verifier());
    secret = signer.secret_text();
  }
  std::filesystem::path draft = path;
  draft += ".new";
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  create_secret_file(draft, key_text(what, std::move(secret), cost));
  rename_file(draft, path);
  return true;
}

}  // namespace daicho
