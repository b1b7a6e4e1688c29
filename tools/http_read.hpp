// tools/http_read.hpp — reads one HTTP message within the limits it is given; internal to http_client.cpp, for it
// includes Beast.
#pragma once

// Beast 1.74 asserts what a peer decides: an empty last chunk that comes in three pieces would end the process.
#define BOOST_DISABLE_ASSERTS

#include <algorithm>
#include <string_view>
#include <utility>  // Boost 1.74 needs it before awaitable.hpp

#include <sodium.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace daicho {

/// Overwrites what was read from a buffer and is not asked for any more: header fields and bodies hold secrets.
inline void wipe_consumed(boost::beast::flat_buffer& buffer) {
  const auto unused = buffer.prepare(buffer.capacity() - buffer.size());  // moves what is left to the front
  sodium_memzero(unused.data(), unused.size());
}

/// The header, empty line included, may fill `buffer` to its maximum: http::error::header_limit beyond. The body's
/// limit is the parser's; `on_start` is handed the first line before anything is parsed and may set it. What follows
/// the message stays in the buffer.
///
/// In three steps, for Beast 1.74 counts its own header limit anew with each piece that arrives, and passes over a body
/// limit when header and body come in one piece and it may read both.
template <class Parser, class OnStart>
boost::asio::awaitable<boost::system::error_code> read_message(boost::beast::tcp_stream& stream,
                                                               boost::beast::flat_buffer& buffer, Parser& parser,
                                                               const OnStart& on_start) {
  namespace asio = boost::asio;
  namespace http = boost::beast::http;
  constexpr std::size_t piece_bytes = 4'096;
  boost::system::error_code error;
  const auto received = [&] {
    const auto bytes = buffer.cdata();
    return std::string_view(static_cast<const char*>(bytes.data()), bytes.size());
  };
  const auto has_header = [&] { return received().find("\r\n\r\n") != std::string_view::npos; };
  while (!error && !has_header()) {
    const std::size_t space = buffer.max_size() - buffer.size();
    if (space == 0) co_return make_error_code(http::error::header_limit);
    const auto piece = buffer.prepare(std::min(space, piece_bytes));
    const std::size_t count = co_await stream.async_read_some(piece, asio::redirect_error(asio::use_awaitable, error));
    buffer.commit(count);
  }
  if (!error) on_start(received().substr(0, received().find("\r\n")));
  parser.header_limit(static_cast<std::uint32_t>(buffer.max_size()));
  if (!error) {
    co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  }
  if (!error) co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  wipe_consumed(buffer);
  co_return error;
}

}  // namespace daicho
