"""`daicho serve` on a free port, asked with the standard library's client."""
import atexit
import http.client
import json
import signal
import socket


class Reply:
    def __init__(self, answer):
        self.status, self.fields, self.body = answer.status, answer.headers, answer.read()

    @property
    def is_json(self):
        return "json" in self.fields.get("Content-Type", "")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json.get("code")


class Served:
    def __init__(self, ledger, *options, listen=("--listen", "127.0.0.1:0"), env=None):
        self.take(ledger, ledger.program.start("serve", "--data", str(ledger.path), *listen, "--format", "json",
                                               *options, env=env))

    @classmethod
    def adopt(cls, ledger, process):
        """A server that was started before and says only now where it listens."""
        served = cls.__new__(cls)
        served.take(ledger, process)
        return served

    def take(self, ledger, process):
        self.ledger, self.process = ledger, process
        atexit.register(process.kill)  # a test that breaks off leaves nothing running
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().decode())
        self.told = json.loads(line)
        self.port = int(self.told["listening"].rsplit(":", 1)[1])
        self.token = None

    def ask(self, method, path, body=None, token=None, **fields):
        """A body that is no text is sent as JSON; `fields` are header fields, `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if token or self.token:
            headers["Authorization"] = "Bearer " + (token or self.token)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        reply = Reply(connection.getresponse())
        connection.close()
        return reply

    def command(self, account, name, body, key, **fields):
        return self.ask("POST", f"/v1/accounts/{account}/commands/{name}", body, Idempotency_Key=key, **fields)

    def raw(self, sent, enough=None):
        """What comes back for bytes as they are, until the end or until `enough` is in it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as peer:
            peer.sendall(sent)
            got = b""
            while not (enough and enough in got):
                part = peer.recv(65536)
                if not part:
                    break
                got += part
            return got

    def end(self, how=signal.SIGTERM):
        """Its exit code, and what it complained of: lines above the level info. All it said is `log` then."""
        self.process.send_signal(how)
        self.log = self.process.communicate(timeout=30)[1].decode()
        lines = self.log.splitlines(keepends=True)
        return self.process.returncode, "".join(line for line in lines if " info: " not in line)
