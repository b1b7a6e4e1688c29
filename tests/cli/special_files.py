"""Pipes, sockets and directories where files should be: told at once, never waited for.

usage: python3 tests/cli/special_files.py <path of daicho>"""
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from support.program import Answer, Ledger, main  # noqa: E402

SECONDS = 60


def as_pipe(path):
    os.mkfifo(path)


def as_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def as_directory(path):
    path.mkdir()


KINDS = {"a pipe": as_pipe, "a socket": as_socket, "a directory": as_directory}


def run_for(program, *args):
    """The answer, or one without an exit code when there is none in time."""
    process = subprocess.Popen([program.path, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=SECONDS)
        return Answer(process.returncode, out, err)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Answer(None, b"", b"hangs")


def replaced(path, make):
    path.unlink()
    make(path)


def in_an_export(ledger, directory, report):
    public = directory / "public"
    report.equal(ledger.run("export", "tiles", str(public)).code, 0, "export")
    bundle = next((public / "tile" / "entries").rglob("*.p/*")).relative_to(public)
    tile = next((public / "tile" / "0").rglob("*.p/*")).relative_to(public)
    for name, finding in (("checkpoint", "unreadable"), (bundle, "unreadable"), (tile, "tile")):
        for words, make in KINDS.items():
            copy = directory / "copy"
            shutil.copytree(public, copy)
            replaced(copy / name, make)
            answer = run_for(ledger.program, "audit", "verify", str(copy))
            if report.equal(answer.code, 3, f"{words} as {name}: {answer.words}"):
                report.equal(answer.json["finding"]["kind"], finding, f"{words} as {name}")
                is_told = "not a regular file" in answer.json["finding"]["found"]
                report.check(is_told, f"{words} as {name}: {answer.words}")
            shutil.rmtree(copy)


def beside_a_ledger(ledger, directory, report):
    """The published checkpoint: what does not read says nothing, as after a power loss."""
    for words, make in KINDS.items():
        copy = ledger.copy_to(directory / "copy")
        replaced(copy.path / "checkpoint", make)
        answer = run_for(ledger.program, "audit", "verify", "--data", str(copy.path))
        report.equal(answer.code, 0, f"{words} as the published checkpoint: {answer.words}")
        report.check(any("published" in warning for warning in answer.json["warnings"]), f"{words}: {answer.words}")
        shutil.rmtree(copy.path)


def as_arguments(ledger, directory, report):
    data = ("--data", str(ledger.path))
    for words, make in KINDS.items():
        file = directory / words.replace(" ", "-")
        make(file)
        for args in (("query", "events", "--verify", "--cursor", str(file), *data),
                     ("query", "events", "--verify", "--follow", "--cursor", str(file), *data),
                     ("audit", "verify", "--since", str(file), *data), ("audit", "verify", "--state", str(file), *data),
                     ("audit", "check", str(file)), ("audit", "consistency", str(file), *data)):
            answer = run_for(ledger.program, *args)
            report.check(answer.code == 2 and len(answer.err) > 20, f"{words}: {args[:4]}: {answer.words}")


def ends_on_a_signal(ledger, directory, report):
    """What waits for new events ends on SIGTERM, with a cursor that is right."""
    args = [ledger.program.path, "query", "events", "--verify", "--follow", "--cursor", str(directory / "cursor"),
            "--data", str(ledger.path)]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    report.equal(process.returncode, 0, "SIGTERM")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    ledger.register()
    in_an_export(ledger, directory, report)
    beside_a_ledger(ledger, directory, report)
    as_arguments(ledger, directory, report)
    ends_on_a_signal(ledger, directory, report)


if __name__ == "__main__":
    main("special_files", run)
