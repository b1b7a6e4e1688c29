// tools/cli/config_file.hpp — the configuration file as plain values: TOML 1.0, keys before the first table and in
// tables one deep. What the keys are called is not known here (tools/cli/config.cpp). Only config_file.cpp includes
// toml++.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace daicho {

inline constexpr std::size_t config_bytes_max = 65'536;

enum class ConfigKind { text, texts, number, truth };

struct ConfigEntry {
  std::string key;
  ConfigKind kind;
  std::vector<std::string> values;  ///< as a command line would have them: one; of `texts` any number
  std::size_t line;                 ///< from 1
};

struct ConfigTable {
  std::string name;  ///< empty: what stands before the first table
  std::size_t line;
  std::vector<ConfigEntry> entries;
};

/// Failure `usage` with file and line for what is no regular file of up to config_bytes_max, no TOML, or of a type that
/// no option has. Values are not repeated.
std::vector<ConfigTable> read_config_file(const std::filesystem::path& path);

}  // namespace daicho
