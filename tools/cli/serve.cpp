// daicho serve: the ledger as a service.
#include <csignal>

#include "tools/cli/command_line.hpp"
#include "tools/http/server.hpp"
#include "tools/http/tls.hpp"
#include "tools/json_fields.hpp"
#include "tools/ledger_files.hpp"
#include "tools/output.hpp"
#include "tools/service/ledger_service.hpp"
#include "tools/service/scheduler.hpp"
#include "tools/service/supervisor.hpp"
#include "tools/system.hpp"
#include "tools/writer_lock.hpp"

namespace daicho {

namespace {

struct Arguments {
  std::string listen = "127.0.0.1:7391";
  unsigned tick_seconds = 60;
  unsigned wait_seconds = 0;
  bool is_plain_allowed = false;
  std::string tls_certificate, tls_key, client_ca;
  std::string client_certificates = "required";
  LogOptions log;
};

constexpr std::size_t batch_bytes_max = 4 << 20;

HttpLimits service_limits() {
  HttpLimits limits;
  limits.body_bytes = body_bytes_max;
  limits.long_body_bytes = batch_bytes_max;
  limits.takes_long_body = [](std::string_view method, std::string_view target) {
    return method == "POST" && target == "/v1/commands";
  };
  constexpr std::size_t connections_max = 1'024;
  limits.connections = std::min(connections_max, raise_open_files_limit() / 2);  // the store has all its files open
  limits.handler_threads = 64;  // a command waits for its commit: as many as share one
  return limits;
}

/// nullptr: plain HTTP.
std::unique_ptr<Tls> tls_of(const Arguments& a) {
  if (a.tls_certificate.empty()) return nullptr;
  return std::make_unique<Tls>(
      TlsFiles{a.tls_certificate, a.tls_key, a.client_ca, a.client_certificates == "required"});
}

void tell_stopping() {
  log_line(LogLevel::info, "stopping");
  tell_supervisor("STOPPING=1\nSTATUS=answering what was asked");
}

/// Opens the ledger, serves it, closes it.
void serve(const CommandLine& line, const Arguments& a, const HttpEndpoint& endpoint, std::unique_ptr<Tls> tls) {
  const std::string scheme = tls ? "https://" : "http://";
  if (a.wait_seconds > 0 && has_writer(line.data())) {
    log_line(LogLevel::info, "another process writes to this ledger: waiting for its end");
    tell_supervisor("STATUS=standby: another process writes to this ledger");
  }
  await_writer_lock(line.data(), std::chrono::seconds(a.wait_seconds));
  std::optional<WritableLedger> ledger(open_for_writing(line.data(), line.at()));
  const std::string vkey = ledger->log->verifier().vkey();
  log_line(LogLevel::info, "ledger opened", {{"size", ledger->log->size()}, {"vkey", vkey}});
  std::optional<LedgerService> service(std::in_place, *ledger, line.data());
  HttpServer server(
      endpoint, service_limits(), [&service](const HttpRequest& request) { return service->answer(request); },
      std::move(tls));
  server.refuse_with([&service](const HttpWrong& wrong) { return service->refuse(wrong); });
  service->watch(server.traffic());
  if (const auto pause = watchdog_pause()) server.call_again(*pause, [] { tell_supervisor("WATCHDOG=1"); });
  const std::string url = scheme + in_url(endpoint.address) + ":" + std::to_string(server.port());
  std::optional<Scheduler> scheduler;
  if (a.tick_seconds > 0)
    scheduler.emplace([&service] { return service->tick(); }, std::chrono::seconds(a.tick_seconds));
  print_line({{"listening", url}, {"vkey", vkey}}, line.format());
  log_line(LogLevel::info, "listening", {{"url", url}});
  tell_supervisor("READY=1\nSTATUS=listening on " + url);
  server.run(tell_stopping);
  scheduler.reset();
  service.reset();
  const std::uint64_t size = ledger->log->size();
  ledger.reset();
  log_line(LogLevel::info, "stopped", {{"size", size}});
}

Exit run_serve(const CommandLine& line, const Arguments& a) {
  start_log(a.log);
  std::signal(SIGPIPE, SIG_IGN);  // who reads the log may go
  std::signal(SIGHUP, SIG_IGN);   // "reload": the server reads its certificate anew, when it has one
  const auto endpoint = parse_http_endpoint(a.listen);
  if (!endpoint) throw Failure(Exit::usage, "--listen: an address and a port, such as 127.0.0.1:7391");
  auto tls = tls_of(a);
  if (!is_this_machine(endpoint->address) && !tls && !a.is_plain_allowed)
    throw Failure(Exit::usage,
                  "--listen: tokens and personal data would cross the network in the clear: --tls-certificate and "
                  "--tls-key are wanted; --plain-http says that something in front of it encrypts");
  serve(line, a, *endpoint, std::move(tls));
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
  serve->add_option("--tick", a->tick_seconds, "seconds between runs of what is due; 0: nothing that is due is done")
      ->check(CLI::Range(0U, tick_seconds_max));
  constexpr unsigned wait_seconds_max = 31'536'000;
  serve
      ->add_option("--wait-for-lock", a->wait_seconds,
                   "seconds to wait while another process writes to this ledger, to take over when it ends")
      ->check(CLI::Range(0U, wait_seconds_max));
  serve->add_flag("--plain-http", a->is_plain_allowed, "listen beyond loopback without encryption");
  auto* certificate = serve->add_option("--tls-certificate", a->tls_certificate,
                                        "speak TLS 1.3: the server's certificate and chain, PEM");
  auto* key = serve->add_option("--tls-key", a->tls_key, "its private key, PEM; others must not be able to read it");
  certificate->needs(key);
  key->needs(certificate);
  auto* client_ca = serve->add_option("--client-ca", a->client_ca, "roots of the clients' certificates, PEM");
  client_ca->needs(certificate);
  serve->add_option("--client-certificates", a->client_certificates, "required (with --client-ca), or optional")
      ->check(CLI::IsMember({"optional", "required"}))
      ->needs(client_ca);
  add_log_options(*serve, a->log);
  serve->configurable();
}

}  // namespace daicho
