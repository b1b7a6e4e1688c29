// daicho serve: the ledger as a service.
#include "tools/command_line.hpp"
#include "tools/http_server.hpp"
#include "tools/json_fields.hpp"
#include "tools/ledger_files.hpp"
#include "tools/output.hpp"
#include "tools/service/ledger_service.hpp"
#include "tools/service/scheduler.hpp"
#include "tools/writer_lock.hpp"

namespace daicho {

namespace {

struct Arguments {
  std::string listen = "127.0.0.1:7391";
  unsigned tick_seconds = 60;
  unsigned wait_seconds = 0;
  bool is_plain_allowed = false;
};

constexpr std::size_t batch_bytes_max = 4 << 20;

HttpLimits service_limits() {
  HttpLimits limits;
  limits.body_bytes = body_bytes_max;
  limits.long_body_bytes = batch_bytes_max;
  limits.takes_long_body = [](std::string_view method, std::string_view target) {
    return method == "POST" && target == "/v1/commands";
  };
  limits.connections = 1'024;
  limits.handler_threads = 64;  // a command waits for its commit: as many as share one
  return limits;
}

Exit run_serve(const CommandLine& line, const Arguments& a) {
  const auto endpoint = parse_http_endpoint(a.listen);
  if (!endpoint) throw Failure(Exit::usage, "--listen: an address and a port, such as 127.0.0.1:7391");
  if (!is_loopback(*endpoint) && !a.is_plain_allowed)
    throw Failure(Exit::usage,
                  "--listen: tokens and personal data would cross the network in the clear; "
                  "--plain-http says that something in front of it encrypts");
  await_writer_lock(line.data(), std::chrono::seconds(a.wait_seconds));
  WritableLedger ledger = open_for_writing(line.data(), line.at());
  LedgerService service(ledger, line.data());
  HttpServer server(*endpoint, service_limits(),
                    [&service](const HttpRequest& request) { return service.answer(request); });
  service.watch(server.traffic());
  const std::string host =
      endpoint->address.find(':') == std::string::npos ? endpoint->address : "[" + endpoint->address + "]";
  std::optional<Scheduler> scheduler;
  if (a.tick_seconds > 0)
    scheduler.emplace([&service] { return service.tick(); }, std::chrono::seconds(a.tick_seconds));
  print_line(
      {{"listening", "http://" + host + ":" + std::to_string(server.port())}, {"vkey", ledger.log->verifier().vkey()}},
      line.format());
  server.run();
  return Exit::done;
}

}  // namespace

void add_serve_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* serve =
      line.add(line.app(), "serve", "commands and queries over HTTP, until SIGTERM or SIGINT",
               "daicho serve --data ./ledger --listen 127.0.0.1:7391", [&line, a] { return run_serve(line, *a); });
  serve->add_option("--listen", a->listen, "address and port; port 0 takes a free one, which is printed");
  constexpr unsigned tick_seconds_max = 3'600;
  serve->add_option("--tick", a->tick_seconds, "seconds between runs of what is due; 0: `daicho tick` is run elsewhere")
      ->check(CLI::Range(0U, tick_seconds_max));
  constexpr unsigned wait_seconds_max = 31'536'000;
  serve
      ->add_option("--wait-for-lock", a->wait_seconds,
                   "seconds to wait while another process writes to this ledger, to take over when it ends")
      ->check(CLI::Range(0U, wait_seconds_max));
  serve->add_flag("--plain-http", a->is_plain_allowed, "listen beyond loopback without encryption");
}

}  // namespace daicho
