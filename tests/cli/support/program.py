"""What the tests of the command line share: running the program, a ledger of its own, and counting what failed."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FAST = '{"argon2_passes":1,"argon2_memory_kib":8}'
START = "2026-03-01T00:00:00Z"
REGISTRATION = {
    "sign_in_name": "taro@outlook.com",
    "password": "Kaze1234",
    "password_repeat": "Kaze1234",
    "profile": {"surname": "山田"},
    "proofs": [
        {"kind": "email", "value": "taro@example.com"},
        {"kind": "mobile_phone", "value": "090-9876-5432", "country": "JP"},
    ],
}


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def words(self):
        return f"exit {self.code}, stderr {self.err[:300]!r}, stdout {self.out[:300]!r}"


class Program:
    def __init__(self, path):
        self.path = str(Path(path).resolve())

    def __call__(self, *args, stdin=b"", env=None, **options):
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("DAICHO_")}
        environment = inherited | {"LANG": "C"} | (env or {})
        done = subprocess.run([self.path, *args], input=stdin, capture_output=True, env=environment, timeout=120,
                              **options)
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *args, env=None):
        """A process with pipes to and from it; the caller ends it."""
        return subprocess.Popen([self.path, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=os.environ | (env or {}))


class Ledger:
    """A ledger in a directory of its own. Its clock is simulated unless `clock` says otherwise."""

    def __init__(self, program, directory, clock="simulated"):
        self.program, self.path = program, Path(directory)
        at = ["--at", START] if clock == "simulated" else []
        made = self.run("init", "--clock", clock, "--policy", FAST, *at)
        if made.code != 0:
            sys.exit(f"init failed: {made.words}")

    def run(self, *args, **options):
        return self.program(*args, "--data", str(self.path), **options)

    def command(self, name, fields, *args):
        return self.run("command", name, "--json", json.dumps(fields), *args)

    def query(self, name, *args):
        answer = self.run("query", name, "--format", "json", *args)
        if answer.code != 0:
            sys.exit(f"query {name} {args}: {answer.words}")
        return answer.json

    def register(self):
        """The account of REGISTRATION; its id."""
        answer = self.command("register-account", REGISTRATION)
        if answer.code != 0:
            sys.exit(f"register-account: {answer.words}")
        return answer.json["account"]

    def events(self):
        return self.query("events", "--limit", "10000")["events"]

    def copy_to(self, path):
        """The same bytes elsewhere."""
        copy = Ledger.__new__(Ledger)
        copy.program, copy.path = self.program, Path(path)
        shutil.copytree(self.path, copy.path)
        return copy


class Report:
    """Failures, printed as they come; finish() ends the run with a line that counts."""

    def __init__(self, name):
        self.name, self.checks, self.failures = name, 0, 0

    def check(self, is_good, words):
        self.checks += 1
        if not is_good:
            self.failures += 1
            print(f"FAILED: {words}", flush=True)
        return is_good

    def equal(self, found, expected, words):
        return self.check(found == expected, f"{words}: {expected!r} expected, {found!r} found")

    def finish(self):
        print(f"{self.name}: {self.checks} checks, {self.failures} failed")
        sys.exit(1 if self.failures else 0)


def main(name, run):
    """Calls run(program, temporary directory, report) for the program named on the command line."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python3 {sys.argv[0]} <path of daicho>")
    report = Report(name)
    with tempfile.TemporaryDirectory(prefix="daicho-cli-") as directory:
        run(Program(sys.argv[1]), Path(directory), report)
    report.finish()
