"""Changes to an export. Each is (words, whether it must be found, function of the folder)."""
import base64

import event as events
import tlog_tiles
from signed_note import DASH, NAME_BYTES_MAX, NOTE_BYTES_MAX, NOTE_LINES_MAX
from support.exports import checkpoint_text, field_of, sign_entry, signature_line, write_log

FUTURE = 2**40  # of a position or, in microseconds, of a time: further than any of these logs goes
FORGED = {  # values that a field may get, from what it is and the event's position
    "format_version": lambda old, at: (0, 2, 65535),
    "position": lambda old, at: (old + 1, max(0, old - 1), FUTURE),
    "account": lambda old, at: (bytes(16), b"\x5a" * 16),
    "account_version": lambda old, at: (0, old + 1, max(1, old - 1), FUTURE),
    "previous_position": lambda old, at: (old + 1, max(0, old - 1), FUTURE),
    "previous_leaf": lambda old, at: (bytes(32), b"\x5a" * 32),
    "time": lambda old, at: (old + FUTURE, old - FUTURE, 0, -1),
    "command_digest": lambda old, at: (b"\x5a" * 32,),
    "caused_by": lambda old, at: (at, at + 1, FUTURE, max(0, at - 1)),
    "policy_version": lambda old, at: (old + 1,),
    "payload_type": lambda old, at: (0, events.PAYLOAD_TYPE_LAST + 1, 255),
}


def rewritten(file, change):
    """A change of one file's bytes."""
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def flipped(octets, at, bit):
    return octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1:]


def file_changes(export, dice, flips):
    """Bits flipped, files cut, lengthened and taken away; `flips` of each file."""
    counts = {"entries": export.checkpoint.size, 0: export.checkpoint.size,
              1: export.checkpoint.size // tlog_tiles.TILE_WIDTH}
    needed = {str(tlog_tiles.path_of("", level, index, width))
              for level, count in counts.items() for index, width in tlog_tiles.pieces(count)}
    for file in export.files():
        size = (export.folder / file).stat().st_size
        for at in {0, size - 1, *(dice.randrange(size) for _ in range(flips))}:
            bit = dice.randrange(8)
            yield f"flip: bit {bit} of byte {at} of {file}", True, \
                rewritten(file, lambda octets, at=at, bit=bit: flipped(octets, at, bit))
        left, more = dice.choice((0, 1, size // 2, size - 1)), dice.randbytes(dice.choice((1, 2, 32)))
        yield f"cut: {file} to {left}", True, rewritten(file, lambda octets, left=left: octets[:left])
        yield f"lengthen: {file}", True, rewritten(file, lambda octets, more=more: octets + more)
        if file != "checkpoint":
            yield f"remove: {file}", file in needed, lambda folder, file=file: (folder / file).unlink()


def swaps(export, dice, count):
    files = [file for file in export.files() if file != "checkpoint"]
    for _ in range(count):
        one, two = dice.sample(files, 2)

        def swap(folder, one=one, two=two):
            first, second = (folder / one).read_bytes(), (folder / two).read_bytes()
            (folder / one).write_bytes(second)
            (folder / two).write_bytes(first)
        is_same = (export.folder / one).read_bytes() == (export.folder / two).read_bytes()
        yield f"swap: {one} and {two}", not is_same, swap


def relogged(entries, note):
    return lambda folder: write_log(folder, entries, note)


def entry_changes(export, other, dice, count):
    """Who has no key changes the entries, and makes the tiles and the checkpoint's text fit."""
    entries, origin = export.entries, export.checkpoint.origin
    signatures = export.note[len(export.checkpoint.note.text):]
    for _ in range(count):
        one, two = sorted(dice.sample(range(len(entries)), 2))
        dropped = entries[:one] + entries[one + 1:]
        swapped = [*entries[:one], entries[two], *entries[one + 1:two], entries[one], *entries[two + 1:]]
        at = dice.randrange(len(entries[one]))
        edited = flipped(entries[one], at, dice.randrange(8))
        for words, changed in (
                (f"drop: entry {one}", dropped), (f"drop: entry {one}, another at the end", dropped + entries[-1:]),
                (f"duplicate: entry {one}", entries[:one] + entries[one:one + 1] + entries[one:]),
                (f"duplicate: entry {one} instead of {two}", [*entries[:two], entries[one], *entries[two + 1:]]),
                (f"reorder: {one} and {two}", swapped), (f"edit: byte {at} of entry {one}",
                                                         [*entries[:one], edited, *entries[one + 1:]]),
                (f"foreign: entry {one}", [*entries[:one], dice.choice(other.entries), *entries[one + 1:]]),
                (f"extend: by {two - one}", entries + entries[one:two]), (f"truncate: to {two}", entries[:two])):
            yield words, True, relogged(changed, checkpoint_text(origin, changed) + signatures)
        yield f"reorder: {one} and {two} under the old checkpoint", True, relogged(swapped, export.note)


def note_filler(note, beyond=0):
    """A line of a stranger that fills a note to the limit, and `beyond` bytes more."""
    size = NOTE_BYTES_MAX - len(note) + beyond
    frame = len(DASH + b" \n")
    name = b"w" * ((size - frame - 1) % 4 + 1)  # leaves base64 a multiple of four
    return DASH + name + b" " + base64.b64encode(bytes((size - frame - len(name)) // 4 * 3)) + b"\n"


def checkpoint_changes(export, older, other):
    """The checkpoint, or the whole folder, of another size or of another ledger."""
    for each in older:
        yield f"rollback: checkpoint of size {each.checkpoint.size}", False, rewritten("checkpoint",
                                                                                       lambda _, each=each: each.note)
        yield f"rollback: to size {each.checkpoint.size}", False, relogged(each.entries, each.note)
    yield "foreign: checkpoint", True, rewritten("checkpoint", lambda _: other.note)
    yield "foreign: folder", True, relogged(other.entries, other.note)
    text, lines = export.checkpoint.note.text, export.note[len(export.checkpoint.note.text) + 1:].splitlines(True)
    for number in range(len(lines)):
        kept = b"".join(lines[:number] + lines[number + 1:])
        yield f"unsign: line {number}", True, rewritten("checkpoint", lambda _, kept=kept: text + b"\n" + kept)
    stranger = DASH + b"%b " + base64.b64encode(bytes(68)) + b"\n"
    room, short = NOTE_LINES_MAX - len(lines), stranger % b"w"
    for words, more, is_too_much in (
            ("one line", short, False), (f"{room} lines", short * room, False),
            ("one line too many", short * (room + 1), True),
            ("65,536 bytes", note_filler(export.note), False), ("65,537 bytes", note_filler(export.note, 1), True),
            ("a name of 255 bytes", stranger % (b"w" * NAME_BYTES_MAX), False),
            ("a name of 256 bytes", stranger % (b"w" * (NAME_BYTES_MAX + 1)), True)):
        yield f"cosign: {words} by strangers", is_too_much, rewritten("checkpoint",
                                                                      lambda octets, more=more: octets + more)


class Forger:
    """Who has the signing keys: an entry is changed and signed, the tiles fit, the checkpoint is signed anew."""

    def __init__(self, export, signers, rotations):
        self.export, self.signers, self.rotations = export, signers, rotations

    def signer_at(self, position):
        return self.signers[sum(position > rotation for rotation in self.rotations)]

    def note(self, entries, signers=()):
        text, last = checkpoint_text(self.export.checkpoint.origin, entries), len(entries) - 1
        both = [self.signer_at(last), *([self.signer_at(last + 1)] if last in self.rotations else [])]
        return text + b"\n" + b"".join(signature_line(signer, text) for signer in signers or both)

    def log_with(self, position, entry):
        entries = [*self.export.entries[:position], entry, *self.export.entries[position + 1:]]
        return relogged(entries, self.note(entries))

    def changes(self, dice, count):
        entries = self.export.entries
        for number in range(count):
            position = dice.choice((0, 1, len(entries) - 1, dice.randrange(len(entries))))
            name = list(FORGED)[number % len(FORGED)]
            field = field_of(entries[position], name)
            if field is None:
                continue
            old = field.read(entries[position])
            for value in FORGED[name](old, position):
                entry = sign_entry(field.write(entries[position], value), self.signer_at(position))
                if value != old:
                    yield f"forge: {name} {old!r} of {position} to {value!r}", False, self.log_with(position, entry)
        for position in self.rotations:
            for at, signer in ((position, self.signers[-1]), (position + 1, self.signers[0])):
                if at < len(entries) and signer is not self.signer_at(at):
                    words = f"out of turn: {at} by {signer.id.hex()}"
                    yield words, True, self.log_with(at, sign_entry(entries[at], signer))
        for signer in self.signers:
            is_right = [signer] == [self.signer_at(len(entries) - 1)] and len(entries) - 1 not in self.rotations
            note = self.note(entries, [signer])
            yield f"out of turn: checkpoint by {signer.id.hex()}", not is_right, rewritten("checkpoint",
                                                                                           lambda _, note=note: note)
        another = self.note(entries[:-1] + entries[:1])
        yield "forge: a root that is not the entries'", True, rewritten("checkpoint", lambda _: another)
        dropped = entries[:-2] + entries[-1:]
        yield "forge: the entry before the last is left out", True, relogged(dropped, self.note(dropped))

