"""FlatBuffers without a schema, by docs/ledger-format.md: every offset is checked before it is followed."""
import struct


class Malformed(Exception):
    """These bytes are not what the format says."""


def scalar(data, at, code):
    """The little-endian number of struct's `code` at `at`."""
    if at < 0 or at + struct.calcsize("<" + code) > len(data):
        raise Malformed(f"an offset points to {at} of {len(data)} bytes")
    return struct.unpack_from("<" + code, data, at)[0]


class Table:
    """A table of a finished buffer: fields by their slot."""

    def __init__(self, data, at):
        self.data, self.at, self.vtable = data, at, at - scalar(data, at, "i")
        self.vtable_bytes, self.bytes = scalar(data, self.vtable, "H"), scalar(data, self.vtable + 2, "H")
        if self.vtable_bytes < 4 or self.vtable_bytes % 2 or self.vtable + self.vtable_bytes > len(data):
            raise Malformed(f"a vtable of {self.vtable_bytes} bytes")
        if self.bytes < 4 or at + self.bytes > len(data):
            raise Malformed(f"a table of {self.bytes} bytes")

    def place(self, slot, size):
        """Where a field of `size` bytes stands; None when it is absent."""
        entry = 4 + 2 * slot
        offset = scalar(self.data, self.vtable + entry, "H") if entry + 2 <= self.vtable_bytes else 0
        if offset and offset + size > self.bytes:
            raise Malformed(f"slot {slot} ends beyond its table")
        return self.at + offset if offset else None

    def number(self, slot, code, absent=0):
        at = self.place(slot, struct.calcsize("<" + code))
        return absent if at is None else scalar(self.data, at, code)

    def struct(self, slot, size):
        at = self.place(slot, size)
        return None if at is None else self.data[at:at + size]

    def follow(self, slot):
        at = self.place(slot, 4)
        return None if at is None else at + scalar(self.data, at, "I")

    def table(self, slot):
        at = self.follow(slot)
        return None if at is None else Table(self.data, at)

    def vector(self, slot):
        """Where the bytes of a vector of bytes begin and end; None when it is absent."""
        at = self.follow(slot)
        if at is None:
            return None
        first, last = at + 4, at + 4 + scalar(self.data, at, "I")
        if last > len(self.data):
            raise Malformed(f"the vector of slot {slot} ends beyond the buffer")
        return first, last

    def octets(self, slot):
        place = self.vector(slot)
        return None if place is None else self.data[place[0]:place[1]]

    def string(self, slot):
        place = self.vector(slot)
        if place and scalar(self.data, place[1], "B") != 0:
            raise Malformed(f"the string of slot {slot} has no zero byte after it")
        return None if place is None else self.data[place[0]:place[1]]

    def tables(self, slot):
        """The tables of a vector of them; none when it is absent."""
        return [Table(self.data, place) for place in self.offsets(slot)]

    def strings(self, slot):
        return [read_string(self.data, place) for place in self.offsets(slot)]

    def offsets(self, slot):
        at = self.follow(slot)
        count = 0 if at is None else scalar(self.data, at, "I")
        if count > len(self.data):
            raise Malformed(f"{count} items in {len(self.data)} bytes")
        return [place + scalar(self.data, place, "I") for place in (at + 4 + 4 * number for number in range(count))]


def read_string(data, at):
    first, last = at + 4, at + 4 + scalar(data, at, "I")
    if last >= len(data) or data[last] != 0:
        raise Malformed(f"no string with a zero byte after it at {at}")
    return data[first:last]


def root(data):
    return Table(data, scalar(data, 0, "I"))
