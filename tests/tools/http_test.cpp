// tests/tools/http_test.cpp — URLs, the listener's limits and its end, and the client's deadline.
#include "tools/http.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tools/http_client.hpp"
#include "tools/http_server.hpp"

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
  CHECK(slow.receive().empty());
  CHECK(server.ask({"GET", "/", "", ""}).status == 200);
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
