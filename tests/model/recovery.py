"""The ladders of lost proofs (R-LOST-*) and of the recovery form (R-REC-*)."""
from .basics import No, details, first_message, told_of_completion, told_owner
from .happenings import DAY, HOUR, SECOND, proofs_of

WEIGHTS = {"surname": 4, "given_name": 4, "birth_date": 6, "country": 1, "region": 2, "postal_code": 6,
           "passwords": 30, "mail_subjects": 10, "mail_folders": 10, "mail_recipients": 8, "xbox_prepaid_last5": 15,
           "card_name": 3, "card_last4": 12, "card_expiry": 8, "skype_id": 4, "skype_contacts": 6, "skype_phones": 6,
           "skype_purchases": 10, "xbox_console_id": 15}
PROFILE = ("surname", "given_name", "birth_date", "country", "region", "postal_code")
SEVERAL = ("mail_subjects", "mail_folders", "mail_recipients", "skype_contacts", "skype_phones", "skype_purchases")
MAIL = ("mail_subjects", "mail_folders", "mail_recipients")
FAMILIAR_DEVICE, FAMILIAR_PLACE, VALUES_COUNTED, NOT_REGISTERED_PERCENT = 15, 5, 2, 10


class WindowRules:
    def closing(self, kind, by):
        return self.event(kind, told_owner(self.view, "security_info_changed"),
                          replacement=self.view.window["id"], by=by)

    def completion(self, *events):
        """The window's end at once: after what has just happened (R-LOST-2)."""
        told = told_of_completion(proofs_of(self.view.log + list(events)))
        return self.event("ReplacementCompleted", told, replacement=self.view.window["id"], effective_at=self.now)

    def mark_proofs_lost(self, proof_ids=(), recovery_code=None, replacement_id=None, replacement_token=None):
        expedited = recovery_code is not None
        if expedited:
            self.check_route("recovery_code")
            self.check_recovery_code(recovery_code, "R-LOST-2")
        window = self.view.window
        if window:
            if expedited and (replacement_id == window["id"] or replacement_token == ("opener", window["id"])):
                return self.expedite(window)
            lapsed = window["confirmed_at"] is None \
                and window["opened_at"] + self.policy["link_ttl_seconds"] * SECOND <= self.now
            if not expedited and not lapsed:
                raise No("R-LOST-4", "window_open", window["effective_at"])
        opened = [each.at for each in self.view.all("ReplacementOpened")]
        _, left, retry_at = self.view.allowance(opened, self.policy["max_replacements_per_day"])
        if not expedited and left == 0:
            raise No("R-LOST-4", "openings_used_up", retry_at)
        usable = [proof.id for proof in self.view.usable]
        if not set(proof_ids) <= set(usable):
            raise No("R-LOST-1", "proof_unknown")
        replacement = self.model.new_id("replacement")
        events = [self.event("RecoveryCodeUsed")] if expedited else []
        if window:
            events.append(self.closing("ReplacementCancelled", "recovery_code" if expedited else "lapse"))
        events.append(self.event("ProofsMarkedLost", replacement=replacement, lost=list(proof_ids) or usable))
        events.append(self.event("ReplacementOpened", told_owner(self.view, "replacement_pending"),
                                 replacement=replacement, expedited=expedited))
        return events, {"replacement_id": replacement, "replacement_token": ("opener", replacement)}

    def expedite(self, window):
        events = [self.event("RecoveryCodeUsed"),
                  self.event("ReplacementOpened", replacement=window["id"], expedited=True)]
        returns = {"replacement_id": window["id"]}
        if window["confirmed_at"] is not None:
            events.append(self.completion())
            returns["effective_at"] = self.now
        return events, returns

    def open_window(self, replacement_id, rule):
        window = self.view.window
        if not window or window["id"] != replacement_id:
            raise No(rule, "no_open_window")
        return window

    def propose_replacement_proof(self, replacement_id, kind, **proof):
        window = self.open_window(replacement_id, "R-LOST-3")
        if window["confirmed_at"] is not None:
            raise No("R-LOST-4", "already_confirmed", window["effective_at"])
        if kind not in ("email", "mobile_email", "mobile_phone", "landline_phone"):
            raise No("R-LOST-3", "kind_not_offered")
        found = details(kind, **proof)
        earlier = self.view.newest_at(found["address"])
        self.check_quota(self.view.sends(earlier) if earlier else [], in_window=True)
        proof_id = self.model.new_id("proof")
        proposed = self.event("ReplacementProofProposed", proof=proof_id, proof_kind=kind, replacement=replacement_id,
                              **found)
        message = first_message(self.model, kind, proof_id, found, self.now, self.policy, replacement_id)
        return [proposed, *message], {"proof_id": proof_id}

    def confirm_replacement_proof(self, replacement_id, code=None, link_token=None, account_named=None):
        window = self.open_window(replacement_id, "R-LOST-3")
        proposed = [proof for proof in self.view.proofs if proof.replacement == replacement_id
                    and proof.status in ("proposed", "confirmed")]
        if not proposed:
            raise No("R-LOST-3", "nothing_proposed")
        if window["confirmed_at"] is not None:
            return [], {"effective_at": window["effective_at"]}
        self.check_code(proposed[0], link_token or code, link_token is not None)
        if link_token and account_named.lower() != self.view.account.sign_in_name:
            raise No("R-LOST-3", "wrong_account_named")
        effective_at = self.now if window["expedited"] else self.now + self.policy["replacement_days"] * DAY
        notice = [] if window["expedited"] else told_owner(self.view, "replacement_pending")
        events = [self.event("ReplacementConfirmed", notice, replacement=replacement_id, proof=proposed[0].id,
                             effective_at=effective_at)]
        if window["expedited"]:
            events.append(self.completion(*events))
        return events, {"effective_at": effective_at}

    def entitled(self, replacement_id, link_token=None, challenge_id=None, replacement_token=None):
        """R-LOST-5: whoever holds the notice's link, the opener's token, or just proved an old proof."""
        self.open_window(replacement_id, "R-LOST-5")
        if link_token and link_token == ("notice", replacement_id):
            return "notice_link"
        if replacement_token and replacement_token == ("opener", replacement_id):
            return "opener_token"
        challenge = self.view.challenge(challenge_id)
        proof = challenge and self.view.proof(challenge["with"])
        if challenge and proof and proof.usable:
            try:
                self.check_passed(challenge_id, challenge["purpose"], "R-LOST-5")
                return "old_proof"
            except No:
                pass
        raise No("R-LOST-5", "not_entitled")

    def cancel_replacement(self, replacement_id, **by):
        who = self.entitled(replacement_id, **by)
        return [self.closing("ReplacementCancelled", who)], {"by": who}

    def dispute_replacement(self, replacement_id, **by):
        who = self.entitled(replacement_id, **by)
        disputed = self.closing("ReplacementDisputed", who)
        if self.view.block or who == "opener_token":  # decision 0015: the opener's token blocks nobody
            return [disputed], {"by": who}
        disputed.told = []
        blocked = self.event("AccountBlocked", told_owner(self.view, "account_blocked"), reason="disputed_replacement")
        return [disputed, blocked], {"by": who}

    def complete_replacement(self, replacement_id):
        last = self.view.last_window
        if last and last["id"] == replacement_id and last["state"] == "completed":
            return [], {"replacement_id": replacement_id, "effective_at": last["closed_at"]}
        window = self.open_window(replacement_id, "R-LOST-6")
        due = window["effective_at"]
        raise No("R-LOST-6", "not_confirmed" if due is None else "not_due", due)


class RecoveryRules(WindowRules):
    def record_evidence(self, items):
        if any(item["kind"] in MAIL for item in items) and self.view.all("MailboxDeactivated"):
            raise No("R-LIFE-2", "mailbox_off")
        return [self.event("EvidenceRecorded", items=items)], {}

    def on_file(self, field):
        """Everything that was ever true for the account (R-REC-6)."""
        if field in PROFILE:
            profiles = [each.profile for each in self.view.all("AccountRegistered", "ProfileChanged")]
            return {profile[field] for profile in profiles if profile.get(field)}
        if field == "passwords":
            return set(self.view.passwords[-1 - self.policy["password_history"]:])
        log = self.view.since_newest("MailboxDeactivated") if field in MAIL else self.view.log
        return {item["value"] for each in log if each.kind == "EvidenceRecorded"
                for item in each.items if item["kind"] == field}

    def match(self, field, answer):
        """(result, how many values)."""
        if answer == "not_registered":
            return ("not_matched", 0) if self.on_file(field) else ("matched", 0)
        given = sorted(set(answer), key=answer.index)[:10 if field in SEVERAL or field == "passwords" else 2]
        matched = len(set(given) & self.on_file(field))
        if field in PROFILE:
            matched = min(matched, 1)
        if matched:
            return "matched", matched
        return ("not_matched" if self.on_file(field) else "not_on_file"), 0

    def submit_recovery(self, contact_address, answers, device_id=None, location=None, character_check=None):
        if character_check and character_check["shown"].lower() != character_check["typed"].lower():
            raise No("R-CHL-1", "character_check_failed", record=self.record("CharacterCheckFailed", "R-CHL-1"))
        self.check_route("recovery_form")
        if "@" not in contact_address:
            raise No("R-REC-2", "invalid_contact_address")
        if contact_address.lower() == self.view.account.sign_in_name:
            raise No("R-REC-2", "own_address")
        if self.view.two_step:
            raise No("R-REC-1", "two_step_on", record=self.record("RecoveryRefused", "R-REC-1"))
        submitted = [each.at for each in self.view.all("RecoverySubmitted")]
        _, left, retry_at = self.view.allowance(submitted, self.policy["recovery_per_day"])
        if left == 0:
            raise No("R-REC-3", "attempts_used_up", retry_at, record=self.record("RecoveryRefused", "R-REC-3"))
        fields = {field: self.match(field, answer) for field, answer in answers.items()
                  if answer == "not_registered" or any(answer)}
        if len(fields) < self.policy["recovery_min_fields"]:
            raise No("R-REC-4", "too_little_information")
        recovery = self.model.new_id("recovery")
        due = self.now + self.policy["recovery_reply_hours"] * HOUR
        form = self.event("RecoverySubmitted", [("recovery_received", "email", contact_address)], recovery=recovery,
                          contact=contact_address, due=due, fields=fields, familiar=self.familiar(device_id, location))
        return [form], {"recovery_id": recovery, "attempts_left_today": left - 1, "reply_due_at": due}

    def familiar(self, device_id, location):
        device = FAMILIAR_DEVICE if self.view.is_familiar(device_id) else 0
        return device + (FAMILIAR_PLACE if self.view.is_familiar_place(location) else 0)

    def points(self, form):
        return form.familiar + sum(points(field, *match) for field, match in form.fields.items())

    def form_of(self, recovery_id):
        found = [one for one in self.view.recoveries if one["form"].recovery == recovery_id]
        if not found:
            raise No("R-REC-7", "recovery_unknown")
        return found[0]

    def decide_recovery(self, recovery_id):
        one = self.form_of(recovery_id)
        if one["outcome"] != "pending":
            return [], {"recovery_id": recovery_id, "outcome": one["outcome"]}
        form = one["form"]
        enough = self.points(form) >= self.policy["recovery_threshold"]
        if not enough or self.view.two_step or one["stale"]:
            told = [("recovery_not_verified", "email", form.contact)]
            return [self.event("RecoveryNotVerified", told, recovery=recovery_id)], \
                {"recovery_id": recovery_id, "outcome": "not_verified", "points": self.points(form)}
        link = self.event("ResetLinkIssued", [("recovery_verified", "email", form.contact)], recovery=recovery_id,
                          secret=("link", self.model.new_id("link")),
                          expires_at=self.now + self.policy["reset_link_ttl_seconds"] * SECOND)
        return [self.event("RecoveryVerified", recovery=recovery_id), link], \
            {"recovery_id": recovery_id, "outcome": "verified", "points": self.points(form)}

    def send_recovery_survey(self, recovery_id):
        one = self.form_of(recovery_id)
        if one["survey_sent"]:
            return [], {"recovery_id": recovery_id}
        return [self.event("RecoverySurveySent", [("recovery_survey", "email", one["form"].contact)],
                           recovery=recovery_id)], {"recovery_id": recovery_id}


def points(field, result, matched):
    """docs/recovery-scoring.md."""
    if result != "matched":
        return 0
    if matched == 0:
        return WEIGHTS[field] * NOT_REGISTERED_PERCENT // 100
    return WEIGHTS[field] * (min(matched, VALUES_COUNTED) if field in SEVERAL else 1)
