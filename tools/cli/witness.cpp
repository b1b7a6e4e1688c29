// daicho witness: running an independent witness, and asking those of a policy.
#include "tools/cli/command_line.hpp"
#include "tools/system.hpp"
#include "tools/witness/ask.hpp"
#include "tools/witness/policy_file.hpp"
#include "tools/witness/server.hpp"

namespace daicho {

namespace {

struct Arguments {
  std::string directory, name, policy;
  std::string listen = "127.0.0.1:0";
  std::vector<std::string> logs;
  unsigned seconds = 10;
};

Exit run_init(const CommandLine& line, const Arguments& a) {
  const CosignatureVerifier verifier = init_witness(a.directory, a.name);
  print({{"created", a.directory}, {"vkey", verifier.vkey()}}, line.format());
  return Exit::done;
}

/// The logs of the policy file and those named one by one.
std::vector<Verifier> watched_logs(const Arguments& a) {
  std::vector<Verifier> logs;
  if (!a.policy.empty()) {
    for (const TlogPolicy::Log& log : read_policy_file(a.policy).logs) logs.push_back(log.verifier);
  }
  for (const std::string& vkey : a.logs) {
    const auto verifier = Verifier::parse_vkey(vkey);
    if (!verifier) throw Failure(Exit::usage, "--log: not a log's verifier key: " + vkey);
    logs.push_back(*verifier);
  }
  if (logs.empty()) throw Failure(Exit::usage, "--log VKEY or --policy FILE is wanted: which logs to watch");
  return logs;
}

Exit run_serve(const CommandLine& line, const Arguments& a) {
  const auto endpoint = parse_http_endpoint(a.listen);
  if (!endpoint) throw Failure(Exit::usage, "--listen: an address and a port, such as 127.0.0.1:7390");
  WitnessStore store(a.directory, watched_logs(a));
  const auto seconds = [] { return static_cast<std::uint64_t>(std::max<Time>(1, system_time() / second_us)); };
  HttpServer server(*endpoint, witness_limits(), witness_handler(store, seconds));
  const std::string url = "http://" + in_url(endpoint->address) + ":" + std::to_string(server.port());
  print_line({{"listening", url}, {"vkey", store.verifier().vkey()}}, line.format());
  server.run();
  return Exit::done;
}

Exit run_ask(const CommandLine& line, const Arguments& a) {
  const auto report = ask_for_cosignatures(line.data(), read_policy_file(a.policy), std::chrono::seconds(a.seconds));
  print(report.json, line.format(), "witnesses");
  return report.exit;
}

}  // namespace

void add_witness_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* witness = line.add(line.app(), "witness", "cosignatures: run a witness of other ledgers, ask this one's",
                           "daicho witness ask --data ./ledger --policy policy.txt", nullptr);
  witness->require_subcommand(1);

  auto* init =
      line.add(*witness, "init", "a new witness: draws its key, prints its verifier key",
               "daicho witness init ./w1 --name witness.example/w1", [&line, a] { return run_init(line, *a); });
  init->add_option("directory", a->directory, "of the witness")->required();
  init->add_option("--name", a->name, "of its key: a URL without scheme")->required();

  auto* serve = line.add(*witness, "serve", "cosign what extends what was cosigned before, until SIGTERM or SIGINT",
                         "daicho witness serve ./w1 --listen 127.0.0.1:7390 --log ledger.example/accounts+…",
                         [&line, a] { return run_serve(line, *a); });
  serve->add_option("directory", a->directory, "of the witness")->required();
  serve->add_option("--listen", a->listen, "address and port; port 0 takes a free one, which is printed");
  serve->add_option("--log", a->logs, "verifier key of a log to watch; again for each, and for each key of a log");
  serve->add_option("--policy", a->policy, "a tlog-policy file with the logs to watch");

  auto* ask =
      line.add(*witness, "ask", "ask the policy's witnesses to cosign the newest checkpoint; keep what they sign",
               "daicho witness ask --data ./ledger --policy policy.txt", [&line, a] { return run_ask(line, *a); });
  ask->add_option("--policy", a->policy, "a tlog-policy file with the witnesses and their URLs")->required();
  constexpr unsigned seconds_max = 600;
  ask->add_option("--timeout", a->seconds, "seconds for each request")->check(CLI::Range(1U, seconds_max));
}

}  // namespace daicho
