"""Backups beside a writer, what is none, restoring, and that a restored ledger cannot fork unseen.

usage: python3 tests/cli/backup_restore.py <path of daicho>"""
import json
import shutil
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402

SECRETS = ("signing.key", "master.key")


def size_of(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def backup(ledger, to, *args):
    return ledger.run("backup", str(to), *args)


def restore(program, backups, to, *args):
    return program("restore", str(backups), "--data", str(to), *args)


def ledger_at(ledger, path):
    at = Ledger.__new__(Ledger)
    at.program, at.path = ledger.program, path
    return at


def sign_in(ledger, account, reason="x"):
    return ledger.command("record-sign-in", {"account": account, "result": "failed", "reason": reason})


def put_keys(ledger, to):
    for name in SECRETS:
        shutil.copy(ledger.path / name, to / name)


class Writer:
    """A player that appends as fast as it is answered, until it is stopped; `answered` is how many were."""

    def __init__(self, ledger, account):
        self.player = ledger.program.start("play", "-", "--data", str(ledger.path))
        self.account, self.answered, self.stopping = account, 0, False
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        while not self.stopping:
            line = {"command": "record-sign-in", "account": self.account, "result": "failed",
                    "reason": f"n{self.answered}"}
            self.player.stdin.write(json.dumps(line).encode() + b"\n")
            self.player.stdin.flush()
            if self.player.stdout.readline():
                self.answered += 1

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.player.communicate()


def beside_a_writer(ledger, account, backups, report):
    """Each backup holds all that was answered before it began; without keys in it."""
    writer = Writer(ledger, account)
    for number in range(4):
        before = writer.answered
        answer = backup(ledger, backups)
        if report.check(answer.code == 0, f"backup {number} beside a writer: {answer.words}"):
            report.check(answer.json["events"] >= before, f"{before} events were answered before {answer.json}")
            report.equal(answer.json["status"], "good", "a backup's status")
    writer.stop()
    report.check(writer.answered > 50, f"the writer went on meanwhile: {writer.answered}")
    report.equal([file.name for file in backups.rglob("*.key*")], [], "key files in the folder of backups")
    master = (ledger.path / "master.key").read_bytes().strip()
    holds = any(master in file.read_bytes() for file in backups.rglob("*") if file.is_file())
    report.check(not holds, "the master key is in the folder of backups")
    report.check(not (ledger.path / "backup.image").exists(), "an image is left")
    report.equal(ledger.run("audit", "verify").code, 0, "the ledger after its backups")


def incremental(ledger, account, backups, report):
    """What is unchanged is not copied again; --keep removes the oldest and leaves the rest whole."""
    backup(ledger, backups)
    full = size_of(backups)
    sign_in(ledger, account)
    answer = backup(ledger, backups, "--keep", "2")
    report.check(answer.json["bytes_copied"] < full / 2, f"{answer.json['bytes_copied']} of {full} bytes were copied")
    listed = ledger.program("backup", "list", str(backups), "--format", "json").json["backups"]
    report.equal([(each["status"]) for each in listed], ["good", "good"], "after --keep 2")
    report.equal(listed[-1]["events"], len(ledger.events()), "events of the newest backup")
    verified = ledger.program("backup", "verify", str(backups))
    report.equal(verified.code, 0, f"verify of what is kept: {verified.words}")
    pruned = ledger.program("backup", "prune", str(backups), "--keep", "1")
    report.equal((pruned.code, len(pruned.json["removed"]), pruned.json["kept"]), (0, 1, 1), "prune")


def wrong_places(ledger, backups, directory, report):
    other = Ledger(ledger.program, directory / "other")
    for what, answer in (("another ledger's folder", backup(other, backups)),
                         ("a folder with something else in it", backup(ledger, directory)),
                         ("the ledger's own directory", backup(ledger, ledger.path)),
                         ("no folder of backups", restore(ledger.program, directory / "other", directory / "new")),
                         ("no such backup", restore(ledger.program, backups, directory / "new", "--id", "99")),
                         ("a directory that is there", restore(ledger.program, backups, directory / "other"))):
        report.check(answer.code == 2 and len(answer.err) > 20, f"{what}: {answer.words}")
    report.equal(other.run("audit", "verify").code, 0, "the directory that was not restored into")
    report.check(not (directory / "new").exists(), "a refused restore made a directory")


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def damaged(ledger, backups, directory, report):
    """A flipped byte in any file: not called a backup any more, and not restored."""
    files = [file for folder in ("shared_checksum", "private") for file in (backups / folder).rglob("*")
             if file.is_file() and file.stat().st_size > 0]
    report.check(len(files) > 4, f"files of a backup: {len(files)}")
    for file in files:
        copy = directory / "damaged"
        shutil.copytree(backups, copy)
        flip(copy / file.relative_to(backups))
        restored = restore(ledger.program, copy, directory / "from-damaged")
        report.equal(restored.code, 3, f"restore with a flipped byte in {file.name}: {restored.words}")
        report.check(not (directory / "from-damaged" / "ledger.vkey").exists(), "a damaged restore looks finished")
        shutil.rmtree(directory / "from-damaged", ignore_errors=True)
        verified = ledger.program("backup", "verify", str(copy), "--format", "json")
        report.equal(verified.code, 3, f"verify with a flipped byte in {file.name}: {verified.words}")
        listed = ledger.program("backup", "list", str(copy), "--format", "json").json["backups"]
        report.equal(listed[-1]["status"], "damaged", f"the list after a flipped byte in {file.name}")
        report.equal(restore(ledger.program, copy, directory / "from-damaged").code, 2, "restore of what is on record")
        shutil.rmtree(copy)


def damaged_ledger(ledger, directory, report):
    """A ledger whose own bytes are changed gives no backup, and the folder none that is listed."""
    copy = ledger.copy_to(directory / "changed")
    table = max(copy.path.glob("store/*.sst"), key=lambda file: file.stat().st_size)
    flip(table)
    answer = backup(copy, directory / "of-changed")
    report.equal(answer.code, 3, f"backup of a changed ledger: {answer.words}")
    listed = ledger.program("backup", "list", str(directory / "of-changed"), "--format", "json")
    report.equal(listed.json["backups"], [], "backups of a changed ledger")
    report.equal(ledger.program("backup", "verify", str(directory / "of-changed")).code, 2, "verify of no backup")


def altered_record(ledger, account, backups, directory, report):
    """A record is what somebody wrote beside a backup: how much there is, is what the backup is signed for."""
    copy = directory / "altered"
    shutil.copytree(backups, copy)
    file = max((copy / "records").iterdir(), key=lambda each: int(each.name))
    right = json.loads(file.read_bytes())
    sign_in(ledger, account)
    later = (ledger.path / "checkpoint").read_text()
    for number, (what, changes, code) in enumerate((
            ("as it was", {}, 0), ("fewer events", {"events": 3}, 0), ("more events", {"events": 1 << 40}, 0),
            ("no checkpoint", {"checkpoint": "nonsense"}, 0), ("an altered one", {"checkpoint": right["checkpoint"]
                                                               .replace(f"\n{right['events']}\n", "\n7\n", 1)}, 0),
            ("another ledger's", {"checkpoint": (directory / "other" / "checkpoint").read_text()}, 0),
            ("one that covers more", {"checkpoint": later}, 3))):
        file.write_text(json.dumps({**right, **changes}))
        to = directory / f"altered-{number}"
        answer = restore(ledger.program, copy, to, "--id", file.name)
        if not report.equal(answer.code, code, f"{what}: {answer.words}") or code != 0:
            continue
        found = (answer.json["events"], answer.json["checkpoint"], (to / "checkpoint").read_text())
        report.equal(found, (right["events"], right["checkpoint"], right["checkpoint"]), f"{what}: what was restored")
        is_told = any("record" in words for words in answer.json.get("warnings", []))
        report.equal(is_told, bool(changes), f"{what}: whether it is told: {answer.words}")
        mark = json.loads((to / "restored").read_text())
        report.equal((mark["events"], mark["checkpoint"]), found[:2], f"{what}: the mark")
        verified = ledger.program("backup", "verify", str(copy), "--id", file.name)
        written = json.loads(file.read_text())
        report.equal((verified.code, written["events"], written["checkpoint"]), (0, *found[:2]), f"{what}: verified")


def interrupted(ledger, directory, report):
    """A backup that is killed leaves none, and the next one goes through."""
    to = directory / "interrupted"
    for number in range(6):
        process = ledger.program.start("backup", str(to), "--data", str(ledger.path))
        try:
            process.wait(0.02 * (1 + number))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    answer = backup(ledger, to)
    report.equal(answer.code, 0, f"a backup after killed ones: {answer.words}")
    listed = ledger.program("backup", "list", str(to), "--format", "json").json["backups"]
    report.equal({each["status"] for each in listed}, {"good"}, "what killed runs left")
    report.equal(ledger.program("backup", "verify", str(to)).code, 0, "verify after killed runs")


def restored_ledger(ledger, account, backups, directory, report):
    """Reads at once, writes only when it is accepted; the event says what is missing, an audit too."""
    report.equal(backup(ledger, backups).code, 0, "backup before the loss")
    size = len(ledger.events())
    lost = [sign_in(ledger, account, f"lost_{n}") for n in range(3)]
    report.equal([each.code for each in lost], [0, 0, 0], "events to be lost")
    known = len(ledger.events())
    to = directory / "restored"
    answer = restore(ledger.program, backups, to)
    report.equal((answer.code, answer.json.get("missing_files")), (0, list(SECRETS)), f"restore: {answer.words}")
    restored = ledger_at(ledger, to)
    report.equal(restored.run("audit", "verify").code, 0, "audit of a restored directory")
    put_keys(ledger, to)
    report.equal(len(restored.events()), size, "events of a restored ledger")
    refused = sign_in(restored, account)
    report.check(refused.code == 4 and b"restore --accept" in refused.err, f"a restored ledger writes: {refused.words}")
    report.equal(restored.run("replay", "--rebuild").code, 4, "a rebuild of a restored ledger")

    accept = ["restore", "--accept", "--seen", str(ledger.path / "checkpoint")]
    no_reason = restored.run(*accept)
    report.equal(no_reason.code, 2, f"accept without a reason: {no_reason.words}")
    report.equal(sign_in(restored, account).code, 4, "after an accept without a reason")
    accepted = restored.run(*accept, "--reason", "disk of node 2 lost")
    if not report.equal(accepted.code, 0, f"accept: {accepted.words}"):
        return
    found = (accepted.json["events_missing"], accepted.json["missing_from"], accepted.json["missing_to"])
    report.equal(found, (known - size, size, known - 1), "what is missing")
    event = restored.events()[-1]
    report.equal((event["type"], event["seq"], event["account"]),
                 ("RestoreAccepted", size, "00000000-0000-0000-0000-000000000000"), "the event")
    report.equal((event["payload"]["size"], event["payload"]["known_size"]), (size, known), "its payload")
    audit = restored.run("audit", "verify")
    cut = {"position": size, "events_missing": known - size, "missing_from": size, "missing_to": known - 1}
    report.equal((audit.code, audit.json["restores"]), (0, [cut]), "audit of a cut history")
    report.check(any("cut" in words for words in audit.json["warnings"]), f"its warnings: {audit.json['warnings']}")
    report.check(sign_in(restored, account).code in (0, 1), "an accepted ledger does not write")
    again = restored.run(*accept, "--reason", "again")
    report.equal(again.code, 2, f"what was accepted once is not again: {again.words}")
    while len(restored.events()) < known:
        sign_in(restored, account)
    sign_in(ledger, account)
    longer = restored.run("restore", "--accept", "--seen", str(restored.path / "checkpoint"), "--reason", "own")
    report.equal(longer.code, 2, f"its own checkpoint covers no more: {longer.words}")
    fork = ledger_at(ledger, ledger.path).run("restore", "--accept", "--seen", str(to / "checkpoint"), "--reason", "x")
    report.check(fork.code == 3 and b"forks" in fork.err, f"the old ledger, shown the new branch: {fork.words}")
    stored = b"".join(file.read_bytes() for file in to.glob("store/*") if file.is_file())
    report.check(b"disk of node 2" not in stored, "the reason is stored in the clear")


def nothing_missing(ledger, account, backups, directory, report):
    report.equal(backup(ledger, backups).code, 0, "backup with nothing after it")
    to = directory / "whole"
    report.equal(restore(ledger.program, backups, to).code, 0, "restore with nothing after it")
    put_keys(ledger, to)
    restored = ledger_at(ledger, to)
    seen = ["--seen", str(ledger.path / "checkpoint")]
    accepted = restored.run("restore", "--accept", *seen, "--reason", "moved to another host")
    report.equal((accepted.code, accepted.json.get("events_missing")), (0, 0), f"accept: {accepted.words}")
    report.equal(restored.run("audit", "verify").json["restores"],
                 [{"position": len(ledger.events()), "events_missing": 0}], "audit of a whole history")
    again = restored.run("restore", "--accept", *seen, "--reason", "again")
    report.equal(again.code, 2, f"there is nothing to accept: {again.words}")


def not_ours(ledger, backups, directory, report):
    """A checkpoint of another ledger is not compared with, and accepts nothing."""
    to = directory / "compared"
    restore(ledger.program, backups, to)
    put_keys(ledger, to)
    restored = ledger_at(ledger, to)
    other = ["--seen", str(directory / "other" / "checkpoint")]
    answer = restored.run("restore", "--accept", *other, "--reason", "x")
    report.equal(answer.code, 2, f"another ledger's checkpoint: {answer.words}")
    report.check((to / "restored").exists(), "the mark is gone after a refused accept")


def behind_by_itself(ledger, account, directory, report):
    """A store that lost its end, without any restore: read only, and the same way out."""
    older = ledger.copy_to(directory / "older")
    size = len(older.events())
    sign_in(ledger, account, "later")
    known = len(ledger.events())
    shutil.copy(ledger.path / "checkpoint", older.path / "checkpoint")
    refused = sign_in(older, account)
    is_told = refused.code == 3 and b"restore --accept" in refused.err
    report.check(is_told, f"a store that lost its end: {refused.words}")
    accepted = older.run("restore", "--accept", "--reason", "snapshot of yesterday")
    report.equal((accepted.code, accepted.json.get("events_missing")), (0, known - size), f"accept: {accepted.words}")
    report.check((older.path / f"checkpoint.{known}").exists(), "the checkpoint is not kept")
    report.check(sign_in(older, account).code in (0, 1), "an accepted ledger does not write")
    report.equal(older.run("audit", "verify").code, 0, "audit afterwards")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    backups = directory / "backups"
    beside_a_writer(ledger, account, backups, report)
    incremental(ledger, account, backups, report)
    wrong_places(ledger, backups, directory, report)
    damaged(ledger, backups, directory, report)
    damaged_ledger(ledger, directory, report)
    altered_record(ledger, account, backups, directory, report)
    interrupted(ledger, directory, report)
    restored_ledger(ledger, account, backups, directory, report)
    nothing_missing(ledger, account, backups, directory, report)
    not_ours(ledger, backups, directory, report)
    behind_by_itself(ledger, account, directory, report)


if __name__ == "__main__":
    main("backup_restore", run)
