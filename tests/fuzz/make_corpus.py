"""Writes the corpus anew: for each fuzz target what its parser takes, made of the golden ledger and its key, and what
comes close. Inputs that a fuzzer found are beside them, named `found-…`, and stay.

usage: python3 tests/fuzz/make_corpus.py <path of daicho>, from the root of the repository"""
import base64
import hashlib
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = ["tests/verifier", "tests/cli"]
from support.debian_python import require  # noqa: E402

require("nacl")
import tlog_tiles  # noqa: E402
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair  # noqa: E402

CORPUS = Path("tests/fuzz/corpus")
GOLDEN = Path("tests/data/ledger-v1")
ORIGIN = "daicho.example/ledger"
WITNESS = "witness.example/w1"
SEED = bytes(range(32))
SOME_ID = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0"


def b64(octets):
    return base64.b64encode(octets).decode()


def write(target, name, content):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def key_id(name, key_type, key):
    return hashlib.sha256(name.encode() + b"\n" + key_type + key).digest()[:4]


def entries_of(bundle):
    entries = []
    while bundle:
        size = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2:2 + size])
        bundle = bundle[2 + size:]
    return entries


def path_to(index, leaves):
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return path_to(index, leaves[:split]) + [tlog_tiles.root_of(leaves[split:])]
    return path_to(index - split, leaves[split:]) + [tlog_tiles.root_of(leaves[:split])]


def frontier_of(leaves):
    encoded, rest = struct.pack(">Q", len(leaves)), leaves
    while rest:
        width = 1 << (len(rest).bit_length() - 1)
        encoded += tlog_tiles.root_of(rest[:width])
        rest = rest[width:]
    return encoded


class Signed:
    """The golden log's key, which is its witness's as well: a corpus needs no more."""

    def __init__(self):
        self.public, self.secret = crypto_sign_seed_keypair(SEED)
        self.vkey = self.text_of(ORIGIN, b"\x01", self.public)
        self.witness = self.text_of(WITNESS, b"\x04", self.public)
        self.other = self.text_of("w2", b"\x04", SEED)
        self.private = "PRIVATE+KEY+" + ORIGIN + "+" + key_id(ORIGIN, b"\x01", self.public).hex() + "+" + b64(
            b"\x01" + SEED)

    @staticmethod
    def text_of(name, key_type, key):
        return f"{name}+{key_id(name, key_type, key).hex()}+{b64(key_type + key)}"

    def sign(self, message):
        return crypto_sign(message, self.secret)[:64]

    def cosignature(self, text, seconds):
        signature = self.sign(b"cosignature/v1\ntime %d\n" % seconds + text)
        content = key_id(WITNESS, b"\x04", self.public) + struct.pack(">Q", seconds) + signature
        return f"— {WITNESS} {b64(content)}\n"


def signed_formats(keys, note, envelopes, leaves):
    text = note[:note.index("\n\n") + 1]
    cosigned = note + keys.cosignature(text.encode(), 1_700_000_000)
    write("note", "golden", note)
    write("note", "cosigned", cosigned)
    write("note", "text", text)
    write("note", "text-with-extension", text + "extension 1\n")
    write("vkey", "log", keys.vkey)
    write("vkey", "witness", keys.witness)
    write("vkey", "secret", keys.private)
    write("tlog_policy", "quorum", f"# whom we trust\nlog {keys.vkey} https://log.example/\n"
          f"witness w1 {keys.witness} https://witness.example/\nwitness w2 {keys.other}\n"
          "group g any w1 w2\ngroup h 1 g w1\nquorum h\n")
    write("tlog_policy", "none", f"log {keys.vkey}\nquorum none\n")
    for number, index in (("first", 0), ("last", len(leaves) - 1)):
        entry = len(envelopes[index]).to_bytes(2, "big") + envelopes[index]
        hashes = "".join(b64(each) + "\n" for each in path_to(index, leaves))
        write("tlog_proof", number, f"c2sp.org/tlog-proof@v1\nextra {b64(entry)}\nindex {index}\n{hashes}\n{note}")
        write("disclosure", number, f"daicho disclosure v1\nevent {index}\nenvelope {b64(envelopes[index])}\n"
              f"{hashes}\ncheckpoint\n{note}")
    write("disclosure", "with-a-key", f"daicho disclosure v1\nevent 2\nenvelope {b64(envelopes[2])}\nkey {b64(SEED)}\n"
          + "".join(b64(each) + "\n" for each in path_to(2, leaves)) + f"\ncheckpoint\n{note}")
    write("witness", "from-nothing", f"old 0\n\n{note}")
    write("witness", "with-a-proof", f"old 4\n{b64(leaves[0])}\n{b64(leaves[1])}\n\n{note}")
    write("witness", "remembered", cosigned)
    cursor = {"cursor": 1, "checkpoint": note, "frontier": b64(frontier_of(leaves)),
              "taken_at": "2026-03-01T00:00:00.000000Z"}
    write("kept_file", "cursor", json.dumps(cursor, indent=1) + "\n")
    end = {"type": "end", "from": 0, "events": len(leaves), "erasures": 0, "checkpoint": note}
    write("kept_file", "no-erasures", json.dumps(end) + "\n")
    row = {"type": "AccountClosed", "seq": 9, "time": "2026-03-01T00:00:00Z", "event": b64(envelopes[-1])}
    write("kept_file", "an-erasure", json.dumps(row) + "\n" + json.dumps(end | {"erasures": 1}) + "\n")
    write("bundle", "frontier", frontier_of(leaves))
    write("bundle", "three", b"".join(len(each).to_bytes(2, "big") + each for each in envelopes[:3]))
    write("bundle", "empty-entry", b"\0\0\0\1x")
    for index in (0, 2, 3, 6, len(envelopes) - 1):
        write("event", f"golden-{index}", envelopes[index])


def small_forms():
    for name, text in (("id", SOME_ID), ("hex", "00ff7Aab"), ("base64", "AQID/w=="), ("number", "18446744073709551615"),
                       ("time", "2026-03-01T09:00:00.5+09:00"), ("time-utc", "9999-12-31T23:59:59.999999Z"),
                       ("lines", "a\n\nb\nrest")):
        write("text_forms", name, text)
    write("row", "unchanged", b"\0\0\0")
    write("row", "changed", b"\0\x10\x01\0\x20\x80")
    write("row", "longer", b"\xff\xff\x01")
    write("first_answer", "long", bytes(32) + bytes(16) + b"x" * 80)
    write("first_answer", "short", b"\x31")
    for name, text in (("email", "taro.yamada@example.com"), ("idna", "taro@bücher.example"),
                       ("quoted", '"a b"@example.com'), ("phone", "090-9876-5432\nJP"), ("e164", "+81 90 9876 5432\n"),
                       ("calling-code", "09098765432\n+81"), ("ipv4", "192.0.2.17"), ("ipv6", "2001:db8:1:2::17"),
                       ("mapped", "::ffff:192.0.2.17"), ("word", "suspected_intrusion")):
        write("contact", name, text)
    sealed, salt = b64(bytes(range(104))), b64(bytes(range(16)))
    for name, what in (("master", "master"), ("signing", f"signing {ORIGIN}+5a758731+AQ=="), ("share", "master.1")):
        write("key_file", name, f"daicho encrypted key v1\n{what}\nargon2id 3 262144 {salt}\n{sealed}\n")
    write("key_file", "plain", SEED.hex() + "\n")
    for name, text in (("tile", "/v1/log/tile/0/x001/067.p/5"),
                       ("query", "/v1/accounts/" + SOME_ID + "?as_of=42&a=%e5"),
                       ("escaped", "/v1/rules/R%2DBLK%2D1?x=a+b%26c&y"), ("dots", "/v1/../healthz"),
                       ("kanji", "/%E5%8F%B0%E5%B8%B3?%E5%90%8D=%E5%80%A4"), ("many", "/a?" + "b=c&" * 31 + "d=e")):
        write("target", name, text)
    for name, text in (("url", "http://witness.example:8080/w1/"), ("ipv6", "http://[2001:db8::1]:80/x"),
                       ("plain", "http://localhost"), ("endpoint", "127.0.0.1:7391"), ("endpoint6", "[::1]:65535")):
        write("url", name, text)
    head = "POST /v1/accounts HTTP/1.1\r\nHost: ledger.example.jp\r\nContent-Type: application/json\r\n"
    for name, text in (("length", head + "Content-Length: 2\r\n\r\n{}"),
                       ("chunks", head + "Transfer-Encoding: chunked\r\n\r\n"
                                         "2;a=b\r\n{}\r\n0\r\nTrailer: x\r\n\r\n"),
                       ("overlong", head + "Transfer-Encoding: chunked\r\n\r\n" + "4" * 17 + ";a=b\n{}\r\n"),
                       ("expectation", head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                       ("absolute", "GET http://ledger.example.jp/healthz?a=b HTTP/1.1\r\n"
                                    "Host: ledger.example.jp\r\n\r\n"),
                       ("old", "HEAD / HTTP/1.0\r\nConnection: keep-alive, x\r\n\r\n"),
                       ("asterisk", "OPTIONS * HTTP/1.1\r\nHost: [::1]:7391\r\n\r\n")):
        write("http_message", name, text)


def commands(program):
    """Each command's own example, behind the byte that chooses its route."""
    words = subprocess.run([program, "command", "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z]+(?:-[a-z]+)+) ", words.split("Commands:")[1].split("Fields of each")[0], re.M)
    source = Path("tools/routes.cpp").read_text()
    rows = source[source.index("route_table"):]
    for number, name in enumerate(names):
        row = rows[rows.index(f'{{"{name}",'):]
        pieces = re.search(r'R"\(.*?\)"(?:\s*R"\(.*?\)")*', row, re.S)[0]
        example = "".join(re.findall(r'R"\((.*?)\)"', pieces, re.S))
        json.loads(example)
        write("request", name, bytes([number]) + example.replace("…", SOME_ID).encode())
    around = {"account": "taro@outlook.com", "service": "web", "idempotency_key": "k-1", "expected_version": 7,
              "source": {"ip": "192.0.2.17", "user_agent": "browser", "device_id": "pc-1"}, "reason": "other"}
    write("request", "all-around", bytes([names.index("block-account")]) + json.dumps(around).encode())


def requests():
    post, typed = "POST /v1/commands/{} HTTP/1.1\n", "Content-Type: application/json\n"
    keyed = typed + 'Idempotency-Key: "k-1"\n'
    name = '"account":"taro@outlook.com"'
    for title, text in (
        ("block", post.format("block-account") + keyed + 'If-Match: "7"\n\n{' + name + ',"reason":"other"}'),
        ("sign-in", post.format("record-sign-in?proof") + keyed + "\n{" + name + ',"result":"failed"}'),
        ("challenge", post.format("start-challenge") + keyed + "Accept-Language: ja\n\n{" + name
         + ',"purpose":"reset_password"}'),
        ("recovery", post.format("submit-recovery") + keyed + "\n{" + name
         + ',"contact_address":"friend@example.com","answers":{"surname":"山田","mail_folders":"not_registered"}}'),
        ("batch", "POST /v1/commands HTTP/1.1\nContent-Type: application/x-ndjson\n\n"
         '{"command":"record-evidence",' + name + ',"items":[{"kind":"card_last4","value":"1234"}],'
         '"idempotency_key":"n-1"}\n{"command":"bogus"}\n'),
        ("account", f"GET /v1/accounts/{SOME_ID}?as_of=3 HTTP/1.1\n\n"),
        ("query", f"GET /v1/accounts/{SOME_ID}/timeline?limit=3 HTTP/1.1\nAuthorization: Bearer x\n\n"),
        ("by-name", "POST /v1/queries/account HTTP/1.1\n" + typed + "\n{" + name + "}"),
        ("recovery-options", "POST /v1/queries/recovery-options HTTP/1.1\n" + typed + "\n{" + name + "}"),
        ("explain", "GET /v1/queries/explain?seq=1 HTTP/1.1\nAccept-Language: ja\n\n"),
        ("events", "GET /v1/events?from=1&limit=2&type=PolicyAdopted&since=2026-01-01T00:00:00Z HTTP/1.1\n"
         "Accept: application/x-ndjson\n\n"),
        ("stream", "GET /v1/events HTTP/1.1\nAccept: text/event-stream\nLast-Event-ID: 0\n\n"),
        ("tile", "GET /v1/log/tile/0/000.p/2 HTTP/1.1\n\n"),
        ("bundle", "GET /v1/log/tile/entries/000.p/2 HTTP/1.1\n\n"),
        ("proof", "GET /v1/log/proofs/1 HTTP/1.1\n\n"), ("checkpoint", "GET /v1/log/checkpoint HTTP/1.1\n\n"),
        ("rule", "GET /v1/rules/R-BLK-1 HTTP/1.1\n\n"), ("metrics", "HEAD /metrics HTTP/1.1\n\n"),
        ("openapi", "GET /openapi.json HTTP/1.1\n\n"), ("method", "DELETE /v1/events HTTP/1.1\n\n"),
    ):
        write("service", title, text)


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: python3 {sys.argv[0]} <path of daicho>")
    for path in CORPUS.glob("*/*"):
        if not path.name.startswith("found-"):
            path.unlink()
    note = (GOLDEN / "checkpoint").read_text()
    envelopes = entries_of((GOLDEN / "events").read_bytes())
    leaves = [tlog_tiles.leaf_hash(each) for each in envelopes]
    keys = Signed()
    assert keys.vkey + "\n" == (GOLDEN / "vkey").read_text(), "the golden key"
    signed_formats(keys, note, envelopes, leaves)
    small_forms()
    commands(sys.argv[1])
    requests()


if __name__ == "__main__":
    main()
