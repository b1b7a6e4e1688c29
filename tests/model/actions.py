"""What random histories are made of: commands whose members are mostly right, and the ways of owners and strangers."""
from .basics import totp
from .happenings import DAY, HOUR, SECOND

GRADES = {"Kaze1234": "weak", "ame7furu9": "acceptable", "Sora5678": "acceptable", "password1": "weak",
          "Abcdefg1": "weak",
          "tR7!mq2#Zx9w": "strong", "gV4&kd8?Lp3s": "strong"}  # R-PWD-2
PASSWORDS = tuple(GRADES)
DEVICES = (None, "pc-1", "pc-2", "tablet-3")
PLACES = (None, "JP-13", "JP-27")
PHONES = [f"090-1234-00{n:02}" for n in range(10, 20)]
MAILBOXES = [f"{name}@example.{tld}" for name in ("taro", "hana", "jiro", "Yuki") for tld in ("com", "jp")]
APPS = ("JBSWY3DPEHPK3PXPJBSWY3DP", "GEZDGNBVGY3TQOJQGEZDGNBV")
ZONES = ("Asia/Tokyo", "America/New_York", "America/Santiago", "Asia/Kathmandu", "Europe/London", "Pacific/Chatham")
PURPOSES = ("reset_password", "unblock", "verify_proof", "trust_device", "sensitive_page", "change_security_info",
            "two_step_sign_in", "close_account")
CHECK = {"shown": "XVMS", "typed": "xvms"}
PROFILE = {"surname": "山田", "given_name": "太郎", "birth_date": "1980-01-02", "country": "JP", "region": "東京都",
           "postal_code": "150-0001"}
FOLDERS, CARDS = ("請求書", "旅行", "家族"), ("1234", "9876")


class Actions:
    """Of one ledger. `move()` and `pair` are History's."""

    # --- what there is to choose from

    def view(self, account):
        return self.model.view(account, self.pair.now)

    def pick(self, values, default=None):
        values = list(values)
        return self.rng.choice(values) if values else default

    def mostly(self, right, others, percent=85):
        return right if self.chance(percent) else self.pick(others, right)

    def do(self, name, account, **fields):
        """The command. Refused until an instant, it is often tried again at that instant, or a microsecond beside."""
        given = {key: value for key, value in fields.items() if value is not None}
        outcome = self.pair.command(name, account, again=self.chance(3), **given)
        is_guess = outcome.no and outcome.no.returns.get("guesses_left")
        for _ in range(6 if is_guess and self.chance(10) else 0):  # who guesses does not stop at once (R-CHL-5)
            self.move(calm=True)
            outcome = self.pair.command(name, account, **given)
        at = outcome.no and outcome.no.retry_at
        if at and self.chance(60 if at < self.pair.now + 2 * DAY else 15):
            self.aim(at)
            outcome = self.pair.command(name, account, **given)
        return outcome

    def aim(self, at):
        """Time goes on to this instant, or to a microsecond beside it."""
        self.pair.now = max(self.pair.now, at + self.rng.choice((-1, -1, 0, 0, 1)))

    def is_known(self, word):
        return word in self.pair.product_words

    def any_id(self, word):
        """An id of this kind that the product gave out, of whatever account, else one that nobody has."""
        known = [each for each in self.pair.product_words if isinstance(each, str) and each.startswith(word + "-")]
        return self.pick(known[-12:], "00000000-0000-7000-8000-000000000000")

    def secret(self, right, percent=75):
        """A secret that the owner has, an old one, or a wrong one."""
        kind = right[0] if right else "code"
        old = [each for each in self.pair.product_words if isinstance(each, tuple) and each[0] == kind]
        if right and self.is_known(right) and self.chance(percent):
            return right
        return self.pick(old[-6:], "0000000") if self.chance(50) else "wrong"

    def new_password(self):
        word = self.pick(PASSWORDS)
        repeat = self.mostly(word, ["Kaze12345"], 95)
        return {"new_password": word, "new_password_repeat": repeat, "grade": GRADES[word]}

    def new_proof(self, registration=False):
        kind = self.pick(("email", "mobile_phone", "email", "mobile_phone", "secret_question", "trusted_device",
                          "mobile_email", *(() if registration else ("landline_phone", "authenticator_app")) * 2))
        if kind in ("email", "mobile_email"):
            return {"kind": kind, "value": self.mostly(self.pick(MAILBOXES), ["nobody"], 98)}
        if kind in ("mobile_phone", "landline_phone"):
            number = self.pick(PHONES) if kind == "mobile_phone" else f"03-1234-56{self.rng.randrange(10, 13)}"
            return {"kind": kind, "value": number, "country": "JP"}
        if kind == "secret_question":
            return {"kind": kind, "question": self.pick(("pet", "school")), "answer": self.pick(("pochi", "tama"))}
        if kind == "authenticator_app":
            return {"kind": kind, "totp_secret": self.pick(APPS)}
        return {"kind": kind, "device_id": self.pick(DEVICES[1:])}

    def passed(self, view, purpose):
        """Mostly a challenge just passed for this; else any."""
        right = [one for one in view.challenges if one["purpose"] == purpose and one["passed_at"] is not None
                 and self.is_known(one["id"])]
        if not right or self.chance(5):
            return self.any_id("challenge")
        if self.chance(10):
            self.aim(right[-1]["passed_at"] + view.policy["step_up_ttl_seconds"] * SECOND)
        return right[-1]["id"]

    # --- registration, sign-in

    def register(self, _=None):
        self.names += 1
        domain = self.pick(("outlook.com", "outlook.com", "live.jp", "example.net"))
        name = self.mostly(f"user{self.names}@{domain}", ["user1@outlook.com"], 95)
        proofs = [self.new_proof(True) for _ in range(self.pick((1, 2, 2, 2, 3, 3)))]
        password = self.pick(PASSWORDS)
        outcome = self.do("register-account", None, sign_in_name=name, password=password, password_repeat=password,
                          profile=PROFILE, proofs=proofs, plan=self.pick(("free", "free", "free", "paid")),
                          grade=GRADES[password])
        if not outcome.no and self.chance(85):
            self.verify_all(outcome.account)

    def confirm_name(self, account):
        asked = self.view(account).newest("SignInNameConfirmationRequested")
        self.do("confirm-sign-in-name", account, link_token=self.secret(asked and asked.secret))

    def sign_in(self, account):
        view = self.view(account)
        challenge = self.passed(view, "two_step_sign_in") if view.two_step and self.chance(70) else None
        self.do("record-sign-in", account, result=self.pick(("succeeded", "succeeded", "failed")),
                device_id=self.pick(DEVICES), location=self.pick(PLACES), challenge_id=challenge)

    # --- challenges

    def start(self, account, purpose=None):
        purpose = purpose or self.pick(PURPOSES)
        public = purpose in ("reset_password", "unblock")
        check = self.mostly(CHECK, [None, {"shown": "XVMS", "typed": "?"}], 92) if public else None
        return self.do("start-challenge", account, purpose=purpose, device_id=self.pick(DEVICES),
                       character_check=check).returns.get("challenge_id")

    def newest_open(self, view):
        found = [one for one in view.challenges if one["passed_at"] is None and self.is_known(one["id"])]
        ends = found and found[-1]["at"] + view.policy["challenge_ttl_seconds"] * SECOND
        if found and ends > self.pair.now and self.chance(4):
            self.aim(ends)
        if not found or self.chance(8 if ends > self.pair.now else 60):
            return self.any_id("challenge")
        return found[-1]["id"]

    def send(self, account, challenge=None):
        view = self.view(account)
        challenge = challenge or self.newest_open(view)
        offers = (view.challenge(challenge) or {}).get("offers", [])
        reached = [proof for proof in view.proofs if proof.id in offers and proof.reachable]
        proof = self.pick(reached) if self.chance(92) else view.proof(self.any_id("proof"))
        if not proof:
            return None
        channel = self.mostly(self.pick(proof.channels, "email"), ["email", "sms", "voice", "app"], 95)
        return self.do("send-code", account, challenge_id=challenge, proof_id=proof.id, channel=channel,
                       confirmation=self.mostly(proof.hidden or "x", ["0000", "nobody"], 80))

    def app_code(self, proof):
        step = self.pair.now // (30 * SECOND) + self.pick((-2, -1, 0, 0, 0, 0, 1, 2))
        return self.mostly(totp(proof.secret, step), ["000000"], 80)

    def submit(self, account, challenge=None, percent=75):
        view = self.view(account)
        challenge = challenge or self.newest_open(view)
        offers = (view.challenge(challenge) or {}).get("offers", [])
        apps = [proof for proof in view.proofs if proof.id in offers and proof.kind == "authenticator_app"]
        sent = view.proof_with_code_of(challenge)
        waiting = sent and view.code_waiting(sent)
        if apps and (not waiting or self.chance(40)):
            app = self.pick(apps)
            named = app.id if self.chance(60) else None
            return self.do("submit-code", account, challenge_id=challenge, code=self.app_code(app), proof_id=named)
        return self.do("submit-code", account, challenge_id=challenge,
                       code=self.secret(waiting and waiting.secret, percent))

    def answer(self, account, challenge=None):
        view = self.view(account)
        questions = [proof for proof in view.proofs if proof.kind == "secret_question"]
        proof = self.pick(questions)
        if proof:
            self.do("answer-secret-question", account, challenge_id=challenge or self.newest_open(view),
                    proof_id=proof.id, answer=self.mostly(proof.secret, ["pochi", "tama", "kuro"], 70))

    def use_code(self, account, challenge=None):
        view = self.view(account)
        self.do("use-recovery-code", account, challenge_id=challenge or self.newest_open(view),
                code=self.secret(view.recovery_code or ("recovery_code", ""), 60))

    def prove(self, account, purpose):
        """A challenge from its start to its end, as an owner goes through it."""
        challenge = self.start(account, purpose)
        if not challenge or not self.is_known(challenge):
            return
        if self.view(account).recovery_code and self.chance(12):
            self.use_code(account, challenge)
        if self.chance(15):
            self.answer(account, challenge)
        for _ in range(self.pick((1, 1, 1, 1, 2, 6))):
            self.move(calm=True)
            sent = self.send(account, challenge)
            if sent and sent.no and sent.no.code in ("challenge_passed", "no_usable_proof", "challenge_unknown"):
                return
        if sent and not sent.no and self.chance(10):
            self.aim(sent.events[-1].expires_at)
        for _ in range(self.pick((1, 2, 2, 7))):
            self.move(calm=True)
            answered = self.submit(account, challenge, 60)
            if not answered.no or answered.no.code == "challenge_passed":
                return

    def prove_any(self, account):
        self.prove(account, self.pick(PURPOSES))

    # --- what a passed challenge is for

    def verify(self, account):
        view = self.view(account)
        proof = self.pick([proof for proof in view.proofs if proof.status == "unverified"])
        proof = proof if proof and self.chance(95) else view.proof(self.any_id("proof"))
        if not proof:
            return
        if proof.kind == "authenticator_app":
            self.do("verify-proof", account, proof_id=proof.id, totp=self.app_code(proof))
            return
        sent = view.code_waiting(proof)
        if sent and self.chance(10):
            self.aim(sent.expires_at)
        is_link = self.mostly(bool(sent) and sent.kind == "LinkSent", [True, False], 95)
        self.do("verify-proof", account, proof_id=proof.id,
                **{"link_token" if is_link else "code": self.secret(sent and sent.secret)})

    def verify_all(self, account):
        for _ in range(3):
            if any(proof.status == "unverified" for proof in self.view(account).proofs):
                self.verify(account)
                self.move(calm=True)

    def reset(self, account):
        if self.chance(60):
            self.prove(account, "reset_password")
        view = self.view(account)
        links = [one["link"] for one in view.recoveries if one["link"]]
        if links or self.chance(10):
            if links and self.chance(15):
                self.aim(links[-1].expires_at)
            right = self.pick(links).secret if links else ("link", "")
            self.do("reset-password", account, reset_token=self.secret(right, 85),
                    **self.new_password())
        else:
            self.do("reset-password", account, challenge_id=self.passed(view, "reset_password"), **self.new_password())

    def change_password(self, account):
        right = self.view(account).passwords[-1]
        for _ in range(self.pick((1, 1, 1, 6))):
            self.do("change-password", account, current_password=self.mostly(right, ["Kaze0000", *PASSWORDS], 60),
                    **self.new_password())
            self.move(calm=True)

    def change_proofs(self, account):
        if self.chance(80):
            self.prove(account, "change_security_info")
        for _ in range(self.pick((1, 1, 2, 3))):
            view = self.view(account)
            challenge = self.passed(view, "change_security_info")
            proof = self.pick([proof.id for proof in view.proofs], self.any_id("proof"))
            action = self.pick(("add", "add", "replace", "remove", "issue", "issue", "two_step", "profile"))
            if action == "add":
                self.do("add-proof", account, challenge_id=challenge, **self.new_proof())
            elif action == "replace":
                self.do("replace-proof", account, challenge_id=challenge, proof_id=proof, **self.new_proof())
            elif action == "remove":
                self.do("remove-proof", account, challenge_id=challenge, proof_id=proof)
            elif action == "issue":
                self.do("issue-recovery-code", account, challenge_id=challenge)
            elif action == "two_step":
                on = self.chance(50)
                self.do("enable-two-step" if on else "disable-two-step", account, challenge_id=challenge)
            else:
                self.do("change-profile", account, challenge_id=challenge,
                        profile={"postal_code": self.pick(("150-0001", "530-0002", "600-0003"))})
            self.move(calm=True)

    def trust(self, account):
        if self.chance(80):
            self.prove(account, "trust_device")
        view = self.view(account)
        challenge = self.passed(view, "trust_device")
        device = (view.challenge(challenge) or {}).get("device")
        self.do("trust-device", account, challenge_id=challenge,
                device_id=self.mostly(device, DEVICES[1:], 90) or "pc-1")

    # --- lost proofs

    def lose(self, account):
        view = self.view(account)
        some = [proof.id for proof in view.proofs if proof.usable] or [self.any_id("proof")]
        named = None if self.chance(60) else [self.pick(some)]
        code, window = None, view.window
        if view.recovery_code and self.chance(35) or self.chance(5):
            code = self.secret(view.recovery_code or ("recovery_code", ""), 80)
        ours = {}
        if window and window["confirmed_at"] is None and self.chance(40):
            self.aim(window["opened_at"] + view.policy["link_ttl_seconds"] * SECOND)
        if window and code and self.chance(50):
            ours = {"replacement_id": window["id"]} if self.chance(50) else \
                {"replacement_token": self.secret(("opener", window["id"]))}
        self.do("mark-proofs-lost", account, proof_ids=named, recovery_code=code, **ours)

    def propose(self, account):
        window = self.view(account).window
        replacement = window["id"] if window and self.chance(95) else self.any_id("replacement")
        self.do("propose-replacement-proof", account, replacement_id=replacement, **self.new_proof())

    def confirm(self, account):
        view = self.view(account)
        replacement = view.window["id"] if view.window and self.chance(95) else self.any_id("replacement")
        proposed = [proof for proof in view.proofs if proof.status in ("proposed", "confirmed")]
        sent = proposed and view.code_waiting(proposed[-1])
        word = self.secret(sent.secret if sent else None)
        if sent and sent.kind == "LinkSent":
            name = self.mostly(view.account.sign_in_name, ["nobody@outlook.com"], 92)
            self.do("confirm-replacement-proof", account, replacement_id=replacement, link_token=word,
                    account_named=name)
        else:
            self.do("confirm-replacement-proof", account, replacement_id=replacement, code=word)

    def replace_all(self, account):
        self.lose(account)
        for _ in range(self.pick((1, 1, 2))):
            self.move(calm=True)
            self.propose(account)
        for _ in range(self.pick((1, 2, 2))):
            self.move(calm=True)
            self.confirm(account)
        window = self.view(account).window
        if window and window["effective_at"] is not None and self.chance(35):
            self.aim(window["effective_at"])
            self.pick((self.tick, self.complete, self.stop_window, self.sign_in, self.lose, self.look))(account)

    def stop_window(self, account):
        if not self.view(account).window and self.chance(60):
            self.lose(account)
        view = self.view(account)
        replacement = view.window["id"] if view.window and self.chance(95) else self.any_id("replacement")
        way = self.pick(("link_token", "challenge_id", "replacement_token"))
        word = {"link_token": self.secret(("notice", replacement)), "challenge_id": self.any_id("challenge"),
                "replacement_token": self.secret(("opener", replacement))}[way]
        self.do(self.pick(("cancel-replacement", "dispute-replacement", "cancel-replacement")), account,
                replacement_id=replacement, **{way: word})

    def quarrel(self, account):
        """Windows opened and stopped again and again (max_replacements_per_day)."""
        for _ in range(6):
            outcome = self.do("mark-proofs-lost", account)
            window = self.view(account).window
            if outcome.no or not window:
                return
            self.move(calm=True)
            self.do("cancel-replacement", account, replacement_id=window["id"],
                    replacement_token=("opener", window["id"]))

    def annoy(self, account):
        """A stranger who types wrong hidden parts, or asks for code after code (R-CHL-3, R-CHL-5)."""
        challenge = self.start(account)
        reached = [proof for proof in self.view(account).proofs if proof.reachable]
        if not challenge or not reached or not self.is_known(challenge):
            return
        is_wrong = self.chance(50)
        for _ in range(self.pick((6, 12))):
            proof = self.pick(reached[-2:])
            self.do("send-code", account, challenge_id=challenge, proof_id=proof.id, channel=proof.channels[0],
                    confirmation="nobody" if is_wrong else proof.hidden)
            self.move(calm=True)

    def complete(self, account):
        window = self.view(account).window
        replacement = window["id"] if window else self.any_id("replacement")
        self.do("complete-replacement", account, replacement_id=replacement)

    # --- the form

    def recover(self, account):
        """The form as an owner fills it in who knows everything, and what follows from it."""
        self.sign_in(account)
        if self.chance(25):
            self.block(account)
        self.form(account, right=True)
        if self.chance(10):
            self.block(account)
        self.move(calm=self.chance(50))
        self.tick(account)
        self.move(calm=self.chance(70))
        self.reset(account)

    def form(self, account, right=False):
        view = self.view(account)
        profiles = [each.profile for each in view.all("AccountRegistered", "ProfileChanged")]
        right, answers = right or self.chance(30), {}
        for field in PROFILE:
            value = self.pick(profiles)[field]
            answers[field] = [value] if right else self.pick(([value], [value], ["1999-01-01"], "not_registered", [""]))
        for field, values in (("passwords", [*view.passwords[-9:], "Kaze0000"]), ("mail_folders", FOLDERS),
                              ("card_last4", CARDS)):
            count = len(values) if right else self.rng.randrange(0, len(values) + 1)
            answers[field] = "not_registered" if self.chance(15) else self.rng.sample(list(values), count)
        if self.chance(15):
            answers = dict(list(answers.items())[:2])
        device = self.pick(DEVICES)
        if right and self.chance(60):
            signed_in = view.last_sign_in
            device = signed_in.device if signed_in else device
        contact = self.mostly("friend@example.org", ["nowhere", view.account.sign_in_name], 94)
        for _ in range(self.pick((1, 1, 2, 3))):
            self.do("submit-recovery", account, contact_address=contact, answers=answers,
                    device_id=device, location=self.pick(PLACES))
            self.move(calm=self.chance(70))

    def decide(self, account):
        pending = [one["form"].recovery for one in self.view(account).recoveries if one["outcome"] == "pending"]
        recovery = self.pick(pending) if pending and self.chance(70) else self.any_id("recovery")
        self.do(self.pick(("decide-recovery", "decide-recovery", "send-recovery-survey")), account,
                recovery_id=recovery)

    def evidence(self, account):
        kind, values = self.pick((("mail_folders", FOLDERS), ("card_last4", CARDS)))
        self.do("record-evidence", account, items=[{"kind": kind, "value": self.pick(values)}])

    # --- blocks, ends, the ledger's own

    def block(self, account):
        self.do("block-account", account, reason=self.pick(("suspected_intrusion", "leaked_password")))

    def unblock(self, account):
        if self.view(account).block and self.chance(70):
            self.prove(account, "unblock")
        self.do("unblock-account", account, challenge_id=self.passed(self.view(account), "unblock"))

    def mailbox(self, account):
        view = self.view(account)
        word = "inactive" if view.last_sign_in else "never_signed_in"
        days = "mailbox_inactive_days" if view.last_sign_in else "mailbox_first_sign_in_days"
        if self.chance(50):
            self.aim(view.last_active + view.policy[days] * DAY)
        self.pick((self.tick, lambda name: self.do("deactivate-mailbox", name, reason=self.mostly(
            word, ["owner", "inactive", "never_signed_in"]))))(account)

    def expire(self, account):
        view = self.view(account)
        if self.chance(50):
            self.aim(view.last_active + view.policy["account_inactive_days"] * DAY)
        self.pick((self.tick, lambda name: self.do("expire-account", name)))(account)

    def investigate(self, account):
        """One of two people reads, now and then several accounts in a row (decision 0026)."""
        investigator = self.pick(("staff-1", "staff-1", "staff-2"))
        for _ in range(self.pick((1, 1, 4))):
            fields = self.pick((["sign_in_name"], ["profile", "sign_in_name"], ["proofs"]))
            self.do("record-access", account, investigator=investigator, reason="complaint", case_number="C-1",
                    fields=fields)
            account = self.pick([name for name in self.model.accounts if not self.view(name).end], account)
            self.move(calm=self.chance(80))

    def close(self, account):
        password = self.mostly(self.view(account).passwords[-1], ["Kaze0000"], 60)
        self.do("close-account", account, password=password, confirm=self.chance(40))

    def merge(self, account):
        for _ in range(self.pick((1, 3, 12))):
            self.do("merge-accounts", account, into="somebody")

    def deliver(self, _):
        if self.pair.waiting:
            self.pair.deliver(self.rng.randrange(len(self.pair.waiting)), self.pick(("accepted", "failed", "bounced")))

    def tick(self, _):
        self.pair.tick()

    def policy(self, _):
        parameter, values = self.pick([
            ("day_kind", ("calendar_day", "rolling_24h")), ("day_zone", ZONES), ("min_proofs", (1, 2, 3)),
            ("recovery_per_day", (1, 2, 3)), ("max_code_guesses", (2, 5)), ("max_codes_per_hour", (2, 5)),
            ("replacement_days", (1, 30)), ("code_ttl_seconds", (60, 600)), ("step_up_ttl_seconds", (300, 900)),
            ("recovery_threshold", (40, 70)), ("survey_days", (1, 3)), ("recorded_refusals_per_hour", (3, 10)),
            ("accesses_per_day", (1, 3)), ("accesses_per_day", (1, 3)),
            ("routes", (["secret_question", "security_code", "recovery_code", "recovery_form"],
                        ["security_code", "recovery_code"], ["recovery_form", "security_code", "secret_question"])),
            ("day_kind", ("rolling_24h", "calendar_day")), ("day_zone", ZONES)])
        self.pair.adopt_policy(**{parameter: self.pick(values)})
