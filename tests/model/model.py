"""The model: accounts, each a list of what happened; a command is decided from that list alone.

A command names accounts, proofs, challenges and secrets by the model's own words ("proof-3", ("code", "code-7")); who
compares with the product translates them."""
from .basics import No, register, told_of_completion
from .commands import Rules
from .happenings import DAY, POLICY, Happening, View
from .keys import keys_of


class Outcome:
    def __init__(self, account, events, returns, no=None):
        self.account, self.events, self.returns, self.no = account, events, returns, no


class Account:
    def __init__(self, name, sign_in_name):
        self.id, self.sign_in_name = name, sign_in_name
        self.happened = []  # the truth; all else is derived

    @property
    def is_closed(self):
        return any(each.kind == "AccountClosed" for each in self.happened)


class Model:
    def __init__(self, now):
        self.accounts, self.policies, self.counted, self.ids = {}, [(now, 0, POLICY)], {}, 0

    def new_id(self, word):
        self.ids += 1
        return f"{word}-{self.ids}"

    def policy(self, now, until=None):
        return [policy for at, seq, policy in self.policies if at <= now and (until is None or seq <= until)][-1]

    def view(self, account, now, until=None):
        """As of an instant, or of an event's place in the log."""
        return View(self.accounts[account], now, self.policy(now, until), until)

    def shown(self, account, now, until=None):
        """The same, as queries may show it."""
        view = self.view(account, now, until)
        view.forget()
        return view

    def do(self, command, account, now, **fields):
        """What the rules say to a command, and it is done."""
        if command == "register-account":
            outcome = self.registration(now, **fields)
        else:
            outcome = self.decide(getattr(Rules, command.replace("-", "_")), account, now, fields)
        if outcome.events:
            self.accounts[outcome.account].happened += outcome.events
        return outcome

    def registration(self, now, **fields):
        account = Account(self.new_id("account"), fields["sign_in_name"])
        taken = any(each.sign_in_name == account.sign_in_name for each in self.accounts.values())
        try:
            events, returns = register(self, account, taken, now, **fields)
        except No as no:
            return Outcome(None, [], no.returns, no)
        self.accounts[account.id] = account
        return Outcome(account.id, events, returns)

    def decide(self, rule, account, now, fields):
        view = self.view(account, now)
        no = None
        try:
            if view.end and rule is not Rules.record_delivery:
                closed = view.end.kind == "AccountClosed"
                raise No("R-LIFE-1" if closed else "R-LIFE-3", "account_closed" if closed else "account_expired")
            events, returns = rule(Rules(self, view), **fields)
        except No as refusal:
            no, events, returns = refusal, [], refusal.returns
            is_room = view.refusals_recorded(no.rule) < view.policy["recorded_refusals_per_hour"]
            if no.record and (no.always or is_room):
                events = [no.record]
            elif no.record:
                key = (account, no.rule)
                self.counted[key] = self.counted.get(key, 0) + 1
        completed = self.unwritten_end(account, now)
        if completed and (events or not no):
            events = [completed, *events]  # R-LOST-6: it takes effect before whatever comes after it
        return Outcome(account, events, returns, no)

    def unwritten_end(self, account, now):
        """ReplacementCompleted, when a window has ended and nobody has written so yet."""
        view = self.view(account, now)
        happened = self.accounts[account].happened
        written = [each.replacement for each in happened if each.kind == "ReplacementCompleted"]
        ended = [each for each in view.all("ReplacementCompleted") if each.replacement not in written]
        if not ended or view.end:
            return None
        before = View(self.accounts[account], ended[0].at - 1, view.policy)
        told = told_of_completion(before.proofs)
        return Happening(now, "ReplacementCompleted", told, replacement=ended[0].replacement, effective_at=ended[0].at)

    def adopt_policy(self, now, seq, **parameters):
        self.policies.append((now, seq, self.policies[-1][2] | parameters))

    def tick(self, now):
        """What is due by time alone, kind by kind: [Outcome]."""
        done = []

        def run(account, command, **fields):
            outcome = self.do(command, account, now, **fields)
            if not outcome.no:
                done.append(outcome)

        names = list(self.accounts)
        policy = self.policy(now)
        for name in names:
            ended = self.unwritten_end(name, now)
            if ended:
                run(name, "complete-replacement", replacement_id=ended.replacement)
        for name in names:
            for one in self.view(name, now).recoveries:
                if one["outcome"] == "pending" and not self.view(name, now).end:
                    run(name, "decide-recovery", recovery_id=one["form"].recovery)
        for name in names:
            for one in self.view(name, now).recoveries:
                is_due = one["form"].at + (policy["survey_days"] - 1) * DAY <= now
                if not one["survey_sent"] and is_due:
                    run(name, "send-recovery-survey", recovery_id=one["form"].recovery)
        for reason in ("never_signed_in", "inactive"):
            for name in names:
                view = self.view(name, now)
                is_due = bool(view.last_sign_in) == (reason == "inactive") and not view.all("MailboxDeactivated")
                if is_due and not view.end:
                    run(name, "deactivate-mailbox", reason=reason)
        for name in names:
            run(name, "expire-account")
        done += self.erase_what_was_kept_long_enough(names, policy, now)
        done += [Outcome(name, [Happening(now, "ErasureCompleted")], {}) for name in self.erased(done)]
        for (name, rule), count in self.counted.items():
            event = Happening(now, "RefusalsCounted", rule=rule, count=count)
            self.accounts[name].happened.append(event)
            done.append(Outcome(name, [event], {"count": count}))
        self.counted = {}
        return done

    def erase_what_was_kept_long_enough(self, names, policy, now):
        """Destinations that no proof has had since, then accounts that expired: [Outcome]."""
        done = []

        def happens(name, kind, **fields):
            event = Happening(now, kind, **fields)
            self.accounts[name].happened.append(event)
            done.append(Outcome(name, [event], {}))

        open_or_expired = [name for name in names if not self.accounts[name].is_closed]
        for name in open_or_expired:
            for key in keys_of(self.accounts[name].happened):
                since = key.unneeded_since
                if key.erased is None and since is not None and \
                        since + policy["removed_proof_retention_days"] * DAY <= now:
                    happens(name, "DataKeyErased", of=key.of)
        for name in open_or_expired:
            end = self.view(name, now).end
            if end and end.at + policy["expired_account_retention_days"] * DAY <= now:
                happens(name, "AccountClosed")
        return done

    def erased(self, done):
        """Whose erasures a tick completes: of an account that it closed, one for all; else one a key."""
        events = [(outcome.account, event.kind) for outcome in done for event in outcome.events]
        return [name for name, kind in events if kind == "AccountClosed"
                or (kind == "DataKeyErased" and not self.accounts[name].is_closed)]
