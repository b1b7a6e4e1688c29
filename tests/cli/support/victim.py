"""A ledger that is attacked with wrong input: each attack is refused in words, and the ledger stays as it was."""
import contextlib
import itertools
import json
import threading

from support.served import Served

MARK = "Geheim7"  # stands in every secret: it must not be seen again
LOCK = threading.Lock()  # of the report


class Victim:
    def __init__(self, ledger, report):
        self.ledger, self.report = ledger, report
        self.account = ledger.register()
        self.server = None
        self.events = len(ledger.events())

    def check(self, is_good, words):
        with LOCK:
            return self.report.check(is_good, words)

    def attack(self, what, *args, stdin=b"", codes=(2,), data=True, env=None):
        """Exits with one of `codes` and says why on standard error, or is refused by a rule; without a secret."""
        run = self.ledger.run if data else self.ledger.program
        answer = run(*args, stdin=stdin, env=env)
        if answer.code == 1:
            return self.check_refusal(what, answer)
        self.check(answer.code in codes, f"{what}: {answer.words}")
        self.check(len(answer.err + answer.out) > 10, f"{what}: says nothing")
        self.check_secret(what, answer)
        return answer

    def attack_json(self, what, name, body):
        return self.attack(what, "command", name, "--json", "-", stdin=json.dumps(body, ensure_ascii=False).encode())

    @contextlib.contextmanager
    def served(self):
        """Within it bodies go to `daicho serve`: thousands of them, for each takes no process of its own."""
        self.server, self.keys = Served(self.ledger, "--tick", "0"), itertools.count()
        yield
        code, errors = self.server.end()
        self.check(code == 0, f"serve: exit {code}: {errors[:300]}")
        self.check(MARK not in errors, f"serve: a secret on standard error: {errors[:300]}")

    def post(self, what, name, text, may_be_right=False):
        """Answered with a status of the caller's fault, or refused by a rule; without a secret."""
        reply = self.server.ask("POST", f"/v1/commands/{name}", text, Content_Type="application/json",
                                Idempotency_Key=f"attack-{next(self.keys)}")
        words = f"{what}: {reply.status} {reply.body[:300]!r}"
        if reply.status == 200:
            self.check(may_be_right, words)
            self.events += len(reply.json.get("events", []))
            return
        if reply.status == 413 and not reply.is_json:  # by the listener, before anything of it was read
            return self.check(len(reply.body) > 10 and MARK.encode() not in reply.body, words)
        told = reply.json
        self.events += len(told.get("events", []))  # a refusal that matters is recorded
        by_rule = reply.status in (403, 422, 429) and told.get("rule", "").startswith("R-")
        self.check(by_rule or reply.status in (400, 404, 413), words)
        self.check(bool(told.get("code")) and bool(told.get("detail")), f"no words: {words}")
        self.check(MARK.encode() not in reply.body, f"a secret: {words}")

    def post_json(self, what, name, body, may_be_right=False):
        self.post(what, name, json.dumps(body, ensure_ascii=False).encode(), may_be_right)

    def check_refusal(self, what, answer):
        try:
            refusal = answer.json
        except ValueError:
            return self.check(False, f"{what}: {answer.words}")
        self.events += len(refusal.get("events", []))  # a refusal that matters is recorded
        is_fault = refusal.get("error") in ("version_conflict", "idempotency_key_reused")
        self.check(is_fault or refusal.get("rule", "").startswith("R-"), f"{what}: no rule: {answer.words}")
        self.check(bool(refusal.get("detail")), f"{what}: no words: {answer.words}")
        self.check_secret(what, answer)

    def check_secret(self, what, answer):
        self.check(MARK.encode() not in answer.err, f"{what}: a secret on standard error: {answer.err[:200]!r}")
        if answer.code != 0:
            self.check(MARK.encode() not in answer.out, f"{what}: a secret on standard output: {answer.out[:200]!r}")

    def check_unchanged(self, what):
        answer = self.ledger.run("query", "events", "--from", str(self.events - 1), "--format", "json")
        is_good = answer.code == 0 and answer.json["next"] == self.events and len(answer.json["events"]) == 1
        if not self.check(is_good, f"after {what}: the ledger has not {self.events} events: {answer.words}"):
            self.events = len(self.ledger.events())

    def audit(self):
        self.check_unchanged("everything")
        answer = self.ledger.run("audit", "verify")
        self.check(answer.code == 0 and answer.json["events"] == self.events, f"audit: {answer.words}")
