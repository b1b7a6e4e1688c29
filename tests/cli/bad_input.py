"""Wrong input of every kind: refused with words and a code of the catalogue, nothing recorded, no secret shown.

usage: python3 tests/cli/bad_input.py <path of daicho>"""
import concurrent.futures
import copy
import json
import sys

sys.dont_write_bytecode = True
from support.arguments import attack_arguments  # noqa: E402
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.victim import MARK, Victim  # noqa: E402

TEXT_BYTES_MAX, BODY_BYTES_MAX, DEPTH_MAX = 4_096, 65_536, 16
A_UUID = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0"
SECRETS = {"password", "password_repeat", "code", "totp", "link_token", "recovery_code", "reset_token", "new_password",
           "new_password_repeat", "answer", "totp_secret", "replacement_token", "confirmation"}
WORDS = {"kind", "plan", "purpose", "channel", "result"}  # enumerations
OPTIONAL = {  # fields that no example shows
    "register-account": {"plan": "free", "device_id": "pc-1", "proofs": [
        {"kind": "secret_question", "question": "Pet?", "answer": MARK},
        {"kind": "authenticator_app", "totp_secret": MARK}, {"kind": "trusted_device", "device_id": "pc-2"}]},
    "verify-proof": {"link_token": MARK, "totp": MARK},
    "start-challenge": {"device_id": "pc-1"},
    "reset-password": {"reset_token": MARK},
    "mark-proofs-lost": {"proof_ids": [A_UUID], "recovery_code": MARK},
    "confirm-replacement-proof": {"code": MARK},
    "cancel-replacement": {"challenge_id": A_UUID, "replacement_token": MARK},
    "dispute-replacement": {"challenge_id": A_UUID, "replacement_token": MARK},
    "submit-code": {"proof_id": A_UUID},
    "submit-recovery": {"device_id": "pc-1", "location": "JP-13",
                        "character_check": {"shown": "XVMS", "typed": "xvms"}},
    "block-account": {"detail": "seen twice"},
    "record-sign-in": {"reason": "wrong_password", "challenge_id": A_UUID},
    "register-service": {"public_key": MARK},
    "record-delivery": {"detail": "250 ok"},
}
LEDGERS_OWN = {"register-account", "adopt-policy", "register-service", "revoke-service"}  # they name no account
SETS = {"roles"}  # lists in which a word may stand twice
AROUND = {  # beside every command's own fields
    "account": A_UUID, "service": "web", "idempotency_key": "key-1", "expected_version": 1,
    "at": "2026-03-01T09:00:00Z",
    "source": {"ip": "192.0.2.7", "user_agent": "curl", "request_id": "r-1", "device_id": "pc-1"},
}


def examples(program):
    """Every command's example of `command --help`, its placeholders filled in."""
    found, name = {}, None
    for line in program("command", "--help").out.decode().split("\n"):
        if line.startswith("    --json '"):
            found[name] = json.loads(line.strip()[len("--json '"):-1].replace("…", A_UUID))
        elif line.startswith("  ") and line.rstrip().endswith(")") and "(" in line:
            name = line.split()[0]
    return found


def leaves(value, path=()):
    """(path, value) of every field, those that hold others included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield path + (key,), inner
        yield from leaves(inner, path + (key,))


def replaced(body, path, value):
    body = copy.deepcopy(body)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return body


def removed(body, path):
    body = copy.deepcopy(body)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return body


def wrong_values(path, value):
    """(what, value) that can never be right here."""
    field = str(path[-1])
    if isinstance(value, str):
        mark = MARK if field in SECRETS else "x"
        yield "a number for a text", 7
        yield "a list for a text", [mark] * 11
        yield "an object for a text", {mark: mark}
        yield "true for a text", True
        yield "a NUL", mark + "\0x"
        yield "one byte past the limit", (mark * (TEXT_BYTES_MAX + 1))[:TEXT_BYTES_MAX + 1]
        if field in WORDS:
            yield "an unknown word", "bogus"
            yield "the word none", "none"
        if field.endswith("_id") and value == A_UUID:
            for bad in ("not-an-id", A_UUID[:-1], A_UUID + "0", A_UUID.replace("-", "")):
                yield "a malformed id", bad
        if field == "at":
            for bad in ("yesterday", "2026-13-01T00:00:00Z", "2026-03-01", "2026-03-01T24:00:00Z",
                        "2026-03-01T09:00:00"):
                yield "a malformed time", bad
    elif isinstance(value, bool):
        yield "a text for true", "true"
    elif isinstance(value, int):
        for bad in (-1, 1.5, 1e300, 2**64, "1", [1], True, "9" * 30):
            yield "a wrong number", bad
    else:
        yield "a text for a structure", "x"
        yield "a number for a structure", 7
        yield "the other structure", [[]] if isinstance(value, dict) else {"x": 1}
        if isinstance(value, list) and field not in SETS:
            yield "too many", value * 100


def doubtful_bodies(body):
    """(what, body) that a command may take or refuse, but answers."""
    for path, value in leaves(body):
        yield f"without {path}", removed(body, path)
        if isinstance(value, str):
            yield f"{path} empty", replaced(body, path, "")
            yield f"{path} at the limit", replaced(body, path, "y" * TEXT_BYTES_MAX)


def nested(body, depth):
    """The body's text with a member that makes it `depth` deep."""
    inner = "[" * (depth - 1) + "]" * (depth - 1)
    return json.dumps(body)[:-1] + ("," if body else "") + f'"deep":{inner}}}'


def bad_texts(body):
    """(what, bytes) that are no JSON object that may stand here."""
    text = json.dumps(body, ensure_ascii=False)
    first = next(iter(body), "x")
    doubled = f'{{"{first}":"{MARK}","{first}":"{MARK}"}}'
    padding = " " * (BODY_BYTES_MAX - len(text.encode()))
    for what, bad in {
        "a list": "[]", "null": "null", "a cut": text[:-1], "more behind it": text + "x",
        "a duplicate": doubled,
        "a NUL behind it": text + "\0", "NaN": '{"x":NaN}', "too large a number": '{"x":1e999}',
        "a lone surrogate": '{"x":"\\ud800"}',
        "an unknown field": json.dumps(body | {"bogus": MARK}), "one byte too long": text + padding + " ",
        "1 MiB": text + " " * 2**20,
        "one too deep": nested(body, DEPTH_MAX + 1), "very deep": nested(body, 20_000),
        "as deep as may be": nested(body, DEPTH_MAX),
    }.items():
        yield what, bad.encode()
    for bad in (b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"):
        yield f"no UTF-8: {bad!r}", b'{"%s":"%s"}' % (first.encode(), bad)


def attack_command(victim, name, example):
    body = example | OPTIONAL.get(name, {})
    owner = {} if name in LEDGERS_OWN else {"account": victim.account}
    for what, bad in bad_texts(example | owner):
        victim.post(f"{name}: {what}", name, bad)
    if name != "adopt-policy":  # its fields are policy parameters: attack_policy
        for path, value in leaves(body):
            for what, bad in wrong_values(path, value):
                victim.post_json(f"{name}: {path}: {what}", name, owner | replaced(body, path, bad))
    for what, doubtful in doubtful_bodies(example):
        victim.post_json(f"{name}: {what}", name, owner | doubtful, may_be_right=True)
    victim.check_unchanged(name)


def attack_terminal(victim, name, example):
    """The same at the terminal, where a process takes each: text, and a wrong value of each field."""
    owner = {} if name in LEDGERS_OWN else {"account": victim.account}
    for what, bad in [("nothing", b""), *bad_texts(example | owner)]:
        victim.attack(f"{name}: {what}", "command", name, "--json", "-", stdin=bad)
    for path, value in leaves(example):
        for what, bad in wrong_values(path, value):
            victim.attack_json(f"{name}: {path}: {what}", name, owner | replaced(example, path, bad))
    victim.check_unchanged(name)


def attack_around(victim):
    body = {"reason": "suspected_intrusion", "account": victim.account}
    for path, value in leaves(AROUND):
        for what, bad in wrong_values(path, value):
            victim.attack_json(f"{path}: {what}", "block-account",
                               body | replaced({path[0]: AROUND[path[0]]}, path, bad))
    for field, bad in {"account": "nobody@outlook.com", "service": "s" * 65, "idempotency_key": "k" * 256,
                       "command": "tick"}.items():
        victim.attack_json(f"{field}={bad}", "block-account", body | {field: bad})
    for field in ("service", "idempotency_key"):
        victim.attack_json(f"{field} empty", "block-account", body | {field: ""})
    victim.check_unchanged("the members around")


def attack_policy(victim):
    policy = victim.ledger.query("policy")["policy"]
    for name, value in policy.items():
        bad_values = {
            bool: (0, 1, "true", None, [], {}),
            int: (-1, 0.5, 1e300, 2**63, 2**64, "1", True, None, [], {}),
            dict: (7, "x", None, [], {"bogus": 1}, {"surname": -1}, {"surname": "4"}, {"surname": 1e300}),
            list: (7, "x", ["bogus word"], [7], [[]], [*value, *value] if isinstance(value, list) else None, {"x": 1}),
            str: (7, "", "bogus", [], None),
        }
        for bad in bad_values[type(value)]:
            victim.post_json(f"adopt-policy {name}={bad!r}", "adopt-policy", {name: bad})
    victim.check_unchanged("adopt-policy")


def attack_play(victim):
    lines = {
        "no JSON": b"{", "a list": b"[]", "no kind": b"{}", "two kinds": b'{"tick":true,"lease":{}}',
        "no such command": b'{"command":"x"}',
        "no such query": b'{"query":"x"}', "a duplicate": b'{"tick":true,"tick":true}', "no UTF-8": b'{"query":"\xff"}',
        "a NUL": b'{"tick":true}\0', "1 MiB": b" " * 2**20 + b'{"tick":true}', "at: null": b'{"tick":true,"at":null}',
        "at: a number": b'{"tick":true,"at":7}', "at: backwards": b'{"tick":true,"at":"2020-01-01T00:00:00Z"}',
        "lease: a text": b'{"lease":"x"}', "lease: nobody": b'{"lease":{"account":"x"}}',
        "lease: none": b'{"lease":{"count_max":0}}',
        "lease: too many": b'{"lease":{"count_max":18446744073709551615}}',
        "lease: negative": b'{"lease":{"seconds":-1}}',
        "lease: too long": b'{"lease":{"seconds":9223372036854775807}}', "lease: unknown": b'{"lease":{"x":1}}',
        "lease: no service": b'{"lease":{"service":""}}',
        "limit 0": b'{"query":"events","limit":0}', "limit huge": b'{"query":"events","limit":18446744073709551615}',
        "as_of: negative": b'{"query":"policy","as_of":-1}',
        "as_of: behind the end": b'{"query":"policy","as_of":9999999}',
        "as_of: a float": b'{"query":"policy","as_of":0.5}', "save: a text": b'{"query":"policy","save":"x"}',
        "save: no pointer": b'{"query":"policy","save":{"x":"y"}}',
        "save: not there": b'{"query":"policy","save":{"x":"/y"}}',
        "not saved": b'{"command":"block-account","reason":"${' + MARK.encode() + b'}"}',
        "an open brace": b'{"command":"register-account","password":"${' + MARK.encode() + b'"}',
    }
    for what, line in lines.items():
        victim.attack(f"play: {what}", "play", "-", stdin=line + b"\n")
    victim.check_unchanged("play")


def attack_half(program, directory, report, half):
    """Every second command, on a ledger of its own."""
    victim = Victim(Ledger(program, directory / f"ledger{half}"), report)
    with victim.served():
        for number, (name, example) in enumerate(sorted(examples(program).items())):
            if number % 2 == half:
                attack_command(victim, name, example)
        if half == 0:
            attack_policy(victim)
    if half == 0:
        attack_terminal(victim, "block-account", examples(program)["block-account"])
        attack_around(victim)
        attack_play(victim)
    else:
        attack_arguments(victim, program, directory)
    victim.audit()


def run(program, directory, report):
    found = examples(program)
    report.check(len(found) >= 21 and found["register-account"].keys() == REGISTRATION.keys(),
                 f"examples: {sorted(found)}")
    with concurrent.futures.ThreadPoolExecutor(2) as halves:
        for half in [halves.submit(attack_half, program, directory, report, half) for half in (0, 1)]:
            half.result()  # raises what ended it


if __name__ == "__main__":
    main("bad_input", run)
