"""The files of a source tree, and just enough of C++ to talk about them."""
import re
from functools import cached_property
from pathlib import Path

PRUNED = {"build", "__pycache__"}
CPP = {".hpp", ".cpp"}

# A number comes first, so that the quotes of 1'000 open no character literal.
TOKEN = re.compile(
    r"""(?P<number>\b\d[\w.']*)|(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<raw>R"(?P<mark>[^(\s"]*)\(.*?\)(?P=mark)")|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')""",
    re.S)
DIRECTIVE = re.compile(r"^[ ]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
SCOPE = re.compile(
    r"(?:template .*)?(?:inline |typedef |static |constexpr )*(?:namespace|extern|class|struct|union|enum)\b")


def blank(text):
    return re.sub(r"[^\n]", " ", text)


class Source:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.folder = self.path.split("/")[0]
        self.suffix = path.suffix
        self.name = path.name
        self.text = path.read_bytes().decode("utf-8", "strict")
        self.lines = self.text.split("\n")

    @property
    def is_cpp(self):
        return self.suffix in CPP

    @cached_property
    def uncommented(self):
        """The text with comments blanked; lines and columns stay."""
        return TOKEN.sub(lambda m: blank(m[0]) if m["comment"] else m[0], self.text)

    @cached_property
    def code(self):
        """The text with comments and the inside of literals blanked."""
        def bare(match):
            if match["comment"]:
                return blank(match[0])
            if match["raw"] or match["string"]:
                return '"' + blank(match[0][1:-1]) + '"'
            return match[0]
        return TOKEN.sub(bare, self.text)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def load(root):
    """Every text file of ours below root, by path."""
    root = Path(root).resolve()
    files = {}
    for path in sorted(walk(root)):
        data = path.read_bytes()
        if b"\0" in data:
            continue
        try:
            source = Source(root, path)
        except UnicodeDecodeError:
            continue
        files[source.path] = source
    return root, files


def walk(folder):
    for path in folder.iterdir():
        hidden = path.name.startswith(".") and path.name != ".ci"
        if path.is_symlink() or path.name in PRUNED:
            continue
        if path.is_dir():
            if not hidden:
                yield from walk(path)
        elif path.is_file():
            yield path


def functions(source):
    """(first line, last line, head) of every function body that clang-format left open over several lines.

    A body's last line is `}` in the column in which its head begins. What is inside a body is part of it."""
    lines = DIRECTIVE.sub(lambda m: blank(m[0]), source.code).split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].rstrip()
        if line.endswith("{"):
            first = head_start(lines, number)
            head = " ".join(part.strip() for part in lines[first:number + 1])
            last = body_end(lines, first, number)
            if last is not None and not SCOPE.match(head):
                if is_function(head):
                    yield first + 1, last + 1, head
                number = last
        number += 1


def indent(line):
    return len(line) - len(line.lstrip())


def head_start(lines, number):
    """The head's first line: up over the continuation lines, which are indented by four or more."""
    while number > 0:
        above = lines[number - 1].rstrip()
        continues = above.strip() and not above.endswith((";", "{", "}", ":"))
        if not continues:
            break
        number -= 1
    return number


def body_end(lines, first, opening):
    closing = re.compile(rf" {{{indent(lines[first])}}}}}")
    for number in range(opening + 1, len(lines)):
        if closing.match(lines[number]):
            return number
    return None


def is_function(head):
    head = head[:-1].rstrip()
    while (inner := re.sub(r"<[^<>]*>", "", head)) != head:
        head = inner
    return "(" in head and not re.search(r"[=({,]$|\breturn$", head)
