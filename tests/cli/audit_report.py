"""The report of `audit verify`: its schema, what it says of logs that were changed at random, and what an auditor who
comes back is told.

usage: python3 tests/cli/audit_report.py <path of daicho>"""
import json
import random
import shutil
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("jsonschema")
import jsonschema  # noqa: E402
from support.program import Ledger, main  # noqa: E402

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "audit-report.schema.json").read_text())
EVENTS = 300  # more than a tile of 256
CHANGES = 40  # of each kind of file
DEPTHS = ("hashes", "signatures", "projections")


class Auditor:
    """Audits with a report file, and holds every report to the schema."""

    def __init__(self, program, directory, report):
        self.program, self.file, self.report = program, directory / "report.json", report
        self.validator = jsonschema.Draft202012Validator(SCHEMA)

    def __call__(self, path, code, *args, what=""):
        self.file.unlink(missing_ok=True)
        answer = self.program("audit", "verify", str(path), "--report", str(self.file), *args)
        self.report.equal(answer.code, code, f"audit {path} {args} {what}: {answer.words}")
        if not self.report.check(self.file.exists(), f"no report of {path}: {answer.words}"):
            return {}
        told = json.loads(self.file.read_text())
        for error in self.validator.iter_errors(told):
            self.report.check(False, f"report of {path}: {error.message}")
        self.report.equal(told, answer.json, "what is printed and what is written")
        return told


def grow(ledger, account, count):
    lines = [json.dumps({"command": "record-sign-in", "account": account, "result": "failed", "reason": f"n{number}",
                         "device_id": "pc", "location": "JP-13"}) for number in range(count)]
    answer = ledger.run("play", "-", stdin="\n".join(lines).encode())
    if answer.code != 0:
        sys.exit(f"play: {answer.words}")


def changed(octets, other, dice):
    """(word, other bytes): flipped, dropped, swapped, repeated, overwritten by another file's, cut."""
    at, size = dice.randrange(len(octets)), min(len(octets), dice.choice((1, 8, 64, 512)))
    end, where = min(len(octets), at + size), dice.randrange(len(octets))
    piece = octets[at:end]
    swapped = bytearray(octets)
    swapped[at:end], swapped[where:where + len(piece)] = octets[where:where + len(piece)], piece
    return dice.choice((
        ("flip", octets[:at] + bytes([octets[at] ^ 1 << dice.randrange(8)]) + octets[at + 1:]),
        ("drop", octets[:at] + octets[end:]), ("swap", bytes(swapped)), ("repeat", octets[:end] + piece + octets[end:]),
        ("foreign", octets[:at] + other[at:end] + octets[end:]), ("cut", octets[:at])))


def break_files(auditor, source, pattern, copy, vkey, dice, tally):
    """Each change that alters a byte is found, its report tells some damage; the untouched copy is never accused."""
    files = [file for file in sorted(source.glob(pattern)) if file.is_file() and file.stat().st_size > 0]
    auditor.report.check(files != [], f"{source} has no {pattern}")
    broken = source.parent / "broken"
    for _ in range(CHANGES):
        file = dice.choice(files)
        octets, other = file.read_bytes(), dice.choice(files).read_bytes()
        word, after = changed(octets, other, dice)
        if after == octets or after.startswith(octets):  # what is behind the end is read by nobody
            continue
        shutil.copytree(source, broken)
        (broken / file.relative_to(source)).write_bytes(after)
        told = auditor(broken, 3, "--copy", str(copy), "--vkey", vkey, what=f"{word} in {file.name}")
        kind = pattern.rsplit("/", 1)[-1]
        tally["tried", kind] += 1
        tally["found", kind] += told.get("result") == "violated"
        damage = told.get("damage", [])
        is_located = any(each["thing"] != "store" for each in damage)
        tally["located", kind] += is_located
        if source.name == "export":
            auditor.report.check(is_located, f"{word} in {file.name}: {told.get('finding')}, {damage}")
        if word == "flip" and "entries" in pattern:
            exact_flip(auditor, told, octets, after, file.name)
        shutil.rmtree(broken)
        if dice.randrange(8) == 0:
            auditor.report.equal(auditor(copy, 0)["result"], "intact", "the untouched copy")


def entries_of(bundle):
    """(first byte, end) of each entry."""
    at, found = 0, []
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at:at + 2], "big")
        found.append((at + 2, end))
        at = end
    return found


def exact_flip(auditor, told, before, after, name):
    """A bit in an entry is told to the byte, and nothing else is accused."""
    at = next(place for place in range(len(before)) if before[place] != after[place])
    number = next((number for number, (first, end) in enumerate(entries_of(before)) if first <= at < end), None)
    if number is None:  # in a length: the whole bundle does not read
        return
    first = entries_of(before)[number][0]
    position = number if name == "000" else number + 256
    changes = [{"offset": at - first, "expected": f"{before[at]:02x}", "found": f"{after[at]:02x}"}]
    found = [(each["class"], each["first"], each["last"], each.get("changes")) for each in told["damage"]]
    auditor.report.equal(found, [("flipped", position, position, changes)], f"bit of byte {at} of bundle {name}")


def come_back(auditor, ledger, account, directory, report):
    """The state file: made, carried on, and what contradicts it."""
    state = directory / "state"
    first = auditor(ledger.path, 0, "--state", str(state))
    report.equal(state.read_text(), first["checkpoint"], "the state is the newest checkpoint")
    older = ledger.copy_to(directory / "older")
    grow(ledger, account, 3)
    second = auditor(ledger.path, 0, "--state", str(state))
    report.equal(second["since"][0]["size"], first["events"], "what the log was held to")
    report.equal(state.read_text(), second["checkpoint"], "the state after it")
    report.equal(auditor(ledger.path, 0, "--since", str(state))["events"], second["events"], "--since")

    rolled_back = auditor(older.path, 3, "--state", str(state))
    classes = [(each["class"], each["first"], each["last"]) for each in rolled_back["damage"]]
    report.equal(classes, [("truncated", first["events"], second["events"] - 1)], "a log that was rolled back")
    report.equal(len(rolled_back["evidence"]), 2, "evidence of a rollback")
    report.equal(state.read_text(), second["checkpoint"], "a state is not replaced by less")

    grow(older, account, 5)
    forked = auditor(older.path, 3, "--state", str(state))
    report.equal([each["class"] for each in forked["damage"]], ["forked"], "a log that was forked")
    kept = [Path(each["kept"]) for each in forked["evidence"] if "kept" in each]
    report.equal([file.read_text() for file in kept], [forked["checkpoint"]], "the other checkpoint is kept")
    report.equal(state.read_text(), second["checkpoint"], "and so is the one seen before")

    auditor(directory / "gone", 4, "--data", str(directory / "gone"), "--state", str(state))
    seen, other = state.read_bytes(), Ledger(auditor.program, directory / "other")
    edited = seen.replace(b"\n%d\n" % second["events"], b"\n%d\n" % (second["events"] + 1))
    foreign = auditor(other.path, 0)["checkpoint"].encode()
    for content in (b"", b"x", seen[:20], edited, foreign.replace(b"daicho.example", b"other.example")):
        (directory / "bad").write_bytes(content)
        answer = ledger.run("audit", "verify", "--state", str(directory / "bad"))
        report.equal(answer.code, 2, f"a state of {content!r}: {answer.words}")
    report.equal(ledger.run("audit", "verify", "--since", str(directory / "none")).code, 2, "--since a missing file")
    both = ledger.run("audit", "verify", "--state", str(state), "--report", str(state))
    report.equal(both.code, 2, "one file for both")
    stranger = auditor(other.path, 3, "--state", str(state))
    report.equal([each["class"] for each in stranger["damage"]], ["forked"], "a log of the same name and another key")
    lost = auditor(older.path, 3, "--state", str(state), "--copy", str(ledger.path))
    parting = [each for each in lost["damage"] if each["thing"] == "event"]
    report.equal([each["first"] for each in parting], [first["events"]], "where the fork leaves the copy")


def depths(auditor, ledger, report):
    told = {depth: auditor(ledger.path, 0, "--depth", depth) for depth in DEPTHS}
    for depth, each in told.items():
        report.equal(each["depth"], depth, "the depth is named")
    checkpoints = told["hashes"]["checkpoints"]
    report.equal(told["hashes"]["signatures"], checkpoints, "signatures by hashes alone: the checkpoints'")
    for depth in DEPTHS[1:]:
        report.equal(told[depth]["signatures"], checkpoints + told[depth]["events"], f"signatures at depth {depth}")
    report.check(told["signatures"]["projections"] != told["projections"]["projections"], "projections at both depths")


def run(program, directory, report):
    seed = random.randrange(2**32)
    dice, auditor = random.Random(seed), Auditor(program, directory, report)
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    grow(ledger, account, EVENTS)
    depths(auditor, ledger, report)
    copy = ledger.copy_to(directory / "copy").path
    export, untouched = directory / "export", directory / "untouched"
    for folder in (export, untouched):
        report.equal(ledger.run("export", "tiles", str(folder)).code, 0, "export")
    killed = ledger.copy_to(directory / "killed")
    player = killed.program.start("play", "-", "--data", str(killed.path))
    player.stdin.write(json.dumps({"command": "record-sign-in", "account": account, "result": "failed",
                                   "reason": "last"}).encode() + b"\n")
    player.stdin.flush()
    player.stdout.readline()
    player.kill()
    player.communicate()
    tally, vkey = Counter(), (ledger.path / "ledger.vkey").read_text().strip()
    for source, pattern, twin in ((ledger.path, "store/*.sst", copy), (killed.path, "store/*.log", copy),
                                  (export, "tile/entries/**/*", untouched), (export, "tile/0/**/*", untouched)):
        break_files(auditor, source, pattern, twin, vkey, dice, tally)
        kind = pattern.rsplit("/", 1)[-1]
        print(f"{pattern}: {tally['tried', kind]} tried, {tally['found', kind]} found, "
              f"{tally['located', kind]} with the events told")
        tally.clear()
    come_back(auditor, ledger, account, directory, report)
    if report.failures:
        print(f"seed {seed}")


if __name__ == "__main__":
    main("audit_report", run)
