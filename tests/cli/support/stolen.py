"""What somebody reads who has a ledger's directory and its master key: raw bytes, by docs/ledger-format.md."""
import hashlib
import sys
from collections import defaultdict
from pathlib import Path

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.exceptions import CryptoError

sys.path.append(str(Path(__file__).resolve().parents[2] / "verifier"))
import event as events  # noqa: E402
import flatbuffer  # noqa: E402

NONCE_BYTES, COMMITMENT_BYTES, TAG_BYTES, KEY_BYTES = 24, 32, 16, 32
WRAPPED_BYTES = NONCE_BYTES + COMMITMENT_BYTES + KEY_BYTES + TAG_BYTES
LOG_BLOCK_BYTES, LOG_HEADER_BYTES = 32_768, 7  # RocksDB's write-ahead log
LEDGER, SLOTS = bytes(16), range(16)
ENTRY_COUNT_BYTES = 2


def keyed_hash(key, label, *parts, size=32):
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.blake2b(label.encode() + b"\0" + framed, key=key, digest_size=size).digest()


def commitment(key):
    return keyed_hash(key, "daicho commitment v1")


def opened(key, sealed, associated):
    """The plaintext, or None."""
    if sealed[NONCE_BYTES:NONCE_BYTES + COMMITMENT_BYTES] != commitment(key):
        return None
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[NONCE_BYTES + COMMITMENT_BYTES:], associated, sealed[:NONCE_BYTES],
            keyed_hash(key, "daicho encryption v1"))
    except CryptoError:
        return None


def without_block_headers(log):
    """The records of a write-ahead log, joined: long ones are cut at its blocks."""
    joined = b""
    for block in range(0, len(log), LOG_BLOCK_BYTES):
        at, end = block, min(block + LOG_BLOCK_BYTES, len(log))
        while at + LOG_HEADER_BYTES <= end:
            size = int.from_bytes(log[at + 4:at + 6], "little")
            joined += log[at + LOG_HEADER_BYTES:at + LOG_HEADER_BYTES + size]
            at += LOG_HEADER_BYTES + size
    return joined


def contents(folder):
    """(file, its bytes as the store wrote them) of every file below."""
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file():
            octets = file.read_bytes()
            yield file, without_block_headers(octets) if file.suffix == ".log" else octets


class Thief:
    """One ledger's directory. `accounts` are the ids, 16 bytes each, that stand in the log, which is public."""

    def __init__(self, folder, accounts):
        self.folder = Path(folder)
        self.master = bytes.fromhex((self.folder / "master.key").read_text().strip())
        self.places, self.slots = defaultdict(set), defaultdict(set)  # files with a key, by account and with its slot
        self.keys, self.strangers = {}, 0  # keys by account and slot
        for file, octets in contents(self.folder):
            self.find_keys(file, octets, [LEDGER, *accounts])

    def find_keys(self, file, octets, accounts):
        """Every wrapped key begins so under one master key: what else is there is a row that nobody opens."""
        mark = commitment(self.master)
        at = octets.find(mark)
        while at >= 0:
            wrapped = octets[at - NONCE_BYTES:at - NONCE_BYTES + WRAPPED_BYTES]
            places = ((each, slot) for each in accounts for slot in SLOTS)
            owner = next((place for place in places if self.unwrap(*place, wrapped)), None)
            if owner is None:
                self.strangers += 1
            else:
                self.places[owner[0]].add(file.name)
                self.slots[owner].add(file.name)
            at = octets.find(mark, at + 1)

    def unwrap(self, account, slot, wrapped):
        key = opened(self.master, wrapped, b"daicho wrapped key v1" + account + slot.to_bytes(4, "big"))
        if key:
            self.keys[account, slot] = key
        return key

    def sealed_parts(self, envelopes):
        """What of these events can be opened, joined."""
        plain = b""
        for envelope in envelopes:
            event, octets = events.parse(envelope), envelope[events.EVENT_AT:]
            root = flatbuffer.root(octets)
            data_key = self.keys.get((event.account, event.sealed_slot))
            if event.is_sealed and data_key:
                key = keyed_hash(data_key, "daicho event key v1", event.position.to_bytes(8, "big"), event.account)
                plain += opened(key, root.octets(5), root.octets(0)) or b""
        return plain

    def in_clear(self, values):
        """Those of these texts that stand in a file as they are."""
        texts = [octets for _, octets in contents(self.folder)]
        return {value for value in values if any(value.encode() in text for text in texts)}
