"""TLS from the terminal: whom `--server` trusts, what it shows, and that strangers are told nothing.

usage: python3 tests/cli/client_tls.py <path of daicho>"""
import http.client
import ssl
import subprocess
import sys

sys.dont_write_bytecode = True
from support.certificates import CLIENT, SERVER, Authority, Pair  # noqa: E402
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

USAGE, UNAVAILABLE = 2, 4
ELSEWHERE = ("subjectAltName=DNS:elsewhere.example.jp,IP:127.0.0.2", "extendedKeyUsage=serverAuth")


class Terminal:
    """Asks one service; `known` is a client's pair that it takes."""

    def __init__(self, ledger, pair, authority, report, known=None, options=()):
        self.program, self.report = ledger.program, report
        self.served = Served(ledger, "--tls-certificate", str(pair.certificate), "--tls-key", str(pair.key), *options)
        self.context = ssl.create_default_context(cafile=str(authority.root))
        self.context.check_hostname = False
        if known:
            self.context.load_cert_chain(known.certificate, known.key)

    def requests(self):
        """How many the service has answered, but for these questions."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.served.port, timeout=30, context=self.context)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        counts = [line for line in lines if line.startswith("daicho_requests_total") and '"/metrics"' not in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in counts)

    def ask(self, *options):
        return self.program("query", "policy", "--server", self.served.told["listening"], "--format", "json", *options)

    def answered(self, what, *options):
        answer = self.ask(*options)
        self.report.check(answer.code == 0 and answer.json["policy"]["version"] == 1, f"{what}: {answer.words}")

    def refused(self, what, words, *options):
        before, answer = self.requests(), self.ask(*options)
        self.report.check((answer.code, answer.out) == (UNAVAILABLE, b"") and words in answer.err.lower(),
                          f"{what}: {answer.words}")
        self.report.equal(self.requests(), before, f"{what}: nothing was asked")

    def end(self, warning=""):
        code, words = self.served.end()
        self.report.check(code == 0 and warning in words and bool(words) == bool(warning), f"the server's end: {words}")


def trust(ledger, authority, stranger, report):
    ca = ("--ca", str(authority.root))
    terminal = Terminal(ledger, authority.issue("server", SERVER), authority, report)
    terminal.answered("a service of the authority named", *ca)
    terminal.refused("the system's authorities, which know it not", b"certificate")
    terminal.refused("another authority", b"certificate", "--ca", str(stranger.root))
    blocked = ledger.program("command", "adopt-policy", "--json", '{"recovery_per_day":1}', "--server",
                             terminal.served.told["listening"], "--idempotency-key", "k")
    report.equal((blocked.code, blocked.out), (UNAVAILABLE, b""), f"a command to a stranger: {blocked.words}")
    terminal.answered("and nothing was done", *ca)
    terminal.end()
    elsewhere = Terminal(ledger, authority.issue("elsewhere", ELSEWHERE), authority, report)
    elsewhere.refused("another host's certificate", b"127.0.0.1", *ca)
    elsewhere.end()
    unfit = Terminal(ledger, authority.issue("unfit", ("subjectAltName=IP:127.0.0.1", *CLIENT)), authority, report)
    unfit.context.verify_mode = ssl.CERT_NONE
    unfit.refused("a client's certificate", b"certificate", *ca)
    unfit.end()
    past = Terminal(ledger, authority.expire(authority.issue("expired", SERVER)), authority, report)
    past.context.verify_mode = ssl.CERT_NONE
    past.refused("an expired certificate", b"expired", *ca)
    past.end(warning="expired.pem: this certificate has expired\n")


def show(ledger, authority, stranger, directory, report):
    own, foreign = authority.issue("client", CLIENT), stranger.issue("foreign", CLIENT)
    terminal = Terminal(ledger, authority.issue("strict", SERVER), authority, report, known=own,
                        options=("--client-ca", str(authority.root)))
    ca = ("--ca", str(authority.root))

    def shown(pair):
        return (*ca, "--client-certificate", str(pair.certificate), "--client-key", str(pair.key))

    terminal.answered("who shows a certificate", *shown(own))
    terminal.refused("who shows none", b"certificate", *ca)
    terminal.refused("who shows a foreign one", b"127.0.0.1", *shown(foreign))
    encrypted = Pair(directory, "encrypted")
    encrypted.certificate.write_bytes(own.certificate.read_bytes())
    subprocess.run(["openssl", "pkey", "-in", str(own.key), "-aes256", "-passout", "pass:x", "-out",
                    str(encrypted.key)], check=True, capture_output=True)
    terminal.refused("a key in a passphrase is not asked for at the terminal", b"127.0.0.1", *shown(encrypted))
    for what, options in (("a certificate without its key", shown(own)[:4]), ("a key alone", (*ca, *shown(own)[4:])),
                          ("no such file", (*ca, "--client-certificate", "nowhere", "--client-key", "nowhere"))):
        report.equal(terminal.ask(*options).code, USAGE, what)
    terminal.end()


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    (directory / "a").mkdir()
    (directory / "b").mkdir()
    authority, stranger = Authority(directory / "a", "authority"), Authority(directory / "b", "stranger")
    trust(ledger, authority, stranger, report)
    show(ledger, authority, stranger, directory, report)


if __name__ == "__main__":
    main("client_tls", run)
