#include "tools/http/connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace daicho {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t piece_bytes = 16'384;                // a TLS record's content
constexpr std::chrono::milliseconds farewell_time{1'000};  // for what a peer still sends when it has been refused
constexpr std::size_t farewell_bytes_max = 1 << 20;
constexpr std::chrono::milliseconds again_pause{50};

constexpr std::string_view told_to_use_tls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 25\r\n"
    "Connection: close\r\n\r\nthis port takes https://\n";

}  // namespace

HttpConnection::HttpConnection(tcp::socket socket) : socket_(std::move(socket)), deadline_(socket_.get_executor()) {
  ErrorCode ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
}

void HttpConnection::set_deadline(std::chrono::milliseconds time) {
  is_late_ = false;
  deadline_.expires_after(time);
  watch_deadline();
}

void HttpConnection::clear_deadline() {
  is_late_ = false;
  deadline_.expires_at(asio::steady_timer::time_point::max());
}

void HttpConnection::watch_deadline() {
  deadline_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
    const auto self = weak.lock();
    if (error || !self || self->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
    self->is_late_ = true;
    ErrorCode ignored;
    self->socket_.cancel(ignored);
    // A read of TLS is several of the socket: what is begun just now would wait on.
    self->deadline_.expires_after(again_pause);
    self->watch_deadline();
  });
}

HttpConnection::Awaitable<bool> HttpConnection::begin_tls(const Tls::Context& context) {
  SSL_CTX_up_ref(context.get());
  asio::ssl::context shared(context.get());
  auto& tls = tls_.emplace(socket_, shared);
  ErrorCode error;
  co_await tls.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, error));
  if (!error) co_return !is_late_;
  tls_.reset();
  const bool is_plain = error.category() == asio::error::get_ssl_category() &&
                        ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
  if (is_plain) co_await send(told_to_use_tls);
  co_return false;
}

HttpConnection::Awaitable<bool> HttpConnection::receive() {
  if (is_late_) co_return false;
  const std::size_t before = received.size();
  received.resize(before + piece_bytes);
  const auto place = asio::buffer(received.data() + before, piece_bytes);
  ErrorCode error;
  std::size_t count = 0;
  if (tls_) {
    count = co_await tls_->async_read_some(place, asio::redirect_error(asio::use_awaitable, error));
  } else {
    count = co_await socket_.async_read_some(place, asio::redirect_error(asio::use_awaitable, error));
  }
  received.resize(before + count);
  co_return !error && !is_late_;
}

HttpConnection::Awaitable<bool> HttpConnection::send(std::string_view bytes) {
  if (is_late_) co_return false;
  const auto content = asio::buffer(bytes.data(), bytes.size());
  ErrorCode error;
  if (tls_) {
    co_await asio::async_write(*tls_, content, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await asio::async_write(socket_, content, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return !error && !is_late_;
}

HttpConnection::Awaitable<void> HttpConnection::say_farewell() {
  set_deadline(farewell_time);
  ErrorCode error;
  if (tls_) co_await tls_->async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  socket_.shutdown(tcp::socket::shutdown_send, error);
  if (!error) co_await discard_rest();
  clear_deadline();
}

HttpConnection::Awaitable<void> HttpConnection::discard_rest() {
  std::array<char, 4'096> rest;
  ErrorCode error;
  for (std::size_t taken = 0; !error && !is_late_ && taken < farewell_bytes_max;) {
    taken += co_await socket_.async_read_some(asio::buffer(rest), asio::redirect_error(asio::use_awaitable, error));
  }
}

std::string HttpConnection::peer_address() const {
  ErrorCode gone;
  const tcp::endpoint peer = socket_.remote_endpoint(gone);
  return gone ? std::string() : peer.address().to_string();
}

}  // namespace daicho
