"""`throughput`: download a while, measure, and where it stalls find out whether large packets get lost on the way.

Facts: url, status, bytes, expected, bytes_per_second, seconds, first_byte_ms, longest_gap_ms (the longest silence
between two reads), stalled_at (bytes, where nothing more came), mss (the segment size that the connection agreed on),
mtu_black_hole, works_with_mss, fails_with_mss, tried ({mss, outcome, bytes} each), via, proxy, address, phase, note.

An MTU black hole swallows packets above some size without a word of ICMP: small answers come, large ones never do. So
a transfer that stalls is tried again with a smaller segment size announced (TCP_MAXSEG, RFC 9293 3.7.1), which makes
the other side send smaller packets. The largest size that works is what the path carries.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .exchange import MAX_REDIRECTS, Hop, following
from .httpwire import Head, Reader
from .target import Target, url
from .verb import TIMEOUT, Answer, Arg, Clock, Context, Facts, Failed, Verb, whole

LADDER = (1400, 1340, 1260, 1160, 960, 536)  # common tunnels: GRE, WireGuard, VXLAN in IPsec, IPv6's least, IPv4's
QUIET = 2.5  # seconds without a byte that make a stall: longer than TCP's first repeats
EARLY = 4096  # bytes: a path that loses large packets stalls before this much has come


class Run(NamedTuple):
    """One transfer."""

    outcome: str  # ok (all of it, or as much as was asked for), or what went wrong
    error: Optional[str]
    got: int
    seconds: float  # from the first byte of the body on
    gap: float
    facts: Facts
    mss: Optional[int]


class _Download(Hop):
    """One request of which the body is counted and thrown away."""

    limit, got, began, gap = 0, 0, 0.0, 0.0
    mss: Optional[int] = None
    ended, cut = False, False

    def _exchange(self, sock: socket.socket) -> Head:
        with contextlib.suppress(OSError, AttributeError):
            self.mss = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        return super()._exchange(sock)

    def _take(self, reader: Reader, head: Head) -> None:
        length = (head.get("content-length") or "").strip()
        expected = int(length) if length.isdigit() and len(length) < 16 else None
        chunked = "chunked" in (head.get("transfer-encoding") or "").lower()
        self.facts["expected"] = expected
        self.got, self.began = len(reader.buffer), time.monotonic()
        tail, reader.buffer = reader.buffer[-7:], b""
        while self.got < self.limit and (expected is None or self.got < expected):
            if chunked and tail.endswith(b"0\r\n\r\n"):
                break
            data = self._more(reader)
            if data is None:
                return
            if not data:
                self.ended = expected is None and not chunked
                self.cut = not self.ended
                return
            self.got += len(data)
            tail = (tail + data)[-7:]
        self.ended = True

    def _more(self, reader: Reader) -> Optional[bytes]:
        """None where nothing comes for QUIET seconds, or the time is up."""
        begun = time.monotonic()
        reader.clock = self.ctx.clock if self.ctx.clock.left() < QUIET else Clock(QUIET)
        try:
            return reader.more()
        except socket.timeout:
            return None
        except OSError:
            return b""
        finally:
            self.gap = max(self.gap, time.monotonic() - begun)


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    target: Target = args["url"]
    first = transfer(target, args["bytes"], ctx._replace(clock=ctx.clock.part(0.6)), None)
    facts: Facts = {**first.facts, "url": target.shown(), "bytes": first.got, "seconds": round(first.seconds, 2)}
    facts["longest_gap_ms"] = round(first.gap * 1000)
    if first.mss:
        facts["mss"] = first.mss
    if first.seconds > 0.001 and first.got:
        facts["bytes_per_second"] = round(first.got / first.seconds)
    if first.outcome in ("slow", "timeout") and first.facts.get("phase") in ("tls", "ttfb", "body"):
        facts["stalled_at"] = first.got
        facts.update(_ladder(target, first, ctx))
    error = first.error
    if facts.get("mtu_black_hole"):
        error = (
            f"packets larger than about {facts['works_with_mss'] + 40} bytes get lost on the way, without a word of "
            f"ICMP (an MTU black hole): the transfer works with segments of {facts['works_with_mss']} bytes"
        )
    if error:
        facts["error"] = error
    return Answer(first.outcome, facts)


def transfer(target: Target, limit: int, ctx: Context, mss: Optional[int]) -> Run:
    """One download of at most `limit` bytes, with segments of at most `mss`. Never raises."""
    hop = _Download(target, "GET", "auto", ctx, segment=mss)
    outcome, error = "ok", None
    try:
        for _ in range(MAX_REDIRECTS + 1):
            hop = _Download(target, "GET", "auto", ctx, segment=mss)
            hop.limit = limit
            head = hop.run()
            onward = following(head, target)
            if onward is None:
                break
            target = onward
        outcome, error = _ending(hop, head)
        facts = dict(hop.facts)
    except Failed as failure:
        outcome, error, facts = failure.outcome, failure.error, {**hop.facts, **failure.facts}
    seconds = time.monotonic() - hop.began if hop.began else 0.0
    if "ttfb" in hop.phases:
        facts["first_byte_ms"] = hop.phases["ttfb"]
    return Run(outcome, error, hop.got, seconds, hop.gap, facts, hop.mss)


def _ending(hop: _Download, head: Head) -> Tuple[str, Optional[str]]:
    expected = hop.facts.get("expected")
    of = f" of {expected}" if expected else ""
    if head.status >= 300:
        return "http-status", f"{hop.target.host} answered {head.status}"
    if hop.ended:
        return "ok", None
    hop.facts["phase"] = "body"
    if hop.cut:
        return "short", f"the body was cut off after {hop.got}{of} bytes"
    if hop.gap >= QUIET * 0.9:
        return "slow", f"{hop.got}{of} bytes came, then nothing for {hop.gap:.1f} s"
    return "slow", f"{hop.got}{of} bytes came before the time was up"


def _ladder(target: Target, first: Run, ctx: Context) -> Facts:
    """All sizes at once, so that it costs the time of one."""
    tops = [size for size in LADDER if first.mss is None or size < first.mss]
    box: Dict[int, Run] = {}
    limit = max(first.got * 2, 65536)
    again = ctx._replace(clock=ctx.clock.part(0.95))

    def one(size: int) -> None:
        box[size] = transfer(target, limit, again, size)

    threads = [threading.Thread(target=one, args=(size,), daemon=True) for size in tops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(again.clock.left() + 0.1)
    rows: List[Facts] = [{"mss": s, "outcome": box[s].outcome, "bytes": box[s].got} for s in tops if s in box]
    works = [s for s in tops if s in box and _better(box[s], first)]
    facts: Facts = {"tried": rows, "mtu_black_hole": bool(works)}
    if works:
        facts["works_with_mss"] = max(works)
        bigger = [s for s in tops if s > max(works)]
        facts["fails_with_mss"] = min(bigger) if bigger else first.mss
    return facts


def _better(run_: Run, first: Run) -> bool:
    """It came to an end; or it got well under way where the first one never did."""
    if run_.outcome == "ok" or (run_.outcome not in ("slow", "timeout") and run_.facts.get("status") is not None):
        return True
    return first.got < EARLY and run_.got >= 2 * EARLY


VERB = Verb(
    says="download a while and measure; where it stalls, find out whether large packets get lost (MTU)",
    args={
        "url": Arg(url, "an http or https URL of something large", required=True),
        "bytes": Arg(whole(1024, 32 * 1024 * 1024), "how much to download at most", default=4 * 1024 * 1024),
        "timeout": TIMEOUT,
    },
    seconds=12.0,
    run=run,
)
