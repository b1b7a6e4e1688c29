// tools/http/parse.hpp — a request's header and a body in chunks from bytes, strictly (RFC 9110, RFC 9112): what a
// proxy before the server could understand differently is refused, never mended. Pure; any thread.
#pragma once

#include <cstdint>

#include "ledger/result.hpp"
#include "tools/http/message.hpp"

namespace daicho {

/// Why a request is not taken. The words repeat nothing that was sent.
struct HttpWrong {
  unsigned status = 400;
  const char* words = "";
};

struct HttpHead {
  std::string method;
  std::string target;  ///< in origin form (`/path?query`), or `*`
  HttpFields fields = {};
  unsigned minor_version = 1;  ///< of HTTP/1
  bool keep_alive = true;      ///< what the peer asks for (RFC 9112 section 9.3)
  bool is_chunked = false;     ///< otherwise the body is `body_bytes` long
  std::uint64_t body_bytes = 0;
  bool wants_continue = false;  ///< RFC 9110 section 10.1.1
};

/// A line feed that no carriage return stands before: not HTTP, wherever in a header it is.
bool has_bare_line_feed(std::string_view bytes);

/// `text` ends with the empty line. One pass over it.
///
/// Refused with 400: white space before a colon, folded lines, control bytes, no Host or two, a Content-Length that is
/// not one number, two of them, one beside Transfer-Encoding, Transfer-Encoding in HTTP/1.0, a target that names
/// another authority than Host. 501: a transfer coding that is not `chunked` alone. 505: not HTTP/1.0 or 1.1. 417: an
/// expectation that is not `100-continue`.
Result<HttpHead, HttpWrong> parse_http_head(std::string_view text);

/// A body in chunks (RFC 9112 section 7.1), taken piece by piece. Extensions and trailer fields are passed over: no
/// field that is believed may come behind the body.
class ChunkedBody {
 public:
  static constexpr std::size_t size_line_bytes_max = 256;  ///< its extensions included
  static constexpr std::size_t trailer_bytes_max = 8'192;

  explicit ChunkedBody(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// How many of these bytes it has used; the rest is to be handed in again with what follows, unless it is complete.
  /// 413 as soon as a chunk is announced that goes beyond the limit.
  Result<std::size_t, HttpWrong> take(std::string_view bytes);
  bool is_complete() const { return state_ == State::complete; }
  std::string& body() { return body_; }

 private:
  enum class State : std::uint8_t { size_line, data, data_end, trailer, complete };

  Result<std::size_t, HttpWrong> take_size_line(std::string_view bytes);
  Result<std::size_t, HttpWrong> take_data(std::string_view bytes);
  Result<std::size_t, HttpWrong> take_data_end(std::string_view bytes);
  Result<std::size_t, HttpWrong> take_trailer_line(std::string_view bytes);

  const std::size_t bytes_max_;
  State state_ = State::size_line;
  std::size_t left_ = 0;  ///< of the chunk
  std::size_t trailer_bytes_ = 0;
  std::string body_;
};

}  // namespace daicho
