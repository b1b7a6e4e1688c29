"""Values that cannot come from anywhere else, and the search for them in whatever form a program may write them."""
import base64
import json
from dataclasses import dataclass

SECRET, PERSONAL, MASKED = "secret", "personal", "masked"  # masked: a part of a value that answers may show
SHIFTS = range(3)


def inside_base64(octets):
    """What stands in the base64 of any text that holds these bytes: at each alignment, without the letters at the ends
    that depend on what stands beside them."""
    for shift in SHIFTS:
        encoded = base64.b64encode(bytes(shift) + octets).rstrip(b"=")
        first = -(-shift * 8 // 6)
        last = (shift + len(octets)) * 8 // 6
        yield encoded[first:last]


def forms(text):
    """(encoding, bytes, whether upper and lower case count) of a text wherever it may stand."""
    octets = text.encode()
    yield "UTF-8", octets, False
    escaped = json.dumps(text)[1:-1].encode()
    if escaped != octets:
        yield "JSON", escaped, False
    for name in ("utf-16-le", "utf-16-be", "utf-32-le"):
        yield name, text.encode(name), False
    yield "hex", octets.hex().encode(), False
    for shift, inner in enumerate(inside_base64(octets)):
        yield f"base64 + {shift}", inner, True
        if inner.translate(bytes.maketrans(b"+/", b"-_")) != inner:
            yield f"base64url + {shift}", inner.translate(bytes.maketrans(b"+/", b"-_")), True


@dataclass(frozen=True)
class Mark:
    name: str
    kind: str
    text: str
    needles: tuple  # (encoding, bytes, whether case counts)
    octets: bytes = b""  # instead of a text: a key

    def found(self, haystack, lower, encodings=None):
        """The encodings, of these, in which it stands there. Digits do not count within a longer number."""
        for encoding, needle, is_exact in self.needles:
            if encodings and encoding not in encodings:
                continue
            text = haystack if is_exact else lower
            at = text.find(needle)
            while at >= 0:
                if not self.text.isdigit() or encoding != "UTF-8" or is_whole_number(text, at, at + len(needle)):
                    yield encoding
                    break
                at = text.find(needle, at + 1)


def is_whole_number(text, begin, end):
    return not text[max(0, begin - 1):begin].isdigit() and not text[end:end + 1].isdigit()


def mark_of(name, kind, text):
    needles = tuple((encoding, needle if is_exact else needle.lower(), is_exact)
                    for encoding, needle, is_exact in forms(text))
    return Mark(name, kind, text, needles)


def key_mark(name, octets):
    """A key: its bytes, or how a file writes it."""
    texts = (("bytes", octets, True), ("hex", octets.hex().encode(), False),
             ("base64", base64.b64encode(octets).rstrip(b"=")[:-1], True))
    return Mark(name, SECRET, "", texts, octets)


class Marks:
    """All that was given to the program, or handed out by it, and must be seen nowhere else."""

    def __init__(self):
        self.all = []

    def add(self, name, kind, text):
        """The text, so that it can be put where it belongs."""
        if all(each.text != text for each in self.all):
            self.all.append(mark_of(name, kind, text))
        return text

    def secret(self, name, text):
        return self.add(name, SECRET, text)

    def personal(self, name, text):
        return self.add(name, PERSONAL, text)

    def masked(self, name, text):
        return self.add(name, MASKED, text)

    def found(self, haystack, kinds=(SECRET, PERSONAL, MASKED)):
        """`name (encoding)` of each mark that stands there."""
        lower = haystack.lower()
        return [f"{mark.name} ({encoding})" for mark in self.all if mark.kind in kinds
                for encoding in mark.found(haystack, lower)]


WRITERS = {  # how a program might write a text down: what the search is tried on
    "as it is": lambda text: text.encode(),
    "in capitals": lambda text: text.upper().encode(),
    "in small letters": lambda text: text.lower().encode(),
    "JSON": lambda text: json.dumps(text).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "UTF-16, network order": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32-le"),
    **{f"base64 behind {shift}": lambda text, shift=shift: base64.b64encode(b"x" * shift + text.encode() + b"yz")
       for shift in range(4)},
    **{f"base64url behind {shift}": lambda text, shift=shift: base64.urlsafe_b64encode(
        b"\xff" * shift + text.encode() + b"\xfe") for shift in range(4)},
}


def check_search(marks, report):
    """The search finds every mark in every form, and nothing where nothing is."""
    noise = bytes(range(256)) * 8
    for mark in marks.all:
        if mark.octets:
            continue
        for form, write in WRITERS.items():
            planted = noise + write(mark.text) + noise
            found = any(mark.found(planted, planted.lower()))
            report.check(found, f"the search does not find {mark.name} written {form}")
    report.equal(marks.found(noise), [], "what is found in noise")
