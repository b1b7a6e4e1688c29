"""The rulebook on the command line: `rules`, refusals in two languages, roles, and the queries of recovery.

usage: python3 tests/cli/rulebook.py <path of daicho>"""
import json
import re
import sys

sys.dont_write_bytecode = True
from support.program import REGISTRATION, Ledger, main  # noqa: E402

NOON, EVENING = "2026-03-01T03:00:00Z", "2026-03-01T12:00:00Z"
CHECK = {"shown": "XVMS", "typed": "xvms"}
FORM = {"contact_address": "friend@example.org", "answers": {"surname": "山田", "given_name": "太郎", "postal_code": "1"}}
RULE_MEMBERS = ["rule", "title", "title_ja", "sources", "parameters", "commands", "events"]
IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_japanese(text):
    return any("\u3040" <= letter <= "\u9fff" for letter in text)


def in_english(report, answer, code, rule, words):
    """A refusal by this rule, with an English title."""
    found = (answer.code, answer.json.get("rule") if answer.out else answer.words)
    if report.equal(found, (code, rule), words):
        report.check(answer.json["title"] and not is_japanese(answer.json["title"]), f"{words}: title in English")
        report.check(answer.json["detail"] and answer.json["code"], f"{words}: {answer.words}")


def rules(program, report):
    """All rules, one rule, a rule that is none; without a ledger, and in every format."""
    listed = program("rules").json["rules"]
    ids = [rule["rule"] for rule in listed]
    report.check(len(ids) > 50 and len(set(ids)) == len(ids), f"{len(ids)} rules")
    documents = {"000", "001", "002", "003", "004"}
    for rule in listed:
        report.equal(list(rule), RULE_MEMBERS, f"members of {rule['rule']}")
        report.check(rule["title"] and is_japanese(rule["title_ja"]), f"{rule['rule']}: its words in two languages")
        report.check(set(rule["sources"]) <= documents, f"{rule['rule']}: sources {rule['sources']}")
    one = program("rules", "R-LOST-4").json["rules"]
    report.equal(one, [rule for rule in listed if rule["rule"] == "R-LOST-4"], "rules R-LOST-4")
    report.equal((one[0]["sources"], "mark-proofs-lost" in one[0]["commands"]), (["004"], True), "R-LOST-4")
    for name in ("R-LOST-99", "r-lost-4", "R-LOST", ""):
        answer = program("rules", name)
        report.check(answer.code == 2 and not answer.out and len(answer.err) > 20, f"rules {name!r}: {answer.words}")
    rows = [json.loads(line) for line in program("rules", "--format", "ndjson").out.decode().splitlines()]
    report.equal(rows, listed, "rules as ndjson")
    report.equal(len(program("rules", "--format", "csv").out.decode().splitlines()), len(ids) + 1, "rules as csv")
    report.check(b"R-LOST-4" in program("rules", "--format", "table").out, "rules as a table")


def languages(ledger, account, report):
    """The title in Japanese by --lang or LANG; in English otherwise; code and rule are the same words always."""
    table = {rule["rule"]: rule for rule in ledger.program("rules").json["rules"]}["R-ACC-4"]
    call = ["command", "merge-accounts", "--account", account]
    for args, env, language in (([], {"LANG": ""}, "en"), (["--lang", "ja"], {"LANG": "C"}, "ja"),
                                (["--lang", "en"], {"LANG": "ja_JP.UTF-8"}, "en"),
                                (["--lang", "xx"], {"LANG": "C"}, "en"),
                                ([], {"LANG": "ja_JP.UTF-8"}, "ja"), ([], {"LANG": "ja"}, "ja"),
                                ([], {"LANG": "C.UTF-8"}, "en"), ([], {"LANG": "de_DE.UTF-8"}, "en"),
                                ([], {"LANG": "jam_JM.UTF-8"}, "en")):
        answer = ledger.run(*call, *args, env=env)
        what = f"merge-accounts {args} {env}"
        report.equal((answer.code, answer.json["rule"], answer.json["code"]), (1, "R-ACC-4", "never_merged"), what)
        report.equal(answer.json["title"], table["title_ja" if language == "ja" else "title"], f"{what}: title")


def recoveries(ledger, account, report):
    """Two forms, a third refused, what came of them: in every format."""
    for left in (1, 0):
        answer = ledger.command("submit-recovery", FORM, "--account", account, "--at", NOON)
        report.equal((answer.code, answer.json.get("attempts_left_today")), (0, left), f"submit-recovery: {left} left")
    third = ledger.command("submit-recovery", FORM, "--account", account)
    in_english(report, third, 1, "R-REC-3", "the third recovery of the day")
    due = ledger.query("recoveries")["recoveries"]
    report.equal([row["overdue"] for row in due], [False, False], "replies that are due")
    later = ledger.query("recoveries", "--at", "2026-03-02T03:00:00Z")["recoveries"]
    report.equal([row["overdue"] for row in later], [True, True], "a day later they are overdue")
    report.equal(ledger.query("recoveries", "--due-before", NOON)["recoveries"], [], "due before they were asked for")
    helper = ledger.query("recovery-options", "--account", account)
    report.equal((helper["form"]["open"], helper["form"]["attempts_left_today"]), (False, 0), "the form for today")
    report.equal(ledger.run("tick", "--at", EVENING).code, 0, "tick")
    told = ledger.query("recoveries", "--account", account)["recoveries"]
    report.equal([(row["outcome"], row["points"]) for row in told], [("not_verified", 4)] * 2, "outcomes")
    fields = {field["field"]: field["result"] for field in told[0]["fields"]}
    report.equal((fields["surname"], fields["given_name"], fields["card_last4"]), ("matched", "not_on_file", "blank"),
                 "field by field")
    report.check("friend@example.org" not in json.dumps(told, ensure_ascii=False), "no value of the form is shown")
    return third.json["events"][-1]["seq"]


def explains(ledger, account, seq, report):
    """One refusal by its position, or the account's newest; a position that is none is wrong usage."""
    story = ledger.query("explain", "--seq", str(seq))
    report.equal((story["seq"], story["type"], [rule["rule"] for rule in story["rules"]]),
                 (seq, "RecoveryRefused", ["R-REC-3"]), "explain the third recovery")
    report.equal([row["type"] for row in story["rests_on"]], ["RecoverySubmitted"] * 2, "what it rests on")
    report.equal(story["would_change"][0]["at"], "2026-03-01T15:00:00.000000Z", "what would change it")
    newest = ledger.query("explain", "--account", account)
    report.equal(newest["type"], "RecoveryNotVerified", "the newest outcome")
    rule = ledger.query("explain", "--rule", "R-REC-3", "--account", account, "--as-of", NOON)
    report.equal((rule["rules"][0]["rule"], rule["would_change"][0]["at"]), ("R-REC-3", "2026-03-01T15:00:00.000000Z"),
                 "what R-REC-3 goes by")
    for lang, title in (("ja", "title_ja"), ("en", "title")):
        words = ledger.program("rules", "R-REC-3").json["rules"][0][title]
        for call in (["--seq", str(seq)], ["--rule", "R-REC-3", "--account", account]):
            story = ledger.query("explain", *call, "--lang", lang)
            report.equal(story["rules"][0]["title"], words, f"explain {call} in {lang}")
    end = len(ledger.events())
    for args in (["--rule", "R-REC-99", "--account", account], ["--rule", "R-REC-3"], [], ["--seq", str(end)],
                 ["--seq", "99999999"], ["--seq"], ["--seq", "-1"], ["--seq", "x"],
                 ["--account", "nobody@outlook.com"]):
        answer = ledger.run("query", "explain", *args)
        report.check(answer.code == 2 and not answer.out and len(answer.err) > 20, f"explain {args}: {answer.words}")
    report.equal(ledger.run("query", "explain", "--seq", str(end - 1)).code, 0, "explain the last event")


def formats(ledger, account, seq, report):
    """The queries of this page in all four formats, with the same content."""
    for call, rows in ((["services"], "services"), (["recoveries", "--account", account], "recoveries"),
                       (["recoveries"], "recoveries"), (["recovery-options", "--account", account], "proofs"),
                       (["explain", "--seq", str(seq)], "rests_on")):
        answers = {each: ledger.run("query", *call, "--format", each) for each in ("json", "ndjson", "csv", "table")}
        for each, answer in answers.items():
            report.check(answer.code == 0 and not answer.err, f"{call} {each}: {answer.words}")
        whole = answers["json"].json
        report.equal(whole["clock"], "simulated", f"clock of {call}")
        lines = [json.loads(line) for line in answers["ndjson"].out.decode().splitlines()]
        report.equal(lines, whole[rows], f"{call}: ndjson")
        report.equal(len(answers["csv"].out.decode().splitlines()), len(lines) + 1, f"{call}: lines of csv")
        report.check(b"clock" in answers["table"].out, f"{call}: the table")


def shape(value):
    """The members and types of an answer, its values left out."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "an id" if isinstance(value, str) and IDS.fullmatch(value) else type(value).__name__


def register_and_verify(ledger, name):
    """An account with two verified proofs, as a decoy looks."""
    made = ledger.command("register-account", REGISTRATION | {"sign_in_name": name}).json
    sent = ledger.run("outbox", "lease", "--account", made["account"]).json["notifications"]
    for proof, note in zip(made["proof_ids"], sent):
        secret = {"code": note["code"]} if "code" in note else {"link_token": note["token"]}
        ledger.command("verify-proof", {"proof_id": proof} | secret, "--account", made["account"])


def check_alike(report, name, known, unknown):
    report.check(known.code == unknown.code and known.code in (0, 1), f"{name}: exit codes {known.code} {unknown.code}")
    report.equal(shape(unknown.json), shape(known.json), f"{name}: the answers' shapes")
    words = [[answer.json.get(member) for member in ("rule", "code", "title", "detail")] for answer in (known, unknown)]
    report.equal(words[1], words[0], f"{name}: the answers' words")


def unknown_names(ledger, report):
    """R-ACC-6: a caller cannot tell by an answer's shape, exit code or words whether a name is somebody's."""
    known, nobody = "jiro@outlook.com", "nobody@outlook.com"
    register_and_verify(ledger, known)
    challenge, wrong = {"purpose": "reset_password", "character_check": CHECK}, {"shown": "XVMS", "typed": ""}
    started = [ledger.command("start-challenge", challenge, "--account", each) for each in (known, nobody)]
    check_alike(report, "start-challenge", *started)
    report.equal([offer["kind"] for offer in started[1].json["offers"]], ["email", "mobile_phone"], "a decoy's offers")
    sends = [ledger.command("send-code", {"challenge_id": answer.json["challenge_id"], "channel": "email",
                                          "proof_id": answer.json["offers"][0]["proof_id"], "confirmation": "x"},
                            "--account", each) for answer, each in zip(started, (known, nobody))]
    check_alike(report, "send-code", *sends)
    for name, fields in (("start-challenge", challenge | {"character_check": wrong}),
                         ("start-challenge", {"purpose": "reset_password"}),
                         ("submit-recovery", FORM | {"contact_address": ""}), ("submit-recovery", FORM),
                         ("submit-recovery", FORM), ("submit-recovery", FORM),
                         ("mark-proofs-lost", {}), ("mark-proofs-lost", {})):
        check_alike(report, name, *(ledger.command(name, fields, "--account", each) for each in (known, nobody)))
    for each in (known, nobody):
        second = ledger.command("mark-proofs-lost", {}, "--account", each)
        report.equal((second.code, second.json.get("code"), "replacement_id" in second.json), (1, "window_open", False),
                     f"{each}: a second mark-lost does not tell the window's id")
    check_alike(report, "recovery-options",
                *(ledger.run("query", "recovery-options", "--account", each) for each in (known, nobody)))
    events = ledger.query("events", "--type", "RecoverySubmitted")["events"]
    report.equal(len(events), 4, "forms: the two accounts' own, the decoy's are none")
    private = ledger.run("command", "block-account", "--account", nobody, "reason=x")
    report.equal((private.code, private.json.get("error")), (2, "no_such_account"),
                 "a command of services on a name nobody has")
    ledger.run("command", "adopt-policy", "disclose_account_existence:=true")
    told = ledger.command("submit-recovery", FORM, "--account", nobody)
    in_english(report, told, 1, "R-ACC-6", "submit-recovery, disclosed")
    report.equal(ledger.run("query", "recovery-options", "--account", nobody).code, 2, "recovery-options, disclosed")
    ledger.run("command", "adopt-policy", "disclose_account_existence:=false")


def roles(ledger, account, report):
    """Exit 5 for who may not, exit 1 with R-REC-11 for support that tries; the owner at the terminal may everything."""
    block = ["command", "block-account", "--account", account, "reason=suspected_intrusion"]
    report.equal(ledger.run(*block, "--service", "anybody").code, 0, "before any service is registered")
    report.equal(ledger.query("services"), {"clock": "simulated", "open": True, "services": []}, "services: none")
    for name, role in (("risk-engine", "risk"), ("account-web", "front_end"), ("helpdesk", "support")):
        made = ledger.command("register-service", {"name": name, "roles": [role]})
        report.check(made.code == 0 and len(made.json["token"]) > 20, f"register-service {name}: {made.words}")
    listed = ledger.query("services")
    report.equal((listed["open"], [(row["name"], row["roles"]) for row in listed["services"]]),
                 (False, [("risk-engine", ["risk"]), ("account-web", ["front_end"]), ("helpdesk", ["support"])]),
                 "services")
    report.check("token" not in json.dumps(listed), "services: no token")
    report.equal(ledger.run(*block, "--service", "risk-engine").code, 0, "the risk service blocks")
    in_english(report, ledger.run(*block, "--service", "anybody"), 5, "R-LED-5", "an unknown service")
    in_english(report, ledger.run(*block, "--service", "account-web"), 5, "R-LED-5", "a service without the role")
    reset = ["command", "reset-password", "--account", account, "--service"]
    words = ["reset_token=AAAA", "new_password=Sora5678", "new_password_repeat=Sora5678"]
    in_english(report, ledger.run(*reset, "helpdesk", *words), 1, "R-REC-11", "support sends a reset link")
    in_english(report, ledger.run(*reset, "account-web", *words), 1, "R-REC-8", "the front end with a wrong link")
    kinds = [event["payload"]["code"] for event in ledger.query("events", "--type", "CommandRefused")["events"]]
    report.equal(kinds[-3:], ["service_unknown", "role_missing", "support_overreach"], "each try is on record")
    rotate = ["command", "rotate-signing-key"]
    in_english(report, ledger.run(*rotate, "--service", "account-web"), 5, "R-LED-5", "rotation without the role")
    in_english(report, ledger.run(*rotate, "--service", "anybody"), 5, "R-LED-5", "rotation by an unknown service")
    admin = ledger.command("register-service", {"name": "console", "roles": ["admin"]})
    report.equal(admin.code, 0, f"register-service console: {admin.words}")
    rotated = ledger.run(*rotate, "--service", "console")
    report.check(rotated.code == 0 and "+" in rotated.json["vkey"], f"rotation by an admin: {rotated.words}")
    for name in ("Not A Word", "scheduler", "local", "helpdesk"):
        answer = ledger.command("register-service", {"name": name, "roles": ["risk"]})
        in_english(report, answer, 1, "R-LED-5", f"register-service {name!r}")
    revoked = ledger.run("command", "revoke-service", "name=risk-engine")
    report.equal(revoked.code, 0, f"revoke-service: {revoked.words}")
    in_english(report, ledger.run(*block, "--service", "risk-engine"), 5, "R-LED-5", "a revoked service")


def run(program, directory, report):
    rules(program, report)
    ledger = Ledger(program, directory / "ledger")
    account = ledger.register()
    languages(ledger, account, report)
    seq = recoveries(ledger, account, report)
    explains(ledger, account, seq, report)
    unknown_names(ledger, report)
    roles(ledger, account, report)
    formats(ledger, account, seq, report)
    for step in ("audit verify", "replay"):
        report.equal(ledger.run(*step.split()).code, 0, step)


if __name__ == "__main__":
    main("rulebook", run)
