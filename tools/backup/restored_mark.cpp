#include "tools/backup/restored_mark.hpp"

#include "ledger/checkpoint.hpp"
#include "ledger/files.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr const char* mark_file = "restored";
constexpr std::string_view kept_prefix = "checkpoint.";

}  // namespace

fs::path kept_checkpoint(const fs::path& directory, std::uint64_t size) {
  return directory / (std::string(kept_prefix) + std::to_string(size));
}

bool is_kept_checkpoint(const std::string& file_name) { return file_name.starts_with(kept_prefix); }

bool has_mark(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory / mark_file, ignored);
}

void write_mark(const fs::path& directory, Json mark) {
  std::array<std::uint8_t, 16> id;
  system_entropy()(id);
  mark["mark"] = to_hex(id);
  mark["at"] = to_rfc3339(system_time());
  create_file(directory / mark_file, mark.dump() + "\n", 0600);
}

Json read_mark(const fs::path& directory) {
  Json mark = Json::parse(read_file(directory / mark_file).value_or(""), nullptr, false);
  return mark.is_object() ? mark : Json::object();
}

void add_to_mark(const fs::path& directory, const Json& members) {
  Json mark = read_mark(directory);
  mark.update(members);
  if (const auto error = replace_file_durably(directory / mark_file, mark.dump() + "\n", 0600)) fail(*error);
}

void remove_mark(const fs::path& directory) { remove_file(directory / mark_file); }

void hold_back(const fs::path& directory, const std::string& seen) {
  const auto note = parse_note(seen);
  const auto checkpoint = note ? parse_checkpoint_text(note->text) : std::nullopt;
  if (!checkpoint) throw Failure(Exit::usage, "not a checkpoint");
  const fs::path kept = kept_checkpoint(directory, checkpoint->size);
  if (fs::exists(kept)) return;  // known already: the mark is there, or the loss was accepted
  if (!has_mark(directory)) write_mark(directory, {{"seen", checkpoint->size}});
  create_file(kept, seen, 0600);
}

std::optional<std::string> restored_mark_words(const fs::path& directory) {
  if (!has_mark(directory)) return std::nullopt;
  const Json mark = read_mark(directory);
  std::string what = "this directory was restored, and events after those it holds may have been seen elsewhere";
  if (mark.contains("backup") && mark.contains("events"))
    what = "this directory was restored from backup " + mark["backup"].dump() + " with " + mark["events"].dump() +
           " events, and events after them may have been seen elsewhere";
  if (mark.contains("seen"))
    what = "a witness has seen a checkpoint of " + mark["seen"].dump() + " events that this ledger does not have";
  return directory.string() + ": " + what +
         ": it opens to read only until `daicho restore --accept --data DIR --seen CHECKPOINT_FILE`";
}

}  // namespace daicho
