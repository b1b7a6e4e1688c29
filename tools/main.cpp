// daicho — the program: reads its arguments, runs one subcommand, ends with an exit code of the catalogue
// (tools/failure.hpp).
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <thread>

#include "commands/text.hpp"
#include "tools/audit_verify.hpp"
#include "tools/bench.hpp"
#include "tools/outbox.hpp"
#include "tools/play.hpp"
#include "tools/queries.hpp"
#include "tools/routes.hpp"
#include "tools/rule_index.hpp"

namespace daicho {
namespace {

/// What the command line says.
struct Arguments {
  std::string data, format, at;
  // init
  std::string origin = "daicho.example/ledger", clock = "real", policy = "{}";
  // command
  std::string command, account, service = "local", idempotency_key, json;
  std::uint64_t expected_version = 0;
  std::vector<std::string> fields;
  // play
  std::string file;
  // query
  std::string query, as_of, type, by_service, since, until, due_before;
  std::optional<std::uint64_t> from, limit, seq;
  bool follow = false;
  // outbox lease
  std::int64_t count_max = 100, seconds = 300;
  std::string holder = "local";
  // audit, replay
  unsigned threads = 0;
  std::string vkey;
  bool rebuild = false;
  // rules
  std::string rule, language;
  BenchOptions bench;
};

std::optional<Time> parse_time_option(const std::string& option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto time = parse_rfc3339(text);
  if (!time) throw Failure(Exit::usage, option + ": a time such as 2026-03-01T09:00:00Z is wanted");
  return time;
}

std::optional<std::string> given(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

Format format_of(const Arguments& a) {
  if (a.format.empty()) return default_format();
  const auto format = parse_format(a.format);
  if (!format) throw Failure(Exit::usage, "--format: table, json, ndjson or csv");
  return *format;
}

std::filesystem::path data_of(const Arguments& a) {
  if (a.data.empty()) throw Failure(Exit::usage, "--data DIR is wanted (or DAICHO_DATA in the environment)");
  return a.data;
}

std::string read_all(std::istream& in) {
  std::string text;
  char buffer[4'096];
  while (in && text.size() <= body_bytes_max) {
    in.read(buffer, sizeof buffer);
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
  }
  return text;
}

Exit run_init(const Arguments& a) {
  InitOptions options;
  options.directory = data_of(a);
  options.origin = a.origin;
  if (a.clock != "real" && a.clock != "simulated") throw Failure(Exit::usage, "--clock: real or simulated");
  options.simulated_clock = a.clock == "simulated";
  const auto at = parse_time_option("--at", a.at);
  if (at && !options.simulated_clock) throw Failure(Exit::usage, "--at: only with --clock simulated");
  options.at = at.value_or(0);
  options.policy = parse_object(a.policy, "--policy");
  init_ledger(options);
  print({{"created", a.data}, {"clock", a.clock}, {"vkey", read_verifier(options.directory).vkey()}}, format_of(a));
  return Exit::done;
}

/// The command's JSON: `--json` (`-`: standard input), then FIELD=VALUE (text) and FIELD:=JSON on top of it.
Json body_of(const Arguments& a) {
  Json body = Json::object();
  if (!a.json.empty()) body = parse_object(a.json == "-" ? read_all(std::cin) : a.json, "--json");
  for (std::size_t i = 0; i < a.fields.size(); ++i) {  // named by number: what was meant as a value may be secret
    const std::string& field = a.fields[i];
    const std::size_t at = field.find('=');
    const bool is_wrong = at == std::string::npos || at == 0 || !is_utf8(field);
    if (is_wrong)
      throw Failure(Exit::usage, "argument " + std::to_string(i + 1) + ": FIELD=VALUE or FIELD:=JSON is wanted");
    const bool is_json = field[at - 1] == ':';
    const std::string name = field.substr(0, is_json ? at - 1 : at), value = field.substr(at + 1);
    if (is_json) {
      const Json parsed = parse_object("{\"value\":" + value + "}", name);
      if (parsed.size() != 1) throw Failure(Exit::usage, name + ": one JSON value is wanted");
      body[name] = parsed["value"];
    } else {
      body[name] = value;
    }
  }
  return body;
}

Exit finish(const Result<Answer, Fault>& answer, Format format, const std::string& language) {
  if (!answer) {
    print(fault_json(answer.error()), format);
    return exit_of(answer.error().kind);
  }
  Json shown = answer->body;
  if (answer->replayed) shown["replayed"] = true;
  translate(shown, language);
  print(shown, format, "events");
  if (!answer->is_refusal) return Exit::done;
  return is_not_permitted(shown) ? Exit::not_permitted : Exit::refused;
}

Exit run_command(const Arguments& a, bool has_expected_version) {
  const Format format = format_of(a);
  if (!find_route(a.command))
    throw Failure(Exit::usage, "there is no command `" + a.command + "`; `daicho command --help` lists them");
  Json body = body_of(a);
  if (body.contains("command") && body["command"] != a.command)
    throw Failure(Exit::usage, "field `command`: another command is named");
  auto at = parse_time_option("--at", a.at);
  if (body.contains("at")) at = Fields(body).optional_time("at");
  WritableLedger ledger = open_for_writing(data_of(a), at);
  const Defaults defaults{.account = given(a.account),
                          .service = a.service,
                          .idempotency_key = given(a.idempotency_key),
                          .expected_version = has_expected_version ? std::optional(a.expected_version) : std::nullopt};
  return finish(execute_json(ledger, a.command, body, defaults), format, a.language);
}

Exit run_play(const Arguments& a) {
  const Format format = format_of(a);
  std::ifstream file;
  if (a.file != "-") {
    file.open(a.file);
    if (!file) throw Failure(Exit::usage, a.file + ": cannot be read");
  }
  WritableLedger ledger = open_for_writing(data_of(a), parse_time_option("--at", a.at));
  const PlaySummary summary = play(ledger, a.file == "-" ? std::cin : file, format, a.service, a.language);
  if (summary.unexpected > 0)
    spdlog::error("{} of {} lines answered otherwise than expected", summary.unexpected, summary.lines);
  return summary.unexpected > 0 ? Exit::refused : Exit::done;
}

AsOf parse_as_of(const std::string& text) {
  if (text.empty()) return {};
  if (text.find_first_not_of("0123456789") == std::string::npos) {
    if (text.size() > 19) throw Failure(Exit::usage, "--as-of: no such position");
    return {.position = std::stoull(text)};
  }
  return {.time = parse_time_option("--as-of", text)};
}

volatile std::sig_atomic_t interrupted = 0;

/// New events as they are committed, until interrupted. Each round opens a fresh view beside the writer.
Exit follow(const Arguments& a, const Query& query, QueryOptions options, Format format) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  while (!interrupted) {
    const ReadableLedger ledger = open_for_reading(data_of(a), std::nullopt);
    check(ledger.view(), query, options);
    Position next = options.from.value_or(0);
    for (const Json& row : event_rows(ledger.view(), options, next))
      print_line(row, format == Format::table ? format : Format::ndjson);
    options.from = next;
    for (int i = 0; i < 10 && !interrupted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return Exit::done;
}

Exit run_rules(const Arguments& a) {
  print(rule_index(given(a.rule)), format_of(a), "rules");
  return Exit::done;
}

Exit run_query(const Arguments& a) {
  const Format format = format_of(a);
  const Query* query = find_query(a.query);
  if (!query) throw Failure(Exit::usage, "there is no query `" + a.query + "`; `daicho query --help` lists them");
  QueryOptions options;
  options.account = given(a.account);
  options.as_of = parse_as_of(a.as_of);
  options.from = a.from;
  options.limit = a.limit;
  options.type = given(a.type);
  options.service = given(a.by_service);
  options.since = parse_time_option("--since", a.since);
  options.until = parse_time_option("--until", a.until);
  options.due_before = parse_time_option("--due-before", a.due_before);
  options.seq = a.seq;
  options.rule = given(a.rule);
  options.language = a.language;
  if (a.follow) {
    if (a.query != "events") throw Failure(Exit::usage, "--follow: only `query events` follows");
    return follow(a, *query, options, format);
  }
  const ReadableLedger ledger = open_for_reading(data_of(a), parse_time_option("--at", a.at));
  check(ledger.view(), *query, options);
  print(query->answer(ledger.view(), options), format, query->rows);
  return Exit::done;
}

Exit run_lease(const Arguments& a) {
  WritableLedger ledger = open_for_writing(data_of(a), parse_time_option("--at", a.at));
  LeaseOptions options{.holder = a.holder, .count_max = a.count_max, .seconds = a.seconds, .account = {}};
  if (!a.account.empty()) options.account = resolve_account(*ledger.store, ledger.keys.get(), a.account).id;
  print(lease_notifications(ledger, options), format_of(a), "notifications");
  return Exit::done;
}

Exit run_tick(const Arguments& a) {
  WritableLedger ledger = open_for_writing(data_of(a), parse_time_option("--at", a.at));
  const auto done = ledger.executor->tick();
  if (!done) throw Failure(exit_of(done.error().kind), done.error().detail);
  Json answers = Json::array();
  for (const Answer& answer : *done) answers.push_back(answer.body);
  print({{"time", to_rfc3339(ledger.log->time())}, {"done", std::move(answers)}}, format_of(a), "done");
  return Exit::done;
}

Exit run_audit(const Arguments& a) {
  const auto result = audit_verify({.directory = data_of(a), .threads = a.threads, .vkey = given(a.vkey)});
  print(result.report, format_of(a));
  return result.is_clean ? Exit::done : Exit::integrity;
}

Exit run_replay(const Arguments& a) {
  const auto result = replay_ledger(data_of(a), a.rebuild);
  print(result.report, format_of(a));
  return result.is_clean ? Exit::done : Exit::integrity;
}

template <class Table>
std::string list(const Table& table) {
  std::string text;
  for (const auto& entry : table)
    text +=
        "  " + std::string(entry.name) + std::string(28 - std::string(entry.name).size(), ' ') + entry.summary + "\n";
  return text;
}

std::string roles_text(const char* command) {
  std::string text;
  for (const fb::Role role : roles_of(command)) text += (text.empty() ? "" : ", ") + std::string(name(role));
  return text.empty() ? "any" : text;
}

std::string command_examples() {
  std::string text = "Commands:\n" + list(routes()) + "\nFields of each, by example:\n";
  for (const Route& route : routes())
    text += "  " + std::string(route.name) + " (" + roles_text(route.name) + ")\n    --json '" + route.example + "'\n";
  return text +
         "\nExample: daicho command block-account --data DIR --account taro@outlook.com reason=suspected_intrusion";
}

/// Builds the command line; the chosen subcommand's callback sets `exit`.
class CommandLine {
 public:
  CommandLine()
      : app_("daicho - an account security ledger: every action a signed event, every answer provable", "daicho") {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_version_flag("--version", "daicho 0.2.0");
    app_.add_option("--data", a_.data, "directory of the ledger")->envname("DAICHO_DATA");
    app_.add_option("--format", a_.format, "table, json, ndjson or csv; default: table on a terminal, else json");
    app_.add_option("--lang", a_.language, "language of refusals' titles: en or ja")->envname("LANG");
    app_.add_option("--at", a_.at, "the present instant of a ledger with a simulated clock");
    app_.footer(
        "Exit codes: 0 done, 1 refused by a rule, 2 wrong usage or input, 3 integrity violated, 4 unavailable, 5 not "
        "permitted.\n"
        "Example: daicho init --data ./ledger && daicho query policy --data ./ledger");
    add_writing();
    add_reading();
    add_bench();
    check_values(app_);
  }

  Exit run(int count, char** values) {
    try {
      app_.parse(count, values);
    } catch (const CLI::ParseError& error) {
      const int code = app_.exit(error);
      return code == 0 ? Exit::done : Exit::usage;
    }
    format_of(a_);  // what is wrong with these shows before anything is done
    parse_time_option("--at", a_.at);
    return run_();
  }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* what, const char* example, std::function<Exit()> run) {
    CLI::App* sub = parent.add_subcommand(name, what);
    sub->footer(std::string("Example: ") + example);
    if (run) sub->callback([this, run = std::move(run)] { run_ = run; });
    return sub;
  }

  /// An option that is given has a value, and a number is one: `--vkey "$UNSET"` is not the same as no --vkey.
  static void check_values(CLI::App& app) {
    for (CLI::Option* option : app.get_options()) {
      if (option->get_type_size() == 0) continue;
      option->check([is_number = option->get_type_name().find("INT") !=
                                 std::string::npos](const std::string& text) -> std::string {
        if (text.empty()) return "a value is wanted";
        const bool is_whole = text.size() <= 19 && text.find_first_not_of("0123456789") == std::string::npos;
        return is_number && !is_whole ? "a whole number, 0 or more, is wanted" : "";
      });
    }
    for (CLI::App* sub : app.get_subcommands({})) check_values(*sub);
  }

  void add_writing() {
    auto* init = add(app_, "init", "create a ledger: keys (mode 0600), store, first events",
                     "daicho init --data ./ledger --origin ledger.example/accounts", [this] { return run_init(a_); });
    init->add_option("--origin", a_.origin, "name of the log in its checkpoints: a URL without scheme");
    init->add_option("--clock", a_.clock, "real or simulated");
    init->add_option("--policy", a_.policy, "JSON of policy parameters other than the defaults");

    auto* command = add(app_, "command", "issue one command", "", nullptr);
    command->footer(command_examples());
    command->add_option("name", a_.command, "which command")->required();
    command->add_option("fields", a_.fields, "FIELD=VALUE (text) or FIELD:=JSON");
    command->add_option("--json", a_.json, "the command's fields as JSON; `-` reads standard input");
    command->add_option("--account", a_.account, "account id, or sign-in name");
    command->add_option("--service", a_.service, "issuing service");
    command->add_option("--idempotency-key", a_.idempotency_key,
                        "repeating a call with its key gives its first answer again");
    expected_version_ =
        command->add_option("--expected-version", a_.expected_version, "refuse unless the account is at this version");
    command->callback([this] { run_ = [this] { return run_command(a_, expected_version_->count() > 0); }; });

    auto* play =
        add(app_, "play", "play NDJSON lines: commands, leases, ticks, queries (tools/play.hpp)",
            "daicho play tests/scenarios/reset_by_email.ndjson --data ./ledger", [this] { return run_play(a_); });
    play->add_option("file", a_.file, "the lines; `-` reads standard input")->required();
    play->add_option("--service", a_.service, "issuing service of lines that name none");

    auto* outbox =
        add(app_, "outbox", "notifications waiting to be sent", "daicho outbox lease --data ./ledger", nullptr);
    outbox->require_subcommand(1);
    auto* lease = add(*outbox, "lease", "take some, with destination and code, for a limited time",
                      "daicho outbox lease --data ./ledger --max 10 --seconds 60 --holder mailer-1",
                      [this] { return run_lease(a_); });
    lease->add_option("--max", a_.count_max, "how many at most")->check(CLI::Range(std::int64_t{1}, lease_count_max));
    lease->add_option("--seconds", a_.seconds, "for how long")->check(CLI::Range(std::int64_t{1}, lease_seconds_max));
    lease->add_option("--holder", a_.holder, "who takes them");
    lease->add_option("--account", a_.account, "of one account only");
    add(app_, "tick", "do what is due: windows, recovery outcomes, surveys, idle accounts, digests",
        "daicho tick --data ./ledger", [this] { return run_tick(a_); });
  }

  void add_reading() {
    auto* query = add(app_, "query", "ask what is, or was, true", "", nullptr);
    query->callback([this] { run_ = [this] { return run_query(a_); }; });
    std::string examples = "Queries:\n" + list(queries()) + "\nExamples:\n";
    for (const Query& each : queries()) examples += "  " + std::string(each.example) + "\n";
    query->footer(examples);
    query->add_option("name", a_.query, "which query")->required();
    query->add_option("--account", a_.account, "account id, or sign-in name");
    query->add_option("--as-of", a_.as_of, "an earlier instant: a time, or a sequence number");
    query->add_option("--from", a_.from, "events: the first sequence number");
    query->add_option("--limit", a_.limit, "rows at most");
    query->add_option("--type", a_.type, "events of this type");
    query->add_option("--service", a_.by_service, "events by this service");
    query->add_option("--since", a_.since, "events not before this time");
    query->add_option("--until", a_.until, "events not after this time");
    query->add_option("--due-before", a_.due_before, "windows that end, and replies that are due, before this time");
    query->add_option("--seq", a_.seq, "explain: the event's sequence number");
    query->add_option("--rule", a_.rule, "explain: what this rule goes by for the account");
    query->add_flag("--follow", a_.follow, "events: go on with new ones as they are committed");

    auto* audit =
        add(app_, "audit", "check the ledger against its signatures", "daicho audit verify --data ./ledger", nullptr);
    audit->require_subcommand(1);
    auto* verify =
        add(*audit, "verify", "re-read every stored byte: signatures, links, tree, checkpoints, projections",
            "daicho audit verify --data ./ledger --vkey ledger.example/accounts+…", [this] { return run_audit(a_); });
    verify->add_option("--threads", a_.threads, "default: all cores")->check(CLI::Range(0U, 1'024U));
    verify->add_option("--vkey", a_.vkey, "the first verifier, trusted from elsewhere instead of the directory's own");
    auto* rules = add(app_, "rules", "the rules in words, with their sources, parameters, commands and events",
                      "daicho rules R-LOST-4", [this] { return run_rules(a_); });
    rules->add_option("rule", a_.rule, "one rule's id");
    auto* replay = add(app_, "replay", "compute every projection anew and compare",
                       "daicho replay --data ./ledger --rebuild", [this] { return run_replay(a_); });
    replay->add_flag("--rebuild", a_.rebuild, "put the computed rows in place of the stored ones");
  }

  void add_bench() {
    auto* bench = add(app_, "bench", "measure, in a throw-away ledger beside this machine's own limits",
                      "daicho bench append --threads 64 --seconds 10", nullptr);
    bench->require_subcommand(1);
    for (const char* kind : {"append", "verify", "replay", "disclosure"}) {
      auto* sub =
          add(*bench, kind, "see docs/performance.md", "daicho bench append --threads 64 --seconds 10", [this, kind] {
            a_.bench.directory = a_.data;
            print(run_bench(kind, a_.bench), format_of(a_));
            return Exit::done;
          });
      sub->add_option("--threads", a_.bench.threads, "callers at once")->check(CLI::Range(1U, 4'096U));
      sub->add_option("--seconds", a_.bench.seconds, "how long")->check(CLI::Range(1U, 3'600U));
      sub->add_option("--accounts", a_.bench.accounts, "accounts to choose from")->check(CLI::Range(1U, 10'000'000U));
    }
  }

  Arguments a_;
  CLI::App app_;
  CLI::Option* expected_version_ = nullptr;
  std::function<Exit()> run_;
};

}  // namespace
}  // namespace daicho

int main(int count, char** values) {
  using namespace daicho;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("daicho"));
  spdlog::set_pattern("daicho: %l: %v");
  protect_process_memory();
  try {
    return static_cast<int>(CommandLine().run(count, values));
  } catch (const Failure& failure) {
    spdlog::error("{}", failure.what());
    return static_cast<int>(failure.exit);
  } catch (const std::exception& unexpected) {
    spdlog::error("unexpected: {}", unexpected.what());
    return static_cast<int>(Exit::unavailable);
  }
}
