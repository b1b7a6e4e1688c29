"""An old backup is restored: accounts that were closed since stay erased, from the first moment on, whoever knew of it.

usage: python3 tests/cli/restore_erasure.py <path of daicho>"""
import base64
import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

sys.path.append(str(Path(__file__).resolve().parents[1] / "verifier"))
from erasure import NAME, PERSONAL, close, octets_of, plant  # noqa: E402
from support.exports import Export, Signer, field_of, sign_entry, write_log  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.stolen import LEDGER, Thief, commitment, contents  # noqa: E402

KEYS = ("signing.key", "master.key")
KILLS = 9


def ledger_at(program, path):
    at = Ledger.__new__(Ledger)
    at.program, at.path = program, Path(path)
    return at


def must(answer, words):
    if answer.code != 0:
        sys.exit(f"{words}: {answer.words}")
    return answer


class World:
    """A ledger, a backup of when its owner was there, and all that knows of the owner's closing since."""

    def __init__(self, program, directory, rotates=False):
        self.program, self.directory = program, directory
        self.ledger = Ledger(program, directory / "ledger")
        early = self.register("early@outlook.com")
        must(close(self.ledger, early), "close-account")
        self.owner, self.other = plant(self.ledger), self.ledger.register()
        self.old, self.both, self.public = directory / "old", directory / "both", directory / "public"
        must(self.ledger.run("backup", str(self.both)), "backup")
        shutil.copytree(self.both, self.old)
        self.size = len(self.ledger.events())
        self.keys = {name: (self.ledger.path / name).read_bytes() for name in KEYS}
        if rotates:
            must(self.ledger.command("rotate-signing-key", {}), "rotate-signing-key")
        must(close(self.ledger, self.owner), "close-account")
        must(close(self.ledger, self.register("late@outlook.com")), "close-account")
        self.sign_in(self.ledger)
        must(self.ledger.run("backup", str(self.both)), "backup")
        must(self.ledger.run("export", "tiles", str(self.public)), "export")
        self.list = directory / "erasures.ndjson"
        self.list.write_bytes(must(self.query_list(), "query erasures").out)
        self.known = len(self.ledger.events())
        self.fresh = 0

    def register(self, name):
        return must(self.ledger.command("register-account", {**REGISTRATION, "sign_in_name": name}),
                    "register-account").json["account"]

    def sign_in(self, ledger):
        return ledger.command("record-sign-in", {"account": self.other, "result": "succeeded"})

    def query_list(self, *args):
        return self.ledger.run("query", "erasures", "--format", "ndjson", *args)

    def restore(self, folder, *sources, extra=()):
        """The answer, and the directory, with its keys where it was made."""
        self.fresh += 1
        to = self.directory / f"restored-{self.fresh}"
        given = [word for source in sources for word in ("--erasures", str(source))]
        answer = self.program("restore", str(folder), "--id", "1", "--data", str(to), *given, *extra)
        if answer.code == 0:
            for name, content in self.keys.items():
                (to / name).write_bytes(content)
        return answer, ledger_at(self.program, to)

    def accept(self, restored, *args):
        return restored.run("restore", "--accept", "--seen", str(self.ledger.path / "checkpoint"), "--reason", "lost",
                            *args)

    def stolen(self, restored):
        """What a thief of the directory and the master key has of the owner: (files with the key, what is read), and
        whether the other account's key is there."""
        thief = Thief(restored.path, [octets_of(self.owner), octets_of(self.other)])
        plain = thief.sealed_parts(Export(self.public).entries)
        read = {value for value in PERSONAL if value.encode() in plain}
        return (thief.places[octets_of(self.owner)], read), bool(thief.places[octets_of(self.other)])


def check_erased(world, restored, report, words):
    of_owner, has_other = world.stolen(restored)
    report.equal(of_owner, (set(), set()), f"{words}: files with the owner's key, and what is read with it")
    report.check(has_other, f"{words}: the other account's key is gone")


def check_audit(restored, report, words, erasures):
    answer = restored.run("audit", "verify")
    report.equal((answer.code, answer.json.get("erasures")), (0, erasures), f"{words}: audit {answer.words}")
    report.equal(restored.run("replay").code, 0, f"{words}: replay")


def check_restored(world, answer, restored, report, words):
    """The directory as it is handed over, before anybody accepts it."""
    report.equal(answer.json["erased"], [world.owner], f"{words}: erased")
    check_erased(world, restored, report, f"{words}: restored")
    pending = {"completed": 1, "not_completed": 0, "pending": 1}
    check_audit(restored, report, f"{words}: restored", pending)
    (restored.path / "master.key").unlink()
    check_audit(restored, report, f"{words}: without the master key", pending)
    (restored.path / "master.key").write_bytes(world.keys["master.key"])
    for query in ("account", "proofs", "timeline", "recoveries", "limits"):
        for named in (world.owner, NAME):
            shown = restored.run("query", query, "--account", named)
            report.equal(shown.code, 0, f"{words}: query {query}: {shown.words}")
            is_shown = any(value.encode() in shown.out for value in PERSONAL)
            report.check(not is_shown, f"{words}: query {query} shows {shown.out}")
    report.equal(world.sign_in(restored).code, 4, f"{words}: a restored ledger writes")


def check_accepted(world, restored, report, words):
    """The owner's account is closed in this history, too, and the ledger goes on."""
    events = restored.query("events", "--account", world.owner, "--limit", "10000")["events"]
    report.equal([each["type"] for each in events[-2:]], ["AccountClosed", "ErasureCompleted"], f"{words}: its end")
    report.equal([each["type"] for each in events].count("AccountClosed"), 1, f"{words}: closed once")
    cause = events[-2]["caused_by"]
    report.equal(restored.events()[cause]["type"], "RestoreAccepted", f"{words}: why it was closed")
    old = world.ledger.query("events", "--account", world.owner, "--type", "AccountClosed")["events"][0]["payload"]
    report.equal(events[-2]["payload"], old, f"{words}: the closing that is gone, again")
    check_erased(world, restored, report, f"{words}: accepted")
    check_audit(restored, report, f"{words}: accepted", {"completed": 2, "not_completed": 0})
    again = restored.command("register-account", {**REGISTRATION, "sign_in_name": NAME})
    report.equal((again.code, again.json.get("code")), (1, "sign_in_name_taken"), f"{words}: the closed name")
    report.equal(close(restored, world.owner).json.get("code"), "account_closed", f"{words}: closing it now")
    report.equal(world.sign_in(restored).code, 0, f"{words}: the other account goes on")
    rebuilt = restored.run("replay", "--rebuild").json["result"]
    report.equal(rebuilt, "rebuilt, the stored rows were equal", f"{words}: rebuild")


def each_source(world, report):
    """Whoever knows of the closing, asked when the backup is restored, or when it is accepted."""
    vkey = (world.ledger.path / "ledger.vkey").read_text().strip()
    for words, folder, sources in (("newer backups", world.both, ()), ("an export", world.old, (world.public,)),
                                   ("the lost directory", world.old, (world.ledger.path,)),
                                   ("a list", world.old, (world.list,)),
                                   ("a folder of backups", world.old, (world.both,)),
                                   ("all of them", world.both, (world.list, world.public, world.ledger.path))):
        answer, restored = world.restore(folder, *sources, extra=("--vkey", vkey))
        if not report.equal(answer.code, 0, f"{words}: {answer.words}"):
            continue
        report.equal(answer.json["erasures_known_to"], world.known, f"{words}: known to")
        check_restored(world, answer, restored, report, words)
        accepted = world.accept(restored)
        found = (accepted.code, accepted.json.get("erased_again"), accepted.json.get("erasures_unknown"))
        report.equal(found, (0, [world.owner], None), f"{words}: accept: {accepted.words}")
        check_accepted(world, restored, report, words)
    for words, source in (("an export", world.public), ("the lost directory", world.ledger.path),
                          ("a list", world.list), ("a folder of backups", world.both)):
        _, restored = world.restore(world.old)
        report.check(world.stolen(restored)[0][0], f"{words}: nothing is shown: the key was not there")
        accepted = world.accept(restored, "--erasures", str(source))
        report.equal(accepted.json.get("erased_again"), [world.owner], f"{words} with --accept: {accepted.words}")
        check_accepted(world, restored, report, f"{words} with --accept")


def nobody_knows(world, report):
    """Then the account is open, and it is said so; a list or an export that turns up later closes it."""
    for words, source in (("a list", world.list), ("an export", world.public)):
        answer, restored = world.restore(world.old)
        report.equal((answer.json["erased"], answer.json["erasures_known_to"]), ([], world.size), "nobody knows")
        report.check(f"from event {world.size} on" in answer.json["next"], f"nobody knows: next: {answer.words}")
        accepted = world.accept(restored)
        unknown = accepted.json.get("erasures_unknown", {})
        report.equal((accepted.json["erased_again"], unknown.get("from"), unknown.get("to")),
                     ([], world.size, world.known - 1), "nobody knows: accept")
        report.check(world.stolen(restored)[0][1], "the owner is not read: nothing is shown by this test")
        world.sign_in(restored)
        late = restored.run("restore", "--accept", "--erasures", str(source), "--reason", "found again")
        report.equal((late.code, late.json.get("erased_again"), late.json.get("events_missing")),
                     (0, [world.owner], 0), f"{words} that turns up: {late.words}")
        warnings = late.json["erasures_from"][0].get("warnings", [])
        is_other = any("another history" in warning for warning in warnings)
        report.equal(is_other, source == world.public, f"{words} that turns up: {warnings}")
        check_accepted(world, restored, report, f"{words} that turns up")
        again = restored.run("restore", "--accept", "--erasures", str(source), "--reason", "again")
        report.equal(again.code, 2, f"{words} that turns up twice: {again.words}")
        report.equal(world.sign_in(restored).code, 0, f"after {words} that turned up twice")


def another_key(world, report):
    """A closing by the ledger's key of a data key that is not the account's: told, and left alone."""
    export, signer = Export(world.public), Signer(world.keys["signing.key"].decode())
    closed = world.ledger.query("events", "--account", world.owner, "--type", "AccountClosed")["events"][0]
    right = bytes.fromhex(closed["payload"]["key_fingerprint"])
    envelope = export.entries[closed["seq"]]
    report.equal(envelope.count(right), 1, "the fingerprint in the closing's bytes")
    row = json.loads(lines_of(world)[-2])
    row["event"] = base64.b64encode(sign_entry(envelope.replace(right, bytes(reversed(right))), signer)).decode()
    file = world.directory / "another-key.ndjson"
    end = json.loads(lines_of(world)[-1]) | {"erasures": 1}
    file.write_text(json.dumps(row) + "\n" + json.dumps(end) + "\n")
    _, restored = world.restore(world.old)
    accepted = world.accept(restored, "--erasures", str(file))
    found = (accepted.code, accepted.json.get("erased_again"), accepted.json.get("another_key"))
    report.equal(found, (0, [], [world.owner]), f"another key: {accepted.words}")
    report.equal(restored.query("account", "--account", world.owner)["state"], "active", "another key: the account")
    report.equal(restored.run("audit", "verify").code, 0, "another key: audit")


def carried_on(world, report):
    """A backup of a restored directory that nobody accepted has what is pending in it."""
    _, restored = world.restore(world.old, world.list)
    folder = world.directory / "of-restored"
    taken = restored.run("backup", str(folder))
    report.equal(taken.code, 0, f"a backup of what is pending: {taken.words}")
    answer, again = world.restore(folder)
    report.equal(answer.json.get("erased"), [world.owner], f"restored from it: {answer.words}")
    check_erased(world, again, report, "restored from a backup of a restored directory")
    report.equal(world.accept(again).json.get("erased_again"), [world.owner], "accepted from it")
    check_accepted(world, again, report, "accepted from it")


def lines_of(world):
    return world.list.read_bytes().splitlines(keepends=True)


def with_event(line, change):
    row = json.loads(line)
    row["event"] = base64.b64encode(change(base64.b64decode(row["event"]))).decode()
    return json.dumps(row).encode() + b"\n"


def of_account(account):
    """Another account's id in an event's bytes: forged, for nobody signed it."""
    return lambda envelope: field_of(envelope, "account").write(envelope, octets_of(account))


def wrong_sources(world, report):
    """Nothing is restored from a backup when a source is not what it should be, and nothing is accepted."""
    stranger = Ledger(world.program, world.directory / "stranger")
    stranger_closed = plant(stranger)
    must(close(stranger, stranger_closed), "close-account")
    must(stranger.run("export", "tiles", str(world.directory / "strangers")), "export")
    strangers = world.directory / "strangers.ndjson"
    strangers.write_bytes(must(stranger.run("query", "erasures", "--format", "ndjson"), "query erasures").out)
    lines = lines_of(world)
    os.mkfifo(world.directory / "pipe")
    wrong = [("another ledger's export", world.directory / "strangers"), ("another ledger's list", strangers),
             ("another ledger", stranger.path), ("a pipe", world.directory / "pipe"),
             ("an empty folder", world.directory / "empty"), ("nothing", world.directory / "nothing")]
    (world.directory / "empty").mkdir()
    for number, (words, content) in enumerate((
            ("a list without its end", b"".join(lines[:-1])), ("a list cut in a line", b"".join(lines)[:-30]),
            ("a list without a line", b"".join([*lines[:1], *lines[2:]])), ("an empty list", b""),
            ("a list of nonsense", b"nonsense\n"), ("a list of numbers", b"1\n2\n"), ("a list of bytes", b"\xff\n"),
            ("a forged list", b"".join([*lines[:-2], with_event(lines[-2], of_account(world.other)), lines[-1]])),
            ("an event that is none", b"".join([with_event(lines[0], lambda _: b"nothing"), *lines[1:]])),
            ("an event that erases nothing", b"".join([with_event(lines[0], lambda _: Export(world.public).entries[3]),
                                                       *lines[1:]])))):
        file = world.directory / f"wrong-{number}.ndjson"
        file.write_bytes(content)
        wrong.append((words, file))
    _, restored = world.restore(world.old)
    for words, source in wrong:
        answer, none = world.restore(world.old, source)
        report.equal(answer.code, 2, f"{words}: {answer.words}")
        report.check(not (none.path / "ledger.vkey").exists() and not (none.path / "store").exists(),
                     f"{words}: a refused restore looks finished")
        refused = world.accept(restored, "--erasures", str(source))
        report.equal((refused.code, (restored.path / "restored").exists()), (2, True), f"{words}: {refused.words}")
    for value in ("", b"\xff\xfe", "z" * 100_000):
        answer = world.program("restore", str(world.old), "--data", str(world.directory / "none"), "--erasures", value)
        report.equal((answer.code, len(answer.err) > 10), (2, True), f"--erasures {value[:9]!r}: {answer.words[:300]}")
    report.equal(restored.query("account", "--account", world.other)["state"], "active", "after all wrong sources")
    report.equal(len(restored.events()), world.size, "events after all wrong sources")


def forged_export(world, report):
    """Who can change an export can neither have an account erased nor hide that one was."""
    export = Export(world.public)
    closing = next(i for i, entry in enumerate(export.entries) if i >= world.size and
                   field_of(entry, "account").read(entry) == octets_of(world.owner))
    for words, change in (("another account's closing", of_account(world.other)),
                          ("no closing", lambda _: export.entries[world.size - 1])):
        folder = export.copy_to(world.directory / "forged")
        write_log(folder, [*export.entries[:closing], change(export.entries[closing]), *export.entries[closing + 1:]],
                  export.note)
        answer, restored = world.restore(world.old, folder)
        report.equal((answer.code, answer.json.get("erased")), (0, []), f"{words}: {answer.words}")
        report.equal(answer.json["erasures_known_to"], world.size, f"{words}: known to")
        report.check(answer.json["erasures_from"][0].get("warnings"), f"{words}: nothing is said: {answer.words}")
        check_audit(restored, report, words, {"completed": 1, "not_completed": 0})


def damaged_directory(world, report):
    """The lost directory gives what can be read of it, or says that it is damaged; it breaks nothing."""
    for number, file in enumerate(sorted(world.ledger.path.glob("store/*.sst"))):
        damaged = world.ledger.copy_to(world.directory / "damaged")
        content = bytearray(file.read_bytes())
        content[len(content) // 3] ^= 1
        (damaged.path / "store" / file.name).write_bytes(content)
        answer, restored = world.restore(world.old, damaged.path)
        if report.check(answer.code in (0, 3), f"damaged in {file.name}: {answer.words}") and answer.code == 0:
            if answer.json["erased"]:
                check_erased(world, restored, report, f"damaged {number}")
            else:
                report.check(answer.json["erasures_from"][0].get("warnings"), f"damaged {number}: {answer.words}")
        shutil.rmtree(damaged.path)


def lists_in_a_row(world, report):
    """A list that is written on, as operations do after each closing."""
    first = next(each["seq"] for each in world.ledger.events() if each["seq"] >= world.size)
    parts = world.directory / "parts.ndjson"
    parts.write_bytes(must(world.query_list("--from", "0"), "query erasures").out
                      + must(world.query_list("--from", str(world.known)), "query erasures").out)
    answer, _ = world.restore(world.old, parts)
    report.equal((answer.json.get("erased"), answer.json.get("erasures_known_to")), ([world.owner], world.known),
                 f"lists in a row: {answer.words}")
    parts.write_bytes(must(world.query_list("--from", str(first + 20)), "query erasures").out)
    answer, _ = world.restore(world.old, parts)
    report.equal(answer.json.get("erasures_known_to"), world.size, f"a list with a gap before it: {answer.words}")


def killed(process, seconds):
    time.sleep(seconds)
    process.kill()
    process.communicate()


def kills(world, report):
    """Whenever a restore, or its acceptance, is killed: no directory that opens has the key; the next try finishes."""
    began = time.monotonic()
    world.restore(world.both)
    seconds = time.monotonic() - began
    for kill in range(KILLS):
        to = world.directory / f"killed-{kill}"
        killed(world.program.start("restore", str(world.both), "--id", "1", "--data", str(to)),
               seconds * (kill + 1) / KILLS)
        if (to / "ledger.vkey").exists():
            (to / "master.key").write_bytes(world.keys["master.key"])
            check_erased(world, ledger_at(world.program, to), report, f"restore, kill {kill}")
    _, fresh = world.restore(world.both)
    began = time.monotonic()
    world.accept(fresh.copy_to(world.directory / "timed"))
    seconds = time.monotonic() - began
    for kill in range(KILLS):
        restored = fresh.copy_to(world.directory / f"accepting-{kill}")
        killed(world.program.start("restore", "--accept", "--seen", str(world.ledger.path / "checkpoint"), "--reason",
                                   "lost", "--data", str(restored.path)), seconds * (kill + 1) / KILLS)
        check_erased(world, restored, report, f"accept, kill {kill}")
        report.equal(restored.run("audit", "verify").code, 0, f"accept, kill {kill}: audit")
        finished = world.accept(restored)
        report.check(finished.code == 0 or b"nothing to accept" in finished.err,
                     f"accept, kill {kill}: {finished.words}")
        check_accepted(world, restored, report, f"accept, kill {kill}")
        report.equal([each["type"] for each in restored.events()].count("RestoreAccepted"), 1, f"kill {kill}: accepted")


def rotated(program, directory, report):
    """The closing is signed by a key whose rotation is lost, too: it brings the rotation with it."""
    directory.mkdir()
    world = World(program, directory, rotates=True)
    new_key = (world.ledger.path / "signing.key").read_bytes()
    report.check(new_key != world.keys["signing.key"], "the key was not rotated")
    sources = (("an export", world.public), ("a list", world.list), ("the lost directory", world.ledger.path))
    for words, source in sources:
        answer, restored = world.restore(world.old, source)
        report.equal((answer.json.get("erased"), answer.json.get("erasures_known_to")), ([world.owner], world.known),
                     f"rotated, {words}: {answer.words}")
        check_erased(world, restored, report, f"rotated, {words}")
        check_audit(restored, report, f"rotated, {words}", {"completed": 1, "not_completed": 0, "pending": 1})
    vkey = next(each["payload"]["vkey"] for each in world.ledger.events() if each["type"] == "SigningKeyRotated")
    accepted = world.accept(restored, "--vkey", vkey)
    report.equal(accepted.json.get("erased_again"), [world.owner], f"rotated: accept: {accepted.words}")
    check_accepted(world, restored, report, "rotated")
    file = world.directory / "unrotated.ndjson"
    file.write_bytes(b"".join(lines_of(world)[1:]))
    answer, _ = world.restore(world.old, file)
    report.equal(answer.code, 2, f"a list without its rotation: {answer.words}")


def exports_hold_no_keys(world, report):
    """Nothing in an export is a key, wrapped or not; the same search finds them in the store."""
    thief = Thief(world.ledger.path, [octets_of(world.owner), octets_of(world.other)])
    mark, plain = commitment(thief.master), [thief.master, *thief.keys.values()]
    report.check(len(plain) > 2 and thief.places[LEDGER], f"keys of the store: {len(plain)}, {thief.places}")
    rows = [octets for _, octets in contents(world.ledger.path / "store")]
    report.check(any(mark in octets for octets in rows), "the search finds no wrapped key in the store")
    for folder in (world.public, world.list.parent / "erasures.ndjson"):
        files = contents(folder) if folder.is_dir() else [(folder, folder.read_bytes())]
        for file, octets in files:
            found = mark in octets or any(key in octets or key.hex().encode() in octets for key in plain)
            report.check(not found and not file.name.endswith(".key"), f"a key in {file}")


def run(program, directory, report):
    world = World(program, directory)
    exports_hold_no_keys(world, report)
    each_source(world, report)
    nobody_knows(world, report)
    another_key(world, report)
    carried_on(world, report)
    wrong_sources(world, report)
    forged_export(world, report)
    damaged_directory(world, report)
    lists_in_a_row(world, report)
    kills(world, report)
    rotated(program, directory / "rotated", report)


if __name__ == "__main__":
    main("restore_erasure", run)
