"""Erasing a part of an account, its mailbox's evidence or a removed proof, and an account that expired: what a thief of
all files and the master key reads before and after, with kill -9 on the way.

usage: python3 tests/cli/erasure_parts.py <path of daicho>"""
import json
import sys
import time

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

from erasure import PERSONAL, Theft, kill_tick, plant, types_of  # noqa: E402
from support.program import Ledger, main  # noqa: E402

MAILBOX, PROOF, OTHERS = 1, 2, {0, 3, 4}  # slots: the planted account's mailbox, its e-mail proof, what stays
REMOVED_AT, KEPT, ERASED_AT = "2026-03-02T00:00:00Z", "2026-05-30T23:59:59Z", "2026-05-31T00:00:00Z"
EXPIRED_AT, CLOSED_AT = "2027-09-01T00:00:00Z", "2027-12-01T00:00:00Z"
KILLS, WAIT_SECONDS = 8, 30


def done_by(answer):
    return [event["type"] for each in answer.json["done"] for event in each["events"]
            if event["type"] in ("DataKeyErased", "AccountClosed", "ErasureCompleted")]


def check_gone(ledger, accounts, slots, is_proof_gone, folder, report, words):
    """Of the first account just these keys are in its files, and what is under the others opens."""
    theft = Theft(ledger, accounts, folder)
    report.equal(theft.slots[accounts[0]], slots, f"{words}: slots with a key in some file")
    report.equal((theft.strangers, theft.in_clear), (0, set()), f"{words}: keys of nobody, what is in clear")
    gone = {"planted.proof"} if is_proof_gone else set()
    report.equal(set(PERSONAL) - theft.read, gone, f"{words}: what the master key does not open")
    answer = ledger.run("audit", "verify")
    report.equal((answer.code, answer.json.get("sealed_without_key")), (0, 0), f"{words}: audit {answer.words}")
    report.equal(ledger.run("replay").code, 0, f"{words}: replay")


def passed(ledger, account, question):
    """A challenge passed by the planted question."""
    started = ledger.command("start-challenge", {"account": account, "purpose": "change_security_info"}, "--at",
                             REMOVED_AT)
    challenge = started.json["challenge_id"]
    answer = ledger.command("answer-secret-question", {"account": account, "challenge_id": challenge,
                                                       "proof_id": question, "answer": "Plantedpet"})
    if answer.code != 0:
        sys.exit(f"answer-secret-question: {answer.words}")
    return challenge


def remove_proof(ledger, account, report):
    proofs = {each["kind"]: each["proof_id"] for each in ledger.query("proofs", "--account", account)["proofs"]}
    challenge = passed(ledger, account, proofs["secret_question"])
    answer = ledger.command("remove-proof", {"account": account, "challenge_id": challenge,
                                             "proof_id": proofs["email"]})
    report.equal(answer.code, 0, f"remove-proof: {answer.words}")
    return proofs["email"]


def kill_when_published(ledger, start):
    """Kills a process between its next commit and its end."""
    published, before = ledger.path / "checkpoint", (ledger.path / "checkpoint").read_bytes()
    process = start()
    give_up = time.monotonic() + WAIT_SECONDS
    while published.read_bytes() == before and time.monotonic() < give_up:
        pass
    process.kill()
    process.communicate()


def mailbox(ledger, accounts, directory, report):
    owner = accounts[0]

    def deactivate():
        process = ledger.program.start("play", "-", "--data", str(killed.path))
        line = {"command": "deactivate-mailbox", "account": owner, "reason": "owner"}
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        return process

    killed = ledger.copy_to(directory / "mailbox-killed")
    kill_when_published(killed, deactivate)
    killed.run("tick")
    types = types_of(killed, owner)
    report.equal((types.count("DataKeyErased"), types[-1]), (1, "ErasureCompleted"), "killed and ticked")
    check_gone(killed, accounts, OTHERS | {PROOF}, False, directory / "killed", report, "mailbox, killed")

    answer = ledger.command("deactivate-mailbox", {"account": owner, "reason": "owner"})
    report.equal([each["type"] for each in answer.json["events"]], ["MailboxDeactivated", "DataKeyErased"], "events")
    report.equal(types_of(ledger, owner)[-1], "ErasureCompleted", "the mailbox's end")
    check_gone(ledger, accounts, OTHERS | {PROOF}, False, directory / "mailbox", report, "mailbox")


def proof(ledger, accounts, directory, report):
    owner = accounts[0]
    removed = remove_proof(ledger, owner, report)
    report.equal(done_by(ledger.run("tick", "--at", KEPT)), [], "kept until the last second")
    check_gone(ledger, accounts, OTHERS | {PROOF}, False, directory / "kept", report, "proof, kept")
    for kill in range(KILLS):
        killed = ledger.copy_to(directory / f"proof-killed-{kill}")
        kill_tick(killed, 0.03 * kill, "--at", ERASED_AT)
        report.equal(killed.run("tick", "--at", ERASED_AT).code, 0, f"tick after kill {kill}")
        end = [each for each in types_of(killed, owner) if each in ("DataKeyErased", "ErasureCompleted")][-2:]
        report.equal(end, ["DataKeyErased", "ErasureCompleted"], f"kill {kill}")
        check_gone(killed, accounts, OTHERS, True, directory / f"killed-{kill}", report, f"proof, kill {kill}")
    report.equal(done_by(ledger.run("tick", "--at", ERASED_AT)), ["DataKeyErased", "ErasureCompleted"], "erased")
    report.equal(done_by(ledger.run("tick")), [], "another tick")
    check_gone(ledger, accounts, OTHERS, True, directory / "erased", report, "proof")
    report.equal(ledger.run("replay", "--rebuild").json["result"], "rebuilt, the stored rows were equal", "rebuild")
    check_gone(ledger, accounts, OTHERS, True, directory / "rebuilt", report, "proof, rebuilt")
    queries(ledger, owner, removed, report)


def queries(ledger, owner, removed, report):
    timeline = ledger.query("timeline", "--account", owner)["events"]
    erased, completed = [each for each in timeline if each["type"] in ("DataKeyErased", "ErasureCompleted")][-2:]
    for at in ([], ["--as-of", str(timeline[5]["seq"])]):
        row = [each for each in ledger.query("proofs", "--account", owner, *at)["proofs"]
               if each["proof_id"] == removed][0]
        report.equal(row["masked"], "(erased)", f"query proofs {at}")
        report.equal(row["erased"], {"since": erased["time"], "seq": erased["seq"], "erased_since": completed["time"],
                                     "erased_seq": completed["seq"]}, f"query proofs {at}: who erased it")
    for each in timeline:
        answer = ledger.run("query", "explain", "--seq", str(each["seq"]))
        report.equal(answer.code, 0, f"explain {each['type']}: {answer.words}")
    answer = ledger.query("explain", "--seq", str(erased["seq"]))
    report.equal([each["type"] for each in answer["rests_on"]], ["ProofAdded", "ProofRemoved"], "why it was erased")
    waiting = ledger.run("outbox", "lease", "--count", "100", "--account", owner)
    report.check("planted.proof@example.com" not in waiting.out.decode(), "a message to the erased address is leased")


def expiry(ledger, accounts, directory, report):
    owner = accounts[0]
    ledger.run("tick", "--at", EXPIRED_AT)
    report.equal(types_of(ledger, owner)[-1], "AccountExpired", "expired")
    check_gone(ledger, accounts, OTHERS, True, directory / "expired", report, "expired")
    killed = ledger.copy_to(directory / "expiry-killed")
    kill_when_published(killed, lambda: ledger.program.start("tick", "--data", str(killed.path), "--at", CLOSED_AT))
    for each in (killed, ledger):
        each.run("tick", "--at", CLOSED_AT)
        report.equal(types_of(each, owner)[-2:], ["AccountClosed", "ErasureCompleted"], "closed for good")
        theft = Theft(each, accounts, directory / "closed")
        report.equal((theft.slots[owner], theft.strangers, theft.read), (set(), 0, set()), "closed: keys, what opens")
        report.equal(each.run("audit", "verify").code, 0, "closed: audit")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    accounts = [plant(ledger), ledger.register()]
    check_gone(ledger, accounts, OTHERS | {MAILBOX, PROOF}, False, directory / "before", report, "before")
    mailbox(ledger, accounts, directory, report)
    proof(ledger, accounts, directory, report)
    expiry(ledger, accounts, directory, report)


if __name__ == "__main__":
    main("erasure of parts", run)
