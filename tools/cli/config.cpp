// The configuration file and the environment: options of the program at large, and of each subcommand that calls itself
// `configurable()`, in a table of its name. Command line before environment, environment before file, file before
// default. CLI11's own files go before the environment, so they are not used.
#include <algorithm>
#include <iostream>
#include <sstream>

#include "tools/cli/command_line.hpp"
#include "tools/cli/config_file.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

constexpr std::size_t comment_columns = 100;

std::string key_of(const CLI::Option& option) { return option.get_lnames().front(); }

/// Those that a file and the environment may give.
std::vector<CLI::Option*> options_of(CLI::App& app) {
  return app.get_options(
      [](const CLI::Option* option) { return option->get_configurable() && !option->get_lnames().empty(); });
}

std::vector<CLI::App*> configurable(CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return sub->get_configurable(); });
}

ConfigKind kind_of(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return ConfigKind::truth;
  if (option.get_type_name().find("INT") != std::string::npos) return ConfigKind::number;
  return option.get_expected_max() > 1 ? ConfigKind::texts : ConfigKind::text;
}

const char* words_of(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::truth:
      return "true or false is wanted";
    case ConfigKind::number:
      return "a whole number is wanted";
    case ConfigKind::texts:
      return "a list of texts is wanted";
    case ConfigKind::text:
      break;
  }
  return "a text is wanted";
}

/// DAICHO_SERVE_LISTEN is `serve --listen`. Named when a subcommand is used, so that no other minds a wrong value.
void name_environment(CLI::App& sub) {
  for (CLI::Option* option : options_of(sub)) {
    std::string name = "DAICHO_" + sub.get_name() + "_" + key_of(*option);
    for (char& letter : name) {
      if (letter == '-') letter = '_';
      if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    if (option->get_envname().empty()) option->envname(name);
  }
}

/// The file `--config` names, over what neither command line nor environment gave. Of subcommands that are not used
/// only keys and types are looked at.
class ConfigReader {
 public:
  ConfigReader(CLI::App& app, const std::string& path)
      : app_(app), path_(path), is_ledger_said_(app["--data"]->count() + app["--server"]->count() > 0) {}

  void apply() const {
    for (const ConfigTable& table : read_config_file(path_)) {
      CLI::App* const owner = table.name.empty() ? &app_ : subcommand(table.name);
      if (!owner) throw failure(table.line, "[" + table.name + "]", "there is no such table");
      for (const ConfigEntry& entry : table.entries) apply(*owner, table, entry);
    }
  }

 private:
  Failure failure(std::size_t line, const std::string& name, const std::string& words) const {
    return {Exit::usage, path_ + ":" + std::to_string(line) + ": " + name + ": " + words};
  }

  CLI::App* subcommand(const std::string& name) const {
    const auto all = configurable(app_);
    const auto found = std::ranges::find(all, name, [](const CLI::App* sub) { return sub->get_name(); });
    return found == all.end() ? nullptr : *found;
  }

  void apply(CLI::App& owner, const ConfigTable& table, const ConfigEntry& entry) const {
    const std::string name = (table.name.empty() ? "" : table.name + ".") + entry.key;
    const auto options = options_of(owner);
    const auto found = std::ranges::find(options, entry.key, [](const CLI::Option* each) { return key_of(*each); });
    if (found == options.end()) throw failure(entry.line, name, "there is no such key");
    CLI::Option& option = **found;
    const ConfigKind kind = kind_of(option);
    const bool is_one_text = kind == ConfigKind::texts && entry.kind == ConfigKind::text;
    if (entry.kind != kind && !is_one_text) throw failure(entry.line, name, words_of(kind));
    const bool is_used = owner.parsed() || app_.got_subcommand("config");
    const bool is_ledger = table.name.empty() && (entry.key == "data" || entry.key == "server");
    if (!is_used || option.count() > 0 || entry.values.empty() || (is_ledger && is_ledger_said_)) return;
    // What is so anyway is not given: an option may need another, or exclude it, when it is.
    const std::string anyway = kind == ConfigKind::truth ? "false" : option.get_default_str();
    if (!anyway.empty() && entry.values.front() == anyway) return;
    try {
      option.add_result(entry.values);
      option.run_callback();
    } catch (const CLI::ParseError& error) {
      const std::string words = error.what(), prefix = option.get_name() + ": ";
      throw failure(entry.line, name, words.starts_with(prefix) ? words.substr(prefix.size()) : words);
    }
  }

  CLI::App& app_;
  const std::string path_;
  const bool is_ledger_said_;
};

/// A basic string of TOML: every escape of a JSON string is one of its own.
std::string quoted(const std::string& text) { return json_text(text); }

/// What is in force, as a value; nullopt when there is none.
std::optional<std::string> value_of(const CLI::Option& option) {
  const ConfigKind kind = kind_of(option);
  if (kind == ConfigKind::truth) return option.count() > 0 && option.as<bool>() ? "true" : "false";
  if (kind == ConfigKind::texts) {
    std::string list;
    for (const std::string& each : option.results()) list += (list.empty() ? "[" : ", ") + quoted(each);
    return list.empty() ? std::nullopt : std::optional(list + "]");
  }
  const std::string text = option.count() > 0 ? option.results().back() : option.get_default_str();
  if (text.empty()) return std::nullopt;
  return kind == ConfigKind::number ? text : quoted(text);
}

std::string comment(const std::string& words) {
  std::string text, line = "#";
  std::istringstream all(words);
  for (std::string word; all >> word;) {
    if (line.size() + 1 + word.size() > comment_columns) {
      text += line + "\n";
      line = "#";
    }
    line += " " + word;
  }
  return text + line + "\n";
}

std::string keys_of(CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : options_of(app)) {
    text += "\n" + comment(option->get_description());
    if (!option->get_envname().empty()) text += comment("environment: " + option->get_envname());
    const auto value = value_of(*option);
    const char* const nothing = kind_of(*option) == ConfigKind::texts ? "[]" : "\"\"";
    text += (value ? "" : "#") + key_of(*option) + " = " + value.value_or(nothing) + "\n";
  }
  return text;
}

std::string config_text(CLI::App& app) {
  std::string text =
      "# Configuration of daicho (TOML). What stands on the command line or in the environment goes first.\n";
  text += keys_of(app);
  for (CLI::App* sub : configurable(app)) {
    text += "\n" + comment(sub->get_description()) + "[" + sub->get_name() + "]\n" + keys_of(*sub);
  }
  return text;
}

}  // namespace

void add_config_commands(CommandLine& line) {
  CLI::App& app = line.app();
  for (CLI::Option* option : options_of(app)) option->capture_default_str();
  for (CLI::App* sub : configurable(app)) {
    for (CLI::Option* option : options_of(*sub)) option->capture_default_str();
    sub->preparse_callback([sub](std::size_t) { name_environment(*sub); });
  }
  app.add_option_function<std::string>(
         "--config", [&app](const std::string& path) { ConfigReader(app, path).apply(); },
         "configuration file (TOML); `daicho config` prints one")
      ->envname("DAICHO_CONFIG")
      ->configurable(false);
  line.add(app, "config", "the configuration in force, as a documented file for --config",
           "daicho config > daicho.toml && daicho serve --config daicho.toml",
           [&app] {
             std::cout << config_text(app);
             return Exit::done;
           })
      ->preparse_callback([&app](std::size_t) {
        for (CLI::App* sub : configurable(app)) name_environment(*sub);
      });
}

}  // namespace daicho
