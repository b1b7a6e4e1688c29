#include "tools/cli/config_file.hpp"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "ledger/files.hpp"
#include "tools/failure.hpp"

namespace daicho {

namespace {

std::string place(const std::filesystem::path& path, std::size_t line) {
  return path.string() + ":" + std::to_string(line) + ": ";
}

std::string read_text(const std::filesystem::path& path) {
  auto content = read_whole_file(path, config_bytes_max);
  if (!content) throw Failure(Exit::usage, content.error().detail);
  if (!*content) throw Failure(Exit::usage, path.string() + ": no such file");
  return **std::move(content);
}

toml::table parse_text(const std::filesystem::path& path, const std::string& text) {
  try {
    return toml::parse(text, path.string());
  } catch (const toml::parse_error& error) {
    throw Failure(Exit::usage, place(path, error.source().begin.line) + std::string(error.description()));
  }
}

/// The list's texts; nullopt when something else is in it.
std::optional<std::vector<std::string>> texts_of(const toml::array& list) {
  std::vector<std::string> texts;
  for (const toml::node& item : list) {
    if (!item.is_string()) return std::nullopt;
    texts.push_back(item.as_string()->get());
  }
  return texts;
}

std::optional<ConfigEntry> entry_of(std::string key, const toml::node& node) {
  const std::size_t line = node.source().begin.line;
  if (const auto* text = node.as_string()) return ConfigEntry{std::move(key), ConfigKind::text, {text->get()}, line};
  if (const auto* number = node.as_integer())
    return ConfigEntry{std::move(key), ConfigKind::number, {std::to_string(number->get())}, line};
  if (const auto* truth = node.as_boolean())
    return ConfigEntry{std::move(key), ConfigKind::truth, {truth->get() ? "true" : "false"}, line};
  auto texts = node.is_array() ? texts_of(*node.as_array()) : std::nullopt;
  if (!texts) return std::nullopt;
  return ConfigEntry{std::move(key), ConfigKind::texts, *std::move(texts), line};
}

}  // namespace

std::vector<ConfigTable> read_config_file(const std::filesystem::path& path) {
  const toml::table root = parse_text(path, read_text(path));
  std::vector<ConfigTable> tables{{"", 1, {}}};
  const auto add = [&](ConfigTable& table, const toml::key& key, const toml::node& node) {
    auto entry = entry_of(std::string(key.str()), node);
    if (entry) {
      table.entries.push_back(*std::move(entry));
      return;
    }
    const std::string name = (table.name.empty() ? "" : table.name + ".") + std::string(key.str());
    throw Failure(Exit::usage, place(path, node.source().begin.line) + name +
                                   ": a text, a whole number, true or false, or a list of texts is wanted");
  };
  for (const auto& [key, node] : root) {
    if (!node.is_table()) {
      add(tables.front(), key, node);
      continue;
    }
    ConfigTable table{std::string(key.str()), node.source().begin.line, {}};
    for (const auto& [inner_key, inner] : *node.as_table()) add(table, inner_key, inner);
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace daicho
