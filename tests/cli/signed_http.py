"""Signed commands (RFC 9421, Ed25519) as docs/service.md has them: who may send which, what is refused, what an audit
re-checks. Signatures are made by the example of that page.

usage: python3 tests/cli/signed_http.py <path of daicho>"""
import base64
import calendar
import json
import re
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

debian_python.require("nacl")
from nacl.signing import SigningKey  # noqa: E402

LATER = "2026-03-02T00:00:00Z"
NOW = calendar.timegm(time.strptime(LATER, "%Y-%m-%dT%H:%M:%SZ"))
AGE_MAX, AHEAD_MAX = 300, 30
KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
PAGE = Path(__file__).resolve().parents[2] / "docs" / "service.md"
FAILED = {"result": "failed"}
NAME = "daicho.example/ledger"


def example():
    """The function `signed` of the page's section."""
    section = PAGE.read_text().split("## Signed commands")[1].split("\n## ")[0]
    names = {}
    exec(re.search(r"```python\n(.*?)```", section, re.S)[1], names)  # noqa: S102
    return names["signed"]


signed = example()


class Caller:
    def __init__(self, served, report, account):
        self.served, self.report = served, report
        self.path = f"/v1/accounts/{account}/commands/record-sign-in"

    def send(self, idempotency_key, path=None, body=FAILED, alter=None, sent_to=None, key=KEY, service="web",
             created=NOW, token=None, ledger=NAME):
        """`alter` changes the header fields after they are signed; `sent_to` is another path than the one signed."""
        octets = json.dumps(body).encode()
        fields = signed(key, service, ledger, path or self.path, octets, idempotency_key, created)
        fields["Content-Type"] = "application/json"
        if alter:
            octets = alter(fields, octets) or octets
        return self.served.ask("POST", sent_to or path or self.path, octets, token=token,
                               **{name.replace("-", "_"): value for name, value in fields.items()})

    def refused(self, what, status, code, words, *arguments, **options):
        reply = self.send(*arguments, **options)
        self.report.equal((reply.status, reply.code), (status, code), f"{what}: {reply.body}")
        self.report.check(words in reply.json["detail"], f"{what}: {words!r} in {reply.json['detail']!r}")
        if code.startswith("signature") and status == 401:
            self.report.check("ed25519" in reply.fields["Accept-Signature"], f"{what}: what is wanted")


def setting(name, value):
    def alter(fields, _):
        fields[name] = value(fields.get(name)) if callable(value) else value
    return alter


def leaving_out(name):
    def alter(fields, _):
        del fields[name]
    return alter


def accepted(caller, report):
    done = caller.send("s-1")
    report.equal(done.status, 200, f"a signed command: {done.body}")
    again = caller.send("s-1", created=NOW - 7)
    report.equal((again.status, again.json), (200, done.json | {"replayed": True}), "signed anew: the first answer")
    replayed = caller.send("s-1")
    report.equal((replayed.status, replayed.json), (200, done.json | {"replayed": True}), "the same bytes again")
    event = caller.served.ledger.events()[-1]
    report.equal((event["service"], event["from"]["entry"], len(event.get("service_key", ""))), ("web", "http", 16),
                 "who signed is in the event")
    for created in (NOW - AGE_MAX, NOW + AHEAD_MAX):
        at_limit = caller.send(f"at-{created}", created=created)
        report.equal(at_limit.status, 200, f"created at the limit, {created - NOW} s")
    registered = caller.send("r-1", path="/v1/accounts", body=REGISTRATION | {"sign_in_name": "hanako@outlook.com"})
    report.equal(registered.status, 201, f"a registration, under the keys of its proofs: {registered.body}")
    named = caller.send("n-1", path="/v1/commands/record-sign-in", body=FAILED | {"account": "taro@outlook.com"})
    report.equal(named.status, 200, f"an account named in the body: {named.body}")
    query = caller.path.rsplit("/commands", 1)[0]
    report.equal(caller.served.ask("GET", query, token=caller.token).status, 200, "a query needs its token alone")


def refused(caller, report):
    before = len(caller.served.ledger.events())
    other_body = json.dumps({"result": "succeeded"}).encode()
    elsewhere = caller.path.replace("record-sign-in", "issue-recovery-code")
    no = caller.refused
    no("an altered body", 401, "signature_refused", "no sha-256 of this body", "x", alter=lambda _, octets: other_body)
    no("an altered path", 401, "signature_refused", "does not verify", "x", sent_to=elsewhere)
    no("an added query", 401, "signature_refused", "`@query` is not covered", "x", sent_to=caller.path + "?proof")
    no("an altered idempotency key", 401, "signature_refused", "does not verify", "x",
       alter=setting("Idempotency-Key", '"y"'))
    no("no idempotency key", 401, "signature_refused", "`idempotency-key` is not in", "x",
       alter=leaving_out("Idempotency-Key"))
    no("an added version", 401, "signature_refused", "`if-match` is not covered", "x", alter=setting("If-Match", '"1"'))
    no("another key", 401, "signature_refused", "does not verify", "x", key=OTHER)
    no("too old", 401, "signature_refused", "before the ledger's time", "x", created=NOW - AGE_MAX - 1)
    no("of the future", 401, "signature_refused", "after the ledger's time", "x", created=NOW + AHEAD_MAX + 1)
    no("of nobody", 401, "signature_refused", "does not verify", "x", service="nobody")
    no("of a service without a key", 401, "signature_refused", "does not verify", "x", service="plain")
    no("another service's token", 401, "token_refused", "signed", "x", token=caller.plain)
    no("of another ledger", 401, "signature_refused", "`tag` is not this ledger's name", "x",
       ledger="daicho.example/staging")
    no("of no ledger", 401, "signature_refused", "`tag` is not this ledger's name", "x",
       alter=setting("Signature-Input", lambda text: re.sub(";tag=[^;]*", "", text)))
    no("a component left out", 401, "signature_refused", "`content-digest` is not covered", "x",
       alter=setting("Signature-Input", lambda text: text.replace(' "content-digest"', "")))
    no("a component that is not sent", 401, "signature_refused", "`date` is not in", "x",
       alter=setting("Signature-Input", lambda text: text.replace('"@method"', '"@method" "date"')))
    no("credentials are not covered", 401, "signature_refused", "`authorization` is not in", "x", token=caller.token,
       alter=setting("Signature-Input", lambda text: text.replace('"@method"', '"@method" "authorization"')))
    no("expired", 401, "signature_refused", "expired", "x",
       alter=setting("Signature-Input", lambda text: text + f";expires={NOW - 1}"))
    no("another algorithm", 400, "signature_malformed", "alg", "x",
       alter=setting("Signature-Input", lambda text: text.replace("ed25519", "hmac-sha256")))
    no("no created", 400, "signature_malformed", "created", "x",
       alter=setting("Signature-Input", lambda text: re.sub("created=[0-9]+;", "", text)))
    for name in ("Signature", "Signature-Input"):
        no(f"no {name}", 400, "signature_malformed", "One signature", "x", alter=leaving_out(name))
        no(f"two of {name}", 400, "signature_malformed", "One signature", "x",
           alter=setting(name, lambda text: text + ", b" + text))
        no(f"torn {name}", 400, "signature_malformed", "One signature", "x",
           alter=setting(name, lambda text: text[:-1]))
    no("another label", 400, "signature_malformed", "One signature", "x",
       alter=setting("Signature", lambda text: "b" + text))
    no("another idempotency key in the body", 400, "invalid_request", "idempotency_key", "x",
       body=FAILED | {"idempotency_key": "y"})
    no("the same key, another body", 422, "idempotency_key_reused", "", "s-1", body=FAILED | {"device_id": "pc-9"})
    no("an escaped path", 401, "signature_refused", "the path signed", "x", path=caller.path.replace("-in", "%2Din"))
    unsigned = caller.served.ask("POST", caller.path, FAILED, token=caller.token, Idempotency_Key="x")
    report.equal((unsigned.status, unsigned.code), (401, "signature_wanted"), "its token alone")
    line = json.dumps(FAILED | {"command": "record-sign-in", "account": "taro@outlook.com", "idempotency_key": "x"})
    batch = caller.served.ask("POST", "/v1/commands", line, token=caller.token, Content_Type="application/x-ndjson")
    report.equal(json.loads(batch.body)["code"], "signature_wanted", "a line of a batch")
    plain = caller.served.ask("POST", caller.path, FAILED, token=caller.plain, Idempotency_Key="p-1")
    report.equal(plain.status, 200, "a service without a key sends its token")
    report.equal(len(caller.served.ledger.events()), before + 1, "what was refused appended nothing")


def audited(ledger, report, verified, erased, what):
    audit = ledger.run("audit", "verify")
    report.equal((audit.code, audit.json.get("service_signatures")),
                 (0, {"verified": verified, "not_opened": 0, "erased": erased}), f"{what}: {audit.words}")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()

    def new(name, **fields):
        return ledger.command("register-service", {"name": name, "roles": ["front_end"]} | fields).json["token"]

    web_key = {"public_key": base64.b64encode(KEY.verify_key.encode()).decode()}
    token, plain = new("web", **web_key), new("plain")
    served = Served(ledger, "--at", LATER, "--tick", "0")
    caller = Caller(served, report, account)
    caller.token, caller.plain = token, plain
    accepted(caller, report)
    refused(caller, report)
    closed = caller.send("c-1", path=caller.path.replace("record-sign-in", "close-account"),
                         body={"password": "Kaze1234", "confirm": True})
    report.equal(closed.status, 200, f"a signed closing: {closed.body}")
    served.end()
    audited(ledger, report, verified=1, erased=5, what="the account's are erased with it, the other one's verifies")

    by_hand = ledger.run("command", "record-sign-in", "--account", "hanako@outlook.com", "--service", "web",
                         "--json", json.dumps(FAILED), "--at", LATER)
    report.equal((by_hand.code, by_hand.json["code"]), (5, "signature_wanted"), "nor may the ledger's owner")
    report.equal(ledger.command("revoke-service", {"name": "web"}).code, 0, "revoke-service")
    served = Served(ledger, "--at", LATER, "--tick", "0")
    Caller(served, report, account).refused("a revoked service", 401, "signature_refused", "does not verify", "z")
    served.end()

    without = ledger.copy_to(directory / "without")
    (without.path / "master.key").unlink()
    audit = without.run("audit", "verify")
    report.equal((audit.code, audit.json["service_signatures"]["not_opened"]), (0, 1), f"no master key: {audit.words}")


if __name__ == "__main__":
    main("signed_http", run)
