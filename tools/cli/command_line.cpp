#include "tools/cli/command_line.hpp"

#include <algorithm>
#include <cstdlib>

#include "commands/text.hpp"
#include "tools/environment.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

/// An option that is given has a value, and a number is one: `--vkey "$UNSET"` is not the same as no --vkey.
void check_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_type_size() == 0) continue;
    const bool is_number = option->get_type_name().find("INT") != std::string::npos;
    option->check([is_number](const std::string& text) -> std::string {
      if (text.empty()) return "a value is wanted";
      const bool is_whole = text.size() <= 19 && text.find_first_not_of("0123456789") == std::string::npos;
      return is_number && !is_whole ? "a whole number, 0 or more, is wanted" : "";
    });
  }
  for (CLI::App* sub : app.get_subcommands({})) check_values(*sub);
}

/// Why a command line is wrong, without what was given where no option stands: `--password=…` names a secret.
std::string words_without_values(const CLI::App* app, const CLI::Error& error) {
  std::string words = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    std::size_t others = 0;
    words.clear();
    for (const std::string& each : app->remaining(true)) {
      const std::size_t end = each.starts_with("--") ? each.find('=') : each.starts_with("-") ? 2 : 0;
      if (end == 0) {
        ++others;
      } else {
        words += (words.empty() ? "not known here: " : " ") + each.substr(0, end);
      }
    }
    if (others > 0) words += (words.empty() ? "" : "; ") + std::to_string(others) + " arguments too many";
  }
  return words + "\nRun with --help for more information.\n";
}

}  // namespace

std::optional<std::string> given(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

std::string check_file_to_write(const std::string& text) {
  if (text.empty()) return "a value is wanted";
  const std::filesystem::path path = std::filesystem::absolute(text);
  std::error_code failed;
  const bool has_place = std::filesystem::is_directory(path.parent_path(), failed);
  const bool is_taken = std::filesystem::is_directory(path, failed) || failed == std::errc::filename_too_long;
  if (has_place && path.has_filename() && !is_taken && is_utf8(text)) return "";
  return "a file in a directory that is there is wanted";
}

std::string check_file_to_read(const std::string& text) {
  std::error_code failed;
  return std::filesystem::is_regular_file(text, failed) ? "" : "a file is wanted";
}

std::string check_passphrase_source(const std::string& text) {
  return text.starts_with("fd:") || check_file_to_read(text).empty() ? "" : "a file, or fd:N, is wanted";
}

std::optional<Time> parse_time_option(const std::string& option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto time = parse_rfc3339(text);
  if (!time) throw Failure(Exit::usage, option + ": a time such as 2026-03-01T09:00:00Z is wanted");
  return time;
}

void add_log_options(CLI::App& sub, LogOptions& options) {
  sub.add_option("--log-format", options.format, "lines on standard error: text, or json, one object a line")
      ->check(CLI::IsMember({"text", "json"}));
  sub.add_option("--log-level", options.level,
                 "the least that is logged: debug (every request), info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

CommandLine::CommandLine()
    : app_("daicho - an account security ledger: every action a signed event, every answer provable", "daicho"),
      token_(take_from_environment("DAICHO_TOKEN")) {
  app_.require_subcommand(1);
  app_.failure_message(words_without_values);
  app_.fallthrough();
  app_.set_version_flag("--version", std::string("daicho ") + program_version);
  app_.add_option("--data", data_, "directory of the ledger")->envname("DAICHO_DATA");
  add_server_options();
  app_.add_option("--format", format_, "table, json, ndjson or csv; default: table on a terminal, else json");
  app_.add_option("--lang", language_, "language of refusals' titles: en or ja")
      ->envname("LANG")
      ->configurable(false);  // it would never go before the environment
  app_.add_option("--at", at_, "the present instant of a ledger with a simulated clock")->configurable(false);
  app_.add_option("--passphrase-file", passphrases_,
                  "passphrase of encrypted key files: a file, or fd:N; again, where each has its own")
      ->allow_extra_args(false)
      ->envname("DAICHO_PASSPHRASE_FILE");
  app_.footer(
      "Exit codes: 0 done, 1 refused by a rule, 2 wrong usage or input, 3 integrity violated, 4 unavailable, 5 not "
      "permitted.\n"
      "Example: daicho init --data ./ledger && daicho query policy --data ./ledger");
  add_ledger_commands(*this);
  add_query_commands(*this);
  add_audit_commands(*this);
  add_witness_commands(*this);
  add_backup_commands(*this);
  add_keys_commands(*this);
  add_serve_commands(*this);
  add_deliver_commands(*this);
  add_bench_commands(*this);
  add_config_commands(*this);
  check_values(app_);
}

/// What is said on the command line goes before the environment.
void CommandLine::add_server_options() {
  constexpr unsigned patience_seconds_max = 3'600;
  app_.add_option("--server", server_,
                  "URL of a service that answers for the ledger, instead of --data, for command, query, outbox lease "
                  "and rules")
      ->envname("DAICHO_SERVER");
  app_.add_option("--token-file", token_source_,
                  "with --server: the service's token: a file, or fd:N; else DAICHO_TOKEN")
      ->check(check_passphrase_source);
  app_.add_option("--ca", tls_.ca_file, "with --server: certificates (PEM) to trust instead of the system's")
      ->check(check_file_to_read);
  auto* certificate =
      app_.add_option("--client-certificate", tls_.certificate_file, "with --server: a certificate (PEM) to show");
  auto* key = app_.add_option("--client-key", tls_.key_file, "with --server: the key (PEM) of the certificate");
  certificate->check(check_file_to_read)->needs(key);
  key->check(check_file_to_read)->needs(certificate);
  app_.add_option("--timeout", patience_seconds_, "with --server: seconds for an answer; default 30")
      ->check(CLI::Range(1U, patience_seconds_max));
}

namespace {

/// Which ledger is said in one place: on the command line, else in the environment, else in the file.
void leave_environment(std::span<char* const> arguments) {
  const bool is_said = std::ranges::any_of(arguments, [](std::string_view argument) {
    const std::string_view name = argument.substr(0, argument.find('='));
    return name == "--data" || name == "--server";
  });
  if (!is_said) return;
  ::unsetenv("DAICHO_DATA");
  ::unsetenv("DAICHO_SERVER");
}

}  // namespace

Exit CommandLine::run(int count, char** values) {
  leave_environment(std::span(values, static_cast<std::size_t>(count)));
  try {
    app_.parse(count, values);
  } catch (const CLI::ParseError& error) {
    const int code = app_.exit(error);
    return code == 0 ? Exit::done : Exit::usage;
  }
  use_passphrases(passphrases_);
  format();  // what is wrong with these shows before anything is done
  at();
  return run_();
}

Format CommandLine::format() const {
  if (format_.empty()) return default_format();
  const auto format = parse_format(format_);
  if (!format) throw Failure(Exit::usage, "--format: table, json, ndjson or csv");
  return *format;
}

std::filesystem::path CommandLine::data() const {
  if (!server_.empty() && !data_.empty()) throw Failure(Exit::usage, "--data or --server: one of both is wanted");
  if (!server_.empty()) throw Failure(Exit::usage, "this works on a directory: --data DIR is wanted, not --server");
  if (data_.empty()) throw Failure(Exit::usage, "--data DIR is wanted (or DAICHO_DATA in the environment)");
  const bool is_for_server = !token_source_.empty() || !tls_.ca_file.empty() || !tls_.certificate_file.empty();
  if (is_for_server) throw Failure(Exit::usage, "--token-file, --ca, --client-certificate: with --server only");
  return data_;
}

std::unique_ptr<AskedLedger> CommandLine::ledger() const {
  const bool is_behind_service = has_server() && data_.empty();
  return is_behind_service ? ledger_behind(service(), language_) : ledger_in(data(), language_);
}

ServiceAddress CommandLine::service() const {
  const auto url = parse_http_url(server_);
  if (!url) throw Failure(Exit::usage, "--server: a URL is wanted, such as https://ledger.example.jp:7391");
  if (!is_private_way(*url))
    throw Failure(Exit::usage,
                  "--server: token and personal data would cross the network in the clear; https is wanted");
  ServiceAddress address{.url = *url, .tls = tls_, .patience = std::chrono::seconds(patience_seconds_)};
  address.token = token_source_.empty() ? token_.value_or("") : read_passphrase(token_source_, "token");
  if (!std::ranges::all_of(address.token, [](char c) { return c > ' ' && c <= '~'; }))
    throw Failure(Exit::usage, "the token: one line without spaces is wanted");
  return address;
}

std::optional<Time> CommandLine::at() const { return parse_time_option("--at", at_); }

void CommandLine::add_instant(Json& asked) const {
  if (at() && !asked.contains("at")) asked["at"] = to_rfc3339(*at());
}

CLI::App* CommandLine::add(CLI::App& parent, const char* name, const char* what, const char* example,
                           std::function<Exit()> run) {
  CLI::App* sub = parent.add_subcommand(name, what);
  sub->footer(std::string("Example: ") + example);
  if (run) on_run(sub, std::move(run));
  return sub;
}

void CommandLine::on_run(CLI::App* sub, std::function<Exit()> run) {
  sub->callback([this, run = std::move(run)] { run_ = run; });
}

}  // namespace daicho
