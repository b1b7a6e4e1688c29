"""The service's log: a line an event, as JSON or as text, with request ids, and nothing personal in it.

usage: python3 tests/cli/logs.py <path of daicho>"""
import json
import re
import sys

sys.dont_write_bytecode = True
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
ACCESS = ["time", "level", "message", "request_id", "method", "endpoint", "service", "status", "bytes", "took_us"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
REQUEST_ID_CHARS_MAX = 64


def ids(served, report):
    """Who sends a well-formed id gets it back; else one is drawn."""
    long = "x" * REQUEST_ID_CHARS_MAX
    for what, fields, expected in (
        ("an id", {"X_Request_Id": "a-1.b_C"}, "a-1.b_C"), ("the longest id", {"X_Request_Id": long}, long),
        ("a trace", {"traceparent": PARENT}, TRACE),
        ("both", {"X_Request_Id": "a-1", "traceparent": PARENT}, "a-1"),
        ("a later trace", {"traceparent": "01" + PARENT[2:] + "-more"}, TRACE),
        ("a bad id and a trace", {"X_Request_Id": "taro@example.com", "traceparent": PARENT}, TRACE),
        ("none", {}, None), ("a longer id", {"X_Request_Id": long + "x"}, None),
        ("an empty id", {"X_Request_Id": ""}, None),
        ("an id with a space", {"X_Request_Id": "a b"}, None), ("an id with a quote", {"X_Request_Id": 'a"'}, None),
        ("an address", {"X_Request_Id": "taro@example.com"}, None),
        ("a trace of zeros", {"traceparent": PARENT.replace(TRACE, "0" * 32)}, None),
        ("a trace in capitals", {"traceparent": PARENT.upper()}, None),
        ("a short trace", {"traceparent": PARENT[:-1]}, None),
        ("a long trace", {"traceparent": PARENT + "-more"}, None),
        ("a trace of version ff", {"traceparent": "ff" + PARENT[2:]}, None),
        ("a trace without dashes", {"traceparent": PARENT.replace("-", "0")}, None),
    ):
        reply = served.ask("GET", "/v1/rules", **fields)
        found = reply.fields["X-Request-Id"]
        if expected:
            report.equal(found, expected, what)
        else:
            report.check(re.fullmatch("[0-9a-f]{32}", found), f"{what}: {found} is drawn")
    again = {served.ask("GET", "/v1/rules").fields["X-Request-Id"] for _ in range(2)}
    report.equal(len(again), 2, "another for each")


def use(served):
    """Requests with all that is personal in them: in bodies, paths, parameters, header fields."""
    reply = served.ask("POST", "/v1/accounts", REGISTRATION, Idempotency_Key="key-of-taro", X_Request_Id="the-first")
    account = reply.json["account"]
    served.command(account, "block-account", {"reason": "x", "detail": "hanako"}, "b-1", X_Request_Id="the-second")
    served.ask("GET", f"/v1/accounts/{account}/proofs?as_of=3", X_Request_Id="the-third")
    served.ask("GET", f"/v1/events?account={account}")
    served.ask("GET", "/taro@outlook.com?name=hanako", token="token-of-taro", X_Request_Id="nothing-here")
    served.ask("BREW", f"/v1/accounts/{account}", X_Request_Id="no-such-method")
    served.ask("POST", "/v1/queries/account", {"account": "hanako@outlook.com"})
    served.ask("POST", "/v1/queries/account", "{hanako", Content_Type="application/json")
    served.raw(b"GET /hanako HTTP/1.1\r\nbad header\r\n\r\n")
    return account


def as_json(ledger, report):
    served = Served(ledger, "--log-format", "json", "--log-level", "debug", "--at", "2026-03-02T00:00:00Z")
    account = use(served)
    ids(served, report)
    report.equal(served.end()[0], 0, "SIGTERM")
    errors = served.log
    lines = [json.loads(line) for line in errors.splitlines()]
    for line in lines:
        report.check(list(line)[:3] == ACCESS[:3] and re.fullmatch(TIME, line["time"]), f"time, level, message: {line}")
    messages = [line["message"] for line in lines]
    for one_after_another in zip(("ledger opened", "listening", "stopping"), ("listening", "stopping", "stopped")):
        first, then = (messages.index(each) for each in one_after_another)
        report.check(first < then, f"{one_after_another}: {messages}")
    opened, stopped = (next(line for line in lines if line["message"] == each) for each in ("ledger opened", "stopped"))
    report.equal((opened["vkey"], opened["size"] < stopped["size"]), (served.told["vkey"], True), "size and key")
    report.check("scheduler" in messages, f"the scheduler ran: {messages}")
    by_id = {line["request_id"]: line for line in lines if line["message"] == "request"}
    first = by_id["the-first"]
    report.equal(list(first), ACCESS, "the members of a request's line")
    report.equal([first[name] for name in ("level", "method", "endpoint", "service", "status")],
                 ["debug", "POST", "/v1/accounts", "local", 201], "a registration")
    report.check(first["bytes"] > 0 and first["took_us"] > 0, f"how long: {first}")
    report.equal([by_id["the-second"][name] for name in ("endpoint", "status")],
                 ["/v1/accounts/{account}/commands/{command}", 200], "a command")
    report.equal([by_id["nothing-here"][name] for name in ("method", "endpoint", "status")], ["other", "none", 404],
                 "what is not there")
    report.equal(by_id["no-such-method"]["status"], 405, "a method that is not there")
    for personal in ("taro", "hanako", "山田", "Kaze1234", account, "as_of", "token-of", "key-of", "9876", "BREW"):
        report.check(personal not in errors, f"{personal} is in the log")


def as_text(ledger, report):
    served = Served(ledger, "--log-level", "debug")
    served.ask("GET", "/v1/rules", X_Request_Id="in-text")
    served.end()
    errors = served.log
    for line in errors.splitlines():
        report.check(re.match(TIME + " (debug|info): [a-z ]+( [a-z_]+=|$)", line), f"text: {line}")
    report.check(" debug: request request_id=in-text method=GET endpoint=/v1/rules status=200 " in errors, errors)


def less(ledger, report):
    served = Served(ledger)
    served.ask("GET", "/v1/rules")
    served.end()
    errors = served.log
    report.check("listening" in errors and "request" not in errors, f"without debug no requests: {errors}")
    served = Served(ledger, "--log-level", "warning")
    served.ask("GET", "/v1/rules")
    report.equal((served.end()[0], served.log), (0, ""), "warnings alone")
    served = Served(ledger, "--log-level", "debug")
    served.process.stderr.close()
    report.equal([served.ask("GET", "/healthz").status for _ in range(3)], [200] * 3, "nobody reads the log any more")
    served.process.terminate()
    report.equal(served.process.wait(timeout=30), 0, "it ends well all the same")
    answer = ledger.program("serve", "--data", "/nonexistent", "--log-format", "json")
    report.equal((answer.code, json.loads(answer.err)["level"]), (2, "error"), f"why it does not start: {answer.words}")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    as_json(ledger, report)
    as_text(ledger, report)
    less(ledger, report)


if __name__ == "__main__":
    main("logs", run)
