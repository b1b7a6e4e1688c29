"""Every subcommand of the program on one ledger, and what each leaves behind."""
import re

from support.marks import SECRET
from support.peers import closed_port

KEY_FILES = ("signing.key", "master.key")
PASSPHRASE = "Zq7 passphrase of the key files"
NO_PART_OF_IT = {  # what holds no account
    ("witness", "init"): "a key of its own", ("witness", "serve"): "checkpoints", ("witness", "ask"): "checkpoints",
    ("bench", "append"): "made-up accounts in a ledger that goes", ("bench", "verify"): "likewise",
    ("bench", "replay"): "likewise",
    ("bench", "disclosure"): "likewise", ("init",): "was run before: the ledger is there",
    ("play",): "the tour is played", ("command",): "mistakes.py", ("serve",): "not looked at here yet: service.py",
    ("deliver",): "what it prints is looked at in deliver.py; it opens no directory",
}


def listed(program, *words):
    """What the help of these words lists under `Subcommands:`."""
    text = program(*words, "--help").out.decode()
    return re.findall(r"^  ([a-z-]+) {3,}", text.split("Subcommands:")[1], re.M) if "Subcommands:" in text else []


def all_subcommands(program):
    found = set()
    for first in listed(program):
        inner = listed(program, first)
        found |= {(first, each) for each in inner} | ({(first,)} if not inner or first == "backup" else set())
    return found


def names_of_queries(program):
    return re.findall(r"^  ([\w-]+) {3,}", program("query", "--help").out.decode().split("Queries:")[1], re.M)


class Subcommands:
    def __init__(self, ledger, exposure, directory):
        self.ledger, self.exposure, self.directory = ledger, exposure, directory
        self.known, self.done = all_subcommands(ledger.program), {("query",)}

    def run(self, *args, data=None, code=0, **options):
        """Runs it, and looks at what it printed."""
        words = tuple(args[:2]) if tuple(args[:2]) in self.known else tuple(args[:1])
        self.done.add(words)
        where = ["--data", str(data)] if data else []
        answer = (self.ledger.program(*args, *where, **options) if data else self.ledger.run(*args, **options))
        self.exposure.report.equal(answer.code, code, f"{args}: {answer.words}")
        return self.exposure.answer(" ".join(words), answer)

    def file(self, name, *args):
        """Runs it with a file to write, and looks at that."""
        path = self.directory / name
        self.run(*args, str(path))
        self.exposure.search(f"the file of {' '.join(args[:2])}", path.read_bytes())
        return path

    def read_and_copy(self, account):
        """Beside the writer: audits, proofs, copies."""
        vkey = (self.ledger.path / "ledger.vkey").read_text().strip()
        before = self.directory / "before.checkpoint"
        before.write_bytes((self.ledger.path / "checkpoint").read_bytes())
        self.run("audit", "checkpoint")
        proof = self.file("event.proof", "audit", "prove", "3", "--out")
        self.file("account.proof", "audit", "account", account, "--out")
        self.run("audit", "check", str(proof), "--vkey", vkey, code=3)  # the tour rotated the key: one more is needed
        self.file("report.json", "audit", "verify", "--report")
        self.run("audit", "verify", "--format", "table")
        self.file("step", "audit", "consistency", str(before), "--out")
        export = self.directory / "export"
        self.run("export", "tiles", str(export))
        self.exposure.files("the export", export)
        self.run("audit", "verify", str(export))
        backups = self.directory / "backups"
        self.run("backup", str(backups))
        self.exposure.files("the backup", backups)
        self.run("backup", "list", str(backups))
        self.run("backup", "verify", str(backups))
        self.run("backup", "prune", str(backups), "--keep", "1")
        self.run("keys", "show")
        self.run("rules")
        self.run("config")
        self.run("replay")
        self.ask_a_service()

    def ask_a_service(self):
        """Nobody is there: what is said of that holds no token and nothing that was asked."""
        token, address = "Zq7-token-of-a-service", "zq7-asked@example.jp"
        self.exposure.marks.secret("token of a service", token)
        self.exposure.marks.personal("address that a service is asked for", address)
        answer = self.ledger.program("query", "accounts", "--proof-address", "-", "--server",
                                     f"http://127.0.0.1:{closed_port()}", stdin=address.encode() + b"\n",
                                     env={"DAICHO_TOKEN": token})
        self.exposure.report.equal(answer.code, 4, f"query --server: {answer.words}")
        self.exposure.answer("query --server", answer)

    def write_and_restore(self):
        """With nobody else writing: the scheduler, a rebuild, encrypted keys, a restored copy."""
        self.run("tick")
        self.run("replay", "--rebuild")
        self.exposure.files("the data directory, rebuilt", self.ledger.path, KEY_FILES)
        passphrase = self.directory / "passphrase"
        passphrase.write_text(self.exposure.marks.secret("passphrase", PASSPHRASE) + "\n")
        self.restore(("--backup-passphrase-file", str(passphrase)))
        for change in ("rotate-lookup", "rotate-master", "split", "join"):
            self.run("keys", change)
        self.exposure.files("the data directory, its keys rotated", self.ledger.path, KEY_FILES)
        secrets = [(self.ledger.path / each).read_text().strip() for each in KEY_FILES]
        given = ("--passphrase-file", str(passphrase))
        self.run("keys", "encrypt", *given, "--passes", "1", "--memory-kib", "8")
        for secret, name in zip(secrets, KEY_FILES):
            self.exposure.marks.secret(name, secret)
        self.exposure.files("the data directory, its keys encrypted", self.ledger.path)
        self.run("audit", "verify", *given)
        self.run("keys", "signer", "--key", str(self.ledger.path / "signing.key"), *given, stdin=b"AAAA\n")
        self.run("keys", "decrypt", *given)
        lease = self.ledger.run("outbox", "lease", "--holder", "mailer")  # hands out destinations and codes
        self.done.add(("outbox", "lease"))
        self.exposure.search("outbox lease: standard error", lease.err)

    def disclose(self, seq):
        """The file, and what is shown of it, are for a third party: personal values, no secret."""
        file, case = self.directory / "disclosure", ("--reason", "x", "--case", "C-3")
        self.run("audit", "disclose", str(seq), *case, "--out", str(file))
        vkey = (self.ledger.path / "ledger.vkey").read_text().strip()
        shown = self.ledger.program("audit", "check-disclosure", str(file), "--vkey", vkey)
        self.exposure.report.equal(shown.code, 0, f"audit check-disclosure: {shown.words}")
        self.done.add(("audit", "check-disclosure"))
        self.exposure.search("the file of audit disclose", file.read_bytes(), (SECRET,))
        self.exposure.search("audit check-disclosure", shown.out, (SECRET,))
        self.exposure.search("audit check-disclosure: standard error", shown.err)

    def restore(self, given):
        exported = self.directory / "exported-keys"
        self.run("keys", "export", "--out", str(exported), "--expires", "90", *given)
        restored = self.directory / "restored"
        reason = self.exposure.marks.personal("reason of a restore", "Zq7 the disk was lost")
        self.run("restore", str(self.directory / "backups"), data=restored)
        self.run("keys", "import", str(exported), *given, data=restored)
        self.run("restore", "--accept", "--reason", reason, data=restored)
        self.exposure.files("the restored directory", restored, KEY_FILES)

    def check_coverage(self, report):
        """Each subcommand of the help was run here, or is said to hold nothing of an account."""
        report.check(len(self.known) > 25, f"the help lists {self.known}")
        report.equal(self.known - self.done - NO_PART_OF_IT.keys(), set(), "subcommands that were not looked at")
        report.equal(self.done - self.known, set(), "subcommands that the help does not list")
        self.exposure.check_seen("the export", "the backup", "the restored directory", "the data directory, rebuilt",
                                 "the file of audit verify", "audit verify: standard output")
