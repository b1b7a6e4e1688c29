// daicho query, rules: what is asked of a ledger.
#include <csignal>
#include <iostream>
#include <thread>

#include "tools/command_line.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"
#include "tools/queries.hpp"
#include "tools/rule_index.hpp"
#include "tools/subscription.hpp"

namespace daicho {

namespace {

constexpr std::size_t address_bytes_max = 320;

struct Arguments {
  std::string query, account, as_of, type, by_service, since, until, due_before, rule, investigator, proof_address;
  std::optional<std::uint64_t> from, limit, seq;
  bool follow = false, verify = false;
  std::vector<std::string> vkeys, consumer;  // of --verify, as what follows
  std::string cursor;
  std::optional<std::uint64_t> batch, max_silence;
};

AsOf parse_as_of(const std::string& text) {
  if (text.empty()) return {};
  if (text.find_first_not_of("0123456789") == std::string::npos) {
    if (text.size() > 19) throw Failure(Exit::usage, "--as-of: no such position");
    return {.position = std::stoull(text)};
  }
  return {.time = parse_time_option("--as-of", text)};
}

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

/// New events as they are committed, until interrupted. Each round opens a fresh view beside the writer.
Exit follow(const CommandLine& line, const Query& query, QueryOptions options) {
  const Format format = line.format();
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  while (!interrupted) {
    const ReadableLedger ledger = open_for_reading(line.data(), std::nullopt);
    check(ledger.view(), query, options);
    Position next = options.from.value_or(0);
    for (const Json& row : event_rows(ledger.view(), options, next))
      print_line(row, format == Format::table ? format : Format::ndjson);
    options.from = next;
    for (int i = 0; i < 10 && !interrupted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return Exit::done;
}

/// The account that --account means. A name is looked up in rows that nobody signed: it selects, and verifies nothing.
std::optional<Id> selected_account(const CommandLine& line, const std::optional<std::string>& named) {
  if (!named) return std::nullopt;
  if (const auto id = parse_id(*named)) return id;
  const ReadableLedger ledger = open_for_reading(line.data(), std::nullopt);
  return resolve_account(*ledger.store, ledger.keys.get(), *named).id;
}

std::uint64_t within(const char* option, std::optional<std::uint64_t> given, std::uint64_t by_default,
                     std::uint64_t max) {
  const std::uint64_t value = given.value_or(by_default);
  if (value == 0 || value > max) throw Failure(Exit::usage, std::string(option) + ": 1 to " + std::to_string(max));
  return value;
}

/// Events that are verified before they are shown; with --follow new ones, too, as they are committed.
Exit subscribe(const CommandLine& line, const Arguments& a, const Query& query, const QueryOptions& options) {
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
  options.investigator = given(a.investigator);
  options.proof_address = given(a.proof_address == "-" ? read_line(std::cin) : a.proof_address);
  options.language = line.language();
  if ((a.follow || a.verify) && a.query != "events")
    throw Failure(Exit::usage, "--follow, --verify: of `query events` only");
  const bool is_of_verify = !a.vkeys.empty() || !a.cursor.empty() || a.batch || a.max_silence || !a.consumer.empty();
  if (is_of_verify && !a.verify)
    throw Failure(Exit::usage, "--vkey, --cursor, --batch, --max-silence and a consumer are of --verify");
  if (a.verify) return subscribe(line, a, *query, options);
  if (a.follow) return follow(line, *query, options);
  const ReadableLedger ledger = open_for_reading(line.data(), line.at());
  check(ledger.view(), *query, options);
  print(query->answer(ledger.view(), options), line.format(), query->rows);
  return Exit::done;
}

std::string query_examples() {
  std::string text = "Queries:\n" + list_names(queries()) + "\nExamples:\n";
  for (const Query& each : queries()) text += "  " + std::string(each.example) + "\n";
  return text;
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
  query->add_option("--account", a->account, "account id, or sign-in name");
  query->add_option("--as-of", a->as_of, "an earlier instant: a time, or a sequence number");
  query->add_option("--from", a->from, "events, accesses: the first sequence number");
  query->add_option("--limit", a->limit, "rows at most");
  query->add_option("--type", a->type, "events of this type");
  query->add_option("--service", a->by_service, "events by this service");
  query->add_option("--investigator", a->investigator, "accesses by this investigator");
  query->add_option("--since", a->since, "events, accesses: not before this time");
  query->add_option("--until", a->until, "events, accesses: not after this time");
  query->add_option("--due-before", a->due_before, "windows that end, and replies that are due, before this time");
  query->add_option("--seq", a->seq, "explain: the event's sequence number");
  query->add_option("--rule", a->rule, "explain: what this rule goes by for the account");
  query->add_option("--proof-address", a->proof_address,
                    "accounts: an e-mail address, or a phone number with its +; - reads it from standard input");
  query->add_flag("--follow", a->follow, "events: go on with new ones as they are committed");
  add_verify_options(query, a);
  auto* rules = line.add(line.app(), "rules", "the rules in words, with their sources, parameters, commands and events",
                         "daicho rules R-LOST-4", [&line, a] {
                           print(rule_index(given(a->rule)), line.format(), "rules");
                           return Exit::done;
                         });
  rules->add_option("rule", a->rule, "one rule's id");
}

}  // namespace daicho
