"""rule_page — docs/rules.md: each rule with its words, documents, parameters, commands, events and tests.

usage: python3 tests/tidy/rule_page.py [--write] <path of daicho> <root>

Without --write it compares the page with what it would write, prints the difference and exits 1 if there is one."""
import argparse
import difflib
import json
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from source import load  # noqa: E402
from test_rules import RULE_ID, unit_tests  # noqa: E402

PAGE = "docs/rules.md"
SHOWN_MAX = 6
TEST_NAME = re.compile(r'(?:TEST_CASE|SCENARIO)\w*\s*\(\s*((?:"(?:\\.|[^"\\\n])*"\s*)+)')
LITERAL = re.compile(r'"((?:\\.|[^"\\\n])*)"')
SECTIONS = {
    "ACC": "Account and sign-in", "PRF": "Proofs", "CHL": "Challenges and security codes", "PWD": "Passwords",
    "LOST": "Lost proofs", "REC": "The recovery form", "BLK": "Blocking", "LIFE": "Leaving and inactivity",
    "HLP": "The sign-in helper", "LED": "The ledger",
}
DOCUMENTS = {
    "000": "Microsoft アカウント回復フォームのヘルプ",
    "001": "Microsoft アカウントのパスワードをリセットする方法",
    "002": "よくある質問 (Microsoft アカウント)",
    "003": "Microsoft アカウントの本人確認を行う",
    "004": "Windows 11 で Microsoft アカウントの本人確認ができない場合の対処方法",
}
INTRO = """# The rules

Every rule that Daicho enforces: its words as a refusal by it says them, where it comes from, what it reads, decides
and records, and the tests that name it. `daicho rules` and `daicho rules R-LOST-4` give the same as JSON.

This page is made from `commands/rule_table.cpp` and the tests by `./dev rules`, never by hand; the test `rules_page`
compares. Numbers of documents:
"""


def test_names(files):
    """(path, name of the test), by file and in its order."""
    for file in unit_tests(files):
        for match in TEST_NAME.finditer(file.uncommented):
            words = "".join(LITERAL.findall(match[1]))
            yield file.path, words.replace('\\"', '"').replace("\\\\", "\\")


def scenarios(files):
    return [file for path, file in files.items() if re.fullmatch(r"tests/scenarios/[^/]+\.ndjson", path)]


def plain(text):
    """Text in which Markdown sees nothing of its own."""
    return re.sub(r"([\\*\[\]<>])", r"\\\1", text)


def linked(path):
    return f"[{path.removeprefix('tests/')}](../{path})"


def others(found, word):
    left = len(found) - SHOWN_MAX
    return f"{left} other {word if left == 1 else word + 's'}" if left > 0 else ""


def tests_of(rule, tests, plays):
    """The lines of the list of tests: grouped by file, the first few of them."""
    found = [(path, name) for path, name in tests if rule in RULE_ID.findall(name)]
    lines, last = [], None
    for path, name in found[:SHOWN_MAX]:
        if path != last:
            lines.append(f"  - {linked(path)}")
        lines.append(f"    - {plain(name.removeprefix(rule + ': '))}")
        last = path
    if others(found, "test"):
        lines.append(f"  - {others(found, 'test')}")
    played = [file.path for file in plays if rule in RULE_ID.findall(file.text)]
    if played:
        shown = [linked(path) for path in played[:SHOWN_MAX]] + [others(played, "scenario")]
        lines.append("  - " + ", ".join(filter(None, shown)))
    return ["- Tests:", *lines] if lines else ["- Tests: none names it"]


def facts(rule):
    """One line each, without those that say nothing."""
    yield "- Source: " + (", ".join(rule["sources"]) or "ours")
    for word, member in (("Policy", "parameters"), ("Commands", "commands"), ("Events", "events")):
        if rule[member]:
            yield f"- {word}: " + ", ".join(f"`{name}`" for name in rule[member])


def page(rules, files):
    lines = [*INTRO.split("\n"), "| document | title |", "|---|---|"]
    lines += [f"| {number} | {title} |" for number, title in DOCUMENTS.items()]
    tests, plays = list(test_names(files)), scenarios(files)
    section = None
    for rule in rules:
        name = rule["rule"].split("-")[1]
        if name != section:
            lines += ["", f"## {SECTIONS[name]}"]
            section = name
        lines += ["", f"### {rule['rule']}", "", f"{plain(rule['title'])}. <br>", f"{plain(rule['title_ja'])}。", ""]
        lines += [*facts(rule), *tests_of(rule["rule"], tests, plays)]
    return "\n".join(lines) + "\n"


def rules_of(program):
    listed = subprocess.run([program, "rules", "--format", "json"], stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(listed.stdout)["rules"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE}")
    parser.add_argument("program", help="path of daicho")
    parser.add_argument("root", help="root of the repository")
    arguments = parser.parse_args()
    root, files = load(arguments.root)
    made = page(rules_of(str(Path(arguments.program).resolve())), files)
    path = root / PAGE
    if arguments.write:
        path.write_text(made, encoding="utf-8")
        return 0
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = list(difflib.unified_diff(kept.split("\n"), made.split("\n"), PAGE, "made anew", n=1, lineterm=""))
    if difference:
        print("\n".join(difference))
        print(f"{PAGE} is behind the rule table or the tests: run ./dev rules")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
