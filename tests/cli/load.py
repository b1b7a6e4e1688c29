"""Callers that send commands and ask again, killed at any moment, and a server that is killed as well: what was
acknowledged is in the log, once; what was asked again got the first answer's bytes.

A killed process loses nothing that it handed to the kernel; what a power loss takes is the crash test's to show.

usage: python3 tests/cli/load.py <path of daicho> [--seed N]"""
import base64
import http.client
import json
import os
import random
import select
import signal
import sys
import time

sys.dont_write_bytecode = True
from support.program import Ledger, Report, main  # noqa: E402
from support.served import Served  # noqa: E402

CALLERS = 6
CALLER_KILLS = 24
SERVER_KILLS = 3
COMMANDS_MAX = 100  # of one caller; then it asks again what it asked before
ASKED_AGAIN = 0.2
BUSY = (409, 503)
ANSWER_SECONDS = 30
DEADLINE_SECONDS = 240
SIGN_IN = {"result": "failed", "device_id": "pc-1", "location": "JP-13"}


def command_of(caller, number, accounts):
    """Path, body and idempotency key of a caller's command: the same whenever it is sent."""
    key = f"caller-{caller}-{number}"
    if number % 25 == 24:
        proofs = [{"kind": "email", "value": f"{key}@example.com"}, {"kind": "email", "value": f"{key}@example.org"}]
        body = {"sign_in_name": f"{key}@outlook.com", "password": "Kaze1234", "password_repeat": "Kaze1234",
                "proofs": proofs}
        return "/v1/accounts", body, key
    # An account of its own, and one that all callers share, in turn.
    account = accounts[0] if number % 3 == 0 else accounts[1 + caller]
    return f"/v1/accounts/{account}/commands/record-sign-in", SIGN_IN | {"reason": key.replace("-", "_")}, key


class Caller:
    """One process. What it sends and is told it writes to `notes`, a line each, before it goes on."""

    def __init__(self, caller, seed, directory, accounts):
        self.caller, self.accounts, self.random = caller, accounts, random.Random(seed)
        self.port_file, self.notes = directory / "port", os.open(
            directory / f"notes-{caller}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.connection, self.stop_file = None, directory / "stop"

    def note(self, *words):
        os.write(self.notes, (" ".join(map(str, words)) + "\n").encode())

    def once(self, path, body, key):
        """The answer; None: there was none."""
        try:
            if self.connection is None:
                port = int(self.port_file.read_text())
                self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
            self.connection.request("POST", path, json.dumps(body),
                                    {"Content-Type": "application/json", "Idempotency-Key": key})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return None

    def ask(self, number):
        path, body, key = command_of(self.caller, number, self.accounts)
        self.note("sent", number)
        while True:
            answer = self.once(path, body, key)
            if answer is not None and answer[0] not in BUSY:
                break
            time.sleep(0.01)
        self.note("told", number, answer[0], base64.b64encode(answer[1]).decode())

    def run(self, first):
        self.ask(first)  # the one before may have sent it and not been told
        number = first + 1
        while not self.stop_file.exists():
            if number < COMMANDS_MAX and self.random.random() >= ASKED_AGAIN:
                self.ask(number)
                number += 1
            else:
                self.ask(self.random.randrange(number))


def notes_of(directory, caller):
    """(word, number, status, answer) of each line that is whole."""
    path = directory / f"notes-{caller}"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    for line in lines:
        word, number, *told = line.split(b" ")
        yield word.decode(), int(number), int(told[0]) if told else 0, base64.b64decode(told[1]) if told else b""


class Load:
    """The callers and the server, started, killed and started again."""

    def __init__(self, ledger, directory, seed, report):
        self.ledger, self.directory, self.report = ledger, directory, report
        self.random, self.caller_of, self.in_flight, self.server = random.Random(seed), {}, 0, None
        self.serve()
        self.accounts = [self.register(number) for number in range(CALLERS + 1)]

    def serve(self):
        self.server = Served(self.ledger, "--tick", "1")
        draft = self.directory / "port.new"
        draft.write_text(str(self.server.port))
        draft.rename(self.directory / "port")

    def register(self, number):
        name = f"load{number}"
        proofs = [{"kind": "email", "value": f"{name}@example.com"}, {"kind": "email", "value": f"{name}@example.org"}]
        reply = self.server.ask("POST", "/v1/accounts", {
            "sign_in_name": f"{name}@outlook.com", "password": "Kaze1234", "password_repeat": "Kaze1234",
            "proofs": proofs}, Idempotency_Key=f"register-{number}")
        self.report.equal(reply.status, 201, f"register {name}")
        return reply.json["account"]

    def start(self, caller):
        """It goes on behind the last command that it was told about."""
        told = [number for word, number, *_ in notes_of(self.directory, caller) if word == "told"]
        first, seed = max(told, default=-1) + 1, self.random.random()
        process = os.fork()
        if process == 0:
            try:
                Caller(caller, seed, self.directory, self.accounts).run(first)
            finally:
                os._exit(0)
        self.caller_of[process] = caller

    def kill_caller(self):
        process = self.random.choice(sorted(self.caller_of))
        caller = self.caller_of.pop(process)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        last = [word for word, *_ in notes_of(self.directory, caller)][-1:]
        self.in_flight += last == ["sent"]
        self.start(caller)

    def kill_server(self):
        self.server.process.kill()
        self.server.process.communicate()
        self.serve()

    def stop_callers(self):
        """Each ends when what it asks for last is answered."""
        (self.directory / "stop").touch()
        for process in list(self.caller_of):
            handle = os.pidfd_open(process)
            ended, _, _ = select.select([handle], [], [], DEADLINE_SECONDS)
            os.close(handle)
            if not self.report.check(ended, "a caller is never told"):
                os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        self.caller_of = {}

    def run(self):
        for caller in range(CALLERS):
            self.start(caller)
        kills = ["caller"] * CALLER_KILLS + ["server"] * SERVER_KILLS
        self.random.shuffle(kills)
        for kill in kills:
            time.sleep(self.random.uniform(0.01, 0.08))
            self.kill_caller() if kill == "caller" else self.kill_server()
        self.stop_callers()


def first_bytes(answer):
    """What was answered first, of what is answered again."""
    return answer.replace(b',"replayed":true', b"").replace(b'"replayed":true,', b"")


def check_answers(load, report):
    """By idempotency key: the answer, which is the same however often it was asked for."""
    answers, replayed = {}, 0
    for caller in range(CALLERS):
        for word, number, status, body in notes_of(load.directory, caller):
            if word != "told":
                continue
            path, _, key = command_of(caller, number, load.accounts)
            report.equal(status, 201 if path == "/v1/accounts" else 200, f"the status of {key}: {body[:300]}")
            replayed += b'"replayed":true' in body
            known = answers.setdefault(key, first_bytes(body))
            report.equal(first_bytes(body), known, f"{key} asked again")
    report.check(replayed > 0, "nothing was ever asked again")
    return answers


def ask_all_again(load, answers, report):
    """Every command ever sent, told or not, once more: by now each has its first answer."""
    for caller in range(CALLERS):
        for number in sorted({number for _, number, *_ in notes_of(load.directory, caller)}):
            path, body, key = command_of(caller, number, load.accounts)
            reply = load.server.ask("POST", path, body, Idempotency_Key=key)
            report.equal(first_bytes(reply.body), answers.get(key), f"{key} at the end")
            report.check(b'"replayed":true' in reply.body, f"{key} was done again: {reply.body[:300]}")


def check_log(load, answers, report):
    """What the log says is what was answered: nothing lost, nothing twice, nothing beside."""
    events = load.ledger.events()
    report.check(len(events) < 10_000, "one page holds the log")
    found = {}
    for event in events:
        if event["command_id"].startswith("caller-"):
            found.setdefault(event["command_id"], []).append(
                {"account_version": event["account_version"], "seq": event["seq"], "type": event["type"]})
    report.equal(set(found) ^ set(answers), set(), "keys in the log that were never answered, or the other way")
    for key, answer in answers.items():
        report.equal(found.get(key), json.loads(answer).get("events"), f"the events of {key}")


def run(program, directory, report, seed):
    load = Load(Ledger(program, directory / "ledger", clock="real"), directory, seed, report)
    load.run()
    answers = check_answers(load, report)
    report.check(load.in_flight > 0, "no caller was killed while it waited for an answer")
    ask_all_again(load, answers, report)
    report.equal(load.server.end(), (0, ""), "SIGTERM ends it")
    check_log(load, answers, report)
    audit = load.ledger.run("audit", "verify")
    report.equal((audit.code, audit.json.get("result")), (0, "intact"), f"the audit: {audit.words}")
    print(f"load: {len(answers)} commands, {load.in_flight} of {CALLER_KILLS} callers killed while they waited")


def start():
    seed = random.SystemRandom().randrange(2**32)
    if "--seed" in sys.argv[1:]:
        at = sys.argv.index("--seed")
        seed = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]

    def run_seeded(program, directory, report):
        try:
            run(program, directory, report, seed)
        finally:
            if report.failures or sys.exc_info()[0]:
                print(f"load: to play it again: --seed {seed}", flush=True)

    main("load", run_seeded)


if __name__ == "__main__":
    start()
