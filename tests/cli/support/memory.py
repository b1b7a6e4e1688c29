"""What stands in the memory of a running process: every mapping it can read or could, but the files it maps."""
import re
from pathlib import Path

PART_BYTES = 1 << 24
OVERLAP_BYTES = 4_096
LOCKED = {"lo", "dd"}  # mlock, madvise(MADV_DONTDUMP): what sodium_mlock() does


class Mapping:
    def __init__(self, line):
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)", line)
        self.begin, self.end = int(found[1], 16), int(found[2], 16)
        self.is_readable, self.is_writable, self.inode, self.name = "r" in found[3], "w" in found[3], found[4], found[5]
        self.flags = set()


def mappings(pid):
    """Those that are written to; what is only read is files."""
    all_of_them = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            all_of_them.append(Mapping(line))
        elif line.startswith("VmFlags:"):
            all_of_them[-1].flags = set(line.split()[1:])
    return [each for each in all_of_them if each.is_readable and each.is_writable]


def contents(pid):
    """(mapping, bytes) in parts; pages that were never touched read as zeros and are left out."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for mapping in mappings(pid):
            for begin in range(mapping.begin, mapping.end, PART_BYTES):
                memory.seek(begin)
                part = memory.read(min(PART_BYTES + OVERLAP_BYTES, mapping.end - begin))
                if part.count(0) != len(part):
                    yield mapping, part


def squeezed(part, page_bytes=4_096):
    """Without the pages of zeros; runs of others stay together."""
    pages = (part[at:at + page_bytes] for at in range(0, len(part), page_bytes))
    return b"".join(page if page.count(0) != len(page) else b"\0" for page in pages)


def can_read(pid):
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(mappings(pid)[0].begin)
            return len(memory.read(1)) == 1
    except OSError:
        return False
