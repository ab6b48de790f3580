"""throughput: rates, stalls, ends; and a real MTU black hole in a namespace."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bot.prober import throughput
from bot.probes import pack
from tests.prober.servers import answering, listening, probe, read_head, reset

NAME = f"bmmtu{os.getpid()}"
stop = threading.Event()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    stop.clear()
    yield
    stop.set()


def body(size: int, said: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (size if said is None else said) + b"x" * size


def ask(server: Any, **args: Any) -> dict[str, Any]:
    return probe("throughput", url=f"http://127.0.0.1:{server.port}/big", **args)


def test_a_download_is_measured() -> None:
    with listening(answering(body(3_000_000))) as server:
        result = ask(server)
    facts = result["facts"]
    assert (result["outcome"], facts["bytes"], facts["expected"]) == ("ok", 3_000_000, 3_000_000)
    assert facts["bytes_per_second"] > 100_000
    assert facts["mss"] > 500


def test_no_more_is_taken_than_was_asked_for() -> None:
    with listening(answering(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 100)) as server:
        result = ask(server, bytes=200_000)
    assert result["outcome"] == "ok"
    assert 200_000 <= result["facts"]["bytes"] < 400_000


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (answering(body(1000, 5000)), "short"), (answering(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), "http-status"), (reset, "reset"),
        (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "ok"),
        (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), "short"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "ok"),
    ],
)  # fmt: skip
def test_ends(handler: Any, outcome: str) -> None:
    with listening(handler) as server:
        assert ask(server, timeout=3)["outcome"] == outcome


def test_a_stall_that_is_none_of_the_paths_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "QUIET", 0.4)

    def stalls(conn: Any) -> None:
        read_head(conn)
        conn.sendall(body(10_000, 99_999))
        stop.wait(5)

    with listening(stalls) as server:
        result = ask(server, timeout=4)
        assert server.accepted == 1 + len(result["facts"]["tried"])
    facts = result["facts"]
    assert (result["outcome"], facts["stalled_at"], facts["mtu_black_hole"]) == ("slow", 10_000, False)
    assert "then nothing for" in facts["error"]


def test_redirects_are_followed_and_judged() -> None:
    with listening(answering(body(5000))) as far:
        away = f"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:{far.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(answering(away)) as server:
            assert ask(server)["facts"]["bytes"] == 5000
        with listening(answering(away.replace(b"127.0.0.1", b"10.9.9.9"))) as server:
            assert ask(server)["outcome"] == "denied"
        assert far.accepted == 1


SERVER = """
import socket, threading
sock = socket.socket(); sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); sock.bind(("0.0.0.0", 80)); sock.listen(50)
print("ready", flush=True)
def one(conn):
    conn.recv(4096)
    try: conn.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2000000\\r\\n\\r\\n" + b"x" * 2000000)
    except OSError: pass
    conn.close()
while True:
    conn, _ = sock.accept()
    threading.Thread(target=one, args=(conn,), daemon=True).start()
"""


@pytest.mark.lab
def test_a_real_black_hole() -> None:
    """Packets above 1200 bytes vanish on their way back; the largest rung that fits is found."""
    if os.geteuid() != 0 or not shutil.which("nft"):
        pytest.skip("needs root, network namespaces and nftables")
    near, far = f"{NAME}n", f"{NAME}f"
    try:
        for name in (near, far):
            subprocess.run(["ip", "netns", "add", name], check=True)
        subprocess.run(
            ["ip", "link", "add", "eth0", "netns", near, "type", "veth", "peer", "name", "eth0", "netns", far],
            check=True,
        )
        for name, last in ((near, 1), (far, 2)):
            for words in (f"address add 10.99.7.{last}/24 dev eth0", "link set eth0 up", "link set lo up"):
                subprocess.run(["ip", "-n", name, *words.split()], check=True)
            # segments leave as packets of their own size, not glued together for the card to cut
            subprocess.run(["ip", "-n", name, "link", "set", "eth0", "gso_max_segs", "1"], check=False)
        rules = "add table ip t\nadd chain ip t out { type filter hook output priority 0; }\nadd rule ip t out tcp sport 80 meta length > 1200 drop\n"
        subprocess.run(["ip", "netns", "exec", far, "nft", "-f", "-"], input=rules.encode(), check=True)
        with subprocess.Popen(
            ["ip", "netns", "exec", far, sys.executable, "-c", SERVER], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout
            child.stdout.readline()
            probes = [{"id": "t", "verb": "throughput", "args": {"url": "http://10.99.7.2/", "timeout": 14}}]
            request = {"schema": "buildmedic.probe/1", "deadline": 16, "policy": {"scope": "any"}, "probes": probes}
            done = subprocess.run(["ip", "netns", "exec", near, sys.executable, "-I", "-S", "-c", pack.BOOT],
                                  input=pack.stdin(json.dumps(request).encode()), capture_output=True, check=True)  # fmt: skip
            child.kill()
    finally:
        for name in (near, far):
            subprocess.run(["ip", "netns", "del", name], check=False)
    (result,) = json.loads(done.stdout)["results"]
    facts = result["facts"]
    assert facts["mtu_black_hole"] is True, result
    # 1160 bytes and 40 of headers are 1200; 12 more are the timestamps' option, inside the segment
    assert facts["works_with_mss"] in (1160, 960), result
    assert "MTU black hole" in facts["error"]
