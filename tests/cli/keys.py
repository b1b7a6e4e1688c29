"""Encrypted key files, a signing key in another process, and helpers that die, lie or sleep.

usage: python3 tests/cli/keys.py <path of daicho>"""
import json
import os
import shutil
import stat
import sys
import textwrap
import time

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402

CHEAP = ("--passes", "1", "--memory-kib", "8")
WORDS = "correct horse battery staple"


def sign_in(ledger, account, **options):
    fields = {"account": account, "result": "failed", "reason": "x"}
    return ledger.run("command", "record-sign-in", "--json", json.dumps(fields), **options)


def read_keys(ledger):
    return [(ledger.path / name).read_bytes() for name in ("signing.key", "master.key")]


def encrypted_files(ledger, account, directory, report):
    good, bad = directory / "passphrase", directory / "wrong"
    good.write_text(WORDS + "\n")
    bad.write_text(WORDS + "?\n")
    ledger.passphrase = {"DAICHO_PASSPHRASE_FILE": str(good)}
    plain = read_keys(ledger)
    answer = ledger.run("keys", "encrypt", *CHEAP, "--passphrase-file", str(good))
    report.equal((answer.code, answer.json.get("encrypted")), (0, ["signing.key", "master.key"]), "keys encrypt")
    for name, secret in zip(("signing.key", "master.key"), plain):
        content = (ledger.path / name).read_bytes()
        report.check(secret.strip()[-40:] not in content, f"{name} holds its secret in the clear")
        report.equal(stat.S_IMODE((ledger.path / name).stat().st_mode), 0o600, f"mode of {name}")
    report.equal([file.name for file in ledger.path.glob("*.new")], [], "drafts left")
    refused = sign_in(ledger, account)
    report.check(refused.code == 5 and b"--passphrase-file" in refused.err, f"without a passphrase: {refused.words}")
    wrong = sign_in(ledger, account, env={"DAICHO_PASSPHRASE_FILE": str(bad)})
    report.check(wrong.code == 5 and b"passphrase is wrong" in wrong.err, f"a wrong passphrase: {wrong.words}")
    report.equal(sign_in(ledger, account, env=ledger.passphrase).code, 0, "with the passphrase")
    report.equal(ledger.run("audit", "verify", env=ledger.passphrase).json["sealed_without_key"], 0, "audit with it")
    again = ledger.run("keys", "encrypt", *CHEAP, env=ledger.passphrase)
    report.equal(again.json["as_before"], ["signing.key", "master.key"], "encrypted twice")
    answer = ledger.run("keys", "decrypt", env=ledger.passphrase)
    report.equal((answer.code, read_keys(ledger)), (0, plain), "keys decrypt")
    ledger.run("keys", "encrypt", *CHEAP, env=ledger.passphrase)


def descriptor(ledger, account, report):
    """The passphrase from an open descriptor: nothing of it on the command line or in a file's name."""
    reading, writing = os.pipe()
    os.write(writing, WORDS.encode())
    os.close(writing)
    answer = ledger.run("command", "record-sign-in", f"account={account}", "result=failed", "reason=fd",
                        "--passphrase-file", f"fd:{reading}", pass_fds=[reading])
    report.equal(answer.code, 0, f"a passphrase from a descriptor: {answer.words}")
    os.close(reading)
    closed = ledger.run("keys", "decrypt", "--passphrase-file", "fd:77")
    report.equal(closed.code, 2, f"a descriptor that is not open: {closed.words}")


def altered_files(ledger, account, report):
    """Each change of an encrypted file is told; the ledger stays as it was."""
    for name in ("signing.key", "master.key"):
        path = ledger.path / name
        content = path.read_bytes()
        changes = {"cut": content[:-9], "half": content[:len(content) // 2], "empty": b"", "longer": content + b"x\n",
                   "cost": content.replace(b"argon2id 1 8 ", b"argon2id 1 9 "),
                   "big cost": content.replace(b"argon2id 1 8 ", b"argon2id 1 4194305 "),
                   "version": content.replace(b"key v1", b"key v2")}
        changes |= {f"byte {at}": content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
                    for at in range(0, len(content) - 1, 17)}
        for what, changed in changes.items():
            path.write_bytes(changed)
            answer = sign_in(ledger, account, env=ledger.passphrase)
            report.check(answer.code in (2, 5) and len(answer.err) > 20, f"{name}, {what}: {answer.words}")
        path.write_bytes(content)
    for what, text in (("empty", ""), ("too long", "p" * 1025)):
        source = ledger.path.parent / "odd"
        source.write_text(text)
        answer = sign_in(ledger, account, env={"DAICHO_PASSPHRASE_FILE": str(source)})
        report.equal(answer.code, 2, f"a passphrase that is {what}: {answer.words}")
    report.equal(sign_in(ledger, account, env=ledger.passphrase).code, 0, "with the files as they were")


def shown(ledger, report):
    answer = ledger.run("keys", "show", "--format", "json")
    signing, master = answer.json["signing"], answer.json["master"]
    report.equal((answer.code, signing["kept"], master["kept"]), (0, "encrypted file", "encrypted file"), "keys show")
    report.equal((signing["vkey"], answer.json["in_force"]), (answer.json["first"],) * 2, "verifier keys shown")
    report.equal(signing["argon2id"], {"passes": 1, "memory_kib": 8}, "the cost shown")


def rotated(ledger, account, report):
    """The next key is kept as the one before: encrypted."""
    answer = ledger.run("command", "rotate-signing-key", env=ledger.passphrase)
    report.equal(answer.code, 0, f"rotate-signing-key: {answer.words}")
    report.check((ledger.path / "signing.key").read_bytes().startswith(b"daicho encrypted key"),
                 "the next key is kept in the clear")
    report.equal(sign_in(ledger, account, env=ledger.passphrase).code, 0, "with the next key")
    ledger.run("keys", "decrypt", env=ledger.passphrase)


HELPER = """\
    import subprocess, sys, time
    kind, program, key = sys.argv[1:]
    signer = subprocess.Popen([program, "keys", "signer", "--key", key], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number, line in enumerate(sys.stdin.buffer):
        if number >= 6 and kind == "dies":
            break
        if number >= 6 and kind == "sleeps":
            time.sleep(60)
        signer.stdin.write(line)
        signer.stdin.flush()
        answer = signer.stdout.readline()
        if number >= 6 and kind == "lies":
            answer = b"A" * 86 + b"==\\n"
        if number >= 6 and kind == "babbles":
            answer = b"error the token was pulled out\\n"
        if number >= 6 and kind == "chatters":
            answer += answer
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    signer.stdin.close()
"""


def use_helper(ledger, *command):
    (ledger.path / "signing.command").write_text("".join(f"{argument}\n" for argument in command))


def elsewhere(ledger, account, directory, report):
    """The reference helper holds the key; the directory has none."""
    key = directory / "elsewhere.key"
    shutil.move(ledger.path / "signing.key", key)
    report.equal(sign_in(ledger, account).code, 4, "without any signing key")
    use_helper(ledger, ledger.program.path, "keys", "signer", "--key", str(key))
    for _ in range(3):
        report.equal(sign_in(ledger, account).code, 0, "signed elsewhere")
    report.equal(ledger.run("audit", "verify").code, 0, "audit of what was signed elsewhere")
    report.equal(ledger.run("keys", "show").json["signing"]["kept"], "elsewhere", "keys show")
    rotation = ledger.run("command", "rotate-signing-key")
    report.check(rotation.code == 4 and b"signing.command.next" in rotation.err, f"a rotation here: {rotation.words}")
    shutil.copy(key, ledger.path / "signing.key")
    report.equal(sign_in(ledger, account).code, 2, "a key here and one elsewhere")
    (ledger.path / "signing.key").unlink()
    other = Ledger(ledger.program, directory / "stranger")
    for what, command, words in (
            ("another key", (ledger.program.path, "keys", "signer", "--key", str(other.path / "signing.key")),
             b"is not by"),
            ("no program", ("/nonexistent/signer",), b"cannot be started"),
            ("one that ends", ("/bin/true",), b"ended"), ("one that echoes", ("/bin/cat",), b"no signature"),
            ("an empty file", (), b"a program is wanted")):
        use_helper(ledger, *command)
        answer = sign_in(ledger, account)
        report.check(answer.code in (2, 4) and words in answer.err, f"{what}: {answer.words}")
    use_helper(ledger, ledger.program.path, "keys", "signer", "--key", str(key))
    return key


def rotated_elsewhere(ledger, account, key, directory, report):
    """From a helper to another one, and through a crash after the event; the operator puts the next helper in first."""
    other = Ledger(ledger.program, directory / "next")
    next_key, vkey = directory / "next.key", (other.path / "ledger.vkey").read_text()
    shutil.copy(other.path / "signing.key", next_key)
    command, verifier = ledger.path / "signing.command.next", ledger.path / "signing.vkey.next"

    def put_next(vkey_text):
        command.write_text("".join(f"{argument}\n" for argument in (ledger.program.path, "keys", "signer", "--key",
                                                                    str(next_key))))
        verifier.write_text(vkey_text)
    for what, text in (("not a vkey", "x"), ("another key's", (ledger.path / "ledger.vkey").read_text())):
        put_next(text)
        answer = ledger.run("command", "rotate-signing-key")
        report.equal(answer.code, 4, f"a next vkey that is {what}: {answer.words}")
    put_next(vkey)
    before = ledger.copy_to(directory / "before")
    rotation = ledger.run("command", "rotate-signing-key")
    report.equal((rotation.code, rotation.json.get("vkey")), (0, vkey.strip()), f"to another helper: {rotation.words}")
    report.check(not command.exists() and not verifier.exists(), "the next is the one in force")
    report.check(str(next_key) in (ledger.path / "signing.command").read_text(), "the next helper's command")
    report.equal(sign_in(ledger, account).code, 0, "signed by the next helper")
    report.equal(ledger.run("audit", "verify").json["key_rotations"], 2, "rotations")
    for file in ("signing.command", "signing.command.next", "signing.vkey.next"):  # as after a crash behind the event
        shutil.copy(before.path / file, ledger.path / file)
    report.equal(sign_in(ledger, account).code, 0, "a rotation is finished by the log's word")
    report.check(str(next_key) in (ledger.path / "signing.command").read_text() and not command.exists(), "finished")
    report.equal(ledger.run("audit", "verify").code, 0, "audit after both")
    return next_key


def play_until_it_stops(ledger, account, lines):
    line = json.dumps({"command": "record-sign-in", "account": account, "result": "failed", "reason": "x"})
    return ledger.run("play", "-", "--format", "ndjson", stdin=(line + "\n").encode() * lines)


def helpers_that_fail(ledger, account, key, directory, report):
    """In mid-run: what was answered is stored, the rest is not, the play ends, the log is whole."""
    helper = directory / "helper.py"
    helper.write_text(textwrap.dedent(HELPER))
    for kind, words in (("dies", b"ended"), ("lies", b"is not by"), ("babbles", b"pulled out"),
                        ("chatters", b"without being asked"), ("sleeps", b"did not answer within 10 seconds")):
        use_helper(ledger, sys.executable, str(helper), kind, ledger.program.path, str(key))
        before = len(ledger.events())
        began = time.monotonic()
        answer = play_until_it_stops(ledger, account, 20)
        took = time.monotonic() - began
        report.check(answer.code != 0 and words in answer.err + answer.out, f"a helper that {kind}: {answer.words}")
        report.check(took < 20, f"a helper that {kind}: {took:.1f} s")
        after = len(ledger.events())
        report.check(before < after < before + 20, f"a helper that {kind}: {before} events, then {after}")
        report.equal(ledger.run("audit", "verify").code, 0, f"audit after a helper that {kind}")
    use_helper(ledger, ledger.program.path, "keys", "signer", "--key", str(key))
    report.equal(sign_in(ledger, account).code, 0, "with a helper that signs again")


def encrypted_elsewhere(ledger, account, key, report):
    """The helper's own key file may be encrypted: it inherits where the passphrase is."""
    shutil.move(key, ledger.path / "signing.key")
    (ledger.path / "signing.command").unlink()
    ledger.run("keys", "encrypt", "--only", "signing", *CHEAP, env=ledger.passphrase)
    shutil.move(ledger.path / "signing.key", key)
    use_helper(ledger, ledger.program.path, "keys", "signer", "--key", str(key), "--passphrase-file",
               ledger.passphrase["DAICHO_PASSPHRASE_FILE"])
    answer = sign_in(ledger, account)
    report.equal(answer.code, 0, f"an encrypted key elsewhere: {answer.words}")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    encrypted_files(ledger, account, directory, report)
    descriptor(ledger, account, report)
    altered_files(ledger, account, report)
    shown(ledger, report)
    rotated(ledger, account, report)
    key = elsewhere(ledger, account, directory, report)
    key = rotated_elsewhere(ledger, account, key, directory, report)
    helpers_that_fail(ledger, account, key, directory, report)
    encrypted_elsewhere(ledger, account, key, report)
    report.equal(ledger.run("audit", "verify").code, 0, "audit at the end")


if __name__ == "__main__":
    main("keys", run)
