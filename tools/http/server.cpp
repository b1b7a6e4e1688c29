#include "tools/http/server.hpp"

#include <spdlog/spdlog.h>

#include "tools/http/connection.hpp"  // before Asio

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <csignal>
#include <ctime>
#include <set>

#include "tools/failure.hpp"
#include "tools/http/parse.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using Instant = std::chrono::steady_clock::time_point;

namespace {

constexpr milliseconds accept_pause{100};            // after a failure such as too many open files
constexpr milliseconds stream_pause{100};            // before a stream that had nothing is asked again
constexpr std::chrono::seconds file_watch_pause{2};  // between looks at the certificate's files
constexpr std::string_view head_end = "\r\n\r\n";

/// Nobody is there any more who could be told anything.
constexpr HttpWrong gone{0, ""};

HttpAnswer plain_refusal(const HttpWrong& wrong) {
  return {wrong.status, utf8_text_type, std::string(wrong.words) + "\n"};
}

asio::awaitable<HttpAnswer> handle(const HttpHandler& handler, const HttpRequest& request) {
  try {
    co_return handler(request);
  } catch (const std::exception& error) {
    spdlog::error("a request ended: {}", error.what());  // its target is not ours to show
  }
  co_return plain_refusal({500, "internal error"});
}

asio::awaitable<std::optional<std::string>> next_piece(const HttpStream& stream) {
  try {
    co_return stream();
  } catch (const std::exception& error) {
    spdlog::error("a stream ended: {}", error.what());
  }
  co_return std::nullopt;
}

}  // namespace

/// All but `handler` belongs to the thread that runs `io`.
struct HttpServer::Impl {
  Impl(const HttpLimits& given, HttpHandler handle_one, std::unique_ptr<Tls> given_tls)
      : limits(given), handler(std::move(handle_one)), tls(std::move(given_tls)), pool(given.handler_threads) {}

  const HttpLimits limits;
  const HttpHandler handler;
  const std::unique_ptr<Tls> tls;
  asio::io_context io{1};
  asio::thread_pool pool;
  tcp::acceptor acceptor{io};
  asio::signal_set endings{io}, reloads{io};
  asio::steady_timer file_watch{io};
  asio::steady_timer pulse{io};  // until the next call of call_again()
  std::function<void()> stopping;
  HttpRefusal refuse_one = plain_refusal;
  std::set<HttpConnection*> connections;
  HttpTraffic traffic;
  std::size_t farewells = 0;     // connections that are done with, but for what the peer still sends
  std::size_t bodies_bytes = 0;  // of all requests that are being read or answered
  bool is_stopping = false;

  HttpAnswer refuse(const HttpWrong& wrong) const {
    HttpAnswer answer = refuse_one(wrong);
    if (wrong.status == 503) answer.fields.add("Retry-After", "1");
    return answer;
  }

  void begin_stop() {
    if (is_stopping) return;
    is_stopping = true;
    if (stopping) stopping();
    error_code ignored;
    pulse.cancel(ignored);
    endings.cancel(ignored);
    reloads.cancel(ignored);
    file_watch.cancel(ignored);
    acceptor.close(ignored);
    for (HttpConnection* connection : connections) {
      if (!connection->is_answering) connection->set_deadline(milliseconds(0));
    }
  }

  void await_reload() {
    reloads.async_wait([this](const error_code& error, int) {
      if (error || is_stopping) return;
      tls->reload();
      await_reload();
    });
  }

  void watch_files() {
    file_watch.expires_after(file_watch_pause);
    file_watch.async_wait([this](const error_code& error) {
      if (error || is_stopping) return;
      tls->reload_if_changed();
      watch_files();
    });
  }
};

namespace {

/// The process ends: another of these signals changes nothing, though the server may be gone. Asio gives a signal its
/// default back when the last set that names it goes.
void keep_stop_signals() {
  struct Kept {
    asio::io_context io;
    asio::signal_set signals{io, SIGINT, SIGTERM};
  };
  [[maybe_unused]] static const Kept* const kept = new Kept;
}

/// One request's part of what the bodies of all may take together.
template <class Server>
class BodyShare {
 public:
  explicit BodyShare(Server& server) : server_(server) {}
  ~BodyShare() { server_.bodies_bytes -= bytes_; }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  bool hold(std::size_t bytes) {
    server_.bodies_bytes += bytes - bytes_;
    bytes_ = bytes;
    const bool is_long = bytes > server_.limits.body_bytes;  // these must not keep the short ones out
    return server_.bodies_bytes <= server_.limits.bodies_bytes / (is_long ? 2 : 1);
  }

 private:
  Server& server_;
  std::size_t bytes_ = 0;
};

HttpWrong why_nothing_came(const HttpConnection& connection, bool has_begun) {
  return connection.is_late() && has_begun ? HttpWrong{408, "the request came too slowly"} : gone;
}

template <class Server>
asio::awaitable<Result<HttpHead, HttpWrong>> read_head(Server& server, HttpConnection& connection) {
  bool may_skip_line = true;  // one empty line before a request (RFC 9112 section 2.2)
  for (;;) {
    std::string& received = connection.received;
    if (may_skip_line && received.starts_with("\r\n")) {
      received.erase(0, 2);
      may_skip_line = false;
    }
    const std::size_t end = received.find(head_end);
    const bool is_whole = end != std::string::npos;
    const std::string_view head = std::string_view(received).substr(0, is_whole ? end + head_end.size() : end);
    if (head.size() + (is_whole ? 0 : 1) > server.limits.header_bytes)
      co_return Unexpected{HttpWrong{431, "the header is too long"}};
    if (has_bare_line_feed(head)) co_return Unexpected{HttpWrong{400, "a line ends without a carriage return"}};
    if (is_whole) {
      auto parsed = parse_http_head(head);
      received.erase(0, head.size());
      co_return parsed;
    }
    const bool is_there = co_await connection.receive();
    if (!is_there) co_return Unexpected{why_nothing_came(connection, !received.empty())};
  }
}

template <class Server>
asio::awaitable<std::optional<HttpWrong>> read_body(Server& server, HttpConnection& connection, const HttpHead& head,
                                                    BodyShare<Server>& share, std::string& body) {
  const HttpLimits& limits = server.limits;
  const bool is_long = limits.takes_long_body && limits.takes_long_body(head.method, head.target);
  const std::size_t bytes_max = is_long ? limits.long_body_bytes : limits.body_bytes;
  if (head.body_bytes > bytes_max) co_return HttpWrong{413, "the body is too long"};
  if (head.wants_continue && connection.received.empty()) {
    const bool is_sent = co_await connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    if (!is_sent) co_return gone;
  }
  ChunkedBody chunks(bytes_max);
  std::string& so_far = head.is_chunked ? chunks.body() : body;
  for (;;) {
    std::size_t used = std::min<std::size_t>(connection.received.size(), head.body_bytes - body.size());
    if (head.is_chunked) {
      const auto taken = chunks.take(connection.received);
      if (!taken) co_return taken.error();
      used = *taken;
    } else {
      body.append(connection.received, 0, used);
    }
    connection.received.erase(0, used);
    if (!share.hold(so_far.size())) co_return HttpWrong{503, "too much is being sent at once, try again"};
    if (head.is_chunked ? chunks.is_complete() : body.size() == head.body_bytes) break;
    const bool is_there = co_await connection.receive();
    if (!is_there) co_return why_nothing_came(connection, true);
  }
  if (head.is_chunked) body = std::move(chunks.body());
  co_return std::nullopt;
}

HttpRequest request_of(const HttpHead& head, const HttpConnection& connection) {
  HttpRequest request{head.method, head.target, head.fields.get("Content-Type").value_or(""), ""};
  request.fields = head.fields;
  request.peer = connection.peer_address();
  return request;
}

/// How an answer goes out: to which version of the protocol, and what of it.
struct Delivery {
  unsigned minor_version = 1;
  bool keep_alive = false;
  bool is_head = false;  ///< the header alone
};

/// RFC 9110 section 5.6.7, by the machine's clock.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string header_text(const HttpAnswer& answer, const Delivery& delivery, bool is_chunked) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " + http_reason(answer.status) + "\r\n";
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Date", http_date());
  if (!answer.content_type.empty()) add("Content-Type", answer.content_type);
  for (const auto& [name, value] : answer.fields) add(name, value);
  if (is_chunked) add("Transfer-Encoding", "chunked");
  if (!is_chunked) add("Content-Length", std::to_string(answer.body.size()));
  if (!delivery.keep_alive) add("Connection", "close");
  if (delivery.keep_alive && delivery.minor_version == 0) add("Connection", "keep-alive");
  return text + "\r\n";
}

asio::awaitable<bool> write_answer(HttpConnection& connection, const HttpAnswer& answer, const Delivery& delivery,
                                   milliseconds time) {
  std::string text = header_text(answer, delivery, false);
  if (!delivery.is_head) text += answer.body;
  connection.set_deadline(time);
  const bool is_sent = co_await connection.send(text);
  connection.clear_deadline();
  co_return is_sent;
}

std::string chunk(std::string_view piece) {
  char size[16];
  const auto [end, error] = std::to_chars(size, size + sizeof size, piece.size(), 16);
  return std::string(size, end).append("\r\n").append(piece).append("\r\n");
}

/// In chunks, until the stream ends, the peer is gone, its time is up, or the server stops.
template <class Server>
asio::awaitable<void> write_stream(Server& server, HttpConnection& connection, const HttpAnswer& answer,
                                   Instant ends_at) {
  std::string text = header_text(answer, {}, true);
  std::optional<std::string> piece = answer.body;
  bool goes_on = true;
  while (goes_on && piece && !server.is_stopping && std::chrono::steady_clock::now() < ends_at) {
    if (!piece->empty()) text += chunk(*piece);
    if (text.empty()) {
      asio::steady_timer pause(server.io, stream_pause);
      co_await pause.async_wait(asio::use_awaitable);
    } else {
      connection.set_deadline(server.limits.answer);
      goes_on = co_await connection.send(text);
      connection.clear_deadline();
      text.clear();
    }
    if (goes_on)
      piece = co_await asio::co_spawn(server.pool.get_executor(), next_piece(answer.stream), asio::use_awaitable);
  }
  if (!goes_on) co_return;
  if (piece && !piece->empty()) text += chunk(*piece);
  text += "0\r\n\r\n";
  connection.set_deadline(server.limits.answer);
  co_await connection.send(text);
  connection.clear_deadline();
}

/// One request and its answer; false when the connection is to end.
template <class Server>
asio::awaitable<bool> exchange(Server& server, HttpConnection& connection, Instant ends_at) {
  wipe_stack();  // of the request before
  connection.is_answering = false;
  const auto left = std::chrono::ceil<milliseconds>(ends_at - std::chrono::steady_clock::now());
  connection.set_deadline(std::clamp(left, milliseconds(0), server.limits.request));
  BodyShare<Server> share(server);
  std::string body;
  const auto head = co_await read_head(server, connection);
  std::optional<HttpWrong> wrong;
  if (!head) wrong = head.error();
  if (head) wrong = co_await read_body(server, connection, *head, share, body);
  if (server.is_stopping || (wrong && wrong->status == gone.status)) co_return false;
  connection.is_answering = true;
  connection.clear_deadline();
  connection.received.shrink_to_fit();  // what was read is wiped, not kept for the next request
  if (wrong) {
    const HttpAnswer no = server.refuse(*wrong);
    co_await write_answer(connection, no, {}, server.limits.answer);
    co_return false;
  }
  HttpRequest request = request_of(*head, connection);
  request.body = std::move(body);
  const HttpAnswer answer =
      co_await asio::co_spawn(server.pool.get_executor(), handle(server.handler, request), asio::use_awaitable);
  const bool is_head = head->method == "HEAD";
  if (answer.stream && !is_head && head->minor_version > 0) {
    co_await write_stream(server, connection, answer, ends_at);
    co_return false;
  }
  const bool keep_alive = head->keep_alive && !server.is_stopping && std::chrono::steady_clock::now() < ends_at;
  const Delivery delivery{head->minor_version, keep_alive, is_head};
  const bool is_sent = co_await write_answer(connection, answer, delivery, server.limits.answer);
  co_return is_sent&& keep_alive && !server.is_stopping;
}

/// While it is there, the connection is one of the server's.
template <class Server>
struct Place {
  Server& server;
  HttpConnection& connection;
  Place(Server& in, HttpConnection& of) : server(in), connection(of) {
    server.connections.insert(&connection);
    server.traffic.open = server.connections.size();
  }
  ~Place() {
    server.connections.erase(&connection);
    server.traffic.open = server.connections.size();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
};

template <class Server>
asio::awaitable<void> converse(Server& server, HttpConnection& connection) {
  const Place<Server> place(server, connection);
  const Instant ends_at = std::chrono::steady_clock::now() + server.limits.connection;
  bool goes_on = !server.is_stopping;
  if (goes_on && server.tls) {
    connection.set_deadline(server.limits.handshake);
    goes_on = co_await connection.begin_tls(server.tls->context());
  }
  while (goes_on && !server.is_stopping) goes_on = co_await exchange(server, connection, ends_at);
}

/// While it is there, a connection says farewell.
template <class Server>
struct Farewell {
  Server& server;
  explicit Farewell(Server& in) : server(in) { ++server.farewells; }
  ~Farewell() { --server.farewells; }
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
};

/// One too many. It would cost a handshake to say so over TLS.
template <class Server>
asio::awaitable<void> turn_away(Server& server, HttpConnection& connection) {
  if (server.tls || server.farewells >= farewells_max) co_return;
  const Farewell<Server> farewell(server);
  const HttpAnswer answer = server.refuse({503, "too many connections, try again"});
  const bool is_sent = co_await write_answer(connection, answer, {}, server.limits.answer);
  if (is_sent) co_await connection.say_farewell();
}

template <class Server>
asio::awaitable<void> serve(Server& server, std::shared_ptr<HttpConnection> connection) {
  ++server.traffic.accepted;
  if (server.connections.size() >= server.limits.connections) {
    ++server.traffic.refused;
    co_await turn_away(server, *connection);
    co_return;
  }
  co_await converse(server, *connection);
  if (server.farewells >= farewells_max) co_return;
  const Farewell<Server> farewell(server);
  co_await connection->say_farewell();
}

template <class Server>
asio::awaitable<void> accept_all(Server& server) {
  while (!server.is_stopping) {
    tcp::socket socket(server.io);
    error_code error;
    co_await server.acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (server.is_stopping) break;
    if (error) {
      asio::steady_timer pause(server.io, accept_pause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    asio::co_spawn(server.io, serve(server, std::make_shared<HttpConnection>(std::move(socket))), asio::detached);
  }
}

asio::awaitable<void> call_once(const std::function<void()>& call) {
  call();
  co_return;
}

template <class Server>
asio::awaitable<void> call_until_stop(Server& server, std::chrono::milliseconds pause, std::function<void()> call) {
  while (!server.is_stopping) {
    error_code error;
    server.pulse.expires_after(pause);
    co_await server.pulse.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (!server.is_stopping) co_await asio::co_spawn(server.pool.get_executor(), call_once(call), asio::use_awaitable);
  }
}

}  // namespace

HttpServer::HttpServer(const HttpEndpoint& endpoint, const HttpLimits& limits, HttpHandler handler,
                       std::unique_ptr<Tls> tls)
    : impl_(std::make_unique<Impl>(limits, std::move(handler), std::move(tls))) {
  impl_->endings.add(SIGINT);  // from here on: one that comes before run() ends it at once
  impl_->endings.add(SIGTERM);
  error_code error;
  const auto address = asio::ip::make_address(endpoint.address, error);
  if (error) throw Failure(Exit::usage, endpoint.address + ": not an address to listen on");
  const tcp::endpoint local(address, endpoint.port);
  auto& acceptor = impl_->acceptor;
  acceptor.open(local.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(local, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    throw Failure(Exit::unavailable, "cannot listen on " + endpoint.address + " port " + std::to_string(endpoint.port) +
                                         ": " + error.message());
  }
}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return impl_->acceptor.local_endpoint().port(); }

const HttpTraffic& HttpServer::traffic() const { return impl_->traffic; }

void HttpServer::refuse_with(HttpRefusal refuse) { impl_->refuse_one = std::move(refuse); }

void HttpServer::call_again(std::chrono::milliseconds pause, std::function<void()> call) {
  asio::co_spawn(impl_->io, call_until_stop(*impl_, pause, std::move(call)), asio::detached);
}

void HttpServer::run(const std::function<void()>& stopping) {
  impl_->stopping = stopping;
  impl_->endings.async_wait([this](const error_code& error, int) {
    if (error) return;
    keep_stop_signals();
    impl_->begin_stop();
  });
  if (impl_->tls) {
    impl_->reloads.add(SIGHUP);
    impl_->await_reload();
    impl_->watch_files();
  }
  asio::co_spawn(impl_->io, accept_all(*impl_), asio::detached);
  impl_->io.run();
  impl_->pool.join();
}

void HttpServer::stop() {
  asio::post(impl_->io, [this] { impl_->begin_stop(); });
}

}  // namespace daicho
