"""The section "Five minutes with curl" of README.md, run as it stands there.

Each `sh` block is given to one shell, line by line, with the program on its path; a block without a language behind it
shows what those lines print. In it `…` stands for anything, a line's end too; all else must be there as it is written.
The port is exchanged for a free one.

usage: python3 tests/cli/five_minutes.py <path of daicho>"""
import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from support.program import main  # noqa: E402

README = Path(__file__).parents[2] / "README.md"
HEADING = "## Five minutes with curl"
PORT = "7391"
WAIT_SECONDS = 60
DONE = "five-minutes-done"


def blocks(text):
    """(commands, what they show or None) in their order."""
    section = text.split(f"\n{HEADING}\n", 1)[1].split("\n## ", 1)[0]
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.M | re.S)
    for i, (language, inner) in enumerate(fenced):
        if language == "sh":
            shows = fenced[i + 1][1] if i + 1 < len(fenced) and fenced[i + 1][0] == "" else None
            yield inner, shows


def pattern(shown):
    return ".*".join(re.escape(part) for part in shown.strip().split("…"))


class Shell:
    """A bash with job control, so that `%1` names what runs in the background."""

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(["bash", "--norc", "--noprofile"], cwd=folder, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, commands):
        """What they print together, and how the last one ended."""
        self.process.stdin.write(f"{commands}\necho; echo {DONE} $?\n".encode())
        self.process.stdin.flush()
        printed, end = b"", time.monotonic() + WAIT_SECONDS
        while not re.search(rb"\n" + DONE.encode() + rb" \d+\n", printed):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            part = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not part:
                raise SystemExit(f"no end of {commands!r}: {printed!r}")
            printed += part
        return printed.decode().rsplit(f"\n{DONE} ", 1)[0].strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait(WAIT_SECONDS)


def wait_for_server(port):
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not listen")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(program, directory, report):
    tools = directory / "tools"
    tools.mkdir()
    (tools / "daicho").symlink_to(program.path)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DAICHO_")}
    shell = Shell(directory, inherited | {"PATH": f"{tools}:{os.environ['PATH']}", "LANG": "C.UTF-8"})
    port = free_port()
    parts = list(blocks(README.read_text()))
    report.check(len(parts) >= 8, f"{len(parts)} blocks")
    commands = sum(inner.count("curl ") for inner, _ in parts)
    report.check(commands >= 8, f"{commands} requests")
    for inner, shows in parts:
        report.check(PORT in inner or "serve" not in inner, "the port of the section")
        printed = shell.run(inner.replace(PORT, str(port)))
        if "daicho serve" in inner:
            wait_for_server(port)
        if shows is not None:
            report.check(re.search(pattern(shows), printed, re.S), f"{inner}\nshows\n{shows}\nbut prints\n{printed}")
    shell.end()
    report.equal(shell.process.returncode, 0, "how the shell ended")


if __name__ == "__main__":
    main("five_minutes", run)
