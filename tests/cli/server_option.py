"""`--server URL` says what `--data DIR` says, byte for byte; and what is said when the service is away, is no service,
or loses an answer.

usage: python3 tests/cli/server_option.py <path of daicho>"""
import json
import re
import signal
import sys
import threading

sys.dont_write_bytecode = True
from support.peers import Answering, Relay, closed_port, http_answer  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402
from support.subcommands import names_of_queries  # noqa: E402

LATER, MUCH_LATER = "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"
NOBODY = "018bcfe5-0000-7000-8000-000000000000"
DRAWN = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")  # ids differ by ledger
PROBLEM = "application/problem+json"
ANSWER_BYTES_MAX = 64 << 20


class Both:
    """The same call on a ledger's directory and on a service that answers for a copy of it."""

    def __init__(self, ledger, served, report):
        self.program, self.report = ledger.program, report
        self.directory, self.server = ("--data", str(ledger.path)), ("--server", url(served.port))

    def __call__(self, *args, code=None, drawn=False, **options):
        here = self.program(*args, *self.directory, **options)
        there = self.program(*args, *self.server, **options)
        what = ascii(" ".join(args))
        shown = [DRAWN.sub(b"ID", each.out) if drawn else each.out for each in (here, there)]
        self.report.equal((there.code, shown[1]), (here.code, shown[0]), f"{what}: over the network as here")
        self.report.check(bool(here.out or here.err) and bool(there.out or there.err), f"{what}: says nothing")
        if code is not None:
            self.report.equal(here.code, code, f"{what}: {here.words}")
        return there


def url(port):
    return f"http://127.0.0.1:{port}"


def queries(both, account, report):
    name = ("--account", "taro@outlook.com")
    own = {  # beside those that every query is asked with
        "account": [name, ("--account", NOBODY), ("--account", "nobody@outlook.com")], "proofs": [name],
        "block": [("--limit", "1"), ("--account", account, "--as-of", "4")],
        "windows": [("--due-before", MUCH_LATER, "--limit", "5"), ("--account", account, "--at", MUCH_LATER)],
        "limits": [("--account", account, "--at", MUCH_LATER), ("--account", account, "--at", "2020-01-01T00:00:00Z")],
        "recoveries": [("--due-before", "soon")], "timeline": [("--account", account, "--as-of", LATER)],
        "accesses": [("--investigator", "staff-17", "--since", LATER, "--until", MUCH_LATER)],
        "events": [("--from", "2", "--limit", "2"), ("--type", "AccountBlocked"), ("--service", "local", *name),
                   ("--type", "Bogus"), ("--limit", "0"), ("--as-of", "99999999")],
        "erasures": [("--from", "1")],
        "explain": [("--seq", "3"), ("--account", account, "--rule", "R-BLK-1"),
                    ("--account", account, "--rule", "R-BLK-1", "--lang", "ja"), ("--rule", "R-NO-1")],
        "accounts": [("--proof-address", "taro@example.com"), ("--proof-address", "nonsense")],
        "services": [("--as-of", "1")], "policy": [("--as-of", "0"), ("--as-of", "2020-01-01T00:00:00Z")],
    }
    names = names_of_queries(both.program)
    report.check(len(names) > 10 and set(own) <= set(names), f"queries of the help: {names}")
    for each in names:
        for options in [(), ("--account", account), *own.get(each, [])]:
            both("query", each, *options)
    for form in ("table", "json", "ndjson", "csv"):
        for args in (("events",), ("proofs", "--account", account), ("policy",)):
            both("query", *args, "--format", form, code=0)
    both("query", "accounts", "--proof-address", "-", stdin=b"taro@example.com\n", code=0)
    nowhere = url(closed_port())
    both("query", "policy", env={"http_proxy": nowhere, "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere}, code=0)
    both("query", "events", "--service", b"\xff".decode("utf-8", "surrogateescape"), code=2)
    both("rules", code=0)
    both("rules", "R-BLK-1", "--format", "table", code=0)
    both("rules", "R-NO-1", code=2)


def commands(both, account, report):
    """`account` is not blocked yet; another one, taro's, is."""
    owner = ("--account", account)
    both("command", "block-account", *owner, "reason=seen", "--idempotency-key", "b-1", "--at", LATER, code=0,
         drawn=True)
    both("command", "block-account", *owner, "reason=seen", "--idempotency-key", "b-1", code=0, drawn=True)
    both("command", "block-account", *owner, "reason=other", "--idempotency-key", "b-1", code=1)
    both("command", "block-account", *owner, "reason=seen", '--idempotency-key', '"b-2 ü"', code=0, drawn=True)
    both("command", "block-account", *owner, "reason=seen", "--idempotency-key", "k" * 256, code=2)
    both("command", "block-account", *owner, "reason=seen", "--expected-version", "1", code=1)
    both("command", "record-sign-in", *owner, "result=succeeded", code=1)
    both("command", "record-sign-in", *owner, "result=succeeded", "--format", "table", "--lang", "ja_JP.UTF-8", code=1)
    both("command", "record-sign-in", "--account", "taro@outlook.com", "result=succeeded", "--format", "csv", code=1)
    both("command", "record-sign-in", *owner, "result=bogus", code=2)
    both("command", "block-account", *owner, "reason=seen", "bogus=1", code=2)
    both("command", "block-account", *owner, "reason=seen", "account=x", code=2)
    both("command", "block-account", "--account", NOBODY, "reason=seen", code=2)
    both("command", "block-account", "--account", "nobody@outlook.com", "reason=seen", code=2)
    both("command", "block-account", "reason=seen", code=2)
    both("command", "bogus", code=2)
    both("command", "block-account", *owner, "reason=seen", "--at", "2020-01-01T00:00:00Z", code=2)
    both("command", "adopt-policy", "min_proofs:=0", code=1)
    both("command", "adopt-policy", "min_proofs:=2", "--at", MUCH_LATER, code=0)
    again = REGISTRATION | {"sign_in_name": "yuki@outlook.com"}
    both("command", "register-account", "--json", "-", stdin=json.dumps(again).encode(), code=0, drawn=True)
    both("command", "register-account", "--json", "-", stdin=json.dumps(again).encode(), code=1, drawn=True)
    both("command", "start-challenge", "--account", "nobody@outlook.com", "purpose=reset_password", drawn=True)
    report.equal(both.program("query", "account", "--account", "yuki@outlook.com", *both.server).code, 0, "it is there")


def lease(both, served, account):
    """What waited before the two parted; then nothing does."""
    if "/v1/outbox/lease" in served.ask("GET", "/openapi.json").json["paths"]:
        for args in (("--max", "1"), ("--max", "1000", "--holder", "mailer-1"), ("--account", account), ("--max", "0")):
            both("outbox", "lease", *args)


def follow(both, account, report):
    """Both go on with what is committed."""
    last = both.program("query", "events", *both.server, "--format", "json").json["next"]
    begun = [both.program.start("query", "events", "--follow", "--from", str(last - 3), *where)
             for where in (both.directory, both.server)]
    both("command", "record-sign-in", "--account", account, "result=failed", "reason=x", code=1)
    read = [[], []]
    for process, lines in zip(begun, read):
        ending = threading.Timer(20, process.terminate)  # else a line that does not come is waited for
        ending.start()
        lines += [DRAWN.sub(b"ID", process.stdout.readline()) for _ in range(4)]
        ending.cancel()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        report.equal(process.returncode, 0, "--follow ends with 0")
    types = [[json.loads(line or b"{}").get("type") for line in lines] for lines in read]
    report.equal((len(types[1]), types[1]), (4, types[0]), "--follow over the network as here")


def tokens(both, served, directory, report):
    """Who asks is what the token says."""
    made = {}
    for name, role in (("ops", "admin"), ("books", "auditor")):
        fields = json.dumps({"name": name, "roles": [role]})
        for where, call in (("here", both.directory), ("there", both.server)):
            given = [] if not made else (["--service", "ops"] if where == "here" else ["--token-file", made["ops"]])
            answer = both.program("command", "register-service", "--json", fields, *call, *given)
            report.equal(answer.code, 0, f"register-service {name} {where}: {answer.words}")
        made[name] = str(directory / f"{name}.token")
        (directory / f"{name}.token").write_text(answer.json["token"] + "\n")
    ask = ("query", "services", *both.server)
    expected = both.program("query", "services", *both.directory)
    for what, code, args, env in (
        ("no token", 5, (), None), ("an empty one", 5, (), {"DAICHO_TOKEN": ""}),
        ("a wrong one", 5, (), {"DAICHO_TOKEN": "bogus"}),
        ("a token with a line's end", 2, (), {"DAICHO_TOKEN": "a\nb"}),
        ("no file", 2, ("--token-file", str(directory / "none")), None),
        ("a file", 0, ("--token-file", made["ops"]), None),
        ("the file goes first", 0, ("--token-file", made["ops"]), {"DAICHO_TOKEN": "bogus"}),
        ("the environment", 0, (), {"DAICHO_TOKEN": open(made["ops"]).read().strip()}),
    ):
        answer = both.program(*ask, *args, env=env)
        report.equal(answer.code, code, f"{what}: {answer.words}")
        report.check(b"bogus" not in answer.err + answer.out, f"{what}: the token is shown: {answer.words}")
        if code == 0:
            report.equal(DRAWN.sub(b"ID", answer.out), DRAWN.sub(b"ID", expected.out), f"{what}: as here")
        else:
            report.equal(answer.out, b"", f"{what}: nothing on standard output")
    block = ("command", "adopt-policy", "min_proofs:=2")
    here = both.program(*block, *both.directory, "--service", "books")
    there = both.program(*block, *both.server, "--token-file", made["books"])
    report.equal((there.code, there.out), (5, here.out), f"a role that is missing: {here.words}")
    report.equal(here.code, 5, "here, too")
    another = both.program(*block, *both.server, "--token-file", made["books"], "--service", "ops")
    report.equal(another.code, 5, f"another service's name: {another.words}")


def wrong_use(both, directory, report):
    file = directory / "file"
    file.write_text("x")
    program = both.program
    for args, env in (
        (("query", "policy", *both.directory, *both.server), None),
        (("query", "policy"), {"DAICHO_DATA": both.directory[1], "DAICHO_SERVER": both.server[1]}),
        (("query", "policy", "--server", "http://ledger.example.jp:7391"), None),
        (("query", "policy", "--server", "http://127.evil.example.com"), None),
        (("query", "policy", "--server", "ftp://127.0.0.1"), None),
        (("query", "policy", "--server", "http://u:p@127.0.0.1"), None),
        (("query", "policy", *both.server, "--client-key", str(file)), None),
        (("query", "policy", *both.server, "--ca", str(directory)), None),
        (("query", "policy", *both.server, "--timeout", "0"), None),
        (("query", "policy", *both.server, "--timeout", "3601"), None),
        (("query", "policy", *both.directory, "--token-file", str(file)), None),
        (("query", "events", "--verify", *both.server), None), (("tick", *both.server), None),
        (("play", "-", *both.server), None), (("audit", "verify", *both.server), None), (("init", *both.server), None),
        (("backup", str(directory / "b"), *both.server), None), (("keys", "show", *both.server), None),
    ):
        answer = program(*args, env=env)
        report.equal((answer.code, answer.out), (2, b""), f"{args}: {answer.words}")
    by_name = program("query", "policy", env={"DAICHO_SERVER": both.server[1]})
    report.equal((by_name.code, by_name.out), (0, program("query", "policy", *both.server).out), "DAICHO_SERVER")
    before = program("query", "policy", *both.directory, env={"DAICHO_SERVER": url(1)})
    report.equal(before.code, 0, "--data goes before DAICHO_SERVER")


def no_service(program, served, report):
    """Nobody there, or somebody else: exit 4, in time. Nobody is followed elsewhere, not even to the service."""
    elsewhere = f"Location: {url(served.port)}/v1/queries/policy".encode()
    command = ("command", "block-account", "--account", NOBODY, "reason=seen", "--idempotency-key", "k-1")
    for args in (("query", "policy"), command):
        away = program(*args, "--server", url(closed_port()))
        report.equal((away.code, away.out), (4, b""), f"{args[0]}: nobody there: {away.words}")
        report.check(b"127.0.0.1 port" in away.err, f"who is away: {away.err}")
    deep = b'{"a":' * 100 + b"1" + b"}" * 100
    for what, answer in (
        ("nonsense", b"\x00\x01\xff" * 100), ("nothing", b""), ("another protocol", b"220 mail.example.jp ESMTP\r\n"),
        ("a page", http_answer(200, "text/html", b"<p>hello</p>")),
        ("JSON of somebody else", http_answer(200, "application/json", b'{"status":"ok"}')),
        ("a list", http_answer(200, "application/json", b"[]")),
        ("half of JSON", http_answer(200, "application/json", b'{"a":')),
        ("JSON nested too deeply", http_answer(200, "application/json", deep)),
        ("a problem without a code", http_answer(503, PROBLEM, b"{}")),
        ("a redirect", b"HTTP/1.1 307 X\r\n" + elsewhere + b"\r\nContent-Length: 0\r\n\r\n"),
        ("an end midway", http_answer(200, "application/json", b'{"a":1}')[:-2]),
        ("a long answer", http_answer(200, "application/json", b"{" + b" " * ANSWER_BYTES_MAX)),
        ("a long header", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2_000 + b"Content-Length: 2\r\n\r\n{}"),
        ("silence", None),
    ):
        with Answering(answer) as peer:
            asked = program("query", "policy", "--server", url(peer.port), "--timeout", "2")
            report.equal((asked.code, asked.out), (4, b""), f"query: {what}: {asked.words}")
            told = program(*command, "--server", url(peer.port), "--timeout", "1")
            report.equal(told.code, 4, f"command: {what}: {told.words}")
            found = told.json if told.out else {}
            report.equal((found.get("error"), found.get("idempotency_key")), ("unanswered", "k-1"),
                         f"command: {what}: what is not known, and the key: {told.words}")
    for what, status, answer, code in (
        ("somebody else's 404", 404, http_answer(404, "text/html", b"no"), 4),
        ("too long", 413, http_answer(413, "text/plain", b"no"), 2),
        ("broken signatures", 500, http_answer(500, PROBLEM, b'{"code":"integrity_violated","detail":"x"}'), 3),
    ):
        with Answering(answer) as peer:
            told = program(*command, "--server", url(peer.port), "--timeout", "5")
            report.equal((told.code, told.out, peer.count), (code, b"", 1), f"command: {what}: a no: {told.words}")


def lost_answers(both, served, account, report):
    """What was done is done once, however often it is sent."""
    events = len(served.ledger.events())
    block = ("command", "block-account", "--account", account, "reason=x")
    with Relay(served.port, drop=2) as relay:
        done = both.program("command", "adopt-policy", "min_proofs:=3", "--server", url(relay.port))
        report.equal((done.code, done.json.get("replayed"), relay.count), (0, True, 3), f"lost twice: {done.words}")
    report.equal([event["type"] for event in served.ledger.events()[events:]], ["PolicyAdopted"], "one effect")
    busy = http_answer(503, PROBLEM, b'{"type":"about:blank","status":503,"code":"busy","detail":"Later."}')
    with Relay(served.port, first=busy) as relay:
        done = both.program("command", "adopt-policy", "min_proofs:=1", "--server", url(relay.port))
        report.equal((done.code, done.json.get("replayed"), relay.count), (0, None, 2), f"busy at first: {done.words}")
    with Answering(busy) as peer:
        told = both.program(*block, "--server", url(peer.port), "--timeout", "1")
        report.equal((told.code, told.json), (4, {"error": "busy", "detail": "Later."}), "busy all the time: a no")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    ledger.run("command", "record-sign-in", "--account", account, "result=failed", "reason=x")
    ledger.run("command", "block-account", "--account", account, "reason=seen", "--at", LATER)
    other = ledger.command("register-account", REGISTRATION | {"sign_in_name": "hana@outlook.com"}).json["account"]
    served = Served(ledger.copy_to(directory / "served"), "--tick", "0")
    both = Both(ledger, served, report)
    try:
        queries(both, account, report)
        lease(both, served, account)
        commands(both, other, report)
        follow(both, other, report)
        relayed = Served(ledger.copy_to(directory / "relayed"), "--tick", "0")  # so that both stay at the same event
        lost_answers(both, relayed, other, report)
        relayed.end()
        wrong_use(both, directory, report)
        no_service(program, served, report)
        tokens(both, served, directory, report)
    finally:
        code, errors = served.end()
    report.equal(code, 0, f"the service: {errors}")


main("server_option", run)
