"""The configuration: what `daicho config` prints is what is in force; command line before environment before file; each
wrong file is told with its line and key.

usage: python3 tests/cli/config.py <path of daicho>"""
import os
import re
import socket
import sys
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

CONFIG_BYTES_MAX = 65_536


def keys_of(text):
    """{(table, key): (its comment, whether it is set)} of what `config` prints."""
    found, table, comment = {}, "", []
    for line in text.splitlines():
        if line.startswith("["):
            table, comment = line.strip("[]"), []
        elif line.startswith("# "):
            comment.append(line[2:])
        elif match := re.match(r"(#?)([a-z-]+) = ", line):
            found[table, match[2]] = (comment, not match[1])
        else:
            comment = []
    return found


def in_force(program, *args, **options):
    answer = program("config", *args, **options)
    if answer.code != 0:
        raise SystemExit(f"config {args}: {answer.words}")
    return answer.out.decode()


def at(values, table, key):
    return (values[table] if table else values).get(key)


def environment_name(comment):
    return next(line for line in comment if line.startswith("environment: ")).split(": ")[1]


def choices(program, tables):
    """{(table, key): the words that it may have}, by the help."""
    found = {("", "format"): ["table", "json", "ndjson", "csv"]}
    for table in tables:
        for key, words in re.findall(r"--([a-z-]+) TEXT:\{([^}]*)\}", program(table, "--help").out.decode()):
            found[table, key] = words.split(",")
    return found


def other(value, words, text):
    """Another value of this type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [text]
    return next(word for word in words if word != value) if words else text


def toml(value):
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else \
        "[" + ", ".join(f'"{each}"' for each in value) + "]" if isinstance(value, list) else f'"{value}"'


def printed(program, directory, report):
    """Every option, documented; given back, the same; each value that is changed is in force; environment before it."""
    text = in_force(program)
    keys, values = keys_of(text), tomllib.loads(text)
    tables = {table for table, _ in keys} - {""}
    report.check("serve" in tables, f"tables: {tables}")
    for table in tables:
        words = program(table, "--help").out.decode()
        options = set(re.findall(r"^ +(?:-\w,)?--([a-z-]+)", words, re.M)) - {"help"}
        report.equal({key for where, key in keys if where == table}, options, f"the keys of [{table}]")
        plain = " ".join(words.split())
        for key in options:
            help_words = " ".join(line for line in keys[table, key][0] if not line.startswith("environment: "))
            report.check(help_words and help_words in plain, f"{table}.{key} is documented as its option: {help_words}")
    file = directory / "printed.toml"
    file.write_text(text)
    report.equal(in_force(program, "--config", str(file)), text, "the same, given back")
    one, two = directory / "one", directory / "two"  # some options want a file that is there
    for each in (one, two):
        each.touch()
    words_of, changed, lines = choices(program, tables), {}, {"": []}
    for (table, key), (comment, _) in keys.items():
        nothing = [] if f"#{key} = []" in text else ""
        value = at(values, table, key) if keys[table, key][1] else nothing
        changed[table, key] = other(value, words_of.get((table, key)), str(one))
        lines.setdefault(table, [f"[{table}]"]).append(f"{key} = {toml(changed[table, key])}")
    file.write_text("\n".join(line for table in lines.values() for line in table) + "\n")
    text = in_force(program, "--config", str(file))
    values = tomllib.loads(text)
    for (table, key), value in changed.items():
        report.equal(at(values, table, key), value, f"{table}.{key} of the file is in force")
    report.equal(in_force(program, "--config", str(file)), text, "once more")
    for (table, key), (comment, _) in keys.items():
        value = changed[table, key]
        given = other(value, words_of.get((table, key)), str(two))
        name = environment_name(comment) if any(line.startswith("environment: ") for line in comment) else None
        if name is None or isinstance(value, list):
            continue
        text = in_force(program, "--config", str(file), env={name: toml(given).strip('"')})
        report.equal(at(tomllib.loads(text), table, key), given, f"{name} goes before the file's {table}.{key}")


def on_the_page(program, report):
    """docs/operating.md has every key, its variable and its default, and no other."""
    page = (Path(__file__).resolve().parents[2] / "docs/operating.md").read_text()
    section = page.split("## Configuration")[1].split("\n## ")[0]
    lines = [[cell.strip("` ") for cell in line.split("|")[1:-1]] for line in section.splitlines()
             if line.startswith("| `")]
    rows = {name: (variable, default) for name, variable, default, _ in lines}
    text = in_force(program)
    keys, values = keys_of(text), tomllib.loads(text)
    names = {f"{table}.{key}".strip("."): (table, key) for table, key in keys}
    report.equal(rows.keys(), names.keys(), "the keys on the page")
    for name in rows.keys() & names.keys():
        variable, default = rows[name]
        variables = [line.split(": ")[1] for line in keys[names[name]][0] if line.startswith("environment: ")]
        report.equal([variable], variables or [""], f"{name}: its variable")
        if keys[names[name]][1]:
            report.equal(default, toml(at(values, *names[name])).strip('"'), f"{name}: its default")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def in_a_service(ledger, directory, report):
    """What `serve` goes by: flag, environment, file."""
    of_flag, of_environment, of_file = (f"127.0.0.1:{port}" for port in free_ports(3))
    file = directory / "serve.toml"
    file.write_text(f'data = "{ledger.path}"\n[serve]\nlisten = "{of_file}"\nlog-level = "error"\n')
    by_environment = {"DAICHO_SERVE_LISTEN": of_environment}
    by_file = ("--config", str(file))
    for what, expected, options, env in (
        ("the file", of_file, by_file, {}),
        ("the file that DAICHO_CONFIG names", of_file, (), {"DAICHO_CONFIG": str(file)}),
        ("--config before DAICHO_CONFIG", of_file, by_file, {"DAICHO_CONFIG": "/nonexistent"}),
        ("the environment before the file", of_environment, by_file, by_environment),
        ("the command line before both", of_flag, (*by_file, "--listen", of_flag), by_environment),
    ):
        served = Served(ledger, *options, listen=(), env=env)
        report.equal(served.told["listening"], f"http://{expected}", what)
        report.equal((served.end()[0], served.log), (0, ""), f"{what}: log-level error says nothing")
    query = ledger.program("query", "policy", "--config", str(file))
    report.equal(query.code, 0, f"`data` is every command's: {query.words}")
    bad_number = {"DAICHO_SERVE_TICK": "often"}
    report.equal(ledger.program("query", "policy", "--config", str(file), env=bad_number).code, 0,
                 "a variable of serve is not query's business")
    answer = ledger.program("serve", "--config", str(file), env=bad_number)
    report.equal((answer.code, b"--tick" in answer.err), (2, True), f"but serve's: {answer.words}")


def wrong_files(program, directory, report):
    file = directory / "wrong.toml"
    for what, content, line, words in (
        ("an unknown key", '[serve]\nlisten = "127.0.0.1:0"\nbogus = 1\n', 3, "serve.bogus: there is no such key"),
        ("an unknown key before the tables", "bogus = 1\n", 1, "bogus: there is no such key"),
        ("a key in the wrong place", 'listen = "127.0.0.1:0"\n', 1, "listen: there is no such key"),
        ("a key of a flag that no file gives", 'at = "2026-03-01T00:00:00Z"\n', 1, "at: there is no such key"),
        ("a file that names a file", 'config = "x"\n', 1, "config: there is no such key"),
        ("help", "[serve]\nhelp = true\n", 2, "serve.help: there is no such key"),
        ("an unknown table", "\n[bogus]\n", 2, "[bogus]: there is no such table"),
        ("a table of a command that runs no service", "[tick]\n", 1, "[tick]: there is no such table"),
        ("a text for a number", '[serve]\ntick = "60"\n', 2, "serve.tick: a whole number is wanted"),
        ("a fraction", "[serve]\ntick = 1.5\n", 2, "serve.tick: "),
        ("a date", "[serve]\ntick = 2026-03-01\n", 2, "serve.tick: "),
        ("a number for a text", "[serve]\nlisten = 7391\n", 2, "serve.listen: a text is wanted"),
        ("a list for a text", '[serve]\nlisten = ["a", "b"]\n', 2, "serve.listen: a text is wanted"),
        ("a number for a truth", "[serve]\nplain-http = 1\n", 2, "serve.plain-http: true or false is wanted"),
        ("a mixed list", 'passphrase-file = ["a", 1]\n', 1, "passphrase-file: "),
        ("a truth for a list", "passphrase-file = true\n", 1, "passphrase-file: a list of texts is wanted"),
        ("a table in a table", "[serve.tick]\n", 1, "serve.tick: "),
        ("two tables of a name", "[[serve]]\n[[serve]]\n", 1, "serve: "),
        ("a number out of range", "[serve]\ntick = 3601\n", 2, "serve.tick: "),
        ("a negative number", "[serve]\ntick = -1\n", 2, "serve.tick: "),
        ("an empty text", '[serve]\nlisten = ""\n', 2, "serve.listen: a value is wanted"),
        ("an unknown word", '[serve]\nlog-level = "loud"\n', 2, "serve.log-level: "),
        ("a key twice", "[serve]\ntick = 1\ntick = 2\n", 3, ""),
        ("a table twice", "[serve]\ntick = 1\n[serve]\n", 3, ""),
        ("no TOML", "[serve]\ntick 60\n", 2, ""),
        ("a text without an end", '[serve]\nlisten = "127\n', 2, ""),
        ("no UTF-8", b'[serve]\nlisten = "\xff\xfe"\n', 2, ""),
        ("a zero byte", b"[serve]\ntick = 1\0\n", 2, ""),
        ("deep nesting", "[serve]\ntick = " + "[" * 10_000 + "\n", 2, ""),
    ):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        answer = program("serve", "--data", str(directory / "none"), "--config", str(file))
        report.equal(answer.code, 2, f"{what}: {answer.words}")
        report.check(f"{file}:{line}: {words}" in answer.err.decode(), f"{what}: line {line}: {answer.words}")
    for size, code in ((CONFIG_BYTES_MAX, 0), (CONFIG_BYTES_MAX + 1, 2), (1 << 20, 2)):
        file.write_text("#" * (size - 1) + "\n")
        answer = program("config", "--config", str(file))
        report.equal(answer.code, code, f"{size} bytes: {answer.words[:300]}")
    os.mkfifo(directory / "pipe")
    for what in ("none.toml", "", "pipe"):
        answer = program("serve", "--data", str(directory / "none"), "--config", str(directory / what))
        report.equal((answer.code, str(directory) in answer.err.decode()), (2, True), f"{what!r}: {answer.words}")
    answer = program("config", env={"DAICHO_CONFIG": str(directory / "none.toml")})
    report.equal(answer.code, 2, f"DAICHO_CONFIG names no file: {answer.words}")


def which_ledger(ledger, directory, report):
    """Directory or service: said on the command line, else in the environment, else in the file."""
    file = directory / "which.toml"
    here, nowhere = str(ledger.path), str(directory / "nowhere")
    away = "http://127.0.0.1:1"
    for what, lines, env, arguments, found in (
        ("the file", f'data = "{here}"\n', {}, (), True),
        ("the environment before the file", f'data = "{nowhere}"\n', {"DAICHO_DATA": here}, (), True),
        ("a service of the environment before the file", f'data = "{here}"\n', {"DAICHO_SERVER": away}, (), False),
        ("a directory of the environment before the file's service", f'server = "{away}"\n', {"DAICHO_DATA": here}, (),
         True),
        ("the command line before both", f'data = "{nowhere}"\n', {"DAICHO_SERVER": away}, ("--data", here), True),
        ("likewise in one word", f'server = "{away}"\n', {"DAICHO_DATA": nowhere}, (f"--data={here}",), True),
    ):
        file.write_text(lines)
        answer = ledger.program("query", "policy", "--config", str(file), "--format", "json", *arguments, env=env)
        report.equal(answer.code == 0, found, f"{what}: {answer.words}")


def run(program, directory, report):
    printed(program, directory, report)
    on_the_page(program, report)
    wrong_files(program, directory, report)
    ledger = Ledger(program, directory / "ledger")
    which_ledger(ledger, directory, report)
    in_a_service(ledger, directory, report)


if __name__ == "__main__":
    main("config", run)
