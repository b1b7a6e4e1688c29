"""/metrics: every family of docs/service.md is there and no other, names and values are as Prometheus has them, and
each moves as it should after what is known to have happened.

usage: python3 tests/cli/metrics.py <path of daicho>"""
import json
import re
import signal
import socket
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

LATER = "2026-03-02T00:00:00Z"
DOCUMENT = Path(__file__).parents[2] / "docs" / "service.md"
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
WAIT_SECONDS = 30

# What a label may say: words of tables, never what a caller sent.
LABELS = {
    "method": r"GET|HEAD|POST|other", "path": r"none|/[a-z0-9_/.{}…]*", "status": r"\d{3}", "rule": r"R-[A-Z]+-\d+",
    "command": r"[a-z-]+", "replayed": r"true|false", "result": r"done|failed", "kind": r"[a-z_]+",
    "le": r"[0-9.e+-]+|\+Inf", "version": r"\d+\.\d+\.\d+",
}


class Scrape:
    """One reading of /metrics, taken apart."""

    def __init__(self, text):
        self.kinds, self.helps, self.samples = {}, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.kinds[name] = kind
            elif line.startswith("# HELP "):
                self.helps[line.split(" ")[2]] = line.split(" ", 3)[3]
            elif line:
                name, labels, value = SAMPLE.fullmatch(line).groups()
                self.samples[name, frozenset(LABEL.findall(labels or ""))] = float(value)

    def value(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def total(self, name):
        return sum(value for (each, _), value in self.samples.items() if each == name)

    def family_of(self, name):
        if name in self.kinds:
            return name
        stem = re.sub(r"_(bucket|sum|count)$", "", name)
        return stem if self.kinds.get(stem) == "histogram" else None


def scrape(served, report):
    reply = served.ask("GET", "/metrics")
    report.equal((reply.status, reply.fields["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"),
                 "/metrics")
    return Scrape(reply.body.decode())


def conventions(now, report):
    for name, kind in now.kinds.items():
        report.check(name.startswith(("daicho_", "process_")), f"{name}: its prefix")
        report.equal(name.endswith("_total"), kind == "counter", f"{name}: a {kind} with or without _total")
        report.check(len(now.helps.get(name, "")) > 5, f"{name}: its help")
        report.check(not re.search(r"_(ms|millis|micros|kib|mb)(_|$)", name), f"{name}: base units")
    for (name, labels), value in now.samples.items():
        report.check(now.family_of(name) is not None, f"{name}: its family")
        report.check(value >= 0, f"{name} is {value}")
        for label, text in labels:
            report.check(re.fullmatch(LABELS.get(label, "(?!)"), text), f"{name}: the label {label}={text}")


def histograms(now, report):
    """Buckets do not fall, the last is the count, and there is a sum."""
    for name in (name for name, kind in now.kinds.items() if kind == "histogram"):
        series = {}
        for (each, labels), value in now.samples.items():
            if each == f"{name}_bucket":
                rest = frozenset(label for label in labels if label[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        report.check(series or name == "daicho_request_seconds", f"{name} has buckets")
        for rest, buckets in series.items():
            counts = [count for _, count in sorted(buckets)]
            report.equal(counts, sorted(counts), f"{name} {dict(rest)}: buckets do not fall")
            report.equal(counts[-1], now.samples.get((f"{name}_count", rest)), f"{name} {dict(rest)}: its count")
            report.check((f"{name}_sum", rest) in now.samples, f"{name} {dict(rest)}: its sum")


def documented(now, report):
    section = DOCUMENT.read_text().split("\n## Metrics\n", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`((?:daicho|process)_[a-z_]+)`", section))
    report.equal(named - now.kinds.keys(), set(), "documented, and not there")
    report.equal(now.kinds.keys() - named, set(), "there, and not documented")


def counts(served, report):
    """N commands count N; a replay counts as one; refusals by their rule."""
    account = served.ask("POST", "/v1/accounts", REGISTRATION, Idempotency_Key="r-1").json["account"]
    before = scrape(served, report)
    size = len(served.ledger.events())
    for i in range(7):
        served.command(account, "record-sign-in", {"result": "failed"}, f"s-{i}")
    served.command(account, "record-sign-in", {"result": "failed"}, "s-0")
    served.command(account, "issue-recovery-code", {"challenge_id": account}, "u-1")
    after = scrape(served, report)

    def grown(name, **labels):
        return after.value(name, **labels) - before.value(name, **labels)

    path = "/v1/accounts/{account}/commands/{command}"
    report.equal(grown("daicho_commands_total", command="record-sign-in", replayed="false"), 7, "seven commands")
    report.equal(grown("daicho_commands_total", command="record-sign-in", replayed="true"), 1, "one replay")
    report.equal(grown("daicho_requests_total", method="POST", path=path, status="200"), 8, "eight answers")
    report.equal(grown("daicho_request_seconds_count", path=path), 9, "nine latencies")
    report.equal(after.total("daicho_refusals_total") - before.total("daicho_refusals_total"), 1, "one refusal")
    appended = after.value("daicho_log_events") - size
    report.equal(after.value("daicho_log_events"), len(served.ledger.events()), "the log's size")
    report.check(appended >= 7, f"{appended} events")
    for name in ("daicho_commit_seconds_count", "daicho_commit_commands_sum"):
        report.equal(grown(name) >= 7, True, f"{name}: seven commands that wrote")
    report.equal(grown("daicho_commit_commands_sum"), grown("daicho_commit_seconds_count"), "each has its latency")
    report.equal(grown("daicho_commit_events_sum"), appended, "each event is in a commit")
    report.equal(grown("daicho_commit_write_seconds_count"), grown("daicho_commit_commands_count"),
                 "each commit is written once")
    report.check(grown("daicho_commit_write_seconds_sum") <= grown("daicho_commit_seconds_sum"),
                 "a write is a part of the commit")
    report.equal(after.value("daicho_claims_waiting"), 0, "nothing waits")
    return account


def batches_share_commits(served, report):
    """Lines of different accounts are in flight at once: fewer commits than commands."""
    before = scrape(served, report)
    lines = [json.dumps(REGISTRATION | {"command": "register-account", "idempotency_key": f"many-{i}",
                                        "sign_in_name": f"many{i}@outlook.com",
                                        "proofs": [{"kind": "email", "value": f"many{i}@example.{end}"}
                                                   for end in ("com", "org")]}) for i in range(60)]
    reply = served.ask("POST", "/v1/commands", "\n".join(lines), Content_Type="application/x-ndjson")
    report.equal([json.loads(line)["status"] for line in reply.body.splitlines()], [200] * 60, "sixty registrations")
    after = scrape(served, report)
    commands = after.value("daicho_commit_commands_sum") - before.value("daicho_commit_commands_sum")
    commits = after.value("daicho_commit_commands_count") - before.value("daicho_commit_commands_count")
    report.check(commands >= 60 and commits <= commands, f"{commands} commands in {commits} commits")


def gauges(served, account, report):
    """What is open and what is late."""
    opened = served.command(account, "mark-proofs-lost", {}, "lost-1")
    report.equal(opened.status, 200, f"mark-proofs-lost: {opened.body}")
    now = scrape(served, report)
    report.equal(now.value("daicho_windows_open"), 0, "a window without a confirmed proof waits for nothing")
    report.equal(now.value("daicho_overdue", kind="replacement"), 0, "and not late")
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as peer:
        peer.sendall(b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        peer.recv(65536)
        now = scrape(served, report)
        report.equal(now.value("daicho_streams_open"), 1, "a stream is open")
        report.check(now.value("daicho_connections_open") >= 2, "two connections are open")
    late = served.command(account, "record-sign-in", {"result": "failed", "at": "2026-04-10T00:00:00Z"}, "late-1")
    report.equal(late.status, 200, f"a later instant: {late.body}")
    now = scrape(served, report)
    report.equal(now.value("daicho_windows_open"), 0, "the window ran out")
    for name in ("process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_threads",
                 "process_cpu_seconds_total", "process_start_time_seconds", "daicho_disk_free_bytes",
                 "daicho_disk_bytes", "daicho_store_cache_max_bytes", "daicho_store_wal_bytes",
                 "daicho_store_unflushed_bytes", "daicho_connections_total"):
        report.check(now.value(name) > 0, f"{name} is {now.value(name)}")
    report.check(now.value("process_resident_memory_bytes") < 4 << 30, "resident memory in bytes")
    report.equal((now.value("daicho_ledger_stopped"), now.value("daicho_ledger_held_back")), (0, 0), "it is well")


def open_window(served, account, report):
    """All proofs marked lost, another one proposed and confirmed: 30 days count from here (R-LOST-2)."""
    marked = served.command(account, "mark-proofs-lost", {}, "lost-2")
    window = marked.json["replacement_id"]
    proposed = served.command(account, "propose-replacement-proof",
                              {"replacement_id": window, "kind": "email", "value": "new@example.org"}, "lost-3")
    notifications = served.ask("POST", "/v1/outbox/lease", {"account": account}).json["notifications"]
    link = next(each for each in notifications if each.get("destination") == "new@example.org")
    confirmed = served.command(account, "confirm-replacement-proof",
                               {"replacement_id": window, "link_token": link["token"],
                                "account_named": "taro@outlook.com"}, "lost-4")
    report.equal([each.status for each in (marked, proposed, confirmed)], [200] * 3, f"a window: {confirmed.body}")


def late_things(ledger, report):
    """Without a scheduler what is due stays so, and its age is told; with one it is done."""
    served = Served(ledger, "--at", "2026-05-10T00:00:00Z", "--tick", "0")
    account = served.ask("POST", "/v1/queries/account", {"account": "taro@outlook.com"}).json["account"]
    open_window(served, account, report)
    report.equal(scrape(served, report).value("daicho_windows_open"), 1, "a window whose proof is confirmed")
    other = served.ask("POST", "/v1/queries/account", {"account": "many0@outlook.com"}).json["account"]
    moved = served.command(other, "record-sign-in", {"result": "failed", "at": "2026-06-20T00:00:00Z"}, "late-2")
    report.equal(moved.status, 200, f"a later instant: {moved.body}")
    now = scrape(served, report)
    report.equal(now.value("daicho_scheduler_last_success_timestamp_seconds"), 0, "no scheduler ran")
    report.equal(now.total("daicho_scheduler_runs_total"), 0, "not once")
    report.equal((now.value("daicho_windows_open"), now.value("daicho_overdue", kind="replacement")), (0, 1),
                 "the window ran out and nobody completed it")
    late = now.value("daicho_overdue_oldest_seconds", kind="replacement")
    report.check(10 * 86_400 < late < 12 * 86_400, f"for {late} seconds: 41 days without 30")
    idle = now.value("daicho_overdue", kind="mailbox_first_use")
    report.check(idle > 0, f"{idle} mailboxes that nobody has signed in to are late")
    oldest = now.value("daicho_overdue_oldest_seconds", kind="mailbox_first_use")
    report.check(oldest > 30 * 86_400, f"the oldest for {oldest} seconds")
    code, errors = served.end(signal.SIGTERM)
    report.equal((code, errors), (0, ""), "it ends")
    served = Served(ledger, "--at", "2026-06-20T00:00:00Z", "--tick", "1")
    end = time.monotonic() + WAIT_SECONDS
    while scrape(served, report).value("daicho_scheduler_runs_total", result="done") < 1 and time.monotonic() < end:
        time.sleep(0.1)
    now = scrape(served, report)
    report.check(now.value("daicho_scheduler_last_success_timestamp_seconds") > 1.7e9, "when it ran last")
    report.equal(now.total("daicho_overdue"), 0, "nothing is late")
    held = ledger.path / "restored"
    held.write_text("{}")
    reply = served.ask("GET", "/readyz")
    report.equal((reply.status, reply.code), (503, "held_back"), "a ledger that is held back takes nothing")
    report.equal(scrape(served, report).value("daicho_ledger_held_back"), 1, "and says so")
    held.unlink()
    report.equal(served.ask("GET", "/readyz").status, 200, "and then it does again")
    report.equal(served.end(signal.SIGTERM)[0], 0, "it ends")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    served = Served(ledger, "--at", LATER, "--tick", "0")
    account = counts(served, report)
    batches_share_commits(served, report)
    gauges(served, account, report)
    now = scrape(served, report)
    for secret in ("taro", "many1", account, "Kaze1234"):
        report.check(secret not in served.ask("GET", "/metrics").body.decode(), f"{secret} is in the metrics")
    conventions(now, report)
    histograms(now, report)
    documented(now, report)
    report.equal(served.end(signal.SIGTERM)[0], 0, "SIGTERM ends it")
    late_things(ledger, report)


if __name__ == "__main__":
    main("metrics", run)
