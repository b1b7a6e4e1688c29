"""The master key: where it may be, its rotation through kills, and key backups that expire.

usage: python3 tests/cli/master_key.py <path of daicho>"""
import json
import shutil
import sys
import time

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.stolen import commitment, contents  # noqa: E402

CHEAP = ("--passes", "1", "--memory-kib", "8")
ACCOUNTS = 300  # more than one batch of a rotation
WAIT_SECONDS = 30
NEXT = "master.key.next"


def sign_in(ledger, account, **options):
    fields = {"account": account, "result": "failed", "reason": "x"}
    return ledger.run("command", "record-sign-in", "--json", json.dumps(fields), **options)


def master_of(ledger):
    return (ledger.path / "master.key").read_text().strip()


def kept(ledger, **options):
    return ledger.run("keys", "show", "--format", "json", **options).json["master"]["kept"]


def audit(ledger, *args, **options):
    answer = ledger.run("audit", "verify", *args, **options)
    return answer.code, answer.json["sealed_without_key"] if answer.code == 0 else None


def opens_nothing(folder, master):
    """No file holds a key that this master key wraps: each begins, after its nonce, with its commitment."""
    mark = commitment(bytes.fromhex(master))
    return [file.name for file, octets in contents(folder) if mark in octets] == []


def environment(ledger, account, directory, report):
    key = master_of(ledger)
    (ledger.path / "master.key").unlink()
    report.equal(sign_in(ledger, account).code, 4, "no master key at all")
    answer = ledger.run("audit", "verify")
    report.check(answer.code == 0 and any("no master key" in words for words in answer.json["warnings"]),
                 f"an audit without a master key: {answer.words}")
    given = {"DAICHO_MASTER_KEY": key}
    seen = directory / "environment"
    (ledger.path / "signing.command").write_text(
        f"/bin/sh\n-c\nenv > {seen}; exec {ledger.program.path} keys signer --key {directory / 'away.key'}\n")
    shutil.move(ledger.path / "signing.key", directory / "away.key")
    report.equal(sign_in(ledger, account, env=given).code, 0, "a master key from the environment")
    report.check("LANG=C" in seen.read_text() and "DAICHO_MASTER_KEY" not in seen.read_text(),
                 "a child of the writer has the master key in its environment")
    (ledger.path / "signing.command").unlink()
    shutil.move(directory / "away.key", ledger.path / "signing.key")
    report.equal((kept(ledger, env=given), audit(ledger, env=given)), ("environment", (0, 0)), "show and audit")
    for wrong, code in (("0" * 64, 5), (key[1:], 2), ("", 2)):
        for args in (["tick"], ["query", "policy"], ["audit", "verify"], ["replay"]):
            answer = ledger.run(*args, env={"DAICHO_MASTER_KEY": wrong})
            report.check(answer.code == code and len(answer.err) > 20, f"{args} with {wrong[:3]}: {answer.words}")
    other = directory / "from-environment"
    made = ledger.program("init", "--data", str(other), env=given)
    report.equal((made.code, (other / "master.key").exists()), (0, False), f"init by the environment: {made.words}")
    report.equal(ledger.program("query", "policy", "--data", str(other), env=given).code, 0, "and its ledger opens")
    (ledger.path / "master.key").write_text(key + "\n")
    answer = sign_in(ledger, account, env=given)
    report.check(answer.code == 2 and b"more than one place" in answer.err, f"in two places: {answer.words}")


def command(ledger, account, report):
    key, file = master_of(ledger), ledger.path / "master.command"
    (ledger.path / "master.key").unlink()
    for script, code, words in (
            (f"echo {key}", 0, b""), (f"echo a word for the operator >&2; echo {key}", 0, b"a word for the operator"),
            (f"echo {key}; exit 1", 4, b"exit status 1"), ("echo no key", 2, b"64 hex digits"),
            (f"echo {'0' * 64}", 5, b"is not the one"), ("head -c 5000 /dev/zero", 4, b"says more than")):
        file.write_text(f"/bin/sh\n-c\n{script}\n")
        answer = sign_in(ledger, account)
        report.check(answer.code == code and words in answer.err, f"master.command {script[:20]}: {answer.words}")
    file.write_text("/nonexistent/kms\n")
    report.equal((sign_in(ledger, account).code, kept(ledger)), (4, "elsewhere"), "a command that is not there")
    file.unlink()
    (ledger.path / "master.key").write_text(key + "\n")


def passphrases(ledger, account, directory, report):
    """A wrong passphrase is told by whoever needs it, and by an audit; none at all is an audit without keys."""
    good, bad, key = directory / "good", directory / "bad", master_of(ledger)
    good.write_text("right words")
    bad.write_text("wrong words")
    ledger.run("keys", "encrypt", "--only", "master", *CHEAP, "--passphrase-file", str(good))
    (directory / "since").write_bytes((ledger.path / "checkpoint").read_bytes())
    for args in (["audit", "verify"], ["audit", "verify", "--since", str(directory / "since")], ["query", "policy"]):
        answer = ledger.run(*args, "--passphrase-file", str(bad))
        report.check(answer.code == 5 and b"passphrase is wrong" in answer.err, f"{args}, wrong: {answer.words}")
        report.equal(ledger.run(*args, "--passphrase-file", str(good)).code, 0, f"{args}, right")
    answer = ledger.run("audit", "verify")
    report.check(answer.code == 0 and any("no passphrase" in words for words in answer.json["warnings"]),
                 f"an audit without a passphrase: {answer.words}")
    (ledger.path / "master.key.new").write_text("what a killed run left")
    ledger.run("keys", "decrypt", "--passphrase-file", str(good))
    report.equal((master_of(ledger), (ledger.path / "master.key.new").exists()), (key, False), "in the clear again")
    (ledger.path / "signing.key.new").write_text("what a killed run left")
    report.equal(sign_in(ledger, account).code, 0, "a command")
    report.check(not (ledger.path / "signing.key.new").exists(), "a draft is left")


def two_persons(ledger, account, directory, report):
    key, first, second = master_of(ledger), directory / "first", directory / "second"
    first.write_text("the words of one")
    second.write_text("the words of the other")
    answer = ledger.run("keys", "split")
    report.equal((answer.code, (ledger.path / "master.key").exists()), (0, False), f"keys split: {answer.words}")
    shares = [ledger.path / f"master.key.{number}" for number in (1, 2)]
    report.check(all(key not in share.read_text() and share.stat().st_mode & 0o777 == 0o600 for share in shares),
                 "a share holds the key, or is for everybody")
    report.equal((sign_in(ledger, account).code, kept(ledger)), (0, "two files, both wanted"), "with both")
    for number, words in ((1, first), (2, second)):
        answer = ledger.run("keys", "encrypt", "--only", f"master.{number}", *CHEAP, "--passphrase-file", str(words))
        report.equal(answer.json.get("encrypted"), [f"master.key.{number}"], f"keys encrypt: {answer.words}")
    both = ("--passphrase-file", str(first), "--passphrase-file", str(second))
    fields = (f"account={account}", "result=failed", "reason=two")
    for given, code in ((both, 0), (both[2:] + both[:2], 0), (both[:2], 5), (both[2:], 5), ((), 5)):
        answer = ledger.run(*given, "command", "record-sign-in", *fields)
        report.equal(answer.code, code, f"with {len(given) // 2} passphrases: {answer.words}")
    answer = ledger.run("keys", "rotate-master", *both)
    report.equal(answer.code, 0, f"a rotation by two: {answer.words}")
    report.check(all(share.read_bytes().startswith(b"daicho encrypted key") for share in shares), "shares in the clear")
    report.equal(ledger.run("query", "policy", *both).code, 0, "after it")
    for share in shares:
        hidden = share.with_suffix(".hidden")
        share.rename(hidden)
        answer = ledger.run("query", "policy", *both)
        report.check(answer.code == 5 and b"is missing" in answer.err, f"without {share.name}: {answer.words}")
        report.equal(audit(ledger, *both)[0], 0, "an audit without a share")
        hidden.rename(share)
    for number, words in ((1, first), (2, second)):
        ledger.run("keys", "decrypt", "--only", f"master.{number}", "--passphrase-file", str(words))
    (ledger.path / "master.key").write_bytes(shares[0].read_bytes())  # as after a join that was killed, and a wrong one
    report.equal(ledger.run("keys", "join").code, 5, "a join over another key")
    (ledger.path / "master.key").unlink()
    report.equal(ledger.run("keys", "join").code, 0, "keys join")
    report.check(master_of(ledger) != key and not any(share.exists() for share in shares), "joined")
    report.equal(audit(ledger), (0, 0), "audit after all that")


def fill(ledger):
    lines = [json.dumps({"command": "register-account", **REGISTRATION, "sign_in_name": f"n{number}@outlook.com"})
             for number in range(ACCOUNTS)]
    answer = ledger.run("play", "-", "--format", "ndjson", stdin="\n".join(lines).encode())
    if answer.code != 0:
        sys.exit(f"play: {answer.words}")


def rotations(ledger):
    return len(ledger.query("events", "--type", "MasterKeyRotated", "--limit", "10000")["events"])


def rotated(ledger, account, directory, report):
    """Nothing that the old key opens is left in a file; older backups open with it as before."""
    old, done = master_of(ledger), rotations(ledger)
    backups = directory / "backups"
    ledger.run("backup", str(backups))
    report.check(not opens_nothing(ledger.path, old), "no wrapped key is found: nothing is shown by this test")
    answer = ledger.run("keys", "rotate-master")
    report.equal((answer.code, answer.json["events"][0]["type"]), (0, "MasterKeyRotated"), f"{answer.words}")
    report.check(master_of(ledger) != old and opens_nothing(ledger.path, old), "the old master key opens a file's row")
    report.equal((rotations(ledger), (ledger.path / NEXT).exists()), (done + 1, False), "rotations; the key to come")
    report.equal((sign_in(ledger, account).code, audit(ledger), ledger.run("replay").code), (0, (0, 0), 0), "after it")
    event = ledger.query("events", "--type", "MasterKeyRotated")["events"][-1]
    told = event["payload"]
    report.check(told["keys"] > 3 and told["old_fingerprint"] != told["new_fingerprint"], f"the event: {event}")
    report.equal(ledger.run("backup", "verify", str(backups)).code, 0, "an older backup, audited beside the new key")
    restored = Ledger.__new__(Ledger)
    restored.program, restored.path = ledger.program, directory / "restored"
    report.equal(restored.run("restore", str(backups)).code, 0, "restore")
    for key, code in ((master_of(ledger), 5), (old, 0)):
        (restored.path / "master.key").write_text(key + "\n")
        report.equal(restored.run("query", "account", "--account", account).code, code, "the backup by each key")
    player = ledger.program.start("play", "-", "--data", str(ledger.path))
    player.stdin.write(b'{"tick":true}\n')
    player.stdin.flush()
    player.stdout.readline()
    answer = ledger.run("keys", "rotate-master")
    report.check(answer.code == 4 and master_of(ledger) != old, f"beside a writer: {answer.words}")
    player.communicate()
    report.check(not (ledger.path / NEXT).exists(), "a key to come was drawn beside a writer")


def kill_rotation(ledger, moment):
    """`moment` says when, by what is seen in the directory, or after how many seconds."""
    process = ledger.program.start("keys", "rotate-master", "--data", str(ledger.path))
    if isinstance(moment, float):
        time.sleep(moment)
    else:
        give_up = time.monotonic() + WAIT_SECONDS
        while not moment() and process.poll() is None and time.monotonic() < give_up:
            pass
    process.kill()
    process.communicate()


def kills(ledger, account, directory, report):
    """Whenever it is killed: all is read with what is in the directory, and a repetition ends it; once in all."""
    old = master_of(ledger)

    def key_is_drawn(path):
        return lambda: (path / NEXT).exists()

    def event_is_there(path):
        before = (path / "checkpoint").read_bytes()
        return lambda: (path / "checkpoint").read_bytes() != before

    def old_key_is_gone(path):
        return lambda: not (path / "master.key").exists() or master_text(path) != old

    def master_text(path):
        try:
            return (path / "master.key").read_text().strip()
        except OSError:
            return ""

    moments = [key_is_drawn, event_is_there, old_key_is_gone] + [0.03 * number for number in range(1, 13)]
    unfinished = 0
    for number, moment in enumerate(moments):
        killed = ledger.copy_to(directory / f"killed-{number}")
        words = f"kill {number}"
        kill_rotation(killed, moment if isinstance(moment, float) else moment(killed.path))
        shown = killed.run("keys", "show").json
        unfinished += "master_rotation" in shown
        answer = killed.command("register-account", {**REGISTRATION, "sign_in_name": "later@outlook.com"})
        report.equal(answer.code, 0, f"{words}: a registration: {answer.words}")
        report.equal((sign_in(killed, account).code, audit(killed)), (0, (0, 0)), f"{words}: all is read, {shown}")
        if rotations(killed) == 0:
            answer = killed.run("keys", "rotate-master")
            report.equal(answer.code, 0, f"{words}: again: {answer.words}")
        report.equal(sorted(file.name for file in killed.path.glob("*.key*")), ["master.key", "signing.key"],
                     f"{words}: key files")
        report.equal((rotations(killed), audit(killed)), (1, (0, 0)), f"{words}: rotations, audit")
        report.check(master_of(killed) != old and opens_nothing(killed.path, old), f"{words}: the old key opens a row")
        shutil.rmtree(killed.path)
    report.check(unfinished > 0, "no kill came while rows were wrapped: nothing is shown by this test")


def given_next(ledger, account, report):
    """From a file to the environment, and on to a command; both keys are wanted until the end."""
    old, second, third = master_of(ledger), "1a" * 32, "2b" * 32
    answer = ledger.run("keys", "rotate-master", env={"DAICHO_MASTER_KEY_NEXT": old})
    report.check(answer.code == 2 and master_of(ledger) == old, f"the same key again: {answer.words}")
    answer = ledger.run("keys", "rotate-master", env={"DAICHO_MASTER_KEY_NEXT": second})
    report.equal((answer.code, (ledger.path / "master.key").exists()), (0, False), f"to a variable: {answer.words}")
    given = {"DAICHO_MASTER_KEY": second}
    report.equal((sign_in(ledger, account, env=given).code, audit(ledger, env=given)), (0, (0, 0)), "with it")
    report.equal(ledger.run("keys", "rotate-master", env=given).code, 2, "no next key is given")
    (ledger.path / "master.command.next").write_text(f"/bin/echo\n{third}\n")
    report.equal(sign_in(ledger, account, env=given).code, 0, "a next command that was put there changes nothing")
    answer = ledger.run("keys", "rotate-master", env=given)
    report.equal(answer.code, 0, f"to a command: {answer.words}")
    report.equal((sign_in(ledger, account).code, kept(ledger)), (0, "elsewhere"), "with the command")
    answer = sign_in(ledger, account, env=given)
    report.equal(answer.code, 2, f"the old variable is still set: {answer.words}")
    (ledger.path / "master.command").unlink()
    (ledger.path / "master.key").write_text(third + "\n")
    report.check(opens_nothing(ledger.path, old) and opens_nothing(ledger.path, second), "an old key opens a row")


def exported(ledger, account, directory, report):
    words, file = directory / "words", directory / "keys.backup"
    words.write_text("the backup's own words")
    by = ("--backup-passphrase-file", str(words))
    out = ("--out", str(file))
    for what, args in {
            "no days": (*out, "--expires", "0"), "too many days": (*out, "--expires", "3654"),
            "a word": (*out, "--expires", "soon"), "in the past": (*out, "--expires", "2020-01-01T00:00:00Z"),
            "no UTF-8": (*out, "--expires", b"\xff\xfe"), "long": (*out, "--expires", "z" * 100_000),
            "a long file": ("--expires", "1", "--out", "z" * 100_000), "a file that is no text":
            ("--expires", "1", "--out", b"\xff\xfe"), "nowhere": ("--expires", "1", "--out", "/nonexistent/x")}.items():
        answer = ledger.run("keys", "export", *args, *by)
        report.check(answer.code == 2 and not file.exists(), f"keys export, {what}: {answer.words}")
    for source in ("", "z" * 100_000, b"\xff\xfe", "/nonexistent"):
        answer = ledger.run("keys", "export", *out, "--expires", "1", "--backup-passphrase-file", source)
        report.check(answer.code == 2 and not file.exists(), f"a passphrase from {source[:20]!r}: {answer.words}")
    answer = ledger.run("keys", "export", *out, "--expires", "90", *CHEAP, *by)
    report.equal((answer.code, answer.json.get("keys")), (0, ["signing.key", "master.key"]), f"{answer.words}")
    text = file.read_text()
    report.check(master_of(ledger) not in text and file.stat().st_mode & 0o777 == 0o600, "a secret is shown")
    report.equal(ledger.run("keys", "export", *out, "--expires", "90", *CHEAP, *by).code, 2, "over another file")
    backups, restored = directory / "backups-2", Ledger.__new__(Ledger)
    restored.program, restored.path = ledger.program, directory / "restored-2"
    ledger.run("backup", str(backups))
    restored.run("restore", str(backups))
    bad = directory / "bad-words"
    bad.write_text("others")
    for args, code in (((*by[:1], str(bad)), 5), (by, 0)):
        answer = restored.run("keys", "import", str(file), *args)
        report.equal(answer.code, code, f"keys import: {answer.words}")
    again = restored.run("keys", "import", str(file), *by)
    report.equal(again.json, {**again.json, "imported": [], "as_before": ["signing.key", "master.key"]}, "import twice")
    accepted = restored.run("restore", "--accept", "--reason", "a test", "--seen", str(ledger.path / "checkpoint"))
    report.equal((accepted.code, sign_in(restored, account).code), (0, 0), f"it writes: {accepted.words}")
    report.equal(restored.run("keys", "rotate-master").code, 0, "its own master key from here on")
    answer = restored.run("keys", "import", str(file), *by)
    report.check(answer.code == 5 and b"rotated before or after" in answer.err, f"the key before: {answer.words}")
    other = Ledger(ledger.program, directory / "stranger")
    report.equal(other.run("keys", "import", str(file), *by).code, 2, "keys of another ledger")
    report.equal(other.run("keys", "import", str(words), *by).code, 2, "no key backup")


def expired(ledger, directory, report):
    words, file = directory / "words", directory / "short.backup"
    by = ("--backup-passphrase-file", str(words))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    answer = ledger.run("keys", "export", "--out", str(file), "--expires", soon, *CHEAP, *by)
    report.equal(answer.code, 0, f"keys export: {answer.words}")
    keys = {name: (ledger.path / name).read_bytes() for name in ("signing.key", "master.key")}
    for name in keys:
        (ledger.path / name).unlink()
    time.sleep(5)
    answer = ledger.run("keys", "import", str(file), *by)
    report.check(answer.code == 5 and b"expired at" in answer.err, f"an expired backup: {answer.words}")
    report.check(not any((ledger.path / name).exists() for name in keys), "an expired backup was put in")
    answer = ledger.run("keys", "import", str(file), "--even-expired", *by)
    report.check(answer.code == 0 and b"expired at" in answer.err, f"--even-expired: {answer.words}")
    report.equal({name: (ledger.path / name).read_bytes() for name in keys}, keys, "the keys as they were")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    environment(ledger, account, directory, report)
    command(ledger, account, report)
    passphrases(ledger, account, directory, report)
    two_persons(ledger, account, directory, report)
    given_next(ledger, account, report)
    exported(ledger, account, directory, report)
    expired(ledger, directory, report)
    rotated(ledger, account, directory, report)
    full = Ledger(program, directory / "full")
    account = full.register()
    fill(full)
    kills(full, account, directory, report)


if __name__ == "__main__":
    main("master_key", run)
