"""Wrong arguments: subcommands, options, directories, key files. Part of bad_input."""
import os
import re

from support.program import START, Ledger
from support.victim import MARK

SUBCOMMANDS = {  # what a call that works looks like; {account} is put in
    ("init",): [], ("command",): ["block-account", "--account", "{account}", "reason=x"], ("play",): ["-"],
    ("outbox", "lease"): [],
    ("tick",): [], ("query",): ["events"], ("audit", "verify"): [], ("replay",): [],
    ("keys", "encrypt"): [], ("keys", "export"): [], ("keys", "import"): ["/dev/null"],
}
TAKES_ANY_TEXT = {("query", "--service"), ("outbox lease", "--holder")}
PLAYED = b'{"command":"adopt-policy","min_proofs":2,"expected_version":0}'
BAD_NUMBERS = ("-1", "1.5", "1e3", "abc", "0x10", "18446744073709551616", "99999999999999999999999", " 1", "1 ")


def options(program, subcommand):
    """(name, type) of the options that take a value, by the help."""
    words = program(*subcommand, "--help").out.decode()
    found = re.findall(r"^ +(--[a-z-]+) (TEXT|UINT|INT)\b", words, re.M)
    return found + [("--format", "TEXT"), ("--at", "TEXT")]


def attack_options(victim, program, directory):
    for number, (subcommand, rest) in enumerate(SUBCOMMANDS.items()):
        where = directory / f"never{number}" if subcommand == ("init",) else victim.ledger.path
        call = [*subcommand, *[each.replace("{account}", victim.account) for each in rest], "--data", str(where)]
        name = " ".join(subcommand)
        for option, kind in options(program, subcommand):
            values = ["", b"\xff\xfe", "z" * 100_000] if kind == "TEXT" else ["", *BAD_NUMBERS]
            for value in values:
                takes = (name, option) in TAKES_ANY_TEXT and value
                what = f"{name} {option} {value[:20]!r}"
                victim.attack(what, *call, option, value, stdin=PLAYED, codes=(0, 2) if takes else (2,), data=False)
            victim.attack(f"{name} {option} without a value", *call, option, data=False)
        victim.attack(f"{name} --bogus", *call, "--bogus", data=False)
        victim.check(not (directory / "never0").exists(), f"init {name}: made a directory")
    victim.check_unchanged("options")


def attack_words(victim):
    owner = ["--account", victim.account]
    for args in (
        [], ["bogus"], ["command"], ["command", "bogus"], ["command", b"\xff"], ["query"], ["query", "bogus"],
        ["play"], ["outbox"],
        ["outbox", "bogus"], ["audit"], ["audit", "bogus"], ["bench"], ["bench", "append", "--threads", "0"],
        ["bench", "append", "--seconds", "-1"], ["bench", "append", "--accounts", "0"], ["play", "/nonexistent"],
        ["play", "/"],
        ["command", "block-account", *owner, "reason"], ["command", "block-account", *owner, "=x"],
        ["command", "block-account", *owner, ":=1"], ["command", "block-account", *owner, ""],
        ["command", "block-account", *owner, b"reason=\xff"], ["command", "block-account", *owner, b"\xff=x"],
        ["command", "record-sign-in", *owner, "result=succeeded", b"device_id=\xed\xa0\x80"],
        ["command", "block-account", *owner, 'reason:="a","detail":"b"'],
        ["command", "block-account", *owner, 'reason:="a"} {'],
        ["command", "block-account", *owner, "reason:=" + "[" * 16 + "]" * 16],
        ["command", "block-account", *owner, "reason:="],
        ["command", "register-account", "password", MARK], ["command", "register-account", f"password:{MARK}"],
        ["command", "register-account", f"={MARK}"], ["command", "register-account", f"password:={MARK}"],
        ["command", "register-account", f'password:="{MARK}'],
        ["command", "register-account", f"password={MARK}" * 600],
        ["command", "register-account", "--json", f'{{"password":"{MARK}'],
        ["command", "register-account", "--json", f'{{"a":{MARK}}}'],
        ["command", "register-account", f"sign_in_name=a b@{MARK}.jp", f"password={MARK}", "password_repeat=x"],
        ["command", "block-account", *owner, "reason=x", "command=tick"],
        ["command", "block-account", "--account", "nobody", "reason=x"],
        ["command", "block-account", "--account", "nobody@outlook.com", "reason=x"],
        ["command", "block-account", "reason=x"],
        ["command", "block-account", *owner, "--service", b"\xff", "reason=x"],
        ["command", "block-account", *owner, "reason=x", "at=2020-01-01T00:00:00Z"],
        ["query", "account"], ["query", "proofs"], ["query", "limits"], ["query", "timeline"],
        ["query", "account", "--account", "x y"],
        ["query", "account", "--account", "nobody@outlook.com"], ["query", "account", "--account", victim.account[:-1]],
        ["query", "events", "--limit", "0"], ["query", "events", "--limit", "10001"],
        ["query", "events", "--type", "Bogus"],
        ["query", "events", "--type", "NONE"], ["query", "events", "--follow", "--type", "Bogus"],
        ["query", "policy", "--follow"],
        ["query", "policy", "--as-of", "999999"], ["query", "account", *owner, "--as-of", "999999"],
        ["query", "events", "--as-of", "999999"],
        ["query", "account", *owner, "--as-of", "0"], ["query", "policy", "--as-of", "1999-01-01T00:00:00Z"],
        ["query", "account", *owner, "--as-of", "2026-02-30T00:00:00Z"],
        ["query", "policy", "--at", "2020-01-01T00:00:00Z"],
        ["query", "windows", "--due-before", "soon"], ["query", "events", "--since", "1"],
        ["query", "events", "--until", "now"],
        ["tick", "--at", "2020-01-01T00:00:00Z"], ["tick", "--at", "9999-12-31T24:00:00Z"],
        ["outbox", "lease", "--max", "0"],
        ["outbox", "lease", "--max", "1001"], ["outbox", "lease", "--seconds", "86401"],
        ["audit", "verify", "--threads", "1025"],
        ["audit", "verify", "--vkey", "bogus"], ["audit", "verify", "--vkey", "daicho.example/ledger+00000000+AAAA"],
    ):
        victim.attack(" ".join(each[:40] if isinstance(each, str) else repr(each) for each in args), *args)
    victim.check_unchanged("words")


def attack_directories(victim, directory):
    """--data that is no ledger."""
    (directory / "empty").mkdir()
    (directory / "file").write_text("x")
    for where in ("missing", "empty", "file", "file/below"):
        for args in (["query", "policy"], ["command", "adopt-policy", "min_proofs:=2"], ["tick"], ["audit", "verify"],
                     ["replay"],
                     ["replay", "--rebuild"], ["play", "-"], ["outbox", "lease"]):
            victim.attack(f"{args} in {where}", *args, "--data", str(directory / where), data=False)
    victim.attack("no --data", "query", "policy", data=False)
    victim.attack("an empty DAICHO_DATA", "query", "policy", data=False, env={"DAICHO_DATA": ""})
    victim.check(not (directory / "missing").exists() and not os.listdir(directory / "empty"),
                 "a directory was made or filled")


def attack_init(victim, directory):
    """init where something is."""
    before = {path: path.read_bytes() for path in victim.ledger.path.glob("*.*key")}
    victim.attack("init twice", "init")
    victim.check(before == {path: path.read_bytes() for path in before} and len(before) == 3, "init changed a key")
    victim.attack("init at a file", "init", "--data", str(directory / "file"), data=False)
    victim.attack("init below a file", "init", "--data", str(directory / "file" / "below"), data=False)
    for left in ("signing.key", "master.key", "ledger.vkey", "checkpoint", "store/CURRENT"):
        where = directory / f"left-{left.replace('/', '-')}"
        (where / left).parent.mkdir(parents=True)
        (where / left).write_text("left")
        victim.attack(f"init over {left}", "init", "--data", str(where), data=False)
        victim.check((where / left).read_text() == "left", f"init wrote over {left}")
    for option, value in (("--origin", "a b"), ("--origin", "a+b"), ("--origin", "x" * 256), ("--clock", "sundial"),
                          ("--policy", "{"),
                          ("--policy", "[]"), ("--policy", '{"bogus":1}'), ("--policy", '{"min_proofs":0}'),
                          ("--at", START)):
        where = directory / "never"
        victim.attack(f"init {option} {value[:20]}", "init", "--data", str(where), option, value, data=False)
        victim.check(not where.exists(), f"init {option} {value[:20]} made a directory")


def attack_keys(victim, directory):
    """Key files that cannot be read, or are others."""
    spoilt = victim.ledger.copy_to(directory / "spoilt")
    for name, content, codes in (("master.key", "0" * 64, (5,)), ("master.key", "zz", (2,)), ("master.key", "", (2,)),
                                 ("signing.key", "zz", (2,)), ("ledger.vkey", "zz", (3,)), ("master.key", None, (2, 4)),
                                 ("signing.key", None, (2, 4)), ("master.key", "unreadable", (5,))):
        path = spoilt.path / name
        right = path.read_bytes()
        path.unlink()
        if content is None:
            path.mkdir()
        else:
            path.write_text(content)
        if content == "unreadable":
            path.write_bytes(right)
            path.chmod(0)
        if content != "unreadable" or os.geteuid() != 0:  # the superuser reads everything
            victim.attack(f"{name}: {str(content)[:10]}", "tick", "--data", str(spoilt.path), codes=codes, data=False)
        path.rmdir() if path.is_dir() else path.unlink()
        path.write_bytes(right)
    victim.check(spoilt.run("audit", "verify").code == 0, "the keys were not put back")


def attack_clock(victim, program, directory):
    real = Ledger(program, directory / "real", clock="real")
    for args in (["tick"], ["query", "policy"], ["command", "adopt-policy", "min_proofs:=2"], ["outbox", "lease"]):
        victim.attack(f"--at on a real clock: {args[0]}", *args, "--at", "2030-01-01T00:00:00Z", "--data",
                      str(real.path), data=False)
    victim.check(len(real.events()) == 2, "the ledger on the real clock grew")


def attack_arguments(victim, program, directory):
    attack_words(victim)
    attack_options(victim, program, directory)
    attack_directories(victim, directory)
    attack_init(victim, directory)
    attack_keys(victim, directory)
    attack_clock(victim, program, directory)
