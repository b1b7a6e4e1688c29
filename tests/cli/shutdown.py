"""SIGTERM and SIGINT under load: what was answered is in the log, no answer is cut, idle connections and subscribers
are let go, the lock is free; and what the supervisor is told of it.

usage: python3 tests/cli/shutdown.py <path of daicho>"""
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

THREADS, BATCH_LINES = 4, 1_000
EVIDENCE = [{"kind": "card_last4", "value": "1234"}]


class Supervisor:
    """Who listens at $NOTIFY_SOCKET."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0"))
        self.socket.settimeout(30)
        self.heard = []

    def wait_for(self, word):
        while not any(word in said.split("\n") for said in self.heard):
            self.heard.append(self.socket.recv(4096).decode())

    def rest(self):
        self.socket.setblocking(False)
        try:
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return self.heard


class Caller(threading.Thread):
    """Sends commands over one connection until it ends, and keeps what came back."""

    def __init__(self, served, account, number):
        super().__init__()
        self.served, self.account, self.number = served, account, number
        self.answers, self.cut = [], []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=60)
        for number in range(1_000_000):
            try:
                connection.request("POST", f"/v1/accounts/{self.account}/commands/record-evidence",
                                   json.dumps({"items": EVIDENCE}),
                                   {"Content-Type": "application/json", "Idempotency-Key": f"{self.number}-{number}"})
                answer = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected, http.client.BadStatusLine):
                return  # not a byte of an answer
            try:
                self.answers.append((answer.status, json.loads(answer.read())))
            except (http.client.IncompleteRead, ValueError, ConnectionError) as error:
                self.cut.append(repr(error))
                return
            if answer.headers["Connection"] == "close":
                return


def send_batch(served, account):
    """1,000 commands, on their way; the socket that the answer comes from."""
    line = json.dumps({"command": "record-evidence", "account": account, "items": EVIDENCE})
    lines = "".join(f'{line[:-1]}, "idempotency_key": "batch-{number}"}}\n' for number in range(BATCH_LINES))
    peer = socket.create_connection(("127.0.0.1", served.port), timeout=60)
    peer.sendall(f"POST /v1/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
                 f"Content-Length: {len(lines)}\r\n\r\n{lines}".encode())
    return peer


def read_all(peer):
    got = b""
    while part := peer.recv(65536):
        got += part
    peer.close()
    return got


def open_idle(served):
    """A connection that has had an answer and asks nothing more."""
    peer = socket.create_connection(("127.0.0.1", served.port), timeout=60)
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    got = b""
    while b'"ok"' not in got:
        got += peer.recv(65536)
    return peer


def open_stream(served):
    peer = socket.create_connection(("127.0.0.1", served.port), timeout=60)
    peer.sendall(b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
    peer.recv(65536)
    return peer


def insist(process, how):
    """The signal, again and again until the process has ended."""
    while process.poll() is None:
        process.send_signal(how)
        time.sleep(0.01)


def under_load(ledger, account, how, supervisor, report):
    name = signal.Signals(how).name
    before = len(ledger.events())
    served = Served(ledger, "--tick", "1", env=supervisor)
    callers = [Caller(served, account, f"{name}-{number}") for number in range(THREADS)]
    for caller in callers:
        caller.start()
    idle, stream, batch = open_idle(served), open_stream(served), send_batch(served, account)
    while int(served.ask("GET", "/v1/log/checkpoint").body.split(b"\n")[1]) < before + 50:
        pass
    insistent = threading.Thread(target=insist, args=(served.process, how))
    insistent.start()
    ended = read_all(stream)
    report.equal(read_all(idle), b"", f"{name}: an idle connection is closed")
    report.check(ended.endswith(b"\r\n0\r\n\r\n"), f"{name}: a subscriber is told that it is over: {ended[-80:]!r}")
    header, _, body = read_all(batch).partition(b"\r\n\r\n")
    answers = [json.loads(line) for line in body.splitlines()]
    report.equal((header.split(b"\r\n")[0], len(answers)), (b"HTTP/1.1 200 OK", BATCH_LINES),
                 f"{name}: the batch, whole")
    for caller in callers:
        caller.join()
        report.equal(caller.cut, [], f"{name}: no answer is cut")
    insistent.join()
    code, errors = served.process.wait(), served.process.stderr.read().decode()
    report.equal(code, 0, f"{name}: {errors}")
    report.check(" info: stopped " in errors and " error: " not in errors, f"{name}: {errors}")
    log = {event["seq"]: event for event in ledger.query("events", "--limit", "10000", "--account", account)["events"]}
    told = [body for caller in callers for status, body in caller.answers if status == 200]
    told += [answer for answer in answers if answer["status"] == 200]
    report.check(len(told) >= 50, f"{name}: {len(told)} were answered")
    seqs = [event["seq"] for body in told for event in body["events"]]
    report.check(set(seqs) <= log.keys(), f"{name}: answered and not in the log: {set(seqs) - log.keys()}")
    report.equal(len(seqs), len(set(seqs)), f"{name}: each once")
    report.equal(ledger.run("tick").code, 0, f"{name}: the lock is free")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    path, abstract = str(directory / "notify"), f"@daicho-test-{os.getpid()}"
    first, second = Supervisor(path), Supervisor(abstract)
    under_load(ledger, account, signal.SIGTERM,
               {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, report)
    told = first.rest()
    report.check(told[0].startswith("READY=1\nSTATUS=listening on http://127.0.0.1:"), f"first it is ready: {told}")
    report.equal([said.split("\n")[0] for said in told], ["READY=1", "STOPPING=1"], "another process's watchdog")
    served = Served(ledger, env={"NOTIFY_SOCKET": abstract, "WATCHDOG_USEC": "20000"})
    second.wait_for("WATCHDOG=1")
    report.equal(served.end()[0], 0, "with a watchdog")
    told = [said.split("\n")[0] for said in second.rest()]
    report.equal((told[0], told[-1], set(told)), ("READY=1", "STOPPING=1", {"READY=1", "WATCHDOG=1", "STOPPING=1"}),
                 "at an abstract address")
    under_load(ledger, account, signal.SIGINT, {"NOTIFY_SOCKET": "/nonexistent"}, report)
    report.equal(ledger.run("audit", "verify").code, 0, "what they leave is intact")


if __name__ == "__main__":
    main("shutdown", run)
