"""A receiver of jobs: checks the ledger's signature with another library, from docs/delivery.md alone."""
import base64
import hashlib
import http.server
import json
import re
import threading

import nacl.exceptions
import nacl.signing


def digest_of(body):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


def check_job(vkey, fields, body):
    """The job, if the ledger signed it; else ValueError."""
    _, key_id, key = vkey.split("+", 2)
    if fields["Content-Digest"] != digest_of(body):
        raise ValueError("another body")
    parameters = fields["Signature-Input"].removeprefix("ledger=")
    names = re.match(r'\("content-type" "content-digest" "idempotency-key"\);created=(\d+);keyid="([0-9a-f]{8})";'
                     r'alg="ed25519";tag="daicho-job"$', parameters)
    if not names or names[2] != key_id:
        raise ValueError("another key, or not signed as a job is")
    base = "".join(f'"{name}": {fields[name]}\n' for name in ("content-type", "content-digest", "idempotency-key"))
    signature = re.match(r"ledger=:([A-Za-z0-9+/=]+):$", fields["Signature"])
    try:
        nacl.signing.VerifyKey(base64.b64decode(key)[1:]).verify(
            (base + '"@signature-params": ' + parameters).encode(), base64.b64decode(signature[1]))
    except nacl.exceptions.BadSignatureError:
        raise ValueError("a bad signature") from None
    job = json.loads(body)
    if fields["Idempotency-Key"] != f'"{job["id"]}"':
        raise ValueError("another job's key")
    return job


class Webhook:
    """Keeps (fields, body) of each request; answers `status`."""

    def __init__(self):
        self.requests, self.status = [], 202
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                keeper.requests.append((self.headers, body))
                self.send_response(keeper.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/sms"


class Gate:
    """Stands between the dispatcher and the service; once `is_shut`, what is recorded never arrives."""

    def __init__(self, served):
        self.is_shut, self.held = False, threading.Event()
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if gate.is_shut and "record-delivery" in self.path:
                    gate.held.set()
                    threading.Event().wait(60)
                    return
                fields = {name.replace("-", "_"): self.headers[name] for name in
                          ("Content-Type", "Idempotency-Key") if self.headers[name]}
                token = self.headers["Authorization"].removeprefix("Bearer ")
                reply = served.ask("POST", self.path, body, token=token, **fields)
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.fields["Content-Type"])
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"
