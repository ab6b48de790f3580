"""A minimal DNS client: one server, some tries, UDP and then TCP, and what became of each.

libc hides which server was silent and which said no; that difference is what a diagnosis needs.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from typing import Dict, List, NamedTuple, Optional, Tuple

from . import resolvconf
from .blame import blame, report_icmp
from .dnswire import BadPacket, NotOurs, Reply, parse, query
from .net import connect
from .verb import Clock, Facts, Failed

SPACING = 0.15  # seconds between one try and the next
SECOND_TYPE = 1.0  # seconds that AAAA gets after A has answered
BEFORE_TCP = 1.0  # seconds of silence on UDP before TCP is tried beside it

_OUTCOMES = {"SERVFAIL": "servfail", "NXDOMAIN": "nxdomain", "REFUSED": "dns-refused", "NOTIMP": "dns-refused"}
Server = Tuple[str, int]


def show(server: Server) -> str:
    address, port = server
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def resolvers() -> List[Server]:
    """The resolvers of this machine."""
    return [(address, 53) for address in resolvconf.read().servers]


class Heard(NamedTuple):
    """What one server said, all tries together. `ms` of the fastest answer."""

    server: str
    outcome: str
    answered: int  # tries of the first type that got an answer
    tries: int
    addresses: List[str]
    rcode: Optional[str] = None
    ms: Optional[float] = None
    slowest: Optional[float] = None
    ttl: int = 0
    cname: Tuple[str, ...] = ()
    types: Tuple[Tuple[str, str], ...] = ()  # outcome by record type
    truncated: bool = False
    tcp: Optional[str] = None  # outcome over TCP, where it was tried
    rcodes: Tuple[Tuple[str, int], ...] = ()  # how often each came, where they differ between tries
    error: Optional[str] = None
    soa: Optional[str] = None
    negative_ttl: Optional[int] = None
    authoritative: bool = False
    recursion: bool = True

    def facts(self) -> Facts:
        out: Facts = {"resolver": self.server, "answered": self.answered, "tries": self.tries}
        for name in ("rcode", "tcp", "error", "slowest", "soa", "negative_ttl"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        if self.addresses:
            out.update(addresses=self.addresses[:16], ttl=self.ttl)
        if self.cname:
            out["cname"] = list(self.cname[:8])
        if self.rcodes:
            out["rcodes"] = dict(self.rcodes)
        if self.truncated:
            out["truncated"] = True
        if self.authoritative:
            out["authoritative"] = True
        if self.rcode and not self.recursion:
            out["recursion"] = False
        if len(self.types) > 1:
            out["types"] = dict(self.types)
        return out


def ask_all(
    servers: List[Server], name: str, types: Tuple[str, ...], tries: int, clock: Clock, transport: str = "auto"
) -> List[Heard]:
    """Every server at once, in the order given."""
    box: Dict[int, Heard] = {}

    def one(index: int, server: Server) -> None:
        box[index] = ask(server, name, types, tries, clock, transport)

    threads = [threading.Thread(target=one, args=item, daemon=True) for item in enumerate(servers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(clock.left() + 0.2)
    silent = "no answer in time"
    return [box.get(i) or Heard(show(s), "timeout", 0, tries, [], error=silent) for i, s in enumerate(servers)]


def ask(server: Server, name: str, types: Tuple[str, ...], tries: int, clock: Clock, transport: str = "auto") -> Heard:
    """One server, asked `tries` times for each type. Never raises: what went wrong is the outcome. `transport`: auto
    (TCP where UDP is silent, fails or is cut), udp, tcp."""
    try:
        for kind in types:
            query(0, name, kind)
    except BadPacket as error:
        return Heard(show(server), "error", 0, tries, [], error=str(error))
    exchange = _Exchange(server, name, types, tries, clock)
    exchange.use_tcp = transport != "udp"
    try:
        if transport == "tcp":
            exchange.run_tcp()
        else:
            exchange.run()
    except OSError as error:
        exchange.errors.append(("error", str(error)))
    finally:
        exchange.close()
    return exchange.heard()


class _Sent(NamedTuple):
    sock: socket.socket
    kind: str
    ident: int
    at: float


class _Exchange:
    """The tries with one server."""

    def __init__(self, server: Server, name: str, types: Tuple[str, ...], tries: int, clock: Clock) -> None:
        self.server, self.name, self.types, self.tries, self.clock = server, name, types, tries, clock
        self.selector = selectors.DefaultSelector()
        self.sent: Dict[int, _Sent] = {}
        self.replies: List[Tuple[str, Reply, float]] = []
        self.errors: List[Tuple[str, str]] = []  # (outcome, words)
        self.truncated = False
        self.tcp: Optional[str] = None
        self.use_tcp = True
        self.tcp_thread: Optional[threading.Thread] = None

    def close(self) -> None:
        for item in self.sent.values():
            item.sock.close()
        self.selector.close()

    def run(self) -> None:
        plan = [(i * SPACING, kind) for i in range(self.tries) for kind in self.types]
        begun = time.monotonic()
        answered_at: Optional[float] = None
        while (plan or self.sent) and self.clock.left() > 0:
            now = time.monotonic() - begun
            while plan and plan[0][0] <= now:
                self._send(plan.pop(0)[1])
            if self._first_answered():
                answered_at = answered_at or now
                if not plan and now - answered_at > SECOND_TYPE:
                    break
            if now > BEFORE_TCP and self.use_tcp and not self.replies and not self.tcp_thread:
                self._try_tcp()
            wait = plan[0][0] - now if plan else 0.2
            for key, _ in self.selector.select(max(0.0, min(wait, self.clock.left()))):
                self._receive(self.sent[key.fd])
        if self.tcp_thread:
            self.tcp_thread.join(self.clock.left() + 0.05)
        elif self.use_tcp and not self.replies and self.errors and self.clock.left() > 0.05:
            self._try_tcp()
            assert self.tcp_thread
            self.tcp_thread.join(min(1.0, self.clock.left()))

    def run_tcp(self) -> None:
        """Every question over a connection of its own, and none over UDP."""
        for _ in range(self.tries):
            for kind in self.types:
                begun = time.monotonic()
                reply = self._over_tcp(kind, self.clock.part(0.5))
                if reply is not None:
                    self.replies.append((kind, reply, round((time.monotonic() - begun) * 1000, 1)))
                elif self.tcp:
                    self.errors.append((self.tcp, f"{show(self.server)} over TCP: {self.tcp}"))
                if self.clock.left() <= 0:
                    return

    def _first_answered(self) -> bool:
        return sum(1 for kind, _, _ in self.replies if kind == self.types[0]) >= self.tries

    def _send(self, kind: str) -> None:
        address, port = self.server
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        ident = int.from_bytes(os.urandom(2), "big")
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:
            self.errors.append(("unreachable", str(error)))
            return
        sock.setblocking(False)
        report_icmp(sock, True)
        try:
            sock.connect((address, port))  # connected: answers from elsewhere do not come in, ICMP errors do
            sock.send(query(ident, self.name, kind))
        except OSError as error:
            self.errors.append(blame(sock, error))
            sock.close()
            return
        self.sent[sock.fileno()] = _Sent(sock, kind, ident, time.monotonic())
        self.selector.register(sock, selectors.EVENT_READ)

    def _receive(self, item: _Sent) -> None:
        try:
            packet = item.sock.recv(65535)
            reply = parse(packet, item.ident, self.name, item.kind)
        except BlockingIOError:
            return
        except NotOurs:
            return  # keep waiting for the real one
        except BadPacket as error:
            self.errors.append(("error", f"the answer is malformed: {error}"))
        except OSError as error:
            self.errors.append(blame(item.sock, error))
        else:
            ms = (time.monotonic() - item.at) * 1000
            if reply.truncated:
                self.truncated = True
                whole = self._over_tcp(item.kind, self.clock) if self.use_tcp else None
                reply = whole if whole is not None else reply
            self.replies.append((item.kind, reply, round(ms, 1)))
        self.selector.unregister(item.sock)
        del self.sent[item.sock.fileno()]
        item.sock.close()

    def _try_tcp(self) -> None:
        def look() -> None:
            self._over_tcp(self.types[0], self.clock)

        self.tcp_thread = threading.Thread(target=look, daemon=True)
        self.tcp_thread.start()

    def _over_tcp(self, kind: str, clock: Clock) -> Optional[Reply]:
        """Ask over TCP and note the outcome in `self.tcp`."""
        ident = int.from_bytes(os.urandom(2), "big")
        message = query(ident, self.name, kind)
        try:
            sock = connect([self.server[0]], self.server[1], clock).sock
            assert sock
            with sock:
                sock.settimeout(max(0.01, clock.left()))
                sock.sendall(struct.pack(">H", len(message)) + message)
                size = struct.unpack(">H", _exactly(sock, 2, clock))[0]
                reply = parse(_exactly(sock, size, clock), ident, self.name, kind)
        except Failed as error:
            self.tcp = error.outcome
            return None
        except socket.timeout:
            self.tcp = "timeout"
            return None
        except (OSError, BadPacket) as error:
            self.tcp = "reset" if isinstance(error, OSError) else "error"
            return None
        self.tcp = _outcome(reply)
        return reply

    def heard(self) -> Heard:
        """All tries as one answer: the last word of the first type that has addresses, else of the first type."""
        by_type = {kind: [(r, ms) for k, r, ms in self.replies if k == kind] for kind in self.types}
        outcomes = tuple((k, _outcome(found[-1][0]) if found else self._silence()[0]) for k, found in by_type.items())
        base = Heard(show(self.server), "timeout", len(by_type[self.types[0]]), self.tries, [])
        base = base._replace(types=outcomes, truncated=self.truncated, tcp=self.tcp)
        if not self.replies:
            outcome, error = self._silence()
            return base._replace(outcome=outcome, error=error)
        good = [(r, ms) for found in by_type.values() for r, ms in found if r.values and r.rcode == "NOERROR"]
        shown = good or by_type[self.types[0]] or [(r, ms) for _, r, ms in self.replies]
        times = sorted(ms for _, _, ms in self.replies)
        values = [v for r, _ in good for v in r.values]
        rcodes = Counter(r.rcode for _, r, _ in self.replies)
        return base._replace(
            outcome="ok" if good else _outcome(shown[-1][0]),
            error=None if good else self._denial(shown[-1][0]),
            addresses=list(dict.fromkeys(values)),
            rcode=shown[-1][0].rcode,
            ms=times[0],
            slowest=times[-1],
            ttl=min((r.ttl for r, _ in good), default=0),
            rcodes=tuple(rcodes.items()) if len(rcodes) > 1 else (),
            cname=tuple(dict.fromkeys(c for r, _ in shown for c in r.cname)),
            answered=max(base.answered, 1),
            soa=shown[-1][0].soa,
            negative_ttl=shown[-1][0].negative_ttl,
            authoritative=shown[-1][0].authoritative,
            recursion=shown[-1][0].recursion,
        )

    def _denial(self, reply: Reply) -> str:
        said = "that there is no such record" if reply.rcode == "NOERROR" else reply.rcode
        return f"{show(self.server)} says {said} for {self.name}"

    def _silence(self) -> Tuple[str, str]:
        if self.errors:
            return self.errors[-1]
        return "timeout", f"no answer from {show(self.server)} to {self.tries * len(self.types)} queries"


def _outcome(reply: Reply) -> str:
    if reply.rcode == "NOERROR":
        return "ok" if reply.values else "nodata"
    return _OUTCOMES.get(reply.rcode, "servfail")


def _exactly(sock: socket.socket, size: int, clock: Clock) -> bytes:
    data = b""
    while len(data) < size:
        sock.settimeout(max(0.01, clock.left()))
        part = sock.recv(size - len(data))
        if not part or clock.left() <= 0:
            raise OSError("cut off")
        data += part
    return data
