"""Exim, as Debian has it, in a directory of its own: SMTP on a loopback port, STARTTLS, AUTH, a maildir. It runs as
`nobody` when the test runs as root, and as whoever runs the test else; nothing of the system's mail is touched."""
import email
import email.policy
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

USER, PASSWORD = "mailer", "Zq7 relay word"
CONFIGURATION = """
exim_path = {here}/exim
exim_user = {user}
exim_group = {group}
keep_environment =
never_users =
deliver_drop_privilege = true
spool_directory = {here}/spool
log_file_path = {here}/%slog
pid_file_path = {here}/pid
primary_hostname = mail.example.jp
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
host_lookup =
rfc1413_query_timeout = 0s
tls_certificate = {here}/certificate.pem
tls_privatekey = {here}/key.pem
tls_advertise_hosts = *
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
smtp_accept_max_per_connection = 1000
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
begin acl
acl_mail:
  deny senders = refused@example.jp
       message = 5.7.1 not from here
  accept
acl_rcpt:
  deny !authenticated = *
       message = 5.7.0 who are you
  deny local_parts = gone
       message = 5.1.1 <$local_part@$domain>: no such mailbox
  defer local_parts = later
       message = 4.2.1 not now
  accept
acl_data:
  deny condition = ${{if match{{$recipients}}{{unwanted}}}}
       message = 5.6.0 not this
  accept
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {here}/mail
  envelope_to_add
  return_path_add
  user = {user}
  group = {group}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailServer:
    def __init__(self, directory):
        self.here, self.port, self.process = Path(directory), free_port(), None
        self.here.mkdir()
        shutil.copy(shutil.which("exim4", path="/usr/sbin:/usr/bin"), self.here / "exim")  # without the setuid bit
        os.chmod(self.here / "exim", 0o755)
        self.ca = self.here / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", str(self.here / "key.pem"), "-out", str(self.ca), "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.who = (who.pw_uid, who.pw_gid)
        (self.here / "conf").write_text(CONFIGURATION.format(here=self.here, port=self.port, user=who.pw_name,
                                                             group=who.pw_gid, name=USER, password=PASSWORD))
        (self.here / "conf").chmod(0o640)
        for each in ("spool", "mail"):
            (self.here / each).mkdir()
        if os.geteuid() == 0:
            for each in [self.here, *self.here.iterdir()]:
                os.chown(each, *self.who)
            for each in self.here.parents:  # `nobody` must be able to come this far
                if Path(tempfile.gettempdir()) in each.parents:
                    each.chmod(each.stat().st_mode | 0o011)

    @property
    def url(self):
        return f"smtp://localhost:{self.port}"

    def start(self):
        as_whom = {"user": self.who[0], "group": self.who[1], "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen([str(self.here / "exim"), "-C", str(self.here / "conf"), "-bdf"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.here, **as_whom)
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as peer:
                    peer.recv(1)
                    return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("exim does not start: " + self.log())

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
            self.process = None

    def log(self):
        return "".join(each.read_text(errors="replace") for each in sorted(self.here.glob("*log")))

    def mails(self, count=None, seconds=30):
        """What was delivered, oldest first; waits until there are `count`."""
        end = time.monotonic() + seconds
        while True:
            files = sorted((self.here / "mail" / "new").glob("*"), key=lambda each: each.stat().st_mtime_ns)
            if count is None or len(files) >= count or time.monotonic() > end:
                return [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in files]
            time.sleep(0.05)
