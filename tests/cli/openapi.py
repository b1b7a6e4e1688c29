"""/openapi.json: whole in itself, one operation for each command and query that there is, and bodies that are described
as they are read.

usage: python3 tests/cli/openapi.py <path of daicho>"""
import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from support.described import Described, scenario_commands  # noqa: E402
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

SCENARIOS = Path(__file__).parent.parent / "scenarios"
NOBODY = "00000000-0000-7000-8000-000000000000"


def names(program, subcommand, until):
    words = program(subcommand, "--help").out.decode()
    head = {"command": "Commands:", "query": "Queries:"}[subcommand]
    return re.findall(r"^  ([a-z-]+) ", words.split(head)[1].split(until)[0], re.M)


def paths_of(command):
    if command == "register-account":
        return ["/v1/accounts"]
    return [f"/v1/accounts/{NOBODY}/commands/{command}", f"/v1/commands/{command}"]


def commands(served, described, report):
    """An example is taken; what is not described is refused, by the description and by the service."""
    for name in names(served.ledger.program, "command", "Fields of each"):
        found = [path for path in paths_of(name) if described.operation("POST", path)]
        report.check(found, f"{name} is described")
        for path in found:
            operation = described.operation("POST", path)[1]
            example = operation["requestBody"]["content"]["application/json"]["example"]
            report.equal(described.body_errors("POST", path, example), [], f"the example of {name}")
            stray = example | {"stray": 1}
            report.check(described.body_errors("POST", path, stray) or name == "adopt-policy", f"{name} has no `stray`")
            reply = served.ask("POST", path, stray, Idempotency_Key="openapi")
            report.check(reply.status in (400, 422), f"{path} with a stray member: {reply.body}")
            reply = served.ask("POST", path, {}, Idempotency_Key="openapi-2")
            wanted = re.match(r"field `([a-z_]+)`", reply.json.get("detail", ""))
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            if reply.code == "invalid_request" and wanted:
                report.check(wanted[1] in schema["properties"], f"{path} wants {wanted[1]}, which is not described")
            if not schema.get("required"):
                continue
            report.check(reply.status >= 400, f"{path} does without {schema['required']}")


def queries(served, described, report):
    """Each option that is described is taken, and no other."""
    values = {"as_of": "0", "from": "0", "limit": "1", "type": "PolicyAdopted", "service": "x", "investigator": "x",
              "since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "due_before": "2026-03-01T00:00:00Z",
              "seq": "0", "rule": "R-BLK-1", "proof_address": "x@example.com", "account": NOBODY,
              "at": "2030-01-01T00:00:00Z"}
    for parameter in described.operation("GET", "/v1/events")[1]["parameters"]:
        if parameter["in"] == "query":
            reply = served.ask("GET", f"/v1/events?{parameter['name']}={values[parameter['name']]}")
            report.check(reply.status in (200, 404), f"events with {parameter['name']}: {reply.body}")
    for name in names(served.ledger.program, "query", "Examples:"):
        path = f"/v1/queries/{name}"
        taken = {parameter["name"] for parameter in described.operation("GET", path)[1]["parameters"]}
        asked = described.operation("POST", path)[1]["requestBody"]["content"]["application/json"]["schema"]
        report.check(taken <= asked["properties"].keys(), f"{name}: a body takes what parameters do")
        for option, value in values.items():
            reply = served.ask("GET", f"{path}?{option}={value}")
            is_untaken = f"takes no {option}" in reply.body.decode()
            if option == "account" and "account" in asked["properties"]:
                continue  # with it another half of the query answers, which has a path of its own
            report.equal(is_untaken, option not in taken, f"{name} with {option}: {reply.body}")


def answers(program, directory, described, report):
    """Every answer of the scenarios is as it is described, to its last member."""
    seen = set()
    for file in sorted(SCENARIOS.glob("*.ndjson")):
        ledger = Ledger(program, directory / file.stem)
        played = ledger.run("play", str(file), "--service", "account-web", "--format", "ndjson")
        report.equal(played.code, 0, f"{file.name} is played")
        for line in played.out.decode().splitlines():
            answer = json.loads(line)
            if answer.get("did") not in described.command_paths or "error" in answer:
                continue
            for around in ("line", "did", "cites", "unexpected"):
                answer.pop(around, None)
            command = json.loads(line)["did"]
            schema = described.answer_schema(command, is_refusal="rule" in answer)
            if "rule" in answer:
                answer |= {"type": "", "status": 422}
            errors = described.errors(schema | {"additionalProperties": False}, answer)
            report.equal(errors, [], f"{file.name}: an answer of {command}")
            seen |= {(command, member) for member in answer if "rule" not in answer}
    told = {(command, member) for command in described.command_paths
            for member in described.answer_schema(command, False)["properties"] if member != "replayed"}
    commands_seen = {command for command, _ in seen}
    unseen = sorted((command, member) for command, member in told - seen if command in commands_seen)
    report.equal(unseen, [], "what is described of commands that the scenarios have is seen")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    served = Served(ledger)
    described = Described(served.ask("GET", "/openapi.json").json)
    report.equal(described.document["openapi"], "3.1.0", "its version")
    report.equal(list(described.faults()), [], "what is wrong in itself")
    commands(served, described, report)
    queries(served, described, report)
    answers(program, directory, described, report)
    count = 0
    for file, command, body, is_bad in scenario_commands(SCENARIOS):
        path = paths_of(command)[-1]
        operation = described.operation("POST", path)[1]
        if "account" in operation["requestBody"]["content"]["application/json"]["schema"]["properties"]:
            body.setdefault("account", NOBODY)  # some are about an account that there is not
        errors = described.body_errors("POST", path, body)
        report.check(is_bad or not errors, f"{errors} of {file}: {command} {json.dumps(body, ensure_ascii=False)}")
        count += 1
    report.check(count > 300, f"{count} commands of the scenarios are held to it")
    report.equal(served.end(), (0, ""), "the server's end")


if __name__ == "__main__":
    main("openapi", run)
