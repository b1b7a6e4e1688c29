// tools/http/server.hpp — an HTTP/1.1 listener, plain or over TLS, that bounds what a peer can take of it: bytes, time,
// connections. One thread reads and writes; handlers run on a few others, so one that waits for a disk holds nobody up.
// What is a request and what is not: tools/http/parse.hpp.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "tools/http/message.hpp"
#include "tools/http/parse.hpp"
#include "tools/http/tls.hpp"

namespace daicho {

struct HttpLimits {
  std::size_t header_bytes = 8'192;      ///< up to the empty line; beyond: 431
  std::size_t body_bytes = 65'536;       ///< beyond: 413
  std::size_t long_body_bytes = 65'536;  ///< the same, of requests that `takes_long_body` names
  std::function<bool(std::string_view method, std::string_view target)> takes_long_body = {};
  std::size_t bodies_bytes = 128 << 20;             ///< of all requests being read or answered together; beyond: 503;
                                                    ///< of one that grows beyond `body_bytes`, beyond half of it
  std::size_t connections = 256;                    ///< beyond: 503 at once; over TLS closed
  std::chrono::milliseconds handshake{10'000};      ///< of TLS; beyond: closed
  std::chrono::milliseconds request{10'000};        ///< for a whole request, from the connection or the last answer on;
                                                    ///< beyond: 408, or closed when nothing of one has come
  std::chrono::milliseconds answer{10'000};         ///< for the peer to take it, or each piece of a stream
  std::chrono::milliseconds connection{3'600'000};  ///< then the answer at hand is the last, and streams end
  unsigned handler_threads = 2;
};

/// Connections that were refused or ended and that wait, a second at most, for the peer to end them: beyond the limit.
constexpr std::size_t farewells_max = 256;
/// What a listener counts, for who watches it.
struct HttpTraffic {
  std::atomic<std::uint64_t> open = 0;      ///< connections
  std::atomic<std::uint64_t> accepted = 0;  ///< connections, the refused ones among them
  std::atomic<std::uint64_t> refused = 0;   ///< those beyond the limit
};

/// Called from several threads. What it throws becomes a 500 without detail, and a message on standard error. A HEAD is
/// answered like its GET, without the body.
using HttpHandler = std::function<HttpAnswer(const HttpRequest& request)>;
/// The listener's own no: to what is no request, to a connection too many. Called by the thread that reads and writes,
/// so it waits for nothing; it does not throw.
using HttpRefusal = std::function<HttpAnswer(const HttpWrong& wrong)>;

class HttpServer {
 public:
  /// Listens from here on. A Failure when the address cannot be had.
  /// With `tls` nothing but TLS is spoken.
  HttpServer(const HttpEndpoint& endpoint, const HttpLimits& limits, HttpHandler handler,
             std::unique_ptr<Tls> tls = nullptr);
  ~HttpServer();

  std::uint16_t port() const;  ///< the one in use, when asked for 0
  const HttpTraffic& traffic() const;

  /// Before run(); without it a refusal is its words, as text.
  void refuse_with(HttpRefusal refuse);
  /// Calls it among the handlers, again `pause` after each time, while run() serves: what hangs them keeps it from
  /// being called. Before run(), once; `call` does not throw.
  void call_again(std::chrono::milliseconds pause, std::function<void()> call);

  /// Serves until SIGINT, SIGTERM or stop(): then calls `stopping`, accepts nothing more, ends what is being answered,
  /// closes the rest. After one of the signals another one changes nothing any more in this process.
  /// With TLS, SIGHUP reads the certificate anew, and so does a change of its files, within some seconds.
  void run(const std::function<void()>& stopping = {});
  void stop();  ///< from any thread

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
