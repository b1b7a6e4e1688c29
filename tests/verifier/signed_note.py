"""C2SP signed notes: verifier keys, Ed25519 signature lines, checkpoints."""
import base64
import binascii
import hashlib
from dataclasses import dataclass

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

ED25519 = b"\x01"  # the type byte of the key
DASH = "— ".encode()
SIGNATURE_BYTES = 64
DECIMAL_BYTES_MAX = 20  # of 2^64 - 1
NOTE_BYTES_MAX, NOTE_LINES_MAX, NAME_BYTES_MAX = 65_536, 64, 255


class BadNote(Exception):
    """These bytes are no note, no key, or no checkpoint."""


def decode_base64(text):
    """Only the one padded spelling that encoding gives."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"base64: {error}") from None
    if base64.b64encode(octets) != text:
        raise BadNote("base64 with other bits behind the last byte")
    return octets


def decode_decimal(text):
    if not text.isdigit() or len(text) > DECIMAL_BYTES_MAX or text != b"%d" % int(text) or int(text) >= 2**64:
        raise BadNote(f"{text[:24]!r} is no size")
    return int(text)


@dataclass(frozen=True)
class Key:
    name: bytes
    id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey):
        name, plus, rest = vkey.partition(b"+")
        hex_id, second_plus, encoded = rest.partition(b"+")
        octets = decode_base64(encoded)
        if not (name and plus and second_plus and len(octets) == 33 and octets[:1] == ED25519):
            raise BadNote("no verifier key of an Ed25519 note")
        key_id = hashlib.sha256(name + b"\n" + octets).digest()[:4]
        if hex_id != key_id.hex().encode():
            raise BadNote("a verifier key with another key's id")
        return cls(name, key_id, octets[1:])

    def has_signed(self, message, signature):
        try:
            crypto_sign_open(signature + message, self.public)
        except BadSignatureError:
            return False
        return len(signature) == SIGNATURE_BYTES


@dataclass(frozen=True)
class Note:
    text: bytes
    lines: tuple  # (name, key id, signature)

    @classmethod
    def parse(cls, octets):
        try:
            letters = octets.decode()
        except UnicodeDecodeError as error:
            raise BadNote(f"not UTF-8: {error.reason}") from None
        if any(letter < " " and letter != "\n" for letter in letters):
            raise BadNote("a control character")
        text, gap, tail = octets.rpartition(b"\n\n")
        if len(octets) > NOTE_BYTES_MAX or tail.count(b"\n") > NOTE_LINES_MAX:
            raise BadNote(f"more than {NOTE_BYTES_MAX} bytes or {NOTE_LINES_MAX} signature lines")
        if not (text and gap and tail.endswith(b"\n")):
            raise BadNote("no text, empty line and signature lines")
        lines = []
        for line in tail[:-1].split(b"\n"):
            name, space, encoded = line.removeprefix(DASH).partition(b" ")
            signature = decode_base64(encoded)
            is_name = len(name) <= NAME_BYTES_MAX and b"+" not in name and name.decode().split() == [name.decode()]
            if not (line.startswith(DASH) and is_name and space and len(signature) > 4):
                raise BadNote("a line that is no signature line")
            lines.append((name, signature[:4], signature[4:]))
        return cls(text + b"\n", tuple(lines))

    def is_signed_by(self, key):
        """False when the key has no line here; a line of a known key whose signature is wrong spoils the note."""
        signatures = [signature for name, key_id, signature in self.lines if (name, key_id) == (key.name, key.id)]
        if not all(key.has_signed(self.text, signature) for signature in signatures):
            raise BadNote(f"a signature of {key.id.hex()} that does not verify")
        return bool(signatures)


@dataclass(frozen=True)
class Checkpoint:
    origin: bytes
    size: int
    root: bytes
    note: Note

    @classmethod
    def parse(cls, octets):
        note = Note.parse(octets)
        lines = note.text[:-1].split(b"\n")
        if len(lines) != 3 or not lines[0]:
            raise BadNote("a checkpoint is origin, size and root")
        root = decode_base64(lines[2])
        if len(root) != 32:
            raise BadNote(f"a root of {len(root)} bytes")
        return cls(lines[0], decode_decimal(lines[1]), root, note)

    def must_be_signed_by(self, key):
        if self.origin != key.name or not self.note.is_signed_by(key):
            raise BadNote(f"a checkpoint that {key.id.hex()} did not sign")
