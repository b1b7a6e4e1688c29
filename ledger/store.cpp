// docs/ledger-format.md, sections "Directory" and "Store".
#include "ledger/store.hpp"

#include <fcntl.h>
#include <rocksdb/file_checksum.h>
#include <unistd.h>

#include <cassert>
#include <charconv>

#include "ledger/checkpoint.hpp"
#include "ledger/files.hpp"
#include "ledger/store_impl.hpp"

namespace daicho {

using Handle = rocksdb::ColumnFamilyHandle;
using Handles = std::vector<Handle*>;

namespace {

constexpr const char* store_folder = "store";
constexpr const char* published_file = "checkpoint";
constexpr std::string_view live_rows_key = "rows";  // in `meta`: the name of the family that holds the live rows
constexpr int view_tries_max = 20;
constexpr std::size_t file_read_bytes = 1 << 20;

rocksdb::Slice slice(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
ByteView bytes_of(const rocksdb::Slice& text) { return as_bytes({text.data(), text.size()}); }

rocksdb::ReadOptions scan_options() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  return options;
}

/// An iterator of RocksDB 7.8 that meets a damaged block can end there with its status ok, or go on behind the files of
/// that level. A seek past the last row tells an end from damage; who must not miss a row in the middle counts
/// positions, as audit and replay do (docs/decisions/0008-store-recovery.md).
std::optional<StoreError> scan_family(rocksdb::DB& db, Handle* family, ByteView from, const Store::RowVisitor& row) {
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator(scan_options(), family));
  std::string next(as_text(from));
  for (at->Seek(slice(as_bytes(next))); at->Valid(); at->Seek(slice(as_bytes(next)))) {
    for (; at->Valid(); at->Next()) {
      if (!row(bytes_of(at->key()), bytes_of(at->value()))) return std::nullopt;
      next.assign(at->key().data(), at->key().size());
    }
    next += '\0';  // the least key after the last one seen
  }
  if (!at->status().ok()) return store_error(at->status());
  return std::nullopt;
}

/// The number at the end of "rows.<n>".
std::uint64_t rows_number(const std::string& name) {
  std::uint64_t number = 0;
  std::from_chars(name.data() + rows_family_prefix.size(), name.data() + name.size(), number);
  return number;
}

/// The published checkpoint; nullopt: there is none. Empty, as after a power loss: what is there is none.
std::optional<std::string> read_published(const std::filesystem::path& path) {
  auto content = read_whole_file(path, note_bytes_max);
  return content ? *std::move(content) : std::string();
}

/// What the store's current state hangs on: unchanged means that no file became obsolete meanwhile.
std::string manifest_mark(rocksdb::Env& env, const std::string& path) {
  std::string mark;
  if (!rocksdb::ReadFileToString(&env, path + "/CURRENT", &mark).ok()) return {};
  std::uint64_t size = 0;
  env.GetFileSize(path + "/" + mark.substr(0, mark.find('\n')), &size).PermitUncheckedError();
  return mark + std::to_string(size);
}

/// True when the folder holds anything that RocksDB would take up or clean away.
bool holds_store_files(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  env.GetChildren(path, &names).PermitUncheckedError();
  return std::ranges::any_of(names, [](const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name != "LOCK" && !name.starts_with("LOG");
  });
}

/// By RocksDB's words: its status does not tell a held lock from other errors.
bool is_lock_held(const rocksdb::Status& status) {
  const std::string words = status.ToString();
  return status.IsIOError() && words.find("LOCK") != std::string::npos &&
         words.find("open a file for lock") == std::string::npos;
}

std::optional<StoreError> verify_file(const rocksdb::LiveFileMetaData& file, rocksdb::Env& env) {
  const std::string path = file.db_path + file.name;
  const auto wrong = [&](const std::string& words) { return StoreError{StoreFault::corrupt, path + ": " + words}; };
  std::unique_ptr<rocksdb::SequentialFile> reader;
  const auto opened = env.NewSequentialFile(path, &reader, rocksdb::EnvOptions());
  if (opened.IsPathNotFound() || opened.subcode() == rocksdb::Status::kPathNotFound) return std::nullopt;  // compacted
  if (!opened.ok()) return store_error(opened);
  rocksdb::FileChecksumGenContext context;
  context.file_name = path;
  const auto checksum = rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator(context);
  if (file.file_checksum_func_name != checksum->Name()) return wrong("has no stored checksum of the expected kind");
  std::string buffer(file_read_bytes, '\0');
  for (rocksdb::Slice part;;) {
    const auto status = reader->Read(buffer.size(), &part, buffer.data());
    if (!status.ok()) return store_error(status);
    if (part.empty()) break;
    checksum->Update(part.data(), part.size());
  }
  checksum->Finalize();
  if (checksum->GetChecksum() == file.file_checksum) return std::nullopt;
  return wrong("CRC-32C of the file is " + to_hex(as_bytes(checksum->GetChecksum())) + ", stored is " +
               to_hex(as_bytes(file.file_checksum)));
}

}  // namespace

Store::Impl::~Impl() {
  if (db && is_writer(mode) && !stopped)  // into table files, whose every byte has a checksum; else it stays in the log
    db->Flush(rocksdb::FlushOptions(), live()).PermitUncheckedError();
  for (Handle* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  if (db) db->Close().PermitUncheckedError();
  if (published_file >= 0) ::close(published_file);
}

Store::Impl::Handles Store::Impl::live() const {
  Handles live;
  for (Handle* handle : handles) {
    if (std::ranges::find(dropped, handle) == dropped.end()) live.push_back(handle);
  }
  return live;
}

rocksdb::Status Store::Impl::open_database(const std::string& path) {
  const auto options = store_db_options(mode, env);
  std::vector<std::string> names;
  if (mode == Mode::create) {
    names.assign(store_family_names().begin(), store_family_names().end());
    names.push_back(rocksdb::kDefaultColumnFamilyName);
    names.push_back(std::string(rows_family_prefix) + "0");
  } else if (const auto listed = rocksdb::DB::ListColumnFamilies(options, path, &names); !listed.ok()) {
    return listed;
  } else if (mode == Mode::write && std::ranges::find(names, tiles_family_name()) == names.end()) {
    names.push_back(tiles_family_name());
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, store_family_options(name, cache));
  rocksdb::DB* opened = nullptr;
  const auto status = is_writer(mode) ? rocksdb::DB::Open(options, path, descriptors, &handles, &opened)
                                      : rocksdb::DB::OpenForReadOnly(options, path, descriptors, &handles, &opened);
  db.reset(opened);
  return status;
}

/// A writer may flush or compact between our reading the manifest and the files it names; then the view is taken again.
rocksdb::Status Store::Impl::open_view(const std::string& path) {
  std::string failed_mark;
  for (int tries = 1;; ++tries) {
    const std::string mark = manifest_mark(*env, path);
    auto status = open_database(path);
    const bool steady = mark == manifest_mark(*env, path);
    const bool failed_again = !status.ok() && mark == failed_mark;
    if ((steady && (status.ok() || failed_again)) || tries == view_tries_max) return status;
    if (!status.ok()) failed_mark = mark;
    for (Handle* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    handles.clear();
    db.reset();
  }
}

std::optional<StoreError> Store::Impl::find_families() {
  const auto named = [&](const std::string& name) {
    const auto found = std::ranges::find(handles, name, &Handle::GetName);
    return found == handles.end() ? nullptr : *found;
  };
  for (std::size_t i = 0; i < families.size(); ++i) {
    families[i] = named(store_family_names()[i]);
    const bool may_lack = store_family_names()[i] == tiles_family_name();
    if (!families[i] && !may_lack)
      return StoreError{StoreFault::corrupt, "column family missing: " + store_family_names()[i]};
  }
  std::string live = std::string(rows_family_prefix) + "0";
  const auto status = db->Get(rocksdb::ReadOptions(), family(Family::meta), live_rows_key, &live);
  if (!status.ok() && !status.IsNotFound()) return store_error(status);
  rows = named(live);
  if (!rows.load()) return StoreError{StoreFault::corrupt, "column family missing: " + live};
  return std::nullopt;
}

std::optional<StoreError> Store::Impl::open(const std::string& path) {
  const auto status = is_writer(mode) ? open_database(path) : open_view(path);
  if (!status.ok())
    return is_lock_held(status) ? StoreError{StoreFault::locked, status.ToString()} : store_error(status);
  return find_families();
}

std::string end_of_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  assert(!prefix.empty());
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::optional<StoreError> Store::Impl::write(const Rows& changes, Handle* rows_family, bool sync) {
  assert(is_writer(mode));
  if (stopped) return StoreError{StoreFault::io, "the store is stopped by an earlier failed write"};
  std::size_t bytes = 0;
  for (const RowChange& change : changes) bytes += change.key.size() + (change.value ? change.value->size() : 0) + 16;
  rocksdb::WriteBatch batch(bytes);
  for (const RowChange& change : changes) {
    Handle* const in = change.family == Family::rows ? rows_family : family(change.family);
    const auto put = change.value       ? batch.Put(in, change.key, *change.value)
                     : change.is_prefix ? batch.DeleteRange(in, change.key, end_of_prefix(change.key))
                                        : batch.Delete(in, change.key);
    assert(put.ok());
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  const auto status = db->Write(options, &batch);
  if (status.ok()) return std::nullopt;
  stopped = true;
  return store_error(status);
}

namespace {

/// A writer that opens a store with a lost tail would flush what is left and delete the rest of the evidence.
std::optional<StoreError> refuse_lost_tail(const Store& view) {
  const auto note = view.published() ? parse_note(*view.published()) : std::nullopt;
  const auto published = note ? parse_checkpoint_text(note->text) : std::nullopt;
  if (!published) return std::nullopt;  // torn, as after a power loss
  const auto last = view.last(Family::checkpoints);
  if (!last) return last.error();
  const bool has_size = *last && (*last)->first.size() == 8;
  const std::uint64_t stored = has_size ? read_big_endian(as_bytes((*last)->first)) : 0;
  if (published->size <= stored) return std::nullopt;
  return StoreError{StoreFault::behind, "the published checkpoint covers " + std::to_string(published->size) +
                                            " events, the store's last one covers " + std::to_string(stored)};
}

void create_directories(const std::filesystem::path& directory, const std::string& path, rocksdb::Env& env, bool own) {
  if (own) {
    std::error_code ignored;  // what cannot be made shows when RocksDB opens it
    std::filesystem::create_directories(directory, ignored);
  } else {
    env.CreateDirIfMissing(directory.string()).PermitUncheckedError();
  }
  env.CreateDirIfMissing(path).PermitUncheckedError();
  if (own) {
    std::error_code ignored;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, ignored);
  }
}

}  // namespace

Result<std::unique_ptr<Store>, StoreError> Store::open(const std::filesystem::path& directory, Mode mode,
                                                       rocksdb::Env* env) {
  const bool own = env == nullptr;
  auto impl = std::make_unique<Impl>(mode, own ? rocksdb::Env::Default() : env);
  const std::string path = (directory / store_folder).string();
  const bool holds = holds_store_files(*impl->env, path);
  if (mode == Mode::create && holds) return Unexpected{StoreError{StoreFault::exists, path + " is not empty"}};
  if (mode != Mode::create && !holds) return Unexpected{StoreError{StoreFault::not_found, "no store in " + path}};
  if (mode == Mode::create) create_directories(directory, path, *impl->env, own);
  if (mode == Mode::write) {
    auto view = open(directory, Mode::read, env);
    if (!view) return view;
    if (auto lost = refuse_lost_tail(**view)) return Unexpected{std::move(*lost)};
  }
  if (own) impl->published = read_published(directory / published_file);
  if (auto error = impl->open(path)) return Unexpected{std::move(*error)};
  if (own && is_writer(mode)) {
    impl->published_file = ::open((directory / published_file).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::unique_ptr<Store>, StoreError> Store::open_folder(const std::filesystem::path& folder,
                                                              std::optional<std::string> published, rocksdb::Env* env) {
  auto impl = std::make_unique<Impl>(Mode::read, env ? env : rocksdb::Env::Default());
  if (auto error = impl->open(folder.string())) return Unexpected{std::move(*error)};
  impl->published = std::move(published);
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::optional<std::string>, StoreError> Store::get(Family family, ByteView key) const {
  Handle* const in = impl_->family(family);
  if (!in) return std::optional<std::string>();
  std::string value;
  const auto status = impl_->db->Get(rocksdb::ReadOptions(), in, slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return Unexpected{store_error(status)};
  return std::optional(std::move(value));
}

std::optional<StoreError> Store::scan(Family family, ByteView from, const RowVisitor& row) const {
  Handle* const in = impl_->family(family);
  return in ? scan_family(*impl_->db, in, from, row) : std::nullopt;
}

Result<std::optional<std::pair<std::string, std::string>>, StoreError> Store::last(Family family) const {
  std::optional<std::pair<std::string, std::string>> row;
  Handle* const in = impl_->family(family);
  if (!in) return row;
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator(rocksdb::ReadOptions(), in));
  at->SeekToLast();
  if (at->Valid()) row.emplace(at->key().ToString(), at->value().ToString());
  if (!at->status().ok()) return Unexpected{store_error(at->status())};
  return row;
}

std::optional<StoreError> Store::write(const Rows& rows, bool sync) {
  return impl_->write(rows, impl_->family(Family::rows), sync);
}

std::optional<BadFile> Store::verify_files() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  impl_->db->GetLiveFilesMetaData(&files);
  for (const rocksdb::LiveFileMetaData& file : files) {
    if (auto error = verify_file(file, *impl_->env)) return BadFile{std::move(error->detail)};
  }
  return std::nullopt;
}

void Store::publish(std::string_view note) {
  if (impl_->published_file < 0) return;
  if (::pwrite(impl_->published_file, note.data(), note.size(), 0) < 0) return;
  [[maybe_unused]] const int cut = ::ftruncate(impl_->published_file, static_cast<off_t>(note.size()));
}

const std::optional<std::string>& Store::published() const { return impl_->published; }

std::optional<StoreError> Store::begin_shadow() {
  assert(is_writer(impl_->mode));
  const std::lock_guard lock(impl_->family_mutex);
  std::uint64_t highest = 0;
  for (Handle* const handle : Handles(impl_->handles)) {
    if (!handle->GetName().starts_with(rows_family_prefix)) continue;
    highest = std::max(highest, rows_number(handle->GetName()));
    const bool is_dropped = std::ranges::find(impl_->dropped, handle) != impl_->dropped.end();
    if (handle != impl_->rows.load() && !is_dropped) impl_->drop(handle);
  }
  const std::string name = std::string(rows_family_prefix) + std::to_string(highest + 1);
  impl_->shadow = nullptr;
  const auto status = impl_->db->CreateColumnFamily(store_family_options(name, impl_->cache), name, &impl_->shadow);
  if (!status.ok()) return store_error(status);
  impl_->handles.push_back(impl_->shadow);
  return std::nullopt;
}

std::optional<StoreError> Store::write_shadow(const Rows& rows) {
  assert(impl_->shadow);
  return impl_->write(rows, impl_->shadow, false);
}

std::optional<StoreError> Store::scan_shadow(const RowVisitor& row) const {
  assert(impl_->shadow);
  return scan_family(*impl_->db, impl_->shadow, {}, row);
}

std::optional<StoreError> Store::swap_shadow(const Rows& beside) {
  const std::lock_guard lock(impl_->family_mutex);
  assert(impl_->shadow);
  // One synced write: the write-ahead log then holds every shadow row before it, too.
  Rows rows = beside;
  rows.push_back({Family::meta, std::string(live_rows_key), impl_->shadow->GetName()});
  if (auto error = impl_->write(rows, impl_->rows, true)) return error;
  impl_->rows = std::exchange(impl_->shadow, nullptr);
  return std::nullopt;
}

std::optional<StoreError> Store::drop_shadow() {
  const std::lock_guard lock(impl_->family_mutex);
  assert(impl_->shadow);
  impl_->drop(std::exchange(impl_->shadow, nullptr));
  return std::nullopt;
}

}  // namespace daicho
