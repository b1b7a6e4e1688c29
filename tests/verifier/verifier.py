"""A second reader of Daicho's log, written from docs/ledger-format.md alone: exports, proof files, consistency files.

usage: verifier.py export <folder> --vkey FIRST
       verifier.py proof <file> --vkey KEY [--vkey KEY ...]
       verifier.py consistency <file> --since CHECKPOINT --vkey KEY [--vkey KEY ...]
Prints JSON; exits 0 when all holds, 3 when it does not."""
import argparse
import hashlib
import json
import sys
from pathlib import Path

import event as events
import tlog_tiles
from event import (ERASURE_COMPLETED, LEDGER_ACCOUNT, LEDGER_CREATED, OWN_SLOT, SERVICE_REGISTERED, SERVICE_REVOKED,
                   SIGNING_KEY_ROTATED, Malformed)
from signed_note import BadNote, Checkpoint, Key, decode_base64, decode_decimal
from tlog_tiles import HASH_BYTES, TILE_WIDTH, Finding, leaf_hash, node_hash, root_of

PROOF_HEAD = b"c2sp.org/tlog-proof@v1"
PROOF_HASHES_MAX = 63
ID_BYTES, PUBLIC_KEY_BYTES, SERVICE_KEY_BYTES = 16, 32, 8


class BadBytes(Finding):
    """An envelope that does not parse or is not signed: changed, unless a checkpoint covers it as it is."""


def open_event(envelope, position, keys):
    """The event of an envelope that parses and is signed by the one of `keys` that it names."""
    try:
        event = events.parse(envelope)
    except Malformed as error:
        raise BadBytes("malformed", position, str(error)) from None
    signer = next((key for key in keys if key.id == event.key_id), None)
    if signer is None or not signer.has_signed(event.message, event.signature):
        raise BadBytes("signature", position, f"no signature by {event.key_id.hex()}, or not its turn")
    return event


class History:
    """What the events up to here say: whose turn it is to sign, each account's last event, the last time."""

    def __init__(self, first):
        self.keys, self.accounts, self.leaves, self.time = [first], {}, [], 0
        self.signers = (first,)  # of a checkpoint that ends here
        self.sealed, self.all_sealed = {}, 0  # by account: how many by slot
        self.erased, self.completed = {}, set()  # by account and slot: where, which key, how many it says; done
        self.sealed_erased = 0
        self.services, self.command = {}, None  # that sign: by name their id and key; account, service, id of the last

    def append(self, envelope):
        position, leaf = len(self.leaves), leaf_hash(envelope)
        event = open_event(envelope, position, self.keys[-1:])
        if event.position != position:
            raise Finding("missing", position, f"event {event.position} stands here")
        if event.time < self.time:
            raise Finding("time", position, f"{event.time} after {self.time}")
        if event.caused_by is not None and event.caused_by >= position:
            raise Finding("malformed", position, f"caused by {event.caused_by}")
        if position == 0 and not self.is_beginning(event):
            raise Finding("malformed", position, "not the LedgerCreated of this verifier key")
        version, previous, previous_leaf = self.accounts.get(event.account, (0, None, bytes(HASH_BYTES)))
        if (event.account_version, event.previous_position, event.previous_leaf) != (version + 1, previous,
                                                                                    previous_leaf):
            raise Finding("back_link", position, f"version {event.account_version} after {version} at {previous}")
        signers = self.keys[-1:]
        if event.payload_type == SIGNING_KEY_ROTATED:
            signers.append(self.next_key(event))
        self.check_service(event)
        self.count_sealed(event)
        self.accounts[event.account] = (event.account_version, position, leaf)
        self.leaves.append(leaf)
        self.time, self.signers = event.time, signers
        self.keys += signers[1:]

    def check_service(self, event):
        """A service with a key signed its command, and no other did; what it signed is sealed."""
        command, before = (event.account, event.service, event.command_id), self.command
        self.command = command
        _, key = self.services.get(event.service, (None, None))
        wanted = hashlib.sha256(key).digest()[:SERVICE_KEY_BYTES] if key else b""
        is_excused = not event.service_key and (event.account, OWN_SLOT) in self.erased
        if (event.service_key != wanted and not is_excused) or \
                event.has_signed_request != (bool(event.service_key) and command != before):
            raise Finding("service_signature", event.position, f"{event.service!r} did not sign it")
        if event.account == LEDGER_ACCOUNT and event.payload_type == SERVICE_REGISTERED:
            key = event.payload.octets(3) or b""
            if len(key) == PUBLIC_KEY_BYTES:
                self.services[event.payload.string(1)] = event.payload.struct(0, ID_BYTES), key
        elif event.account == LEDGER_ACCOUNT and event.payload_type == SERVICE_REVOKED:
            name = event.payload.string(1)
            if self.services.get(name, (None, None))[0] == event.payload.struct(0, ID_BYTES):
                self.services.pop(name, None)

    def count_sealed(self, event):
        """What is erased is what its account had sealed until then, under that key or all; a completion says it."""
        account = event.account
        slots = self.sealed.setdefault(account, {})
        slots[event.sealed_slot] = slots.get(event.sealed_slot, 0) + event.is_sealed
        self.all_sealed += event.is_sealed
        if event.erased_key:
            self.erase(account, event.position, *event.erased_key)
        if event.payload_type == ERASURE_COMPLETED:
            which = account, event.payload.number(4, "I")
            key = event.payload.struct(0, HASH_BYTES) or bytes(HASH_BYTES)
            told = (event.caused_by, key, event.payload.number(1, "Q"))
            if which in self.completed or told != self.erased.get(which):
                raise Finding("malformed", event.position, "an erasure of nothing, or not what went")
            self.completed.add(which)

    def erase(self, account, position, slot, key):
        if (account, OWN_SLOT) in self.erased or (account, slot) in self.erased:
            return
        slots = self.sealed[account]
        gone = slots if slot == OWN_SLOT else {slot: slots.get(slot, 0)}
        self.sealed_erased += sum(many for each, many in gone.items() if (account, each) not in self.erased)
        if slot == OWN_SLOT:  # its completion says it for all
            self.erased = {which: told for which, told in self.erased.items() if which[0] != account}
        self.erased[account, slot] = position, key, sum(gone.values())

    def is_beginning(self, event):
        if event.payload_type != LEDGER_CREATED or event.account != LEDGER_ACCOUNT:
            return False
        try:
            origin, vkey = event.payload.string(0), event.payload.string(1)
            return origin == self.keys[0].name and Key.parse(vkey or b"") == self.keys[0]
        except (BadNote, Malformed):
            return False

    def sealed_parts(self):
        """Those that nobody can open any more; and the others."""
        return {"sealed_erased": self.sealed_erased, "sealed_without_key": self.all_sealed - self.sealed_erased}

    def next_key(self, event):
        """The key that a rotation puts in force."""
        try:
            old_id, key = event.payload.octets(0), Key.parse(event.payload.string(1) or b"")
        except (BadNote, Malformed) as error:
            raise Finding("malformed", event.position, str(error)) from None
        is_new = key.id not in {known.id for known in self.keys} and key.name == self.keys[0].name
        if event.account != LEDGER_ACCOUNT or old_id != self.keys[-1].id or not is_new:
            raise Finding("malformed", event.position, "a rotation from or to a key that may not be")
        return key


def is_covered(folder, checkpoint, keys):
    """Whether one of `keys` signed a checkpoint of these very bytes, right or wrong as they may be."""
    try:
        is_signed = any(checkpoint.note.is_signed_by(key) for key in keys)
        bundles = [tlog_tiles.read_bundle(folder, *piece) for piece in tlog_tiles.pieces(checkpoint.size)]
    except (BadNote, Finding):
        return False
    return is_signed and root_of([leaf_hash(entry) for bundle in bundles for entry in bundle]) == checkpoint.root


def audit_export(folder, first):
    checkpoint, history = tlog_tiles.read_checkpoint(folder), History(first)
    for index, width in tlog_tiles.pieces(checkpoint.size):
        entries = tlog_tiles.read_bundle(folder, index, width)
        try:
            for entry in entries:
                history.append(entry)
        except BadBytes as finding:
            if not is_covered(folder, checkpoint, history.keys):
                finding.kind = "flipped"
            raise
        tlog_tiles.check_earlier_bundles(folder, index, entries)
        tlog_tiles.check_tile(folder, 0, index, history.leaves[TILE_WIDTH * index:])
    try:
        for signer in history.signers:
            checkpoint.must_be_signed_by(signer)
    except BadNote as error:
        raise Finding("checkpoint", checkpoint.size, str(error)) from None
    if root_of(history.leaves) != checkpoint.root:
        raise Finding("tree", 0, "the events have another root than the checkpoint")
    tlog_tiles.check_tiles(folder, tlog_tiles.levels_of(history.leaves))
    if checkpoint.size == 0:
        raise Finding("malformed", 0, "a log without LedgerCreated")
    return {"events": checkpoint.size, "accounts": len(history.accounts), "keys": len(history.keys),
            **history.sealed_parts()}


def root_by_path(leaf, index, size, path):
    """The root that an inclusion path leads to, RFC 9162 section 2.1.3.2; None when the path does not fit the tree."""
    node, last, running = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node % 2 or node == last:
            running = node_hash(sibling, running)
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            running = node_hash(running, sibling)
        node, last = node // 2, last // 2
    return running if last == 0 else None


def is_extension(old_size, old_root, size, root, proof):
    """Whether `proof` shows that the later tree begins with the earlier one, RFC 9162 section 2.1.4.2."""
    if old_size == 0 or old_size == size:
        return not proof and old_root == (root_of([]) if old_size == 0 else root)
    node, last = old_size - 1, size - 1
    while node % 2:
        node, last = node // 2, last // 2
    path = list(proof) if node else [old_root, *proof]
    if not path:
        return False
    old, new = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, sibling)
        node, last = node // 2, last // 2
    return last == 0 and (old, new) == (old_root, root)


def trusted_checkpoint(octets, keys):
    checkpoint = Checkpoint.parse(octets)
    signed = [key for key in keys if key.name == checkpoint.origin and checkpoint.note.is_signed_by(key)]
    if not signed:
        raise BadNote("a checkpoint that none of the keys signed")
    return checkpoint


def decode_hashes(lines):
    hashes = [decode_base64(line) for line in lines]
    if len(hashes) > PROOF_HASHES_MAX or any(len(each) != HASH_BYTES for each in hashes):
        raise BadNote("more hashes than a tree has levels, or others than SHA-256's")
    return hashes


def decode_extra(octets):
    entries, at = [], 0
    while at < len(octets):
        end = at + 2 + int.from_bytes(octets[at:at + 2], "big")
        entries.append(octets[at + 2:end])
        at = end
    if at != len(octets) or not entries:
        raise BadNote("no whole bundle of events")
    return entries


def check_proof(file, keys):
    head, gap, tail = Path(file).read_bytes().partition(b"\n\n")
    lines = head.split(b"\n")
    is_proof = gap and len(lines) >= 3 and lines[0] == PROOF_HEAD
    if not is_proof or not lines[1].startswith(b"extra ") or not lines[2].startswith(b"index "):
        raise BadNote("no tlog-proof with its events")
    envelopes = decode_extra(decode_base64(lines[1].removeprefix(b"extra ")))
    index, path = decode_decimal(lines[2].removeprefix(b"index ")), decode_hashes(lines[3:])
    checkpoint, before = trusted_checkpoint(tail, keys), None
    for number, envelope in enumerate(envelopes):
        event = open_event(envelope, number, keys)
        expected = (number + 1, before[0].account if before else event.account, before and before[0].position,
                    before[1] if before else bytes(HASH_BYTES))
        if len(envelopes) > 1 and expected != (event.account_version, event.account, event.previous_position,
                                               event.previous_leaf):
            raise Finding("back_link", event.position, "no link to the event before")
        before = (event, leaf_hash(envelope))
    last, leaf = before
    if last.position != index or index >= checkpoint.size:
        raise Finding("missing", index, f"event {last.position} in a log of {checkpoint.size}")
    if root_by_path(leaf, index, checkpoint.size, path) != checkpoint.root:
        raise Finding("tree", index, "the path leads to another root")
    return {"events": len(envelopes), "position": index, "size": checkpoint.size}


def check_consistency(file, since, keys):
    head, gap, tail = Path(file).read_bytes().partition(b"\n\n")
    lines = head.split(b"\n")
    if not gap or not lines[0].startswith(b"old "):
        raise BadNote("no proof of consistency")
    old = trusted_checkpoint(Path(since).read_bytes(), keys)
    new = trusted_checkpoint(tail, keys)
    sizes = decode_decimal(lines[0].removeprefix(b"old ")), old.size, new.size
    if old.origin != new.origin or sizes[0] != sizes[1] or sizes[1] > sizes[2]:
        raise Finding("tree", old.size, f"sizes {sizes}")
    if not is_extension(old.size, old.root, new.size, new.root, decode_hashes(lines[1:])):
        raise Finding("tree", old.size, "the later tree does not begin with the earlier one")
    return {"from": old.size, "to": new.size}


def judge(check, *arguments):
    """What is printed: intact with its figures, or violated with a finding."""
    try:
        return {"result": "intact", **check(*arguments)}
    except (Finding, BadNote) as error:
        finding = error if isinstance(error, Finding) else Finding("unreadable", 0, str(error))
        words = {"kind": finding.kind, "position": finding.position, "found": finding.words}
        return {"result": "violated", "finding": words}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what", choices=("export", "proof", "consistency"))
    parser.add_argument("path")
    parser.add_argument("--vkey", action="append", required=True)
    parser.add_argument("--since")
    asked = parser.parse_args()
    try:
        keys = [Key.parse(vkey.encode()) for vkey in asked.vkey]
    except BadNote as error:
        parser.error(str(error))
    if asked.what == "export":
        answer = judge(audit_export, asked.path, keys[0])
    elif asked.what == "proof":
        answer = judge(check_proof, asked.path, keys)
    else:
        answer = judge(check_consistency, asked.path, asked.since, keys)
    print(json.dumps(answer))
    sys.exit(0 if answer["result"] == "intact" else 3)


if __name__ == "__main__":
    main()
