"""Where marks are looked for: files, a process, output. Counts what it looked at, so that nothing is missed by an empty
place."""
import json
from pathlib import Path

from support import memory
from support.marks import MASKED, PERSONAL, SECRET, mark_of
from support.stolen import without_block_headers

ENCODINGS_IN_MEMORY = ("UTF-8", "JSON", "utf-16-le", "utf-32-le")


PLANTED = "zq7-planted-in-a-public-field"  # a case number: it is in clear wherever events are


class Exposure:
    def __init__(self, marks, report):
        self.marks, self.report = marks, report
        self.seen = {}  # bytes by place
        self.plant, self.planted = mark_of("planted", MASKED, PLANTED), set()  # and the places where it was met

    def search(self, place, octets, kinds=(SECRET, PERSONAL, MASKED)):
        self.seen[place] = self.seen.get(place, 0) + len(octets)
        if any(self.plant.found(octets, octets.lower())):
            self.planted.add(place.split(":")[0])
        found = self.marks.found(octets, kinds)
        self.report.equal(found, [], f"what stands in {place}")
        return found

    def files(self, place, folder, but=()):
        """Every file below as it is, and the records of write-ahead logs, which no compression touches."""
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file() and file.name not in but:
                octets = file.read_bytes()
                where = f"{place}: {file.relative_to(folder)}"
                self.search(where, octets + str(file.relative_to(folder)).encode())
                if file.suffix == ".log":
                    self.search(f"{where}, its records", without_block_headers(octets))

    def answer(self, place, answer):
        """Standard output, which may show masked values and questions, and standard error, which may not."""
        self.search(f"{place}: standard output", answer.out, (SECRET, PERSONAL))
        self.search(f"{place}: standard error", answer.err)
        return answer

    def process(self, place, pid, keys=()):
        """Marks nowhere; keys in locked memory only."""
        for mapping, part in memory.contents(pid):
            where = f"{place}: {mapping.name or 'memory'}"
            squeezed = memory.squeezed(part)
            lower = squeezed.lower()
            self.seen[where] = self.seen.get(where, 0) + len(squeezed)
            found = [f"{mark.name} ({encoding})" for mark in self.marks.all
                     for encoding in mark.found(squeezed, lower, ENCODINGS_IN_MEMORY)]
            self.report.equal(found, [], f"what stands in {where}")
            for key in keys:
                may_be = {"bytes"} if memory.LOCKED <= mapping.flags else set()
                found = set(key.found(squeezed, lower)) - may_be
                self.report.equal(found, set(), f"{key.name} in {where}, locked: {bool(may_be)}")

    def check_seen(self, *places):
        """Each of these places had something to look at."""
        for place in places:
            looked_at = sum(octets for where, octets in self.seen.items() if where.startswith(place))
            self.report.check(looked_at > 0, f"nothing was looked at in {place}")


def without(value, members):
    if isinstance(value, dict):
        return {key: without(inner, members) for key, inner in value.items() if key not in members}
    return [without(inner, members) for inner in value] if isinstance(value, list) else value


def text_of(answer, members=()):
    """An answer as text, without these members."""
    return json.dumps(without(answer, members), ensure_ascii=False).encode()
