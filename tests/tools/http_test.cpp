// tests/tools/http_test.cpp — URLs, the listener's limits and its end, and the client's deadline.
#include "tools/http/message.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tools/http/client.hpp"
#include "tools/http/server.hpp"

using namespace daicho;

namespace {

using std::chrono::milliseconds;

/// A server that echoes, on a port of its own.
struct TestServer {
  HttpServer server;
  std::thread thread{[this] { server.run(); }};

  explicit TestServer(const HttpLimits& limits = {}, HttpHandler handler = echo)
      : server({"127.0.0.1", 0}, limits, std::move(handler)) {}
  ~TestServer() { stop(); }
  void stop() {
    if (!thread.joinable()) return;
    server.stop();
    thread.join();
  }
  static HttpAnswer echo(const HttpRequest& request) {
    return {200, "text/plain", request.method + " " + request.target + " " + request.content_type + " " + request.body};
  }
  HttpUrl url(const std::string& path = "") const { return {"127.0.0.1", std::to_string(server.port()), path}; }
  HttpAnswer ask(const HttpRequest& request) const {
    auto answer = ask_http(url(), request, {});
    if (!answer) FAIL(answer.error().words);
    return *std::move(answer);
  }
};

/// A connection that sends bytes as they are.
struct RawPeer {
  int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  explicit RawPeer(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{5, 0};
    ::setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  RawPeer(const RawPeer&) = delete;
  ~RawPeer() { ::close(file); }
  void send(const std::string& bytes) const {
    CHECK(::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  /// What arrives until the peer ends, or until `enough` of it.
  std::string receive(std::size_t enough = SIZE_MAX) const {
    std::string all;
    char part[4'096];
    while (all.size() < enough) {
      const ssize_t count = ::recv(file, part, sizeof part, 0);
      if (count < 0) return all + " (not ended)";
      if (count == 0) break;
      all.append(part, static_cast<std::size_t>(count));
    }
    return all;
  }
};

std::string post(std::size_t body_bytes, const std::string& more = "") {
  return "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n" + more + "\r\n" +
         std::string(body_bytes, 'b');
}

}  // namespace

TEST_CASE("http URLs: host, port, path; nothing but http and https") {
  const auto url = parse_http_url("http://witness.example/w1/");
  REQUIRE(url);
  CHECK(url->host == "witness.example");
  CHECK(url->port == "80");
  CHECK(url->path == "/w1");
  CHECK(parse_http_url("http://127.0.0.1:7390")->port == "7390");
  CHECK(parse_http_url("http://127.0.0.1:7390")->path.empty());
  CHECK(parse_http_url("http://[::1]:7390/a/b")->host == "::1");
  CHECK_FALSE(url->is_encrypted);
  CHECK(parse_http_url("https://ledger.example/a")->is_encrypted);
  CHECK(parse_http_url("https://ledger.example/a")->port == "443");
  CHECK(parse_http_url("https://ledger.example:80")->port == "80");
  for (const char* wrong : {"", "http://", "http:///x", "https://", "ftp://witness.example", "witness.example",
                            "http://a:", "http://a:65536", "http://a:x", "http://u@a/", "http://a/?q", "http://a/#f",
                            "http://a b/", "http://[::1", "http://[::1]x", "http://a/\r\nX: y"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_http_url(wrong));
  }
  CHECK(parse_http_endpoint("127.0.0.1:65535")->port == 65'535);
  for (const char* here : {"localhost", "::1", "127.0.0.1", "127.255.0.9"}) CHECK(is_this_machine(here));
  for (const char* away : {"", "127.example.jp", "127.0.0.1.example.jp", "localhost.example.jp", "10.0.0.1", "::2"})
    CHECK_FALSE(is_this_machine(away));
  CHECK(parse_http_endpoint("[::1]:0")->address == "::1");
  for (const char* wrong : {"", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_http_endpoint(wrong));
  }
}

TEST_CASE("a request and its answer; several on one connection") {
  const TestServer server;
  const auto answer = server.ask({"POST", "/add", "text/plain", "body"});
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "text/plain");
  CHECK(answer.body == "POST /add text/plain body");
  const RawPeer peer(server.server.port());
  for (int i = 0; i < 3; ++i) {
    peer.send(post(2));
    CHECK(peer.receive(1).starts_with("HTTP/1.1 200 OK"));
  }
}

TEST_CASE("limits of body and header: at them, and one past them") {
  const TestServer server({.header_bytes = 1'000, .body_bytes = 20'000});
  CHECK(server.ask({"POST", "/x", "", std::string(20'000, 'b')}).status == 200);
  CHECK(server.ask({"POST", "/x", "", std::string(20'001, 'b')}).status == 413);
  const RawPeer chunked(server.server.port());
  chunked.send("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4e21\r\n" + std::string(20'001, 'b') +
               "\r\n0\r\n\r\n");
  CHECK(chunked.receive(1).starts_with("HTTP/1.1 413"));
  const std::size_t rest = post(0, "X: \r\n").size();
  for (const bool past : {false, true}) {
    const std::string header = post(0, "X: " + std::string(1'000 - rest + (past ? 1 : 0), 'x') + "\r\n");
    const RawPeer at_once(server.server.port()), in_pieces(server.server.port());
    at_once.send(header);
    for (std::size_t sent = 0; sent < header.size(); sent += 200) {
      in_pieces.send(header.substr(sent, 200));
      std::this_thread::sleep_for(milliseconds(2));
    }
    for (const RawPeer* peer : {&at_once, &in_pieces}) {
      CHECK(peer->receive(1).starts_with(past ? "HTTP/1.1 431" : "HTTP/1.1 200"));
    }
  }
  const RawPeer fields(server.server.port());  // each short, without an end
  fields.send("POST /x HTTP/1.1\r\n");
  for (int i = 0; i < 20; ++i) {
    fields.send("X" + std::to_string(i) + ": " + std::string(60, 'x') + "\r\n");
    std::this_thread::sleep_for(milliseconds(1));
  }
  CHECK(fields.receive(1).starts_with("HTTP/1.1 431"));
  const RawPeer header_and_body(server.server.port());  // in one piece
  header_and_body.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 20001\r\n\r\nbody");
  CHECK(header_and_body.receive(1).starts_with("HTTP/1.1 413"));
  const RawPeer garbage(server.server.port());
  garbage.send("\x16\x03\x01 not HTTP\r\n\r\n");
  CHECK(garbage.receive().starts_with("HTTP/1.1 400"));
}

TEST_CASE("a peer that is slow, silent, or one too many") {
  const TestServer server({.connections = 2, .request = milliseconds(300)});
  const RawPeer silent(server.server.port()), slow(server.server.port());
  slow.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Le");
  CHECK(server.ask({"GET", "/", "", ""}).status == 503);  // both places are taken
  CHECK(silent.receive().empty());                        // closed without a word
  CHECK(slow.receive().starts_with("HTTP/1.1 408 "));
  CHECK(server.ask({"GET", "/", "", ""}).status == 200);
}

TEST_CASE("slow all the way: a body that trickles, one byte a piece, and one that stops") {
  const TestServer server({.request = milliseconds(300)});
  const RawPeer stops(server.server.port());
  stops.send(post(5).substr(0, post(5).size() - 1));
  CHECK(stops.receive().starts_with("HTTP/1.1 408 "));
  const TestServer patient;
  const RawPeer trickles(patient.server.port());
  for (const char byte : post(3, "Connection: close\r\n")) trickles.send(std::string(1, byte));
  CHECK(trickles.receive().ends_with("bbb"));
  const RawPeer last_chunk(patient.server.port());  // a byte a piece behind an empty last chunk
  for (const char* piece : {"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
                            "0\r\n", "\r", "\n"}) {
    last_chunk.send(piece);
    std::this_thread::sleep_for(milliseconds(5));
  }
  CHECK(last_chunk.receive().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("pipelined requests are answered in their order, until one says that it is the last") {
  const TestServer server;
  const RawPeer peer(server.server.port());
  const std::string chunked =
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n";
  peer.send("\r\n" + post(2) + chunked + post(1, "Connection: close\r\n") + post(3));
  const std::string answers = peer.receive();
  const std::size_t first = answers.find("POST /x  bb"), second = answers.find("POST /2  c"),
                    third = answers.find("POST /x  b", second);
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third != std::string::npos);
  CHECK(answers.find("bbb") == std::string::npos);
}

TEST_CASE("fields behind a body are no fields of the request") {
  const TestServer server({}, [](const HttpRequest& request) -> HttpAnswer {
    return {200, "text/plain", request.fields.get("Authorization").value_or("nobody")};
  });
  const RawPeer peer(server.server.port());
  peer.send(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
      "Authorization: Bearer x\r\n\r\n");
  CHECK(peer.receive().ends_with("nobody"));
}

TEST_CASE("a peer that asks first is told to go on, or that its body is too long") {
  const TestServer server({.body_bytes = 10});
  const std::string expecting = "Expect: 100-continue\r\nConnection: close\r\n";
  const std::string all = post(10, expecting), header = all.substr(0, all.size() - 10);
  const RawPeer asks(server.server.port()), asks_for_more(server.server.port());
  asks.send(header);
  CHECK(asks.receive(1) == "HTTP/1.1 100 Continue\r\n\r\n");
  asks.send("0123456789");
  CHECK(asks.receive().ends_with("0123456789"));
  const std::string more = post(11, expecting);
  asks_for_more.send(more.substr(0, more.size() - 11));
  CHECK(asks_for_more.receive().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("bodies of all requests together: at the limit, and one byte past it") {
  const TestServer server({.bodies_bytes = 1'000});
  const RawPeer holds(server.server.port());
  holds.send(post(600).substr(0, post(600).size() - 1));  // 599 bytes of its body are there
  CHECK(server.ask({"GET", "/", "", ""}).status == 200);  // and were read before this
  CHECK(server.ask({"POST", "/x", "", std::string(401, 'b')}).status == 200);
  const auto busy = server.ask({"POST", "/x", "", std::string(402, 'b')});
  CHECK(busy.status == 503);
  holds.send("b");
  CHECK(holds.receive(1).starts_with("HTTP/1.1 200 "));
  CHECK(server.ask({"POST", "/x", "", std::string(1'000, 'b')}).status == 200);
}

TEST_CASE("a connection's time: then the answer at hand is the last, and a stream ends whole") {
  const TestServer server({.connection = milliseconds(200)}, [](const HttpRequest& request) -> HttpAnswer {
    if (request.target == "/x") std::this_thread::sleep_for(milliseconds(300));
    HttpAnswer answer{200, "text/plain", "first"};
    if (request.target == "/stream") answer.stream = [] { return std::optional<std::string>(""); };
    return answer;
  });
  const RawPeer late(server.server.port()), idle(server.server.port());
  late.send(post(1));
  CHECK(late.receive().find("Connection: close\r\n") != std::string::npos);
  CHECK(idle.receive().empty());
  const RawPeer streams(server.server.port());
  streams.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(streams.receive().ends_with("5\r\nfirst\r\n0\r\n\r\n"));
}

TEST_CASE("a handler that throws answers 500 without detail") {
  const TestServer server({}, [](const HttpRequest&) -> HttpAnswer { throw std::runtime_error("secret detail"); });
  const auto answer = server.ask({"GET", "/", "", ""});
  CHECK(answer.status == 500);
  CHECK(answer.body.find("secret") == std::string::npos);
}

TEST_CASE("the end: what is being answered is answered, the rest is closed, nothing new comes in") {
  std::atomic<bool> is_in = false, may_go = false;
  TestServer server({}, [&](const HttpRequest&) -> HttpAnswer {
    is_in = true;
    while (!may_go) std::this_thread::sleep_for(milliseconds(1));
    return {200, "text/plain", "finished"};
  });
  const RawPeer idle(server.server.port()), busy(server.server.port());
  busy.send(post(1));
  while (!is_in) std::this_thread::sleep_for(milliseconds(1));
  const auto port = server.url().port;
  server.server.stop();
  CHECK(idle.receive().empty());
  may_go = true;
  CHECK(busy.receive().ends_with("finished"));
  server.stop();
  const auto late = ask_http({"127.0.0.1", port, ""}, {"GET", "/", "", ""}, {.time = milliseconds(500)});
  CHECK_FALSE(late);
}

TEST_CASE("the client: a deadline for all of it, a limit for the answer, words for each failure") {
  std::atomic<bool> may_go = false;
  TestServer server({}, [&](const HttpRequest& request) -> HttpAnswer {
    while (request.target == "/p/slow" && !may_go) std::this_thread::sleep_for(milliseconds(1));
    return {200, "text/plain", std::string(1'000, 'a')};
  });
  const auto slow = ask_http(server.url("/p"), {"GET", "/slow", "", ""}, {.time = milliseconds(200)});
  REQUIRE_FALSE(slow);
  CHECK(slow.error().words.find("no answer within 200 ms") != std::string::npos);
  may_go = true;
  CHECK(ask_http(server.url(), {"GET", "/", "", ""}, {.answer_bytes = 1'000}));
  CHECK_FALSE(ask_http(server.url(), {"GET", "/", "", ""}, {.answer_bytes = 999}));
  const auto port = server.url().port;
  server.stop();
  const auto dead = ask_http({"127.0.0.1", port, ""}, {"GET", "/", "", ""}, {});
  REQUIRE_FALSE(dead);
  CHECK(dead.error().words.find("127.0.0.1 port " + port) == 0);
}

TEST_CASE("the client: header fields there and back; whether anything was sent") {
  TestServer server({}, [](const HttpRequest& request) {
    HttpAnswer answer{201, "text/plain", request.fields.get("X-Asked").value_or("") + request.content_type};
    answer.fields.add("X-Told", "first");
    answer.fields.add("X-Told", "second");
    return answer;
  });
  HttpRequest request{"POST", "/", "", "a"};
  request.fields.add("X-Asked", "by whom");
  const auto answer = server.ask(request);
  CHECK(answer.status == 201);
  CHECK(answer.body == "by whom");  // and no type that the client made up
  CHECK(answer.fields.get("x-told") == "first, second");
  CHECK(answer.fields.get("Content-Type") == answer.content_type);
  const auto sent = ask_http(server.url(), request, {.answer_bytes = 6});
  REQUIRE_FALSE(sent);
  CHECK(sent.error().was_sent);
  const auto port = server.url().port;
  server.stop();
  const auto not_sent = ask_http({"127.0.0.1", port, ""}, request, {});
  REQUIRE_FALSE(not_sent);
  CHECK_FALSE(not_sent.error().was_sent);
}
