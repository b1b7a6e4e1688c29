"""Rules about the tests. A rule takes the whole tree and yields (path, line, what)."""
import re

RULE_ID = re.compile(r"\bR-(?:ACC|PRF|CHL|PWD|LOST|REC|BLK|LIFE|HLP|LED)-\d+\b")
RULE_TABLE = re.compile(r"commands/rule\w*\.cpp")
# To the brace that ends the first line, else to the first brace in column 0.
TEST = re.compile(r"^(?:TEST_CASE|SCENARIO)\w*\s*\((?:[^\n]*\} *$|.*?^\})", re.M | re.S)
ASSERTION = re.compile(r"\b(?:(?:CHECK|REQUIRE|FAIL|RC_ASSERT)\w*|(?:check|require|expect)_\w+)\s*\(")
COMMAND = re.compile(r'^    \{"([a-z]+(?:-[a-z]+)+)", "', re.M)  # a row of the table of routes
LADDER = re.compile(r"tests/commands/ladder_\w+_test\.cpp")
LADDER_NAME = re.compile(r'^SCENARIO\(\s*"[^"]*"', re.M)
SWITCHED_OFF = re.compile(r"\bdoctest::(?:skip|may_fail)\b")


def unit_tests(files):
    return [file for file in files.values() if file.folder == "tests" and file.name.endswith("_test.cpp")]


def assertion(root, files):
    for file in unit_tests(files):
        for test in TEST.finditer(file.code):
            if not ASSERTION.search(test[0]):
                yield file.path, file.line_of(test.start()), "a test without CHECK or REQUIRE"


def switched_off(root, files):
    for file in unit_tests(files):
        for match in SWITCHED_OFF.finditer(file.code):
            yield file.path, file.line_of(match.start()), f"{match[0]}: repair the test or remove it"


def rule_tested(root, files):
    texts = [file.uncommented for file in unit_tests(files)]
    texts += [file.text for path, file in files.items() if re.fullmatch(r"tests/scenarios/.*\.ndjson", path)]
    seen = {rule for text in texts for rule in RULE_ID.findall(text)}
    for table in (file for path, file in files.items() if RULE_TABLE.fullmatch(path)):
        for match in RULE_ID.finditer(table.uncommented):
            if match[0] not in seen:
                yield table.path, table.line_of(match.start()), f"no test or scenario names {match[0]}"
            seen.add(match[0])


def laddered(root, files):
    """Every command has the order of its refusals pinned."""
    table = files.get("tools/routes.cpp")
    names = [name for path, file in files.items() if LADDER.fullmatch(path) for name in LADDER_NAME.findall(file.text)]
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)+", " ".join(names)))
    for match in COMMAND.finditer(table.text) if table else []:
        if match[1] not in words:
            yield table.path, table.line_of(match.start()), f"no ladder of {match[1]}"


RULES = {"assertion": assertion, "switched-off": switched_off, "rule-tested": rule_tested, "laddered": laddered}
