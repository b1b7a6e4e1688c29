"""tidy — the rules of the house that a machine can hold. usage: python3 tests/tidy/tidy.py <root>

Prints `file:line: rule: what` for each violation; exits 1 if there is one."""
import sys
from pathlib import Path

import code_rules
import doc_rules
import test_rules
from source import load


def violations(root):
    """(path, line, rule, what), in the order of files and lines."""
    root, files = load(root)
    found = []
    for rule, check in code_rules.RULES.items():
        for file in files.values():
            found += [(file.path, line, rule, what) for line, what in check(file)]
    for rule, check in (test_rules.RULES | doc_rules.RULES).items():
        found += [(path, line, rule, what) for path, line, what in check(root, files)]
    return sorted(found)


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    found = violations(sys.argv[1])
    for path, line, rule, what in found:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"tidy: {len(found)} violations")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
