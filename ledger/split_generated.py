"""Moves the function bodies of flatc's object API from the generated header into a source file.

usage: python3 ledger/split_generated.py <x_generated.h>     writes x_generated.cpp beside it, and the header anew

flatc puts the Pack and UnPack functions of every table into the header as inline functions. Their templates are
instantiated in each file that includes it, used or not: half of what compiling a small file took."""
import re
import sys
from pathlib import Path

FIRST = re.compile(r"^inline \w+T \*\w+::UnPack\(", re.M)  # bodies of what is declared above them ...
BEHIND = re.compile(r"^inline const [\w:]+ \*Get\w+\(", re.M)  # ... up to the functions on the root, declared here


def split(header):
    text = header.read_text()
    first = FIRST.search(text)
    behind = BEHIND.search(text, first.end()) if first else None
    if not behind:
        sys.exit(f"{header}: not as flatc 2.0.8 writes it")
    bodies = text[first.start():behind.start()]
    namespaces = re.findall(r"^namespace (\w+) {", text, re.M)
    source = "\n".join([f'#include "{header.name}"', "", f"namespace {'::'.join(namespaces[:2])} {{", "",
                        re.sub(r"^inline ", "", bodies, flags=re.M) + "}", ""])
    header.with_suffix(".cpp").write_text(source)
    header.write_text(text[:first.start()] + text[behind.start():])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    split(Path(sys.argv[1]))
