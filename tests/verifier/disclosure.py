"""A checker of disclosures, written from docs/disclosure.md and docs/ledger-format.md alone.

usage: disclosure.py <file> --vkey FIRST
Prints JSON; exits 0 when all holds, 3 when it does not, with the check that failed."""
import argparse
import hashlib
import json
import sys
from pathlib import Path

import event as events
import flatbuffer
from event import LEDGER_ACCOUNT, SIGNING_KEY_ROTATED, Malformed
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.exceptions import CryptoError
from signed_note import BadNote, Checkpoint, Key, Note, decode_base64, decode_decimal
from tlog_tiles import HASH_BYTES, leaf_hash
from verifier import PROOF_HASHES_MAX, root_by_path

HEAD, EVENTS_MAX, FILE_BYTES_MAX = b"daicho disclosure v1", 256, 33_554_432
KEY_BYTES, NONCE_BYTES, SEALED_BYTES_MIN = 32, 24, 72
CIPHERTEXT_AT = 56
TEXTS = {  # slots of Personal that are a string
    0: "ip", 1: "user_agent", 2: "request_id", 3: "sign_in_name", 5: "password_verifier", 6: "address",
    7: "national_digits", 8: "question", 9: "answer_verifier", 10: "device_id", 11: "location", 12: "contact_address",
    14: "detail", 15: "totp_secret",
}
PROFILE_SLOT, ANSWERS_SLOT = 4, 13
PROFILE = ("surname", "given_name", "birth_date", "country", "region", "postal_code")


class Refuted(Exception):
    """What does not hold: the check's name, and words."""

    def __init__(self, check, words):
        super().__init__(f"{check}: {words}")
        self.check, self.words = check, words


class Disclosed:
    def __init__(self, position, envelope, key, path):
        self.position, self.envelope, self.key, self.path = position, envelope, key, path
        self.event = self.personal = None


def read_events(lines):
    """The events of the lines between the first one and `checkpoint`."""
    found, at = [], 0
    while at < len(lines):
        try:
            end = lines.index(b"", at)
        except ValueError:
            raise BadNote("an event without its end") from None
        head, envelope, *rest = lines[at:end] + [b""] * max(0, 2 + at - end)
        if not head.startswith(b"event ") or not envelope.startswith(b"envelope "):
            raise BadNote("no event where one is wanted")
        position = decode_decimal(head.removeprefix(b"event "))
        if found and position <= found[-1].position:
            raise BadNote("events out of order")
        key = decode_base64(rest.pop(0).removeprefix(b"key ")) if rest and rest[0].startswith(b"key ") else None
        path = [decode_base64(line) for line in rest]
        octets = decode_base64(envelope.removeprefix(b"envelope "))
        is_good = len(path) <= PROOF_HASHES_MAX and all(len(each) == HASH_BYTES for each in path)
        if not is_good or len(octets) > events.ENVELOPE_BYTES_MAX or (key is not None and len(key) != KEY_BYTES):
            raise BadNote("an envelope, a key or a hash of a wrong size")
        found.append(Disclosed(position, octets, key, path))
        at = end + 1
    return found


def read(octets):
    """(events, note)."""
    if len(octets) > FILE_BYTES_MAX:
        raise BadNote("too large a file")
    head, gap, note = octets.partition(b"\ncheckpoint\n")
    lines = (head + b"\n").split(b"\n")[:-1]
    if lines[0] != HEAD or not gap:
        raise BadNote("no disclosure")
    found = read_events(lines[1:])
    if not 0 < len(found) <= EVENTS_MAX:
        raise BadNote(f"{len(found)} events")
    Note.parse(note)
    return found, note


def next_key(event, keys):
    try:
        old_id, key = event.payload.octets(0), Key.parse(event.payload.string(1) or b"")
    except (BadNote, Malformed) as error:
        raise Refuted("signature", str(error)) from None
    is_new = key.id not in {known.id for _, known in keys} and key.name == keys[0][1].name
    if event.account != LEDGER_ACCOUNT or old_id != keys[-1][1].id or not is_new:
        raise Refuted("signature", "a rotation from or to a key that may not be")
    return key


def check_signatures(found, keys):
    """Parses the events; `keys` grows by their rotations: (first position, key)."""
    for each in found:
        try:
            each.event = events.parse(each.envelope)
        except Malformed as error:
            raise Refuted("event", f"{each.position}: {error}") from None
        if each.event.position != each.position:
            raise Refuted("event", f"{each.event.position} where {each.position} is said to be")
        key = keys[-1][1]
        if each.event.key_id != key.id or not key.has_signed(each.event.message, each.event.signature):
            raise Refuted("signature", f"{each.position}: not by {key.id.hex()}")
        if each.event.payload_type == SIGNING_KEY_ROTATED:
            keys.append((each.position + 1, next_key(each.event, keys)))


def check_checkpoint(note, keys):
    try:
        checkpoint = Checkpoint.parse(note)
        for position in {max(0, checkpoint.size - 1), checkpoint.size}:
            checkpoint.must_be_signed_by([key for first, key in keys if first <= position][-1])
    except BadNote as error:
        raise Refuted("checkpoint", str(error)) from None
    return checkpoint


def keyed_hash(key, label):
    return hashlib.blake2b(label + b"\0", key=key, digest_size=32).digest()


def open_sealed(each):
    sealed = each.event.sealed
    committed = sealed[NONCE_BYTES:CIPHERTEXT_AT] if sealed and len(sealed) >= SEALED_BYTES_MIN else None
    if committed != keyed_hash(each.key, b"daicho commitment v1"):
        raise Refuted("commitment", f"{each.position}: not the key of this event")
    try:
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[CIPHERTEXT_AT:], each.event.header,
                                                           sealed[:NONCE_BYTES],
                                                           keyed_hash(each.key, b"daicho encryption v1"))
        return personal_fields(flatbuffer.root(plain))
    except (CryptoError, Malformed) as error:
        raise Refuted("sealed_part", f"{each.position}: {error}") from None


def texts(table, names):
    found = ((name, table.string(slot)) for slot, name in names)
    return {name: octets.decode(errors="replace") for name, octets in found if octets}


def personal_fields(table):
    fields = texts(table, TEXTS.items())
    profile = table.table(PROFILE_SLOT)
    if profile:
        fields["profile"] = texts(profile, enumerate(PROFILE))
    answers = table.tables(ANSWERS_SLOT)
    if answers:
        fields["answers"] = [{"field": (answer.string(0) or b"").decode(errors="replace"),
                              "values": [value.decode(errors="replace") for value in answer.strings(1)],
                              **({"not_registered": True} if answer.number(2, "B") else {})} for answer in answers]
    return fields


def check(octets, first):
    try:
        found, note = read(octets)
    except BadNote as error:
        raise Refuted("form", str(error)) from None
    keys = [(0, first)]
    check_signatures(found, keys)
    checkpoint = check_checkpoint(note, keys)
    for each in found:
        is_there = each.position < checkpoint.size
        if not is_there or root_by_path(leaf_hash(each.envelope), each.position, checkpoint.size,
                                        each.path) != checkpoint.root:
            raise Refuted("inclusion", f"{each.position} in a tree of {checkpoint.size}")
    for each in found:
        if each.key is not None:
            each.personal = open_sealed(each)
    return {"size": checkpoint.size, "events": [
        {"seq": each.position, **({"personal": each.personal} if each.personal is not None else {})} for each in found]}


def judge(octets, first):
    try:
        return {"result": "holds", **check(octets, first)}
    except Refuted as refuted:
        return {"result": "refuted", "check": refuted.check, "words": refuted.words}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("file")
    parser.add_argument("--vkey", required=True)
    asked = parser.parse_args()
    try:
        first = Key.parse(asked.vkey.encode())
    except BadNote as error:
        parser.error(str(error))
    answer = judge(Path(asked.file).read_bytes(), first)
    print(json.dumps(answer))
    sys.exit(0 if answer["result"] == "holds" else 3)


if __name__ == "__main__":
    main()
