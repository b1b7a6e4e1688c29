#include "tools/follow/cursor_file.hpp"

#include "commands/decision.hpp"
#include "ledger/files.hpp"
#include "tools/failure.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

namespace {

constexpr int cursor_version = 1;
constexpr std::size_t root_digits = 16;

std::optional<KeptCursor> parse_cursor(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  const auto word = [&](const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
  };
  if (!json.is_object() || json.value("cursor", Json()) != cursor_version) return std::nullopt;
  const auto frontier_bytes = from_base64(word("frontier"));
  auto frontier = frontier_bytes ? Frontier::decode(as_bytes(*frontier_bytes)) : std::nullopt;
  const auto taken_at = parse_rfc3339(word("taken_at"));
  if (!frontier || !taken_at) return std::nullopt;
  return KeptCursor{{word("checkpoint"), *std::move(frontier)}, *taken_at};
}

}  // namespace

std::optional<KeptCursor> read_cursor(const std::filesystem::path& path) {
  const auto text = read_whole_file(path, cursor_bytes_max);
  if (!text && text.error().fault != StoreFault::corrupt) fail(text.error());
  if (text && !*text) return std::nullopt;
  auto kept = text ? parse_cursor(**text) : std::nullopt;
  if (!kept) throw Failure(Exit::usage, path.string() + ": not a cursor");
  return kept;
}

void write_cursor(const std::filesystem::path& path, const KeptCursor& kept) {
  const Json json = {{"cursor", cursor_version},
                     {"checkpoint", kept.cursor.note},
                     {"frontier", to_base64(as_bytes(kept.cursor.frontier.encode()))},
                     {"taken_at", to_rfc3339(kept.taken_at)}};
  if (const auto error = replace_file_durably(path, json.dump(1) + "\n")) fail(*error);
}

std::vector<std::string> keep_evidence(const std::filesystem::path& path, const std::vector<std::string>& notes) {
  std::vector<std::string> names;
  for (const std::string& note : notes) {
    const auto checkpoint = parse_checkpoint_text(parse_note(note)->text);
    const std::filesystem::path file = path.string() + ".checkpoint." + std::to_string(checkpoint->size) + "." +
                                       to_hex(checkpoint->root.view()).substr(0, root_digits);
    if (!std::filesystem::exists(file)) {
      if (const auto error = replace_file_durably(file, note)) fail(*error);
    }
    names.push_back(file.string());
  }
  return names;
}

}  // namespace daicho
