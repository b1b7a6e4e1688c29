"""Who has a name, who an address, as an investigator asks it; and the lookup key rotated, with kills at every step.

usage: python3 tests/cli/lookup.py <path of daicho>"""
import json
import sys
import time

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.stolen import LEDGER, commitment, contents, keyed_hash, opened  # noqa: E402

SHARED, PHONE, PASSWORD = "Shared.Address@example.com", "+819098765432", "Kaze1234"
OPEN, CLOSED = ("ichiro@outlook.com", "jiro@outlook.com"), "saburo@outlook.com"
FIRST_SLOT, ROTATED_SLOTS, WRAPPED_BYTES, NONCE_BYTES = 1, 256, 104, 24
KILLS = 10


def register(ledger, name):
    """An account with a verified mailbox and phone, the same as everybody's; its id."""
    answer = ledger.command("register-account", {
        **REGISTRATION, "sign_in_name": name, "proofs": [{"kind": "email", "value": SHARED},
                                                         {"kind": "mobile_phone", "value": PHONE, "country": "JP"}]})
    if answer.code != 0:
        sys.exit(f"register-account: {answer.words}")
    account = answer.json["account"]
    for mail in ledger.run("outbox", "lease", "--account", account).json["notifications"]:
        secret = {"code": mail["code"]} if "code" in mail else {"link_token": mail["token"]}
        proof = answer.json["proof_ids"][0 if mail["channel"] == "email" else 1]
        verified = ledger.command("verify-proof", {"account": account, "proof_id": proof, **secret})
        if verified.code != 0:
            sys.exit(f"verify-proof: {verified.words}")
    return account


def accounts_at(ledger, address):
    answer = ledger.run("query", "accounts", "--format", "json", "--proof-address", "-", stdin=f"{address}\n".encode())
    if answer.code != 0:
        sys.exit(f"query accounts: {answer.words}")
    return [(each["account"], each["kind"], each["status"]) for each in answer.json["accounts"]]


def search(ledger, accounts, report):
    for address, kind in ((SHARED, "email"), ("shared.address@EXAMPLE.com", "email"),
                          ("+81 90-9876-5432", "mobile_phone")):
        report.equal(accounts_at(ledger, address), sorted((each, kind, "verified") for each in accounts), address)
    answer = ledger.run("query", "accounts", "--proof-address", SHARED, "--limit", "1", "--format", "json")
    report.equal(len(answer.json["accounts"]), 1, "--limit")
    proof = answer.json["accounts"][0]
    shown = ledger.query("proofs", "--account", proof["account"])["proofs"]
    report.equal([(each["since"], each["seq"]) for each in shown if each["proof_id"] == proof["proof_id"]],
                 [(proof["since"], proof["seq"])], "the same as query proofs says")
    report.equal(accounts_at(ledger, "nobody@example.com"), [], "an address that nobody has")
    report.check(SHARED.lower().encode() not in answer.out.lower(), "the answer repeats the address")
    for what, args, stdin in (("none", [], b""), ("no address", ["--proof-address", "090-9876-5432"], b""),
                              ("nothing on standard input", ["--proof-address", "-"], b""),
                              ("too long a line", ["--proof-address", "-"], b"x" * 1_000),
                              ("an account", ["--proof-address", SHARED, "--account", accounts[0]], b"")):
        answer = ledger.run("query", "accounts", *args, stdin=stdin)
        report.equal(answer.code, 2, f"{what}: {answer.words}")
        report.check(b"9876" not in answer.err, f"{what}: the error repeats the address")
    (ledger.path / "master.key").rename(ledger.path / "away")
    report.equal(ledger.run("query", "accounts", "--proof-address", SHARED).code, 5, "without the master key")
    (ledger.path / "away").rename(ledger.path / "master.key")


class Files:
    """A ledger's files, read by whoever has its master key."""

    def __init__(self, ledger):
        self.texts = [octets for _, octets in contents(ledger.path)]
        self.master = bytes.fromhex((ledger.path / "master.key").read_text().strip())

    def lookup_keys(self, rotations):
        """By slot, those that any file still holds."""
        keys, mark = {}, commitment(self.master)
        slots = [FIRST_SLOT, *(ROTATED_SLOTS + each for each in range(1, rotations + 1))]
        for text in self.texts:
            at = text.find(mark)
            while at >= 0:
                wrapped = text[at - NONCE_BYTES:at - NONCE_BYTES + WRAPPED_BYTES]
                for slot in slots:
                    key = opened(self.master, wrapped, b"daicho wrapped key v1" + LEDGER + slot.to_bytes(4, "big"))
                    if key:
                        keys[slot] = key
                at = text.find(mark, at + 1)
        return keys

    def names_found(self, key):
        """Whose sign-in names stand as tags under this key in a file. The first bytes may be shared in a block."""
        tags = {name: keyed_hash(key, "daicho sign-in name v1", name.encode()) for name in (*OPEN, CLOSED)}
        return {name for name, tag in tags.items() if any(tag[4:28] in text for text in self.texts)}


def check_whole(ledger, accounts, report, words):
    """As a reader finds it, whatever was under way: all under one key."""
    for account, name in zip(accounts, OPEN):
        report.equal(ledger.query("account", "--account", name)["account"], account, f"{words}: {name}")
    report.equal(ledger.query("account", "--account", CLOSED)["state"], "closed", f"{words}: {CLOSED}")
    report.equal([each for each, *_ in accounts_at(ledger, SHARED)], sorted(accounts), f"{words}: at {SHARED}")
    answer = ledger.run("replay")
    report.equal(answer.code, 0, f"{words}: replay: {answer.words}")


def rotations_of(ledger):
    return len([each for each in ledger.events() if each["type"] == "LookupKeyRotated"])


def rotate(ledger, accounts, report):
    old = Files(ledger)
    first = old.lookup_keys(0)[FIRST_SLOT]
    report.equal(old.names_found(first), {*OPEN, CLOSED}, "before: tags in the files")
    answer = ledger.run("keys", "rotate-lookup")
    report.equal((answer.code, answer.json.get("rotation"), answer.json.get("earlier_keys_kept")), (0, 1, 1),
                 f"keys rotate-lookup: {answer.words}")
    check_whole(ledger, accounts, report, "rotated")
    new = Files(ledger)
    keys = new.lookup_keys(1)
    report.equal(set(keys), {FIRST_SLOT, ROTATED_SLOTS + 1}, "the first is kept for the closed account's name")
    report.equal(new.names_found(first), {CLOSED}, "tags under the first key")
    report.equal(new.names_found(keys[ROTATED_SLOTS + 1]), set(OPEN), "tags under the new one")
    answer = ledger.command("register-account", {**REGISTRATION, "sign_in_name": CLOSED})
    report.equal((answer.code, answer.json.get("code")), (1, "sign_in_name_taken"), "the closed account's name")
    report.equal(ledger.run("keys", "rotate-lookup").json["earlier_keys_kept"], 1, "rotated again")
    report.equal(set(Files(ledger).lookup_keys(2)), {FIRST_SLOT, ROTATED_SLOTS + 2}, "the second is gone")
    event = ledger.events()[-1]
    report.equal((event["type"], event["service"], event["rules"]), ("LookupKeyRotated", "local", ["R-LED-5"]), "event")
    audit = ledger.run("audit", "verify")
    report.equal((audit.code, ledger.run("replay").json["sign_in_names"]), (0, "compared"), f"audit: {audit.words}")


def kills(program, ledger, accounts, directory, report):
    """kill -9 after ever longer; what a reader sees is whole, and the next writer finishes."""
    began = time.monotonic()
    ledger.copy_to(directory / "timed").run("keys", "rotate-lookup")
    took = time.monotonic() - began
    seen = {"before": 0, "event": 0, "done": 0}
    for number in range(KILLS):
        killed = ledger.copy_to(directory / f"killed-{number}")
        process = program.start("keys", "rotate-lookup", "--data", str(killed.path))
        time.sleep(took * number / (KILLS - 1))
        process.kill()
        out, _ = process.communicate()
        words = f"kill {number}"
        rotations = rotations_of(killed)
        seen["done" if out else "event" if rotations else "before"] += 1
        check_whole(killed, accounts, report, words)
        report.equal(killed.run("tick").code, 0, f"{words}: the next writer")
        check_whole(killed, accounts, report, f"{words}, then opened")
        files = Files(killed)
        keys = files.lookup_keys(1)
        in_force = ROTATED_SLOTS + 1 if rotations else FIRST_SLOT
        report.equal(set(keys), {FIRST_SLOT, in_force}, f"{words}: keys in the files")
        if rotations:
            report.equal(files.names_found(keys[FIRST_SLOT]), {CLOSED}, f"{words}: tags under the first key")
        report.equal(files.names_found(keys[in_force]) >= set(OPEN), True, f"{words}: tags under the one in force")
        report.equal(killed.run("audit", "verify").code, 0, f"{words}: audit")
    print("lookup: ended " + json.dumps(seen))
    report.check(seen["before"] + seen["event"] > 0, f"no kill came in time: {seen}")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    accounts = [register(ledger, name) for name in OPEN]
    search(ledger, accounts, report)
    closed = register(ledger, CLOSED)
    report.equal(len(accounts_at(ledger, SHARED)), 3, "three accounts of one address")
    answer = ledger.command("close-account", {"account": closed, "password": PASSWORD, "confirm": True})
    report.equal(answer.code, 0, f"close-account: {answer.words}")
    check_whole(ledger, accounts, report, "at first")
    kills(program, ledger, accounts, directory, report)
    rotate(ledger, accounts, report)
    later = register(ledger, "shiro@outlook.com")
    report.equal([each for each, *_ in accounts_at(ledger, SHARED)], sorted([*accounts, later]), "a later account")


if __name__ == "__main__":
    main("lookup", run)
