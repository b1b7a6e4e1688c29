// tools/cli/command_line.hpp — the command line: what all subcommands share, and how a group of them is added to it.
// Each group is a file cli_<group>.cpp that holds its options; only these and command_line.cpp include CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "ledger/time.hpp"
#include "tools/cli/asked_ledger.hpp"
#include "tools/failure.hpp"
#include "tools/logging.hpp"
#include "tools/output.hpp"

namespace daicho {

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;

  /// Parses and runs the one subcommand that is named.
  Exit run(int count, char** values);

  // What a subcommand was given for all of them; a Failure with exit code 2 when it is missing or wrong.
  Format format() const;
  std::filesystem::path data() const;  ///< for what works on a directory only
  std::unique_ptr<AskedLedger> ledger() const;
  ServiceAddress service() const;  ///< for what works with a service only
  bool has_server() const { return !server_.empty(); }
  std::optional<Time> at() const;
  const std::string& data_text() const { return data_; }
  const std::string& language() const { return language_; }
  /// `--at` as the member `at` of what is asked, where that does not say it.
  void add_instant(Json& asked) const;

  /// A subcommand whose options may stand in the configuration file and in the environment is `configurable()`.
  CLI::App& app() { return app_; }
  /// `run` null: it is set by the caller with `on_run`, or the subcommand has subcommands of its own.
  CLI::App* add(CLI::App& parent, const char* name, const char* what, const char* example, std::function<Exit()> run);
  void on_run(CLI::App* sub, std::function<Exit()> run);

 private:
  void add_server_options();

  CLI::App app_;
  std::string data_, server_, format_, at_, language_;
  HttpTls tls_;
  std::string token_source_;
  std::optional<std::string> token_;  // of the environment
  unsigned patience_seconds_ = 30;
  std::vector<std::string> passphrases_;
  std::function<Exit()> run_;
};

/// nullopt when empty.
std::optional<std::string> given(const std::string& text);
/// A check for options that name a file to be written; before the work, not after it. "": it can be.
std::string check_file_to_write(const std::string& text);
/// A check for options that name a file to be read.
std::string check_file_to_read(const std::string& text);
/// A check for options that name a secret's source.
std::string check_passphrase_source(const std::string& text);
std::optional<Time> parse_time_option(const std::string& option, const std::string& text);

/// `  name   summary` a line.
template <class Table>
std::string list_names(const Table& table) {
  constexpr std::size_t name_columns = 28;
  std::string text;
  for (const auto& entry : table) {
    const std::string name = entry.name;
    text += "  " + name + std::string(name_columns - name.size(), ' ') + entry.summary + "\n";
  }
  return text;
}

void add_ledger_commands(CommandLine& line);   ///< ledger.cpp: init, command, play, outbox, tick
void add_query_commands(CommandLine& line);    ///< query.cpp: query, rules
void add_audit_commands(CommandLine& line);    ///< audit.cpp: audit, replay
void add_witness_commands(CommandLine& line);  ///< witness.cpp: witness
void add_backup_commands(CommandLine& line);   ///< backup.cpp: backup, restore
void add_keys_commands(CommandLine& line);     ///< keys.cpp: keys
void add_serve_commands(CommandLine& line);    ///< serve.cpp: serve
void add_deliver_commands(CommandLine& line);  ///< deliver.cpp: deliver
void add_bench_commands(CommandLine& line);    ///< bench.cpp: bench
void add_config_commands(CommandLine& line);   ///< config.cpp: config, --config; after all others

/// `--log-format` and `--log-level` of a subcommand that runs as a service.
void add_log_options(CLI::App& sub, LogOptions& options);

}  // namespace daicho
