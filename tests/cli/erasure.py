"""Closing an account erases it: what a thief of all files and the master key reads before and after, crashes included.

Keys are looked for as bytes: family `keys` is not compressed, and each wrapped key has the commitment of the master
key, so that each one in a file is found, opened, and known by the account it opens for.

usage: python3 tests/cli/erasure.py <path of daicho>"""
import json
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

sys.path.append(str(Path(__file__).resolve().parents[1] / "verifier"))
from support.exports import Export  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.stolen import Thief  # noqa: E402

NAME, PASSWORD = "planted.name@outlook.com", "Kaze1234"
PERSONAL = ("planted.name", "Plantedsurname", "planted.proof", "9076543210", "Planted question", "planted-device",
            "planted-place", "203.0.113.77", "planted-agent", "planted.contact", "Plantedanswer")
SECRETS = (PASSWORD, "Plantedpet")
EVIDENCE = "planted-folder"
LOGS_AND_TABLES = (".log", ".sst")
KILLS, TRIES_MAX, WAIT_SECONDS = 6, 20, 30
QUERIES = ("account", "proofs", "block", "windows", "limits", "recovery-options", "recoveries", "timeline", "accesses",
           "events", "explain")


def plant(ledger):
    """An account with something of everything that is personal; its id."""
    source = {"ip": "203.0.113.77", "user_agent": "planted-agent"}
    answer = ledger.command("register-account", {
        "sign_in_name": NAME, "password": PASSWORD, "password_repeat": PASSWORD, "source": source,
        "profile": {"surname": "Plantedsurname", "country": "JP"}, "device_id": "planted-device",
        "proofs": [{"kind": "email", "value": "planted.proof@example.com"},
                   {"kind": "mobile_phone", "value": "090-7654-3210", "country": "JP"},
                   {"kind": "secret_question", "question": "Planted question", "answer": "Plantedpet"}]})
    if answer.code != 0:
        sys.exit(f"register-account: {answer.words}")
    account = answer.json["account"]
    for name, fields in (
            ("record-sign-in", {"result": "succeeded", "device_id": "planted-device", "location": "planted-place"}),
            ("record-evidence", {"items": [{"kind": "mail_folders", "value": EVIDENCE}]}),
            ("submit-recovery", {"contact_address": "planted.contact@example.com",
                                 "answers": {"surname": "Plantedanswer", "given_name": "x", "birth_date": "1990-01-01",
                                             "mail_folders": EVIDENCE}})):
        answer = ledger.command(name, {"account": account, **fields})
        if answer.code != 0:
            sys.exit(f"{name}: {answer.words}")
    return account


def octets_of(account):
    return bytes.fromhex(account.replace("-", ""))


class Theft:
    """What a thief gets of a ledger now."""

    def __init__(self, ledger, accounts, folder):
        ids = [octets_of(each) for each in accounts]
        thief = Thief(ledger.path, ids)
        answer = ledger.run("export", "tiles", str(folder))
        if answer.code != 0:
            sys.exit(f"export: {answer.words}")
        plain = thief.sealed_parts(Export(folder).entries)
        self.keys = {account: thief.places[each] for account, each in zip(accounts, ids)}
        self.slots = {account: {slot for owner, slot in thief.slots if owner == each}
                      for account, each in zip(accounts, ids)}
        self.read = {value for value in PERSONAL if value.encode() in plain}
        self.in_clear, self.strangers = thief.in_clear((*PERSONAL, *SECRETS, EVIDENCE)), thief.strangers


def close(ledger, account, *args):
    return ledger.command("close-account", {"account": account, "password": PASSWORD, "confirm": True}, *args)


def types_of(ledger, account):
    return [each["type"] for each in ledger.query("timeline", "--account", account)["events"]]


def check_gone(ledger, owner, other, folder, report, words):
    after = Theft(ledger, [owner, other], folder)
    report.equal(after.keys[owner], set(), f"{words}: files with the erased key")
    report.check(after.keys[other], f"{words}: the other account's key is gone")
    report.equal((after.strangers, after.in_clear, after.read), (0, set(), set()),
                 f"{words}: keys of nobody, what is in clear, what can be opened")


def closed_at_once(ledger, owner, other, directory, report):
    before = Theft(ledger, [owner, other], directory / "before")
    report.check(before.keys[owner] and before.keys[other], f"before: keys are found in {before.keys}")
    report.equal((before.strangers, before.in_clear), (0, set()), "before: keys of nobody, what is in clear")
    report.equal(before.read, set(PERSONAL), "before: what the master key opens")
    size = len(ledger.events())
    proofs = {name: directory / f"{name}.proof" for name in ("event", "account")}
    ledger.run("audit", "prove", str(size - 1), "--out", str(proofs["event"]))
    ledger.run("audit", "account", owner, "--out", str(proofs["account"]))
    (directory / "old.checkpoint").write_bytes((ledger.path / "checkpoint").read_bytes())
    answer = close(ledger, owner, "--idempotency-key", "close")
    report.equal((answer.code, answer.json.get("state")), (0, "closed"), f"close-account: {answer.words}")
    again = close(ledger, owner, "--idempotency-key", "close")
    report.equal({**again.json, "replayed": None}, {**answer.json, "replayed": None}, "close-account again")
    report.equal(types_of(ledger, owner)[-2:], ["AccountClosed", "ErasureCompleted"], "the timeline's end")
    check_gone(ledger, owner, other, directory / "before", report, "closed")
    vkey = (ledger.path / "ledger.vkey").read_text().strip()
    for name, file in proofs.items():
        report.equal(ledger.program("audit", "check", str(file), "--vkey", vkey).code, 0, f"the old proof of {name}")
    answer = ledger.run("audit", "consistency", str(directory / "old.checkpoint"))
    report.equal(answer.code, 0, f"the old checkpoint: {answer.words}")


def check_audit(ledger, report, words, completed, left=0):
    answer = ledger.run("audit", "verify")
    report.equal((answer.code, answer.json["erasures"]), (0, {"completed": completed, "not_completed": left}), words)
    report.check(answer.json["sealed_erased"] > 5, f"{words}: {answer.json['sealed_erased']} erased payloads")
    report.equal(answer.json["sealed_without_key"], 0, f"{words}: payloads without a key")
    report.equal(ledger.run("replay").code, 0, f"{words}: replay")


def queries(ledger, owner, report):
    """No query of an erased account fails; each says what became of it."""
    timeline = ledger.query("timeline", "--account", owner)["events"]
    end = {"state": "closed", "since": timeline[-2]["time"], "seq": timeline[-2]["seq"], "key_erased": True,
           "erased_since": timeline[-1]["time"], "erased_seq": timeline[-1]["seq"]}
    for query in QUERIES:
        for account in (owner, NAME):
            answer = ledger.run("query", query, "--format", "json", "--account", account)
            report.equal(answer.code, 0, f"query {query} of {account}: {answer.words}")
            has_end = query not in ("events", "explain", "recovery-options")
            report.equal(answer.json.get("end"), end if has_end else None, f"query {query}: its end")
    account = ledger.query("account", "--account", owner)
    report.equal((account["state"], account["version"]), ("closed", len(timeline)), "query account")
    report.check("registered_at" not in account and "sign_in_name" not in account, f"too much is kept: {account}")
    first = str(timeline[3]["seq"])
    for query in QUERIES[:7]:
        answer = ledger.run("query", query, "--account", owner, "--as-of", first)
        report.equal(answer.code, 0, f"query {query} as of {first}: {answer.words}")
    masked = {each["masked"] for each in ledger.query("proofs", "--account", owner, "--as-of", first)["proofs"]}
    report.equal(masked, {"(erased)"}, "proofs before the closing")
    for each in timeline:
        answer = ledger.run("query", "explain", "--seq", str(each["seq"]))
        report.equal(answer.code, 0, f"explain {each['type']}: {answer.words}")
    for rule in ("R-LIFE-1", "R-LIFE-3", "R-CHL-5"):
        report.equal(ledger.run("query", "explain", "--account", owner, "--rule", rule).code, 0, f"explain {rule}")
    report.equal(ledger.run("outbox", "lease", "--account", owner).json["notifications"], [], "what waits to be sent")
    answer = ledger.command("register-account", {**REGISTRATION, "sign_in_name": NAME})
    report.equal((answer.code, answer.json["code"]), (1, "sign_in_name_taken"), "the erased name")


def kill_when_committed(ledger, owner):
    """Kills the closing between its commit and its end; whether it came in time."""
    published, before = ledger.path / "checkpoint", (ledger.path / "checkpoint").read_bytes()
    process = ledger.program.start("play", "-", "--data", str(ledger.path))
    line = {"command": "close-account", "account": owner, "password": PASSWORD, "confirm": True}
    process.stdin.write(json.dumps(line).encode() + b"\n")
    process.stdin.flush()
    give_up = time.monotonic() + WAIT_SECONDS
    while published.read_bytes() == before and time.monotonic() < give_up:
        pass
    process.kill()
    process.communicate()
    return types_of(ledger, owner)[-1] == "AccountClosed"


def kill_tick(ledger, seconds, *args):
    process = ledger.program.start("tick", "--data", str(ledger.path), *args)
    time.sleep(seconds)
    process.kill()
    process.communicate()


def crashes(ledger, owner, other, directory, report):
    """Between commit and compaction the key is out of the store and in its files; the next tick finishes it."""
    for number in range(TRIES_MAX):
        crashed = ledger.copy_to(directory / f"crashed-{number}")
        if kill_when_committed(crashed, owner):
            break
    else:
        report.check(False, f"no kill in {TRIES_MAX} came in time")
        return
    theft = Theft(crashed, [owner, other], directory / "export")
    report.check(theft.keys[owner], "after the crash no file holds the key: nothing is shown by this test")
    report.check({Path(name).suffix for name in theft.keys[owner]} <= set(LOGS_AND_TABLES), f"{theft.keys[owner]}")
    account = crashed.query("account", "--account", owner)
    report.equal((account["state"], account["end"]["erased_since"]), ("closed", None), "after the crash")
    check_audit(crashed, report, "after the crash", 0, 1)
    for kill in range(KILLS):
        killed = crashed.copy_to(directory / f"killed-{kill}")
        kill_tick(killed, 0.02 * kill)
        report.equal(killed.run("tick").code, 0, f"tick after kill {kill}")
        report.equal(types_of(killed, owner)[-2:], ["AccountClosed", "ErasureCompleted"], f"kill {kill}")
        check_gone(killed, owner, other, directory / f"export-{kill}", report, f"kill {kill}")
        check_audit(killed, report, f"kill {kill}", 1)
    report.equal(crashed.run("tick").json["done"][0]["events"][0]["type"], "ErasureCompleted", "what the tick did")
    check_gone(crashed, owner, other, directory / "export", report, "ticked")
    report.equal(types_of(crashed, owner).count("ErasureCompleted"), 1, "completed")
    crashed.run("tick")
    report.equal(types_of(crashed, owner).count("ErasureCompleted"), 1, "completed after another tick")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    owner, other = plant(ledger), ledger.register()
    killed = ledger.copy_to(directory / "to-crash")
    report.equal(ledger.run("replay", "--rebuild").code, 0, "a rebuild sets rows aside")
    closed_at_once(ledger, owner, other, directory, report)
    check_audit(ledger, report, "closed", 1)
    queries(ledger, owner, report)
    report.equal(ledger.run("replay", "--rebuild").json["result"], "rebuilt, the stored rows were equal", "rebuild")
    check_gone(ledger, owner, other, directory / "rebuilt", report, "rebuilt")
    crashes(killed, owner, other, directory, report)
    later = ledger.command("record-sign-in", {"account": other, "result": "succeeded"})
    report.equal(later.code, 0, f"the other account goes on: {later.words}")


if __name__ == "__main__":
    main("erasure", run)
