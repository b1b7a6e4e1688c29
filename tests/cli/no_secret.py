"""R-LED-6: no secret is written anywhere, and no personal value but sealed. Every command is run with marked values,
and the marks are looked for in all that the program leaves behind: files, answers, errors, its own memory.

Rows and events are looked for in the write-ahead log, which is not compressed, while its writer is open. Memory needs
the right to read it, which the program denies to its own user: without it that part says so and is left out.

usage: python3 tests/cli/no_secret.py <path of daicho>"""
import base64
import os
import re
import sys

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")

from support import memory  # noqa: E402
from support.conversation import Conversation  # noqa: E402
from support.exposure import Exposure  # noqa: E402
from support.marks import Marks, check_search, key_mark  # noqa: E402
from support.mistakes import make_mistakes  # noqa: E402
from support.program import START, Ledger, main  # noqa: E402
from support.stolen import Thief  # noqa: E402
from support.subcommands import Subcommands, names_of_queries  # noqa: E402
from support.tour import Tour  # noqa: E402

ALWAYS_REFUSED = {"merge-accounts"}
KEY_FILES = ("signing.key", "master.key")
WRITTEN_IN_CLEAR = {"the data directory", "the export", "the backup", "the file of audit account", "query events"}


def check_coverage(program, talk, report):
    """Each command of the help was done, and was refused."""
    listed = re.findall(r"^  ([a-z-]+) {3,}", program("command", "--help").out.decode().split("Commands:")[1], re.M)
    report.check(len(listed) > 40, f"the help lists {len(listed)} commands")
    report.equal(set(listed) - talk.done - ALWAYS_REFUSED, set(), "commands that no chapter of the tour does")
    report.equal(set(listed) - talk.refused, set(), "commands that no chapter of the tour sees refused")


def keys_of(ledger, accounts):
    """The master key, the signing seed, each account's data key."""
    thief = Thief(ledger.path, [bytes.fromhex(each.replace("-", "")) for each in accounts])
    text = (ledger.path / "signing.key").read_text().strip()
    seed = base64.b64decode(text.split("+", 4)[4])[1:]  # behind the type of key
    return [key_mark("the master key", thief.master), key_mark("the signing seed", seed),
            *[key_mark(f"key {slot} of {account.hex()}", key) for (account, slot), key in thief.keys.items()]]


def look_at_memory(talk, exposure, place, keys=()):
    if memory.can_read(talk.process.pid):
        exposure.process(place, talk.process.pid, keys)


def take_tour(talk, tour, exposure):
    for chapter in tour.chapters():
        chapter()
        exposure.files("the data directory", talk.ledger.path, KEY_FILES)
        look_at_memory(talk, exposure, f"memory after {chapter.__name__}")
    for event in talk.ledger.events():
        talk.say({"query": "explain", "seq": event["seq"]})


def check_plants(talk, tour, exposure, report):
    """What is in clear on purpose was found where it is, and so is a value that `play` was told to keep in memory."""
    report.equal(WRITTEN_IN_CLEAR - exposure.planted, set(), "places where a value in clear was not found")
    account = tour.other_account()
    tour.sign_in = talk.command("record-sign-in", account, result="failed", device_id=tour.device)["events"][0]["seq"]
    line = {"lease": {"account": account}, "save": {"kept": "/notifications/0/code"}}
    code = talk.say(line)["notifications"][0]["code"].encode()
    pid = talk.process.pid
    if not memory.can_read(pid):
        print("the program's memory cannot be read by this user: that part is left out", flush=True)
    elif report.check(any(code in part for _, part in memory.contents(pid)), "a code that is kept is not found"):
        exposure.check_seen("memory after registration", "memory after closing")


def ask_everything(ledger, tour, exposure):
    """Every query in every format."""
    for query in names_of_queries(ledger.program):
        for account in ([], ["--account", tour.account], ["--account", tour.name]):
            for form in ("json", "ndjson", "csv", "table"):
                answer = ledger.run("query", query, *account, "--format", form)
                exposure.answer(f"query {query}", answer)
    found = ledger.run("query", "accounts", "--proof-address", tour.address("zq7mail.third"))
    exposure.answer("query accounts", found)
    exposure.check_seen("query account: standard output", "query timeline: standard output")


def run(program, directory, report):
    exposure = Exposure(Marks(), report)
    temporary = directory / "temporary"
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    ledger = Ledger(program, directory / "ledger")
    talk = Conversation(ledger, exposure, dict(os.environ), START)
    tour = Tour(talk)
    take_tour(talk, tour, exposure)
    accounts = sorted({event["account"] for event in ledger.events() if event["account"]})
    look_at_memory(talk, exposure, "memory and keys", keys_of(ledger, accounts))
    ask_everything(ledger, tour, exposure)
    every = Subcommands(ledger, exposure, directory)
    every.read_and_copy(tour.account)
    tour.closing()
    look_at_memory(talk, exposure, "memory after closing")
    check_plants(talk, tour, exposure, report)
    check_coverage(program, talk, report)
    exposure.search("standard error of play", talk.end())
    report.equal(talk.process.returncode, 0, "how play ended")
    every.disclose(tour.sign_in)
    every.write_and_restore()
    every.check_coverage(report)
    make_mistakes(ledger, exposure)
    exposure.files("the data directory", ledger.path, KEY_FILES)
    exposure.files("the temporary folder", temporary)
    report.equal(list(temporary.iterdir()), [], "what is left in the temporary folder")
    check_search(exposure.marks, report)


if __name__ == "__main__":
    main("no_secret", run)
