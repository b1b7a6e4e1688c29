"""A disk that is full under the service: it goes on running, says so, loses nothing that was answered, and starts again
when there is space.

Wants a file system of its own, which not every machine gives a test: without one nothing is checked.

usage: python3 tests/cli/full_disk.py <path of daicho>"""
import itertools
import os
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from support.program import REGISTRATION, Ledger, main  # noqa: E402
from support.served import Served  # noqa: E402

DISK_MIB, LEFT_MIB = 256, 2
SIGN_IN = {"result": "failed", "device_id": "pc-1", "location": "JP-13"}
WRITERS = 4


def fill(folder):
    """All of it but a little."""
    state = os.statvfs(folder)
    with (folder / "fill").open("wb") as file:
        for _ in range((state.f_bavail * state.f_frsize >> 20) - LEFT_MIB):
            file.write(b"\0" * (1 << 20))
    return folder / "fill"


def run(program, directory, report):
    disk = directory / "disk"
    disk.mkdir()
    image = directory / "image"
    with image.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mount = subprocess.run(["mount", "-o", "loop", str(image), str(disk)], capture_output=True, text=True)
    if mount.returncode != 0:
        report.check(bool(mount.stderr), f"not run: {mount.stderr}")
        return
    try:
        full(program, disk, report)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def full(program, disk, report):
    ledger = Ledger(program, disk / "ledger")
    served = Served(ledger)
    account = served.ask("POST", "/v1/accounts", REGISTRATION, Idempotency_Key="r").json["account"]
    filling, answered, noes = fill(disk), {}, []

    def write(number):
        for key in (f"{number}-{count}" for count in itertools.count()):
            reply = served.command(account, "record-sign-in", SIGN_IN, key)
            if reply.status != 200:
                return noes.append(reply)
            answered[key] = reply.json["events"][0]["seq"]

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    report.equal({(reply.status, reply.code) for reply in noes}, {(503, "stopped")}, "writes that find no space")
    report.check(len(answered) > 10, f"{len(answered)} before it")
    report.equal(served.ask("GET", "/readyz").code, "stopped", "no command is to be sent here")
    report.equal(served.ask("GET", f"/v1/accounts/{account}").status, 200, "queries go on")
    code, complaints = served.end()
    report.check(code == 0 and "storage failed" in complaints, f"it ends when told to: {code} {complaints[-300:]}")
    filling.unlink()
    served = Served(ledger)
    for key, position in sorted(answered.items(), key=lambda each: each[1])[-200:]:
        again = served.command(account, "record-sign-in", SIGN_IN, key)
        report.equal((again.json["events"][0]["seq"], again.json.get("replayed")), (position, True), f"{key} is there")
    report.equal(served.command(account, "record-sign-in", SIGN_IN, "after").status, 200, "with space it goes on")
    report.equal(served.end(), (0, ""), "the server's end")
    report.equal(ledger.run("audit", "verify").code, 0, "what it leaves is intact")


if __name__ == "__main__":
    main("full_disk", run)
