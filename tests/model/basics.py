"""What the commands share: a refusal, who is told, what a new proof is, what registration asks for."""
import base64
import hashlib
import hmac

from .happenings import OWN_DOMAINS, SECOND, Happening


class No(Exception):
    """A rule's refusal. `record`: the event that records it, always or while the hour's records last (R-LED-1)."""

    def __init__(self, rule, code, retry_at=None, record=None, always=False, **returns):
        super().__init__(rule, code)
        self.rule, self.code, self.retry_at, self.returns = rule, code, retry_at, returns
        self.record, self.always = record, always


def totp(secret, step):
    """RFC 6238 with SHA-1, six digits."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at:at + 4], 'big') & 0x7fffffff) % 1_000_000:06}"


def told(proofs, word, is_told=lambda proof: proof.usable):
    return [(word, proof.channels[0], proof.destination) for proof in proofs if is_told(proof) and proof.reachable]


def told_owner(view, word):
    return told(view.proofs, word) or [(word, "email", view.account.sign_in_name)]  # decision 0010


def told_of_completion(proofs):
    word = "security_info_changed"
    return told(proofs, word) + told(proofs, word, lambda proof: proof.status == "confirmed")


def check_password(password, repeat, policy):
    """R-PWD-1."""
    if password != repeat:
        raise No("R-PWD-1", "not_repeated")
    if not policy["password_min"] <= len(password) <= policy["password_max"]:
        raise No("R-PWD-1", "wrong_length")
    classes = [any(c.isupper() for c in password), any(c.islower() for c in password),
               any(c.isdigit() for c in password), any(c.isascii() and not c.isalnum() for c in password)]
    if sum(classes) < policy["password_classes"]:
        raise No("R-PWD-1", "too_few_classes")


def details(kind, **proof):
    """What is kept of a new proof: its place in the account, where it is reached, what the owner must confirm."""
    if kind in ("email", "mobile_email"):
        if "@" not in proof["value"]:
            raise No("R-PRF-1", "invalid_email")
        local, domain = proof["value"].rsplit("@", 1)
        return {"address": f"{local.lower()}@{domain}", "destination": proof["value"], "hidden": local.lower()}
    if kind in ("mobile_phone", "landline_phone"):
        digits = "+81" + proof["value"].replace("-", "")[1:]
        return {"address": digits, "destination": digits, "hidden": digits[-4:]}
    if kind == "secret_question":
        return {"address": ("question", proof["question"]), "secret": proof["answer"]}
    if kind == "authenticator_app":
        return {"address": ("app", proof["totp_secret"]), "secret": proof["totp_secret"]}
    return {"address": ("device", proof["device_id"])}


def first_message(model, kind, proof, found, now, policy, replacement=None):
    """The link or code that verifies a new proof (R-PRF-1)."""
    if kind in ("email", "mobile_email"):
        return [Happening(now, "LinkSent", [("proof_link", "email", found["destination"])], proof=proof,
                          secret=("link", model.new_id("link")), replacement=replacement,
                          expires_at=now + policy["link_ttl_seconds"] * SECOND)]
    if kind in ("mobile_phone", "landline_phone"):
        channel = "sms" if kind == "mobile_phone" else "voice"
        return [Happening(now, "CodeSent", [("security_code", channel, found["destination"])], proof=proof,
                          secret=("code", model.new_id("code")), replacement=replacement,
                          expires_at=now + policy["code_ttl_seconds"] * SECOND)]
    return []


def register(model, account, taken, now, sign_in_name, password, password_repeat, profile, proofs, plan, grade):
    """R-ACC-1, R-ACC-2."""
    policy = model.policy(now)
    if taken:
        raise No("R-ACC-1", "sign_in_name_taken")
    check_password(password, password_repeat, policy)
    found = []
    for proof in proofs:
        if proof["kind"] in ("authenticator_app", "landline_phone", "recovery_code"):
            raise No("R-ACC-1", "kind_not_offered")
        found.append(details(**proof))
        if [one["address"] for one in found].count(found[-1]["address"]) > 1:
            raise No("R-ACC-1", "same_destination_twice")
    if len(found) < policy["min_proofs"]:
        raise No("R-ACC-1", "too_few_proofs")
    own = sign_in_name.rsplit("@", 1)[1] in OWN_DOMAINS
    events = [Happening(now, "AccountRegistered", plan=plan, password=password, grade=grade, profile=profile,
                        name_confirmed=own)]
    ids = []
    for proof, one in zip(proofs, found):
        ids.append(model.new_id("proof"))
        events.append(Happening(now, "ProofAdded", proof=ids[-1], proof_kind=proof["kind"], at_birth=True, **one))
        events += first_message(model, proof["kind"], ids[-1], one, now, policy)
    if not own:
        events.append(Happening(now, "SignInNameConfirmationRequested", [("sign_in_name_link", "email", sign_in_name)],
                                secret=("link", model.new_id("link")),
                                expires_at=now + policy["link_ttl_seconds"] * SECOND))
    return events, {"account": account.id, "proof_ids": ids}
