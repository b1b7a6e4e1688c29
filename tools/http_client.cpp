#include "tools/http_client.hpp"

#include "tools/http_read.hpp"  // before Asio

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace daicho {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr std::size_t answer_header_bytes_max = 8'192;

asio::awaitable<HttpAnswer> exchange(asio::io_context& io, const HttpUrl& url, const HttpRequest& asked,
                                     const HttpAskLimits& limits) {
  tcp::resolver resolver(io);
  const auto addresses = co_await resolver.async_resolve(url.host, url.port, asio::use_awaitable);
  beast::tcp_stream stream(io);
  co_await stream.async_connect(addresses, asio::use_awaitable);

  http::request<http::string_body> request;
  request.version(11);
  request.method_string(asked.method);
  request.target(url.path + asked.target);
  request.set(http::field::host, url.port == "80" ? url.host : url.host + ":" + url.port);
  if (!asked.content_type.empty()) request.set(http::field::content_type, asked.content_type);
  request.keep_alive(false);
  request.body() = asked.body;
  request.prepare_payload();
  co_await http::async_write(stream, request, asio::use_awaitable);

  beast::flat_buffer buffer(answer_header_bytes_max);
  http::response_parser<http::string_body> parser;
  parser.body_limit(limits.answer_bytes);
  const auto error = co_await read_message(stream, buffer, parser, [](std::string_view) {});
  if (error) throw boost::system::system_error(error);
  const auto& message = parser.get();
  co_return HttpAnswer{message.result_int(), std::string(message[http::field::content_type]), message.body()};
}

}  // namespace

Result<HttpAnswer, std::string> ask_http(const HttpUrl& url, const HttpRequest& request, const HttpAskLimits& limits) {
  const std::string peer = url.host + " port " + url.port;
  std::optional<HttpAnswer> answer;
  std::string trouble = "no answer within " + std::to_string(limits.time.count()) + " ms";
  asio::io_context io{1};
  asio::co_spawn(io, exchange(io, url, request, limits), [&](const std::exception_ptr& error, HttpAnswer found) {
    if (!error) {
      answer = std::move(found);
      return;
    }
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& exception) {
      trouble = exception.what();
    }
  });
  io.run_for(limits.time);
  if (!answer) return Unexpected{peer + ": " + trouble};
  return *std::move(answer);
}

}  // namespace daicho
