"""A name that answers its first question with a public address and the next with a private one, through libc."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.probes import pack

pytestmark = pytest.mark.lab
NAME = f"bmrebind{os.getpid()}"

WORLD = """
import socket, struct, sys, threading
turn = [0]
def answer(packet):
    at = 12
    while packet[at]:
        at += packet[at] + 1
    kind = struct.unpack_from(">H", packet, at + 1)[0]
    question, records = packet[12:at + 5], b""
    if kind == 1:
        turn[0] += 1
        address = "203.0.114.9" if turn[0] % 2 else "10.9.9.9"
        records = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
    return packet[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records) // 16, 0, 0) + question + records
def listen():
    sock = socket.socket(); sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", 80)); sock.listen(50)
    while True:
        conn, _ = sock.accept()
        where = conn.getsockname()[0]
        print("CONNECTED", where, flush=True)
        conn.settimeout(2)
        try:
            conn.recv(999)
            conn.sendall(b"HTTP/1.1 302 Found\\r\\nLocation: http://rebind.example/\\r\\nContent-Length: 0\\r\\n\\r\\n")
        except OSError:
            pass
        conn.close()
threading.Thread(target=listen, daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    packet, peer = udp.recvfrom(4096)
    udp.sendto(answer(packet), peer)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and network namespaces")
    etc = Path("/etc/netns") / NAME
    etc.mkdir(parents=True)
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        run = ["ip", "-n", NAME]
        for words in ("link set lo up", "address add 10.9.9.9/32 dev lo", "address add 203.0.114.9/32 dev lo"):
            subprocess.run([*run, *words.split()], check=True)
        log = tmp_path / "log"
        command = ["ip", "netns", "exec", NAME, sys.executable, "-c", WORLD]
        with log.open("wb") as out, subprocess.Popen(command, stdout=out) as child:
            while "ready" not in log.read_text():
                assert child.poll() is None
            yield log
            child.kill()
    finally:
        subprocess.run(["ip", "netns", "del", NAME], check=False)
        shutil.rmtree(etc)


def test_rebinding_reaches_nothing_private(world: Path) -> None:
    probes = []
    for i in range(8):
        probes.append({"id": f"tcp{i}", "verb": "tcp", "args": {"host": "rebind.example", "port": 80, "timeout": 2}})
        probes.append({"id": f"tls{i}", "verb": "tls", "args": {"host": "rebind.example", "port": 80, "timeout": 2}})
        probes.append({"id": f"http{i}", "verb": "http", "args": {"url": "http://rebind.example/", "timeout": 3}})
    request = {"schema": "buildmedic.probe/1", "deadline": 20, "policy": {"scope": "public"}, "probes": probes}
    done = subprocess.run(
        ["ip", "netns", "exec", NAME, sys.executable, "-I", "-S", "-c", pack.BOOT],
        input=pack.stdin(json.dumps(request).encode()), capture_output=True, check=True,
    )  # fmt: skip
    outcomes = {r["outcome"] for r in json.loads(done.stdout)["results"]}
    assert "denied" in outcomes  # it did answer with the private one
    connected = world.read_text().split("CONNECTED")[1:]
    assert connected  # and with the public one
    assert {c.split()[0] for c in connected} == {"203.0.114.9"}
