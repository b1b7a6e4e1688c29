"""What scripts rely on: exit codes, idempotency, formats, instants, filters, --follow, one writer beside many readers.

usage: python3 tests/cli/contract.py <path of daicho>"""
import csv
import io
import json
import re
import select
import signal
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
from support.program import REGISTRATION, START, Ledger, main  # noqa: E402

LATER = "2026-03-02T00:00:00Z"
QUERIES = ("account", "proofs", "block", "windows", "limits", "recovery-options", "recoveries", "timeline", "accesses",
           "events", "erasures", "explain", "accounts", "services", "policy")
OF_NO_ACCOUNT = ("services", "policy", "erasures", "accounts")
HELP = ([], ["init"], ["command"], ["play"], ["outbox"], ["outbox", "lease"], ["tick"], ["query"], ["audit"],
        ["audit", "verify"], ["audit", "checkpoint"], ["audit", "prove"], ["audit", "account"],
        ["audit", "consistency"], ["audit", "check"], ["audit", "disclose"],
        ["audit", "check-disclosure"], ["export"], ["export", "tiles"], ["witness"],
        ["witness", "init"], ["witness", "serve"], ["witness", "ask"], ["rules"], ["replay"],
        ["backup"], ["backup", "list"], ["backup", "verify"], ["backup", "prune"], ["restore"],
        ["keys"], ["keys", "encrypt"], ["keys", "decrypt"], ["keys", "show"], ["keys", "rotate-lookup"],
        ["keys", "signer"],
        ["keys", "rotate-master"], ["keys", "split"], ["keys", "join"], ["keys", "export"], ["keys", "import"],
        ["serve"], ["deliver"], ["config"], ["bench"], ["bench", "append"], ["bench", "verify"], ["bench", "replay"])


def read_line(process, seconds=20):
    """One line of a running process; empty when none comes."""
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    return process.stdout.readline() if ready else b""


def block_and_query(ledger, account, report):
    """Block at LATER; what was true before stays visible by time and by position."""
    before = len(ledger.events())
    blocked = ledger.run("command", "block-account", "--account", account, "reason=suspected_intrusion", "--at", LATER)
    report.equal(blocked.code, 0, "block-account")
    for as_of, expected in ((START, False), (LATER, True), (str(before - 1), False), (str(before), True)):
        block = ledger.query("block", "--account", account, "--as-of", as_of)
        report.equal(block["blocked"], expected, f"blocked as of {as_of}")
    report.equal(ledger.query("block", "--account", account)["blocked"], True, "blocked now")
    report.equal([row["account"] for row in ledger.query("block")["blocked"]], [account], "all that are blocked")
    refused = ledger.run("command", "record-sign-in", "--account", account, "result=succeeded")
    report.equal((refused.code, refused.json["rule"]), (1, "R-BLK-1"), "exit 1: sign-in on a blocked account")


def idempotency(ledger, account, report):
    """The same key from two processes: the first answer; another body or command under it: refused."""
    def sign_in(*args):
        return ledger.run("command", "record-sign-in", "--account", account, "--idempotency-key", "key-1", *args)

    first, again = sign_in("result=failed", "reason=x"), sign_in("reason=x", "result=failed")
    report.equal((again.code, again.json), (first.code, first.json | {"replayed": True}), "the first answer again")
    events = len(ledger.events())
    for args in (["result=succeeded"], ["result=failed", "reason=x", "device_id=pc-1"], ["result=failed", "reason=y"]):
        reused = sign_in(*args)
        found = (reused.code, reused.json.get("error"), bool(reused.json.get("detail")))
        report.equal(found, (1, "idempotency_key_reused", True), f"a key used again with {args}")
    other = sign_in("result=failed", "reason=x", "--service", "other")
    report.check(other.code in (0, 1) and "replayed" not in other.json,
                 f"another service has its own keys: {other.words}")
    report.equal(len(ledger.events()), events + len(other.json["events"]), "events after keys used again")


def expected_version(ledger, account, report):
    version = ledger.query("account", "--account", account)["version"]
    for wrong in (version - 1, version + 1, 0):
        answer = ledger.run("command", "block-account", "--account", account, "reason=x", "--expected-version",
                            str(wrong))
        found = (answer.code, answer.json.get("error"), answer.json.get("current_version"))
        report.equal(found, (1, "version_conflict", version), f"--expected-version {wrong}")
    right = ledger.run("command", "record-sign-in", "--account", account, "result=failed", "--expected-version",
                       str(version))
    report.check("version_conflict" not in right.out.decode(), f"--expected-version {version}: {right.words}")


def ways_to_say_it(ledger, account, report):
    """Account by id or name, FIELD=VALUE, FIELD:=JSON, --json, standard input: all the same command."""
    body = {"reason": "suspected_intrusion", "source": {"ip": "192.0.2.7"}}
    calls = [
        (["--account", account, "--json", json.dumps(body)], b""),
        (["--account", "taro@outlook.com", "--json", "-"], json.dumps(body).encode()),
        (["--account", "TARO@outlook.com", "reason=suspected_intrusion", 'source:={"ip":"192.0.2.7"}'], b""),
        (["account=taro@outlook.com", 'reason:="suspected_intrusion"', "--json", '{"reason":"x"}',
          'source:={"ip":"192.0.2.7"}'], b""),
    ]
    answers = []
    for args, stdin in calls:
        answer = ledger.run("command", "block-account", *args, stdin=stdin)
        report.equal(answer.code, 0, f"block-account {args}: {answer.words}")
        answers.append(answer.json)
    report.check(all(answer == answers[0] for answer in answers), f"four ways to say it: {answers}")
    for name in ("account", "proofs", "limits"):
        by_id, by_name = (ledger.query(name, "--account", each) for each in (account, "taro@outlook.com"))
        report.equal(by_name, by_id, f"query {name} by sign-in name")


def accesses(ledger, account, report):
    """An access shows its values once; each filter of `query accesses`, in pages; refusals exit with 1."""
    def read(investigator, *args, **fields):
        body = {"account": account, "reason": "complaint", "case_number": "C-1", "fields": ["sign_in_name"],
                "investigator": investigator, **fields}
        return ledger.command("record-access", {name: value for name, value in body.items() if value}, *args)

    key = ["--idempotency-key", "look"]
    first, again = read("staff-1", *key), read("staff-1", *key)
    report.equal((first.code, first.json["sign_in_name"]), (0, "taro@outlook.com"), "record-access")
    report.equal((again.code, again.json),
                 (0, {name: first.json[name] for name in first.json if name != "sign_in_name"} | {"replayed": True}),
                 "record-access again under its key")
    for investigator in ("staff-2", "staff-1", None):
        report.equal(read(investigator).code, 0, f"record-access by {investigator}")
    for missing, code in (("reason", "reason_missing"), ("case_number", "case_number_missing")):
        refused = read("staff-1", **{missing: None})
        report.equal((refused.code, refused.json["code"]), (1, code), f"record-access without {missing}")
    rows = ledger.query("accesses")["accesses"]
    report.equal([row["investigator"] for row in rows], ["staff-1", "staff-2", "staff-1", "local"], "accesses")
    second = str(rows[1]["seq"])
    for args, wanted in (
        ([], lambda row: True), (["--account", account], lambda row: True),
        (["--account", "taro@outlook.com", "--investigator", "staff-1"], lambda row: row["investigator"] == "staff-1"),
        (["--investigator", "staff-1"], lambda row: row["investigator"] == "staff-1"),
        (["--investigator", "staff"], lambda row: False), (["--investigator", "local"],
                                                           lambda row: row["service"] == row["investigator"]),
        (["--from", second], lambda row: row["seq"] >= int(second)),
        (["--as-of", second], lambda row: row["seq"] <= int(second)),
        (["--account", account, "--as-of", second, "--from", second], lambda row: row["seq"] == int(second)),
        (["--since", rows[0]["time"]], lambda row: True), (["--until", START], lambda row: False),
        (["--as-of", START], lambda row: False), (["--until", rows[0]["time"]], lambda row: True),
    ):
        report.equal(ledger.query("accesses", *args)["accesses"], [row for row in rows if wanted(row)],
                     f"accesses {args}")
    page = ledger.query("accesses", "--limit", "3")
    rest = ledger.query("accesses", "--from", str(page["next"]))
    report.equal(page["accesses"] + rest["accesses"], rows, "two pages of accesses")
    report.equal(ledger.query("accesses", "--from", str(rest["next"]))["accesses"], [], "no third page")
    for args in (["--investigator", "s" * 65], ["--investigator", ""], ["--as-of", "99999"], ["--limit", "0"],
                 ["--account", "nobody@outlook.com"], ["--account", account, "--as-of", "0"]):
        report.equal(ledger.run("query", "accesses", *args).code, 2, f"query accesses {args}")
    services = [ledger.run("outbox", "lease", "--max", "1", "--service", each).code for each in ("anybody", "s" * 65)]
    report.equal(services, [0, 2], "outbox lease --service")


def formats(ledger, account, report):
    """Every query in every format, with the same content; every answer says which clock."""
    listed = re.findall(r"^  ([\w-]+) {3,}", ledger.program("query", "--help").out.decode().split("Queries:")[1], re.M)
    report.equal(tuple(listed), QUERIES, "queries of the help")
    for name in QUERIES:
        owner = [] if name in ("accesses", "events", *OF_NO_ACCOUNT) else ["--account", account]
        if name == "accounts":
            owner = ["--proof-address", "taro@example.com"]
        call = ["query", name, *owner, "--format"]
        answer = {each: ledger.run(*call, each) for each in ("json", "ndjson", "csv", "table")}
        for each, found in answer.items():
            report.check(found.code == 0 and not found.err and (found.out.endswith(b"\n") or each == "ndjson"),
                         f"{name} {each}: {found.words}")
        report.equal(answer["json"].json.get("clock"), "simulated", f"clock of {name}")
        report.check(b"clock" in answer["table"].out, f"{name}: the table shows no clock")
        rows = [json.loads(line) for line in answer["ndjson"].out.decode().splitlines()]
        check_csv(name, answer["csv"].out.decode(), rows, report)
        lists = [value for value in answer["json"].json.values() if isinstance(value, list)]
        report.check(rows == [answer["json"].json] or rows in lists, f"{name}: ndjson has other rows than json")
    default = ledger.run("query", "policy")
    report.equal(default.json["clock"], "simulated", "JSON when piped")


def check_csv(name, text, rows, report):
    table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    report.equal(len(table), len(rows) + 1, f"{name}: lines of csv")
    report.check(all(len(line) == len(table[0]) for line in table), f"{name}: csv is not rectangular")
    for line, row in zip(table[1:], rows):
        for column, cell in zip(table[0], line):
            value = row.get(column)
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                report.equal(cell, str(value), f"{name}: csv column {column}")


def event_filters(ledger, account, report):
    events = ledger.events()
    report.equal([event["seq"] for event in events], list(range(len(events))), "positions")
    for args, wanted in (
        (["--type", "AccountBlocked"], lambda e: e["type"] == "AccountBlocked"),
        (["--account", account], lambda e: e["account"] == account),
        (["--account", "taro@outlook.com"], lambda e: e["account"] == account),
        (["--service", "init"], lambda e: e["service"] == "init"),
        (["--from", "3"], lambda e: e["seq"] >= 3),
        (["--since", LATER], lambda e: e["time"][:19] >= LATER[:19]),
        (["--until", START], lambda e: e["time"][:10] == START[:10]),
        (["--as-of", "4"], lambda e: e["seq"] <= 4),
        (["--as-of", START], lambda e: e["time"][:10] == START[:10]),
        (["--from", "4", "--type", "ProofAdded"], lambda e: e["type"] == "ProofAdded" and e["seq"] >= 4),
        (["--from", str(len(events))], lambda e: False),
    ):
        report.equal(ledger.query("events", *args)["events"], [event for event in events if wanted(event)],
                     f"events {args}")
    page = ledger.query("events", "--limit", "4")
    rest = ledger.query("events", "--from", str(page["next"]))
    report.equal(page["events"] + rest["events"], events, "two pages")


OPTIONS = {"as-of": "1", "from": "0", "limit": "5", "type": "CodeSent", "service": "web", "since": LATER,
           "until": LATER, "due-before": LATER, "seq": "0", "rule": "R-REC-3", "investigator": "staff-17"}
TAKEN = {"events": "account as-of from limit type service since until", "services": "as-of", "policy": "as-of",
         "accesses": "account as-of from investigator limit since until",
         "erasures": "from"}
TAKEN_OF_ALL = {"block": "limit", "windows": "due-before limit", "recoveries": "due-before limit", "explain": "seq"}


def options_of_queries(ledger, account, report):
    """An option that a query does not take is a wrong use, not one without effect; on the command line as in a line."""
    seq = str(ledger.events()[-1]["seq"])
    for name in QUERIES:
        for owner in ([], ["--account", account]):
            taken = TAKEN.get(name) or (TAKEN_OF_ALL.get(name) if not owner else "as-of rule" if name == "explain"
                                        else "as-of")
            if taken is None or (owner and name in OF_NO_ACCOUNT):
                report.equal(ledger.run("query", name, *owner).code, 2, f"query {name} {owner}")
                continue
            for option, value in OPTIONS.items():
                value = seq if option in ("seq", "as-of") else value
                answer = ledger.run("query", name, *owner, "--" + option, value)
                report.equal(answer.code, 0 if option in taken.split() else 2,
                             f"query {name} {owner[:1]} --{option}: {answer.words}")
    for line in ({"query": "proofs", "account": account, "rule": "R-REC-3"}, {"query": "policy", "limit": 3}):
        report.equal(ledger.run("play", "-", stdin=json.dumps(line).encode()).code, 2, f"play {line}")


def follows(ledger, account, report):
    """--follow shows what another process appends, and ends well on SIGTERM."""
    end = len(ledger.events())
    process = ledger.program.start("query", "events", "--follow", "--from", str(end - 1), "--data", str(ledger.path))
    report.equal(json.loads(read_line(process) or "{}").get("seq"), end - 1, "followed: the newest so far")
    added = ledger.run("command", "record-sign-in", "--account", account, "result=failed", "reason=x").json["events"]
    for event in added:
        report.equal(json.loads(read_line(process) or "{}").get("seq"), event["seq"], "followed: the new event")
    process.send_signal(signal.SIGTERM)
    try:
        rest = process.communicate(timeout=20)
        report.equal((process.returncode, rest), (0, (b"", b"")), "--follow after SIGTERM")
    except subprocess.TimeoutExpired:
        process.kill()
        report.check(False, "--follow does not end on SIGTERM")


def one_writer(ledger, account, report):
    """A player holds the lock: queries and audits go on beside it, writers are told to try later."""
    player = ledger.program.start("play", "-", "--data", str(ledger.path))
    line = {"command": "record-sign-in", "account": account, "result": "failed", "reason": "x",
            "expect": {"events": "*"}}
    for _ in range(2):
        player.stdin.write(json.dumps(line).encode() + b"\n")
        player.stdin.flush()
        seq = json.loads(read_line(player) or '{"events":[{}]}')["events"][-1].get("seq")
        report.equal(ledger.query("account", "--account", account)["last_seq"], seq,
                     "a query beside the writer sees its last event")
    for args in (["tick"], ["command", "block-account", "--account", account, "reason=x"], ["outbox", "lease"],
                 ["play", "-"],
                 ["replay", "--rebuild"]):
        answer = ledger.run(*args)
        report.check(answer.code == 4 and len(answer.err) > 20 and not answer.out,
                     f"exit 4: {args} beside a writer: {answer.words}")
    audit = ledger.run("audit", "verify")
    report.check(audit.code == 0 and audit.json["result"] == "intact", f"audit beside a writer: {audit.words}")
    report.equal(ledger.run("replay").json["result"], "equal", "replay beside a writer")
    player.stdin.close()
    report.equal(player.wait(60), 0, "the player's exit")
    player.stdout.close()
    player.stderr.close()
    report.equal(ledger.run("tick").code, 0, "the lock is free again")


def exit_codes(ledger, directory, report):
    """3 and 5; the others are shown elsewhere."""
    other = Ledger(ledger.program, directory / "other")
    copy = ledger.copy_to(directory / "copy")
    (copy.path / "master.key").write_bytes((other.path / "master.key").read_bytes())
    for args in (["query", "policy"], ["tick"], ["audit", "verify"], ["keys", "rotate-master"]):
        answer = copy.run(*args)
        report.check(answer.code == 5 and len(answer.err) > 20,
                     f"exit 5: {args} with another master key: {answer.words}")
    (copy.path / "master.key").write_bytes((ledger.path / "master.key").read_bytes())
    for table in copy.path.glob("store/*.sst"):
        content = bytearray(table.read_bytes())
        content[len(content) // 2] ^= 1
        table.write_bytes(content)
    answer = copy.run("audit", "verify")
    report.check(answer.code == 3 and answer.json["result"] == "violated", f"exit 3: {answer.words}")


def files(program, directory, report):
    """Key files are for their owner alone, whatever the umask; init never overwrites; DAICHO_DATA names a directory."""
    path = directory / "made"
    made = program("init", "--data", str(path), umask=0)
    report.equal((made.code, made.json["clock"]), (0, "real"), "init")
    modes = {"signing.key": 0o600, "master.key": 0o600, "checkpoint": 0o600, "ledger.vkey": 0o644, "store": 0o700}
    for name, mode in modes.items():
        report.equal(stat.S_IMODE((path / name).stat().st_mode), mode, f"mode of {name}")
    before = {file: file.read_bytes() for file in path.iterdir() if file.is_file()}
    report.equal(program("init", "--data", str(path)).code, 2, "init twice")
    report.equal({file: file.read_bytes() for file in before}, before, "files after a second init")
    by_name = program("query", "policy", env={"DAICHO_DATA": str(path)})
    report.equal((by_name.code, by_name.json["clock"]), (0, "real"), "DAICHO_DATA, and the real clock")
    elsewhere = program("query", "policy", "--data", "/nonexistent", env={"DAICHO_DATA": str(path)})
    report.equal(elsewhere.code, 2, "--data goes before DAICHO_DATA")


def help_texts(program, report):
    for subcommand in HELP:
        answer = program(*subcommand, "--help")
        is_good = answer.code == 0 and b"xample" in answer.out and not answer.err
        report.check(is_good, f"{subcommand} --help: {answer.words}")
    listed = re.findall(r"^  ([a-z]+) {3,}", program("--help").out.decode().split("Subcommands:")[1], re.M)
    missing = set(listed) - {words[0] for words in HELP if words}
    report.equal(missing, set(), "subcommands whose help was not looked at")
    report.check(re.fullmatch(rb"daicho \d+\.\d+\.\d+\n", program("--version").out), "--version")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    again = ledger.command("register-account", REGISTRATION)
    report.check(again.code == 1 and again.json["rule"].startswith("R-"), f"the name is taken: {again.words}")
    block_and_query(ledger, account, report)
    idempotency(ledger, account, report)
    expected_version(ledger, account, report)
    ways_to_say_it(ledger, account, report)
    accesses(ledger, account, report)
    formats(ledger, account, report)
    event_filters(ledger, account, report)
    options_of_queries(ledger, account, report)
    follows(ledger, account, report)
    one_writer(ledger, account, report)
    exit_codes(ledger, directory, report)
    files(program, directory, report)
    help_texts(program, report)


if __name__ == "__main__":
    main("contract", run)
