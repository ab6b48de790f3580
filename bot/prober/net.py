"""Names to checked addresses, and connections to exactly those addresses.

Rebinding has no hold here: a name is resolved once, each address is judged by the policy, and the connection goes to
the address that was judged, never to the name.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .blame import blame, report_icmp, words
from .verb import Clock, Context, Facts, Failed

MAX_ADDRESSES = 8
STAGGER = 0.25  # seconds between one address and the next (RFC 8305)

_NO_ADDRESS = {getattr(socket, n) for n in ("EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, n)}


class Found(NamedTuple):
    """What a name resolved to: addresses that may be connected to, and (address, reason) of those that may not."""

    allowed: List[str]
    denied: List[Tuple[str, str]]
    ms: float


class SystemAnswer(NamedTuple):
    """What getaddrinfo(3) says: it reads /etc/hosts and search domains, which no DNS query does."""

    addresses: List[str]
    error: Optional[str]  # in words
    outcome: str  # ok, nxdomain, nodata, timeout; "unclear" where the resolver has to be asked to tell
    ms: float


def ask_system(host: str, clock: Clock) -> SystemAnswer:
    """getaddrinfo in a thread of its own, since it cannot be interrupted."""
    begun = time.monotonic()
    box: Dict[str, Any] = {}

    def look() -> None:
        try:
            box["found"] = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            box["error"] = error

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(clock.left())
    ms = round((time.monotonic() - begun) * 1000, 1)
    if "found" in box:
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in box["found"]))[:MAX_ADDRESSES]
        return SystemAnswer(addresses, None, "ok", ms)
    if "error" not in box:
        return SystemAnswer([], "the system's resolver gave no answer in time", "timeout", ms)
    error = box["error"]
    code = error.errno if isinstance(error, socket.gaierror) else 0
    outcome = "nxdomain" if code == socket.EAI_NONAME else "nodata" if code in _NO_ADDRESS else "unclear"
    return SystemAnswer([], str(getattr(error, "strerror", None) or error), outcome, ms)


def resolve(host: str, ctx: Context, clock: Clock) -> Found:
    """The addresses of a host, judged. Raises Failed with the DNS outcome, or `denied` when none may be probed."""
    reason = ctx.policy.deny_name(host)
    if reason:
        raise Failed("denied", reason, phase="policy")
    answer = ask_system(host, clock.part(0.6))
    if not answer.addresses:
        _unresolved(host, answer, ctx, clock)
    allowed: List[str] = []
    denied: List[Tuple[str, str]] = []
    for address in answer.addresses:
        why = ctx.policy.deny(address)
        if why:
            denied.append((address, why))
        else:
            allowed.append(address)
    if not allowed:
        raise Failed("denied", denied[0][1], phase="policy", address=denied[0][0])
    return Found(allowed, denied, answer.ms)


def _unresolved(host: str, answer: SystemAnswer, ctx: Context, clock: Clock) -> None:
    """Raise Failed; where libc's answer does not tell why, ask the resolvers ourselves."""
    from .resolver import ask_all, resolvers

    outcome = answer.outcome
    facts: Facts = {"phase": "dns", "host": host}
    if outcome in ("unclear", "timeout") or (outcome == "nxdomain" and clock.left() > 0.3):
        servers = resolvers()
        heard = ask_all(servers, host, ("A",), 1, Clock(min(2.0, clock.left())))
        deciding = next((h for h in heard if h.outcome in ("nxdomain", "nodata", "ok")), heard[0])
        facts["resolver"] = deciding.server
        if deciding.rcode:
            facts["rcode"] = deciding.rcode
        if outcome in ("unclear", "timeout"):
            outcome = deciding.outcome if deciding.outcome != "ok" else "servfail"
        elif deciding.outcome == "nodata":
            outcome = "nodata"
    raise Failed(outcome, f"{host} does not resolve: {answer.error}", **facts)


class Attempt(NamedTuple):
    """One address tried. `sock` is open only where the caller asked to keep it. `local`: our own machine said no
    (no route), no packet left."""

    address: str
    outcome: str
    ms: float
    error: Optional[str]
    sock: Optional[socket.socket]
    local: bool = False

    def facts(self) -> Facts:
        out: Facts = {"address": self.address, "outcome": self.outcome, "ms": self.ms}
        if self.error:
            out["error"] = self.error
        return out


class _Pending(NamedTuple):
    sock: socket.socket
    address: str
    begun: float


def connect_all(addresses: List[str], port: int, clock: Clock) -> List[Attempt]:
    """Every address at once; the sockets are closed. In the order given."""
    attempts = _race(addresses, port, clock, 0.0, False)
    for attempt in attempts:
        if attempt.sock:
            attempt.sock.close()
    return attempts


def connect(addresses: List[str], port: int, clock: Clock, segment: Optional[int] = None) -> Attempt:
    """The first address that answers, tried one shortly after the other. Raises Failed with the outcome of all.
    `segment`: announce no larger TCP segments than this many bytes."""
    attempts = _race(addresses, port, clock, STAGGER, True, segment)
    opened = [attempt for attempt in attempts if attempt.sock]
    for extra in opened[1:]:
        assert extra.sock
        extra.sock.close()
    if opened:
        return opened[0]
    worst = summary(attempts)
    raise Failed(
        worst.outcome, f"TCP to {worst.address} port {port}: {worst.error}", phase="connect", address=worst.address
    )


def summary(attempts: List[Attempt]) -> Attempt:
    """The one attempt that stands for all: a success, else what the network said rather than a missing route here."""
    for attempt in attempts:
        if attempt.outcome == "ok":
            return attempt
    away = [a for a in attempts if not a.local]
    return (away or attempts)[0]


def _race(
    addresses: List[str], port: int, clock: Clock, stagger: float, first: bool, segment: Optional[int] = None
) -> List[Attempt]:
    waiting = list(addresses[:MAX_ADDRESSES])
    done: Dict[str, Attempt] = {}
    pending: Dict[int, _Pending] = {}
    with selectors.DefaultSelector() as selector:
        start_next = time.monotonic()
        while waiting or pending:
            while waiting and (time.monotonic() >= start_next or not pending):
                address = waiting.pop(0)
                _start((address, port), segment, selector, pending, done)
                start_next = time.monotonic() + stagger
            won = first and any(a.sock for a in done.values())
            if clock.left() <= 0 or won:
                break
            if pending:
                pause = min(clock.left(), max(0.0, start_next - time.monotonic())) if waiting else clock.left()
                for key, _ in selector.select(pause):
                    selector.unregister(key.fileobj)
                    item = pending.pop(key.fd)
                    done[item.address] = _finish(item)
    for item in pending.values():
        item.sock.close()
        ms = round((time.monotonic() - item.begun) * 1000, 1)
        done[item.address] = Attempt(item.address, "timeout", ms, "no answer", None)
    kept = [done[a] for a in addresses if a in done]
    return kept or [Attempt(addresses[0], "timeout", 0.0, "no time was left to connect", None)]


def _start(
    where: Tuple[str, int], segment: Optional[int], selector: selectors.BaseSelector, pending: Dict[int, _Pending],
    done: Dict[str, Attempt],
) -> None:  # fmt: skip
    address, port = where
    begun = time.monotonic()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        done[address] = Attempt(address, "unreachable", 0.0, words(error), None, True)
        return
    sock.setblocking(False)
    report_icmp(sock, True)
    if segment is not None:
        with contextlib.suppress(OSError, AttributeError):  # where a system lacks it, its own size has to do
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
    code = sock.connect_ex((address, port))
    if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
        pending[sock.fileno()] = _Pending(sock, address, begun)
        selector.register(sock, selectors.EVENT_WRITE)
        return
    failure = OSError(code, "")
    outcome, text = blame(sock, failure)
    sock.close()
    local = outcome == "unreachable" and "ICMP" not in text
    done[address] = Attempt(address, outcome, round((time.monotonic() - begun) * 1000, 1), text, None, local)


def _finish(item: _Pending) -> Attempt:
    ms = round((time.monotonic() - item.begun) * 1000, 1)
    code = item.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code == 0:
        report_icmp(item.sock, False)
        return Attempt(item.address, "ok", ms, None, item.sock)
    outcome, text = blame(item.sock, OSError(code, ""))
    item.sock.close()
    return Attempt(item.address, outcome, ms, text, None)
