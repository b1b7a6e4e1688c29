"""One long conversation with `daicho play -`: what is said and answered, and what no answer may show."""
import json
import select
import subprocess
from datetime import datetime, timedelta, timezone

from support.exposure import text_of
from support.marks import PERSONAL, SECRET

WAIT_SECONDS = 60
STEP = timedelta(seconds=20)

# What is handed out on purpose, by who asks for it: members of the answer that are left out of the search.
HANDED_OUT = {
    "lease": ("destination", "code", "token"),
    "issue-recovery-code": ("recovery_code",),
    "mark-proofs-lost": ("replacement_token",),
    "reset-password": ("replacement_token",),  # after a recovery, to who recovered
    "register-service": ("token",),
    "record-access": ("sign_in_name", "profile", "proofs"),
}


class Conversation:
    """Lines go in at instants of a simulated clock, 20 seconds apart. Counts which commands were done and refused."""

    def __init__(self, ledger, exposure, environment, start):
        self.ledger, self.exposure, self.marks, self.report = ledger, exposure, exposure.marks, exposure.report
        self.now = datetime.fromisoformat(start.replace("Z", "+00:00")).astimezone(timezone.utc)
        self.done, self.refused = set(), set()
        self.process = subprocess.Popen([ledger.program.path, "play", "-", "--data", str(ledger.path)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment)

    def later(self, **how_long):
        self.now += timedelta(**how_long)

    def at(self):
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def say(self, line, expect=None):
        self.now += STEP
        line = {"at": self.at(), **line} | ({"expect": expect} if expect else {})
        self.process.stdin.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], WAIT_SECONDS)
        answer = json.loads((self.process.stdout.readline() if ready else b"") or b"{}")
        name = line.get("command") or next(iter({"lease", "tick", "query"} & line.keys()))
        if not answer:
            raise SystemExit(f"{name}: no answer; standard error: {self.end()}")
        self.report.check("unexpected" not in answer, f"{name}: {answer}")
        members = () if expect else HANDED_OUT.get(name, ())
        self.exposure.search(f"the answer to {name}", text_of(answer, members), (SECRET, PERSONAL))
        return answer

    def command(self, name, account=None, /, **fields):
        owner = {"account": account} if account else {}
        self.done.add(name)
        return self.say({"command": name, **owner, **fields})

    def refuse(self, name, code, account=None, /, **fields):
        owner = {"account": account} if account else {}
        self.refused.add(name)
        return self.say({"command": name, **owner, **fields}, expect={"rule": "*", "code": code})

    def lease(self, account):
        """What waits to be sent to this account's owner, by kind and channel; its codes and links are marks from here
        on."""
        found = {}
        for each in self.say({"lease": {"account": account, "holder": "mailer"}})["notifications"]:
            for member in ("code", "token"):
                if member in each:
                    self.marks.secret(f"{each['kind']} {member}", each[member])
            found[each["kind"], each["channel"]] = found[each["kind"]] = each
            self.command("record-delivery", account, notification_id=each["notification_id"], result="accepted")
        return found

    def end(self):
        """Closes its input; what it wrote to standard error, and how it ended."""
        self.process.stdin.close()
        self.process.wait(WAIT_SECONDS)
        words = self.process.stderr.read()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()
        return words
