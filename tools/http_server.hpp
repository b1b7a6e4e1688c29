// tools/http_server.hpp — a plain HTTP/1.1 listener that bounds what a peer can take of it: bytes, time, connections.
// One thread reads and writes; handlers run on a few others, so one that waits for a disk holds nobody up.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "tools/http.hpp"

namespace daicho {

bool is_loopback(const HttpEndpoint& endpoint);  ///< nobody beyond this machine reaches it

struct HttpLimits {
  std::size_t header_bytes = 8'192;      ///< up to the empty line; beyond: 431
  std::size_t body_bytes = 65'536;       ///< beyond: 413
  std::size_t long_body_bytes = 65'536;  ///< the same, of requests that `takes_long_body` names
  std::function<bool(std::string_view method, std::string_view target)> takes_long_body = {};
  std::size_t connections = 256;              ///< beyond: 503 at once
  std::chrono::milliseconds request{10'000};  ///< for a whole request, from the connection or the last answer on
  std::chrono::milliseconds answer{10'000};   ///< for the peer to take it
  unsigned handler_threads = 2;
};

/// What a listener counts, for who watches it.
struct HttpTraffic {
  std::atomic<std::uint64_t> open = 0;      ///< connections
  std::atomic<std::uint64_t> accepted = 0;  ///< connections, the refused ones among them
  std::atomic<std::uint64_t> refused = 0;   ///< those beyond the limit
};

/// Called from several threads. What it throws becomes a 500 without detail, and a message on standard error. A HEAD is
/// answered like its GET, without the body.
using HttpHandler = std::function<HttpAnswer(const HttpRequest& request)>;

class HttpServer {
 public:
  /// Listens from here on. A Failure when the address cannot be had.
  HttpServer(const HttpEndpoint& endpoint, const HttpLimits& limits, HttpHandler handler);
  ~HttpServer();

  std::uint16_t port() const;  ///< the one in use, when asked for 0
  const HttpTraffic& traffic() const;

  /// Serves until SIGINT, SIGTERM or stop(): then accepts nothing more, ends what is being answered, closes the rest.
  void run();
  void stop();  ///< from any thread

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
