"""What `audit verify` finds when bytes of a ledger's directory are changed, cut or taken away, and what it may pass.

usage: python3 tests/cli/audit_finds.py <path of daicho>"""
import json
import random
import shutil
import sys

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402

KINDS = {"unreadable", "missing", "malformed", "signature", "flipped", "back_link", "time", "tree", "checkpoint",
         "sealed", "truncated", "projection"}
FLIPS_PER_FILE = 12
# RocksDB keeps its own descriptions at the end of a table file. It takes the top bit of a block's last number for the
# block's kind before it looks at the checksum, and asserts that the block is of that kind.
TABLE_END_BYTES = 128
# RocksDB's diary, settings as they were, its own name, and an empty lock: nothing of the log is read from them.
UNUSED = ("LOG", "OPTIONS-", "IDENTITY", "LOCK")


class Copies:
    """Copies of one ledger, each spoilt in one place and audited."""

    def __init__(self, ledger, directory, report):
        self.ledger, self.directory, self.report, self.passed = ledger, directory, report, {}

    def spoil(self, what, change, judge):
        copy = self.ledger.copy_to(self.directory / "copy")
        change(copy.path)
        answer = copy.run("audit", "verify")
        judge(self, what, answer)
        shutil.rmtree(copy.path)

    def count_pass(self, what):
        self.passed[what] = self.passed.get(what, 0) + 1


def is_intact(answer):
    return answer.code == 0 and answer.json["result"] == "intact"


def must_find(copies, what, answer):
    """Exit 3, and a finding with kind, position, expected and found; or words, when there is no key to audit by."""
    if not copies.report.check(answer.code == 3, f"{what}: not found: {answer.words}"):
        return
    if not answer.out:
        copies.report.check(len(answer.err) > 20, f"{what}: says nothing")
        return
    finding = answer.json.get("finding", {})
    copies.report.check(answer.json["result"] == "violated", f"{what}: {answer.words}")
    is_complete = finding.get("kind") in KINDS and isinstance(finding.get("position"), int)
    copies.report.check(is_complete and finding.get("expected") and finding.get("found"), f"{what}: finding {finding}")


def must_pass(copies, what, answer):
    copies.report.check(is_intact(answer), f"{what}: {answer.words}")


def must_warn(copies, what, answer):
    """The change takes nothing from the log: intact, with a warning."""
    copies.report.check(is_intact(answer) and answer.json.get("warnings"), f"{what}: {answer.words}")


def may_pass(copies, what, answer):
    """Found, or intact to the last event: these bytes may carry nothing."""
    if is_intact(answer):
        copies.count_pass(what.split(":")[0])
        events = answer.json["events"]
        copies.report.equal(events, copies.events, f"{what}: events of an intact ledger")
    else:
        copies.report.check(answer.code == 3, f"{what}: {answer.words}")


def flip(name, offset, bit):
    def change(path):
        content = bytearray((path / name).read_bytes())
        content[offset] ^= 1 << bit
        (path / name).write_bytes(content)
    return change


def cut(name, size):
    def change(path):
        content = (path / name).read_bytes()
        (path / name).write_bytes(content[:size])
    return change


def remove(name):
    return lambda path: (path / name).unlink()


def offsets(size, count, dice):
    """The first bytes, the last, and some between."""
    return sorted({0, size - 1, size // 2, *(dice.randrange(size) for _ in range(count))} & set(range(size)))


def spoil_file(copies, name, judge, dice, count=FLIPS_PER_FILE):
    size = (copies.ledger.path / name).stat().st_size
    for offset in offsets(size, count, dice):
        bit = dice.randrange(8)
        copies.spoil(f"{name}: bit {bit} of byte {offset} of {size}", flip(name, offset, bit), judge)
    for left in {0, size // 2, max(0, size - 1)} - {size}:
        copies.spoil(f"{name}: cut to {left} of {size}", cut(name, left), judge)


def spoil_table_end(copies, name):
    size = (copies.ledger.path / name).stat().st_size
    for offset in range(size - TABLE_END_BYTES, size):
        copies.spoil(f"{name}: bit 7 of byte {offset} of {size}", flip(name, offset, 7), must_find)


def store_files(ledger, pattern):
    return [f"store/{file.name}" for file in sorted(ledger.path.glob(f"store/{pattern}")) if file.stat().st_size > 0]


def grow(ledger, account, count, kill):
    """A player that appends `count` sign-ins; killed, it leaves them in the write-ahead log."""
    player = ledger.program.start("play", "-", "--data", str(ledger.path))
    for number in range(count):
        line = {"command": "record-sign-in", "account": account, "result": "failed", "reason": f"n{number}"}
        player.stdin.write(json.dumps(line).encode() + b"\n")
        player.stdin.flush()
        player.stdout.readline()
    if kill:
        player.kill()
    player.communicate()


def spoil_everything(ledger, directory, report, dice):
    copies = Copies(ledger, directory, report)
    audit = ledger.run("audit", "verify")
    report.check(is_intact(audit) and "warnings" not in audit.json, f"the untouched ledger: {audit.words}")
    copies.events = audit.json["events"]
    copies.spoil("untouched copy", lambda path: None, must_pass)
    for name in store_files(ledger, "*.sst") + store_files(ledger, "*.log"):
        spoil_file(copies, name, must_find, dice)
        copies.spoil(f"{name}: removed", remove(name), must_find)
    spoil_table_end(copies, store_files(ledger, "*.sst")[0])
    manifest = store_files(ledger, "MANIFEST-*")[0]
    spoil_file(copies, manifest, may_pass, dice, 40)
    copies.spoil("MANIFEST: removed", remove(manifest), must_find)
    spoil_file(copies, "store/CURRENT", must_find, dice)
    copies.spoil("CURRENT: removed", remove("store/CURRENT"), must_find)
    spoil_file(copies, "checkpoint", must_warn, dice)
    copies.spoil("checkpoint: removed", remove("checkpoint"), must_warn)
    spoil_file(copies, "ledger.vkey", must_find_but_newline, dice)
    for name in UNUSED:
        for file in store_files(ledger, f"{name}*"):
            spoil_file(copies, file, may_pass, dice, 1)
    return copies


def must_find_but_newline(copies, what, answer):
    """The last byte of ledger.vkey ends a line and is no part of the key."""
    size = (copies.ledger.path / "ledger.vkey").stat().st_size
    (may_pass if f"cut to {size - 1} " in what else must_find)(copies, what, answer)


def tail_taken(ledger, directory, report):
    """Two writes at once: the log's tail is cut off, and what would show it too is taken away."""
    copies = Copies(ledger, directory, report)
    for name in store_files(ledger, "*.log"):
        size = (ledger.path / name).stat().st_size
        for left in (0, size // 3, size - 40):
            copies.spoil(f"{name}: cut to {left} of {size}", cut(name, left), must_find)


def keys_taken(ledger, directory, report):
    """Without the master key everything signed is still checked; another ledger's verifier fits nothing."""
    keyless = ledger.copy_to(directory / "keyless")
    (keyless.path / "master.key").unlink()
    answer = keyless.run("audit", "verify")
    is_said = any("sealed" in words for words in answer.json["warnings"]) and answer.json["sealed_without_key"] > 0
    report.check(is_intact(answer) and is_said, f"without master.key: {answer.words}")
    (keyless.path / "signing.key").unlink()
    report.check(is_intact(keyless.run("audit", "verify")), "without signing.key: not intact")
    other = Ledger(ledger.program, directory / "other")
    for path, vkey, code in ((ledger, other, 3), (ledger, ledger, 0), (other, other, 0), (other, ledger, 3)):
        answer = path.run("audit", "verify", "--vkey", (vkey.path / "ledger.vkey").read_text().strip())
        report.equal(answer.code, code, f"audit {path.path.name} by the verifier of {vkey.path.name}")
    for name in ("signing.key", "ledger.vkey", "checkpoint"):
        (keyless.path / name).write_bytes((other.path / name).read_bytes())
    report.equal(keyless.run("audit", "verify").code, 3, "another ledger's key files beside this store")


def run(program, directory, report):
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    closed = Ledger(program, directory / "closed")
    account = closed.register()
    grow(closed, account, 20, kill=False)
    killed = closed.copy_to(directory / "killed")
    grow(killed, account, 20, kill=True)
    report.check(store_files(killed, "*.log") != [], "the killed player left no write-ahead log")
    passed = [spoil_everything(ledger, directory, report, dice).passed for ledger in (closed, killed)]
    tail_taken(killed, directory, report)
    keys_taken(closed, directory, report)
    for name, count in sorted((passed[0] | passed[1]).items()):
        print(f"passed as intact: {count} changes to {name}")
    if report.failures:
        print(f"seed {seed}")


if __name__ == "__main__":
    main("audit_finds", run)
