// docs/ledger-format.md, section "Export".
#include "ledger/exported_log.hpp"

#include <mutex>
#include <set>

#include "ledger/files.hpp"
#include "ledger/lines.hpp"
#include "ledger/log_rows.hpp"
#include "ledger/stored_tree.hpp"

namespace daicho {
namespace {

constexpr const char* checkpoint_file = "checkpoint";
constexpr std::size_t bundle_bytes_max = tile_hashes * (envelope_bytes_max + 2);
constexpr std::size_t tile_bytes_max = tile_hashes * Hash::size;

Unexpected<StoreError> corrupt(std::string words) { return {StoreError{StoreFault::corrupt, std::move(words)}}; }

/// A partial tile or bundle, by its path below `tile/`.
struct PartialFile {
  bool is_bundle = false;
  TileId tile;
  unsigned width = 0;
};

/// Size and root as a note says, whoever signed it.
std::optional<Checkpoint> claimed(std::string_view note) {
  const auto parsed = parse_note(note);
  return parsed ? parse_checkpoint_text(parsed->text) : std::nullopt;
}

class Exporter {
 public:
  Exporter(const Store& store, const std::filesystem::path& folder) : store_(store), folder_(folder) {}

  Result<ExportReport, StoreError> run() {
    const auto newest = store_.last(Family::checkpoints);
    if (!newest) return Unexpected{newest.error()};
    if (!*newest) return corrupt("the store has no checkpoint");
    const std::string& note = (*newest)->second;
    const auto checkpoint = claimed(note);
    if (!checkpoint) return corrupt("the store's last checkpoint does not read");
    report_.size = checkpoint->size;
    if (auto error = read_before(*checkpoint)) return Unexpected{*std::move(error)};
    auto error = write_all();
    for (const auto& directory : directories_) {
      if (!error) error = sync_directory(directory);
    }
    if (!error) error = replace_file_durably(folder_ / checkpoint_file, note);
    if (error) return Unexpected{*std::move(error)};
    remove_outgrown();
    return report_;
  }

 private:
  /// The checkpoint that is there must be one of this log.
  std::optional<StoreError> read_before(const Checkpoint& now) {
    const auto file = read_whole_file(folder_ / checkpoint_file, note_bytes_max);
    if (!file) return file.error();
    if (!*file) return std::nullopt;
    const auto before = claimed(**file);
    const std::string path = (folder_ / checkpoint_file).string();
    const auto refuse = [&](const std::string& words) { return StoreError{StoreFault::corrupt, path + ": " + words}; };
    if (!before) return refuse("not a checkpoint");
    if (before->origin != now.origin) return refuse("of another log, " + before->origin);
    if (before->size > now.size) return refuse("covers more events than this ledger has: it lost its end");
    const auto root = tree_root(before->size, stored_subtrees(store_));
    if (!root) return StoreError{StoreFault::corrupt, "the stored hash tiles cannot be read"};
    if (*root != before->root) return refuse("another history than this ledger's");
    report_.size_before = before->size;
    return std::nullopt;
  }

  std::optional<StoreError> write_all() {
    for (std::uint64_t index = report_.size_before / tile_hashes; index * tile_hashes < report_.size; ++index) {
      if (auto error = write_bundle(index)) return error;
    }
    for (unsigned level = 0; report_.size >> (tile_height * level) > 0 && level < tile_levels_max; ++level) {
      const std::uint64_t done = report_.size_before >> (tile_height * level);
      for (TileId tile{level, done / tile_hashes}; tile_width(tile, report_.size) > 0; ++tile.index) {
        if (auto error = write_tile(tile)) return error;
      }
    }
    return std::nullopt;
  }

  std::optional<StoreError> write_bundle(std::uint64_t index) {
    const unsigned width = tile_width({0, index}, report_.size);
    const auto bundle = stored_bundle(store_, index, width);
    if (!bundle) return bundle.error();
    return write(bundle_path(index, width), *bundle);
  }

  std::optional<StoreError> write_tile(const TileId& tile) {
    const unsigned width = tile_width(tile, report_.size);
    auto hashes = stored_tiles(store_)(tile, width);
    if (!hashes) return StoreError{StoreFault::corrupt, tile_path(tile, width) + " cannot be read"};
    hashes->resize(width * Hash::size);
    return write(tile_path(tile, width), *hashes);
  }

  /// What is there was written whole (files are renamed into place); `audit verify` says whether it still is.
  std::optional<StoreError> write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = folder_ / name;
    std::error_code missing;
    if (std::filesystem::file_size(path, missing) == content.size() && !missing) return std::nullopt;
    for (auto above = path.parent_path(); above != folder_.parent_path(); above = above.parent_path())
      directories_.insert(above);
    ++report_.files;
    report_.bytes += content.size();
    return replace_file(path, content);
  }

  /// Partial tiles and bundles that are full by now. Left behind they would harm nobody.
  void remove_outgrown() const {
    std::error_code ignored;
    for (unsigned level = 0; report_.size >> (tile_height * level) > 0 && level < tile_levels_max; ++level) {
      const TileId tile{level, (report_.size_before >> (tile_height * level)) / tile_hashes};
      if (tile_width(tile, report_.size) < tile_hashes) continue;
      std::filesystem::remove_all(folder_ / (tile_path(tile, tile_hashes) + ".p"), ignored);
      if (level == 0) std::filesystem::remove_all(folder_ / (bundle_path(tile.index, tile_hashes) + ".p"), ignored);
    }
  }

  const Store& store_;
  const std::filesystem::path folder_;
  ExportReport report_;
  std::set<std::filesystem::path> directories_;
};

}  // namespace

Result<ExportReport, StoreError> export_tiles(const Store& store, const std::filesystem::path& folder) {
  return Exporter(store, std::filesystem::absolute(folder).lexically_normal()).run();
}

struct ExportedLog::Impl {
  std::filesystem::path folder;
  std::string note;
  std::uint64_t size = 0;
  std::string rotations;
  std::optional<std::string> published;  // never

  mutable std::mutex mutex;  // guards the bundle read last
  mutable std::optional<std::uint64_t> bundle_index;
  mutable std::string bundle;
  mutable std::vector<ByteView> entries;

  std::optional<StoreError> read_bundle(std::uint64_t index) const;
  Result<std::optional<std::string>, StoreError> event(Position position) const;
  Result<std::optional<std::string>, StoreError> tile(ByteView key) const;
  void find_rotations();
  std::optional<std::string> expected(const PartialFile& file) const;
};

/// Under the lock.
std::optional<StoreError> ExportedLog::Impl::read_bundle(std::uint64_t index) const {
  if (bundle_index == index) return std::nullopt;
  bundle_index.reset();
  const unsigned width = tile_width({0, index}, size);
  const std::filesystem::path path = folder / bundle_path(index, width);
  auto file = read_whole_file(path, bundle_bytes_max);
  if (!file) return file.error();
  if (!*file) return StoreError{StoreFault::corrupt, path.string() + " is missing"};
  bundle = **std::move(file);
  auto found = entries_of(as_bytes(bundle));
  if (!found || found->size() != width)
    return StoreError{StoreFault::corrupt, path.string() + ": not a bundle of " + std::to_string(width) + " entries"};
  entries = *std::move(found);
  bundle_index = index;
  return std::nullopt;
}

Result<std::optional<std::string>, StoreError> ExportedLog::Impl::event(Position position) const {
  if (position >= size) return std::optional<std::string>();
  const std::lock_guard lock(mutex);
  if (auto error = read_bundle(position / tile_hashes)) return Unexpected{*std::move(error)};
  return std::optional(std::string(as_text(entries[position % tile_hashes])));
}

Result<std::optional<std::string>, StoreError> ExportedLog::Impl::tile(ByteView key) const {
  if (key.size() != 9) return std::optional<std::string>();
  const TileId tile{key[0], read_big_endian(key.subspan(1))};
  const unsigned width = tile.level < tile_levels_max ? tile_width(tile, size) : 0;
  if (width == 0) return std::optional<std::string>();
  return read_whole_file(folder / tile_path(tile, width), tile_bytes_max);
}

/// As the writer keeps them in its store; the audit compares the list with the events.
void ExportedLog::Impl::find_rotations() {
  for (Position position = 0; position < size; ++position) {
    const auto envelope = event(position);
    if (!envelope) return;  // an audit finds it, too, and says where
    const auto parsed = Event::parse(as_bytes(**envelope));
    if (parsed && parsed->type() == fb::Payload::SigningKeyRotated) append(rotations, big_endian(position));
  }
}

namespace {

std::optional<PartialFile> parse_partial(const std::filesystem::path& path) {
  std::vector<std::string> words;
  for (const auto& word : path) words.push_back(word.string());
  if (words.size() < 3 || !words[words.size() - 2].ends_with(".p")) return std::nullopt;
  PartialFile file{.is_bundle = words.front() == "entries"};
  const auto level = file.is_bundle ? 0 : parse_decimal(words.front());
  const auto width = parse_decimal(words.back());
  std::string digits;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) digits += words[i].substr(words[i].starts_with('x') ? 1 : 0, 3);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const auto index = parse_decimal(digits);
  if (!level || *level >= tile_levels_max || !width || *width == 0 || *width >= tile_hashes || !index)
    return std::nullopt;
  file.tile = {static_cast<unsigned>(*level), *index};
  file.width = static_cast<unsigned>(*width);
  return file;
}

}  // namespace

/// What the file must hold: the beginning of what the newest checkpoint covers. Nullopt: it covers less than that.
std::optional<std::string> ExportedLog::Impl::expected(const PartialFile& file) const {
  if (tile_width(file.tile, size) < file.width) return std::nullopt;
  std::string content;
  if (!file.is_bundle) {
    const auto whole = tile(as_bytes(tile_key(file.tile)));
    if (whole && *whole) content = (*whole)->substr(0, file.width * Hash::size);
    return content;
  }
  for (Position position = file.tile.index * tile_hashes; position < file.tile.index * tile_hashes + file.width;
       ++position) {
    const auto envelope = event(position);
    if (envelope && *envelope) append_entry(content, as_bytes(**envelope));
  }
  return content;
}

std::optional<BadFile> ExportedLog::verify_files() const {
  const std::filesystem::path root = impl_->folder / "tile";
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file(error)) paths.push_back(at->path());
  }
  std::optional<BadFile> first;
  for (const auto& path : paths) {
    const auto file = parse_partial(path.lexically_relative(root));
    const auto expected = file ? impl_->expected(*file) : std::nullopt;
    if (!expected) continue;
    const auto content = read_whole_file(path, bundle_bytes_max);
    if (content && *content == *expected) continue;
    const Position position = (file->tile.index * tile_hashes) << (tile_height * file->tile.level);
    if (!first || position < *first->position)
      first = BadFile{path.string() + " is not the beginning of the log's", position, !file->is_bundle};
  }
  return first;
}

Result<std::unique_ptr<ExportedLog>, StoreError> ExportedLog::open(const std::filesystem::path& folder) {
  auto file = read_whole_file(folder / checkpoint_file, note_bytes_max);
  if (!file) return Unexpected{file.error()};
  if (!*file) return Unexpected{StoreError{StoreFault::not_found, "no checkpoint in " + folder.string()}};
  const auto checkpoint = claimed(**file);
  if (!checkpoint) return corrupt((folder / checkpoint_file).string() + ": not a checkpoint");
  auto impl = std::make_unique<Impl>();
  impl->folder = folder;
  impl->note = **std::move(file);
  impl->size = checkpoint->size;
  impl->find_rotations();
  return std::unique_ptr<ExportedLog>(new ExportedLog(std::move(impl)));
}

ExportedLog::ExportedLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExportedLog::~ExportedLog() = default;

const std::optional<std::string>& ExportedLog::published() const { return impl_->published; }

Result<std::optional<std::string>, StoreError> ExportedLog::get(Family family, ByteView key) const {
  const auto number = number_of(key);
  if (family == Family::events && number) return impl_->event(*number);
  if (family == Family::checkpoints && number == impl_->size) return std::optional(impl_->note);
  if (family == Family::tiles) return impl_->tile(key);
  const bool is_rotations = family == Family::meta && as_text(key) == rotations_key && !impl_->rotations.empty();
  return is_rotations ? std::optional(impl_->rotations) : std::optional<std::string>();
}

std::optional<StoreError> ExportedLog::scan(Family family, ByteView from, const RowVisitor& row) const {
  if (family == Family::checkpoints) {
    const auto key = big_endian(impl_->size);
    if (as_text(from) <= as_text(key)) row(key, as_bytes(impl_->note));
    return std::nullopt;
  }
  if (family != Family::events) return std::nullopt;
  const auto first = number_of(from.first(std::min<std::size_t>(from.size(), 8)));
  const bool is_behind = from.size() > 8;  // the least key after that position's
  for (Position position = first.value_or(0) + (is_behind ? 1 : 0); position < impl_->size; ++position) {
    const auto envelope = impl_->event(position);
    if (!envelope) return envelope.error();
    if (!row(big_endian(position), as_bytes(**envelope))) return std::nullopt;
  }
  return std::nullopt;
}

Result<std::optional<std::pair<std::string, std::string>>, StoreError> ExportedLog::last(Family family) const {
  using Row = std::optional<std::pair<std::string, std::string>>;
  const auto key = [](std::uint64_t number) { return std::string(as_text(big_endian(number))); };
  if (family == Family::checkpoints) return Row(std::in_place, key(impl_->size), impl_->note);
  if (impl_->size == 0) return Row();
  if (family == Family::events) {
    auto envelope = impl_->event(impl_->size - 1);
    if (!envelope) return Unexpected{envelope.error()};
    return Row(std::in_place, key(impl_->size - 1), **std::move(envelope));
  }
  if (family == Family::tiles) return Row(std::in_place, tile_key({0, (impl_->size - 1) / tile_hashes}), "");
  return Row();
}

}  // namespace daicho
