"""C2SP tlog-tiles: the RFC 6962 tree and its static files. As a program it checks a folder of any log and any entries.

usage: tlog_tiles.py <folder> <vkey> [<vkey> ...]"""
import hashlib
import sys
from pathlib import Path

from signed_note import BadNote, Checkpoint, Key

TILE_WIDTH = 256
HASH_BYTES = 32


class Finding(Exception):
    """What is wrong, and the first position that it makes doubtful."""

    def __init__(self, kind, position, words):
        super().__init__(f"{kind} at {position}: {words}")
        self.kind, self.position, self.words = kind, position, words


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes):
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(root_of(hashes[:split]), root_of(hashes[split:]))


def levels_of(leaves):
    """The hashes of each level of tiles: one of a level above is the root of a full tile below."""
    levels = [leaves]
    while len(levels[-1]) >= TILE_WIDTH:
        below = levels[-1]
        full = len(below) // TILE_WIDTH
        levels.append([root_of(below[TILE_WIDTH * i:TILE_WIDTH * (i + 1)]) for i in range(full)])
    return levels


def pieces(count):
    """(index, width) of the tiles that hold `count` hashes, or of the bundles that hold as many entries."""
    for index in range((count + TILE_WIDTH - 1) // TILE_WIDTH):
        yield index, min(TILE_WIDTH, count - TILE_WIDTH * index)


def path_of(folder, level, index, width=TILE_WIDTH):
    digits = f"{index:03}"
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[at:at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return Path(folder) / "tile" / str(level) / (name if width == TILE_WIDTH else f"{name}.p/{width}")


def earlier_widths(folder, level, index, width):
    """Widths of the partial files of a tile that smaller trees needed and that are still there."""
    kept = path_of(folder, level, index, 1).parent
    names = [file.name for file in kept.iterdir()] if kept.is_dir() else []
    return sorted(int(name) for name in names if name in set(map(str, range(1, width))))


def read_bundle(folder, index, width):
    """The `width` entries of a bundle."""
    path, first = path_of(folder, "entries", index, width), TILE_WIDTH * index
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise Finding("unreadable", first, f"{path}: {error.strerror}") from None
    entries, at = [], 0
    while at + 2 <= len(octets):
        end = at + 2 + int.from_bytes(octets[at:at + 2], "big")
        entries.append(octets[at + 2:end])
        at = end
    if at != len(octets) or len(entries) != width:
        raise Finding("unreadable", first, f"{path}: not {width} entries to the last byte")
    return entries


def check_earlier_bundles(folder, index, entries):
    for width in earlier_widths(folder, "entries", index, len(entries)):
        if read_bundle(folder, index, width) != entries[:width]:
            path = path_of(folder, "entries", index, width)
            raise Finding("unreadable", TILE_WIDTH * index, f"{path}: not the log's entries")


def check_tile(folder, level, index, hashes):
    """The tile of these hashes and its earlier partial files are what they must be."""
    for width in [*earlier_widths(folder, level, index, len(hashes)), len(hashes)]:
        path = path_of(folder, level, index, width)
        try:
            is_right = path.read_bytes() == b"".join(hashes[:width])
        except OSError:
            is_right = False
        if not is_right:
            raise Finding("tile", index * TILE_WIDTH ** (level + 1), f"{path}: not the hashes of the log")


def check_tiles(folder, levels):
    for level, hashes in enumerate(levels):
        for index, width in pieces(len(hashes)):
            check_tile(folder, level, index, hashes[TILE_WIDTH * index:TILE_WIDTH * index + width])


def read_checkpoint(folder):
    try:
        return Checkpoint.parse((Path(folder) / "checkpoint").read_bytes())
    except (OSError, BadNote) as error:
        raise Finding("unreadable", 0, f"{folder}/checkpoint: {error}") from None


def check_log(folder, keys):
    """Everything that a client of tlog-tiles can check; the checkpoint."""
    checkpoint, leaves = read_checkpoint(folder), []
    try:
        is_signed = any(checkpoint.note.is_signed_by(key) for key in keys)
    except BadNote:
        is_signed = False
    if not is_signed:
        raise Finding("checkpoint", checkpoint.size, "no signature by a key of the log")
    for index, width in pieces(checkpoint.size):
        entries = read_bundle(folder, index, width)
        check_earlier_bundles(folder, index, entries)
        leaves += map(leaf_hash, entries)
    if root_of(leaves) != checkpoint.root:
        raise Finding("tree", 0, "the entries have another root than the checkpoint")
    check_tiles(folder, levels_of(leaves))
    return checkpoint


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        checkpoint = check_log(sys.argv[1], [Key.parse(vkey.encode()) for vkey in sys.argv[2:]])
        print(f"{checkpoint.size} entries, every tile as it must be")
    except Finding as finding:
        print(finding)
        sys.exit(3)


if __name__ == "__main__":
    main()
