#include "ledger/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace daicho {
namespace {

StoreError io_error(const std::filesystem::path& path, const char* what) {
  return {StoreFault::io, path.string() + ": " + what + ": " + std::strerror(errno)};
}

}  // namespace

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<StoreError> replace_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return StoreError{StoreFault::io, path.parent_path().string() + ": " + error.message()};
  const std::filesystem::path next = path.string() + ".tmp";
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return io_error(next, "cannot create");
  const bool is_written = write_all(file, content) && ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const StoreError failure = io_error(next, "cannot write");
  ::close(file);
  if (!is_written) return failure;
  if (::rename(next.c_str(), path.c_str()) != 0) return io_error(next, "cannot rename");
  return std::nullopt;
}

std::optional<StoreError> sync_directory(const std::filesystem::path& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return io_error(directory, "cannot open");
  const bool is_synced = ::fsync(file) == 0;
  const StoreError failure = io_error(directory, "cannot sync");
  ::close(file);
  return is_synced ? std::nullopt : std::optional(failure);
}

std::optional<StoreError> replace_file_durably(const std::filesystem::path& path, std::string_view content,
                                               unsigned mode) {
  if (auto error = replace_file(path, content, mode)) return error;
  return sync_directory(path.parent_path());
}

namespace {

/// Not waiting: whoever opens a pipe to read hangs until somebody writes to it. nullopt: there is none.
Result<std::optional<int>, StoreError> open_regular_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::optional<int>();
  struct stat status = {};
  const bool is_known = file >= 0 && ::fstat(file, &status) == 0;
  if (is_known && S_ISREG(status.st_mode)) return std::optional(file);
  const bool is_socket = file < 0 && errno == ENXIO;
  const StoreError failure = io_error(path, "cannot open");
  if (file >= 0) ::close(file);
  if (!is_known && !is_socket) return Unexpected{failure};
  return Unexpected{StoreError{StoreFault::corrupt, path.string() + ": not a regular file"}};
}

}  // namespace

Result<std::optional<std::string>, StoreError> read_whole_file(const std::filesystem::path& path,
                                                               std::size_t bytes_max) {
  const auto opened = open_regular_file(path);
  if (!opened) return Unexpected{opened.error()};
  if (!*opened) return std::optional<std::string>();
  const int file = **opened;
  std::string content;
  char buffer[65'536];
  ssize_t got = 0;
  while (content.size() <= bytes_max) {
    got = ::read(file, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    content.append(buffer, static_cast<std::size_t>(got));
  }
  const StoreError failure = io_error(path, "cannot read");
  ::close(file);
  if (got < 0) return Unexpected{failure};
  if (content.size() > bytes_max)
    return Unexpected{
        StoreError{StoreFault::corrupt, path.string() + ": over " + std::to_string(bytes_max) + " bytes"}};
  return std::optional(std::move(content));
}

}  // namespace daicho
