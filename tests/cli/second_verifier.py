"""Random ledgers, exported as they grow, then broken: daicho and the second reader of tests/verifier must agree.

usage: python3 tests/cli/second_verifier.py <path of daicho>"""
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")
sys.path.append(str(Path(__file__).resolve().parents[1] / "verifier"))
import tlog_tiles  # noqa: E402
import verifier  # noqa: E402
from signed_note import Key  # noqa: E402
from support import tampering  # noqa: E402
from support.exports import Export, Signer  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402

REGISTRATION_EVENTS_MAX, CLOSING_EVENTS = 8, 2
READERS = Path(__file__).resolve().parents[1] / "verifier"
SEED = 1
KILLS = 10
PROOF_CHANGES = 16  # of each proof file
NOTE_BYTES = 600  # about: hashes and checkpoint at the end of a proof file


def verdict(answer):
    """(is intact, events, sealed parts) or (is intact, first bad position, kind of fault)."""
    is_intact, finding = answer["result"] == "intact", answer.get("finding", {})
    if not is_intact:
        return False, finding["position"], finding["kind"]
    return True, answer["events"], (answer["sealed_erased"], answer["sealed_without_key"])


class Auditors:
    """Both verifiers of a ledger's exports."""

    def __init__(self, ledger, report):
        self.ledger, self.report = ledger, report
        self.vkey = (ledger.path / "ledger.vkey").read_text().strip()
        self.key = Key.parse(self.vkey.encode())
        self.keys = [self.vkey]  # all that were in force

    def verdicts(self, folder):
        """verdict() of the program and of the second reader; their words."""
        theirs = self.ledger.program("audit", "verify", str(folder), "--threads", "1", "--vkey", self.vkey)
        if not self.report.check(theirs.code in (0, 3) and theirs.out, f"audit verify {folder}: {theirs.words}"):
            return (None,) * 3, (None,) * 3, theirs.words
        ours = verifier.judge(verifier.audit_export, folder, self.key)
        words = f"daicho {theirs.json.get('finding', theirs.json['result'])}, second reader {ours}"
        return verdict(theirs.json), verdict(ours), words

    def must_be_intact(self, folder, sizes, what):
        theirs, ours, words = self.verdicts(folder)
        self.report.check(theirs == ours and ours[0] and ours[1] in sizes, f"{what}: {sorted(sizes)}: {words}")
        self.report.equal(self.tiles_finding(folder), None, f"{what}: tlog-tiles")
        return ours[1]

    def tiles_finding(self, folder):
        """What a client of tlog-tiles that knows all keys and nothing of events finds; None: nothing."""
        try:
            tlog_tiles.check_log(folder, self.all_keys())
        except tlog_tiles.Finding as finding:
            return str(finding)

    def all_keys(self):
        return [Key.parse(vkey.encode()) for vkey in self.keys]

    def check_program(self, folder, what):
        """The second reader's own command line says the same by its exit code and its answer."""
        for reader, arguments, code in (
                ("verifier.py", ["export", str(folder), "--vkey", self.vkey],
                 0 if verifier.judge(verifier.audit_export, folder, self.key)["result"] == "intact" else 3),
                ("tlog_tiles.py", [str(folder), *self.keys], 3 if self.tiles_finding(folder) else 0)):
            done = subprocess.run([sys.executable, "-B", READERS / reader, *arguments], capture_output=True)
            self.report.equal(done.returncode, code, f"{what}: exit of {reader}")

    def judge_proof(self, file, since=None):
        """Whether the program and whether the second reader holds a proof file to be right; words."""
        keys = [argument for vkey in self.keys for argument in ("--vkey", vkey)]
        theirs = self.ledger.program("audit", "check", str(file), *keys, *(["--since", str(since)] if since else []))
        ours = verifier.judge(verifier.check_consistency if since else verifier.check_proof, file,
                              *([since] if since else []), self.all_keys())
        return theirs.code == 0, ours["result"] == "intact", f"daicho {theirs.words}, second reader {ours}"


class Grower:
    """Appends random histories to a ledger, to the event."""

    def __init__(self, ledger, dice):
        self.ledger, self.dice, self.accounts, self.size, self.second, self.named = ledger, dice, [], 2, 0, 0

    def line(self, left):
        self.second += self.dice.randrange(3)
        at = f"2026-03-01T{self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}Z"
        if not self.accounts or (left > REGISTRATION_EVENTS_MAX and self.dice.random() < 0.05):
            self.named += 1
            self.accounts.append(f"user{self.named}@outlook.com")
            return {"command": "register-account", "at": at, **REGISTRATION, "sign_in_name": self.accounts[-1]}
        if len(self.accounts) > 1 and left > CLOSING_EVENTS and self.dice.random() < 0.02:
            closed = self.accounts.pop(self.dice.randrange(len(self.accounts)))
            return {"command": "close-account", "at": at, "account": closed, "password": REGISTRATION["password"],
                    "confirm": True}
        return {"command": "record-sign-in", "at": at, "account": self.dice.choice(self.accounts),
                "result": "failed", "reason": "x" * self.dice.randrange(40)}

    def grow_to(self, size):
        while self.size < size:
            lines, left = [], size - self.size
            while left > 0:
                lines.append(self.line(left))
                costs = {"register-account": REGISTRATION_EVENTS_MAX, "close-account": CLOSING_EVENTS}
                left -= costs.get(lines[-1]["command"], 1)
            played = self.ledger.run("play", "-", stdin="\n".join(map(json.dumps, lines)).encode())
            if played.code != 0:
                sys.exit(f"play: {played.words}")
            answers = map(json.loads, played.out.splitlines())
            self.size = 1 + max(event["seq"] for answer in answers for event in answer.get("events", []))
            self.size += lines[-1]["command"] == "close-account"  # its erasure follows

    def rotate(self, auditors):
        """A new signing key; the size."""
        answer = self.ledger.run("command", "rotate-signing-key")
        if answer.code != 0:
            sys.exit(f"rotate-signing-key: {answer.words}")
        auditors.keys.append(answer.json["vkey"])
        self.size += 1


class Story:
    """One ledger as it grows, its export extended at each stop and kept as it was then."""

    def __init__(self, program, directory, report, dice):
        self.ledger = Ledger(program, directory / "ledger")
        self.auditors, self.grower = Auditors(self.ledger, report), Grower(self.ledger, dice)
        self.directory, self.report, self.kept = directory, report, {}
        self.signers, self.rotations = [self.signer()], []

    def signer(self):
        return Signer((self.ledger.path / "signing.key").read_text())

    def stop(self, size):
        self.grower.grow_to(size)
        self.export()

    def rotate(self):
        self.rotations.append(self.grower.size)
        self.grower.rotate(self.auditors)
        self.signers.append(self.signer())
        self.export()

    def export(self):
        folder, size = self.directory / "public", self.grower.size
        answer = self.ledger.run("export", "tiles", str(folder))
        self.report.check(answer.code == 0 and answer.json["size"] == size, f"export at {size}: {answer.words}")
        self.auditors.must_be_intact(folder, {size}, f"export at {size}")
        copy = self.directory / f"at-{size}"
        Export(folder).copy_to(copy)
        self.kept[size] = Export(copy)

    def forger(self, size):
        return tampering.Forger(self.kept[size], self.signers, [at for at in self.rotations if at < size])


def kill_exports(story, dice):
    """Exports onto each kept folder and onto none, killed at any moment, are clean at once and after the next."""
    sizes, moments, started = sorted(story.kept), Counter(), time.monotonic()
    story.ledger.run("export", "tiles", str(story.directory / "timed"))
    seconds = time.monotonic() - started
    for number in range(KILLS):
        old, folder = dice.choice(sizes[:-1]), story.directory / f"killed-{number}"
        if number % 4 != 0:
            story.kept[old].copy_to(folder)
        process = story.ledger.program.start("export", "tiles", str(folder), "--data", str(story.ledger.path))
        time.sleep(1.2 * dice.random() * seconds)
        process.kill()
        process.communicate()
        if (folder / "checkpoint").exists():
            found = story.auditors.must_be_intact(folder, {old, sizes[-1]}, f"killed export {number}")
            moments["at the new checkpoint" if found == sizes[-1] else "at the old one"] += 1
        else:
            moments["before the first"] += 1
        answer = story.ledger.run("export", "tiles", str(folder))
        story.report.equal(answer.code, 0, f"export after kill {number}")
        story.auditors.must_be_intact(folder, {sizes[-1]}, f"resumed export {number}")
    print("killed exports:", ", ".join(f"{count} {words}" for words, count in sorted(moments.items())))


def proof_files(story, dice):
    """(words, file, the checkpoint that it starts from) of each kind of proof."""
    newest, account = max(story.kept), story.ledger.query("account", "--account", story.grower.accounts[-1])["account"]
    asked = [("event", ["prove", str(dice.randrange(newest))], None), ("last event", ["prove", str(newest - 1)], None),
             ("account", ["account", account], None)]
    for _ in range(3):
        old, new = sorted(dice.sample(sorted(story.kept), 2))
        since, later = (str(story.kept[size].folder / "checkpoint") for size in (old, new))
        asked.append((f"consistency of {old} and {new}", ["consistency", since, later], since))
    for number, (words, arguments, since) in enumerate(asked):
        file = story.directory / f"{number}.proof"
        answer = story.ledger.run("audit", *arguments, "--out", str(file))
        story.report.equal(answer.code, 0, f"audit {words}: {answer.words}")
        yield words, file, since


def break_proofs(story, dice):
    """Proof files are right for both, and each change of a byte is judged alike."""
    tried, found, spoilt = 0, 0, story.directory / "spoilt.proof"
    for words, file, since in proof_files(story, dice):
        theirs, ours, said = story.auditors.judge_proof(file, since)
        story.report.check(theirs and ours, f"proof of {words}: {said}")
        octets = file.read_bytes()
        for number in range(PROOF_CHANGES):
            first = 0 if number % 2 else max(0, len(octets) - NOTE_BYTES)
            at, bit = dice.randrange(first, len(octets)), dice.randrange(8)
            spoilt.write_bytes(octets[:at] if number % 5 == 4 else tampering.flipped(octets, at, bit))
            theirs, ours, said = story.auditors.judge_proof(spoilt, since)
            story.report.equal(theirs, ours, f"proof of {words}, byte {at}, bit {bit}: {said}")
            tried, found = tried + 1, found + (not theirs and not ours)
    print(f"proof files: {tried} changes tried, {found} found, the others in signature lines that no check needs")


def break_export(story, size, changes, tally):
    """Each change is made to a copy; the verdicts are the same, and right."""
    report, folder = story.report, story.directory / "broken"
    for what, must_find, change in changes:
        change(story.kept[size].copy_to(folder))
        if tally.total() % 100 == 0:
            story.auditors.check_program(folder, f"{size} events, {what}")
        theirs, ours, words = story.auditors.verdicts(folder)
        told = 2 if what.startswith("swap") else 3  # two files are spoilt then: reading order says which is named
        is_same = report.check(theirs[:told] == ours[:told], f"{size} events, {what}: disagreement: {words}")
        if must_find and is_same:
            report.check(not ours[0], f"{size} events, {what}: not found: {words}")
        kind = what.split(":")[0]
        tally["tried", kind] += 1
        tally["found", kind] += not theirs[0] and not ours[0]
        tally["located", kind] += not ours[0] and is_same


def break_exports(story, other, dice):
    tally, sizes = Counter(), sorted(story.kept)
    rotated = story.rotations[0] + 1
    small, big = sizes[sizes.index(rotated) + 1], sizes[-1]
    for size, share in ((rotated, 2), (small, 3), (big, 1)):
        export, older = story.kept[size], [story.kept[each] for each in sizes if each < size]
        for changes in (tampering.file_changes(export, dice, share), tampering.swaps(export, dice, 3 * share),
                        tampering.entry_changes(export, other, dice, share),
                        tampering.checkpoint_changes(export, older[-3:], other),
                        story.forger(size).changes(dice, 11 * share)):
            break_export(story, size, changes, tally)
    for kind in sorted({kind for _, kind in tally}):
        print(f"{kind}: {tally['tried', kind]} tried, {tally['found', kind]} found, "
              f"{tally['located', kind]} located alike")
    totals = [sum(count for (word, _), count in tally.items() if word == asked)
              for asked in ("tried", "found", "located")]
    print("changes: {} tried, {} found, {} located alike by both".format(*totals))


def no_checkpoint(story):
    """A folder without a checkpoint is no export: for the program a wrong argument, for the reader nothing to hold."""
    folder = story.kept[max(story.kept)].copy_to(story.directory / "broken")
    (folder / "checkpoint").unlink()
    story.report.equal(story.ledger.program("audit", "verify", str(folder), "--vkey", story.auditors.vkey).code, 2,
                       "no checkpoint")
    story.report.equal(verifier.judge(verifier.audit_export, folder, story.auditors.key)["result"], "violated",
                       "no checkpoint")


def run(program, directory, report):
    dice = random.Random(SEED)
    (directory / "other").mkdir()
    other = Story(program, directory / "other", report, dice)
    other.stop(dice.randrange(10, 30))
    story = Story(program, directory, report, dice)
    for _ in range(3):
        story.stop(story.grower.size + dice.randrange(1, 9))
    story.rotate()
    for size in (story.grower.size + dice.randrange(2, 9), 255, 256, 257, dice.randrange(300, 500), 511, 512):
        story.stop(size)
    story.rotate()
    story.stop(story.grower.size + dice.randrange(1, 40))
    report.check(verdict(verifier.judge(verifier.audit_export, story.kept[story.grower.size].folder,
                                        story.auditors.key))[2][0] > 0, "nothing in these histories is erased")
    kill_exports(story, dice)
    break_proofs(story, dice)
    no_checkpoint(story)
    break_exports(story, max(other.kept.values(), key=lambda export: export.checkpoint.size), dice)


if __name__ == "__main__":
    main("second_verifier", run)
