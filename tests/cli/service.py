"""The service's contract, each answer held to /openapi.json: commands once and only once, refusals as problem details,
queries, events, the log, tokens.

usage: python3 tests/cli/service.py <path of daicho>"""
import hashlib
import json
import re
import signal
import socket
import sys
import threading

sys.dont_write_bytecode = True
from support.described import HeldServed  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402

LATER = "2026-03-02T00:00:00Z"
BLOCK = {"reason": "suspected_intrusion"}
NOBODY = "018bcfe5-0000-7000-8000-000000000000"
EVIDENCE = [{"kind": "card_last4", "value": "1234"}]


def refused(report, reply, status, code, what):
    report.equal((reply.status, reply.fields["Content-Type"], reply.code),
                 (status, "application/problem+json", code), what)
    members = {"type", "title", "status", "code", "detail"}
    report.check(members <= reply.json.keys() and reply.json["status"] == status, f"{what}: its members {reply.body}")


def register(served, report):
    reply = served.ask("POST", "/v1/accounts", REGISTRATION, Idempotency_Key='"register-1"')
    report.equal(reply.status, 201, "register-account")
    account = reply.json["account"]
    report.equal(reply.fields["Location"], f"/v1/accounts/{account}", "where it is")
    again = served.ask("POST", "/v1/accounts", REGISTRATION, Idempotency_Key="register-1")
    report.equal((again.status, again.json), (201, reply.json | {"replayed": True}), "the first answer, key unquoted")
    return account


def commands(served, account, report):
    proved = served.ask("POST", f"/v1/accounts/{account}/commands/record-evidence?proof", {"items": EVIDENCE},
                        Idempotency_Key="s-0")
    proof = proved.json["events"][0]["proof"]
    file = served.ledger.path.parent / "event.tlog-proof"
    file.write_text(proof)
    checked = served.ledger.program("audit", "check", str(file), "--vkey", served.told["vkey"])
    report.equal((checked.code, checked.json.get("position")), (0, proved.json["events"][0]["seq"]), "its proof")
    version = served.ask("GET", f"/v1/accounts/{account}").fields["ETag"]
    done = served.command(account, "block-account", BLOCK, "b-1", If_Match=version)
    report.equal(done.status, 200, "block-account at the version that was read")
    report.equal([event["type"] for event in done.json["events"]], ["AccountBlocked"], "what it appended")
    report.check(done.fields["ETag"] == f'"{int(version.strip(chr(34))) + 1}"', "the version after it")
    again = served.command(account, "block-account", BLOCK, "b-1", If_Match=version)
    report.equal((again.status, again.json), (200, done.json | {"replayed": True}), "the same key and body")
    refused(report, served.command(account, "block-account", {"reason": "other"}, "b-1"), 422,
            "idempotency_key_reused", "the same key, another body")
    for member, value in (("idempotency_key", "b-1"), ("expected_version", 1)):
        both = served.command(account, "block-account", BLOCK | {member: value}, "b-2", If_Match=version)
        refused(report, both, 400, "invalid_request", f"another {member} in the body")
    stale = served.command(account, "block-account", BLOCK | {"idempotency_key": "b-2"}, "b-2", If_Match=version)
    refused(report, stale, 412, "version_conflict", "another version")
    report.equal(stale.fields["ETag"], done.fields["ETag"], "which it is now")
    no_sign_in = served.command(account, "record-sign-in", {"result": "succeeded"}, "s-1", Accept_Language="ja")
    refused(report, no_sign_in, 422, "blocked", "R-BLK-1: sign-in on a blocked account")
    report.equal((no_sign_in.json["rule"], no_sign_in.json["type"]), ("R-BLK-1", "/v1/rules/R-BLK-1"), "its rule")
    report.check(any(ord(c) > 0x3000 for c in no_sign_in.json["title"]), "the title in Japanese")
    report.equal(served.ask("GET", no_sign_in.json["type"]).json["rule"], "R-BLK-1", "what `type` leads to")


def wrong_requests(served, account, report):
    path = f"/v1/accounts/{account}/commands/block-account"
    before = len(served.ask("GET", "/v1/events?limit=10000").json["events"])
    for what, reply, status, code in (
        ("no key", served.ask("POST", path, BLOCK), 400, "idempotency_key_missing"),
        ("an empty key", served.ask("POST", path, BLOCK, Idempotency_Key='""'), 400, "invalid_request"),
        ("a key of 256 bytes", served.ask("POST", path, BLOCK, Idempotency_Key="k" * 256), 400, "invalid_request"),
        ("no JSON", served.ask("POST", path, "{", Idempotency_Key="k", Content_Type="application/json"), 400,
         "invalid_request"),
        ("another type", served.ask("POST", path, "a=b", Idempotency_Key="k",
                                    Content_Type="application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
        ("no type", served.ask("POST", path, b"{}", Idempotency_Key="k"), 415, "unsupported_media_type"),
        ("an unknown field", served.ask("POST", path, BLOCK | {"bogus": 1}, Idempotency_Key="k"), 400,
         "invalid_request"),
        ("an account in path and body", served.ask("POST", path, BLOCK | {"account": account}, Idempotency_Key="k"),
         400, "invalid_request"),
        ("a weak version", served.ask("POST", path, BLOCK, Idempotency_Key="k", If_Match='W/"1"'), 400,
         "invalid_request"),
        ("two versions", served.ask("POST", path, BLOCK, Idempotency_Key="k", If_Match='"1", "2"'), 400,
         "invalid_request"),
        ("two keys", served.ask("POST", path, BLOCK, Idempotency_Key='"a", "b"'), 400, "invalid_request"),
        ("half a key", served.ask("POST", path, BLOCK, Idempotency_Key='"a'), 400, "invalid_request"),
        ("a key with parameters", served.ask("POST", path, BLOCK, Idempotency_Key='"a";b=1'), 400, "invalid_request"),
        ("a coded body", served.ask("POST", path, BLOCK, Idempotency_Key="k", Content_Encoding="gzip"), 415,
         "unsupported_media_type"),
        ("an unknown parameter", served.ask("POST", path + "?bogus", BLOCK, Idempotency_Key="k"), 400,
         "invalid_request"),
        ("a query's parameter beside its body", served.ask("POST", "/v1/queries/account?as_of=3",
                                                           {"account": account}), 400, "invalid_request"),
        ("a query of another type", served.ask("POST", "/v1/queries/account", b"{}", Content_Type="text/plain"), 415,
         "unsupported_media_type"),
        ("a lease of another type", served.ask("POST", "/v1/outbox/lease", b"{}", Content_Type="text/plain"), 415,
         "unsupported_media_type"),
        ("a batch's key", served.ask("POST", "/v1/commands", b"", Idempotency_Key="k",
                                     Content_Type="application/x-ndjson"), 400, "invalid_request"),
        ("a stream with an end", served.ask("GET", "/v1/events?until=2030-01-01T00:00:00Z",
                                            Accept="text/event-stream"), 400, "invalid_request"),
        ("a proof of what anybody causes", served.ask("POST", f"/v1/accounts/{account}/commands/record-sign-in?proof",
                                                      {"result": "failed"}, Idempotency_Key="k"), 400,
         "invalid_request"),
        ("likewise of nobody", served.ask("POST", "/v1/commands/record-sign-in?proof",
                                          {"result": "failed", "account": "nobody@outlook.com"}, Idempotency_Key="k"),
         400, "invalid_request"),
        ("a name nobody has", served.ask("POST", "/v1/commands/block-account",
                                         BLOCK | {"account": "nobody@outlook.com"}, Idempotency_Key="k"), 404,
         "no_such_account"),
        ("a query of nobody", served.ask("POST", "/v1/queries/account", {"account": "nobody@outlook.com"}), 404,
         "no_such_account"),
        ("events of nobody", served.ask("GET", f"/v1/events?account={NOBODY}"), 404, "no_such_account"),
        ("a page that a name leads to", served.ask("GET", "/v1/events", Host="rebound.example.jp"), 403,
         "service_wanted"),
        ("a page of another origin", served.ask("GET", "/v1/events", Origin="http://127.0.0.1:7391"), 403,
         "service_wanted"),
        ("an unknown command", served.command(account, "bogus", {}, "k"), 404, "no_such_command"),
        ("an unknown account", served.command(NOBODY, "block-account", BLOCK, "k"), 404,
         "no_such_account"),
        ("a name in the path", served.command("taro@outlook.com", "block-account", BLOCK, "k"), 404,
         "no_such_account"),
        ("an unknown path", served.ask("GET", "/v2"), 404, "no_such_endpoint"),
        ("a malformed escape", served.ask("GET", "/v1/rules/%zz"), 400, "invalid_target"),
        ("dots", served.ask("GET", "/v1/log/tile/../checkpoint"), 400, "invalid_target"),
        ("an unknown option", served.ask("GET", f"/v1/accounts/{account}/proofs?bogus=1"), 400, "invalid_request"),
        ("an option twice", served.ask("GET", "/v1/queries/policy?as_of=1&as_of=2"), 400, "invalid_request"),
        ("an unknown query", served.ask("GET", "/v1/queries/bogus"), 404, "no_such_query"),
        ("a body that is too long", served.ask("POST", path, {"reason": "x" * 70_000}, Idempotency_Key="k"), 413,
         None),
    ):
        if code is None:
            report.equal(reply.status, status, what)
        else:
            refused(report, reply, status, code, what)
    not_allowed = served.ask("DELETE", f"/v1/accounts/{account}")
    refused(report, not_allowed, 405, "method_not_allowed", "a method that is not there")
    report.equal(not_allowed.fields["Allow"], "GET, HEAD", "which is")
    tile = served.ask("POST", "/v1/log/tile/entries/000")
    report.equal((tile.status, tile.fields["Allow"]), (405, "GET, HEAD"), "where two patterns match")
    after = len(served.ask("GET", "/v1/events?limit=10000").json["events"])
    report.equal(after, before, "what was wrong appended nothing")


def queries(served, account, report):
    """What the terminal answers, the service answers."""
    for name in ("proofs", "block", "windows", "limits", "recovery-options", "recoveries", "timeline"):
        over_http = served.ask("GET", f"/v1/accounts/{account}/{name}")
        report.equal((over_http.status, over_http.json), (200, served.ledger.query(name, "--account", account)), name)
    for name in ("policy", "services", "windows", "recoveries", "block"):
        report.equal(served.ask("GET", f"/v1/queries/{name}").json, served.ledger.query(name), name)
    blocked = next(event["seq"] for event in served.ledger.events() if event["type"] == "AccountBlocked")
    past = served.ask("GET", f"/v1/accounts/{account}/block?as_of={blocked - 1}")
    report.equal(past.json["blocked"], False, "before it was blocked")
    by_name = served.ask("POST", "/v1/queries/account", {"account": "taro@outlook.com"})
    report.equal(by_name.json, served.ask("GET", f"/v1/accounts/{account}").json, "by sign-in name")
    head = served.ask("HEAD", f"/v1/accounts/{account}")
    report.equal((head.status, head.body), (200, b""), "HEAD")


def batch(served, account, report):
    lines = [{"command": "record-evidence", "account": account, "items": EVIDENCE, "idempotency_key": "n-1"},
             {"command": "bogus", "idempotency_key": "n-2"},
             {"command": "block-account", "account": account, "reason": "x"},
             {"command": "record-evidence", "account": "taro@outlook.com", "items": EVIDENCE,
              "idempotency_key": "n-1"}]
    sent = "\n".join(json.dumps(line) for line in lines) + "\n\r\n \n{\n"
    reply = served.ask("POST", "/v1/commands", sent, Content_Type="application/x-ndjson")
    answers = [json.loads(line) for line in reply.body.splitlines()]
    report.equal([answer["status"] for answer in answers], [200, 404, 400, 200, 400], "a batch, line by line")
    report.equal([answer["line"] for answer in answers], [1, 2, 3, 4, 7], "empty lines are passed over")
    report.equal(answers[3].get("replayed"), True, "its last command was its first")
    full, over = "\n" * 5 + "{}\n" * 1000, "{}\n" * 1001
    report.equal(served.ask("POST", "/v1/commands", full, Content_Type="application/x-ndjson").body.count(b"\n"), 1000,
                 "1,000 lines")
    refused(report, served.ask("POST", "/v1/commands", over, Content_Type="application/x-ndjson"), 413,
            "too_many_lines", "1,001 lines")


def events(served, account, report):
    everything = served.ledger.events()
    report.equal(served.ask("GET", "/v1/events?limit=10000").json["events"], everything, "all events")
    page = served.ask("GET", "/v1/events?from=2&limit=3", Accept="application/x-ndjson")
    report.equal([json.loads(line) for line in page.body.splitlines()], everything[2:5], "a page, a line each")
    report.equal(page.fields["Link"], '</v1/events?from=5&limit=3>; rel="next"', "where the next one is")
    end = served.ask("GET", f"/v1/events?from={len(everything)}&type=CodeSent")
    report.equal((end.json["events"], end.fields["Link"]), ([], None), "behind the last there is no page")
    for accept, kind in (("application/json, text/event-stream;q=0", "application/json"),
                         ("application/json;q=0.5, Application/X-NDJSON", "application/x-ndjson"),
                         ("application/json, application/x-ndjson;q=0.1", "application/json"),
                         ("text/html, */*", "application/json")):
        report.equal(served.ask("GET", "/v1/events?limit=1", Accept=accept).fields["Content-Type"], kind, accept)
    last = everything[-1]["seq"]
    request = (f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
               f"Last-Event-ID: {last - 1}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as peer:
        peer.sendall(request)
        seen = b""
        while f"id: {last}\n".encode() not in seen:
            seen += peer.recv(65536)
        report.check(f"id: {last - 1}\n".encode() not in seen, "a stream goes on behind the last one seen")
        served.command(account, "record-evidence", {"items": EVIDENCE}, "stream-1")
        while f"id: {last + 1}\n".encode() not in seen:
            seen += peer.recv(65536)
        data = re.search(rb"id: %d\nevent: (\w+)\ndata: (.*)\n\n" % (last + 1), seen.replace(b"\r\n", b""))
        report.check(data is not None, f"an event as it is committed: {seen[-300:]}")


def log(served, report):
    note = served.ask("GET", "/v1/log/checkpoint").body.decode()
    size = int(note.split("\n")[1])
    folder = served.ledger.path.parent / "copy"
    paths, level, left = [], 0, size
    while left > 0:
        for index in range((left + 255) // 256):
            width = min(256, left - index * 256)
            suffix = "" if width == 256 else f".p/{width}"
            paths.append(f"tile/{level}/{index:03}{suffix}")
            if level == 0:
                paths.append(f"tile/entries/{index:03}{suffix}")
        level, left = level + 1, left // 256
    for path in paths:
        reply = served.ask("GET", f"/v1/log/{path}")
        report.equal((reply.status, "immutable" in reply.fields["Cache-Control"]), (200, True), path)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(reply.body)
    (folder / "checkpoint").write_text(note)
    audit = served.ledger.program("audit", "verify", "--data", str(folder), "--vkey", served.told["vkey"])
    report.equal((audit.code, audit.json.get("events")), (0, size), f"the copy is audited: {audit.words}")
    for path in (f"tile/0/000.p/{size + 1}", "tile/0/000.p/0", "tile/0/001", "tile/9/000", "tile/0/0",
                 "tile/0/x000/000", "tile/0/000.p/001", "tile/entries/zzz", "tile/0"):
        report.equal(served.ask("GET", f"/v1/log/{path}").status, 404, path)
    part = served.ask("GET", "/v1/log/tile/0/000.p/2").body
    report.equal((len(part), hashlib.sha256(part).digest()),
                 (64, hashlib.sha256((folder / paths[0]).read_bytes()[:64]).digest()), "an earlier, partial tile")
    report.equal(served.ask("GET", f"/v1/log/proofs/{size}").status, 404, "a proof of what is not there")


def twice_at_once(served, account, report):
    """One key from many callers at once: one effect, and nobody is told anything but that, or to ask again."""
    replies = []

    def call():
        replies.append(served.command(account, "record-evidence", {"items": EVIDENCE}, "race-1"))

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.check({reply.status for reply in replies} <= {200, 409}, f"statuses {[r.status for r in replies]}")
    done = [reply.json for reply in replies if reply.status == 200]
    report.equal(sum("replayed" not in answer for answer in done), 1, "one of them did it")
    report.equal(len({answer["events"][0]["seq"] for answer in done}), 1, "and all name the same event")


def hostile(served, report):
    """After each, a good request is answered."""
    line = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
    for what, sent in (
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n"),
        ("both lengths", line[:-2] + b"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two lengths", line + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        ("a negative length", line + b"Content-Length: -1\r\n\r\n"),
        ("a huge length", line + b"Content-Length: 99999999999999999999\r\n\r\n"),
        ("a bare line feed", b"GET /healthz HTTP/1.1\nHost: x\n\n\r\n\r\n"),
        ("a folded field", line + b"X: a\r\n b\r\n\r\n"),
        ("a NUL", line + b"X: a\0b\r\n\r\n"),
        ("a long header", line + b"X: " + b"a" * 9000 + b"\r\n\r\n"),
    ):
        got = served.raw(sent, enough=b"\r\n\r\n")
        status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else None
        report.check(status is None or status >= 400 or what == "a folded field", f"{what}: {got[:200]!r}")
        report.equal(served.ask("GET", "/healthz").status, 200, f"after {what}")
    pipelined = served.raw(line + b"\r\n" + line + b"Connection: close\r\n\r\n")
    report.equal(pipelined.count(b'{"status":"ok"}'), 2, "two requests in one piece")


def stream_of_a_revoked_service(served, token, report):
    """R-LED-5: it reads nothing that comes after."""
    request = (f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: bearer  {token}\r\n"
               "Last-Event-ID: 0\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as peer:
        peer.sendall(request)
        seen = peer.recv(65536)
        report.check(seen.startswith(b"HTTP/1.1 200 "), f"a token whose scheme is in lower case: {seen[:100]}")
        revoked = served.ask("POST", "/v1/commands/revoke-service", {"name": "web"}, token=served.admin,
                             Idempotency_Key="t-6")
        report.equal(revoked.status, 200, "the service is revoked")
        while part := peer.recv(65536):
            seen += part
        report.check(seen.endswith(b"0\r\n\r\n"), f"the stream ends: {seen[-100:]}")


def erased(served, report):
    """An erased account's idempotency keys stay its own, and say no more than that."""
    body = REGISTRATION | {"sign_in_name": "gone@outlook.com",
                           "proofs": [{"kind": "email", "value": f"gone@example.{end}"} for end in ("com", "org")]}
    account = served.ask("POST", "/v1/accounts", body, Idempotency_Key="gone-1").json["account"]
    other = served.ask("POST", "/v1/queries/account", {"account": "taro@outlook.com"}).json["account"]
    closing = {"password": REGISTRATION["password"], "confirm": True}
    closed = served.command(account, "close-account", closing, "gone-2")
    report.equal(closed.status, 200, f"close-account: {closed.body}")
    again = served.command(account, "close-account", closing, "gone-2")
    report.equal((again.status, again.json), (200, closed.json | {"replayed": True}), "the closing's answer, again")
    refused(report, served.command(other, "close-account", closing, "gone-2"), 422, "idempotency_key_reused",
            "the closing's key on another account")
    refused(report, served.command(account, "block-account", BLOCK, "gone-2"), 422, "idempotency_key_reused",
            "the closing's key for another command")
    for where, path in (("again", "/v1/accounts"), ("elsewhere", f"/v1/accounts/{other}/commands/block-account")):
        reply = served.ask("POST", path, body if where == "again" else BLOCK, Idempotency_Key="gone-1")
        refused(report, reply, 410, "answer_erased", f"the registration's key {where}")


def tokens(ledger, served, report):
    """From the first service on, a token says who asks, and its roles what it may (R-LED-5, R-REC-11)."""
    def new(name, *roles):
        reply = served.ask("POST", "/v1/commands/register-service", {"name": name, "roles": roles},
                           token=getattr(served, "admin", None), Idempotency_Key=f"service-{name}")
        report.equal(reply.status, 200, f"register-service {name}")
        return reply.json["token"]

    served.admin = served.token = new("admin", "admin")
    front, risk, support = new("web", "front_end"), new("radar", "risk"), new("desk", "support")
    mail = new("mail", "evidence")
    account = served.ask("POST", "/v1/queries/account", {"account": "taro@outlook.com"}).json["account"]
    path = f"/v1/accounts/{account}/commands/block-account"
    served.token = None
    for token in (None, "bogus", front[:-1]):
        reply = served.ask("POST", path, BLOCK, token=token, Idempotency_Key="t-1")
        refused(report, reply, 401, "token_refused" if token else "token_wanted", f"the token {token}")
        challenge = 'Bearer error="invalid_token"' if token else "Bearer"
        report.equal(reply.fields["WWW-Authenticate"], challenge, "what is wanted")
    refused(report, served.ask("GET", f"/v1/accounts/{account}"), 401, "token_wanted", "a query without a token")
    refused(report, served.ask("POST", path, BLOCK, token=front, Idempotency_Key="t-2"), 403, "role_missing",
            "a front end blocks nobody")
    report.equal(served.ask("POST", path, BLOCK, token=risk, Idempotency_Key="t-3").status, 200, "risk does")
    refused(report, served.ask("GET", f"/v1/accounts/{account}", token=support), 403, "support_overreach",
            "R-REC-11: support reads no account")
    other = served.ask("POST", path, BLOCK | {"service": "local"}, token=front, Idempotency_Key="t-4")
    refused(report, other, 403, "not_permitted", "a body that names another service")
    observed = served.ask("POST", f"/v1/accounts/{account}/commands/record-evidence", {"items": EVIDENCE}, token=mail,
                          Idempotency_Key="t-5")
    report.equal(observed.status, 200, "evidence of a service with the role")
    report.equal(ledger.events()[-1]["service"], "mail", "who it was is in the event")
    names = [served.ask("POST", "/v1/commands/change-password",
                        {"account": name, "current_password": "x", "new_password": "x"}, token=mail,
                        Idempotency_Key=f"t-{name}") for name in ("taro@outlook.com", "nobody@outlook.com")]
    report.equal([(reply.status, reply.code) for reply in names], [(403, "role_missing")] * 2,
                 "R-ACC-6: who may not is not told whether there is an account")
    for path in ("/healthz", "/readyz", "/openapi.json", "/v1/rules"):
        report.equal(served.ask("GET", path).status, 200, f"{path} asks for none")
    report.equal(served.ask("GET", "/readyz").json, {"status": "ready"}, "R-ACC-6: what grows the log is not told")
    refused(report, served.ask("GET", "/metrics"), 401, "token_wanted", "meters without a token")
    report.equal(served.ask("GET", "/v1/log/tile/0/000.p/1", token=front).fields["Cache-Control"],
                 "private, max-age=31536000, immutable", "what needs a token is kept by who has one")
    stream_of_a_revoked_service(served, front, report)
    metrics = served.ask("GET", "/metrics", token=new("monitor", "auditor")).body.decode()
    report.check('daicho_refusals_total{rule="R-BLK-1"}' in metrics, "refusals are counted by rule")
    for personal in ("taro", account, front):
        report.check(personal not in metrics, f"{personal} is in the metrics")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    served = HeldServed(ledger, report, "--at", LATER, "--tick", "1")
    account = register(served, report)
    commands(served, account, report)
    wrong_requests(served, account, report)
    queries(served, account, report)
    batch(served, account, report)
    events(served, account, report)
    log(served, report)
    twice_at_once(served, account, report)
    hostile(served, report)
    erased(served, report)
    locked = ledger.run("tick")
    report.equal(locked.code, 4, "one writer")
    tokens(ledger, served, report)
    report.equal(served.end(signal.SIGTERM), (0, ""), "SIGTERM ends it")
    report.equal(ledger.run("audit", "verify").code, 0, "what it leaves is intact")
    plain = program("serve", "--data", str(ledger.path), "--listen", "0.0.0.0:0")
    report.equal(plain.code, 2, "plain HTTP beyond loopback is refused")


if __name__ == "__main__":
    main("service", run)
