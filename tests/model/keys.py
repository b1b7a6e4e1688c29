"""The data keys of an account: of which destination, or the mailbox; since when unneeded, when erased (0023)."""
from .happenings import proofs_after

MAILBOX = "the mailbox"
MAIL = ("mail_subjects", "mail_folders", "mail_recipients")


class Key:
    def __init__(self, of, drawn):
        self.of, self.drawn, self.unneeded_since, self.erased = of, drawn, None, None
        self.proofs, self.destinations = [], []

    def may_have_sent_to(self, destination, at):
        return destination in self.destinations and self.drawn <= at


def live(keys, of):
    return next((key for key in keys if key.of == of and key.erased is None), None)


def keys_of(happened):
    """Every key there was, but the account's own: an earlier proof's serves a new one of the same destination."""
    proofs, keys = [], []
    for index, each in enumerate(happened):
        proofs_after(proofs, each, index)
        if each.kind in ("ProofAdded", "ReplacementProofProposed") and each.proof_kind != "trusted_device":
            key = need(keys, each.address, each.at)
            key.proofs.append(each.proof)
            key.destinations.append(each.destination)
        elif each.kind == "EvidenceRecorded" and any(item["kind"] in MAIL for item in each.items):
            need(keys, MAILBOX, each.at)
        elif each.kind == "DataKeyErased":
            live(keys, each.of).erased = each.at
        for key in keys:
            is_needed = key.of == MAILBOX or any(proof.address == key.of and proof.status != "removed"
                                                 for proof in proofs)
            if is_needed:
                key.unneeded_since = None
            elif key.unneeded_since is None:
                key.unneeded_since = each.at
    return keys


def need(keys, of, at):
    if not live(keys, of):
        keys.append(Key(of, at))
    return live(keys, of)
