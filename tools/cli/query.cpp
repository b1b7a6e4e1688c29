// daicho query, rules: what is asked of a ledger.
#include <algorithm>
#include <csignal>
#include <iostream>
#include <thread>

#include "tools/cli/asked_ledger.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/follow/subscription.hpp"
#include "tools/log_files.hpp"
#include "tools/query/rule_index.hpp"

namespace daicho {

namespace {

constexpr std::size_t address_bytes_max = 320;

struct Arguments {
  std::string query;
  Json options = Json::object();  // as read_query_options() reads them
  std::string rule;               // rules
  bool follow = false, verify = false;
  std::vector<std::string> vkeys, consumer;  // of --verify, as what follows
  std::string cursor;
  std::optional<std::uint64_t> batch, max_silence;
};

/// One line, without its end. What is given so is in no list of processes.
std::string read_line(std::istream& in) {
  std::string line;
  for (char c; line.size() <= address_bytes_max && in.get(c) && c != '\n';) line += c;
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty() || line.size() > address_bytes_max)
    throw Failure(Exit::usage, "--proof-address -: one line is wanted, the address");
  return line;
}

volatile std::sig_atomic_t interrupted = 0;

/// New events as they are committed, until interrupted.
Exit follow(const CommandLine& line, AskedLedger& ledger, const Query& query, Json options) {
  const Format format = line.format();
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  while (!interrupted) {
    const Json answer = ledger.query(query, options);
    for (const Json& row : answer.at("events")) print_line(row, format == Format::table ? format : Format::ndjson);
    options["from"] = answer.at("next");
    for (int i = 0; i < 10 && !interrupted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return Exit::done;
}

/// The account that --account means. A name is looked up in rows that nobody signed: it selects, and verifies nothing.
std::optional<Id> selected_account(const CommandLine& line, const std::optional<std::string>& named) {
  if (!named) return std::nullopt;
  if (const auto id = parse_id(*named)) return id;
  const ReadableLedger ledger = open_for_reading(line.data());
  return resolve_account(*ledger.store, ledger.keys.get(), *named).id;
}

std::uint64_t within(const char* option, std::optional<std::uint64_t> given, std::uint64_t by_default,
                     std::uint64_t max) {
  const std::uint64_t value = given.value_or(by_default);
  if (value == 0 || value > max) throw Failure(Exit::usage, std::string(option) + ": 1 to " + std::to_string(max));
  return value;
}

/// Events that are verified before they are shown; with --follow new ones, too, as they are committed.
Exit subscribe(const CommandLine& line, const Arguments& a, const Query& query) {
  Fields fields(a.options);
  const QueryOptions options = read_query_options(fields);
  if (options.is_past() || options.limit)
    throw Failure(Exit::usage, "--verify takes no --as-of and no --limit; --batch says how many events come at once");
  check(LedgerView{}, query, options);
  SubscriptionOptions subscription{.directory = line.data(), .keys = parse_vkeys(a.vkeys), .consumer = a.consumer};
  subscription.batch_events = within("--batch", a.batch, batch_events_default, batch_events_max);
  if (a.max_silence)
    subscription.max_silence = std::chrono::seconds(within("--max-silence", a.max_silence, 0, silence_seconds_max));
  if (!a.cursor.empty()) subscription.cursor = std::filesystem::absolute(a.cursor);
  subscription.goes_on = a.follow;
  const auto account = selected_account(line, options.account);
  subscription.is_selected = [&](const Event& event) { return is_selected(event, options, account); };
  subscription.row = event_row;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  subscription.is_interrupted = [] { return interrupted != 0; };
  return run_subscription(subscription);
}

Exit run_query(const CommandLine& line, const Arguments& a) {
  const Query* query = find_query(a.query);
  if (!query) throw Failure(Exit::usage, "there is no query `" + a.query + "`; `daicho query --help` lists them");
  Json options = a.options;
  if (options.value("proof_address", "") == "-") options["proof_address"] = read_line(std::cin);
  if ((a.follow || a.verify) && a.query != "events")
    throw Failure(Exit::usage, "--follow, --verify: of `query events` only");
  const bool is_of_verify = !a.vkeys.empty() || !a.cursor.empty() || a.batch || a.max_silence || !a.consumer.empty();
  if (is_of_verify && !a.verify)
    throw Failure(Exit::usage, "--vkey, --cursor, --batch, --max-silence and a consumer are of --verify");
  if (a.verify) return subscribe(line, a, *query);
  line.add_instant(options);
  const auto ledger = line.ledger();
  if (a.follow) return follow(line, *ledger, *query, std::move(options));
  print(ledger->query(*query, options), line.format(), query->rows);
  return Exit::done;
}

std::string query_examples() {
  std::string text = "Queries:\n" + list_names(queries()) + "\nExamples:\n";
  for (const Query& each : queries()) text += "  " + std::string(each.example) + "\n";
  return text;
}

void add_query_option(CLI::App* query, const QueryOption& option, const std::shared_ptr<Arguments>& a) {
  std::string name = "--" + std::string(option.name);
  std::ranges::replace(name, '_', '-');
  const auto take = [a, &option](const std::string& text) { a->options[option.name] = option_value(option, text); };
  auto* added = query->add_option_function<std::string>(name, take, option.what);
  if (option.is_number()) added->type_name("UINT");
}

void add_verify_options(CLI::App* query, const std::shared_ptr<Arguments>& a) {
  query->add_flag("--verify", a->verify,
                  "events: show none that is not verified under a signed checkpoint; one JSON object a line");
  query->add_option("--vkey", a->vkeys, "with --verify: the first verifier, trusted from elsewhere");
  query->add_option("--cursor", a->cursor, "with --verify: file that says how far the consumer took the log");
  query->add_option("--batch", a->batch, "with --verify: events handed over at once, as whole commits; default 1000");
  query->add_option("--max-silence", a->max_silence,
                    "with --verify: seconds without a new checkpoint that end it with exit 4; default: waits");
  query->add_option("consumer", a->consumer,
                    "with --verify, after --: a program and its arguments; it takes a batch when it exits with 0");
}

}  // namespace

void add_query_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* query =
      line.add(line.app(), "query", "ask what is, or was, true", "", [&line, a] { return run_query(line, *a); });
  query->footer(query_examples());
  query->add_option("name", a->query, "which query")->required();
  for (const QueryOption& option : query_options()) add_query_option(query, option, a);
  query->add_flag("--follow", a->follow, "events: go on with new ones as they are committed");
  add_verify_options(query, a);
  auto* rules =
      line.add(line.app(), "rules", "the rules in words, with their sources, parameters, commands and events",
               "daicho rules R-LOST-4", [&line, a] {
                 const auto rule = given(a->rule);
                 print(line.has_server() ? line.ledger()->rules(rule) : rule_index(rule), line.format(), "rules");
                 return Exit::done;
               });
  rules->add_option("rule", a->rule, "one rule's id");
}

}  // namespace daicho
