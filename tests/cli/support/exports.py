"""Exports of a ledger as bytes that a test may change: with the signing keys, or as somebody without them can."""
import base64
import shutil
import struct
from pathlib import Path

import event as events
import flatbuffer
import tlog_tiles
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair
from signed_note import SIGNATURE_BYTES


class Signer:
    """A signing key of a ledger, from the text of its file."""

    def __init__(self, text):
        _, _, self.name, key_id, encoded = text.strip().split("+", 4)
        self.id = bytes.fromhex(key_id)
        _, self.secret = crypto_sign_seed_keypair(base64.b64decode(encoded)[1:])  # behind the type byte

    def sign(self, message):
        return crypto_sign(message, self.secret)[:SIGNATURE_BYTES]


def signature_line(signer, text):
    return f"— {signer.name} ".encode() + base64.b64encode(signer.id + signer.sign(text)) + b"\n"


class Export:
    """One folder. `entries` and `checkpoint` are what it held when it was opened."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.checkpoint = tlog_tiles.read_checkpoint(folder)
        self.note = (self.folder / "checkpoint").read_bytes()
        pieces = tlog_tiles.pieces(self.checkpoint.size)
        self.entries = [entry for piece in pieces for entry in tlog_tiles.read_bundle(folder, *piece)]

    def files(self):
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())

    def copy_to(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Path(folder)


def checkpoint_text(origin, entries):
    root = tlog_tiles.root_of([tlog_tiles.leaf_hash(entry) for entry in entries])
    return origin + b"\n%d\n" % len(entries) + base64.b64encode(root) + b"\n"


def write_log(folder, entries, note):
    """The folder with these entries, their tiles, and this checkpoint."""
    shutil.rmtree(folder / "tile", ignore_errors=True)

    def write(level, index, width, content):
        path = tlog_tiles.path_of(folder, level, index, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    for index, width in tlog_tiles.pieces(len(entries)):
        piece = entries[tlog_tiles.TILE_WIDTH * index:][:width]
        write("entries", index, width, b"".join(len(entry).to_bytes(2, "big") + entry for entry in piece))
    for level, hashes in enumerate(tlog_tiles.levels_of([tlog_tiles.leaf_hash(entry) for entry in entries])):
        for index, width in tlog_tiles.pieces(len(hashes)):
            write(level, index, width, b"".join(hashes[tlog_tiles.TILE_WIDTH * index:][:width]))
    (folder / "checkpoint").write_bytes(note)


class Field:
    """A field of an envelope's event as it stands in the bytes: it can be overwritten in place."""

    def __init__(self, place, code):
        self.place, self.code = place, code

    def read(self, envelope):
        return struct.unpack_from("<" + self.code, envelope, self.place)[0]

    def write(self, envelope, value):
        changed = bytearray(envelope)
        struct.pack_into("<" + self.code, changed, self.place, value)
        return bytes(changed)


HEADER_FIELDS = {  # slot and struct's code
    "format_version": (0, "H"), "position": (1, "Q"), "account": (2, "16s"), "account_version": (3, "Q"),
    "previous_position": (4, "Q"), "previous_leaf": (5, "32s"), "time": (6, "q"), "command_digest": (11, "32s"),
    "caused_by": (13, "Q"), "policy_version": (14, "I"),
}


def field_of(envelope, name):
    """The field, or None where the event has none to overwrite."""
    octets = envelope[events.EVENT_AT:]
    event = flatbuffer.root(octets)
    if name == "payload_type":
        table, before, (slot, code) = event, events.EVENT_AT, (1, "B")
    else:
        first, last = event.vector(0)
        table, before = flatbuffer.root(octets[first:last]), events.EVENT_AT + first
        slot, code = HEADER_FIELDS[name]
    place = table.place(slot, struct.calcsize("<" + code))
    return None if place is None else Field(before + place, code)


def sign_entry(envelope, signer):
    message = events.MESSAGE_PREFIX + envelope[events.EVENT_AT:]
    return envelope[:4] + signer.id + signer.sign(message) + envelope[events.EVENT_AT:]
