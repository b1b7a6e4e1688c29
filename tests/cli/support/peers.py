"""Peers that are no service, and a relay that loses answers: each on a port of its own, one connection at a time."""
import socket
import threading


def http_answer(status, content_type, body):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def closed_port():
    """One that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def read_request(peer):
    """A whole request with a Content-Length, or without a body."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = peer.recv(65536)
        if not part:
            return got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


class Peer:
    """Hands each connection to answer(); `count` of them have come."""

    def __enter__(self):
        self.count, self.open = 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=20)
        for each in (self.listener, *self.open):
            each.close()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer.settimeout(20)
            self.count += 1
            try:
                self.answer(peer)
            except OSError:
                peer.close()


class Answering(Peer):
    """Always the same bytes, then the end; None: silence, the connection stays open."""

    def __init__(self, bytes_):
        self.bytes = bytes_

    def answer(self, peer):
        read_request(peer)
        if self.bytes is None:
            self.open.append(peer)
            return
        peer.sendall(self.bytes)
        peer.close()


class Relay(Peer):
    """To a service and back. The answers to the first `drop` requests are lost, or the first one is `first` instead."""

    def __init__(self, port, drop=0, first=None):
        self.to, self.drop, self.first = port, drop, first

    def answer(self, peer):
        request = read_request(peer)
        if self.count == 1 and self.first:
            peer.sendall(self.first)
            peer.close()
            return
        with socket.create_connection(("127.0.0.1", self.to), timeout=20) as service:
            service.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            answer = b""
            while part := service.recv(65536):
                answer += part
        if self.count > self.drop:
            peer.sendall(answer)
        peer.close()
