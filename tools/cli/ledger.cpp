// daicho init, command, play, outbox, tick: what writes to a ledger.
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>

#include "commands/text.hpp"
#include "tools/answers.hpp"
#include "tools/cli/asked_ledger.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/deliver/outbox.hpp"
#include "tools/play.hpp"
#include "tools/routes.hpp"
#include "tools/wiped_streams.hpp"

namespace daicho {

namespace {

struct Arguments {
  std::string origin = "daicho.example/ledger", clock = "real", policy = "{}";  // init
  std::string command, account, service, idempotency_key, json;
  CLI::Option* expected_version_option = nullptr;
  std::uint64_t expected_version = 0;
  std::vector<std::string> fields;
  std::string file;                              // play
  std::uint64_t count_max = 100, seconds = 300;  // outbox lease
  std::string holder = "local";
};

/// An option stands where the JSON does not say it.
void add_given(Json& json, const char* member, const std::string& text) {
  if (!text.empty() && !json.contains(member)) json[member] = text;
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

Exit run_init(const CommandLine& line, const Arguments& a) {
  InitOptions options;
  options.directory = line.data();
  options.origin = a.origin;
  if (a.clock != "real" && a.clock != "simulated") throw Failure(Exit::usage, "--clock: real or simulated");
  options.simulated_clock = a.clock == "simulated";
  if (line.at() && !options.simulated_clock) throw Failure(Exit::usage, "--at: only with --clock simulated");
  options.at = line.at().value_or(0);
  options.policy = parse_object(a.policy, "--policy");
  init_ledger(options);
  print({{"created", line.data_text()}, {"clock", a.clock}, {"vkey", read_verifier(options.directory).vkey()}},
        line.format());
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

/// `rows`: the list among the answer's members.
Exit finish(const Outcome& outcome, const char* rows, Format format) {
  print(outcome.shown, format, rows);
  return outcome.exit;
}

Exit run_command(const CommandLine& line, const Arguments& a) {
  if (!find_route(a.command))
    throw Failure(Exit::usage, "there is no command `" + a.command + "`; `daicho command --help` lists them");
  Json body = body_of(a);
  if (body.contains("command") && body["command"] != a.command)
    throw Failure(Exit::usage, "field `command`: another command is named");
  body.erase("command");
  add_given(body, "account", a.account);
  add_given(body, "service", a.service);
  add_given(body, "idempotency_key", a.idempotency_key);
  if (a.expected_version_option->count() > 0 && !body.contains("expected_version"))
    body["expected_version"] = a.expected_version;
  line.add_instant(body);
  return finish(line.ledger()->command(a.command, std::move(body)), "events", line.format());
}

Exit run_play(const CommandLine& line, const Arguments& a) {
  const int file = a.file == "-" ? STDIN_FILENO : ::open(a.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Failure(Exit::usage, a.file + ": cannot be read");
  WipedInput input(file);
  std::istream lines(&input);
  WritableLedger ledger = open_for_writing(line.data(), line.at());
  const PlaySummary summary = play(ledger, lines, line.format(), given(a.service).value_or("local"), line.language());
  if (summary.unexpected > 0)
    spdlog::error("{} of {} lines answered otherwise than expected", summary.unexpected, summary.lines);
  return summary.unexpected > 0 ? Exit::refused : Exit::done;
}

Exit run_lease(const CommandLine& line, const Arguments& a) {
  Json options = {{"count_max", a.count_max}, {"seconds", a.seconds}, {"holder", a.holder}};
  add_given(options, "account", a.account);
  add_given(options, "service", a.service);
  line.add_instant(options);
  return finish(line.ledger()->lease(std::move(options)), "notifications", line.format());
}

Exit run_tick(const CommandLine& line) {
  WritableLedger ledger = open_for_writing(line.data(), line.at());
  const auto done = ledger.executor->tick();
  if (!done) throw failure_of(done.error());
  Json answers = Json::array();
  for (const Answer& answer : *done) answers.push_back(answer.body);
  print({{"time", to_rfc3339(ledger.log->time())}, {"done", std::move(answers)}}, line.format(), "done");
  return Exit::done;
}

std::string roles_text(const char* command) {
  std::string text;
  for (const fb::Role role : roles_of(command)) text += (text.empty() ? "" : ", ") + std::string(name(role));
  return text.empty() ? "any" : text;
}

std::string command_examples() {
  std::string text = "Commands:\n" + list_names(routes()) + "\nFields of each, by example:\n";
  for (const Route& route : routes())
    text += "  " + std::string(route.name) + " (" + roles_text(route.name) + ")\n    --json '" + route.example + "'\n";
  return text +
         "\nExample: daicho command block-account --data DIR --account taro@outlook.com reason=suspected_intrusion";
}

void add_command(CommandLine& line, const std::shared_ptr<Arguments>& a) {
  auto* command =
      line.add(line.app(), "command", "issue one command", "", [&line, a] { return run_command(line, *a); });
  command->footer(command_examples());
  command->add_option("name", a->command, "which command")->required();
  command->add_option("fields", a->fields, "FIELD=VALUE (text) or FIELD:=JSON");
  command->add_option("--json", a->json, "the command's fields as JSON; `-` reads standard input");
  command->add_option("--account", a->account, "account id, or sign-in name");
  command->add_option("--service", a->service, "issuing service");
  command->add_option("--idempotency-key", a->idempotency_key,
                      "repeating a call with its key gives its first answer again");
  a->expected_version_option =
      command->add_option("--expected-version", a->expected_version, "refuse unless the account is at this version");
}

void add_outbox(CommandLine& line, const std::shared_ptr<Arguments>& a) {
  auto* outbox = line.add(line.app(), "outbox", "notifications waiting to be sent",
                          "daicho outbox lease --data ./ledger", nullptr);
  outbox->require_subcommand(1);
  auto* lease = line.add(*outbox, "lease", "take some, with destination and code, for a limited time",
                         "daicho outbox lease --data ./ledger --max 10 --seconds 60 --holder mailer-1",
                         [&line, a] { return run_lease(line, *a); });
  lease->add_option("--max", a->count_max, "how many at most")->check(CLI::Range(std::int64_t{1}, lease_count_max));
  lease->add_option("--seconds", a->seconds, "for how long")->check(CLI::Range(std::int64_t{1}, lease_seconds_max));
  lease->add_option("--service", a->service, "the service that asks; its role: delivery");
  lease->add_option("--holder", a->holder, "who takes them");
  lease->add_option("--account", a->account, "of one account only");
}

}  // namespace

void add_ledger_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* init = line.add(line.app(), "init", "create a ledger: keys (mode 0600), store, first events",
                        "daicho init --data ./ledger --origin ledger.example/accounts",
                        [&line, a] { return run_init(line, *a); });
  init->add_option("--origin", a->origin, "name of the log in its checkpoints: a URL without scheme");
  init->add_option("--clock", a->clock, "real or simulated");
  init->add_option("--policy", a->policy, "JSON of policy parameters other than the defaults");
  add_command(line, a);
  auto* play = line.add(line.app(), "play", "play NDJSON lines: commands, leases, ticks, queries (tools/play.hpp)",
                        "daicho play tests/scenarios/reset_by_email.ndjson --data ./ledger",
                        [&line, a] { return run_play(line, *a); });
  play->add_option("file", a->file, "the lines; `-` reads standard input")->required();
  play->add_option("--service", a->service, "issuing service of lines that name none");
  add_outbox(line, a);
  line.add(line.app(), "tick", "do what is due: windows, recovery outcomes, surveys, idle accounts, digests",
           "daicho tick --data ./ledger", [&line] { return run_tick(line); });
}

}  // namespace daicho
