"""TLS in the service: 1.3 alone, clients' certificates, and a certificate that is replaced while it serves.

usage: python3 tests/cli/tls.py <path of daicho>"""
import http.client
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from support.certificates import CLIENT, SERVER, Authority, Pair  # noqa: E402
from support.program import Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

WAIT_SECONDS = 60
BROKEN = (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)


def client(root, pair=None):
    context = ssl.create_default_context(cafile=str(root))
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def connect(served, context):
    return http.client.HTTPSConnection("127.0.0.1", served.port, timeout=30, context=context)


def ask(connection):
    """The status of /healthz, or what broke."""
    try:
        connection.request("GET", "/healthz")
        reply = connection.getresponse()
        reply.read()
        return reply.status
    except BROKEN as broken:
        return broken


def ask_once(served, context):
    connection = connect(served, context)
    answer = ask(connection)
    connection.close()
    return answer


def certificate_of(connection):
    return ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))


def certificate_in(pair):
    return re.search("-----BEGIN.*END CERTIFICATE-----\n", pair.certificate.read_text(), re.S)[0]


def shown_now(served, context):
    connection = connect(served, context)
    connection.connect()
    shown = certificate_of(connection)
    connection.close()
    return shown


def wait_for(pair, served, context):
    """Until new connections are shown this certificate."""
    until = time.monotonic() + WAIT_SECONDS
    while shown_now(served, context) != certificate_in(pair):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def options_of(pair, *more):
    return ("--tls-certificate", str(pair.certificate), "--tls-key", str(pair.key), *more)


def wrong_files(ledger, authority, directory, report):
    """Refused at the start, with words."""
    good, other = authority.issue("good", SERVER), authority.issue("other", SERVER)
    readable, encrypted, garbage = (Pair(directory, name) for name in ("readable", "encrypted", "garbage"))
    for pair in (readable, encrypted, garbage):
        pair.certificate.write_bytes(good.certificate.read_bytes())
        pair.key.write_bytes(good.key.read_bytes())
        pair.key.chmod(0o600)
    readable.key.chmod(0o604)
    subprocess.run(["openssl", "pkey", "-in", str(good.key), "-aes256", "-passout", "pass:x", "-out",
                    str(encrypted.key)], check=True, capture_output=True)
    garbage.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    mixed = Pair(authority.folder, "good")
    mixed.key = other.key
    missing = Pair(directory, "missing")
    for what, options, code, words in (
        ("a key that others may read", options_of(readable), 5, b"others may use this key file"),
        ("an encrypted key", options_of(encrypted), 2, b"not a private key in PEM, in clear"),
        ("no certificate", options_of(garbage), 2, b"not certificates in PEM"),
        ("no such files", options_of(missing), 2, b"no such file"),
        ("another certificate's key", options_of(mixed), 2, b"not the key of the certificate"),
        ("a key for a certificate", ("--tls-certificate", str(good.key), "--tls-key", str(good.key)), 2,
         b"no certificate in PEM"),
        ("no roots of clients", options_of(good, "--client-ca", str(good.key)), 2, b"no certificate in PEM"),
        ("a certificate without a key", ("--tls-certificate", str(good.certificate)), 2, b"--tls-key"),
        ("a key without a certificate", ("--tls-key", str(good.key)), 2, b"--tls-certificate"),
        ("clients' roots without TLS", ("--client-ca", str(authority.root)), 2, b"--tls-certificate"),
        ("a mode without clients' roots", options_of(good, "--client-certificates", "optional"), 2, b"--client-ca"),
        ("an unknown mode", options_of(good, "--client-ca", str(authority.root), "--client-certificates", "x"), 2,
         b"--client-certificates"),
    ):
        answer = ledger.run("serve", "--listen", "127.0.0.1:0", *options)
        report.check(answer.code == code and words in answer.err, f"{what}: {answer.words}")


def speaking(served, authority, stranger, report):
    report.check(served.told["listening"].startswith("https://127.0.0.1:"), f"where it listens: {served.told}")
    trusting = client(authority.root)
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    connection = connect(served, trusting)
    report.equal([ask(connection) for _ in range(3)], [200] * 3, "three requests on one connection")
    report.equal((connection.sock.version(), connection.sock.selected_alpn_protocol()), ("TLSv1.3", "http/1.1"),
                 "what is spoken")
    report.check(not connection.sock.session.has_ticket, "no session ticket is handed out")
    connection.close()
    report.equal(ask_once(served, client(authority.root)), 200, "without ALPN")
    old = client(authority.root)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    report.check(isinstance(ask_once(served, old), ssl.SSLError), "TLS 1.2 is refused")
    other = client(authority.root)
    other.set_alpn_protocols(["h2"])
    report.check(isinstance(ask_once(served, other), ssl.SSLError), "a client that wants HTTP/2 alone is refused")
    report.check(isinstance(ask_once(served, client(stranger.root)), ssl.SSLCertVerificationError),
                 "a client that trusts another authority goes away")
    told = served.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    report.check(told.startswith(b"HTTP/1.1 400 ") and told.endswith(b"https://\n"), f"plain HTTP is told so: {told}")
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01")  # a handshake that is begun
        report.equal(ask_once(served, client(authority.root)), 200, "beside a handshake that stands still")


def replaced(served, shown, authority, report):
    """`shown` holds the files that are served from."""
    context = client(authority.root)
    second, third, fourth = (authority.issue(f"server-{n}", SERVER) for n in (2, 3, 4))
    first_shown = certificate_in(shown)
    running = connect(served, context)
    report.equal((ask(running), certificate_of(running)), (200, first_shown), "with the first certificate")
    second.copy_to(shown)
    served.process.send_signal(signal.SIGHUP)
    report.check(wait_for(second, served, context), "SIGHUP: new connections get the second")
    report.equal((ask(running), certificate_of(running)), (200, first_shown), "a running connection goes on")
    third.copy_to(shown)
    report.check(wait_for(third, served, context), "changed files: new connections get the third")
    report.equal((ask(running), certificate_of(running)), (200, first_shown), "the running one goes on")
    shown.certificate.write_text("no certificate\n")
    served.process.send_signal(signal.SIGHUP)
    served.ask_log(b"the certificate in force stays")
    report.equal((shown_now(served, context), ask(running)), (certificate_in(third), 200), "a broken one is not taken")
    fourth.copy_to(shown)
    report.check(wait_for(fourth, served, context), "whole again: new connections get the fourth")
    shown.key.chmod(0o644)
    served.process.send_signal(signal.SIGHUP)
    served.ask_log(b"others may use this key file")
    report.equal(shown_now(served, context), certificate_in(fourth), "a key that others may read is not taken")
    running.close()


class Logged(Served):
    """Its standard error is read line by line."""

    def ask_log(self, words):
        for line in self.process.stderr:
            if words in line:
                return
        raise RuntimeError(f"{words} is not in the log")


def clients(ledger, server, authority, stranger, report):
    ours, foreign = authority.issue("front-end", CLIENT), stranger.issue("front-end-elsewhere", CLIENT)
    no_client = authority.issue("no-client", SERVER)
    for mode, without in (("required", None), ("optional", 200)):
        served = Served(ledger, *options_of(server, "--client-ca", str(authority.root), "--client-certificates", mode))
        report.equal(ask_once(served, client(authority.root, ours)), 200, f"{mode}: a client's certificate")
        answer = ask_once(served, client(authority.root))
        report.check(answer == without if without else isinstance(answer, BROKEN), f"{mode}: without one: {answer!r}")
        for what, pair in (("a foreign one", foreign), ("a server's", no_client)):
            answer = ask_once(served, client(authority.root, pair))
            report.check(isinstance(answer, BROKEN), f"{mode}: {what}: {answer!r}")
        report.equal(served.end(), (0, ""), f"{mode}: SIGTERM ends it")


def run(program, directory, report):
    ledger = Ledger(program, directory / "ledger")
    folders = [directory / name for name in ("ours", "theirs", "shown", "wrong")]
    for folder in folders:
        folder.mkdir()
    authority, stranger = Authority(folders[0], "ours"), Authority(folders[1], "theirs")
    server, shown = authority.issue("server", SERVER), Pair(folders[2], "server")
    server.copy_to(shown)
    wrong_files(ledger, authority, folders[3], report)
    served = Logged(ledger, *options_of(shown))
    speaking(served, authority, stranger, report)
    replaced(served, shown, authority, report)
    report.equal(served.end()[0], 0, "SIGTERM ends it")
    clients(ledger, server, authority, stranger, report)
    beyond = program.start("serve", "--data", str(ledger.path), "--listen", "0.0.0.0:0", *options_of(server))
    report.check(b"https://0.0.0.0:" in beyond.stdout.readline(), "TLS may listen beyond loopback")
    beyond.terminate()
    beyond.communicate(timeout=WAIT_SECONDS)


if __name__ == "__main__":
    main("tls", run)
