"""Three witnesses on loopback, one dead, one lying, one behind: what the ledger keeps, and what it says of its policy.

usage: python3 tests/cli/witnesses.py <path of daicho>"""
import hashlib
import http.client
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True
from support.program import REGISTRATION, Ledger, main  # noqa: E402

DASH = "\u2014 "
SIZE_TYPE = "text/x.tlog.size"


class Witness:
    """`daicho witness serve` on a free port; `vkey` is its verifier key."""

    def __init__(self, program, directory, name, logs):
        self.program, self.path, self.logs, self.port = program, directory, logs, 0
        self.vkey = program("witness", "init", str(directory), "--name", name).json["vkey"]
        self.start()

    def start(self):
        options = [word for log in self.logs for word in ("--log", log)]
        self.process = self.program.start("witness", "serve", str(self.path), "--listen", f"127.0.0.1:{self.port}",
                                          *options)
        self.url = json.loads(self.process.stdout.readline())["listening"]
        self.port = int(self.url.rsplit(":", 1)[1])  # the same one when it comes again

    def end(self, how):
        self.process.send_signal(how)
        self.process.communicate(timeout=20)
        return self.process.returncode

    def ask(self, method, path, body=b""):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def seen(self, origin):
        """The size that it cosigned last; 0 when none."""
        status, _, note = self.ask("GET", f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
        return int(note.split("\n")[1]) if status == 200 else 0


class Liar:
    """Answers as `lie` says: (status, content type, body)."""

    def __init__(self):
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, body = liar.lie
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.lie = (200, "text/plain", "")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def vkey(ledger):
    return (ledger.path / "ledger.vkey").read_text().strip()


def grow(ledger, count=1):
    for _ in range(count):
        policy = ledger.query("policy")
        answer = ledger.command("adopt-policy", {"min_proofs": 3 - policy["policy"]["min_proofs"] % 2})
        if answer.code != 0:
            sys.exit(f"adopt-policy: {answer.words}")


def size(ledger):
    return len(ledger.events())


def write_policy(path, ledger, witnesses, rule):
    """Witnesses by name; `rule` is what follows them."""
    lines = [f"log {vkey(ledger)}"] + [f"witness {name} {key} {url}" for name, (key, url) in witnesses.items()]
    path.write_text("\n".join([*lines, *rule]) + "\n")
    return str(path)


def ask(ledger, policy, *args):
    answer = ledger.run("witness", "ask", "--policy", policy, "--timeout", "5", *args)
    return answer, {each["witness"]: each for each in answer.json["witnesses"]} if answer.out else {}


def results(reports):
    return {name: report["result"] for name, report in reports.items()}


def signature_lines(ledger):
    note = ledger.run("audit", "checkpoint").json["checkpoint"]
    return [line.split(" ")[1] for line in note.split("\n") if line.startswith(DASH)]


def three_witnesses(program, directory, report):
    """One dead, one lying, one behind; the dead one comes back and adds its line."""
    ledger = Ledger(program, directory / "ledger", clock="real")
    ledger.register()
    behind, dead, liar = (Witness(program, directory / "behind", "witness.example/behind", [vkey(ledger)]),
                          Witness(program, directory / "dead", "witness.example/dead", [vkey(ledger)]), Liar())
    stranger = Witness(program, directory / "stranger", "witness.example/liar", [vkey(ledger)])
    witnesses = {"behind": (behind.vkey, behind.url), "dead": (dead.vkey, dead.url), "liar": (stranger.vkey, liar.url)}
    policy = write_policy(directory / "policy", ledger, witnesses, ["group two 2 behind dead liar", "quorum two"])
    early = write_policy(directory / "early", ledger, {"behind": witnesses["behind"]}, ["quorum behind"])
    answer, reports = ask(ledger, early)
    report.equal((answer.code, results(reports)), (0, {"behind": "cosigned"}), "the first, alone")
    first = size(ledger)
    grow(ledger, 5)
    report.equal(dead.end(signal.SIGTERM), 0, "a witness ends well")

    lies(ledger, policy, liar, report)
    report.equal(signature_lines(ledger), ["daicho.example/ledger", "witness.example/behind"], "lines that were kept")
    answer, _ = ask(ledger, policy)
    report.equal(answer.code, 4, "the policy is not met")
    report.check("group two has 1 of the 2 it needs" in answer.json["detail"] and answer.json["retry"],
                 f"what is missing: {answer.words}")
    for_auditors = ledger.run("audit", "checkpoint", "--policy", policy)
    found = for_auditors.code, for_auditors.json["policy"], for_auditors.json["size"]
    report.equal(found, (4, "not met", size(ledger)),
                 "the checkpoint for auditors says that it does not meet the policy")

    dead.start()
    answer, reports = ask(ledger, policy)
    expected = {"behind": "cosigned_before", "dead": "cosigned", "liar": "lied"}
    report.equal((answer.code, results(reports)), (0, expected),
                 "the dead one is back and adds its line")
    met = size(ledger)
    grow(ledger)
    for_auditors = ledger.run("audit", "checkpoint", "--policy", policy).json
    report.equal((for_auditors["policy"], for_auditors["size"], for_auditors["newest_size"]), ("met", met, met + 1),
                 "the newest checkpoint that meets the policy")
    report.equal(ledger.run("audit", "checkpoint", "--policy", early).json["size"], met, "by the early policy")
    report.check(first < met and behind.seen("daicho.example/ledger") == met, "what the witness behind has seen")
    report.equal(ledger.run("audit", "verify").code, 0, "the audit passes over cosignatures")
    grow(ledger)
    report.equal(ledger.run("audit", "verify").code, 0, "and so does the writer")
    for each in (behind, dead, stranger):
        report.equal(each.end(signal.SIGINT), 0, "a witness ends well")


def lies(ledger, policy, liar, report):
    other_line = DASH + "witness.example/liar AAAAAAAAAAAAAAAA\n"
    for lie in ((200, "text/plain", ""), (200, "text/plain", "garbage\n"), (200, "text/plain", other_line),
                (409, SIZE_TYPE, "1\n"), (409, SIZE_TYPE, "x\n"), (409, "text/plain", "1\n"), (200, "x", "y" * 100_000),
                (409, SIZE_TYPE, "999999999\n")):
        liar.lie = lie
        answer, reports = ask(ledger, policy)
        report.equal(answer.code, 4, f"lie {str(lie)[:60]}")
        expected = "ahead" if "9" in lie[2] else "silent" if len(lie[2]) > 65_536 else "lied"
        report.equal(reports["liar"]["result"], expected, f"lie {str(lie)[:60]}")
        report.check("proof" not in reports["liar"], f"lie {str(lie)[:60]}: a claim is no proof")
        report.check(reports["dead"]["result"] == "silent" and reports["dead"]["detail"], f"dead: {reports['dead']}")
    liar.lie = (200, "text/plain", other_line)


def held_back(ledger, seen, directory, report):
    """What a witness has seen keeps the ledger from writing, until somebody accepts the loss."""
    kept = (ledger.path / f"checkpoint.{seen}").read_text()
    report.equal(kept.split("\n")[1], str(seen), "what was seen is kept")
    copy = ledger.copy_to(directory / "accepted")
    for each in (ledger, copy):
        refused = each.command("register-account", REGISTRATION)
        report.equal(refused.code, 4, f"a write to a ledger that lost its end: {refused.words}")
        report.check(f"checkpoint of {seen} events".encode() in refused.err, f"words: {refused.words}")
        report.equal(each.run("audit", "verify").code, 0, "it is read as before")
    lost = seen - size(copy)
    accepted = copy.run("restore", "--accept", "--reason", "the disk went back to an image")
    report.equal(accepted.code, 0, f"accepted: {accepted.words}")
    warnings = str(copy.run("audit", "verify").json["warnings"])
    report.check(f"{lost} events" in warnings, f"the audit says what is missing: {warnings}")
    report.equal(copy.command("register-account", REGISTRATION).code, 0, "it writes again")


def lost_end_and_fork(program, directory, report):
    """A ledger that was put back, and then goes on differently: the witness has the proof, and keeps it."""
    ledger = Ledger(program, directory / "restored", clock="real")
    witness = Witness(program, directory / "w-restored", "witness.example/w1", [vkey(ledger)])
    policy = write_policy(directory / "policy-restored", ledger, {"w": (witness.vkey, witness.url)}, ["quorum w"])
    old = ledger.copy_to(directory / "old")
    grow(ledger, 3)
    report.equal(ask(ledger, policy)[0].code, 0, "before")
    seen = size(ledger)
    answer, reports = ask(old, policy)
    report.equal((answer.code, results(reports)), (3, {"w": "ahead"}), "a ledger that lost its end")
    report.check("has lost its end" in reports["w"]["proof"]["finding"], f"the finding: {reports['w']}")
    held_back(old, seen, directory, report)
    for file in ("restored", f"checkpoint.{seen}"):  # by somebody who will have a fork
        (old.path / file).unlink()
    grow(old, seen - size(old))  # other times, other events
    answer, reports = ask(old, policy)
    report.equal((answer.code, results(reports)), (3, {"w": "refused"}), "a ledger that went on differently")
    report.check("signed two histories" in reports["w"]["proof"]["finding"], f"the finding: {reports['w']}")
    report.equal(witness.seen("daicho.example/ledger"), seen, "what the witness has seen")
    folder = next((witness.path / "logs").iterdir())
    two = [(folder / name).read_text().split("\n")[:3] for name in ("checkpoint", "fork")]
    report.check(two[0][:2] == two[1][:2] and two[0][2] != two[1][2], f"evidence: {two}")
    accepted = old.run("restore", "--accept", "--reason", "a try")
    report.equal(accepted.code, 3, f"a fork is not accepted: {accepted.words}")
    for file in ("restored", f"checkpoint.{seen}"):
        (old.path / file).unlink()
    grow(old)
    report.equal(results(ask(old, policy)[1]), {"w": "refused"}, "the fork grown larger")
    report.equal(ask(ledger, policy)[0].code, 0, "the true one goes on")
    witness.end(signal.SIGTERM)


def asked_at_once(program, directory, report):
    """Two ledgers of one key fork under a witness that is asked at once; then it is killed between answers."""
    ledger = Ledger(program, directory / "raced", clock="real")
    witness = Witness(program, directory / "w-raced", "witness.example/w1", [vkey(ledger)])
    policy = write_policy(directory / "policy-raced", ledger, {"w": (witness.vkey, witness.url)}, ["quorum w"])
    copies = [ledger.copy_to(directory / f"raced{number}") for number in range(4)]
    for copy in copies:
        copy.command("register-account", REGISTRATION)  # events of their own: each another history
    answers = [None] * len(copies)

    def run(number):
        answers[number] = ask(copies[number], policy)[0].code
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(copies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.equal(answers.count(0), 1, f"of histories offered at once one is cosigned: {answers}")
    winner = copies[answers.index(0)]
    for _ in range(5):
        grow(winner)
        report.equal(ask(winner, policy)[0].code, 0, "the winner goes on")
        witness.process.kill()
        witness.process.communicate()
        witness.start()
        report.equal(witness.seen("daicho.example/ledger"), size(winner), "after a kill the state is what was answered")
    second = program("witness", "serve", str(witness.path), "--log", vkey(ledger))
    report.check(second.code == 4 and b"running already" in second.err, f"a second process: {second.words}")
    witness.end(signal.SIGTERM)


def killed_while_asked(program, directory, report):
    """Killed at any moment: whatever a client got a cosignature for is never taken back."""
    ledger = Ledger(program, directory / "killed", clock="real")
    witness = Witness(program, directory / "w-killed", "witness.example/w1", [vkey(ledger)])
    policy = write_policy(directory / "policy-killed", ledger, {"w": (witness.vkey, witness.url)}, ["quorum w"])
    cosigned = 0
    for number in range(12):
        grow(ledger)
        timer = threading.Timer(0.004 * number, witness.process.kill)
        timer.start()
        if ask(ledger, policy)[0].code == 0:
            cosigned = size(ledger)
        timer.join()
        witness.process.communicate()
        witness.start()
        report.check(witness.seen("daicho.example/ledger") >= cosigned, f"killed {number}: the state went back")
    report.equal(ask(ledger, policy)[0].code, 0, "at last")
    witness.end(signal.SIGTERM)


def watching_each_other(program, directory, report):
    """Two organisations, each with a ledger and a witness of the other's."""
    names = ("a", "b")
    ledgers = {}
    for name in names:
        path = directory / f"ledger-{name}"
        made = program("init", "--data", str(path), "--origin", f"{name}.example/ledger")
        report.equal(made.code, 0, f"init {name}")
        ledgers[name] = Ledger.__new__(Ledger)
        ledgers[name].program, ledgers[name].path = program, path
    witnesses = {name: Witness(program, directory / f"witness-{name}", f"{name}.example/witness",
                               [vkey(ledgers[other])]) for name, other in (names, names[::-1])}
    for name, other in (names, names[::-1]):
        policy = write_policy(directory / f"policy-{name}", ledgers[name],
                              {"other": (witnesses[other].vkey, witnesses[other].url)}, ["quorum other"])
        report.equal(ask(ledgers[name], policy)[0].code, 0, f"{other} watches {name}")
        own = write_policy(directory / f"policy-own-{name}", ledgers[name],
                           {"own": (witnesses[name].vkey, witnesses[name].url)}, ["quorum own"])
        report.equal(results(ask(ledgers[name], own)[1]), {"own": "refused"}, f"{name}'s own does not know it")
    for witness in witnesses.values():
        witness.end(signal.SIGTERM)


def a_rotated_key(program, directory, report):
    """The witness knows the old key; the checkpoint of the rotation is signed by both, the next by the new one."""
    ledger = Ledger(program, directory / "rotated", clock="real")
    witness = Witness(program, directory / "w-rotated", "witness.example/w1", [vkey(ledger)])
    policy = write_policy(directory / "policy-rotated", ledger, {"w": (witness.vkey, witness.url)}, ["quorum w"])
    new_key = ledger.command("rotate-signing-key", {}).json["vkey"]
    report.equal(ask(ledger, policy)[0].code, 0, "the overlap")
    grow(ledger)
    report.equal(results(ask(ledger, policy)[1]), {"w": "refused"}, "signed by a key that the witness does not know")
    witness.end(signal.SIGTERM)
    witness.logs.append(new_key)
    witness.start()
    both = directory / "policy-both"
    both.write_text(f"log {new_key}\n" + open(policy).read())
    report.equal(ask(ledger, str(both))[0].code, 0, "both keys known")
    witness.end(signal.SIGTERM)


def wrong_words(program, directory, report):
    ledger = Ledger(program, directory / "words", clock="real")
    place = str(directory / "w-words")
    program("witness", "init", place, "--name", "witness.example/w1")
    bad = directory / "bad-policy"
    bad.write_text("# nothing\nquorum W1\n")
    for args, code, words in (
        (["witness"], 2, b""), (["witness", "init", place, "--name", "w"], 2, b"is there already"),
        (["witness", "init", str(directory / "x"), "--name", "a b"], 2, b"--name"),
        (["witness", "serve", place], 2, b"--log VKEY or --policy FILE"),
        (["witness", "serve", place, "--log", "x"], 2, b"not a log's verifier key"),
        (["witness", "serve", place, "--log", vkey(ledger), "--listen", "x"], 2, b"--listen"),
        (["witness", "serve", place, "--log", vkey(ledger), "--listen", "host:1"], 2, b"not an address"),
        (["witness", "serve", place, "--log", vkey(ledger), "--listen", "192.0.2.1:0"], 4, b"cannot listen"),
        (["witness", "serve", str(directory / "nowhere"), "--log", vkey(ledger)], 2, b"no witness here"),
        (["witness", "ask", "--policy", str(bad), "--data", str(ledger.path)], 2, b"bad-policy:2: `W1` is not defined"),
        (["witness", "ask", "--policy", str(directory / "none"), "--data", str(ledger.path)], 2, b"no policy file"),
        (["witness", "ask", "--policy", str(bad)], 2, b""),
        (["witness", "ask", "--policy", str(bad), "--timeout", "0"], 2, b"--timeout"),
        (["audit", "checkpoint", "--policy", str(bad), "--data", str(ledger.path)], 2, b"bad-policy:2"),
        (["audit", "checkpoint", "--data", str(directory / "nowhere")], 2, b"no ledger here"),
    ):
        answer = program(*args)
        report.check(answer.code == code and words in answer.err, f"{args}: {answer.words}")
    none = directory / "none-policy"
    none.write_text("quorum none\n")
    for args in (["witness", "ask"], ["audit", "checkpoint"]):
        answer = ledger.run(*args, "--policy", str(none))
        report.check(answer.code == 0 and answer.json["policy"] == "met", f"quorum none: {answer.words}")


def start_writer(ledger):
    player = ledger.program.start("play", "-", "--data", str(ledger.path))
    player.stdin.write(b'{"query":"policy"}\n')
    player.stdin.flush()
    player.stdout.readline()
    return player


def beside_a_writer(program, directory, report):
    """Asking reads beside a writer; only storing needs its place."""
    ledger = Ledger(program, directory / "written", clock="real")
    witness = Witness(program, directory / "w-written", "witness.example/w1", [vkey(ledger)])
    policy = write_policy(directory / "policy-written", ledger, {"w": (witness.vkey, witness.url)}, ["quorum w"])
    player = start_writer(ledger)
    report.equal(ask(ledger, policy)[0].code, 4, "cosigned, and not stored beside a writer")
    report.equal(witness.seen("daicho.example/ledger"), size(ledger), "what the witness has seen")
    player.communicate()
    report.equal(results(ask(ledger, policy)[1]), {"w": "cosigned"}, "asked again")
    player = start_writer(ledger)
    answer, reports = ask(ledger, policy)
    report.equal((answer.code, results(reports)), (0, {"w": "cosigned_before"}), "nothing to store")
    player.communicate()
    witness.end(signal.SIGTERM)


def run(program, directory, report):
    for part in (three_witnesses, lost_end_and_fork, asked_at_once, killed_while_asked, watching_each_other,
                 a_rotated_key, beside_a_writer, wrong_words):
        part(program, directory, report)


if __name__ == "__main__":
    main("witnesses", run)
