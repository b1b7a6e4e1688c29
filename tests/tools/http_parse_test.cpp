// tests/tools/http_parse_test.cpp — what is a request and what is not (RFC 9110, RFC 9112), and bodies in chunks.
#include "tools/http/parse.hpp"

#include <doctest/doctest.h>

using namespace daicho;

namespace {

constexpr std::string_view host = "Host: ledger.example\r\n";

unsigned status_of(const std::string& head) {
  const auto read = parse_http_head(head);
  return read ? 200 : read.error().status;
}

/// A request line and Host, these fields, and the empty line.
std::string get(const std::string& fields) { return "GET /x HTTP/1.1\r\n" + std::string(host) + fields + "\r\n"; }

HttpHead parsed(const std::string& text) {
  const auto head = parse_http_head(text);
  REQUIRE(head);
  return *head;
}

/// The whole of it taken in pieces of `step` bytes, as a connection does: what was not used comes again.
struct Chunks {
  ChunkedBody body;
  unsigned status = 200;
  std::string left;

  Chunks(const std::string& sent, std::size_t step, std::size_t bytes_max = 100) : body(bytes_max) {
    for (std::size_t at = 0; at < sent.size() && status == 200; at += step) {
      left += sent.substr(at, step);
      const auto used = body.take(left);
      if (!used) status = used.error().status;
      if (used) left.erase(0, *used);
    }
  }
};

unsigned chunks_status(const std::string& sent) {
  const unsigned at_once = Chunks(sent, sent.size()).status, by_byte = Chunks(sent, 1).status;
  CHECK(at_once == by_byte);
  return at_once;
}

}  // namespace

TEST_CASE("a header: method, target, version, fields; what the peer asks of the connection") {
  const HttpHead head =
      parsed("POST /v1/a?b=c HTTP/1.1\r\nhost:h\r\nX-One: \t a b \t\r\nx-one:\r\nContent-Length: 7\r\n\r\n");
  CHECK(head.method == "POST");
  CHECK(head.target == "/v1/a?b=c");
  CHECK(head.fields.get("X-One") == "a b, ");
  CHECK(head.body_bytes == 7);
  CHECK_FALSE(head.is_chunked);
  CHECK(head.keep_alive);
  CHECK_FALSE(parsed(get("Connection: x, Close\r\n")).keep_alive);
  CHECK_FALSE(parsed(get("Connection: keep-alive\r\nConnection: close\r\n")).keep_alive);
  CHECK_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  CHECK(parsed(get("Transfer-Encoding: Chunked\r\n")).is_chunked);
  CHECK(parsed(get("Expect: 100-continue\r\nContent-Length: 1\r\n")).wants_continue);
  CHECK_FALSE(parsed(get("Expect: 100-continue\r\n")).wants_continue);
  CHECK(status_of(get("Expect: miracles\r\n")) == 417);
}

TEST_CASE("a target: in origin form, or in absolute form and Host's own") {
  CHECK(parsed("GET http://ledger.example/a?b HTTP/1.1\r\nHost: Ledger.example\r\n\r\n").target == "/a?b");
  CHECK(parsed("GET HTTPS://ledger.example HTTP/1.1\r\nHost: ledger.example\r\n\r\n").target == "/");
  CHECK(parsed("GET http://ledger.example?b HTTP/1.1\r\nHost: ledger.example\r\n\r\n").target == "/?b");
  CHECK(parsed("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").target == "*");
  for (const char* wrong : {"http://other.example/", "http:///", "http://u@ledger.example/", "ftp://ledger.example/",
                            "*", "ledger.example:443", "x", "/a#b", "/a b", "/\x80", "/\x01"}) {
    CAPTURE(wrong);
    CHECK(status_of("GET " + std::string(wrong) + " HTTP/1.1\r\n" + std::string(host) + "\r\n") == 400);
  }
}

TEST_CASE("a request that two readers could end in different places is refused") {
  for (const char* wrong : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                            "Content-Length: 3\r\nContent-Length: 4\r\n",
                            "Content-Length: 3\r\nContent-Length: 3\r\n",
                            "Content-Length: 3, 3\r\n",
                            "Content-Length: +3\r\n",
                            "Content-Length: -1\r\n",
                            "Content-Length: 0x3\r\n",
                            "Content-Length: 3 4\r\n",
                            "Content-Length:\r\n",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
                            "X : a\r\n",
                            "X\t: a\r\n",
                            " X: a\r\n",
                            "X: a\r\n b\r\n",
                            "X: a\r\n\tContent-Length: 3\r\n",
                            ": a\r\n",
                            "X\r\n",
                            "X: a\rb\r\n",
                            "X: a\x01\r\n",
                            "X: a\x7F\r\n",
                            "X(: a\r\n",
                            "\xC3\xA4: a\r\n",
                            "Host: ledger.example\r\n",
                            "Content-Type: a/b\r\nContent-Type: a/c\r\n"}) {
    CAPTURE(wrong);
    CHECK(status_of(get(wrong)) == 400);
  }
  CHECK(status_of(get(std::string("X: a\0b\r\n", 8))) == 400);
  for (const char* unknown : {"gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunked;q=1", "\"chunked\"", ""}) {
    CAPTURE(unknown);
    CHECK(status_of(get("Transfer-Encoding: " + std::string(unknown) + "\r\n")) == 501);
  }
  CHECK(status_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(status_of(get("Content-Length: 18446744073709551615\r\n")) == 200);
  CHECK(status_of(get("Content-Length: 18446744073709551616\r\n")) == 413);
}

TEST_CASE("the request line and Host") {
  for (const char* wrong :
       {"GET /", "GET  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / http/1.1", "G@T / HTTP/1.1",
        "GET / HTTP/11", "GET / HTTP/1.x", "", "GET\t/\tHTTP/1.1", "GET / x HTTP/1.1"}) {
    CAPTURE(wrong);
    CHECK(status_of(std::string(wrong) + "\r\n" + std::string(host) + "\r\n") == 400);
  }
  CHECK(status_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTP/1.2\r\nHost: h\r\n\r\n") == 505);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  for (const char* wrong : {"a b", "a/b", "u@a", "a,b", "\xC3\xA4"}) {
    CAPTURE(wrong);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: " + std::string(wrong) + "\r\n\r\n") == 400);
  }
  CHECK(has_bare_line_feed("GET / HTTP/1.1\nHost: h\r\n"));
  CHECK(has_bare_line_feed("\n"));
  CHECK_FALSE(has_bare_line_feed("GET / HTTP/1.1\r\nHost: h\r\n\r"));
}

TEST_CASE("a body in chunks: in pieces of any size; what follows it is left") {
  const std::string sent = "3;a=b;c=\"d\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: y\r\nAuthorization: z\r\n\r\nGET ";
  for (std::size_t step = 1; step <= sent.size(); ++step) {
    CAPTURE(step);
    Chunks chunks(sent, step);
    CHECK(chunks.status == 200);
    CHECK(chunks.body.is_complete());
    CHECK(chunks.body.body() == "abc0123456789");
    CHECK(chunks.left == "GET ");
  }
  CHECK_FALSE(Chunks("0\r\n\r", 1).body.is_complete());
  CHECK(Chunks("0\r\n\r\n", 1).body.is_complete());
}

TEST_CASE("chunks: their limits, at them and one past them") {
  const std::string hundred(100, 'x');
  CHECK(Chunks("64\r\n" + hundred + "\r\n0\r\n\r\n", 7).body.is_complete());
  CHECK(chunks_status("65\r\n") == 413);
  CHECK(chunks_status("60\r\n" + hundred.substr(4) + "\r\n4\r\nxxxx\r\n1\r\n") == 413);
  CHECK(chunks_status("FFFFFFFFFFFFFFFF\r\n") == 413);
  CHECK(chunks_status("10000000000000000\r\n") == 413);
  CHECK(chunks_status("10000000000000000;a\n\r\n") == 400);  // in one piece as in many
  const std::string extension(ChunkedBody::size_line_bytes_max - 2, 'e');
  CHECK(Chunks("1;" + extension + "\r\nx\r\n0\r\n\r\n", 1'000).body.is_complete());
  CHECK(chunks_status("1;" + extension + "e\r\nx") == 400);
  CHECK(chunks_status("1;" + extension + extension) == 400);
  const std::string field = "X: " + std::string(ChunkedBody::trailer_bytes_max - 3, 't');
  CHECK(Chunks("0\r\n" + field, 1'000).status == 200);
  CHECK(Chunks("0\r\n" + field + "t", 1'000).status == 431);
}

TEST_CASE("chunks that two readers could read differently are refused") {
  for (const char* wrong : {"\r\n",
                            "x\r\n",
                            "0x3\r\nabc\r\n",
                            "+3\r\nabc\r\n",
                            "-3\r\nabc\r\n",
                            " 3\r\nabc\r\n",
                            "3 \r\nabc\r\n",
                            "3 ;a\r\nabc\r\n",
                            "3\nabc\r\n",
                            "3;a\nb\r\nabc\r\n",
                            "3;a=\"\x01\"\r\nabc\r\n",
                            "3\rabc\r\nabc\r\n",
                            "3\r\nabcd\r\n",
                            "3\r\nabc\n0\r\n\r\n",
                            "3\r\nabc0\r\n\r\n",
                            "3\r\nab\r\n0\r\n\r\n",
                            "0\r\nX : y\r\n\r\n",
                            "0\r\n y\r\n\r\n",
                            "0\r\n\n",
                            "0\r\nX: y\n\r\n"}) {
    CAPTURE(wrong);
    CHECK(chunks_status(wrong) == 400);
  }
}
