"""The bar for safety: more than a thousand hostile targets, and none is reached from the bot's host, and none hangs it.

In the lab every address there is belongs to a namespace of its own, and whatever connects anywhere is written down:
nothing has to be believed. (With a guard taken out of bot/prober/policy.py these tests fail.)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.prober.policy import Policy
from bot.prober.run import MAX_PROBES, answer_all
from bot.probes import pack
from tests.prober import hostile
from tests.prober.servers import Listener, connect_proxy, hang_up, probe, read_head

NAME = f"bmhostile{os.getpid()}"
PUBLIC, PUBLIC_6 = "203.0.114.9", "2a00:1234::9"
# what a public server and a public name do to those who come: sends them on, or is somebody else the second time
WORLD = r"""
import itertools, json, socket, struct, sys, threading
targets = json.load(open(sys.argv[1]))
public = {"203.0.114.9", "2a00:1234::9"}
turn = itertools.count()
def log(*words): sys.stdout.write(" ".join(map(str, words)) + "\n"); sys.stdout.flush()
def page(path):
    number = "".join(c for c in path if c.isdigit())
    onward = targets[int(number) % len(targets)] if number else None
    if "realm" in path or path == "/v2/":
        return 401, 'WWW-Authenticate: Bearer realm="%s",service="x"\r\n' % targets[next(turn) % len(targets)], b""
    if "tarball" in path:
        return 200, "Content-Type: application/json\r\n", json.dumps(
            {"version": "1.0.0", "dist": {"tarball": targets[next(turn) % len(targets)]}}).encode()
    if "index" in path:
        return 200, "Content-Type: text/html\r\n", ('<a href="%s">x-1.0.tar.gz</a>' % targets[next(turn) % len(targets)]).encode()
    if "loop" in path:
        return 302, "Location: /loop\r\n", b""
    if onward:
        return 302, "Location: %s\r\n" % onward, b""
    return 200, "", b"hello"
def one(conn, port):
    where = conn.getsockname()[0].replace("::ffff:", "")
    log("TCP", where, port)
    if where not in public:
        conn.close(); return
    conn.settimeout(3)
    try:
        head = b""
        while b"\r\n\r\n" not in head:
            part = conn.recv(4096)
            if not part: return
            head += part
        status, more, body = page(head.split()[1].decode())
        conn.sendall(("HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), more)).encode("utf-8", "replace") + body)
    except OSError: pass
    finally: conn.close()
def listen(family, port):
    sock = socket.socket(family, socket.SOCK_STREAM); sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port)); sock.listen(200)
    while True:
        conn, _ = sock.accept()
        threading.Thread(target=one, args=(conn, port), daemon=True).start()
def stray(family):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 5353))
    while True:
        sock.recvfrom(4096); log("UDP", "somewhere", 5353)
private = ["10.9.9.9", "127.0.0.1", "169.254.169.254", "192.168.7.7", "100.100.100.200"]
mapped = ["::ffff:10.9.9.9", "fc00::9", "::1", "fd00:ec2::254", "64:ff9b::a09:909", "2002:a09:909::1", "::ffff:169.254.169.254"]
def answer(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1")); at += packet[at] + 1
    name, kind = labels[0].lower(), struct.unpack_from(">H", packet, at + 1)[0]
    question, records, number = packet[12:at + 5], [], next(turn)
    if name.startswith("rebind"):
        text = "203.0.114.9" if number % 2 else private[number // 2 % len(private)]
    elif name.startswith("private"):
        text = private[int("0" + "".join(c for c in name if c.isdigit())) % len(private)]
    elif name.startswith("six"):
        text = mapped[int("0" + "".join(c for c in name if c.isdigit())) % len(mapped)]
    elif name.startswith("both"):
        text = None
    else:
        return packet[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + question
    for one in [text] if text else ["203.0.114.9", "10.9.9.9", "169.254.169.254"]:
        family, code = (socket.AF_INET6, 28) if ":" in one else (socket.AF_INET, 1)
        if code == kind:
            data = socket.inet_pton(family, one)
            records.append(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data)
    return packet[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0) + question + b"".join(records)
for port in (22, 53, 80, 443, 5000, 9418):
    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=listen, args=(family, port), daemon=True).start()
for family in (socket.AF_INET, socket.AF_INET6):
    threading.Thread(target=stray, args=(family,), daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 53))
log("ready")
while True:
    packet, peer = udp.recvfrom(4096)
    try: udp.sendto(answer(packet), peer)
    except Exception as error: log("DNS", repr(error))
"""


class World:
    """A namespace to which every address of IPv4 and IPv6 belongs, and the list of who connected where."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"

    def ask(self, listed: list[tuple[str, dict[str, Any]]], scope: str = "public", **env: str) -> list[dict[str, Any]]:
        """Run the probes there, as they are sent to a machine, 64 at a time."""
        results: list[dict[str, Any]] = []
        for start in range(0, len(listed), MAX_PROBES):
            part = listed[start : start + MAX_PROBES]
            probes = [{"id": str(i), "verb": verb, "args": args} for i, (verb, args) in enumerate(part)]
            policy = {"scope": scope, "capture": True}
            request = {"schema": "buildmedic.probe/1", "deadline": 20, "policy": policy, "probes": probes}
            command = ["ip", "netns", "exec", NAME, sys.executable, "-I", "-S", "-c", pack.BOOT]
            plain = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
            done = subprocess.run(
                command, input=pack.stdin(json.dumps(request).encode()), capture_output=True, check=True,
                env={**plain, "PATH": "/usr/bin:/bin:/usr/sbin", **env}, timeout=60,
            )  # fmt: skip
            assert done.stderr == b"", done.stderr
            results += json.loads(done.stdout)["results"]
        return results

    def reached(self) -> set[str]:
        """Addresses that somebody connected to."""
        return {line.split()[1] for line in self.log.read_text().splitlines() if line.startswith(("TCP", "UDP"))}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and network namespaces")
    etc = Path("/etc/netns") / NAME
    etc.mkdir(parents=True)
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost ip6-localhost\n")
    (tmp_path / "targets").write_text(json.dumps([u for h in hostile.hosts()[::5] for u in hostile.urls(h)[:4]]))
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        for words in ("link set lo up", "route add local default dev lo", "-6 route add local default dev lo"):
            subprocess.run(["ip", "-n", NAME, *words.split()], check=True)
        found = World(tmp_path)
        command = ["ip", "netns", "exec", NAME, sys.executable, "-c", WORLD, str(tmp_path / "targets")]
        with found.log.open("wb") as out, subprocess.Popen(command, stdout=out) as child:
            while "ready" not in found.log.read_text():
                assert child.poll() is None
            yield found
            child.kill()
    finally:
        subprocess.run(["ip", "netns", "del", NAME], check=False)
        shutil.rmtree(etc)


def finished(results: list[dict[str, Any]]) -> None:
    """Each came to its end by itself, and says why; no probe failed in itself."""
    for result in results:
        error = result["facts"].get("error", "")
        assert "the probe itself failed" not in error, result
        assert "not done when the time was up" not in error, result


@pytest.mark.lab
def test_none_of_a_thousand_is_reached_from_the_bots_host(world: World) -> None:
    listed = hostile.thousand()
    assert len(listed) > 1000
    results = world.ask(listed)
    finished(results)
    assert world.reached() == set()
    assert {r["outcome"] for r in results} <= {
        "denied",
        "error",
        "nxdomain",
        "nodata",
        "proxy-error",
        "prohibited",
        "unsupported",
    }
    assert sum(r["outcome"] == "denied" for r in results) > 700


@pytest.mark.lab
def test_metadata_is_reached_from_nowhere(world: World) -> None:
    listed = hostile.thousand(metadata_only=True)
    results = world.ask(listed, "any")
    finished(results)
    assert world.reached() == set()
    # some of these go nowhere without a zone in any case: refused they are all the same
    plain = world.ask([("tcp", {"host": one, "timeout": 2}) for one in hostile.METADATA + hostile.METADATA_6], "any")
    assert {r["outcome"] for r in plain} == {"denied"}
    names = [("http", {"url": f"http://{name}/", "timeout": 2}) for name in hostile.NAMES]
    world.ask(names, "any", http_proxy=f"http://{PUBLIC}:80", all_proxy="http://169.254.169.254:80")
    assert world.reached() == set()


@pytest.mark.lab
def test_names_and_redirects_lead_nowhere_else(world: World) -> None:
    """The harness sees what is reached: the public servers are, and they alone."""
    numbers = range(0, 200, 3)
    listed: list[tuple[str, dict[str, Any]]] = []
    for n in numbers:
        listed += [
            ("http", {"url": f"http://{PUBLIC}/{n}", "timeout": 3}), ("goproxy", {"goproxy": f"http://{PUBLIC}/{n}", "timeout": 3}),
            ("tcp", {"host": f"rebind{n}.example", "port": 80, "timeout": 2}), ("http", {"url": f"http://rebind{n}.example/{n}", "timeout": 3}),
            ("tls", {"host": f"six{n}.example", "timeout": 2}), ("git", {"url": f"http://private{n}.example/x.git", "timeout": 2}),
            ("registry", {"image": f"{PUBLIC}:80/x/y", "scheme": "http", "timeout": 3}),
            ("npm", {"registry": f"http://{PUBLIC}/tarball", "package": "x@1", "timeout": 3}),
            ("pypi", {"index": f"http://{PUBLIC}/index", "package": "x", "timeout": 3}),
            ("throughput", {"url": f"http://{PUBLIC}/{n}", "timeout": 3}), ("clock", {"url": f"http://rebind{n}.example/", "timeout": 3}),
            ("tcp", {"host": f"both{n}.example", "port": 80, "timeout": 2}), ("http", {"url": f"http://[{PUBLIC_6}]/loop", "timeout": 3}),
        ]  # fmt: skip
    finished(world.ask(listed))
    assert world.reached() == {PUBLIC, PUBLIC_6}


@pytest.mark.lab
def test_no_proxy_is_asked_for_what_is_closed(world: World, tmp_path: Path) -> None:
    """A proxy that the environment names would go anywhere; the bot's host does not even ask it to."""
    listed = [(v, a) for v, a in hostile.thousand() if "via" not in a and v not in ("tcp", "tls", "dns", "capture")]
    results = world.ask(listed, http_proxy=f"http://{PUBLIC}:80", https_proxy=f"http://{PUBLIC}:80", no_proxy="")
    finished(results)
    assert world.reached() == set()
    # one that is open goes through it, by the address that was judged
    (result,) = world.ask([("http", {"url": "http://203.0.114.10/", "timeout": 3})], http_proxy=f"http://{PUBLIC}:80")
    assert result["facts"]["via"] == "proxy"
    assert world.reached() == {PUBLIC}


# -- peers that would hang it, or fill its memory


def _forever(first: bytes, again: bytes):
    def handle(conn: Any) -> None:
        read_head(conn)
        conn.sendall(first)
        while True:
            conn.sendall(again)

    return handle


def _drip(first: bytes, drop: bytes):
    """A few bytes, then one at a time, never done."""

    def handle(conn: Any) -> None:
        conn.sendall(first)
        while not stop.wait(0.2):
            conn.sendall(drop)

    return handle


stop = threading.Event()
OK = b"HTTP/1.1 200 OK\r\n"
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + b"\xec\xc1\x01\x01" + b"\x00" * 5000
PEERS: dict[str, Any] = {
    "slow loris": _drip(b"HTTP/1.1 200", b"x"), "slow headers": _drip(OK, b"A: b\r\n"), "slow body": _drip(OK + b"Content-Length: 99999\r\n\r\n", b"x"),
    "slow chunks": _drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "header flood": _forever(OK, b"X: " + b"y" * 500 + b"\r\n"),
    "one endless header": _forever(OK + b"X: ", b"y" * 65536), "endless body": _forever(OK + b"\r\n", b"z" * 65536),
    "endless chunks": _forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"z" * 65536 + b"\r\n"),
    "chunk of a petabyte": _forever(OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n", b"z" * 65536),
    "chunk size without end": _forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1" * 65536),
    "gzip bomb": _forever(OK + b"Content-Encoding: gzip\r\nContent-Length: 999999999\r\n\r\n" + GZIP, b"\x00" * 65536),
    "interim for ever": _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "nul bytes": _forever(b"", b"\x00" * 65536),
    "length that is a lie": _forever(OK + b"Content-Length: 99999999999999999999999999\r\n\r\n", b"z" * 65536),
    "negative length": _drip(OK + b"Content-Length: -1\r\n\r\n", b"z"), "endless line": _forever(b"", b"SSH-" + b"q" * 65536),
    "silent": _drip(b"", b""), "json nest": _forever(OK + b"Content-Type: application/json\r\n\r\n", b"[" * 65536),
    "json number": _forever(OK + b"Content-Type: application/json\r\n\r\n", b"9" * 65536),
    "links": _forever(OK + b"Content-Type: text/html\r\n\r\n", b"<a " * 20000), "tags": _forever(OK + b"\r\n", b"<title<meta " * 6000),
    "redirect to itself": lambda conn: (read_head(conn), conn.sendall(b"HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")),
    "redirect for ever longer": lambda conn: conn.sendall(
        b"HTTP/1.1 302 X\r\nLocation: " + (read_head(conn).split() + [b"/"] * 2)[1][:1900] + b"x\r\nContent-Length: 0\r\n\r\n"),
    "header that splits": lambda conn: (read_head(conn), conn.sendall(
        b'HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer realm="http://127.0.0.1:1/\nX: y",service="a\rb"\r\nContent-Length: 0\r\n\r\n')),
    "hangs up": hang_up,
}  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
def test_no_peer_hangs_it_or_fills_its_memory(name: str) -> None:
    stop.clear()
    server = Listener(PEERS[name])
    at = f"127.0.0.1:{server.port}"
    listed = [
        (v, {**a, "timeout": 0.7})
        for v, a in hostile.probes(at.split(":", maxsplit=1)[0], f"http://{at}/")
        if v not in ("dns", "capture")
    ]
    listed = [(v, {**a, "port": server.port} if "port" in a else a) for v, a in listed]
    listed += [("registry", {"image": f"{at}/a/b", "scheme": "http", "timeout": 0.7}), ("git", {"url": f"git://{at}/x", "timeout": 0.7}),
               ("git", {"url": f"ssh://{at}/x", "timeout": 0.7}), ("git", {"url": f"http://{at}/x", "ref": "main", "timeout": 0.7})]  # fmt: skip
    request = {
        "schema": "buildmedic.probe/1", "deadline": 10, "policy": {"allow": ["127.0.0.1/32"]},
        "probes": [{"id": str(i), "verb": v, "args": a} for i, (v, a) in enumerate(listed)],
    }  # fmt: skip
    code = f"import resource;resource.setrlimit(resource.RLIMIT_DATA, (700 << 20, 700 << 20));{pack.BOOT}"
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code], input=pack.stdin(json.dumps(request).encode()), capture_output=True,
            check=True, timeout=30, env=env,
        )  # fmt: skip
    finally:
        stop.set()
        server.close()
    assert done.stderr == b"", done.stderr
    assert len(done.stdout) < 80_000
    finished(json.loads(done.stdout)["results"])
    assert server.accepted > 10


def test_a_proxy_that_says_nothing_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    for handle in (PEERS["silent"], PEERS["header flood"], connect_proxy("407 no"), PEERS["nul bytes"]):
        stop.clear()
        server = Listener(handle)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("no_proxy", "")
        try:
            for url in ("http://127.0.0.1:9/", "https://127.0.0.1:9/"):
                result = probe("http", url=url, timeout=1)
                assert result["outcome"] in ("timeout", "proxy-error", "proxy-auth", "error"), result
                finished([result])
        finally:
            stop.set()
            server.close()


def test_loopback_in_every_spelling_without_a_lab() -> None:
    """What every machine can check: all of these lead to a port that counts."""
    servers = [Listener(hang_up, "127.0.0.1")]
    servers.append(Listener(hang_up, "::1", servers[0].port))
    port = servers[0].port
    listed = []
    for number, host in enumerate(
        h for h in hostile.hosts() if "127" in h or "7f" in h.lower() or "::1" in h or "local" in h
    ):
        for verb, args in hostile.probes(
            host, hostile.urls(host)[0].replace("/", f":{port}/", 3).replace(f":{port}/", "/", 2)
        )[number % 3 :: 3]:
            if verb not in ("capture", "dns"):
                listed.append((verb, {**args, "port": port} if "port" in args else args))
    assert len(listed) > 500
    results = []
    for start in range(0, len(listed), MAX_PROBES):
        part = [{"id": str(i), "verb": v, "args": a} for i, (v, a) in enumerate(listed[start : start + MAX_PROBES])]
        results += answer_all({"deadline": 15, "policy": Policy("public"), "probes": part})
    finished(results)
    assert sum(s.accepted for s in servers) == 0
    for server in servers:
        server.close()
