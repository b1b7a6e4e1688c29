"""An envelope and the fields of its event that a verifier needs, by docs/ledger-format.md."""
from dataclasses import dataclass

import flatbuffer
from flatbuffer import Malformed

ENVELOPE_PREFIX = b"\x01\0\0\0"  # version, three zero bytes
SIGNATURE_AT, EVENT_AT, ENVELOPE_BYTES_MAX = 8, 72, 65_535
MESSAGE_PREFIX = b"daicho event v1\0"
LEDGER_ACCOUNT = bytes(16)
LEDGER_CREATED, ACCOUNT_CLOSED, SIGNING_KEY_ROTATED, ERASURE_COMPLETED, DATA_KEY_ERASED = 1, 52, 57, 59, 62
SERVICE_REGISTERED, SERVICE_REVOKED = 53, 54
OWN_SLOT = 0  # of an account's own data key
PAYLOAD_TYPE_LAST = 62
REQUIRED_STRINGS = (7, 9, 10)  # service, command, command_id


@dataclass(frozen=True)
class Event:
    key_id: bytes
    signature: bytes
    message: bytes  # what was signed
    position: int
    account: bytes
    account_version: int
    previous_position: int  # None: absent
    previous_leaf: bytes
    time: int
    caused_by: int  # None: absent
    service: bytes
    service_key: bytes  # empty: it did not sign
    command_id: bytes
    payload_type: int
    payload: flatbuffer.Table
    header: bytes  # as it stands in the event
    sealed: bytes  # None: nothing is
    has_signed_request: bool

    @property
    def is_sealed(self):
        return self.sealed is not None
    sealed_slot: int

    @property
    def erased_key(self):
        """Which data key went with this event, by its slot and fingerprint; the own one: all of them. None: none."""
        if self.payload_type == DATA_KEY_ERASED:
            return self.payload.number(0, "I"), self.payload.struct(2, 32) or bytes(32)
        key = self.payload.struct(0, 32) if self.payload_type == ACCOUNT_CLOSED else None
        return (OWN_SLOT, key) if key and any(key) else None


def parse_header(header):
    """The members of Event that stand in the header."""
    if header.number(0, "H") != 1:
        raise Malformed(f"unsupported_version: header {header.number(0, 'H')}")
    account, previous_leaf, digest = header.struct(2, 16), header.struct(5, 32), header.struct(11, 32)
    source = header.table(16)
    if None in (account, previous_leaf, digest, source, *(header.string(slot) for slot in REQUIRED_STRINGS)):
        raise Malformed("a header without a field that each has")
    for slot in (8, 12):
        header.vector(slot)
    version, previous = header.number(3, "Q"), header.number(4, "Q", None)
    if version == 0 or (version == 1) != (previous is None):
        raise Malformed(f"account_version {version} with previous_position {previous}")
    return {"position": header.number(1, "Q"), "account": account, "account_version": version,
            "previous_position": previous, "previous_leaf": previous_leaf, "time": header.number(6, "q"),
            "caused_by": header.number(13, "Q", None), "service": header.string(7),
            "service_key": header.octets(8) or b"", "command_id": header.string(10)}


def parse(envelope):
    if envelope[:1] != ENVELOPE_PREFIX[:1]:
        raise Malformed(f"unsupported_version: envelope {envelope[:1].hex()}")
    if len(envelope) <= EVENT_AT or len(envelope) > ENVELOPE_BYTES_MAX or envelope[:4] != ENVELOPE_PREFIX:
        raise Malformed("no envelope")
    octets = envelope[EVENT_AT:]
    event = flatbuffer.root(octets)
    header = event.vector(0)
    if header is None or header[0] % 8 != 0:
        raise Malformed("no header, or one at an odd place")
    payload_type, payload = event.number(1, "B"), event.table(2)
    if payload_type == 0 or payload is None:
        raise Malformed("no payload")
    if payload_type > PAYLOAD_TYPE_LAST:
        raise Malformed(f"unsupported_version: payload type {payload_type}")
    header = octets[header[0]:header[1]]
    return Event(envelope[4:SIGNATURE_AT], envelope[SIGNATURE_AT:EVENT_AT], MESSAGE_PREFIX + octets,
                 payload_type=payload_type, payload=payload, header=header, sealed=event.octets(5),
                 sealed_slot=event.number(4, "I"), has_signed_request=event.table(6) is not None,
                 **parse_header(flatbuffer.root(header)))
