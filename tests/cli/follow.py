"""The verified subscription: beside a writer, with consumers that fail and readers that are killed, no event is lost or
skipped; what does not verify is not shown.

usage: python3 tests/cli/follow.py <path of daicho>"""
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402

COMMANDS = 300  # of the writer, over some seconds
CONSUMER = """
import os, random, signal, sys
log, seed = sys.argv[1], sys.argv[2]
with open(log + ".calls", "a+") as calls:
    calls.write("x")
    number = calls.tell()
choice = random.Random(seed + str(number)).random()
if choice < 0.15:
    sys.exit(1)                                # before it read anything
lines = sys.stdin.readlines()
if choice < 0.25:
    os.kill(os.getpid(), signal.SIGKILL)       # with nothing kept
with open(log, "a") as out:
    out.writelines(lines)                      # from here on the batch is kept
if choice < 0.40:
    sys.exit(7)                                # and will come again
"""


def verify(ledger, cursor, *args, **options):
    return ledger.program("query", "events", "--verify", "--cursor", str(cursor), "--data", str(ledger.path), *args,
                          **options)


def rows(answer):
    return [json.loads(line) for line in answer.out.decode().splitlines()]


def seqs(answer):
    return [row["seq"] for row in rows(answer)]


def grow(ledger, count=1):
    for number in range(count):
        policy = ledger.query("policy")["policy"]["min_proofs"]
        answer = ledger.command("adopt-policy", {"min_proofs": 3 - policy % 2})
        if answer.code != 0:
            sys.exit(f"adopt-policy: {answer.words}")


def checkpoint_size(cursor):
    return int(json.loads(cursor.read_text())["checkpoint"].split("\n")[1]) if cursor.exists() else 0


def evidence(cursor):
    return sorted(file.name for file in cursor.parent.glob(cursor.name + ".checkpoint.*"))


class Follower:
    """`query events --follow --verify` with the consumer above."""

    def __init__(self, ledger, cursor, log, script, seed):
        self.process = subprocess.Popen(
            [ledger.program.path, "query", "events", "--follow", "--verify", "--cursor", str(cursor), "--batch", "8",
             "--data", str(ledger.path), "--", sys.executable, str(script), str(log), seed],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, how):
        self.process.send_signal(how)
        self.process.communicate(timeout=20)
        return self.process.returncode


def write_beside(ledger, account, dice):
    """A writer; gives back control now and then."""
    player = ledger.program.start("play", "-", "--data", str(ledger.path))
    for number in range(COMMANDS):
        line = {"command": "record-sign-in", "account": account, "result": "failed", "reason": f"no_{number}"}
        player.stdin.write(json.dumps(line).encode() + b"\n")
        player.stdin.flush()
        player.stdout.readline()
        time.sleep(dice.uniform(0, 0.04))
        if number % 50 == 49:
            yield
    player.communicate(timeout=60)


def beside_a_writer(program, directory, report):
    """Consumers fail and are killed, the follower is killed: all events come, in order, none is passed over."""
    dice = random.Random(4)
    ledger = Ledger(program, directory / "beside", clock="real")
    account = ledger.register()
    cursor, log, script = directory / "beside.cursor", directory / "taken", directory / "consumer.py"
    script.write_text(CONSUMER)
    follower = Follower(ledger, cursor, log, script, "0")
    for round_number, _ in enumerate(write_beside(ledger, account, dice)):
        report.equal(follower.end(signal.SIGKILL), -signal.SIGKILL, "the follower was running")
        follower = Follower(ledger, cursor, log, script, str(round_number + 1))
    events = ledger.events()
    until = time.monotonic() + 30
    while checkpoint_size(cursor) < len(events) and time.monotonic() < until:
        time.sleep(0.1)
    report.equal(follower.end(signal.SIGTERM), 0, "exit after SIGTERM")
    taken = [json.loads(line) for line in log.read_text().splitlines()]
    reached, skipped = 0, []
    for row in taken:
        if row["seq"] > reached:
            skipped.append(row["seq"])
        reached = max(reached, row["seq"] + 1)
    report.equal(skipped, [], "events before which one is missing")
    report.equal(reached, len(events), "events taken")
    report.check(all(row == events[row["seq"]] for row in taken), "what was taken is what `query events` says")
    report.check(len(events) > COMMANDS and len(taken) > len(events), "batches came again")
    report.equal(verify(ledger, cursor).out, b"", "nothing is left")


def what_consumers_do(program, directory, report):
    ledger = Ledger(program, directory / "consumed")
    cursor = directory / "consumed.cursor"
    report.equal(seqs(verify(ledger, cursor)), [0, 1], "from the first event on")
    before = cursor.read_bytes()
    grow(ledger, 3)
    for consumer in (["false"], ["sh", "-c", "cat; exit 9"], ["sh", "-c", "kill -9 $$"]):
        report.equal(verify(ledger, cursor, "--", *consumer).code, 4, f"exit with {consumer}")
    report.equal(verify(ledger, cursor, "--", "no-such-program").code, 2, "no such program")
    with open("/dev/full", "wb") as full:
        code = subprocess.run([program.path, "query", "events", "--verify", "--cursor", str(cursor), "--data",
                               str(ledger.path)], stdout=full, stderr=subprocess.PIPE).returncode
    report.equal(code, 4, "standard output is full")
    reader, writer = os.pipe()
    os.close(reader)
    code = subprocess.run([program.path, "query", "events", "--verify", "--cursor", str(cursor), "--data",
                           str(ledger.path)], stdout=writer, stderr=subprocess.PIPE).returncode
    os.close(writer)
    report.equal(code, 4, "nobody reads standard output")
    report.equal(cursor.read_bytes(), before, "the cursor when nobody took the batch")
    report.equal(seqs(verify(ledger, cursor, "--batch", "1", "--", "cat")), [2, 3, 4], "the batch again, in steps")
    grow(ledger, 2)
    report.equal(verify(ledger, cursor, "--type", "CodeSent").out, b"", "a filter that selects nothing")
    report.equal(checkpoint_size(cursor), 7, "what a filter leaves out is verified, and passed")
    shown = rows(ledger.run("query", "events", "--verify", "--from", "1", "--type", "PolicyAdopted"))
    report.equal([row["seq"] for row in shown], [1, 2, 3, 4, 5, 6], "filters without a cursor")


def other_histories(program, directory, report):
    """Rolled back, forked: exit 3, both checkpoints kept, once."""
    ledger = Ledger(program, directory / "one")
    old = ledger.copy_to(directory / "old")
    grow(ledger, 3)
    cursor = directory / "one.cursor"
    report.equal(verify(ledger, cursor).code, 0, "verified")
    before = cursor.read_bytes()
    for growth, what in ((0, "rolled back"), (3, "forked"), (2, "forked and grown")):
        grow(old, growth)
        for _ in range(2):
            answer = verify(old, cursor)
            report.equal((answer.code, answer.out), (3, b""), what)
        report.equal(cursor.read_bytes(), before, f"{what}: the cursor")
    sizes = sorted(int(name.split(".checkpoint.")[1].split(".")[0]) for name in evidence(cursor))
    report.equal(sizes, [2, 5, 5], "sizes of the checkpoints kept")
    kept = directory / next(name for name in evidence(cursor) if ".checkpoint.2." in name)
    answer = ledger.run("audit", "consistency", str(kept))
    report.equal(answer.code, 0, f"a kept checkpoint is a signed one: {answer.words}")
    report.equal(verify(ledger, cursor).code, 0, "the true history goes on")


def tampered(program, directory, report):
    ledger = Ledger(program, directory / "tampered")
    ledger.register()
    cursor = directory / "tampered.cursor"
    report.equal(verify(ledger, cursor).code, 0, "verified")
    before = cursor.read_bytes()
    grow(ledger, 2)
    mark = ledger.events()[-1]["command_id"].encode()
    damaged = 0
    for file in (ledger.path / "store").glob("*.sst"):
        content = file.read_bytes()
        if mark in content:
            damaged += 1
            at = content.rindex(mark)
            file.write_bytes(content[:at] + b"~" + content[at + 1:])
    report.check(damaged > 0, "no table file holds the event")
    answer = verify(ledger, cursor)
    report.equal((answer.code, answer.out), (3, b""), f"a damaged store: {answer.words}")
    report.equal(cursor.read_bytes(), before, "the cursor stays")


def cursors(program, directory, report):
    ledger, other = Ledger(program, directory / "mine"), Ledger(program, directory / "other")
    cursor = directory / "mine.cursor"
    verify(ledger, cursor)
    good = json.loads(cursor.read_text())
    for what, change, code in (
        ("frontier", {"frontier": good["frontier"][:-8] + "AAAA" + good["frontier"][-4:]}, 3),
        ("size", {"checkpoint": good["checkpoint"].replace("\n2\n", "\n1\n")}, 3),
        ("no checkpoint", {"checkpoint": ""}, 3),
        ("no frontier", {"frontier": "AAAAAAAAAAA="}, 3),
        ("version", {"cursor": 2}, 2), ("no time", {"taken_at": "soon"}, 2),
        ("frontier of no size", {"frontier": ""}, 2),
    ):
        cursor.write_text(json.dumps(good | change))
        answer = verify(ledger, cursor)
        report.equal((answer.code, answer.out), (code, b""), f"cursor, {what}: {answer.words}")
    for text, code in (("", 2), ("{", 2), ("[]", 2), ("x" * 300_000, 2), (json.dumps(good), 0)):
        cursor.write_text(text)
        report.equal(verify(ledger, cursor).code, code, f"cursor {text[:20]!r}")
    report.equal(verify(other, cursor).code, 3, "a cursor of another log")
    vkey = (other.path / "ledger.vkey").read_text().strip()
    report.equal(ledger.run("query", "events", "--verify", "--vkey", vkey).code, 3, "another log's key")


def silence(program, directory, report):
    ledger = Ledger(program, directory / "silent", clock="real")
    cursor = directory / "silent.cursor"
    report.equal(verify(ledger, cursor, "--max-silence", "1").code, 0, "news are no silence")
    time.sleep(1.1)
    answer = verify(ledger, cursor, "--max-silence", "1")
    report.check(answer.code == 4 and b"silent" in answer.err, f"silent since the cursor was kept: {answer.words}")
    report.equal(verify(ledger, cursor, "--max-silence", "1000").code, 0, "not silent for so long")
    call = ("query", "events", "--follow", "--verify", "--data", str(ledger.path), "--max-silence", "2")
    process = program.start(*call)
    process.stdout.readline()
    (ledger.path / "store").rename(ledger.path / "away")
    _, err = process.communicate(timeout=20)
    (ledger.path / "away").rename(ledger.path / "store")
    report.check(process.returncode == 4 and b"does not answer" in err, f"a log that went away: {err[-300:]!r}")
    (ledger.path / "checkpoint").unlink()
    answer = verify(ledger, cursor)
    report.check(answer.code == 4 and b"durable" in answer.err, f"without a published checkpoint: {answer.words}")


def wrong_use(program, directory, report):
    ledger = Ledger(program, directory / "usage")
    for args in (["--cursor", "c"], ["--batch", "5"], ["--max-silence", "5"], ["--", "cat"], ["cat"],
                 ["--verify", "--batch", "0"], ["--verify", "--batch", "10001"], ["--verify", "--max-silence", "0"],
                 ["--verify", "--max-silence", "31622401"], ["--verify", "--limit", "5"], ["--verify", "--as-of", "1"],
                 ["--verify", "--vkey", "x"], ["--verify", "--type", "Bogus"], ["--verify", "--account", "nobody"]):
        answer = program("query", "events", "--data", str(ledger.path), *args)
        report.equal((answer.code, answer.out), (2, b""), f"query events {args}")
    report.equal(ledger.run("query", "policy", "--verify").code, 2, "only events")
    for args in (["--batch", "1"], ["--batch", "10000"], ["--max-silence", "31622400"]):
        report.equal(ledger.run("query", "events", "--verify", *args).code, 0, f"query events --verify {args}")


def run(program, directory, report):
    for part in (beside_a_writer, what_consumers_do, other_histories, tampered, cursors, silence, wrong_use):
        part(program, directory, report)


if __name__ == "__main__":
    main("follow", run)
