"""Peers that do what no client does: the service refuses them, answers good requests beside and after them, and stays
within its memory.

usage: python3 tests/cli/hostile_http.py <path of daicho>"""
import json
import re
import resource
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
from support.certificates import SERVER, Authority  # noqa: E402
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

WAIT_SECONDS = 60
CONNECTIONS_MAX = 1_024
BODIES_MIB = 128  # what the bodies of all requests may take together
SLACK_MIB = 128

HOST = b"Host: x\r\n"
LINE = b"GET /healthz HTTP/1.1\r\n" + HOST
POST = b"POST /v1/commands/x HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"

# What is sent, and the status that must come. Each is answered once, and the connection ends: what stands behind it is
# no request.
REFUSED = [
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400),
    ("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", LINE + b"Host: y\r\n\r\n", 400),
    ("length and chunks", POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunks and length", CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    ("a length twice", POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("a list of lengths", POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    ("a negative length", POST + b"Content-Length: -1\r\n\r\n", 400),
    ("a length with a sign", POST + b"Content-Length: +3\r\n\r\nabc", 400),
    ("a length beyond 64 bits", POST + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
    ("a length of 2^64-1", POST + b"Content-Length: 18446744073709551615\r\n\r\n", 413),
    ("a body that is too long", POST + b"Content-Length: 65537\r\n\r\n", 413),
    ("a batch that is too long", b"POST /v1/commands HTTP/1.1\r\n" + HOST + b"Content-Length: 4194305\r\n\r\n", 413),
    ("another coding", POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    ("another coding and a length", POST + b"Transfer-Encoding: x\r\nContent-Length: 0\r\n\r\n", 400),
    ("a coding behind chunked", POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501),
    ("two codings", POST + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("an almost chunked", POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("chunks in HTTP/1.0", b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a bare line feed", b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
    ("a bare line feed in a field", LINE + b"X: a\nContent-Length: 3\r\n\r\nabc", 400),
    ("a bare carriage return", LINE + b"X: a\rb: c\r\n\r\n", 400),
    ("a folded field", LINE + b"X: a\r\n b\r\n\r\n", 400),
    ("a folded length", POST + b"Content-Length:\r\n 3\r\n\r\nabc", 400),
    ("a space before the colon", POST + b"Content-Length : 3\r\n\r\nabc", 400),
    ("a space before the first field", b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    ("no colon", LINE + b"X\r\n\r\n", 400),
    ("a NUL in a value", LINE + b"X: a\0b\r\n\r\n", 400),
    ("a NUL in a name", LINE + b"X\0: a\r\n\r\n", 400),
    ("a NUL in the target", b"GET /heal\0thz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a byte beyond ASCII in the target", b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a fragment", b"GET /healthz#x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("another authority", b"GET http://y/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("another scheme", b"GET ftp://x/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("CONNECT", b"CONNECT x:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("an unknown expectation", POST + b"Expect: x\r\nContent-Length: 3\r\n\r\nabc", 417),
    ("a header of 8,193 bytes", LINE + b"X: " + b"a" * (8_193 - len(LINE) - 7) + b"\r\n\r\n", 431),
    ("a header without an end", LINE + b"X: y\r\n" * 2_000, 431),
    ("a target without an end", b"GET /" + b"a" * 9_000, 431),
    ("a chunk in hex with 0x", CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    ("a negative chunk", CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n", 400),
    ("a chunk's size and a space", CHUNKED + b"\r\n3 \r\nabc\r\n0\r\n\r\n", 400),
    ("a chunk's size in another line", CHUNKED + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400),
    ("a chunk's size and a line feed", CHUNKED + b"\r\n3\nabc\r\n0\r\n\r\n", 400),
    ("a line feed in an extension", CHUNKED + b"\r\n3;a\nb\r\nabc\r\n0\r\n\r\n", 400),
    ("an extension without an end", CHUNKED + b"\r\n3;" + b"a" * 300, 400),
    ("a chunk that is longer", CHUNKED + b"\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
    ("a chunk beyond the limit", CHUNKED + b"\r\n10001\r\n", 413),
    ("a chunk beyond 64 bits", CHUNKED + b"\r\n10000000000000001\r\na\r\n0\r\n\r\n", 413),
    ("trailers without an end", CHUNKED + b"\r\n0\r\n" + b"X: y\r\n" * 2_000, 431),
]

# Good requests in an odd shape: answered with 200, and the connection goes on.
TAKEN = [
    ("an empty line before it", b"\r\n" + LINE + b"\r\n"),
    ("the absolute form", b"GET http://x/healthz HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("a header of 8,192 bytes", LINE + b"X: " + b"a" * (8_192 - len(LINE) - 7) + b"\r\n\r\n"),
    ("a body where none is wanted", LINE + b"Content-Length: 3\r\n\r\nabc"),
    ("an empty body in chunks", LINE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunks with extensions", LINE + b"Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n000\r\nX: y\r\n\r\n"),
]


def status_of(got):
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", got)
    return int(found[1]) if found else None


def problem_in(got):
    """The problem details of an answer that the listener itself gave; None when it is something else."""
    head, _, body = got.partition(b"\r\n\r\n")
    named = re.search(rb"\r\nX-Request-Id: [0-9a-f]{32}\r\n", head + b"\r\n")
    if not named or b"\r\nContent-Type: application/problem+json\r\n" not in head:
        return None
    problem = json.loads(body)
    return problem if {"type", "title", "code", "detail"} <= problem.keys() else None


class Attacked:
    def __init__(self, served, report):
        self.served, self.report = served, report
        self.good("before everything")
        self.base = self.resident("VmRSS")

    def resident(self, which):
        status = Path(f"/proc/{self.served.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) >> 10

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.served.port), timeout=WAIT_SECONDS)

    def good(self, what):
        self.report.equal(self.served.ask("GET", "/healthz").status, 200, f"a good request {what}")

    def good_after(self, what):
        self.good(f"after {what}")
        used = self.resident("VmRSS")
        self.report.check(used < self.base + BODIES_MIB + SLACK_MIB, f"after {what}: {used} MiB, {self.base} before")


def until_end(peer):
    """Everything that comes; a reset ends it, too."""
    got = b""
    try:
        while part := peer.recv(65_536):
            got += part
    except (ConnectionError, ssl.SSLError):
        pass
    return got


def shapes(attacked, report):
    for what, sent, status in REFUSED:
        got = attacked.served.raw(sent + SMUGGLED)
        report.equal((status_of(got), len(re.findall(rb"HTTP/1\.1 \d{3} ", got))), (status, 1), what)
        problem = problem_in(got)
        report.equal(problem and problem["status"], status, f"{what}, in problem details: {got}")
        attacked.good_after(what)
    for what, sent in TAKEN:
        got = attacked.served.raw(sent + LINE + b"Connection: close\r\n\r\n")
        report.equal(got.count(b"HTTP/1.1 200 "), 2, f"{what}, and the request behind it: {got[:100]}")


def truncated(attacked, report):
    """A good request that ends too early, at each of its bytes: nothing is done and nothing is said."""
    whole = CHUNKED + b"Expect: x\r\n\r\n"
    for end in range(1, len(whole) - 1, 7):
        with attacked.connect() as peer:
            peer.sendall(whole[:end])
            peer.shutdown(socket.SHUT_WR)
            report.equal(until_end(peer), b"", f"a request that ends behind {end} bytes")
    for body in (b"", b"3", b"3\r\n", b"3\r\nab", b"3\r\nabc\r\n", b"3\r\nabc\r\n0\r\n", b"0\r\n\r"):
        with attacked.connect() as peer:
            peer.sendall(CHUNKED + b"\r\n" + body)
            peer.shutdown(socket.SHUT_WR)
            report.equal(until_end(peer), b"", f"chunks that end behind {body}")
    attacked.good_after("truncated requests")


def last_chunk(attacked, report):
    """The end of an empty body in chunks, byte by byte."""
    with attacked.connect() as peer:
        header = LINE + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        for part in (header, b"0", b"\r", b"\n", b"\r", b"\n"):
            peer.sendall(part)
            time.sleep(0.01)
        report.equal(status_of(until_end(peer)), 200, "a last chunk byte by byte")


def contents(attacked, report):
    """Bodies and fields whose content is hostile."""
    deep = 30_000
    for what, body in (
        ("deep arrays", b'{"name":' + b"[" * deep + b"]" * deep + b"}"),
        ("deep objects", b'{"a":' * (deep // 5) + b"1" + b"}" * (deep // 5)),
        ("arrays without an end", b"[" * 60_000),
        ("invalid UTF-8", b'{"name":"\xff\xfe","roles":[]}'),
        ("an overlong form", b'{"name":"\xc0\xaf","roles":[]}'),
        ("half a surrogate", b'{"name":"\\ud800","roles":[]}'),
        ("a NUL", b'{"name":"a\\u0000b","roles":["admin"]}'),
        ("a huge number", b'{"name":1e99999,"roles":[]}'),
        ("many digits", b'{"name":' + b"9" * 60_000 + b"}"),
        ("a member twice", b'{"name":"a","name":"b","roles":["admin"]}'),
        ("nothing", b""),
    ):
        reply = attacked.served.ask("POST", "/v1/commands/register-service", body, Idempotency_Key=what,
                                    Content_Type="application/json")
        report.equal((reply.status, reply.fields["Content-Type"]), (400, "application/problem+json"), what)
        attacked.good_after(what)
    for what, field in (("a key in no UTF-8", b"Idempotency-Key: \xff"),
                        ("a token in no UTF-8", b"Authorization: Bearer \xff"),
                        ("many languages", b"Accept-Language: " + b"ja," * 2_000),
                        ("many versions", b"If-Match: " + b'"1",' * 1_500)):
        body = json.dumps({"name": "x", "roles": []}).encode()
        framing = b"\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        got = attacked.served.raw(b"POST /v1/commands/register-service HTTP/1.1\r\n" + HOST + field + framing + body)
        report.check(400 <= (status_of(got) or 0) < 500, f"{what}: {got[:200]}")
        attacked.good_after(what)
    many = attacked.served.raw(b"GET /v1/queries/policy?" + b"&".join(b"a=" for _ in range(2_000)) + b" HTTP/1.1\r\n" +
                               HOST + b"Connection: close\r\n\r\n")
    report.equal(status_of(many), 400, "many parameters")


def slow(attacked, report):
    """Many at once that stand still in the middle, and some that trickle: good requests are answered beside them, and
    each of them is told."""
    places = [LINE, LINE + b"X: y", POST + b"Content-Length: 100\r\n\r\nabc", CHUNKED + b"\r\n",
              CHUNKED + b"\r\n3\r\na"]
    peers = [attacked.connect() for _ in range(200)]
    for number, peer in enumerate(peers):
        peer.sendall(places[number % len(places)])
    silent = [attacked.connect() for _ in range(50)]
    is_over = threading.Event()

    def trickle():
        while not is_over.wait(0.2):
            for peer in peers[::2]:
                try:
                    peer.sendall(b"a")
                except OSError:
                    return

    trickling = threading.Thread(target=trickle)
    trickling.start()
    for _ in range(20):
        attacked.good("beside slow ones")
    answers = [until_end(peer) for peer in peers]
    is_over.set()
    trickling.join()
    # What has trickled makes a chunk's size or a body wrong here and there: told so, too.
    report.equal({status_of(got) for got in answers[1::2]}, {408}, "those that stand still are told")
    report.check({status_of(got) for got in answers[::2]} <= {408, 400}, "those that trickle are told")
    report.equal({until_end(peer) for peer in silent}, {b""}, "those that say nothing are told nothing")
    for peer in peers + silent:
        peer.close()
    attacked.good_after("slow senders")


def heavy(attacked, report):
    """Batches at once that are more than all bodies may take together."""
    part = b"x" * (4 << 20)
    peers = [attacked.connect() for _ in range((BODIES_MIB + SLACK_MIB) // 4 + 16)]
    for peer in peers:
        try:
            peer.sendall(b"POST /v1/commands HTTP/1.1\r\n" + HOST + b"Content-Length: 4194304\r\n\r\n" + part[:-1])
        except ConnectionError:
            pass  # refused before it was through
    attacked.good("beside heavy bodies")
    statuses = {status_of(until_end(peer)) for peer in peers}
    report.check(statuses <= {503, 408, None}, f"heavy bodies are refused, or told at their end: {statuses}")
    peak = attacked.resident("VmHWM")
    report.check(peak < attacked.base + BODIES_MIB + SLACK_MIB, f"heavy bodies: {peak} MiB, {attacked.base} before")
    for peer in peers:
        peer.close()
    attacked.good_after("heavy bodies")


def flood(attacked, report):
    """More connections than the service holds: those beyond are refused, and when they go it answers again."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = min(hard, 4_096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
    held_max = min(CONNECTIONS_MAX, hard // 2)  # the service leaves half of its open files to the store
    peers = [attacked.connect() for _ in range(held_max)]
    beyond = [attacked.served.raw(LINE + b"Connection: close\r\n\r\n") for _ in range(20)]
    is_told = any(status_of(got) == 503 and b"Retry-After: 1\r\n" in got and problem_in(got) for got in beyond)
    report.check(is_told, f"one too many: {beyond[-1]}")
    for peer in peers:
        peer.close()
    until = time.monotonic() + WAIT_SECONDS
    while status_of(attacked.served.raw(LINE + b"Connection: close\r\n\r\n")) != 200 and time.monotonic() < until:
        time.sleep(0.05)
    attacked.good_after("a flood")


def over_tls(ledger, directory, report):
    """Garbage, handshakes that stand still, and requests that stand still, over TLS."""
    authority = Authority(directory, "authority")
    server = authority.issue("server", SERVER)
    served = Served(ledger, "--tls-certificate", str(server.certificate), "--tls-key", str(server.key))
    context = ssl.create_default_context(cafile=str(authority.root))

    def connect():
        plain = socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_SECONDS)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def good(what):
        with connect() as peer:
            peer.sendall(LINE + b"Connection: close\r\n\r\n")
            report.equal(status_of(until_end(peer)), 200, f"over TLS {what}")

    good("at first")
    for sent in (b"\0" * 1_000, b"\x16\x03\x01\xff\xff" + b"\x01" * 2_000, b"\x80\x2e\x01\x00\x02",
                 b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x40\x00" + b"x" * 16_384, b"SSH-2.0-x\r\n"):
        with socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_SECONDS) as peer:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            got = until_end(peer)
            report.check(got == b"" or got[0] == 0x15, f"garbage is answered by an alert at most: {got[:20]}")
        good(f"after garbage {sent[:8]}")
    halves = [socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_SECONDS) for _ in range(100)]
    for peer in halves[:50]:
        peer.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    slow_one = connect()
    slow_one.sendall(LINE)
    good("beside handshakes that stand still")
    report.equal(status_of(until_end(slow_one)), 408, "a slow request over TLS is told")
    report.check(all(len(until_end(peer)) < 100 for peer in halves), "handshakes that stand still are ended")
    for peer in (*halves, slow_one):
        peer.close()
    good("after all of it")
    code, errors = served.end()
    report.equal((code, errors), (0, ""), "it ends as if nothing had been")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    attacked = Attacked(Served(ledger), report)
    shapes(attacked, report)
    truncated(attacked, report)
    last_chunk(attacked, report)
    contents(attacked, report)
    slow(attacked, report)
    heavy(attacked, report)
    flood(attacked, report)
    report.equal(len(ledger.events()), 2, "nothing was appended")
    code, errors = attacked.served.end()
    report.equal((code, errors), (0, ""), "it ends as if nothing had been")
    over_tls(ledger, directory, report)


if __name__ == "__main__":
    main("hostile_http", run)
