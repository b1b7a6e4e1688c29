"""Certificates for the tests of TLS, made by the openssl command."""
import subprocess
from pathlib import Path

CONFIGURATION = "[req]\ndistinguished_name = names\n[names]\n"
SERVER = ("subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth")
CLIENT = ("extendedKeyUsage=clientAuth",)


class Pair:
    """A certificate and its key, in files."""

    def __init__(self, folder, name):
        self.certificate, self.key = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"

    def copy_to(self, other):
        """In place of the other's, one file after the other, each renamed over it."""
        for mine, theirs in ((self.certificate, other.certificate), (self.key, other.key)):
            draft = theirs.with_suffix(".draft")
            draft.touch(mode=0o600)
            draft.write_bytes(mine.read_bytes())
            draft.rename(theirs)


class Authority:
    def __init__(self, folder, name):
        self.folder = Path(folder)
        self.configuration = self.folder / "openssl.cnf"
        self.configuration.write_text(CONFIGURATION)
        self.own = self._make(name, "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")

    @property
    def root(self):
        return self.own.certificate

    def issue(self, name, extensions):
        return self._make(name, "basicConstraints=CA:FALSE", *extensions,
                          signed=("-CA", str(self.own.certificate), "-CAkey", str(self.own.key)))

    def expire(self, pair):
        """The same certificate, but it was good until yesterday."""
        request = self.folder / "request.pem"
        for command in (("-x509toreq", "-in", str(pair.certificate), "-signkey", str(pair.key), "-out", str(request)),
                        ("-req", "-in", str(request), "-CA", str(self.own.certificate), "-CAkey", str(self.own.key),
                         "-set_serial", "1", "-days", "-1", "-out", str(pair.certificate))):
            subprocess.run(["openssl", "x509", "-copy_extensions", "copy", *command], check=True, capture_output=True)
        return pair

    def _make(self, name, *extensions, signed=()):
        pair = Pair(self.folder, name)
        added = [word for extension in extensions for word in ("-addext", extension)]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-config", str(self.configuration), "-days", "2", "-subj", f"/CN={name}", *signed, *added,
                        "-keyout", str(pair.key), "-out", str(pair.certificate)],
                       check=True, capture_output=True)
        return pair
