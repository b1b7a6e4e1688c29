"""The outbox over HTTP and `daicho deliver`: a real mail server (Exim), a webhook, crashes, nothing forgotten.

usage: python3 tests/cli/deliver.py <path of daicho>"""
import copy
import datetime
import email.utils
import json
import re
import sys
import threading
import urllib.parse

sys.dont_write_bytecode = True
from support import debian_python  # noqa: E402

debian_python.require("nacl")
from support.mail_server import PASSWORD, USER, MailServer  # noqa: E402
from support.program import START, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402
from support.webhook import Gate, Webhook, check_job, digest_of  # noqa: E402

PROVIDER = "Example アカウント"
LINK = "https://account.example.jp/{kind}?account={account}&proof={proof_id}#{token}"
OWNER = {
    "sign_in_name": "taro@outlook.com", "password": "Kaze1234", "password_repeat": "Kaze1234",
    "profile": {"surname": "山田", "country": "JP"},
    "proofs": [{"kind": "email", "value": "taro@example.com"},
               {"kind": "mobile_phone", "value": "090-9876-5432", "country": "JP"}],
}
PHONE = "+819098765432"


class World:
    """A service, a mail server, a webhook, and the dispatcher between them."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.mail = MailServer(directory / "exim").start()
        self.webhook = Webhook()
        self.served = Served(Ledger(program, directory / "ledger"), "--tick", "0")
        self.now = datetime.datetime.fromisoformat(START.replace("Z", "+00:00"))
        self.printed, self.keys, self.password = b"", 0, OWNER["password"]
        self.served.token = self.service("web", ["front_end", "risk", "admin", "auditor"])
        self.token = self.service("mailer", ["delivery"])
        self.file("token", self.token)
        self.file("web-token", self.served.token)
        self.file("password", PASSWORD)

    def file(self, name, text):
        (self.directory / name).write_text(text + "\n")

    def command(self, path, body):
        self.keys += 1
        reply = self.served.ask("POST", path, body, Idempotency_Key=f"test-{self.keys}")
        if reply.status not in (200, 201):
            sys.exit(f"{path}: {reply.status} {reply.body!r}")
        return reply.json

    def service(self, name, roles):
        return self.command("/v1/commands/register-service", {"name": name, "roles": roles})["token"]

    def on(self, account, name, body):
        return self.command(f"/v1/accounts/{account}/commands/{name}", body)

    def change_password(self, account):
        """Told to the mailbox and the phone."""
        old, self.password = self.password, f"Kaze{int(self.password[4:]) + 1}"
        self.on(account, "change-password", {"current_password": old, "new_password": self.password,
                                             "new_password_repeat": self.password})

    def lease(self, body, token=None):
        return self.served.ask("POST", "/v1/outbox/lease", body, token=token or self.token)

    def pass_time(self, seconds=61):
        """The ledger's clock is simulated: leases run out when the test says so."""
        self.now += datetime.timedelta(seconds=seconds)
        self.lease({"channels": ["app"], "at": self.now.isoformat().replace("+00:00", "Z")})

    def arguments(self, *more, server=None, token="token", password="password", user=USER):
        return ["deliver", "--server", server or f"http://127.0.0.1:{self.served.port}", "--token-file",
                str(self.directory / token), "--smtp", self.mail.url, "--smtp-tls", "starttls", "--smtp-user", user,
                "--smtp-password-file", str(self.directory / password), "--ca-file", str(self.mail.ca),
                "--mail-from", "id@example.jp", "--provider", PROVIDER, "--link", LINK, "--webhook", self.webhook.url,
                "--format", "json", *more]

    def deliver(self, *more, **what):
        answer = self.program(*self.arguments("--once", *more, **what))
        self.printed += answer.out + answer.err
        return answer

    def recorded(self):
        """{notification id: [results]} of the log."""
        found = {}
        for event in self.served.ask("GET", "/v1/events?limit=10000&type=DeliveryRecorded").json["events"]:
            told = json.dumps(event)
            found.setdefault(re.search(r'"notification_id": "([^"]+)"', told)[1], []).append(
                re.search(r'"result": "([^"]+)"', told)[1])
        return found


def message_id(mail):
    return mail["Message-ID"].strip("<>").split("@")[0]


def counts(report, answer, code, what, **expected):
    if report.equal(answer.code, code, f"{what}: {answer.words}"):
        told = {"accepted": 0, "failed": 0, "bounced": 0, "left": 0} | expected
        report.equal({name: answer.json[name] for name in told}, told, what)


def mail_and_sms(world, report):
    """A registration's link and code arrive, are what they should be, and verify the proofs."""
    account = world.command("/v1/accounts", OWNER)["account"]
    counts(report, world.deliver(), 0, "the first run", accepted=2)
    mails = world.mail.mails(1)
    report.equal(len(mails), 1, "mails")
    mail = mails[0]
    report.equal(mail["Subject"], f"{PROVIDER}のセキュリティ情報 / {PROVIDER} security info", "subject")
    report.equal(email.utils.parseaddr(str(mail["To"]))[1], "taro@example.com", "To")
    report.equal(mail["Envelope-to"], "taro@example.com", "the envelope's recipient")
    report.equal(mail["Return-path"], "<id@example.jp>", "the envelope's sender")
    report.equal(email.utils.parseaddr(str(mail["From"])), (PROVIDER, "id@example.jp"), "From")
    report.equal(mail["Message-ID"].split("@")[1], "daicho.example>", "Message-ID's host")
    report.equal(mail["Auto-Submitted"], "auto-generated", "Auto-Submitted")
    report.equal(email.utils.parsedate_to_datetime(str(mail["Date"])), world.now, "Date is when it was asked for")
    text = mail.get_body().get_content()
    link = urllib.parse.urlsplit(re.search(r"https://\S+", text)[0])
    report.equal(link.path, "/proof_link", "the link's path")
    query = dict(urllib.parse.parse_qsl(link.query))
    report.equal(query["account"], account, "the link's account")
    report.check("taro@outlook.com" not in text, "the mail names the account (R-ACC-6)")
    verified = world.on(account, "verify-proof", {"proof_id": query["proof"], "link_token": link.fragment})
    report.equal(verified["events"][0]["type"], "ProofVerified", "the link of the mail")

    fields, body = world.webhook.requests[-1]
    job = check_job(world.served.told["vkey"], fields, body)
    report.equal([job[name] for name in ("kind", "channel", "destination", "language")],
                 ["security_code", "sms", PHONE, "ja"], "the job")
    code = re.search(r"\d{7}", job["text"])[0]
    phone = next(each["proof_id"] for each in world.served.ask("GET", f"/v1/accounts/{account}/proofs").json["proofs"]
                 if each["kind"] == "mobile_phone")
    world.on(account, "verify-proof", {"proof_id": phone, "code": code})
    other_key, other_text = copy.deepcopy(fields), body.replace(code.encode(), b"0000000")
    other_key.replace_header("Idempotency-Key", '"x"')
    other_digest = copy.deepcopy(fields)
    other_digest.replace_header("Content-Digest", digest_of(other_text))
    for what, changed in (("another text", (fields, other_text)), ("another key of repetition", (other_key, body)),
                          ("another text and digest", (other_digest, other_text))):
        try:
            check_job(world.served.told["vkey"], *changed)
            report.check(False, f"a job with {what} passes")
        except ValueError:
            report.check(True, what)
    report.equal(world.recorded(), {message_id(mail): ["accepted"], job["id"]: ["accepted"]}, "what was recorded")
    counts(report, world.deliver(), 0, "nothing waits any more")
    return account, [link.fragment, code]


def killed_before_recording(world, account, report):
    """kill -9 between sending and recording: it comes again under the same message id, and is recorded once."""
    before = len(world.mail.mails())
    gate = Gate(world.served)
    gate.is_shut = True
    world.change_password(account)
    running = world.program.start(*world.arguments(server=gate.url))
    report.check(gate.held.wait(60), "nothing was to be recorded")
    running.kill()
    running.wait()
    first = world.mail.mails(before + 1)[-1]
    report.equal(first["Subject"], f"{PROVIDER}のセキュリティ情報が変更されました", "in the owner's language alone")
    report.check(message_id(first) not in world.recorded(), "recorded although nothing arrived")
    counts(report, world.deliver(), 0, "while the lease runs nobody else has it")
    world.pass_time()
    counts(report, world.deliver(), 0, "after the lease", accepted=2)
    again = world.mail.mails(before + 2)[-1]
    report.equal((again["Message-ID"], again["Date"], again["Subject"], again.get_body().get_content()),
                 (first["Message-ID"], first["Date"], first["Subject"], first.get_body().get_content()),
                 "the second copy is told by its message id")
    report.equal(world.recorded()[message_id(first)], ["accepted"], "recorded once")
    jobs = [json.loads(body)["id"] for _, body in world.webhook.requests]
    report.check(all(world.recorded()[each] == ["accepted"] for each in jobs), f"jobs: {jobs}")


def away(world, account, report):
    """No mail server, no right password, no trusted certificate, no webhook: tried, left, sent later."""
    world.change_password(account)
    recorded, before = world.recorded(), len(world.mail.mails())
    world.webhook.status = 503
    world.mail.stop()
    counts(report, world.deliver("--lease", "6"), 4, "both are away", left=2)
    report.equal(world.recorded(), recorded, "nothing is recorded")
    tries = [json.loads(body)["id"] for _, body in world.webhook.requests]
    report.check(tries.count(tries[-1]) > 1, "not tried again within the lease")
    world.mail.start()
    world.webhook.status = 202
    world.pass_time()
    world.file("wrong", "not the password")
    answer = world.deliver("--lease", "20", password="wrong")
    counts(report, answer, 4, "a wrong password is no fault of the mail", accepted=1, left=1)
    report.equal(len(world.mail.mails()), before, "mails so far")
    world.pass_time()
    counts(report, world.deliver(), 4, "the third lease is not tried", left=1)
    world.pass_time()
    counts(report, world.deliver(), 0, "the fourth is", accepted=1)
    report.equal(len(world.mail.mails(before + 1)), before + 1, "then the mail comes")


def refused(world, report):
    """A recipient that is not there bounces, a mail that is not wanted has failed, one for later stays."""
    body = OWNER | {"sign_in_name": "hanako@outlook.com", "proofs": [
        {"kind": "email", "value": f"{name}@example.com"} for name in ("gone", "unwanted", "later")]}
    account = world.command("/v1/accounts", body)["account"]
    before = set(world.recorded())
    answer = world.deliver("--lease", "20")
    counts(report, answer, 4, "three that do not arrive", failed=1, bounced=1, left=1)
    new = {key: value for key, value in world.recorded().items() if key not in before}
    report.equal(sorted(new.values()), [["bounced"], ["failed"]], "recorded")
    world.pass_time(8 * 86_400)
    counts(report, world.deliver(), 0, "a link that has expired is not sent", failed=1)
    return account


def endless(world, account, report):
    """Without --once: sends what comes, ends on SIGTERM."""
    before = len(world.mail.mails())
    running = world.program.start(*world.arguments())
    world.on(account, "block-account", {"reason": "suspected_intrusion"})
    report.equal(len(world.mail.mails(before + 1)), before + 1, "a mail while it runs")
    running.terminate()
    out, err = running.communicate(timeout=60)
    world.printed += out + err
    report.equal(running.returncode, 0, f"SIGTERM: {err!r}")
    report.equal(json.loads(out)["left"], 0, "nothing is left")
    report.check(len(world.mail.mails()) == before + 1, "sent twice")


def who_may(world, report):
    """Leases are for the role delivery, are kept by nobody, and each has one holder."""
    def code(reply):
        return reply.status, reply.json.get("code")
    report.equal(code(world.lease({}, token=world.served.token)), (403, "role_missing"), "another role")
    report.equal(world.deliver(token="web-token").code, 5, "deliver with another role")
    world.file("no-token", "bogus")
    report.equal(world.deliver(token="no-token").code, 5, "deliver with no service's token")
    for what, body in (("no count", {"count_max": 0}), ("too many", {"count_max": 1_001}),
                       ("an unknown field", {"x": 1}),
                       ("no channel", {"channels": ["pigeon"]}), ("no wording", {"wording": {"provider": "x"}}),
                       ("a link without its token", {"wording": {"provider": "x", "link": "https://example.jp/"}}),
                       ("a link in the clear",
                        {"wording": {"provider": "x", "link": "http://example.jp/{token}"}})):
        report.equal(code(world.lease(body)), (400, "invalid_request"), what)
    for number in range(4):
        proofs = [{"kind": "email", "value": f"{number}{each}@example.com"} for each in "abc"]
        world.command("/v1/accounts", OWNER | {"sign_in_name": f"many{number}@outlook.com", "proofs": proofs})
    taken, lock = [], threading.Lock()

    def take():
        reply = world.lease({"count_max": 3})
        with lock:
            taken.extend(each["notification_id"] for each in reply.json["notifications"])
            report.equal(reply.fields["Cache-Control"], "no-store", "a lease's Cache-Control")
    threads = [threading.Thread(target=take) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    report.equal((len(taken), len(set(taken))), (12, 12), "eight that lease at once")


def wrong_arguments(world, report):
    """Each option's value is checked before anybody is asked."""
    good = world.arguments("--once", "--lease", "60")
    words = ("", b"\xff\xfe", "z" * 100_000)
    for option in ("--server", "--token-file", "--smtp", "--smtp-tls", "--smtp-user", "--smtp-password-file",
                   "--ca-file", "--mail-from", "--provider", "--link", "--webhook", "--lease"):
        further = {"--mail-from": ["a@b\r\nBcc: c@d"], "--provider": ["a\r\nb"], "--lease": ["3", "3601", "1.5"],
                   "--webhook": ["http://sms.example.jp/"], "--server": ["http://ledger.example.jp/"],
                   "--link": ["https://example.jp/"], "--smtp": ["smtp://u:p@localhost"]}.get(option, [])
        for value in (*words, *further):
            call = [*good]
            call[call.index(option) + 1] = value
            answer = world.program(*call)
            report.equal(answer.code, 2, f"{option} {value[:20]!r}: {answer.err[:200]!r}")
    for left in ("--server", "--provider", "--link", "--smtp-password-file", "--mail-from"):
        at = good.index(left)
        report.equal(world.program(*good[:at], *good[at + 2:]).code, 2, f"without {left}")


def run(program, directory, report):
    world = World(program, directory)
    try:
        account, secrets = mail_and_sms(world, report)
        killed_before_recording(world, account, report)
        away(world, account, report)
        endless(world, account, report)
        refused(world, report)
        who_may(world, report)
        wrong_arguments(world, report)
        for secret in (*secrets, PASSWORD, world.token, PHONE, "taro@", "gone@", "later@", "unwanted@"):
            report.check(secret.encode() not in world.printed, f"deliver printed {secret}")
    finally:
        world.mail.stop()
        code, errors = world.served.end()
    report.equal(code, 0, f"serve: {errors}")


if __name__ == "__main__":
    main("deliver", run)
