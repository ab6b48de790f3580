"""Small real servers on loopback for the prober's tests: DNS, TCP, TLS, HTTP and a CONNECT proxy, honest or hostile."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bot.prober.policy import Policy
from bot.prober.run import answer_all
from bot.triage.verb_table import VERBS

LOOPBACK = Policy("public", ["127.0.0.0/8", "::1/128"])
Handler = Callable[[socket.socket], None]


def probe(verb: str, policy: Policy = LOOPBACK, deadline: float = 8, **args: Any) -> dict[str, Any]:
    """One probe, in this process."""
    given = {"deadline": deadline, "policy": policy, "probes": [{"id": "p", "verb": verb, "args": args}]}
    result: dict[str, Any] = answer_all(given)[0]
    if verb in VERBS:  # what a verb tells is what playbooks know of it
        assert set(result["facts"]) <= VERBS[verb].facts, set(result["facts"]) - VERBS[verb].facts
    return result


class Listener:
    """A TCP server: `handle` gets each connection in a thread. `accepted` counts them."""

    def __init__(self, handle: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))
        self.sock.listen(64)
        self.port: int = self.sock.getsockname()[1]
        self.handle, self.accepted, self.open = handle, 0, []  # type: ignore[var-annotated]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.accepted += 1
            self.open.append(conn)
            threading.Thread(target=self._one, args=(conn,), daemon=True).start()

    def _one(self, conn: socket.socket) -> None:
        with contextlib.suppress(OSError), conn:
            self.handle(conn)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for conn in self.open:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
            conn.close()


@contextlib.contextmanager
def listening(handle: Handler, host: str = "127.0.0.1", port: int = 0) -> Iterator[Listener]:
    server = Listener(handle, host, port)
    try:
        yield server
    finally:
        server.close()


def silent(conn: socket.socket) -> None:
    """Accept, and say nothing until the peer goes."""
    while conn.recv(65536):
        pass


def reset(conn: socket.socket) -> None:
    conn.recv(1)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(conn: socket.socket) -> None:
    conn.recv(65536)


def read_head(conn: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = conn.recv(65536)
        if not part:
            break
        data += part
    return data


def answering(*parts: bytes, seen: list[bytes] | None = None) -> Handler:
    """Read a request's head, send the parts, close."""

    def handle(conn: socket.socket) -> None:
        head = read_head(conn)
        if seen is not None:
            seen.append(head)
        for part in parts:
            conn.sendall(part)

    return handle


def over_tls(context: ssl.SSLContext, inner: Handler) -> Handler:
    def handle(conn: socket.socket) -> None:
        with context.wrap_socket(conn, server_side=True) as wrapped:
            inner(wrapped)

    return handle


def connect_proxy(
    status: str = "200 Connection established", headers: str = "", seen: list[bytes] | None = None
) -> Handler:
    """A CONNECT proxy that really tunnels (to loopback alone), or refuses with `status`."""

    def handle(conn: socket.socket) -> None:
        head = read_head(conn)
        if seen is not None:
            seen.append(head)
        conn.sendall(f"HTTP/1.1 {status}\r\n{headers}\r\n".encode())
        if not status.startswith("200"):
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection(("127.0.0.1", int(port))) as far:
            assert host
            back = threading.Thread(target=_pump, args=(far, conn), daemon=True)
            back.start()
            _pump(conn, far)
            back.join(5)

    return handle


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Question:
    """A DNS question off the wire."""

    def __init__(self, packet: bytes) -> None:
        self.ident = packet[:2]
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        self.name = ".".join(labels)
        self.kind = struct.unpack_from(">H", packet, at + 1)[0]
        self.raw = packet[12 : at + 5]

    def answer(self, *records: bytes, rcode: int = 0, flags: int = 0x8180) -> bytes:
        return self.ident + struct.pack(">HHHHH", flags | rcode, 1, len(records), 0, 0) + self.raw + b"".join(records)


def a_record(address: str, kind: int = 1, name: bytes = b"\xc0\x0c", ttl: int = 60) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = socket.inet_pton(family, address)
    return name + struct.pack(">HHIH", 28 if ":" in address else kind, 1, ttl, len(data)) + data


Replies = Callable[[Question], "bytes | list[bytes] | None"]


class Dns:
    """UDP and TCP on one port. `reply` gives a packet, several, or None for silence."""

    def __init__(self, reply: Replies, tcp: Replies | None) -> None:
        for _ in range(20):
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port: int = self.udp.getsockname()[1]
            try:
                self.tcp = Listener(self._tcp if tcp else silent, port=self.port)
                break
            except OSError:
                self.udp.close()
        self.reply, self.reply_tcp, self.asked = reply, tcp, 0
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                packet, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if not packet:
                return
            self.asked += 1
            found = self.reply(Question(packet))
            for one in found if isinstance(found, list) else [found] if found else []:
                with contextlib.suppress(OSError):
                    self.udp.sendto(one, peer)

    def _tcp(self, conn: socket.socket) -> None:
        data = conn.recv(4096)
        while len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
            data += conn.recv(4096)
        assert self.reply_tcp
        found = self.reply_tcp(Question(data[2:]))
        if isinstance(found, bytes):
            conn.sendall(struct.pack(">H", len(found)) + found)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wake:
            wake.sendto(b"", ("127.0.0.1", self.port))
        self.tcp.close()
        self.udp.close()


@contextlib.contextmanager
def dns(reply: Replies, tcp: Replies | None = None) -> Iterator[Dns]:
    server = Dns(reply, tcp)
    try:
        yield server
    finally:
        server.close()


def certificate(folder: Path, *, name: str = "localhost", days: tuple[float, float] = (-1, 1), ca: Any = None) -> Any:
    """(server context, CA) of a certificate for `name`, valid between the two days from now."""
    import datetime

    import trustme

    authority = ca or trustme.CA()
    now = datetime.datetime.now(datetime.UTC)
    leaf = authority.issue_cert(
        name, not_before=now + datetime.timedelta(days=days[0]), not_after=now + datetime.timedelta(days=days[1])
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context, authority
