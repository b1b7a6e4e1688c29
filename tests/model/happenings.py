"""What happened, and what follows from it: the rules that turn a list of happenings into a state at an instant.

Written from the rulebook and docs/decisions, sharing nothing with the product. As naive as possible: there are no
counters and no stored state. A View takes the whole list up to an instant and derives everything from it anew."""
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

POLICY = {  # the rulebook's section 12, and what docs/decisions add
    "min_proofs": 2, "code_ttl_seconds": 600, "link_ttl_seconds": 86_400, "max_code_guesses": 5,
    "max_codes_per_hour": 5, "max_contact_confirmations": 5, "challenge_ttl_seconds": 3_600,
    "step_up_ttl_seconds": 900, "password_min": 8, "password_max": 16, "password_classes": 2, "password_history": 10,
    "replacement_days": 30, "max_replacements_per_day": 5, "recovery_per_day": 2, "recovery_reply_hours": 24,
    "survey_days": 3, "reset_link_ttl_seconds": 86_400, "recovery_min_fields": 3, "recovery_threshold": 70,
    "mailbox_inactive_days": 270, "mailbox_first_sign_in_days": 10, "account_inactive_days": 365,
    "removed_proof_retention_days": 90, "expired_account_retention_days": 90,
    "recorded_refusals_per_hour": 10, "accesses_per_day": 50, "day_kind": "calendar_day", "day_zone": "Asia/Tokyo",
    "routes": ["secret_question", "security_code", "recovery_code", "recovery_form"],
}
OWN_DOMAINS = ("outlook.com", "outlook.jp", "hotmail.com", "hotmail.co.jp", "live.com", "live.jp", "msn.com")
CHANNELS = {"email": ["email"], "mobile_email": ["email"], "mobile_phone": ["sms", "voice"],
            "landline_phone": ["voice"], "authenticator_app": ["app"]}
CHANGES = ("ProofAdded", "ProofRemoved", "ProfileChanged", "PasswordChanged", "PasswordReset", "TwoStepEnabled",
           "TwoStepDisabled", "ReplacementCompleted")  # R-ACC-7
VOIDS_CODES = ("PasswordReset", "PasswordChanged", "ReplacementCompleted")  # decision 0015
VOIDS_FORMS = VOIDS_CODES + ("TwoStepEnabled", "AccountBlocked")
ENDS = {"AccountClosed": "closed", "AccountExpired": "expired"}
CHALLENGES_KEPT, CHALLENGE_KEPT_DAYS, PROOFS_MAX = 32, 2, 20


class Happening:
    """One event: when, what, and the members that the rules read. `told`: (kind, channel, destination) of its mail."""

    def __init__(self, at, kind, told=(), **fields):
        self.at, self.kind, self.told = at, kind, list(told)
        self.__dict__.update(fields)

    def __getattr__(self, name):
        return None  # a member that this kind of event does not have


class Proof:
    def __init__(self, happening, status, index):
        self.id, self.kind, self.address = happening.proof, happening.proof_kind, happening.address
        self.destination, self.hidden, self.secret = happening.destination, happening.hidden, happening.secret
        self.replaces, self.replacement = happening.replaces, None
        self.added, self.verified = index, -1
        self.set(status, happening.at)

    def set(self, status, at):
        self.status, self.since = status, at

    def verify(self, at, index):
        self.set("verified", at)
        self.verified = index

    @property
    def usable(self):
        return self.status in ("verified", "marked_lost")  # decision 0004: marked proofs work until the window ends

    @property
    def in_force(self):
        return self.usable or self.status == "unverified"

    @property
    def channels(self):
        return CHANNELS.get(self.kind, [])

    @property
    def reachable(self):
        return bool(self.channels) and self.channels[0] != "app"


def local_date(instant, zone):
    return (EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone)).date()


def day_start(date, zone):
    """The first instant of a calendar day: sought, so that clock changes at midnight need no thought."""
    noon = int((datetime(date.year, date.month, date.day, 12, tzinfo=timezone.utc) - EPOCH).total_seconds())
    before, after = noon - 40 * 3600, noon + 40 * 3600
    while after - before > 1:
        middle = (before + after) // 2
        if local_date(middle * SECOND, zone) >= date:
            after = middle
        else:
            before = middle
    return after * SECOND


def day_of(instant, zone):
    date = local_date(instant, zone)
    return day_start(date, zone), day_start(date + timedelta(days=1), zone)


def settled(happened, now):
    """The list up to `now`, each window's end put at its instant, whoever wrote it when (R-LOST-6)."""
    log, window = [], None

    def complete():
        log.append(Happening(window["effective_at"], "ReplacementCompleted", replacement=window["id"]))

    for each in happened:
        if each.at > now:
            break
        if each.kind == "ReplacementCompleted":
            continue
        if window and window["effective_at"] is not None and each.at >= window["effective_at"]:
            complete()
            window = None
        log.append(each)
        window = window_after(window, each)
    if window and window["effective_at"] is not None and now >= window["effective_at"]:
        complete()
    return log


def window_after(window, each):
    """The open window after one more happening (R-LOST-2 to R-LOST-5)."""
    if each.kind == "ReplacementOpened":
        if window and window["id"] == each.replacement:  # the recovery code came later
            effective_at = each.at if window["confirmed_at"] is not None else None
            return window | {"expedited": True, "effective_at": effective_at}
        return {"id": each.replacement, "opened_at": each.at, "expedited": each.expedited, "confirmed_at": None,
                "effective_at": None}
    if each.kind == "ReplacementConfirmed":
        return window | {"confirmed_at": each.at, "effective_at": each.effective_at}
    if each.kind in ("ReplacementCompleted", "ReplacementCancelled", "ReplacementDisputed", *ENDS):
        return None
    return window


class View:
    """An account at an instant, everything derived from what had happened by then."""

    def __init__(self, account, now, policy, until=None):
        self.account, self.now, self.policy = account, now, policy
        self.log = settled([each for each in account.happened if until is None or each.seq <= until], now)
        self.proofs = proofs_of(self.log)

    def forget(self):
        """Of a closed account nothing is kept but its end (R-LIFE-1)."""
        closed = self.newest("AccountClosed")
        if closed:
            self.log, self.proofs = self.log[self.log.index(closed):], []

    # --- single happenings

    def all(self, *kinds):
        return [each for each in self.log if each.kind in kinds]

    def newest(self, *kinds):
        found = self.all(*kinds)
        return found[-1] if found else None

    def since_newest(self, *kinds):
        """What happened after the newest of these."""
        for index in range(len(self.log) - 1, -1, -1):
            if self.log[index].kind in kinds:
                return self.log[index + 1:]
        return self.log

    @property
    def end(self):
        return self.newest(*ENDS)

    @property
    def two_step(self):
        newest = self.newest("TwoStepEnabled", "TwoStepDisabled")
        return newest is not None and newest.kind == "TwoStepEnabled"

    @property
    def recovery_code(self):
        """The one that would be accepted (R-PRF-9; voided by what decision 0015 lists)."""
        code = None
        for each in self.log:
            if each.kind == "RecoveryCodeIssued":
                code = each.code
            recovered = each.kind == "PasswordReset" and each.recovery
            if recovered or each.kind in ("RecoveryCodeUsed", "ReplacementCompleted", "ReplacementDisputed"):
                code = None
        return code

    @property
    def passwords(self):
        return [each.password for each in self.all("AccountRegistered", "PasswordReset", "PasswordChanged")]

    @property
    def grade(self):
        return self.newest("AccountRegistered", "PasswordReset", "PasswordChanged").grade

    @property
    def last_sign_in(self):
        return self.newest("SignInSucceeded")

    @property
    def last_active(self):
        return (self.last_sign_in or self.log[0]).at

    # --- proofs

    def proof(self, wanted):
        return next((each for each in self.proofs if each.id == wanted), None)

    @property
    def usable(self):
        return [each for each in self.proofs if each.usable]

    def newest_at(self, address):
        found = [each for each in self.proofs if each.address == address]
        return found[-1] if found else None

    def is_offered(self, proof, purpose):
        question = proof.kind == "secret_question"
        if not proof.channels and not question:
            return False
        if ("secret_question" if question else "security_code") not in self.policy["routes"]:
            return False
        return proof.status == "unverified" if purpose == "verify_proof" else proof.usable

    # --- budgets (R-CHL-3, R-CHL-5)

    def marks(self, proof, is_mark, is_success=lambda each: False, until=None):
        """When something happened to this destination: what an earlier proof of the same one had, it has, too."""
        until = len(self.log) if until is None else until
        marks = []
        earlier = [each for each in self.proofs if each.address == proof.address and each.added < proof.added]
        if earlier:
            marks = self.marks(earlier[-1], is_mark, is_success, proof.added)
        for each in self.log[proof.added:until]:
            if each.proof == proof.id and is_mark(each):
                marks.append(each.at)
            if each.proof == proof.id and is_success(each):
                marks = []
        return marks

    def wrong_guesses(self, proof):
        return self.marks(proof, lambda each: each.reason == "wrong",
                          lambda each: each.kind in ("ProofVerified", "ChallengePassed", "ReplacementConfirmed",
                                                     "DeviceTrusted"))

    def sends(self, proof):
        return self.marks(proof, lambda each: each.kind in ("CodeSent", "LinkSent"))

    def wrong_confirmations(self, proof, familiar):
        return self.marks(proof, lambda each: each.kind == "ContactConfirmationFailed" and each.familiar == familiar)

    def totp_step(self, proof):
        same = [other.id for other in self.proofs if other.address == proof.address and other.added <= proof.added]
        return max((each.totp_step for each in self.log if each.proof in same and each.totp_step), default=0)

    def wrong_recovery_codes(self):
        return [each.at for each in self.since_newest("RecoveryCodeUsed")
                if each.kind == "RecoveryCodeRejected" and each.reason == "wrong"]

    def wrong_passwords(self):
        return [each.at for each in self.since_newest("AccountRegistered", "PasswordReset", "PasswordChanged")
                if each.kind == "PasswordRejected" and each.reason == "wrong"]

    def account_sends(self, in_window):
        return [each.at for each in self.all("CodeSent", "LinkSent") if bool(each.replacement) == in_window]

    def within_hour(self, marks, at=None):
        now = self.now if at is None else at
        return sum(1 for mark in marks if now - HOUR < mark <= now)

    def free_again_at(self, marks, limit):
        """The first instant at which fewer than `limit` of these lie within an hour."""
        return next(mark + HOUR for mark in sorted(marks) if self.within_hour(marks, mark + HOUR) < limit
                    and mark + HOUR > self.now)

    def within_day(self, marks, at=None):
        now = self.now if at is None else at
        if self.policy["day_kind"] == "rolling_24h":
            return sum(1 for mark in marks if now - DAY < mark <= now)
        start, end = day_of(now, self.policy["day_zone"])
        return sum(1 for mark in marks if start <= mark < end)

    def allowance(self, marks, limit):
        """(used, left, when the next is allowed): by calendar days of the zone, or by any 24 hours (R-REC-3)."""
        used = self.within_day(marks)
        if used < limit:
            return used, limit - used, None
        if self.policy["day_kind"] == "rolling_24h":
            instants = [mark + DAY for mark in sorted(marks) if mark + DAY > self.now]
        else:
            instants = [day_of(self.now, self.policy["day_zone"])[1]]
        return used, 0, next(at for at in instants if self.within_day(marks, at) < limit)

    def refusals_recorded(self, rule):
        return self.within_hour([each.at for each in self.log if each.refused_by == rule])

    # --- codes, challenges

    def code_waiting(self, proof):
        """The newest code or link sent to a proof, unless it was used, voided, or its challenge has a newer one."""
        for index in range(len(self.log) - 1, -1, -1):
            each = self.log[index]
            if each.kind in VOIDS_CODES:
                return None
            if each.proof != proof.id:
                continue
            if each.kind in ("ProofVerified", "ProofRemoved", "ReplacementConfirmed", "ChallengePassed"):
                return None
            if each.kind in ("CodeSent", "LinkSent"):
                newer = [later for later in self.log[index + 1:] if later.kind == "CodeSent" and each.challenge
                         and later.challenge == each.challenge]
                return None if newer else each
        return None

    def proof_with_code_of(self, challenge):
        for proof in self.proofs:
            sent = self.code_waiting(proof)
            if sent and sent.challenge == challenge:
                return proof
        return None

    @property
    def challenges(self):
        """Those in progress, oldest first: {id: what it became}."""
        found = []
        for each in self.log:
            if each.kind in ("ChallengeStarted", "ChallengeEnded"):
                found = [one for one in found if one["at"] + CHALLENGE_KEPT_DAYS * DAY > each.at]
                if len(found) >= CHALLENGES_KEPT:  # one that nobody knew anything for gives way
                    found.remove(min(found, key=lambda one: 2 if one["passed_at"] is not None else one["code_sent"]))
                found.append({"id": each.challenge, "at": each.at, "purpose": each.purpose, "device": each.device,
                              "offers": each.offers or [], "code_sent": 0, "passed_at": None, "with": None})
            elif each.kind in VOIDS_CODES or each.kind == "AccountBlocked":
                found = []
            elif each.kind == "AccountUnblocked":
                found = [one for one in found if one["id"] != each.challenge]
            for one in found:
                if one["id"] == each.challenge and each.kind == "CodeSent":
                    one["code_sent"] = 1
                if one["id"] == each.challenge and each.kind == "ChallengePassed":
                    one["passed_at"], one["with"] = each.at, each.proof
        return found

    def challenge(self, wanted):
        return next((one for one in self.challenges if one["id"] == wanted), None)

    # --- windows, blocks, recoveries

    @property
    def window(self):
        window = None
        for each in self.log:
            window = window_after(window, each)
        return window

    @property
    def last_window(self):
        """The newest window that closed: how and when."""
        window, last = None, None
        outcomes = {"ReplacementCompleted": "completed", "ReplacementCancelled": "cancelled",
                    "ReplacementDisputed": "disputed", "AccountClosed": "ended", "AccountExpired": "ended"}
        for each in self.log:
            if window and each.kind in outcomes:
                last = window | {"state": outcomes[each.kind], "closed_at": each.at}
            window = window_after(window, each)
        return last

    @property
    def block(self):
        newest = self.newest("AccountBlocked", "AccountUnblocked")
        return newest if newest and newest.kind == "AccountBlocked" else None

    @property
    def recoveries(self):
        """Every form submitted, with what became of it."""
        return [self.recovery(each) for each in self.all("RecoverySubmitted")]

    def recovery(self, form):
        after = self.log[self.log.index(form) + 1:]
        own = [each for each in after if each.recovery == form.recovery]
        decided = next((each for each in own if each.kind in ("RecoveryVerified", "RecoveryNotVerified")), None)
        before_decision = after[:after.index(decided)] if decided else after
        stale = any(each.kind in VOIDS_FORMS for each in before_decision)
        issued = next((each for each in own if each.kind == "ResetLinkIssued"), None)
        link = issued
        if issued:
            later = after[after.index(issued) + 1:]
            void = any(each.kind in VOIDS_FORMS or each.kind in ENDS for each in later)
            swept = any(each.kind == "RecoverySubmitted" and each.at >= issued.expires_at for each in later)
            link = None if void or swept else issued
        ended = self.end is not None
        outcome = "pending" if not ended else "not_verified"
        if decided:
            outcome = "verified" if decided.kind == "RecoveryVerified" else "not_verified"
        return {"form": form, "outcome": outcome, "decided": decided, "stale": stale, "link": link,
                "survey_sent": ended or any(each.kind == "RecoverySurveySent" for each in own)}

    # --- devices, notices

    def is_familiar(self, device):
        """A device that somebody signed in on since the last reset."""
        since = self.since_newest("PasswordReset")
        return bool(device) and any(each.kind == "SignInSucceeded" and each.device == device for each in since)

    def is_familiar_place(self, place):
        since = self.since_newest("PasswordReset")
        return bool(place) and any(each.kind == "SignInSucceeded" and each.location == place for each in since)

    def notices(self, device=None):
        if self.end:
            return []
        found = []
        if not self.log[0].name_confirmed and not self.all("SignInNameConfirmed"):
            found.append("confirm_sign_in_name")  # R-ACC-2
        set_at = max(i for i, each in enumerate(self.log)
                     if each.kind in ("AccountRegistered", "PasswordReset", "PasswordChanged"))
        weak = self.grade == "weak" and not any(proof.verified > set_at for proof in self.usable)
        if weak or len(self.usable) < self.policy["min_proofs"]:
            found.append("add_security_info")  # R-PRF-8
        if self.window:
            found.append("security_info_change_pending")  # R-LOST-4
        changes = [i for i, each in enumerate(self.log) if each.kind in CHANGES and not each.at_birth]
        passes = [i for i, each in enumerate(self.log) if each.kind == "ChallengePassed" and each.device
                  and device in (None, each.device)]
        if changes and max(passes, default=-1) < changes[-1]:
            found.append("verify_this_device")  # R-ACC-7
        return found


def lapse_devices(proofs, at):
    """A device is trusted until the next change (R-PRF-10)."""
    for proof in proofs:
        if proof.kind == "trusted_device" and proof.usable:
            proof.set("unverified" if proof.status == "verified" else "removed", at)


def proofs_of(log):
    """Every proof the account ever had, in the order they were added, and what became of it."""
    proofs = []
    for index, each in enumerate(log):
        proofs_after(proofs, each, index)
    return proofs


def proofs_after(proofs, each, index):
    if each.kind in CHANGES and each.kind != "ReplacementCompleted":
        lapse_devices(proofs, each.at)
    named = next((proof for proof in proofs if proof.id == each.proof), None)
    if each.kind in ("ProofAdded", "ReplacementProofProposed", "DeviceTrusted") and not named:
        add_proof(proofs, each, index)
    elif each.kind in ("ProofVerified", "DeviceTrusted"):
        named.verify(each.at, index)
    elif each.kind == "ProofRemoved":
        named.set("removed", each.at)
    elif each.kind == "ReplacementConfirmed":
        named.set("confirmed", each.at)
    elif each.kind == "ProofsMarkedLost":
        for proof in [one for one in proofs if one.id in each.lost]:
            proof.set("marked_lost", each.at)
            proof.replacement = each.replacement
    elif each.kind in ("ReplacementCancelled", "ReplacementDisputed"):
        for proof in [one for one in proofs if one.replacement == each.replacement]:
            if proof.status == "marked_lost":
                proof.set("verified", each.at)
            elif proof.status in ("proposed", "confirmed"):
                proof.set("removed", each.at)
    elif each.kind in VOIDS_CODES:
        void(proofs, each, index)


def add_proof(proofs, each, index):
    if each.kind == "ReplacementProofProposed":  # a newer proposal takes the place of one not confirmed
        for proof in proofs:
            if proof.replacement == each.replacement and proof.status == "proposed":
                proof.set("removed", each.at)
        proofs.append(Proof(each, "proposed", index))
        proofs[-1].replacement = each.replacement
    elif each.kind == "DeviceTrusted" or each.proof_kind == "secret_question":
        proofs.append(Proof(each, "verified", index))
        proofs[-1].verified = index
    else:
        proofs.append(Proof(each, "unverified", index))


def void(proofs, each, index):
    """What a password set anew or a window's end does to the proofs (R-LOST-6, decision 0015)."""
    if each.kind == "ReplacementCompleted":
        for proof in [one for one in proofs if one.replacement == each.replacement]:
            if proof.status in ("marked_lost", "proposed"):
                proof.set("removed", each.at)
            elif proof.status == "confirmed":
                twin = any(other is not proof and other.status == "verified" and other.address == proof.address
                           and other.replacement != each.replacement for other in proofs)
                proof.verify(each.at, index)
                if twin:
                    proof.set("removed", each.at)
    lapse_devices(proofs, each.at)
    for proof in proofs:
        proof.replaces = None
        is_recovery = each.kind == "ReplacementCompleted" or each.recovery
        if is_recovery and proof.status == "unverified" and proof.kind != "trusted_device":
            proof.set("removed", each.at)
