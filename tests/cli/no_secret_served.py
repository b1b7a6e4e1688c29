"""R-LED-6, over HTTP: what is sent to `daicho serve` and what it hands out is in no file, log or metric, and not in its
memory once it was answered: connections that are kept alive, requests that broke off or were refused, batches, tokens.

Memory needs the right to read it, which the program denies to its own user: without it that part is left out, and says
so.

usage: python3 tests/cli/no_secret_served.py <path of daicho>"""
import http.client
import json
import socket
import sys
import time

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

from support import memory  # noqa: E402
from support.exposure import Exposure  # noqa: E402
from support.marks import PERSONAL, SECRET, Marks  # noqa: E402
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

KEY_FILES = ("signing.key", "master.key")
LATER = "2026-03-02T00:00:00Z"


class Tour:
    def __init__(self, served, exposure):
        self.served, self.exposure, self.marks = served, exposure, exposure.marks
        self.report = exposure.report
        self.kept = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)  # all requests, one connection
        self.token = None

    def ask(self, method, path, body=None, key=None, kind="application/json", handed_out=()):
        fields = {"Content-Type": kind} if body is not None else {}
        if key:
            fields["Idempotency-Key"] = key
        if self.token:
            fields["Authorization"] = f"Bearer {self.token}"
        sent = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, dict) else body
        try:
            self.kept.request(method, path, sent, fields)
            answer = self.kept.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):  # idle for ten seconds
            self.kept.close()
            self.kept.request(method, path, sent, fields)
            answer = self.kept.getresponse()
        text = answer.read()
        shown = text
        for member in handed_out:
            shown = shown.replace(json.loads(text)[member].encode(), b"")
        self.exposure.search(f"the answer to {path}", shown, (SECRET, PERSONAL))
        return answer.status, text

    def done(self, path, body, key, status=200, handed_out=()):
        got, text = self.ask("POST", path, body, key, handed_out=handed_out)
        self.report.equal(got, status, f"{path}: {text}")
        return json.loads(text)

    def registration(self):
        secret, personal = self.marks.secret, self.marks.personal
        password = secret("password", "Zq7Served-Aa.15")
        body = {"sign_in_name": personal("sign-in name", "zq7served.owner@outlook.com"), "password": password,
                "password_repeat": password,
                "profile": {"surname": personal("surname", "Zq7Served谷川"), "postal_code": "150-0001",
                            "given_name": personal("given name", "Zq7Given誠"), "birth_date": "1931-07-23"},
                "proofs": [{"kind": "email", "value": personal("first mailbox", "zq7served.first@example.jp")},
                           {"kind": "email", "value": personal("second mailbox", "zq7served.second@example.com")}]}
        self.account = self.done("/v1/accounts", body, "z-1", 201)["account"]
        self.done("/v1/accounts", body, "z-1", 201)
        wrong = secret("refused password", "zqsevenonlylowerserved")
        self.done("/v1/accounts", body | {"password": wrong, "password_repeat": wrong}, "z-2", 422)

    def commands(self):
        path, secret, personal = f"/v1/accounts/{self.account}/commands", self.marks.secret, self.marks.personal
        new = secret("new password", "Zq7SvNever-Aa.16")
        self.done(f"{path}/change-password", {"current_password": secret("wrong current", "Zq7SvWrongly-Aa.1"),
                                              "new_password": new, "new_password_repeat": new}, "z-3", 422)
        self.done(f"{path}/record-sign-in", {
            "result": "failed", "device_id": personal("device", "zq7-served-device"),
            "source": {"ip": personal("address", "203.0.113.177"),
                       "user_agent": personal("agent", "Zq7Agent/5.0 served")},
        }, "z-4")
        self.done(f"{path}/record-evidence", {"items": [
            {"kind": "mail_subjects", "value": personal("subject", "Zq7 served subject 週末")}]}, "z-5")
        self.done("/v1/commands/submit-recovery", {
            "account": "zq7served.owner@outlook.com",
            "contact_address": personal("contact", "zq7served.contact@example.org"),
            "answers": {"surname": personal("answered", "Zq7Answeredserved"), "given_name": "Zq7Given誠",
                        "birth_date": "1931-07-23", "passwords": [secret("guess", "Zq7SvGuessed-Aa.1")]}}, "z-6")

    def queries(self):
        for query in ("account", "proofs", "timeline", "recoveries", "limits"):
            status, text = self.ask("POST", f"/v1/queries/{query}", {"account": "zq7served.owner@outlook.com"})
            self.report.equal(status, 200, f"{query}: {text}")

    def batch(self):
        lines = [{"command": "record-evidence", "account": "zq7served.owner@outlook.com", "idempotency_key": f"zb-{i}",
                  "items": [{"kind": "mail_subjects",
                             "value": self.marks.personal(f"subject of line {i}", f"Zq7 line{i} of a batch 月曜")}]}
                 for i in range(3)]
        lines.append({"command": "block-account", "account": self.account, "reason": "x", "idempotency_key": "zb-9",
                      "bogus": self.marks.secret("unknown field", "Zq7-served-unknown-field")})
        sent = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        status, text = self.ask("POST", "/v1/commands", sent, kind="application/x-ndjson")
        self.report.equal((status, [json.loads(line)["status"] for line in text.splitlines()]),
                          (200, [200, 200, 200, 400]), f"a batch: {text}")

    def wrong_requests(self):
        """What is no request at all may be sensitive, too."""
        mark = self.marks.secret
        path = f"/v1/accounts/{self.account}/commands/change-password"
        for what, sent in (
            ("broken JSON", b'{"current_password":"' + mark("in broken JSON", "Zq7-in-broken-JSON").encode() + b'"'),
            ("a wrong type", json.dumps({"new_password": [mark("in a list", "Zq7-within-a-list")]}).encode()),
        ):
            status, text = self.ask("POST", path, sent, "z-w")
            self.report.equal(status, 400, f"{what}: {text}")
        self.token = mark("a token that is nobody's", "Zq7NobodysTokenABCDEFGHIJKLMN")
        self.report.equal(self.ask("GET", f"/v1/accounts/{self.account}")[0], 401, "a token that is nobody's")
        self.token = None
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n".encode()
        broken = mark("in what broke off", "Zq7-in-a-request-that-broke-off").encode()
        with socket.create_connection(("127.0.0.1", self.served.port), timeout=30) as peer:
            peer.sendall(head + b"Content-Length: 4000\r\n\r\n" + broken * 20)
        long = mark("in a body too long", "Zq7-in-a-body-that-is-too-long").encode()
        self.served.raw(head + b"Content-Length: 99999\r\n\r\n" + long * 100, enough=b"\r\n\r\n")
        field = mark("in a header too long", "Zq7-in-a-header-that-is-too-long").encode()
        self.served.raw(head + b"X: " + field * 400 + b"\r\n\r\n", enough=b"\r\n\r\n")
        pipelined = mark("in a pipelined one", "Zq7-in-a-pipelined-request").encode()
        one = head + b"Content-Length: %d\r\n\r\n" % (len(pipelined) + 2) + b'"' + pipelined + b'"'
        self.served.raw(one + one + head + b"Connection: close\r\nContent-Length: 0\r\n\r\n")

    def tokens(self):
        answer = self.done("/v1/commands/register-service", {"name": "console", "roles": ["admin"]}, "z-t",
                           handed_out=("token",))
        self.token = self.marks.secret("a service's token", answer["token"])
        status, text = self.ask("GET", f"/v1/accounts/{self.account}")
        self.report.equal(status, 200, f"with its token: {text}")

    def chapters(self):
        return self.registration, self.commands, self.queries, self.batch, self.wrong_requests, self.tokens


def look(tour, exposure, place):
    """Idle: all was answered, one connection is kept."""
    pid = tour.served.process.pid
    status = tour.ask("GET", "/healthz")[0]
    exposure.report.equal(status, 200, "the kept connection")
    if memory.can_read(pid):
        time.sleep(0.2)  # connections that were closed at the other end
        exposure.process(place, pid)


def run(program, directory, report):
    exposure = Exposure(Marks(), report)
    ledger = Ledger(program, directory / "ledger")
    served = Served(ledger, "--at", LATER, "--tick", "1")
    tour = Tour(served, exposure)
    if not memory.can_read(served.process.pid):
        print("the program's memory cannot be read by this user: that part is left out", flush=True)
    for chapter in tour.chapters():
        chapter()
        exposure.files("the data directory", ledger.path, KEY_FILES)
        look(tour, exposure, f"memory after {chapter.__name__}")
    exposure.search("the metrics", tour.ask("GET", "/metrics")[1])
    exposure.search("the description", tour.ask("GET", "/openapi.json")[1])
    tour.kept.close()
    report.equal(served.end()[0], 0, "how it ended")
    exposure.search("standard error", served.log.encode())
    exposure.files("the data directory", ledger.path, KEY_FILES)


if __name__ == "__main__":
    main("no_secret_served", run)
