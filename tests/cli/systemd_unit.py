"""tools/systemd/daicho.service: its command line and variables are the program's, its exit codes are those that need a
person, and what it forbids stands in it.

usage: python3 tests/cli/systemd_unit.py <path of daicho>"""
import re
import sys
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True
from support.program import main  # noqa: E402

UNIT = Path(__file__).resolve().parents[2] / "tools/systemd/daicho.service"
MUST = {  # what keeps a program that is taken over from the rest of the machine
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes", "LockPersonality": "yes",
    "CapabilityBoundingSet": "", "LimitCORE": "0", "UMask": "0077", "StateDirectoryMode": "0700",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "SystemCallArchitectures": "native",
}


def read_unit():
    """{section: [(key, value)]}; a line that is neither is an error (systemd.syntax(7))."""
    sections, now = {}, None
    for number, line in enumerate(UNIT.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if match := re.fullmatch(r"\[(\w+)\]", line):
            now = sections.setdefault(match[1], [])
        elif (match := re.fullmatch(r"([A-Za-z]+)=(.*)", line)) and now is not None:
            now.append((match[1], match[2]))
        else:
            sys.exit(f"{UNIT}:{number}: {line}")
    return sections


def run(program, directory, report):
    sections = read_unit()
    report.equal(list(sections), ["Unit", "Service", "Install"], "sections")
    service = dict(sections["Service"])
    for key, value in MUST.items():
        report.equal(service.get(key), value, key)
    filters = [value for key, value in sections["Service"] if key == "SystemCallFilter"]
    report.equal(filters, ["@system-service", "~@privileged @resources"], "system calls")
    report.equal((service["Type"], service["NotifyAccess"], service["Restart"]), ("notify", "main", "on-failure"),
                 "what systemd waits for and does")
    name, *words = service["ExecStart"].split()
    report.equal((name, words[0]), ("/usr/bin/daicho", "serve"), "what it starts")
    known = program("--help").out.decode() + program("serve", "--help").out.decode()
    for word in words:
        if word.startswith("--"):
            report.check(re.search(rf"^ +{word}\b", known, re.M), f"{word} is an option")
    file = directory / "daicho.toml"  # for the one that it names
    file.write_text('[serve]\nlisten = "127.0.0.1:1"\n')
    words[words.index("/etc/daicho/daicho.toml")] = str(file)
    answer = program(*words)
    report.equal((answer.code, b"--data" in answer.err), (2, True), f"it starts so far: {answer.words}")
    variables = [value.split("=")[0] for key, value in sections["Service"] if key == "Environment"]
    printed = program("config").out.decode()
    tomllib.loads(printed)
    for variable in variables:
        report.check(f"# environment: {variable}\n" in printed, f"{variable} is one of ours")
    report.check("passphrase" in dict(sections["Service"])["LoadCredential"], "the passphrase is a credential")
    codes = dict(re.findall(r"(\d) ([a-z ]+)", program("--help").out.decode().split("Exit codes:")[1]))
    final = [codes[code] for code in service["RestartPreventExitStatus"].split()]
    report.equal(final, ["wrong usage or input", "integrity violated", "not permitted"], "what no restart mends")


if __name__ == "__main__":
    main("systemd_unit", run)
