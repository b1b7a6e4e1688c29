"""Rules about the C++ tree: sizes, layers, purity, the look of a file. A rule yields (line, what)."""
import re

from source import functions

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
TEST_LINES_MAX = 120
COLUMNS_MAX = 120

LAYERS = {
    "ledger": {"ledger"},
    "projections": {"ledger", "projections"},
    "commands": {"ledger", "projections", "commands"},
    "tools": {"ledger", "projections", "commands", "tools"},
    "tests": {"ledger", "projections", "commands", "tools", "tests"},
}
PURE = {"ledger", "projections", "commands"}
IMPURE = re.compile(
    r"\bstd::(?:cout|cerr)\b|\bf?printf\s*\(|\b(?:secure_)?getenv\b|\bsystem_clock\b|\bsteady_clock\b"
    r"|\brandom_device\b|\brandombytes_\w+|\bstd::time\s*\(|\bgettimeofday\b|\bclock_gettime\b|<iostream>|\brand\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
DOCTEST = re.compile(r"(?:TEST_CASE|SCENARIO)\w*\s*\(")


def is_script(source):
    return source.suffix in {".py", ".sh", ".fbs", ".cmake"} or source.path in {"dev", ".ci/run", "CMakeLists.txt"}


def file_size(source):
    lines = len(source.lines) - 1
    if (source.is_cpp or is_script(source)) and lines > FILE_LINES_MAX:
        yield lines, f"{lines} lines, at most {FILE_LINES_MAX}"


def function_size(source):
    if not source.is_cpp:
        return
    for first, last, head in functions(source):
        limit = TEST_LINES_MAX if DOCTEST.match(head) else FUNCTION_LINES_MAX
        if last - first + 1 > limit:
            yield first, f"{last - first + 1} lines, at most {limit}"


def columns(source):
    if not (source.is_cpp or is_script(source)):
        return
    for number, line in enumerate(source.lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"


def white_space(source):
    if not (source.is_cpp or is_script(source) or source.suffix == ".md"):
        return
    for number, line in enumerate(source.lines, 1):
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "white space at the end of the line"
    if source.text and not source.text.endswith("\n"):
        yield len(source.lines), "no newline at the end of the file"


def include(source):
    allowed = LAYERS.get(source.folder)
    if not (source.is_cpp and allowed):
        return
    for number, line in enumerate(source.lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, path = match.groups()
        top = path.split("/")[0]
        ours = quote == '"' or ("/" in path and top in LAYERS)
        if ours and top not in allowed and not path.endswith("event_generated.h"):
            yield number, f"{path}: {source.folder}/ includes only {', '.join(sorted(allowed))}, by path from the root"


def purity(source):
    if not (source.is_cpp and source.folder in PURE):
        return
    for match in IMPURE.finditer(source.code):
        yield source.line_of(match.start()), f"{match[0]} belongs in tools/"


def header(source):
    if source.suffix != ".hpp":
        return
    if not source.lines[0].startswith(f"// {source.path} — "):
        yield 1, f"the first line is `// {source.path} — what it promises`"
    if "#pragma once" not in source.code.split("\n"):
        yield 1, "no #pragma once"


RULES = {
    "file-size": file_size,
    "function-size": function_size,
    "columns": columns,
    "white-space": white_space,
    "include": include,
    "purity": purity,
    "header": header,
}
