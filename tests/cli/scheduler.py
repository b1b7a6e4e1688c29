"""What is due by time alone is done by the server: late, in order, once; and of two servers one acts, and the other
takes over.

usage: python3 tests/cli/scheduler.py <path of daicho>"""
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

WAIT_SECONDS = 60
ANSWERS = {"surname": "山田", "given_name": "太郎", "birth_date": "1980-04-01"}


def runs(served, result="done"):
    text = served.ask("GET", "/metrics").body.decode()
    found = re.search(rf'daicho_scheduler_runs_total{{result="{result}"}} (\d+)', text)
    return int(found[1]) if found else 0


def wait_for_runs(served, count):
    end = time.monotonic() + WAIT_SECONDS
    while runs(served) < count:
        if time.monotonic() > end:
            raise SystemExit(f"the scheduler does not run: {served.ask('GET', '/metrics').body}")
        time.sleep(0.05)


def owner(i):
    return REGISTRATION | {"sign_in_name": f"owner{i}@outlook.com",
                           "proofs": [{"kind": "email", "value": f"owner{i}@example.{end}"} for end in ("com", "org")]}


def open_window(ledger, account, number, at, report):
    """A window with a confirmed proof: it takes effect thirty days later (R-LOST-6)."""
    opened = ledger.command("mark-proofs-lost", {"account": account}, "--at", at)
    report.equal(opened.code, 0, f"mark-proofs-lost: {opened.words}")
    window = {"account": account, "replacement_id": opened.json["replacement_id"]}
    proof = {"kind": "email", "value": f"new{number}@example.com"}
    proposed = ledger.command("propose-replacement-proof", window | proof)
    report.equal(proposed.code, 0, f"propose-replacement-proof: {proposed.words}")
    sent = ledger.run("outbox", "lease", "--account", account).json["notifications"]
    link = next(each["token"] for each in sent if each["destination"] == proof["value"] and "token" in each)
    confirmed = ledger.command("confirm-replacement-proof", window | {
        "link_token": link, "account_named": f"owner{number}@outlook.com"})
    report.equal(confirmed.code, 0, f"confirm-replacement-proof: {confirmed.words}")


def leave_work(ledger, report):
    """Three windows, opened a day apart in another order than the accounts', and a recovery form."""
    accounts = []
    for i in range(3):
        made = ledger.command("register-account", owner(i), "--at", "2026-03-01T01:00:00Z")
        report.equal(made.code, 0, f"register-account: {made.words}")
        accounts.append(made.json["account"])
    for day, account in zip((2, 3, 4), (accounts[1], accounts[2], accounts[0])):
        open_window(ledger, account, accounts.index(account), f"2026-03-0{day}T00:00:00Z", report)
    form = ledger.command("submit-recovery", {"account": accounts[0], "contact_address": "friend@example.com",
                                              "answers": ANSWERS}, "--at", "2026-03-05T00:00:00Z")
    report.equal(form.code, 0, f"submit-recovery: {form.words}")
    return accounts


def down_for_forty_days(ledger, report):
    accounts = leave_work(ledger, report)
    before = len(ledger.events())
    served = Served(ledger, "--at", "2026-04-14T00:00:00Z", "--tick", "1")
    wait_for_runs(served, 2)
    done = served.ask("GET", f"/v1/events?from={before}&limit=1000").json["events"]
    windows = [event["account"] for event in done if event["type"] == "ReplacementCompleted"]
    report.equal(windows, [accounts[1], accounts[2], accounts[0]], "each window, once, in the order of their ends")
    decided = [event["account"] for event in done if event["type"] == "RecoveryNotVerified"]
    report.equal(decided, [accounts[0]], "the recovery form, once")
    report.check(all(event["service"] == "scheduler" for event in done), f"who did it: {done}")
    wait_for_runs(served, runs(served) + 2)
    again = served.ask("GET", f"/v1/events?from={before}&limit=1000").json["events"]
    report.equal(again, done, "running again does nothing")
    report.equal(served.end(), (0, ""), "it ends")
    tick = ledger.run("tick", "--at", "2026-04-14T00:00:01Z")
    report.equal((tick.code, len(ledger.events())), (0, before + len(done)),
                 f"`daicho tick` finds nothing: {tick.words}")
    served = Served(ledger, "--at", "2026-04-14T00:00:02Z", "--tick", "1")
    wait_for_runs(served, 1)
    report.equal(len(ledger.events()), before + len(done), "nor does another start")
    return served


def one_writer(ledger, served, report):
    """Beside a server nothing else writes, and is told so."""
    for what, answer in (("tick", ledger.run("tick")),
                         ("a second server", ledger.run("serve", "--listen", "127.0.0.1:0")),
                         ("one that waits for a second", ledger.run("serve", "--listen", "127.0.0.1:0",
                                                                    "--wait-for-lock", "1"))):
        report.equal((answer.code, answer.out), (4, b""), f"{what} beside a server: {answer.words}")
    second = ledger.run("serve", "--listen", "127.0.0.1:0")
    report.check(b"another process writes" in second.err and b"--wait-for-lock" in second.err,
                 f"why, and what to do: {second.words}")
    report.equal(served.ask("GET", "/readyz").status, 200, "the server goes on")


def takes_over(ledger, served, how, report):
    """A standby serves as soon as the first server has ended, killed or told to."""
    standby = subprocess.Popen(
        [ledger.program.path, "serve", "--data", str(ledger.path), "--listen", "127.0.0.1:0", "--format", "json",
         "--tick", "1", "--wait-for-lock", str(WAIT_SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    account = served.ask("POST", "/v1/queries/account", {"account": "owner0@outlook.com"}).json["account"]
    last = served.command(account, "record-sign-in", {"result": "failed"}, f"last-{how}").json["events"][0]["seq"]
    report.equal(standby.poll(), None, "the standby waits")
    served.process.send_signal(how)
    served.process.communicate(timeout=WAIT_SECONDS)
    heir = Served.adopt(ledger, standby)
    report.equal(heir.ask("GET", f"/v1/events?from={last}&limit=1").json["events"][0]["seq"], last,
                 "what the first acknowledged is there")
    again = heir.command(account, "record-sign-in", {"result": "failed"}, f"last-{how}")
    report.equal((again.status, again.json.get("replayed")), (200, True), "and is not done again")
    wait_for_runs(heir, 1)
    return heir


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    served = down_for_forty_days(ledger, report)
    one_writer(ledger, served, report)
    served = takes_over(ledger, served, signal.SIGTERM, report)
    served = takes_over(ledger, served, signal.SIGKILL, report)
    report.equal(served.end(), (0, ""), "the last one ends")
    report.equal(ledger.run("audit", "verify").code, 0, "what they leave is intact")


if __name__ == "__main__":
    main("scheduler", run)
