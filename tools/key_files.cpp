#include "tools/key_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "tools/failure.hpp"

namespace daicho {

namespace {

constexpr std::size_t key_file_bytes_max = 65'536;

Failure file_failure(const std::filesystem::path& path, const char* what) {
  const bool denied = errno == EACCES || errno == EPERM;
  const Exit code = denied ? Exit::not_permitted : errno == EEXIST ? Exit::usage : Exit::unavailable;
  return {code, path.string() + ": " + what + ": " + std::strerror(errno)};
}

void sync_directory(const std::filesystem::path& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) throw file_failure(directory, "cannot open");
  const int failed = ::fsync(file);
  ::close(file);
  if (failed != 0) throw file_failure(directory, "cannot sync");
}

void write_file(const std::filesystem::path& path, std::string_view content, int how, unsigned mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, mode);
  if (file < 0) throw file_failure(path, "cannot create");
  const bool written = ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const bool synced = written && ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const Failure failure = file_failure(path, "cannot write");
  ::close(file);
  if (!synced) throw failure;
}

}  // namespace

void create_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  write_file(path, content, O_EXCL, mode);
  sync_directory(path.parent_path());
}

void replace_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  std::filesystem::path next = path;
  next += ".new";  // one that a crash left is written over
  write_file(next, content, O_TRUNC, mode);
  rename_file(next, path);
}

void create_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) throw file_failure(path, "cannot create");
  sync_directory(path.parent_path());
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) throw file_failure(from, "cannot rename");
  sync_directory(to.parent_path());
}

void remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0) throw file_failure(path, "cannot remove");
  sync_directory(path.parent_path());
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

SecretKey read_master_key(const std::filesystem::path& path) {
  auto text = read_file(path);
  if (!text) throw file_failure(path, "cannot read the master key");
  if (text->ends_with('\n')) text->pop_back();
  auto bytes = from_hex(*text);
  wipe(*text);
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
  auto text = read_file(path);
  if (!text) throw file_failure(path, "cannot read the signing key");
  if (text->ends_with('\n')) text->pop_back();
  auto signer = Signer::parse_secret(*text);
  wipe(*text);
  if (!signer) throw Failure(Exit::usage, path.string() + ": not a signing key");
  return *std::move(signer);
}

}  // namespace daicho
