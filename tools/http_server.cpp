#include "tools/http_server.hpp"

#include <spdlog/spdlog.h>

#include "tools/http_read.hpp"  // before Asio

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <set>

#include "tools/failure.hpp"

namespace daicho {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds accept_pause{100};     // after a failure such as too many open files
constexpr std::chrono::milliseconds stream_pause{100};     // before a stream that had nothing is asked again
constexpr std::chrono::milliseconds farewell_time{1'000};  // for what a peer still sends when it has been refused
constexpr std::size_t farewell_bytes_max = 1 << 20;

struct Connection {
  Connection(tcp::socket socket, std::size_t header_bytes) : stream(std::move(socket)), buffer(header_bytes) {}
  beast::tcp_stream stream;
  beast::flat_buffer buffer;
  bool is_answering = false;
};

HttpAnswer refusal(unsigned status, const std::string& words) {
  return {status, "text/plain; charset=utf-8", words + "\n"};
}

/// What to tell a peer whose request could not be read; nullopt: nothing, it is gone or silent.
std::optional<HttpAnswer> refusal_of(const error_code& error) {
  if (error == http::error::body_limit) return refusal(413, "the body is too long");
  if (error == http::error::header_limit) return refusal(431, "the header is too long");
  const bool is_away = error == http::error::end_of_stream || error == http::error::partial_message;
  if (!is_away && error.category() == make_error_code(http::error::bad_method).category()) {
    return refusal(400, "not an HTTP/1.1 request");
  }
  return std::nullopt;
}

asio::awaitable<HttpAnswer> handle(const HttpHandler& handler, const HttpRequest& request) {
  try {
    co_return handler(request);
  } catch (const std::exception& error) {
    spdlog::error("{} {}: {}", request.method, request.target, error.what());
  }
  co_return refusal(500, "internal error");
}

asio::awaitable<std::optional<std::string>> next_piece(const HttpStream& stream) {
  try {
    co_return stream();
  } catch (const std::exception& error) {
    spdlog::error("a stream ended: {}", error.what());
  }
  co_return std::nullopt;
}

HttpRequest request_of(const http::request<http::string_body>& message, const tcp::socket& socket) {
  HttpRequest request{std::string(message.method_string()), std::string(message.target()),
                      std::string(message[http::field::content_type]), message.body()};
  for (const auto& field : message) request.fields.add(std::string(field.name_string()), std::string(field.value()));
  error_code gone;
  const tcp::endpoint peer = socket.remote_endpoint(gone);
  if (!gone) request.peer = peer.address().to_string();
  return request;
}

}  // namespace

/// All but `handler` belongs to the thread that runs `io`.
struct HttpServer::Impl {
  Impl(const HttpLimits& given, HttpHandler handle_one)
      : limits(given), handler(std::move(handle_one)), pool(given.handler_threads) {}

  const HttpLimits limits;
  const HttpHandler handler;
  asio::io_context io{1};
  asio::thread_pool pool;
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
  std::set<Connection*> connections;
  HttpTraffic traffic;
  bool is_stopping = false;

  void begin_stop() {
    is_stopping = true;
    error_code ignored;
    signals.cancel(ignored);
    acceptor.close(ignored);
    for (Connection* connection : connections) {
      if (!connection->is_answering) connection->stream.cancel();
    }
  }
};

namespace {

using Shared = std::shared_ptr<Connection>;

template <class Response>
void fill_header(Response& response, const HttpAnswer& answer, unsigned version, bool keep_alive) {
  response.version(version);
  response.result(answer.status);
  if (!answer.content_type.empty()) response.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.fields) response.insert(name, value);
  response.keep_alive(keep_alive);
}

/// How an answer goes out: to which version of the protocol, and what of it.
struct Delivery {
  unsigned version = 11;
  bool keep_alive = false;
  bool is_head = false;  ///< the header alone
};

asio::awaitable<bool> write_answer(Connection& connection, const HttpAnswer& answer, const Delivery& delivery,
                                   std::chrono::milliseconds time) {
  http::response<http::string_body> response;
  fill_header(response, answer, delivery.version, delivery.keep_alive);
  response.body() = answer.body;
  response.prepare_payload();
  http::response_serializer<http::string_body> serializer(response);
  connection.stream.expires_after(time);
  error_code error;
  if (delivery.is_head) {
    co_await http::async_write_header(connection.stream, serializer, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await http::async_write(connection.stream, serializer, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return !error;
}

/// In chunks, until the stream ends, the peer is gone, or the server stops.
template <class Server>
asio::awaitable<void> write_stream(Server& server, Connection& connection, const HttpAnswer& answer) {
  http::response<http::empty_body> response;
  fill_header(response, answer, 11, false);
  response.chunked(true);
  http::response_serializer<http::empty_body> serializer(response);
  connection.stream.expires_after(server.limits.answer);
  error_code error;
  co_await http::async_write_header(connection.stream, serializer, asio::redirect_error(asio::use_awaitable, error));
  std::optional<std::string> piece = answer.body;
  while (!error && piece && !server.is_stopping) {
    connection.stream.expires_after(server.limits.answer);
    if (piece->empty()) {
      asio::steady_timer pause(server.io, stream_pause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    } else {
      co_await asio::async_write(connection.stream, http::make_chunk(asio::buffer(*piece)),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
    connection.stream.expires_never();
    piece = co_await asio::co_spawn(server.pool.get_executor(), next_piece(answer.stream), asio::use_awaitable);
  }
  if (!error) {
    connection.stream.expires_after(farewell_time);
    co_await asio::async_write(connection.stream, http::make_chunk_last(),
                               asio::redirect_error(asio::use_awaitable, error));
  }
}

/// Ends the connection so that the last answer arrives: a socket closed with unread bytes would take it back.
asio::awaitable<void> say_farewell(Connection& connection) {
  error_code error;
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, error);
  connection.stream.expires_after(farewell_time);
  std::array<char, 4'096> rest;
  for (std::size_t taken = 0; !error && taken < farewell_bytes_max;) {
    taken += co_await connection.stream.async_read_some(asio::buffer(rest),
                                                        asio::redirect_error(asio::use_awaitable, error));
  }
}

/// One request and its answer; false when the connection is to end.
template <class Server>
asio::awaitable<bool> exchange(Server& server, Connection& connection) {
  http::request_parser<http::string_body> parser;
  parser.body_limit(server.limits.body_bytes);
  connection.stream.expires_after(server.limits.request);
  const auto choose_limit = [&](std::string_view line) {
    const std::size_t method = line.find(' '), target = line.rfind(' ');
    if (!server.limits.takes_long_body || method == std::string_view::npos || target <= method) return;
    if (server.limits.takes_long_body(line.substr(0, method), line.substr(method + 1, target - method - 1)))
      parser.body_limit(server.limits.long_body_bytes);
  };
  const error_code error = co_await read_message(connection.stream, connection.buffer, parser, choose_limit);
  if (server.is_stopping) co_return false;
  if (error) {
    const auto answer = refusal_of(error);
    if (!answer) co_return false;
    connection.is_answering = true;
    const bool written = co_await write_answer(connection, *answer, {}, server.limits.answer);
    if (written) co_await say_farewell(connection);
    co_return false;
  }
  connection.is_answering = true;
  const auto& message = parser.get();
  const HttpRequest request = request_of(message, connection.stream.socket());
  connection.stream.expires_never();
  const HttpAnswer answer =
      co_await asio::co_spawn(server.pool.get_executor(), handle(server.handler, request), asio::use_awaitable);
  const bool is_head = message.method() == http::verb::head;
  if (answer.stream && !is_head && message.version() == 11) {
    co_await write_stream(server, connection, answer);
    co_return false;
  }
  const bool keep_alive = message.keep_alive() && !server.is_stopping;
  const bool written =
      co_await write_answer(connection, answer, {message.version(), keep_alive, is_head}, server.limits.answer);
  connection.is_answering = false;
  co_return written&& keep_alive && !server.is_stopping;
}

template <class Server>
asio::awaitable<void> serve(Server& server, Shared connection) {
  server.connections.insert(connection.get());
  server.traffic.open = server.connections.size();
  ++server.traffic.accepted;
  if (server.connections.size() > server.limits.connections) {
    ++server.traffic.refused;
    connection->is_answering = true;
    const HttpAnswer answer = refusal(503, "too many connections, try again");
    const bool written = co_await write_answer(*connection, answer, {}, farewell_time);
    if (written) co_await say_farewell(*connection);
  } else {
    bool goes_on = !server.is_stopping;
    while (goes_on) goes_on = co_await exchange(server, *connection);
  }
  server.connections.erase(connection.get());
  server.traffic.open = server.connections.size();
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
    asio::co_spawn(server.io,
                   serve(server, std::make_shared<Connection>(std::move(socket), server.limits.header_bytes)),
                   asio::detached);
  }
}

}  // namespace

bool is_loopback(const HttpEndpoint& endpoint) {
  error_code error;
  return asio::ip::make_address(endpoint.address, error).is_loopback() && !error;
}

HttpServer::HttpServer(const HttpEndpoint& endpoint, const HttpLimits& limits, HttpHandler handler)
    : impl_(std::make_unique<Impl>(limits, std::move(handler))) {
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

void HttpServer::run() {
  impl_->signals.add(SIGINT);
  impl_->signals.add(SIGTERM);
  impl_->signals.async_wait([this](const error_code& error, int) {
    if (!error) impl_->begin_stop();
  });
  asio::co_spawn(impl_->io, accept_all(*impl_), asio::detached);
  impl_->io.run();
  impl_->pool.join();
}

void HttpServer::stop() {
  asio::post(impl_->io, [this] { impl_->begin_stop(); });
}

}  // namespace daicho
