"""Disclosures of random ledgers with rotated keys: daicho and the checker of tests/verifier say the same of each, and
of each change to it; what is refused writes nothing.

usage: python3 tests/cli/disclose.py <path of daicho>"""
import base64
import json
import random
import signal
import stat
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")
sys.path.append(str(Path(__file__).resolve().parents[1] / "verifier"))
import disclosure as checker  # noqa: E402
import event as events  # noqa: E402
import witnesses  # noqa: E402
from signed_note import Key  # noqa: E402
from support.exports import Export, Signer, checkpoint_text, field_of, sign_entry, signature_line  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.stolen import keyed_hash  # noqa: E402

SEED, LEDGERS, LINES, FLIPS = 1, 2, 24, 48
READER = Path(__file__).resolve().parents[1] / "verifier" / "disclosure.py"
WITHOUT_SECRETS = ("SignInFailed", "SignInSucceeded", "AccountBlocked", "ProfileChanged", "RecoverySubmitted")
SECRETS = ("password_verifier", "answer_verifier", "totp_secret")
ASKED = ["--reason", "order of a court", "--case", "C-1042"]
RECOVERY = {
    "contact_address": "friend@example.org", "character_check": {"shown": "XVMS", "typed": "xvms"}, "location": "JP-13",
    "answers": {"surname": "山田", "mail_subjects": ["週末の予定", "請求書"], "skype_id": "not_registered"}}


def lines_of(dice):
    """A random history: two accounts, keys rotated twice, one account closed."""
    names = ["taro@outlook.com", "hanako@outlook.com", "gone@outlook.com"]
    happened = [{"command": "register-account", **REGISTRATION, "sign_in_name": name, "device_id": "pc-1"}
                for name in names]
    for number in range(LINES):
        kind = dice.randrange(4)
        line = {"command": "record-sign-in", "result": "failed", "reason": "wrong_password", "location": "京都",
                "source": {"ip": f"192.0.2.{dice.randrange(256)}", "user_agent": "x" * dice.randrange(60)}}
        if kind == 0:
            line = {"command": "submit-recovery", **RECOVERY}
        if kind == 1:
            line = {"command": "block-account", "reason": "suspected_intrusion", "detail": "seen twice"}
        happened.append({**line, "account": dice.choice(names), "expect": {}})
        if number in (LINES // 3, 2 * LINES // 3):
            happened.append({"command": "rotate-signing-key", "source": {"ip": "192.0.2.1"}})
    happened.append({"command": "close-account", "account": names[2], "password": "Kaze1234", "confirm": True,
                     "expect": {}})
    second = iter(range(60))
    return [{"at": f"2026-03-01T00:{next(second):02}:00Z", **line} for line in happened]


class Story:
    """A ledger, its events as the public sees them, and both checkers."""

    def __init__(self, program, directory, report, dice):
        self.directory, self.report, self.dice = directory, report, dice
        self.ledger = Ledger(program, directory / "ledger")
        lines = "\n".join(json.dumps(line) for line in lines_of(dice))
        played = self.ledger.run("play", "-", stdin=lines.encode())
        report.equal(played.code, 0, f"play: {played.words}")
        self.vkey = (self.ledger.path / "ledger.vkey").read_text().strip()
        self.rows = self.ledger.events()
        closed = {row["account"] for row in self.rows if row["type"] == "AccountClosed"}
        self.erased = [row["seq"] for row in self.rows if row["sealed"] and row["account"] in closed]
        self.open = [row["seq"] for row in self.rows if row["seq"] not in self.erased]
        self.harmless = next(seq for seq in self.open
                             if self.rows[seq]["sealed"] and self.rows[seq]["type"] in WITHOUT_SECRETS)
        self.export = self.exported()

    def exported(self):
        folder = self.directory / "public"
        self.report.equal(self.ledger.run("export", "tiles", str(folder)).code, 0, "export")
        return Export(folder)

    def disclose(self, positions, *args):
        file = self.directory / "a.disclosure"
        answer = self.ledger.run("audit", "disclose", *map(str, positions), *ASKED, "--out", str(file), *args)
        self.report.equal(answer.code, 0, f"disclose {positions}: {answer.words}")
        self.report.equal(stat.S_IMODE(file.stat().st_mode), 0o600, "mode of a disclosure")
        return file.read_bytes(), answer.json

    def judged(self, octets, what, vkey=None):
        """`holds` or the check that does not, by both alike; what the program answered."""
        file = self.directory / "judged.disclosure"
        file.write_bytes(octets)
        vkey = vkey or self.vkey
        theirs = self.ledger.program("audit", "check-disclosure", str(file), "--vkey", vkey, "--format", "json")
        ours = checker.judge(octets, Key.parse(vkey.encode()))
        found = "holds" if theirs.code == 0 else theirs.err.decode(errors="replace").split(": ")[2]
        if theirs.code == 2:
            found = "form"  # another first line: no disclosure at all
        self.report.check(theirs.code in (0, 2, 3), f"{what}: {theirs.words}")
        judged = ours.get("check", "holds")
        # An altered envelope is no event, or not a signed one: readers parse to different depths.
        is_alike = found == judged or {found, judged} == {"event", "signature"}
        self.report.check(is_alike, f"{what}: program {found}, checker {ours}")
        return found, theirs

    def must_hold(self, octets, asked, what):
        """Both show the same fields, and those of what was asked for."""
        found, theirs = self.judged(octets, what)
        if not self.report.equal(found, "holds", f"{what}: {theirs.words}"):
            return
        answer = checker.judge(octets, Key.parse(self.vkey.encode()))
        ours = {each["seq"]: each.get("personal") for each in answer["events"]}
        for each in theirs.json["events"]:
            fields = {name: value for name, value in (ours[each["seq"]] or {}).items() if name not in SECRETS}
            shown = {name: value for name, value in each.get("personal", {}).items() if name not in SECRETS}
            self.report.equal(shown, fields, f"{what}: fields of {each['seq']}")
            is_opened = each["seq"] in asked and self.rows[each["seq"]]["sealed"]
            self.report.equal(each["sealed"] == "opened", is_opened, f"{what}: {each['seq']} is opened")
        self.report.equal(set(asked) - set(ours), set(), f"{what}: events that are missing")


def blocks_of(octets):
    """(first line, blocks of events, checkpoint): joined by blocks_to they are the file again."""
    head, _, note = octets.partition(b"checkpoint\n")
    first, _, rest = head.partition(b"\n")
    return first, [block.split(b"\n") for block in rest.split(b"\n\n")[:-1]], note


def blocks_to(first, blocks, note):
    return first + b"\n" + b"".join(b"\n".join(block) + b"\n\n" for block in blocks) + b"checkpoint\n" + note


def changes(octets, other, dice):
    """(what, the check that must fail or None for whichever, file)."""
    first, blocks, note = blocks_of(octets)
    keyed = [number for number, block in enumerate(blocks) if block[2].startswith(b"key ")]
    one, two = dice.sample(keyed, 2)

    def with_lines(replacements):
        changed = [list(block) for block in blocks]
        for (number, line), value in replacements.items():
            changed[number][line] = value
        return blocks_to(first, changed, note)

    yield "swapped keys", "commitment", with_lines({(one, 2): blocks[two][2], (two, 2): blocks[one][2]})
    yield "a random key", "commitment", with_lines({(one, 2): b"key " + base64.b64encode(dice.randbytes(32))})
    yield "swapped envelopes", "event", with_lines({(one, 1): blocks[two][1], (two, 1): blocks[one][1]})
    yield "swapped hashes", "inclusion", with_lines({(one, 3): blocks[one][4], (one, 4): blocks[one][3]})
    yield "an event twice", "form", blocks_to(first, [blocks[0], *blocks], note)
    yield "out of order", "form", blocks_to(first, blocks[::-1], note)
    yield "another ledger's checkpoint", "checkpoint", blocks_to(first, blocks, blocks_of(other)[2])
    yield "another ledger's event", "signature", blocks_to(first, blocks_of(other)[1][:1], note)
    yield "no event", "form", blocks_to(first, [], note)
    yield "an envelope of another version", "event", with_lines(
        {(one, 1): b"envelope " + base64.b64encode(b"\x02" + base64.b64decode(blocks[one][1][9:])[1:])})
    for size in (0, 1, len(first), len(octets) // 2, len(octets) - 1):
        yield f"cut to {size}", "form", octets[:size]
    for more in (b"x", b"\n", b"\0", b"event 1\n", b"x" * 100_000):
        yield f"{more[:8]} behind it", "form", octets + more
    path = b"event 1\nenvelope AAAA\n" + (b"A" * 43 + b"=\n") * 100_000
    for name, hostile in (("number", b"event " + b"9" * 100_000), ("line", b"z" * 1_000_000), ("path", path),
                          ("nothing", b"\n" * 100_000), ("bytes", dice.randbytes(4_096))):
        yield f"hostile: {name}", "form", first + b"\n" + hostile
    for number in range(FLIPS):
        at = dice.randrange(len(octets)) if number % 2 else len(octets) - 1 - dice.randrange(len(note))
        yield f"byte {at}", None, octets[:at] + bytes([octets[at] ^ 1 << dice.randrange(8)]) + octets[at + 1:]


def break_files(story, other, octets):
    tally = Counter()
    for what, check, changed in changes(octets, other, story.dice):
        if changed == octets:
            continue
        found, answer = story.judged(changed, what)
        story.report.check(found != "holds", f"{what}: not found")
        if check:
            story.report.equal(found, check, f"{what}: {answer.words}")
        tally[found] += 1
    print("changes:", ", ".join(f"{count} {check}" for check, count in sorted(tally.items())))


def other_keys(story, other, octets):
    """The first key, and no other, is what a disclosure is checked by."""
    story.report.equal(story.judged(octets, "another ledger's key", other.vkey)[0], "signature", "another ledger's key")


def forged_alone(story, octets):
    """Who has the signing key alters an event behind its seal, and signs a log of it alone."""
    signer = Signer((story.ledger.path / "signing.key").read_text())
    vkey = story.ledger.run("query", "events", "--type", "SigningKeyRotated", "--format", "json")
    story.report.equal(vkey.code, 0, "events of rotations")
    vkey = vkey.json["events"][-1]["payload"]["vkey"]
    _, blocks, _ = blocks_of(octets)
    block = next(block for block in blocks if block[2].startswith(b"key "))
    envelope = base64.b64decode(block[1][9:])
    sealed_at = envelope.index(events.parse(envelope).sealed)
    at_zero = field_of(envelope, "position").write(envelope, 0)  # the header is what was not sealed so
    for what, entry, check in (("header", at_zero, "sealed_part"),
                               ("nonce", flipped(at_zero, sealed_at), "sealed_part"),
                               ("commitment", flipped(at_zero, sealed_at + 24), "commitment"),
                               ("ciphertext", flipped(at_zero, sealed_at + 56), "sealed_part")):
        entry = sign_entry(entry, signer)
        text = checkpoint_text(signer.name.encode(), [entry])
        note = text + b"\n" + signature_line(signer, text)
        alone = [b"event 0", b"envelope " + base64.b64encode(entry), block[2]]
        found, _ = story.judged(blocks_to(b"daicho disclosure v1", [alone], note), f"forged {what}", vkey)
        story.report.equal(found, check, f"forged {what}")


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]


def opens_nothing_else(story, octets, asked):
    """The keys of a file commit to their own events; no other event's sealed part has their commitment, or opens."""
    found, _ = checker.read(octets)
    for each in found:
        if each.key is None:
            continue
        tried, opened = 0, []
        for position, envelope in enumerate(story.export.entries):
            candidate = checker.Disclosed(position, envelope, each.key, [])
            candidate.event = events.parse(envelope)
            tried += candidate.event.is_sealed
            try:
                checker.open_sealed(candidate)
                opened.append(position)
            except checker.Refuted:
                pass
        story.report.check(tried > len(asked) and opened == [each.position], f"key of {each.position} opens {opened}")
        derived = keyed_hash(each.key, "daicho commitment v1")
        places = [at for at, envelope in enumerate(story.export.entries) if derived in envelope]
        story.report.equal(places, [each.position], f"commitment of {each.position}")


def disclosures(story, other):
    sealed = [seq for seq in story.open if story.rows[seq]["sealed"]]
    unsealed = [seq for seq in story.open if not story.rows[seq]["sealed"]]
    before = len(story.rows)
    for number in range(6):
        asked = sorted(story.dice.sample(sealed, number % 3 + 1) + story.dice.sample(unsealed, number % 2))
        octets, summary = story.disclose(story.dice.sample(asked, len(asked)), "--with-secrets")
        story.must_hold(octets, asked, f"disclosure of {asked}")
        story.report.equal(summary["events"], asked, "the summary's events")
    rows = story.ledger.events()
    records = [row for row in rows[before:] if row["type"] == "AccessRecorded"]
    story.report.equal(len(records), len(rows) - before, "what disclosing appended")
    everything, _ = story.disclose(sealed + unsealed, "--with-secrets")
    story.must_hold(everything, sealed + unsealed, "a disclosure of everything")
    opens_nothing_else(story, everything, [])
    break_files(story, other.disclose(other.open[2:6], "--with-secrets")[0], everything)
    other_keys(story, other, everything)
    forged_alone(story, everything)
    last = story.ledger.run("query", "events", "--from", str(len(story.ledger.events()) - 1), "--format", "json")
    story.report.equal(last.json["events"][0]["payload"]["case_number"], "C-1042", "the record's case")


def exit_of_reader(story):
    octets, _ = story.disclose(story.open[:1])
    file = story.directory / "one.disclosure"
    for content, code in ((octets, 0), (octets[:-1], 3)):
        file.write_bytes(content)
        done = story.ledger.program.__class__(sys.executable)("-B", str(READER), str(file), "--vkey", story.vkey)
        story.report.equal(done.code, code, f"exit of the checker: {done.words}")


def refusals(story):
    """Nothing is written and nothing is recorded; the words say which event and why."""
    ledger, report, never = story.ledger, story.report, story.directory / "never.disclosure"
    sealed = story.harmless
    registered = next(row["seq"] for row in story.rows if row["type"] == "AccountRegistered")
    count = len(ledger.events())
    out, good = ["--out", str(never)], [str(sealed), *ASKED]
    for what, args, code in (
            ("erased", [str(sealed), str(story.erased[0]), *ASKED], 1), ("secrets", [str(registered), *ASKED], 1),
            ("beyond the end", [str(count), *ASKED], 2), ("huge", [str(2**64), *ASKED], 2),
            ("negative", ["-1", *ASKED], 2), ("no number", ["x", *ASKED], 2),
            ("an empty number", ["", *ASKED], 2), ("none", ASKED, 2),
            ("twice", [str(sealed), *good], 2), ("no reason", [str(sealed), "--case", "C-1"], 2),
            ("no case", [str(sealed), "--reason", "x"], 2), ("bogus", [*good, "--bogus"], 2),
            ("too many", [*map(str, range(257)), *ASKED], 2)):
        answer = ledger.run("audit", "disclose", *args, *out)
        report.check(answer.code == code and len(answer.err) > 20 and not answer.out, f"{what}: {answer.words}")
    for option in ("--reason", "--case", "--investigator", "--service", "--out", "--policy"):
        for value in ("", b"\xff\xfe", "z" * 100_000):
            pairs = {"--reason": "x", "--case": "C-1", "--out": str(never), option: value}
            answer = ledger.run("audit", "disclose", str(sealed), *[word for pair in pairs.items() for word in pair])
            report.check(answer.code == 2 and len(answer.err) > 20, f"{option} {value[:9]!r}: {answer.words}")
    report.check(str(story.erased[0]).encode() in ledger.run("audit", "disclose", str(story.erased[0]), *ASKED).err,
                 "the refusal names the event")
    report.equal((len(ledger.events()), never.exists()), (count, False), "events and files after refusals")
    (story.directory / "never.disclosure.tmp").mkdir()
    answer = ledger.run("audit", "disclose", *good, *out)
    report.equal((answer.code, len(ledger.events()), never.exists()), (4, count + 1, False),
                 f"recorded, and then not written: {answer.words}")
    player = ledger.program.start("play", "-", "--data", str(ledger.path))
    player.stdin.write(b'{"query":"policy"}\n')
    player.stdin.flush()
    player.stdout.readline()
    report.equal(ledger.run("audit", "disclose", *good).code, 4, "beside a writer")
    player.communicate()


def wrong_files(story):
    """check-disclosure on what is none, and with wrong options."""
    program, report = story.ledger.program, story.report
    octets, _ = story.disclose(story.open[:2])
    file, big = story.directory / "x.disclosure", story.directory / "big.disclosure"
    file.write_bytes(octets)
    with big.open("wb") as stream:
        stream.truncate(2**25 + 1)
    for what, args, code in (
            ("no key", [str(file)], 2), ("a wrong key", [str(file), "--vkey", "bogus"], 2),
            ("an empty key", [str(file), "--vkey", ""], 2), ("a long key", [str(file), "--vkey", "z" * 100_000], 2),
            ("a key in no UTF-8", [str(file), "--vkey", b"\xff"], 2),
            ("no file", ["/nonexistent", "--vkey", story.vkey], 2),
            ("a folder", [str(story.directory), "--vkey", story.vkey], 2),
            ("an empty name", ["", "--vkey", story.vkey], 2),
            ("too large", [str(big), "--vkey", story.vkey], 2),
            ("a policy that is none", [str(file), "--vkey", story.vkey, "--policy", str(file)], 2),
            ("no policy", [str(file), "--vkey", story.vkey, "--policy", "/nonexistent"], 2)):
        answer = program("audit", "check-disclosure", *args)
        report.check(answer.code == code and answer.err and not answer.out, f"{what}: {answer.words}")
    for name, content in (("empty", b""), ("proof", b"c2sp.org/tlog-proof@v1\n")):
        file.write_bytes(content)
        report.equal(program("audit", "check-disclosure", str(file), "--vkey", story.vkey).code, 2, name)


def roles(story):
    """Once services are registered an investigator or an auditor discloses, and support does not."""
    ledger, report = story.ledger, story.report
    for name, role in (("case-team", "investigator"), ("books", "auditor"), ("web", "front_end"), ("desk", "support")):
        report.equal(ledger.command("register-service", {"name": name, "roles": [role]}).code, 0, f"register {name}")
    sealed = str(story.harmless)
    for name, code in (("case-team", 0), ("books", 0), ("web", 5), ("desk", 1), ("nobody", 5)):
        answer = ledger.run("audit", "disclose", sealed, *ASKED, "--service", name)
        report.equal((answer.code, bool(answer.out)), (code, code == 0), f"service {name}: {answer.words[:300]}")
        newest = ledger.events()[-1]
        report.equal((newest["type"], newest["service"]), ("AccessRecorded" if code == 0 else "CommandRefused", name),
                     f"the record of {name}")


def cosigned(story):
    """With a policy the checkpoint is the newest that meets it, and goes out with its cosignatures."""
    program, report, directory = story.ledger.program, story.report, story.directory
    newest = story.ledger.run("audit", "checkpoint").json
    key = story.ledger.run("query", "events", "--type", "SigningKeyRotated", "--format", "json").json["events"][-1]
    witness = witnesses.Witness(program, directory / "w", "w.example", [key["payload"]["vkey"]])
    lines = [f"log {key['payload']['vkey']}", f"witness w {witness.vkey} {witness.url}", "quorum w"]
    policy = directory / "policy"
    policy.write_text("\n".join(lines) + "\n")
    file, with_policy = directory / "a.disclosure", ["--policy", str(policy)]
    octets, _ = story.disclose(story.open[:1])
    answer = program("audit", "check-disclosure", str(file), "--vkey", story.vkey, *with_policy)
    report.check(answer.code == 3 and b"policy: " in answer.err, f"not cosigned: {answer.words}")
    events_before = len(story.ledger.events())
    answer = story.ledger.run("audit", "disclose", str(story.open[0]), *ASKED, *with_policy)
    report.equal((answer.code, answer.out, len(story.ledger.events())), (4, b"", events_before), "no such checkpoint")
    asked, _ = witnesses.ask(story.ledger, str(policy))
    report.equal(asked.code, 0, f"witness ask: {asked.words}")
    report.equal(witness.end(signal.SIGTERM), 0, "the witness ends")
    sealed = story.harmless
    for _ in range(2):  # the second one after events that nobody cosigned
        octets, summary = story.disclose([sealed], *with_policy)
        report.check(summary["size"] >= newest["size"] and "— w.example ".encode() in octets, "no cosignature")
        story.must_hold(octets, [sealed], "a cosigned disclosure")
        answer = program("audit", "check-disclosure", str(file), "--vkey", story.vkey, *with_policy, "--format", "json")
        report.check(answer.code == 0 and "policy" in json.dumps(answer.json["proved"]), f"cosigned: {answer.words}")


def run(program, directory, report):
    stories = []
    for number in range(LEDGERS):
        (directory / str(number)).mkdir()
        stories.append(Story(program, directory / str(number), report, random.Random(SEED + number)))
    for story, other in zip(stories, stories[::-1]):
        disclosures(story, other)
    exit_of_reader(stories[0])
    refusals(stories[0])
    wrong_files(stories[0])
    cosigned(stories[0])
    roles(stories[1])


if __name__ == "__main__":
    main("disclosure", run)
