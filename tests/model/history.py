"""Random histories: commands that are mostly sensible, and a clock that jumps to where rules change their answer."""
from .actions import ZONES, Actions
from .compare import QUERIES
from .happenings import DAY, HOUR, SECOND, day_of, local_date
from .keys import keys_of


class History(Actions):
    """One ledger's random life."""

    def __init__(self, pair, rng):
        self.pair, self.model, self.rng, self.names = pair, pair.model, rng, 0

    # --- the clock

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def edges(self):
        """The instants ahead at which a rule may change its answer."""
        now, found = self.pair.now, []
        policy = self.model.policy(now)
        start, midnight = day_of(now, policy["day_zone"])
        found += [midnight, day_of(midnight, policy["day_zone"])[1], day_of(now, "UTC")[1], now + 30 * SECOND]
        to_next_month = 32 - local_date(start, policy["day_zone"]).day
        found.append(day_of(start + to_next_month * DAY, policy["day_zone"])[0])
        spans = (policy["code_ttl_seconds"] * SECOND, policy["step_up_ttl_seconds"] * SECOND, HOUR, DAY,
                 policy["challenge_ttl_seconds"] * SECOND, policy["link_ttl_seconds"] * SECOND,
                 (policy["survey_days"] - 1) * DAY, policy["survey_days"] * DAY, policy["replacement_days"] * DAY)
        far = tuple(policy[name] * DAY for name in ("mailbox_inactive_days", "mailbox_first_sign_in_days",
                                                    "account_inactive_days"))
        for account in self.model.accounts.values():
            for each in account.happened[-12:]:
                found += [each.at + span for span in spans]
            found += [each.at + span for each in account.happened if each.kind in
                      ("AccountRegistered", "SignInSucceeded") for span in far]
            found += [each.effective_at for each in account.happened if each.effective_at] * 6
            found += [key.unneeded_since + policy["removed_proof_retention_days"] * DAY
                      for key in keys_of(account.happened) if key.unneeded_since is not None and key.erased is None] * 3
            found += [each.at + policy["expired_account_retention_days"] * DAY for each in account.happened
                      if each.kind == "AccountExpired"]
        return [at for at in found if at > now]

    def move(self, calm=False):
        """Time goes on: a little, or to the edge of something, or a microsecond beside it."""
        roll = self.rng.random() * 100
        if calm and roll < 92:
            self.pair.now += self.rng.choice((0, 1, SECOND, 20 * SECOND, 45 * SECOND))
        elif roll < 55:
            self.pair.now += self.rng.choice((0, 0, 1, SECOND, 30 * SECOND, 90 * SECOND, 400 * SECOND))
        elif roll < 85 or calm:
            edges = self.edges()
            near = [at for at in edges if at < self.pair.now + 2 * DAY]
            at = self.rng.choice(near if near and self.chance(70) else edges) + self.rng.choice((-1, 0, 0, 1))
            self.pair.now = max(self.pair.now, at)
        elif roll < 98:
            self.pair.now += int(self.rng.choice((HOUR, HOUR, 8 * HOUR, DAY)) * self.rng.random())
        else:
            self.pair.now += int(20 * DAY * self.rng.random())

    # --- the whole

    WEIGHTS = {"sign_in": 8, "prove_any": 10, "start": 2, "send": 4, "submit": 4, "answer": 2, "use_code": 1,
               "verify_all": 6, "verify": 4, "reset": 9, "change_password": 3, "change_proofs": 10, "trust": 4,
               "replace_all": 8, "lose": 3, "propose": 3, "confirm": 3, "stop_window": 5, "complete": 2,
               "quarrel": 0.7, "annoy": 3, "form": 6, "recover": 4, "decide": 3, "evidence": 3, "block": 1.5,
               "unblock": 7, "mailbox": 1, "expire": 0.7, "close": 0.7, "merge": 1, "deliver": 4, "tick": 8,
               "policy": 2, "register": 1, "confirm_name": 2, "investigate": 3}

    def run(self, commands):
        self.pair.adopt_policy(day_kind=self.pick(("calendar_day", "rolling_24h")), day_zone=self.pick(ZONES),
                               removed_proof_retention_days=self.pick((3, 10, 90)),
                               expired_account_retention_days=self.pick((1, 30, 90)))
        self.register()
        while self.pair.commands < commands:
            self.move()
            alive = [name for name in self.model.accounts if not self.view(name).end]
            if not alive:
                self.register()
                continue
            everybody = list(self.model.accounts)
            account = self.pick(alive[-3:]) if self.chance(97) else self.pick(everybody)
            action = self.rng.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
            getattr(self, action)(account)
            self.look(account)

    def look(self, account):
        """Queries, now and at instants past."""
        if self.chance(50):
            self.pair.query(self.pick(QUERIES), account)
        if self.chance(35):
            happened = self.model.accounts[account].happened
            since = happened[0].at
            edges = [each.at for each in happened] + [each.effective_at for each in happened if each.effective_at] * 4
            at = self.pick(edges) + self.pick((-1, 0, 1)) if self.chance(70) else \
                self.rng.randrange(since, self.pair.now + 1)
            if self.chance(20):
                ends = [each for each, next_one in zip(happened, happened[1:]) if next_one.at > each.at]
                each = self.pick(ends, happened[-1])  # the last event of a command, for a command is all or nothing
                self.pair.query(self.pick(QUERIES), account, as_of=each.at, until=each.seq)
            elif since <= at <= self.pair.now:
                self.pair.query(self.pick(QUERIES), account, as_of=at)
