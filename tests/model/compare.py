"""The product beside the model: the same commands at the same instants, and every answer compared."""
import json
from collections import Counter
from datetime import datetime, timedelta

from . import answers
from .happenings import EPOCH
from .keys import keys_of
from .model import Model

NAMES = ("challenge_id", "proof_id", "replacement_id", "recovery_id", "account", "open_replacement",
         "offer_cancel_replacement")
SECRETS = ("recovery_code", "replacement_token")
QUERIES = ("account", "proofs", "block", "windows", "limits", "recoveries", "recovery-options")
OVER_LISTED_MIN = 16  # of what is over, removed proofs and finished recoveries, the product lists so many


class Disagreement(Exception):
    pass


def rfc3339(at):
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant(text):
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


class Pair:
    """One ledger under `daicho play -`, and the model of it."""

    def __init__(self, ledger, now):
        self.ledger, self.model, self.now = ledger, Model(now), now
        self.process = ledger.program.start("play", "-", "--data", str(ledger.path), "--format", "ndjson")
        self.product_words, self.model_words = {}, {}  # ids and secrets: the model's word and the product's
        self.waiting, self.lines, self.commands, self.queries = [], [], 0, 0
        self.met = Counter()  # which answers of which commands came up

    def close(self):
        self.process.stdin.close()
        return self.process.wait(60)

    # --- words

    def translated(self, value):
        """A command's member in the product's words."""
        if isinstance(value, dict):
            return {name: self.translated(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.translated(each) for each in value]
        return self.product_words.get(value, value)

    def learn(self, word, product_word):
        self.product_words[word] = product_word
        self.model_words[product_word] = word

    def learn_ids(self, expected, answer):
        for name in (*NAMES, *SECRETS):
            if expected.get(name) is not None and expected[name] not in self.product_words and name in answer:
                self.learn(expected[name], answer[name])
        for word, product_word in zip(expected.get("proof_ids", []), answer.get("proof_ids", [])):
            self.learn(word, product_word)

    def shown(self, value):
        """The model's answer as the product writes it: words are the product's, instants RFC 3339."""
        if isinstance(value, int) and not isinstance(value, bool) and value > 10 ** 14:
            return rfc3339(value)
        if isinstance(value, dict):
            return {name: self.shown(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.shown(each) for each in value]
        return self.product_words.get(value, value)

    # --- lines

    def send(self, line):
        """One line to the product, its answer back."""
        self.lines.append({"at": rfc3339(self.now), **line})
        try:
            self.process.stdin.write(json.dumps(self.lines[-1] | {"expect": {}}).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise Disagreement(f"the product ended: {self.process.stderr.read().decode()}")
        return json.loads(answer)

    def differ(self, what, expected, found):
        raise Disagreement(f"{what} at {rfc3339(self.now)}\n  the model: {expected}\n  the product: {found}")

    def agree(self, what, expected, found):
        if expected != found:
            self.differ(what, expected, found)

    def command(self, name, account=None, again=False, **fields):
        """A command to both; `again`: a second time under the same idempotency key (decision 0006)."""
        own = {key: value for key, value in fields.items() if key not in ("grade", "withdrawn")}
        outcome = self.model.do(name, account, self.now, **fields)
        line = {"command": name, **self.translated(own), "idempotency_key": f"key-{len(self.lines)}"}
        if account:
            line["account"] = self.translated(account)
        answer = self.send(line)
        self.commands += 1
        self.compare(name, outcome, answer)
        if again and outcome.events:
            replayed = self.send(line)
            kept = {member: each for member, each in answer.items() if member not in answer.get("shown_once", ())}
            self.agree(f"{name} again", {**kept, "replayed": True, "line": None}, {**replayed, "line": None})
        if outcome.events and outcome.events[-1].kind in ("AccountClosed", "DataKeyErased"):
            self.compare_erasure(name, account, outcome.events[-1].seq)
        return outcome

    def compare_erasure(self, name, account, erasing):
        """Whoever closes an account, or deactivates its mailbox, erases it at once."""
        newest = self.send({"query": "timeline", "account": self.translated(account)})["events"][-1]
        self.agree(f"after {name}", ("ErasureCompleted", erasing), (newest["type"], newest["caused_by"]))

    def compare(self, name, outcome, answer):
        if outcome.no:
            at = outcome.no.retry_at
            expected = (outcome.no.rule, outcome.no.code, at if at is None else rfc3339(at))
        else:
            expected = (None, None, None)
        found = tuple(answer.get(each) for each in ("rule", "code", "retry_at"))
        if answer.get("error"):
            found = (answer["error"], answer["detail"])
        self.agree(f"{name}: refusal", expected, found)
        self.met[f"{name}: {found[1] or ', '.join(each.kind for each in outcome.events) or 'nothing new'}"] += 1
        events = answer.get("events", [])
        self.agree(f"{name}: events", [each.kind for each in outcome.events], [each["type"] for each in events])
        self.learn_ids(outcome.returns, answer)
        returns = self.shown(outcome.returns)
        found = {key: answer.get(key) for key in returns}
        if "offers" in found:
            found["offers"] = [each["proof_id"] for each in answer["offers"]]
        self.agree(f"{name}: answer", returns, found)
        for each, event in zip(outcome.events, events):
            each.seq = event["seq"]
        self.compare_mail(name, outcome.events)

    def compare_mail(self, name, events):
        """Who is told what: the outbox holds just these messages. Their secrets are learned."""
        expected = [(each.seq, *told) for each in events for told in each.told]
        if not expected:
            return
        leased = self.send({"lease": {"count_max": 1000, "seconds": 86400}})["notifications"]
        newest = [each for each in leased if each["seq"] >= events[0].seq]
        found = [(each["seq"], each["kind"], each["channel"], each["destination"]) for each in newest]
        self.agree(f"{name}: messages", expected, found)
        by_seq = {each.seq: each for each in events}
        for each in newest:
            event = by_seq[each["seq"]]
            if each["kind"] == "replacement_pending":
                self.learn(("notice", event.replacement), each["token"])
            elif "code" in each or "token" in each:
                self.learn(event.secret, each.get("code") or each["token"])
        told = [(self.model_words[each["account"]], each["notification_id"], each["destination"], self.now)
                for each in newest]
        self.waiting += sorted(told, key=lambda each: each[0])  # a tick's order among accounts is that of random ids

    def deliver(self, index, result):
        account, notification, destination, at = self.waiting.pop(index)
        keys = keys_of(self.model.accounts[account].happened)
        withdrawn = any(key.erased is not None and at <= key.erased and key.may_have_sent_to(destination, at)
                        for key in keys)
        self.command("record-delivery", account, notification_id=notification, result=result, withdrawn=withdrawn)

    def tick(self):
        done = self.send({"tick": True})["done"]
        self.commands += 1
        outcomes = self.model.tick(self.now)
        digests = [{"type": "ProjectionDigestsRecorded"}]
        done = [each for each in done if [{"type": one["type"]} for one in each["events"]] != digests]
        expected = sorted((self.translated(one.account), str(self.subject(self.shown(one.returns))),
                           [each.kind for each in one.events], i) for i, one in enumerate(outcomes))
        found = sorted((self.account_of(one["events"][0]["seq"]), str(self.subject(one)),
                        [each["type"] for each in one["events"]], i) for i, one in enumerate(done))
        self.agree("tick", [each[:-1] for each in expected], [each[:-1] for each in found])
        by_seq = []
        for (*_, i), (*_, j) in zip(expected, found):
            for event, told in zip(outcomes[i].events, done[j]["events"]):
                event.seq = told["seq"]
                by_seq.append(event)
        self.compare_mail("tick", sorted(by_seq, key=lambda each: each.seq))

    def subject(self, answer):
        return answer.get("recovery_id") or answer.get("replacement_id") or answer.get("count")

    def account_of(self, seq):
        return self.send({"query": "events", "from": seq, "limit": 1})["events"][0]["account"]

    def adopt_policy(self, **parameters):
        answer = self.send({"command": "adopt-policy", **parameters})
        self.agree("adopt-policy", ["PolicyAdopted"], [each["type"] for each in answer.get("events", [])])
        self.model.adopt_policy(self.now, answer["events"][0]["seq"], **parameters)
        self.commands += 1

    # --- queries

    def query(self, name, account, as_of=None, until=None):
        """Now, as of an instant, or until an event (`as_of` is its time then)."""
        line = {"query": name, "account": self.translated(account)}
        if as_of is not None:
            line["as_of"] = rfc3339(as_of) if until is None else until
        found = self.send(line)
        self.queries += 1
        view = self.model.shown(account, self.now if as_of is None else as_of, until)
        expected = self.shown(getattr(answers, name.replace("-", "_"))(view))
        what = f"query {name}" + (f" as of {line['as_of']}" if as_of is not None else "")
        if name in ("proofs", "recoveries"):
            self.compare_rows(what, name, expected, found[name])
        else:
            self.agree(what, expected, narrowed(found, expected))

    def compare_rows(self, what, name, expected, found):
        """Of what is over, rows beyond a number may have dropped out of the product's list."""
        key = "proof_id" if name == "proofs" else "recovery_id"
        if name == "recoveries":
            for row in found:
                row["fields"] = {each["field"]: [each["result"], each["matched"]] for each in row["fields"]
                                 if each["result"] != "blank"}
        if name == "proofs":
            for row in found:
                row["erased"] = row["masked"] == "(erased)"
        listed = {row[key] for row in found}

        def is_over(row):
            return row["status"] == "removed" if name == "proofs" else row["survey_sent"]

        over = [row for row in expected if is_over(row)]
        dropped = [row for row in over if row[key] not in listed]
        if len(over) - len(dropped) < OVER_LISTED_MIN:
            dropped = []
        rows = [row for row in expected if row not in dropped]
        self.agree(what, rows, [narrowed(each, row) for each, row in zip(found, rows)] + found[len(rows):])


def narrowed(found, expected):
    """Of what was found, the members that are expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {name: narrowed(found.get(name), each) for name, each in expected.items()}
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [narrowed(one, each) for one, each in zip(found, expected)]
    return found
