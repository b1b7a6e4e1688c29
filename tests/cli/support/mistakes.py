"""Wrong input that has marked values in wrong places: no answer repeats one. Names of fields that are not known are
repeated; values are not."""
import json
import re
from concurrent.futures import ThreadPoolExecutor

A_UUID = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0"
TEXT_BYTES_MAX = 4_096
THREADS = 2
MARK = "Zq7Misplaced"
WORDS_OF_POLICY = "adopt-policy"  # its values are nobody's


def examples(program):
    """Every command's example of `command --help`, its placeholders filled in."""
    found, name = {}, None
    for line in program("command", "--help").out.decode().split("\n"):
        if line.startswith("    --json '"):
            found[name] = json.loads(line.strip()[len("--json '"):-1].replace("…", A_UUID))
        elif re.match(r"  [a-z-]+ \(", line):
            name = line.split()[0]
    return found


def places(value, path=()):
    """The path of every field, those that hold others included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield path + (key,)
        yield from places(inner, path + (key,))


def replaced(body, path, value):
    body = json.loads(json.dumps(body))
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return body


def wrong_values():
    """What stands where something else is wanted."""
    yield from (MARK, [MARK] * 101, {"x": MARK}, MARK + "\0", MARK * (TEXT_BYTES_MAX // len(MARK) + 1))


def wrong_texts(body):
    """Bytes that are no JSON of the command."""
    whole = json.dumps(body | {"password": MARK})
    yield from (whole[:-2], whole[:-1] + "x", whole.replace(f'"{MARK}"', MARK), whole.replace(f'"{MARK}"', f"'{MARK}'"),
                whole.replace(MARK, MARK + "\\q"), whole.replace(MARK, MARK + "\n"), f'"{MARK}"', f'["{MARK}"]',
                whole + whole, f'{{"password":"{MARK}","password":"{MARK}"}}', f'{{"bogus":"{MARK}"}}',
                whole.replace(f'"{MARK}"', "7391846205e9999"))


def wrong_arguments(owner):
    call = ["command", "block-account", "--account", owner]
    return (
        [*call, MARK], [*call, f"={MARK}"], [*call, f"password:{MARK}"], [*call, f"password:={MARK}"],
        [*call, f'password:="{MARK}'], [*call, f"--password={MARK}"], [*call, "--password", MARK], [*call, f"-p{MARK}"],
        [*call, "reason=x", "--expected-version", "x", f"password={MARK}"], [*call, f"bogus={MARK}"],
        [*call, "--json", f'{{"password":"{MARK}"'], ["query", "account", f"{MARK}@example.com"],
        ["query", "account", "--account", f"{MARK}@example.com"], ["query", "account", f"--acount={MARK}@example.com"],
        ["command", "block-account", "--account", f"{MARK}@example.com", "reason=x"],
        ["command", "block-account", "--account", f"{MARK} no name", "reason=x"],
        ["outbox", "lease", "--account", f"{MARK}@example.com"], ["outbox", "lease", f"{MARK}"],
        ["audit", "account", f"{MARK}@example.com"], ["keys", "encrypt", f"--passphrase={MARK}"],
    )


def wrong_lines():
    yield from ({"command": "change-password", "account": f"{MARK}@example.com", "new_password": MARK},
                {"lease": {"account": f"{MARK}@example.com"}}, {"lease": {"holder": [MARK]}},
                {"query": "account", "account": f"{MARK}@example.com"}, {"query": "account", "account": [MARK]},
                {"command": "block-account", "reason": "${" + MARK + "}"},
                {"command": "change-password", "new_password": {"x": MARK}, "expect": {"x": MARK}},
                {"command": "change-password", "tick": MARK}, {"query": "policy", "save": {"x": MARK}},
                {"query": "policy", "at": MARK}, {"query": "policy", "account": MARK})


def make_mistakes(ledger, exposure):
    """Each in a process of its own."""
    exposure.marks.secret("misplaced value", MARK)
    exposure.marks.secret("misplaced number", "7391846205")
    calls = []
    for name, body in examples(ledger.program).items():
        owner = {"account": A_UUID}
        bodies = [owner | replaced(body, path, bad) for path in places(body) for bad in wrong_values()]
        texts = [json.dumps(each) for each in bodies if name != WORDS_OF_POLICY] + list(wrong_texts(body))
        calls += [(["command", name, "--json", "-"], text) for text in texts]
    calls += [(args, "") for args in wrong_arguments(A_UUID)]
    calls += [(["play", "-"], json.dumps(line) + "\n") for line in wrong_lines()]
    for field in ("account", "service", "idempotency_key", "expected_version", "source", "at"):
        calls += [(["command", "block-account", "--json", "-"], json.dumps({field: bad, "reason": "x"}))
                  for bad in wrong_values() if (field, bad) not in (("service", MARK), ("idempotency_key", MARK))]

    def make(call):
        args, text = call
        answer = ledger.run(*args, stdin=text.encode("utf-8", "surrogatepass"))
        found = exposure.marks.found(answer.out + answer.err)
        return found and f"{args} {text[:200]!r}: {found} in {answer.words}"

    with ThreadPoolExecutor(THREADS) as pool:
        found = [each for each in pool.map(make, calls) if each]
    exposure.report.check(len(calls) > 500, f"{len(calls)} mistakes")
    exposure.report.equal(found, [], f"what the answers to {len(calls)} mistakes show")
