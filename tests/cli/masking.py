"""Queries show nothing personal: an account of marked values lives through all that has some, then everything is asked.

What marks a value is looked for in whatever a query, a tick or an audit prints, on both outputs, in every format. That
the marks are real is seen where values are shown on purpose: a delivery's lease, an investigator's recorded access.

usage: python3 tests/cli/masking.py <path of daicho>"""
import json
import re
import sys

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402

NAME, PASSWORD = "marked.signin@outlook.com", "Markedpw1"
PROOF, PHONE, MOBILE = "marked.proof@example.com", "090-1357-9246", "marked.mobile@docomo.ne.jp"
SOURCE = {"ip": "203.0.113.77", "user_agent": "marked-agent", "request_id": "marked-request"}
MARKS = {  # every personal value, or the part of it that R-PRF-4 hides
    "marked.signin", "marked.proof", "marked.mobile", "marked.contact", "marked.other", "marked.unknown",
    "13579246", "1357-9246", "Markedsurname", "Markedgiven", "1979-03-07", "Markedregion", "987-6543", "Markedquestion",
    "Markedpet", "Markedpw", "Markedwrong", "marked-phone", "marked-pc", "marked-place", "203.0.113.77", "marked-agent",
    "marked-request", "Markedanswer", "Markedsubject", "Markedfolder", "Markeddetail", "Markedbounce", "Markedreason",
    "MARKEDTOTP",
}
MASKED = {"account": ["ma*****@outlook.com"], "limits": ["ma*****@example.com"],
          "proofs": ["ma*****@example.com", "*********46", "ma*****@docomo.ne.jp", "(question)", "(trusted_device)"],
          "recovery-options": ["ma*****@example.com"]}
QUERIES = ("account", "proofs", "block", "windows", "limits", "recovery-options", "recoveries", "timeline", "accesses",
           "events", "explain", "services", "policy")
FORMATS = ("json", "ndjson", "csv", "table")


class Owner:
    """An account and what its owner and the services do with it."""

    def __init__(self, ledger):
        self.ledger, self.secrets = ledger, set()
        answer = self.act("register-account", account=None, sign_in_name=NAME, password=PASSWORD,
                          password_repeat=PASSWORD, device_id="marked-pc",
                          profile={"surname": "Markedsurname", "given_name": "Markedgiven", "birth_date": "1979-03-07",
                                   "country": "JP", "region": "Markedregion", "postal_code": "987-6543"},
                          proofs=[{"kind": "email", "value": PROOF},
                                  {"kind": "mobile_phone", "value": PHONE, "country": "JP"},
                                  {"kind": "mobile_email", "value": MOBILE},
                                  {"kind": "secret_question", "question": "Markedquestion", "answer": "Markedpet"}])
        self.id, self.proofs = answer["account"], answer["proof_ids"]

    def act(self, name, **fields):
        body = {"account": getattr(self, "id", None), "source": SOURCE, **fields}
        answer = self.ledger.command(name, {key: value for key, value in body.items() if value is not None})
        if answer.code not in (0, 1):
            sys.exit(f"{name}: {answer.words}")
        return answer.json

    def mail(self):
        """What waits to be sent, by the proof's kind of secret; it is kept as secret."""
        leased = self.ledger.run("outbox", "lease", "--format", "json").json["notifications"]
        for each in leased:
            self.secrets |= {each[name] for name in ("code", "token") if name in each}
        return leased

    def pass_challenge(self, purpose, **fields):
        check = {"shown": "XVMS", "typed": "xvms"}
        challenge = self.act("start-challenge", purpose=purpose, character_check=check, **fields)["challenge_id"]
        sent = {"challenge_id": challenge, "proof_id": self.proofs[0], "channel": "email"}
        self.act("send-code", confirmation="Markedwrong", **sent)
        self.act("send-code", confirmation="marked.proof", **sent)
        code = next(each["code"] for each in reversed(self.mail()) if "code" in each)
        self.act("submit-code", challenge_id=challenge, code="Markedwrong")
        self.act("submit-code", challenge_id=challenge, code=code)
        return challenge


def settle_in(owner):
    """Proofs verified, one more added, a profile changed, devices known."""
    for each in owner.mail():
        for proof in owner.proofs[:3]:
            answer = {"code": each["code"]} if "code" in each else {"link_token": each["token"]}
            owner.act("verify-proof", proof_id=proof, **answer)
        owner.act("record-delivery", notification_id=each["notification_id"], result="bounced", detail="Markedbounce")
    owner.act("record-sign-in", result="succeeded", device_id="marked-phone", location="marked-place")
    owner.act("record-sign-in", result="failed", device_id="marked-phone", location="marked-place", reason="x")
    change = owner.pass_challenge("change_security_info")
    owner.act("change-profile", challenge_id=change,
              profile={"surname": "Markedsurname-two", "region": "Markedregion-two"})
    owner.act("add-proof", challenge_id=change, kind="email", value="marked.other@example.net")
    owner.act("add-proof", challenge_id=change, kind="authenticator_app",
              totp_secret="MARKEDTOTPMARKEDTOTPMARKEDTOTP32")
    recovery_code = owner.act("issue-recovery-code", challenge_id=change).get("recovery_code")
    owner.secrets |= {recovery_code} if recovery_code else set()
    trusted = owner.pass_challenge("trust_device", device_id="marked-pc")
    owner.act("trust-device", challenge_id=trusted, device_id="marked-pc")
    started = owner.act("start-challenge", purpose="sensitive_page")["challenge_id"]
    owner.act("answer-secret-question", challenge_id=started, proof_id=owner.proofs[3], answer="Markedwrong")
    owner.act("use-recovery-code", challenge_id=started, code="Markedwrong")


def get_in_trouble(owner):
    """Evidence, a recovery, a block, windows, an investigation."""
    owner.act("record-evidence", items=[{"kind": "mail_subjects", "value": "Markedsubject"},
                                        {"kind": "mail_folders", "value": "Markedfolder"}])
    form = {"contact_address": "marked.contact@example.org", "device_id": "marked-phone", "location": "marked-place",
            "answers": {"surname": "Markedanswer", "given_name": "Markedgiven", "birth_date": "1979-03-07",
                        "mail_subjects": ["Markedsubject"], "passwords": ["Markedpw2"]}}
    for _ in range(3):
        owner.act("submit-recovery", character_check={"shown": "a", "typed": "a"}, **form)
    owner.act("change-password", current_password="Markedwrong1", new_password="Markedpw3",
              new_password_repeat="Markedpw3")
    owner.act("block-account", reason="suspected_intrusion", detail="Markeddetail")
    owner.act("record-sign-in", result="succeeded", device_id="marked-phone", location="marked-place")
    opened = owner.act("mark-proofs-lost")
    owner.act("propose-replacement-proof", replacement_id=opened["replacement_id"], kind="email",
              value="marked.other@example.net")
    owner.act("merge-accounts", into=NAME)
    return owner.act("record-access", reason="Markedreason", case_number="C-1042", investigator="staff-17",
                     fields=["sign_in_name", "profile", "proofs"])


def seen(answer, marks):
    text = (answer.out + answer.err).decode()
    return {mark for mark in marks if mark in text}


def check_queries(ledger, owner, marks, report):
    last = str(len(ledger.events()) - 1)
    for name in QUERIES:
        owners = ([],) if name in ("services", "policy") else ([], ["--account", owner.id], ["--account", NAME])
        for account in owners:
            for instant in ([], ["--as-of", last]):
                for form in FORMATS:
                    answer = ledger.run("query", name, *account, *instant, "--format", form)
                    what = f"query {name} {account[1:]} {instant} --format {form}"
                    report.equal(seen(answer, marks), set(), what)
                    for masked in MASKED.get(name, ()) if account and form == "json" else ():
                        report.check(masked in answer.out.decode(), f"{what}: no {masked}: {answer.words}")


def check_explanations(ledger, owner, marks, report):
    """Of every event, and of every rule for the account, in one play."""
    rules = [row["rule"] for row in ledger.run("rules", "--format", "json").json["rules"]]
    lines = [{"query": "explain", "seq": seq} for seq in range(len(ledger.events()))]
    lines += [{"query": "explain", "account": owner.id, "rule": rule} for rule in rules]
    answer = ledger.run("play", "-", "--format", "ndjson", stdin="\n".join(map(json.dumps, lines)).encode())
    report.equal(answer.code, 0, f"explanations: {answer.err[:300]!r}")
    report.equal(len(answer.out.splitlines()), len(lines), "explanations")
    report.equal(seen(answer, marks), set(), "explanations")


def check_others(ledger, marks, report):
    """What is printed for whoever runs the ledger; and errors, which name nobody that was asked for."""
    for args in (["tick"], ["audit", "verify"], ["replay"], ["rules"],
                 ["query", "account", "--account", "marked.unknown@outlook.com"],
                 ["command", "block-account", "--account", "marked.unknown@outlook.com", "reason=x"],
                 ["command", "block-account", "--account", NAME, "reason=Markeddetail of it"],
                 ["query", "recovery-options", "--account", "marked.unknown@outlook.com"]):
        answer = ledger.run(*args)
        report.equal(seen(answer, marks), set(), " ".join(args))


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    owner = Owner(ledger)
    settle_in(owner)
    access = get_in_trouble(owner)
    owner.mail()
    kinds = {each["type"] for each in ledger.events()}
    for kind in ("ProofVerified", "ProfileChanged", "DeviceTrusted", "RecoverySubmitted", "RecoveryRefused",
                 "AccountBlocked", "ContactConfirmationFailed", "CodeRejected", "SecretAnswerRejected",
                 "RecoveryCodeRejected", "PasswordRejected", "EvidenceRecorded", "SignInRefused", "DeliveryRecorded",
                 "RecoveryCodeIssued", "ReplacementProofProposed", "CommandRefused", "AccessRecorded"):
        report.check(kind in kinds, f"no {kind} came about: {sorted(kinds)}")
    report.check(len(owner.secrets) > 8, f"secrets: {len(owner.secrets)}")
    shown = json.dumps(access, ensure_ascii=False)
    for mark in ("marked.signin", "Markedsurname", "marked.proof", "13579246", "Markedquestion", "marked-pc"):
        report.check(mark in shown, f"record-access does not show {mark}: {shown}")
    marks = MARKS | owner.secrets
    check_queries(ledger, owner, marks, report)
    check_explanations(ledger, owner, marks, report)
    check_others(ledger, marks, report)
    accesses = ledger.query("accesses", "--account", owner.id)["accesses"]
    found = [(each["investigator"], each["case_number"], each["fields"], each["reason"]) for each in accesses]
    report.equal(found, [("staff-17", "C-1042", ["sign_in_name", "profile", "proofs"], "(sealed)")], "query accesses")
    timeline = [each["what"] for each in ledger.query("timeline", "--account", owner.id)["events"]]
    report.check(any(re.fullmatch("sign_in_name, profile, proofs read by investigator staff-17 for case C-1042", each)
                     for each in timeline), f"the access is not in the timeline: {timeline[-3:]}")


if __name__ == "__main__":
    main("masking", run)
