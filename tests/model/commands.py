"""The ladders: what each command is refused for, in order, and what it makes happen when it is not."""
from .basics import No, check_password, details, first_message, told, told_owner, totp
from .happenings import CHANNELS, DAY, PROOFS_MAX, SECOND, Happening
from .keys import MAILBOX, keys_of, live
from .recovery import RecoveryRules


class ChallengeRules:
    """R-CHL-*: challenges and what answers them."""

    def __init__(self, model, view):
        self.model, self.view, self.now, self.policy = model, view, view.now, view.policy

    def event(self, kind, told_to=(), **fields):
        return Happening(self.now, kind, told_to, **fields)

    def record(self, kind, rule, **fields):
        return self.event(kind, refused_by=rule, **fields)

    def routes(self, offered):
        """R-CHL-9: those the policy leaves open, in its order."""
        kinds = [proof.kind for proof in offered]
        is_open = {"secret_question": "secret_question" in kinds,
                   "security_code": any(kind in CHANNELS for kind in kinds),
                   "recovery_code": self.view.recovery_code is not None, "recovery_form": True}
        last = [] if self.view.window else ["mark_lost"]
        return [route for route in self.policy["routes"] if is_open[route]] + last

    def check_route(self, route):
        if route not in self.policy["routes"]:
            raise No("R-CHL-9", "route_closed")

    def start_challenge(self, purpose, device_id=None, character_check=None):
        failed = character_check and character_check["shown"].lower() != character_check["typed"].lower()
        if failed or (purpose in ("reset_password", "unblock") and not character_check):
            raise No("R-CHL-1", "character_check_failed" if failed else "character_check_missing",
                     record=self.record("CharacterCheckFailed", "R-CHL-1"))
        offered = [proof for proof in self.view.proofs if self.view.is_offered(proof, purpose)]
        challenge = self.model.new_id("challenge")
        if not offered:
            routes = self.routes([])
            ended = self.record("ChallengeEnded", "R-CHL-2", challenge=challenge, purpose=purpose)
            shown = {"challenge_id": challenge} if "recovery_code" in routes else {}
            raise No("R-CHL-2", "no_usable_proof", record=ended, always=bool(shown), other_routes=routes, **shown)
        offers = [proof.id for proof in offered]
        started = self.event("ChallengeStarted", challenge=challenge, purpose=purpose, device=device_id, offers=offers)
        return [started], {"challenge_id": challenge, "offers": offers, "routes": self.routes(offered)}

    def open_challenge(self, wanted):
        challenge = self.view.challenge(wanted)
        if not challenge:
            raise No("R-CHL-1", "challenge_unknown")
        if challenge["passed_at"] is not None:
            raise No("R-CHL-5", "challenge_passed")
        if challenge["at"] + self.policy["challenge_ttl_seconds"] * SECOND <= self.now:
            raise No("R-CHL-1", "challenge_expired")
        return challenge

    def check_passed(self, wanted, purpose, rule):
        """A fresh passed challenge of this purpose, with a proof that still is one."""
        challenge = self.view.challenge(wanted)
        if not challenge or challenge["purpose"] != purpose:
            raise No(rule, "challenge_unknown")
        if challenge["passed_at"] is None:
            raise No(rule, "challenge_not_passed")
        if challenge["passed_at"] + self.policy["step_up_ttl_seconds"] * SECOND <= self.now:
            raise No(rule, "challenge_stale")
        proof = self.view.proof(challenge["with"])
        if challenge["with"] and not (proof and proof.usable) and purpose != "verify_proof":
            raise No(rule, "challenge_void")
        return challenge

    def check_quota(self, sends, in_window=False):
        """R-CHL-5: so many to one proof an hour, twice that to one account."""
        limit, everyone = self.policy["max_codes_per_hour"], self.view.account_sends(in_window)
        for marks, most, code in ((sends, limit, "proof_send_limit"), (everyone, 2 * limit, "account_send_limit")):
            if self.view.within_hour(marks) >= most:
                raise No("R-CHL-5", code, self.view.free_again_at(marks, most))

    def send_code(self, challenge_id, proof_id, channel, confirmation):
        challenge = self.open_challenge(challenge_id)
        proof = self.view.proof(proof_id)
        if not proof or proof_id not in challenge["offers"] or not self.view.is_offered(proof, challenge["purpose"]):
            raise No("R-CHL-2", "proof_not_offered")
        if channel not in proof.channels or channel == "app":
            raise No("R-PRF-3", "channel_not_offered")
        familiar = self.view.is_familiar(challenge["device"])
        _, left, retry_at = self.view.allowance(self.view.wrong_confirmations(proof, familiar),
                                                self.policy["max_contact_confirmations"])
        if left == 0:
            raise No("R-CHL-3", "confirmation_limit", retry_at)
        self.check_quota(self.view.sends(proof))
        if confirmation.strip().lower() != proof.hidden:
            failed = self.event("ContactConfirmationFailed", proof=proof_id, familiar=familiar)
            raise No("R-CHL-3", "wrong_confirmation", record=failed, always=True, confirmations_left=left - 1)
        sent = self.event("CodeSent", [("security_code", channel, proof.destination)], proof=proof_id,
                          challenge=challenge_id, secret=("code", self.model.new_id("code")),
                          expires_at=self.now + self.policy["code_ttl_seconds"] * SECOND)
        return [sent], {"expires_at": sent.expires_at}

    def judge(self, marks, is_right, rule, code, record):
        """R-CHL-5: one budget of wrong guesses a factor; neither a new code nor a new challenge refills it."""
        limit = self.policy["max_code_guesses"]
        used = self.view.within_hour(marks)
        if used >= limit:
            raise No("R-CHL-5", "guess_limit", self.view.free_again_at(marks, limit),
                     record=record("R-CHL-5", "budget_spent"), guesses_left=0)
        if not is_right:
            raise No(rule, code, record=record(rule, "wrong"), always=True, guesses_left=limit - used - 1)

    def code_record(self, proof):
        return lambda rule, reason: self.record("CodeRejected", rule, proof=proof.id, reason=reason)

    def check_code(self, proof, attempt, is_link):
        sent = proof and self.view.code_waiting(proof)
        if not sent or (sent.kind == "LinkSent") != is_link:
            raise No("R-CHL-5", "no_code", record=self.record("CodeRejected", "R-CHL-5", reason="no_code"))
        guesses = self.view.wrong_guesses(proof)
        if self.view.within_hour(guesses) < self.policy["max_code_guesses"] and sent.expires_at <= self.now:
            raise No("R-CHL-5", "code_expired", record=self.code_record(proof)("R-CHL-5", "expired"))
        self.judge(guesses, attempt == sent.secret, "R-CHL-5", "wrong_code", self.code_record(proof))

    def check_totp(self, proof, attempt):
        """The step whose code it is: now, or one early or late; each once (RFC 6238)."""
        step = self.now // (30 * SECOND)
        used = self.view.totp_step(proof)
        right = [each for each in (step - 1, step, step + 1) if totp(proof.secret, each) == attempt]
        matched = right[-1] if right and right[-1] > used else 0
        self.judge(self.view.wrong_guesses(proof), bool(matched), "R-CHL-5", "wrong_code", self.code_record(proof))
        return matched

    def check_recovery_code(self, attempt, rule):
        self.judge(self.view.wrong_recovery_codes(), attempt is not None and attempt == self.view.recovery_code, rule,
                   "wrong_recovery_code", lambda by, reason: self.record("RecoveryCodeRejected", by, reason=reason))

    def verification(self, proof, step=0):
        """R-PRF-1, and R-PRF-6: the one it replaces goes."""
        events = [self.event("ProofVerified", proof=proof.id, totp_step=step)]
        replaced = self.view.proof(proof.replaces)
        if replaced and replaced.status not in ("removed", "marked_lost"):
            events.append(self.removal(replaced.id))
        return events

    def removal(self, proof_id):
        return self.event("ProofRemoved", told(self.view.proofs, "security_info_changed"), proof=proof_id)

    def passed(self, challenge, proof, step=0):
        events = [self.event("ChallengePassed", challenge=challenge["id"], proof=proof and proof.id,
                             device=challenge["device"], totp_step=step)]
        if proof and proof.status == "unverified":
            events += self.verification(proof, step)
        for device in self.view.proofs:  # R-PRF-10
            here = device.kind == "trusted_device" and device.address == ("device", challenge["device"])
            if here and challenge["purpose"] == "trust_device" and device.status == "unverified":
                events += self.verification(device)
        returns = {"passed": True}
        if self.view.window and proof and proof.status == "marked_lost":
            returns["offer_cancel_replacement"] = self.view.window["id"]  # R-LOST-4
        return events, returns

    def app_meant(self, challenge, proof_id):
        """The app whose code it is: the one named, or the only one when no code was sent."""
        apps = [proof for proof in self.view.proofs if proof.id in challenge["offers"]
                and proof.kind == "authenticator_app" and self.view.is_offered(proof, challenge["purpose"])]
        if proof_id:
            return next((app for app in apps if app.id == proof_id), None)
        return apps[0] if len(apps) == 1 and not self.view.proof_with_code_of(challenge["id"]) else None

    def submit_code(self, challenge_id, code, proof_id=None):
        challenge = self.open_challenge(challenge_id)
        self.check_route("security_code")
        app = self.app_meant(challenge, proof_id)
        if app:
            return self.passed(challenge, app, self.check_totp(app, code))
        proof = self.view.proof_with_code_of(challenge_id)
        self.check_code(proof, code, False)
        return self.passed(challenge, proof)

    def answer_secret_question(self, challenge_id, proof_id, answer):
        challenge = self.open_challenge(challenge_id)
        proof = self.view.proof(proof_id)
        offered = proof and proof_id in challenge["offers"] and proof.kind == "secret_question" and proof.usable
        if not offered:
            raise No("R-CHL-2", "proof_not_offered")
        self.check_route("secret_question")
        self.judge(self.view.wrong_guesses(proof), answer == proof.secret, "R-CHL-5", "wrong_answer",
                   lambda rule, reason: self.record("SecretAnswerRejected", rule, proof=proof_id, reason=reason))
        return self.passed(challenge, proof)

    def use_recovery_code(self, challenge_id, code):
        challenge = self.open_challenge(challenge_id)
        self.check_route("recovery_code")
        self.check_recovery_code(code, "R-PRF-9")
        events, returns = self.passed(challenge, None)
        return [self.event("RecoveryCodeUsed"), *events], returns


class ProofRules(ChallengeRules):
    """R-PRF-*: proofs added, verified, replaced, removed."""

    def add(self, challenge_id, replaces, kind, **proof):
        found = details(kind, **proof)
        if self.view.usable:  # decision 0010: the first one needs no challenge
            self.check_passed(challenge_id, "change_security_info", "R-PRF-5")
        kept = [each for each in self.view.proofs if each.status != "removed"]
        if found["address"] in [each.address for each in kept]:
            raise No("R-PRF-2", "already_added")
        if len(kept) >= PROOFS_MAX:
            raise No("R-PRF-5", "too_many_proofs")
        proof_id = self.model.new_id("proof")
        message = first_message(self.model, kind, proof_id, found, self.now, self.policy)
        if message:
            earlier = self.view.newest_at(found["address"])
            self.check_quota(self.view.sends(earlier) if earlier else [])
        added = self.event("ProofAdded", told(self.view.proofs, "security_info_changed"), proof=proof_id,
                           proof_kind=kind, replaces=replaces, **found)
        return [added, *message], {"proof_id": proof_id}

    def add_proof(self, challenge_id=None, **proof):
        return self.add(challenge_id, None, **proof)

    def check_not_marked(self, proof):
        if proof.status == "marked_lost":
            raise No("R-LOST-4", "window_open", self.view.window["effective_at"])

    def replace_proof(self, challenge_id, proof_id, **proof):
        old = self.view.proof(proof_id)
        if not old or not old.in_force:
            raise No("R-PRF-6", "proof_unknown")
        self.check_not_marked(old)
        if proof["kind"] == "trusted_device":
            raise No("R-PRF-6", "kind_not_offered")
        events, returns = self.add(challenge_id, proof_id, **proof)
        if proof["kind"] == "secret_question":
            events.append(self.removal(proof_id))
        return events, returns

    def remove_proof(self, challenge_id, proof_id):
        self.check_passed(challenge_id, "change_security_info", "R-PRF-5")
        proof = self.view.proof(proof_id)
        if not proof or not proof.in_force:
            raise No("R-PRF-5", "proof_unknown")
        self.check_not_marked(proof)
        left = sum(1 for each in self.view.proofs if each.status == "verified" and each.kind != "trusted_device" and
                   each is not proof)
        if proof.usable and left < self.policy["min_proofs"]:
            raise No("R-PRF-5", "last_proofs")
        return [self.removal(proof_id)], {"proof_id": proof_id}

    def verify_proof(self, proof_id, code=None, link_token=None, totp=None):
        proof = self.view.proof(proof_id)
        if not proof or proof.status in ("removed", "proposed", "confirmed"):
            raise No("R-PRF-1", "proof_unknown")
        if proof.usable:
            return [], {"status": proof.status}
        if proof.kind == "trusted_device":
            raise No("R-PRF-10", "needs_challenge")
        is_app = proof.kind == "authenticator_app"
        if is_app != (totp is not None):
            raise No("R-PRF-1", "wrong_means")
        step = 0
        if is_app:
            step = self.check_totp(proof, totp)
        else:
            self.check_code(proof, link_token or code, link_token is not None)
        return self.verification(proof, step), {"status": "verified"}

    def trust_device(self, challenge_id, device_id):
        challenge = self.check_passed(challenge_id, "trust_device", "R-PRF-10")
        if challenge["device"] != device_id:
            raise No("R-PRF-10", "other_device")
        known = next((each for each in self.view.proofs if each.address == ("device", device_id) and each.in_force),
                     None)
        if known and known.usable:
            return [], {"proof_id": known.id}
        if not known and sum(1 for each in self.view.proofs if each.status != "removed") >= PROOFS_MAX:
            raise No("R-PRF-5", "too_many_proofs")
        proof_id = known.id if known else self.model.new_id("proof")
        return [self.event("DeviceTrusted", told(self.view.proofs, "security_info_changed"), proof=proof_id,
                           proof_kind="trusted_device", address=("device", device_id))], {"proof_id": proof_id}

    def issue_recovery_code(self, challenge_id):
        self.check_passed(challenge_id, "change_security_info", "R-PRF-9")
        code = ("recovery_code", self.model.new_id("recovery_code"))
        return [self.event("RecoveryCodeIssued", told(self.view.proofs, "security_info_changed"), code=code)], \
            {"recovery_code": code}


class AccountRules(ProofRules):
    """R-ACC-*, R-PWD-*, R-BLK-*, R-LIFE-*."""

    def confirm_sign_in_name(self, link_token):
        asked = self.view.all("SignInNameConfirmationRequested")
        is_right = bool(asked) and link_token == asked[-1].secret
        if is_right and self.view.all("SignInNameConfirmed"):
            return [], {}
        if not is_right or asked[-1].expires_at <= self.now:
            raise No("R-ACC-2", "link_unknown")
        return [self.event("SignInNameConfirmed")], {}

    def change_profile(self, challenge_id, profile):
        self.check_passed(challenge_id, "change_security_info", "R-ACC-3")
        current = self.view.newest("AccountRegistered", "ProfileChanged").profile
        changed = [name for name in profile if profile[name] != current.get(name, "")]
        if not changed:
            return [], {"changed": []}
        return [self.event("ProfileChanged", profile=current | profile)], {"changed": changed}

    def check_not_blocked(self):
        if self.view.block:
            raise No("R-BLK-1", "blocked")

    def check_current_password(self, attempt, rule):
        self.judge(self.view.wrong_passwords(), attempt == self.view.passwords[-1], rule, "wrong_password",
                   lambda by, reason: self.record("PasswordRejected", by, reason=reason))

    def change_password(self, current_password, new_password, new_password_repeat, grade):
        self.check_not_blocked()
        check_password(new_password, new_password_repeat, self.policy)
        self.check_current_password(current_password, "R-PWD-4")
        if new_password == self.view.passwords[-1]:
            raise No("R-PWD-4", "same_as_current")
        return [self.event("PasswordChanged", told(self.view.proofs, "security_info_changed"), password=new_password,
                           grade=grade)], {"grade": grade}

    def reset_password(self, new_password, new_password_repeat, grade, challenge_id=None, reset_token=None):
        recovery = None
        if reset_token:
            found = [one for one in self.view.recoveries if one["link"] and one["link"].secret == reset_token]
            if not found:
                raise No("R-REC-8", "reset_link_unknown")
            if found[0]["link"].expires_at <= self.now:
                raise No("R-REC-8", "reset_link_expired")
            recovery = found[0]["form"].recovery
        else:
            self.check_passed(challenge_id, "reset_password", "R-PWD-3")
        check_password(new_password, new_password_repeat, self.policy)
        if new_password == self.view.passwords[-1]:
            raise No("R-PWD-4", "same_as_current")
        events = [self.event("PasswordReset", told_owner(self.view, "password_reset_done"), password=new_password,
                             grade=grade, recovery=recovery)]
        if recovery and self.view.block:
            events.append(self.event("AccountUnblocked", by="by_recovery"))  # R-BLK-2
        returns = {"state": "recovered", "grade": grade}
        if self.view.window:
            returns["open_replacement"] = self.view.window["id"]
            if recovery:
                returns["replacement_token"] = ("opener", self.view.window["id"])
        return events, returns

    def turn_two_step(self, on, challenge_id):
        self.check_passed(challenge_id, "change_security_info", "R-PRF-5")
        if self.view.two_step == on:
            return [], {"two_step": on}
        turned = "TwoStepEnabled" if on else "TwoStepDisabled"
        return [self.event(turned, told(self.view.proofs, "security_info_changed"))], {"two_step": on}

    def enable_two_step(self, challenge_id):
        return self.turn_two_step(True, challenge_id)

    def disable_two_step(self, challenge_id):
        return self.turn_two_step(False, challenge_id)

    def merge_accounts(self, into):
        raise No("R-ACC-4", "never_merged", record=self.record("CommandRefused", "R-ACC-4"))

    def has_second_step(self, device_id, challenge_id):
        if any(proof.usable and proof.address == ("device", device_id) for proof in self.view.proofs):
            return True
        try:
            challenge = self.check_passed(challenge_id, "two_step_sign_in", "R-ACC-5")
        except No:
            return False
        return challenge["device"] in (None, device_id)

    def record_sign_in(self, result, device_id=None, location=None, reason="", challenge_id=None):
        if self.view.block:
            raise No("R-BLK-1", "blocked", record=self.record("SignInRefused", "R-BLK-1"))
        succeeded = result == "succeeded"
        if succeeded and self.view.two_step and not self.has_second_step(device_id, challenge_id):
            rule = "R-LOST-4" if self.view.window else "R-ACC-5"
            raise No(rule, "two_step_needed", record=self.record("SignInRefused", rule))
        signed_in = self.event("SignInSucceeded" if succeeded else "SignInFailed", device=device_id, location=location)
        return [signed_in], {"notices": self.view.notices(device_id) if succeeded else []}

    def record_delivery(self, notification_id, result, withdrawn):
        if self.view.all("AccountClosed") or withdrawn:
            raise No("R-CHL-7", "notification_unknown")
        return [self.event("DeliveryRecorded")], {}

    def record_access(self, investigator, reason, case_number, fields):
        """Decision 0026: an investigator's day is one over all accounts."""
        read = [each.at for account in self.model.accounts.values() for each in account.happened
                if each.kind == "AccessRecorded" and each.investigator == investigator]
        _, left, retry_at = self.view.allowance(read, self.policy["accesses_per_day"])
        if not left:
            raise No("R-LED-5", "access_limit", retry_at, self.record("CommandRefused", "R-LED-5"))
        shown = {"accesses_left_today": left - 1, "shown_once": fields}
        if "sign_in_name" in fields:
            shown["sign_in_name"] = self.view.account.sign_in_name
        return [self.event("AccessRecorded", investigator=investigator)], shown

    def block_account(self, reason):
        if self.view.block:
            return [], {}
        return [self.event("AccountBlocked", told_owner(self.view, "account_blocked"), reason=reason)], {}

    def unblock_account(self, challenge_id):
        if not self.view.block:
            return [], {}
        self.check_passed(challenge_id, "unblock", "R-BLK-2")
        return [self.event("AccountUnblocked", challenge=challenge_id, by="by_challenge")], {}

    def close_account(self, password, confirm):
        if not confirm:
            raise No("R-LIFE-1", "not_confirmed")
        self.check_not_blocked()
        self.check_current_password(password, "R-LIFE-1")
        return [self.event("AccountClosed")], {"state": "closed"}

    def deactivate_mailbox(self, reason):
        if not self.view.log[0].name_confirmed:
            raise No("R-LIFE-2", "no_mailbox")
        if self.view.all("MailboxDeactivated"):
            return [], {}
        if reason == "never_signed_in" and self.view.last_sign_in:
            raise No("R-LIFE-2", "signed_in")
        if reason != "owner":
            days = "mailbox_first_sign_in_days" if reason == "never_signed_in" else "mailbox_inactive_days"
            due = self.view.last_active + self.policy[days] * DAY
            if self.now < due:
                raise No("R-LIFE-2", "not_due", due)
        events = [self.event("MailboxDeactivated", reason=None)]
        if live(keys_of(self.view.account.happened), MAILBOX):
            events.append(self.event("DataKeyErased", of=MAILBOX))
        return events, {"reason": reason}

    def expire_account(self):
        if self.view.log[0].plan != "free":
            raise No("R-LIFE-3", "not_free")
        due = self.view.last_active + self.policy["account_inactive_days"] * DAY
        if self.now <= due:  # more than these days
            raise No("R-LIFE-3", "not_due", due + 1)
        return [self.event("AccountExpired")], {"state": "expired"}


class Rules(AccountRules, RecoveryRules):
    pass
