"""`./dev bench http`: `daicho serve` under wrk. Commands, queries and a mix, at 1, 64 and 256 connections; beside them
`daicho bench append`, the same command without HTTP, in the same run. Prints one table in Markdown.

It fails, and prints no table, when an answer was anything but 200, when the log did not grow by exactly the commands
that were accepted, or when the ledger does not audit.

usage: bench_http.py <path of daicho> [--seconds N] [--accounts N]"""
import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SCRIPT = Path(__file__).parent / "requests.lua"
CONNECTIONS = (1, 64, 256)
KINDS = {"commands": "record-sign-in on random accounts, each with a key of its own, durable when answered",
         "state": "an account's state", "proofs": "an event's inclusion proof",
         "mix": "nine queries, of both kinds, and a command"}
POLICY = '{"argon2_passes":1,"argon2_memory_kib":8}'  # to make accounts quickly; what is measured asks for no hash
LOADERS = 8
BATCH_LINES = 250
SETTLE_SECONDS = 30


class Wrong(Exception):
    """What makes the figures worth nothing."""


class Server:
    def __init__(self, program, directory):
        self.process = subprocess.Popen(
            [program, "serve", "--data", str(directory), "--listen", "127.0.0.1:0", "--tick", "0", "--format", "json"],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise Wrong("daicho serve did not start")
        self.url = json.loads(line)["listening"]
        self.port = int(self.url.rsplit(":", 1)[1])

    def ask(self, method, path, body=None, fields=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body, fields or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status not in (200, 201):
            raise Wrong(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content.decode()

    def end(self):
        self.process.terminate()
        if self.process.wait(timeout=120) != 0:
            raise Wrong("daicho serve did not end well")


class Counted:
    """What the server says it did so far."""

    def __init__(self, server):
        self.by_status, self.commands, self.replayed, self.events = {}, 0, 0, 0
        for line in server.ask("GET", "/metrics").splitlines():
            name, _, value = line.rpartition(" ")
            if name.startswith("daicho_requests_total") and 'path="/metrics"' not in name:
                status = re.search(r'status="(\d+)"', name)[1]
                self.by_status[status] = self.by_status.get(status, 0) + int(float(value))
            elif name.startswith("daicho_commands_total"):
                self.commands += int(float(value))
                self.replayed += int(float(value)) if 'replayed="true"' in name else 0
            elif name == "daicho_log_events":
                self.events = int(float(value))

    def all_requests(self):
        return sum(self.by_status.values())


def settled(server):
    """Counted when what was on its way when wrk hung up is answered."""
    before, deadline = Counted(server), time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.3)
        now = Counted(server)
        if (now.all_requests(), now.events) == (before.all_requests(), before.events):
            return now
        before = now
    raise Wrong("the server is still answering, long after wrk hung up")


def load_accounts(server, count):
    """Registered in batches, several at once; their ids."""
    numbers, accounts, failures, lock = iter(range(0, count, BATCH_LINES)), [], [], threading.Lock()

    def work():
        while not failures:
            with lock:
                first = next(numbers, None)
            if first is None:
                return
            lines = [json.dumps({
                "command": "register-account", "idempotency_key": f"register-{number}",
                "sign_in_name": f"user{number}@outlook.com", "password": "Kaze1234", "password_repeat": "Kaze1234",
                "proofs": [{"kind": "email", "value": f"user{number}@example.{end}"} for end in ("com", "org")],
            }) for number in range(first, min(first + BATCH_LINES, count))]
            try:
                answered = server.ask("POST", "/v1/commands", "\n".join(lines),
                                      {"Content-Type": "application/x-ndjson"})
                answers = [json.loads(line) for line in answered.splitlines()]
                refused = [answer for answer in answers if answer["status"] != 200]
                if refused:
                    raise Wrong(f"register-account: {refused[0]}")
                accounts.extend(answer["account"] for answer in answers)
            except (Wrong, OSError, http.client.HTTPException) as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(LOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Wrong(str(failures[0]))
    return accounts


def drive(server, kind, connections, options, accounts, run):
    """One run of wrk, held to what the server counted; wrk's own counts."""
    before = settled(server)
    threads = min(connections, os.cpu_count())
    done = subprocess.run(
        ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{options.seconds}s", "--timeout", "30s", "-s",
         str(SCRIPT), server.url, "--", kind, run, str(accounts), str(before.events)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Wrong(f"wrk: {done.stderr}{done.stdout}")
    told = json.loads(done.stdout.splitlines()[-1])
    after = settled(server)
    other = {status: count - before.by_status.get(status, 0) for status, count in after.by_status.items()
             if status != "200" and count != before.by_status.get(status, 0)}
    errors = {name: told[name] for name in ("connect", "read", "write", "status", "timeout") if told[name]}
    if other or errors:
        raise Wrong(f"{kind} at {connections}: not every answer was 200: by status {other}, wrk's errors {errors}")
    commands, grown = after.commands - before.commands, after.events - before.events
    if after.replayed != before.replayed or grown != commands:
        raise Wrong(f"{kind} at {connections}: {commands} commands accepted, {grown} events appended")
    beyond = after.all_requests() - before.all_requests() - told["requests"]
    if not 0 <= beyond <= connections:  # what was on its way when wrk hung up, and no more
        raise Wrong(f"{kind} at {connections}: the server answered {beyond} requests more than wrk took")
    return told


def embedded(program, connections, options):
    done = subprocess.run(
        [program, "bench", "append", "--threads", str(connections), "--seconds", str(options.seconds), "--accounts",
         str(options.accounts), "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise Wrong(f"daicho bench append: {done.stderr}")
    return json.loads(done.stdout)


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def measure(options):
    rows, figures = [], {}
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as name:
        directory = Path(name)
        ledger, accounts = directory / "ledger", directory / "accounts"
        subprocess.run([options.program, "init", "--data", str(ledger), "--policy", POLICY], check=True,
                       stdout=subprocess.DEVNULL)
        server = Server(options.program, ledger)
        try:
            accounts.write_text("\n".join(load_accounts(server, options.accounts)) + "\n")
            for kind in KINDS:
                for connections in CONNECTIONS:
                    told = drive(server, kind, connections, options, accounts, f"{kind}{connections}")
                    per_second = told["requests"] / (told["microseconds"] / 1e6)
                    rows.append((kind, connections, per_second, told))
            size = Counted(server).events
            server.end()
        finally:
            server.process.kill()
            server.process.wait()
        audit = subprocess.run([options.program, "audit", "verify", "--data", str(ledger), "--format", "json"],
                               capture_output=True, text=True)
        report = json.loads(audit.stdout or "{}")
        if (audit.returncode, report.get("result"), report.get("events")) != (0, "intact", size):
            raise Wrong(f"the ledger of {size} events does not audit: {audit.stdout[:500]} {audit.stderr[:500]}")
    for connections in CONNECTIONS:
        figures[connections] = embedded(options.program, connections, options)
    return rows, figures, size


def show(options, rows, figures, size):
    any_figures = figures[CONNECTIONS[0]]
    print(f"{os.cpu_count()} cores ({processor()}), wrk on the same ones; {options.accounts} accounts, "
          f"{options.seconds} s each; {any_figures['fsync']}.")
    print("Answers that were not 200: 0. The log grew by exactly the commands accepted; `audit verify`: intact, "
          f"{size} events.")
    print(f"fdatasync of 4 KiB: {any_figures['limits']['fdatasync_4k']} a second.\n")
    print("| requests | connections | a second | p50 / p99 / p99.9 µs | of `daicho bench append` |")
    print("|---|---|---|---|---|")
    for kind, connections, per_second, told in rows:
        ratio = ""
        if kind == "commands":
            without = figures[connections]["events_per_second"]
            ratio = f"{per_second / without:.2f} of {without:,} (`--threads {connections}`)"
        print(f"| {kind} | {connections} | {per_second:,.0f} | {told['p50']:,} / {told['p99']:,} / {told['p999']:,} | "
              f"{ratio} |")
    print("\n" + "; ".join(f"{kind}: {words}" for kind, words in KINDS.items()) + ".")


def main():
    parser = argparse.ArgumentParser(prog="dev bench http")
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--accounts", type=int, default=10_000, help="to choose from")
    options = parser.parse_args()
    options.program = str(Path(options.program).resolve())
    try:
        show(options, *measure(options))
    except Wrong as wrong:
        sys.exit(f"bench http: {wrong}")


if __name__ == "__main__":
    main()
