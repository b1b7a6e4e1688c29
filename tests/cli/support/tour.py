"""A tour through every command, with values that are marked: an owner's, an intruder's, an investigator's."""
import base64
import hashlib
import hmac

from support.conversation import STEP
from support.exposure import PLANTED

FOREIGN, MAIL = "zq7-foreign.example.co.jp", "zq7-mailhost.example.jp"
CHALLENGE_TEXT = "ZQ7XVMS"


def totp(secret, now):
    """RFC 6238, the code of half a minute."""
    digest = hmac.new(base64.b32decode(secret), (int(now.timestamp()) // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at:at + 4], 'big') & 0x7fffffff) % 10**6:06}"


class Tour:
    def __init__(self, conversation):
        self.talk, self.marks = conversation, conversation.marks
        marks = self.marks
        self.source = {"ip": marks.personal("ip", "203.0.113.177"),
                       "user_agent": marks.personal("user agent", "Zq7Agent/1.0 (planted)"),
                       "request_id": marks.personal("request id", "zq7-request-0001")}
        self.device, self.place = (marks.personal(each, f"zq7-{each}-planted") for each in ("device", "location"))
        self.question, self.answer = marks.masked("question", "Zq7 駅の名は?"), marks.secret("answer", "Zq7Mojiko駅")
        self.profile = {field: marks.personal(field, text) for field, text in (
            ("surname", "Zq7Surname山"), ("given_name", "Zq7Given誠"), ("birth_date", "1931-07-23"),
            ("region", "Zq7Region北"), ("postal_code", "987-6541"))} | {"country": "JP"}
        for name, domain in (("domain of the name", FOREIGN), ("domain of the mailbox", MAIL)):
            marks.masked(name, domain)
        self.account = self.mail = self.phone = None
        self.proofs = {}

    def secret(self, name, text):
        return self.marks.secret(name, text)

    def address(self, local, domain=MAIL):
        self.marks.personal(f"address {local}", local)
        return f"{local}@{domain}"

    def number(self, digits):
        self.marks.personal(f"phone {digits}", digits)
        return f"0{digits}"

    def passwords(self, field, text, repeat=None):
        return {field: self.secret(f"password {text}", text), f"{field}_repeat": repeat or text}

    def check(self):
        return {"character_check": {"shown": CHALLENGE_TEXT, "typed": CHALLENGE_TEXT.lower()}}

    # ---- chapters: each leaves the account usable ----

    def registration(self):
        talk, name = self.talk, self.address("zq7name.planted", FOREIGN)
        self.name = name
        body = {"sign_in_name": name, "profile": self.profile, "device_id": self.device, "source": self.source,
                "proofs": [{"kind": "email", "value": self.address("zq7mail.first")},
                           {"kind": "mobile_phone", "value": self.number("9076543210"), "country": "JP"},
                           {"kind": "secret_question", "question": self.question, "answer": self.answer}]}
        talk.refuse("register-account", "not_repeated", **body,
                    **self.passwords("password", "Zq7Regist-Aa.15", self.secret("other entry", "Zq7Otherone-Aa.1")))
        answer = talk.command("register-account", **body, **self.passwords("password", "Zq7Regist-Aa.15"))
        self.account = answer["account"]
        self.proofs = dict(zip(("mail", "phone", "question"), answer["proof_ids"]))
        talk.refuse("register-account", "sign_in_name_taken", **body, **self.passwords("password", "Zq7Second-Aa.16b"))
        sent = talk.lease(self.account)
        talk.refuse("confirm-sign-in-name", "link_unknown", self.account,
                    link_token=self.secret("wrong link", "Zq7WrongLinkOfAName"))
        talk.command("confirm-sign-in-name", self.account, link_token=sent["sign_in_name_link"]["token"])
        talk.refuse("verify-proof", "wrong_code", self.account, proof_id=self.proofs["phone"],
                    code=self.secret("wrong code", "7391846205"))
        talk.command("verify-proof", self.account, proof_id=self.proofs["mail"], link_token=sent["proof_link"]["token"])
        talk.command("verify-proof", self.account, proof_id=self.proofs["phone"], code=sent["security_code"]["code"])
        talk.refuse("record-delivery", "notification_unknown", self.account, notification_id=self.account,
                    result="accepted", detail=self.marks.personal("wrong delivery", "Zq7 wrong delivery"))

    def sign_ins(self):
        seen = {"device_id": self.device, "location": self.place, "source": self.source}
        self.sign_in = self.talk.command("record-sign-in", self.account, result="succeeded", **seen)["events"][0]["seq"]
        self.talk.command("record-sign-in", self.account, result="failed", **seen)

    def step_up(self, purpose="change_security_info"):
        """A challenge passed with the secret question, once answered wrongly."""
        talk = self.talk
        challenge = talk.command("start-challenge", self.account, purpose=purpose, device_id=self.device,
                                 source=self.source, **self.check())["challenge_id"]
        both = {"challenge_id": challenge, "proof_id": self.proofs["question"]}
        talk.refuse("answer-secret-question", "wrong_answer", self.account, **both,
                    answer=self.secret("wrong answer", "Zq7NotTheStation"))
        talk.command("answer-secret-question", self.account, **both, answer=self.answer)
        return challenge

    def proofs_of_all_kinds(self):
        talk, account, challenge = self.talk, self.account, self.step_up()
        talk.refuse("add-proof", "invalid_totp_secret", account, challenge_id=challenge, kind="authenticator_app",
                    totp_secret=self.secret("no secret of an app", "Zq7-is-not-base-32"))
        app = self.secret("secret of an app", "ZQ7ZQ7MARKEDAPPSECRET234567ZQ7ZQ")
        added = talk.command("add-proof", account, challenge_id=challenge, kind="authenticator_app", totp_secret=app)
        talk.refuse("verify-proof", "wrong_code", account, proof_id=added["proof_id"], totp="000001")
        talk.later(minutes=1)
        talk.command("verify-proof", account, proof_id=added["proof_id"], totp=totp(app, talk.now + STEP))
        second = talk.command("add-proof", account, challenge_id=challenge, kind="mobile_email",
                              value=self.address("zq7mail.second"))["proof_id"]
        talk.command("verify-proof", account, proof_id=second, link_token=talk.lease(account)["proof_link"]["token"])
        both = {"challenge_id": challenge, "kind": "mobile_phone", "country": "JP"}
        talk.refuse("replace-proof", "invalid_phone", account, proof_id=self.proofs["phone"], **both,
                    value=self.marks.personal("no number", "Zq7-no-number"))
        new = talk.command("replace-proof", account, proof_id=self.proofs["phone"], **both,
                           value=self.number("8076543211"))["proof_id"]
        talk.command("verify-proof", account, proof_id=new, code=talk.lease(account)["security_code"]["code"])
        self.proofs["phone"] = new
        talk.command("remove-proof", account, challenge_id=challenge, proof_id=second)
        talk.refuse("remove-proof", "proof_unknown", account, challenge_id=challenge, proof_id=account)
        talk.lease(account)

    def profile_and_password(self):
        talk, account, challenge = self.talk, self.account, self.step_up()
        talk.command("change-profile", account, challenge_id=challenge,
                     profile={"surname": self.marks.personal("second surname", "Zq7Married川")})
        talk.refuse("change-profile", "challenge_unknown", account, challenge_id=account,
                    profile={"region": self.marks.personal("refused region", "Zq7Refused")})
        talk.refuse("change-password", "wrong_password", account,
                    current_password=self.secret("wrong current", "Zq7Wrongly-Aa.16"),
                    **self.passwords("new_password", "Zq7Never-Aa.16ab"))
        talk.command("change-password", account, current_password="Zq7Regist-Aa.15",
                     **self.passwords("new_password", "Zq7Changed-Aa.16"))
        challenge = self.step_up()
        talk.refuse("enable-two-step", "challenge_unknown", account, challenge_id=account)
        talk.command("enable-two-step", account, challenge_id=challenge)
        talk.command("disable-two-step", account, challenge_id=challenge)
        talk.refuse("disable-two-step", "challenge_unknown", account, challenge_id=account)
        talk.refuse("merge-accounts", "never_merged", account, into=self.address("zq7merged.into"))

    def devices(self):
        talk, account = self.talk, self.account
        device = self.marks.personal("second device", "zq7-second-device")
        challenge = talk.command("start-challenge", account, purpose="trust_device", device_id=device)["challenge_id"]
        way = {"challenge_id": challenge, "proof_id": self.proofs["mail"], "channel": "email"}
        talk.refuse("send-code", "wrong_confirmation", account, **way,
                    confirmation=self.marks.personal("wrong confirmation", "zq7notthemailbox"))
        talk.command("send-code", account, **way, confirmation="zq7mail.first")
        sent = talk.lease(account)
        talk.refuse("submit-code", "wrong_code", account, challenge_id=challenge, code="7391846205")
        talk.command("submit-code", account, challenge_id=challenge, code=sent["security_code"]["code"])
        talk.refuse("trust-device", "other_device", account, challenge_id=challenge,
                    device_id=self.marks.personal("third device", "zq7-third-device"))
        talk.command("trust-device", account, challenge_id=challenge, device_id=device)

    def recovery_code(self):
        talk, account, challenge = self.talk, self.account, self.step_up()
        talk.refuse("issue-recovery-code", "challenge_unknown", account, challenge_id=account)
        code = talk.command("issue-recovery-code", account, challenge_id=challenge)["recovery_code"]
        self.secret("recovery code", code)
        self.secret("recovery code without hyphens", code.replace("-", ""))
        challenge = talk.command("start-challenge", account, purpose="reset_password", **self.check())["challenge_id"]
        talk.refuse("use-recovery-code", "wrong_recovery_code", account, challenge_id=challenge,
                    code=self.secret("wrong recovery code", "ZQ7AA-AAAAA-BBBBB-CCCCC-DDDDD"))
        talk.command("use-recovery-code", account, challenge_id=challenge, code=code)
        talk.refuse("reset-password", "too_few_classes", account, challenge_id=challenge,
                    **self.passwords("new_password", "zqsevenonlylower"))
        talk.command("reset-password", account, challenge_id=challenge,
                     **self.passwords("new_password", "Zq7Byreset-Aa.16"))
        talk.lease(account)

    def recovery_form(self):
        talk, account = self.talk, self.account
        folder = self.marks.personal("folder", "Zq7Folder領収書")
        talk.command("record-evidence", account, items=[
            {"kind": "mail_folders", "value": folder},
            {"kind": "mail_subjects", "value": self.marks.personal("subject", "Zq7 subject of a letter 週末")}])
        answers = {**{field: self.profile[field] for field in ("given_name", "birth_date", "postal_code")},
                   "surname": self.marks.personal("answered surname", "Zq7Answered谷"), "mail_folders": [folder],
                   "card_name": self.marks.personal("card name", "ZQ7 CARD NAME"),
                   "skype_id": self.marks.personal("skype id", "zq7.skype.planted"),
                   "passwords": ["Zq7Regist-Aa.15", self.secret("answered password", "Zq7Guessed-Aa.16")]}
        form = {"contact_address": self.address("zq7contact.planted"), "answers": answers, "device_id": self.device,
                "location": self.place, "source": self.source, **self.check()}
        recovery = talk.command("submit-recovery", account, **form)["recovery_id"]
        talk.refuse("submit-recovery", "too_little_information", account, **form | {"answers": {
            "surname": self.marks.personal("refused answer", "Zq7RefusedSurname")}})
        talk.command("decide-recovery", account, recovery_id=recovery)
        talk.refuse("decide-recovery", "recovery_unknown", account, recovery_id=account)
        talk.refuse("reset-password", "reset_link_unknown", account,
                    reset_token=self.secret("wrong token", "Zq7WrongResetLink"),
                    **self.passwords("new_password", "Zq7Nottaken-Aa16"))
        talk.command("reset-password", account, reset_token=talk.lease(account)["recovery_verified"]["token"],
                     **self.passwords("new_password", "Zq7Recover-Aa.16"))
        talk.later(days=3)
        talk.command("send-recovery-survey", account, recovery_id=recovery)
        talk.refuse("send-recovery-survey", "recovery_unknown", account, recovery_id=account)
        talk.lease(account)

    def opened_replacement(self, **proof):
        """A window with a new proof in it: its id, the opener's token, what was sent."""
        talk, account = self.talk, self.account
        opened = talk.command("mark-proofs-lost", account, source=self.source)
        self.secret("replacement token", opened["replacement_token"])
        window = {"replacement_id": opened["replacement_id"]}
        talk.refuse("propose-replacement-proof", "invalid_email", account, **window, kind="email",
                    value=self.marks.personal("no address", "zq7-no-address"))
        talk.command("propose-replacement-proof", account, **window, **proof)
        return window, talk.lease(account)

    def replacements(self):
        talk, account = self.talk, self.account
        talk.refuse("mark-proofs-lost", "wrong_recovery_code", account,
                    recovery_code=self.secret("wrong recovery code of a lost one", "ZQ7BB-AAAAA-BBBBB-CCCCC-DDDDD"))
        window, sent = self.opened_replacement(kind="email", value=self.address("zq7mail.stranger"))
        talk.refuse("confirm-replacement-proof", "wrong_account_named", account, **window,
                    link_token=sent["proof_link"]["token"], account_named=self.address("zq7other.name"))
        talk.command("confirm-replacement-proof", account, **window, link_token=sent["proof_link"]["token"],
                     account_named=self.name)
        talk.refuse("cancel-replacement", "not_entitled", account, **window,
                    link_token=self.secret("wrong link of a window", "Zq7WrongNoticeLink"))
        talk.command("cancel-replacement", account, **window, link_token=sent["replacement_pending"]["token"])
        talk.later(days=2)
        window, sent = self.opened_replacement(kind="mobile_phone", country="JP", value=self.number("7076543212"))
        talk.command("confirm-replacement-proof", account, **window, code=sent["security_code"]["code"])
        talk.refuse("dispute-replacement", "not_entitled", account, **window, link_token="Zq7WrongNoticeLink")
        talk.command("dispute-replacement", account, **window, link_token=sent["replacement_pending"]["token"])
        talk.refuse("unblock-account", "challenge_unknown", account, challenge_id=account)
        talk.command("unblock-account", account, challenge_id=self.step_up("unblock"))
        talk.later(days=2)
        window, sent = self.opened_replacement(kind="email", value=self.address("zq7mail.third"))
        talk.command("confirm-replacement-proof", account, **window, link_token=sent["proof_link"]["token"],
                     account_named=self.name)
        talk.refuse("complete-replacement", "not_due", account, **window)
        talk.later(days=31)
        talk.command("complete-replacement", account, **window)
        talk.lease(account)

    def blocks(self):
        talk, account = self.talk, self.account
        talk.refuse("block-account", "reason_not_a_word", account,
                    reason=self.marks.personal("a sentence", "Zq7 reason"),
                    detail=self.marks.personal("refused detail", "Zq7 refused detail of a block"))
        talk.command("block-account", account, reason="suspected_intrusion", source=self.source,
                     detail=self.marks.personal("detail", "Zq7 detail of a block"))
        talk.refuse("record-sign-in", "blocked", account, result="succeeded", device_id=self.device,
                    location=self.place)
        talk.command("unblock-account", account, challenge_id=self.step_up("unblock"))
        talk.lease(account)

    def unknown_names(self):
        """What a stranger types who has no account here: a decoy answers."""
        talk, nobody = self.talk, self.address("zq7nobody.here", FOREIGN)
        talk.refuse("start-challenge", "character_check_failed", nobody, purpose="reset_password", character_check={
            "shown": CHALLENGE_TEXT, "typed": self.marks.personal("typed characters", "Zq7typedwrongly")})
        challenge = talk.command("start-challenge", nobody, purpose="reset_password", source=self.source,
                                 device_id=self.device, **self.check())
        talk.refuse("send-code", "wrong_confirmation", nobody, challenge_id=challenge["challenge_id"],
                    proof_id=challenge["offers"][0]["proof_id"], channel="email",
                    confirmation=self.marks.personal("stranger's guess", "zq7strangersguess"))
        talk.command("submit-recovery", nobody, **self.check(), source=self.source,
                     contact_address=self.address("zq7contact.stranger"), answers={
                         "surname": self.marks.personal("stranger's answer", "Zq7Stranger島"),
                         "given_name": "Zq7Given誠", "birth_date": "1931-07-23"})
        opened = talk.command("mark-proofs-lost", nobody)
        self.secret("decoy's replacement token", opened["replacement_token"])
        talk.command("propose-replacement-proof", nobody, replacement_id=opened["replacement_id"], kind="email",
                     value=self.address("zq7mail.of.nobody"))
        talk.say({"tick": True})

    def investigations(self):
        talk, account = self.talk, self.account
        talk.refuse("record-access", "field_unknown", account, fields=["zq7_field"], case_number="C-1",
                    reason=self.marks.personal("refused reason", "Zq7 refused reason of an access"))
        talk.command("record-access", account, fields=["sign_in_name", "profile", "proofs"], case_number=PLANTED,
                     reason=self.marks.personal("reason", "Zq7 reason of an access"))
        why = {"case_number": "C-2", "reason": self.marks.personal("order", "Zq7 order of a court")}
        talk.refuse("disclose-events", "positions_missing", account, positions=[], **why)
        talk.command("disclose-events", account, positions=[self.sign_in], **why)

    def other_accounts(self):
        """An account that expires, and one whose mailbox goes."""
        talk = self.talk
        ids = []
        for local, digits in (("zq7owner.of.mail", "8012345671"), ("zq7owner.who.leaves", "8012345672")):
            ids.append(talk.command(
                "register-account", sign_in_name=self.address(local, "outlook.com"), device_id=self.device,
                **self.passwords("password", "Zq7Others-Aa.16b"), proofs=[
                    {"kind": "trusted_device", "device_id": self.device},
                    {"kind": "mobile_phone", "value": self.number(digits), "country": "JP"}])["account"])
            talk.lease(ids[-1])
        talk.command("deactivate-mailbox", ids[0], reason="owner")
        talk.refuse("deactivate-mailbox", "no_mailbox", self.account, reason="owner")
        talk.refuse("expire-account", "not_due", ids[1], service="scheduler")
        talk.later(days=400)
        talk.command("expire-account", ids[1], service="scheduler")

    def administration(self):
        talk = self.talk
        talk.refuse("adopt-policy", "bad_value", min_proofs=0)
        talk.command("rotate-signing-key")
        token = talk.command("register-service", name="console", roles=["admin"])["token"]
        self.secret("token of a service", token)
        talk.refuse("register-service", "service_exists", name="console", roles=["admin"])
        talk.refuse("revoke-service", "no_such_service", name="nobody")
        talk.command("revoke-service", name="console")
        talk.refuse("rotate-signing-key", "service_unknown", service="console")

    def closing(self):
        talk, account = self.talk, self.account
        talk.refuse("close-account", "wrong_password", account, confirm=True,
                    password=self.secret("wrong password at the end", "Zq7AtTheEnd-Aa.1"))
        talk.command("close-account", account, password="Zq7Recover-Aa.16", confirm=True)
        talk.refuse("record-evidence", "account_closed", account, items=[
            {"kind": "card_name", "value": self.marks.personal("refused card name", "ZQ7 REFUSED CARD")}])

    def other_account(self):
        """Somebody with two phones; nothing was sent yet."""
        proofs = [{"kind": "mobile_phone", "value": self.number(each), "country": "JP"}
                  for each in ("8012345673", "8012345674")]
        return self.talk.command("register-account", sign_in_name=self.address("zq7one.more", "outlook.com"),
                                 **self.passwords("password", "Zq7Onemore-Aa.16"), proofs=proofs)["account"]

    def policy(self):
        """Limits that do not end the tour; long codes, which occur nowhere by chance."""
        self.talk.command("adopt-policy", code_digits=10, recovery_threshold=1, recovery_per_day=10,
                          max_codes_per_hour=50, max_contact_confirmations=50, max_code_guesses=20,
                          max_replacements_per_day=50)

    def chapters(self):
        """Up to the closing, which takes the account away."""
        return (self.policy, self.registration, self.sign_ins, self.proofs_of_all_kinds, self.profile_and_password,
                self.devices, self.recovery_code, self.recovery_form, self.blocks, self.unknown_names,
                self.investigations, self.replacements, self.other_accounts, self.administration)
