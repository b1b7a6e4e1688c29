#include "ledger/store_image.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

namespace daicho {
namespace {

namespace fs = std::filesystem;

constexpr int image_tries_max = 50;
constexpr std::size_t copy_bytes = 1 << 20;
constexpr std::uint64_t whole_file = std::numeric_limits<std::uint64_t>::max();

StoreError io_error(const fs::path& path, const char* what, int code) {
  return {StoreFault::io, path.string() + ": " + what + ": " + std::strerror(code)};
}

/// Copies the first `bytes` of a file, or what it holds as it is opened. One that is not there any more is passed over:
/// whether it was needed shows in the manifest.
std::optional<StoreError> copy_begin(const fs::path& from, const fs::path& to, std::uint64_t bytes) {
  const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (source < 0) return errno == ENOENT ? std::nullopt : std::optional(io_error(from, "cannot open", errno));
  const int target = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::optional<StoreError> error;
  if (target < 0) error = io_error(to, "cannot create", errno);
  bytes = std::min<std::uint64_t>(bytes, static_cast<std::uint64_t>(std::max<off_t>(0, ::lseek(source, 0, SEEK_END))));
  std::string buffer(copy_bytes, '\0');
  for (std::uint64_t done = 0; !error && done < bytes;) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), bytes - done));
    const ssize_t got = ::pread(source, buffer.data(), wanted, static_cast<off_t>(done));
    if (got <= 0) {
      error = io_error(from, "cannot read", got < 0 ? errno : EIO);
    } else if (::write(target, buffer.data(), static_cast<std::size_t>(got)) != got) {
      error = io_error(to, "cannot write", errno);
    }
    done += static_cast<std::uint64_t>(std::max<ssize_t>(0, got));
  }
  ::close(source);
  if (target >= 0) ::close(target);
  return error;
}

/// What says which files make up the store: the name of the manifest, and how much of it is written.
struct ManifestMark {
  std::string name;
  std::uint64_t size = 0;
  bool operator==(const ManifestMark&) const = default;
};

ManifestMark manifest_mark(const fs::path& store) {
  ManifestMark mark;
  std::ifstream in(store / "CURRENT", std::ios::binary);
  std::getline(in, mark.name);
  std::error_code missing;
  const std::uintmax_t size = fs::file_size(store / mark.name, missing);
  if (!missing) mark.size = size;
  return mark;
}

std::vector<std::string> list_files(const fs::path& store, std::error_code& error) {
  std::vector<std::string> names;
  for (fs::directory_iterator at(store, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  std::ranges::sort(names);
  return names;
}

/// Write-ahead logs by number: only the newest of a list is still written to, so all before it are whole.
void sort_by_number(std::vector<std::string>& logs) {
  std::ranges::sort(logs, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
}

std::optional<StoreError> link_or_copy(const fs::path& store, const fs::path& image, const ManifestMark& mark) {
  std::error_code failed;
  const auto names = list_files(store, failed);
  if (failed) return io_error(store, "cannot list", failed.value());
  std::vector<std::string> logs;
  for (const std::string& name : names) {
    if (name.ends_with(".log")) logs.push_back(name);
    if (!name.ends_with(".sst")) continue;
    const bool is_linked = ::link((store / name).c_str(), (image / name).c_str()) == 0;
    if (!is_linked && errno != ENOENT) return io_error(store / name, "cannot link", errno);
  }
  sort_by_number(logs);
  for (const std::string& name : logs) {
    if (auto error = copy_begin(store / name, image / name, whole_file)) return error;
  }
  for (const std::string& name : names) {
    if (!name.starts_with("OPTIONS-") && name != "IDENTITY" && name != "CURRENT") continue;
    if (auto error = copy_begin(store / name, image / name, whole_file)) return error;
  }
  return copy_begin(store / mark.name, image / mark.name, mark.size);
}

}  // namespace

std::optional<StoreError> take_store_image(const fs::path& store, const fs::path& image) {
  for (int tries = 0; tries < image_tries_max; ++tries) {
    std::error_code failed;
    fs::remove_all(image, failed);
    if (!failed) fs::create_directory(image, failed);
    if (!failed) fs::permissions(image, fs::perms::owner_all, failed);
    if (failed) return io_error(image, "cannot be made", failed.value());
    const ManifestMark mark = manifest_mark(store);
    if (mark.name.empty() || mark.size == 0) continue;
    if (auto error = link_or_copy(store, image, mark)) return error;
    if (mark == manifest_mark(store)) return std::nullopt;
  }
  return StoreError{StoreFault::io, store.string() + ": the writer changed its files in each of " +
                                        std::to_string(image_tries_max) + " tries"};
}

}  // namespace daicho
