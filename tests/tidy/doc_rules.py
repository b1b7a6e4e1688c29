"""Rules about the documents, and about what no file may name.

A rule takes the whole tree and yields (path, line, what)."""
import re

LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*<?([^\s>]+)>?")
FUNCTION = re.compile(r"`(?:\w+::)*~?(\w+)\(\)`")
MACHINE = re.compile(
    r"(?<![\w.*\-/])/(?:work|root|home)/"
    r"|https?://[^\s/]*(?:registry|pypi|pythonhosted|npmjs|crates\.io|proxy\.golang|rubygems|artifactory|nexus)[^\s/]*"
    r"|https?://(?:deb|security|archive|repo1?)\.(?:debian|ubuntu|maven)[^\s/]*")


def prose(file):
    """(line number, line) outside of fenced code."""
    fenced = False
    for number, line in enumerate(file.lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(file):
    """The ids that GitHub gives to the headings, and those written out."""
    found = set()
    for _, line in prose(file):
        found.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if not heading:
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        base = slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = 0
        while slug in found:
            count += 1
            slug = f"{base}-{count}"
        found.add(slug)
    return found


def documents(files):
    return [file for file in files.values() if file.suffix == ".md"]


def link(root, files):
    headings = {file.path: anchors(file) for file in documents(files)}
    for file in documents(files):
        folder = (root / file.path).parent
        for number, line in prose(file):
            for match in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
                target = match[1] or match[2]
                if re.match(r"[a-z][a-z0-9+.-]*:", target):
                    continue
                path, _, anchor = target.partition("#")
                end = (folder / path).resolve() if path else root / file.path
                if not end.exists() or not end.is_relative_to(root):
                    yield file.path, number, f"{target}: no such file"
                    continue
                known = headings.get(end.relative_to(root).as_posix())
                if anchor and known is not None and anchor not in known:
                    yield file.path, number, f"{target}: no such heading"


def function_exists(root, files):
    names = set()
    for file in files.values():
        if file.is_cpp or file.suffix in {".fbs", ".py", ".sh"} or file.path == "dev":
            names.update(re.findall(r"\w+", file.code if file.is_cpp else file.text))
    for file in documents(files):
        if file.folder != "docs":
            continue
        for number, line in prose(file):
            for name in FUNCTION.findall(line):
                if name not in names:
                    yield file.path, number, f"{name}(): no such function in the source"


def machine(root, files):
    for file in files.values():
        for match in MACHINE.finditer(file.text):
            yield file.path, file.line_of(match.start()), f"{match[0]} holds on one machine only"


RULES = {"link": link, "function-exists": function_exists, "machine": machine}
