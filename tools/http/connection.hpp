// tools/http/connection.hpp — one peer of the HTTP server: its socket, TLS over it or not, one deadline for whatever is
// waited for. Internal to server.cpp and connection.cpp, for it includes Asio. The thread that runs the
// executor.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>  // Boost 1.74 needs it before awaitable.hpp

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tools/http/tls.hpp"

namespace daicho {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using ErrorCode = boost::system::error_code;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  explicit HttpConnection(boost::asio::ip::tcp::socket socket);

  /// Ends what is waited for when `time` has passed from now on: it fails, and `is_late()`. Takes the place of the
  /// deadline before it. Not Beast's: that one closes the socket, and nothing could be said any more.
  void set_deadline(std::chrono::milliseconds time);
  void clear_deadline();
  bool is_late() const { return is_late_; }

  /// The handshake. False: there is none; a peer that speaks plain HTTP has been told so.
  Awaitable<bool> begin_tls(const Tls::Context& context);

  /// Appends what arrives next to `received`, at most 16 KiB. False: the peer is gone, or the deadline has passed.
  Awaitable<bool> receive();
  Awaitable<bool> send(std::string_view bytes);

  /// Ends the connection so that what was sent arrives: a socket closed with unread bytes would take it back. At most
  /// a second.
  Awaitable<void> say_farewell();

  std::string peer_address() const;

  std::string received;       ///< what was not made use of yet
  bool is_answering = false;  ///< not to be cut off when the server stops

 private:
  Awaitable<void> discard_rest();
  void watch_deadline();

  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;  // once the handshake is done
  boost::asio::steady_timer deadline_;
  bool is_late_ = false;
};

}  // namespace daicho
