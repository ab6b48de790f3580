"""`capture`: watch one connection attempt with tcpdump, and tell from its packets how it went.

Facts: address, port, pattern (handshake, syn-only, refused, reset-after, icmp, no-packet), syn (how often ours went
out), syn_ack, rst, icmp (kinds of ICMP errors about it), icmp_from, packets ({at_ms, from, flags, ttl} of the first
ones), ttl_syn_ack, ttl_rst (another one: something in between answered in the server's name), connect (the outcome of
the connection itself).

Only where the vantage's settings say `capture: true`, and tcpdump is there and may be run. The filter lets this one
connection and ICMP errors through; headers alone are read, and what came behind them never leaves this function.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import time
from typing import Any, Dict, List, Optional, Tuple

from . import tools
from .blame import blame, report_icmp
from .net import resolve
from .pcap import Packet, packets
from .verb import HOST, PORT, TIMEOUT, Answer, Clock, Context, Facts, Failed, Verb

SNAP = 120  # bytes of a packet: link, IPv6 and TCP headers with all their options
COUNT = 60
READY = 2.0  # seconds that tcpdump has to start
AFTER = 0.3  # seconds that are watched on after the connection's end


class _Watch:
    """A running tcpdump."""

    def __init__(self, tool: str, address: str, local: int, port: int, clock: Clock) -> None:
        errors = "(icmp[icmptype] == 3 or icmp[icmptype] == 11)" if ":" not in address else "(icmp6 and ip6[40] < 5)"
        only = f"(host {address} and tcp port {local} and tcp port {port}) or {errors}"
        command = [
            tool,
            "-i",
            "any",
            "-n",
            "-U",
            "--immediate-mode",
            "-s",
            str(SNAP),
            "-c",
            str(COUNT),
            "-w",
            "-",
            only,
        ]
        self.process = subprocess.Popen(
            command, cwd="/", env=tools.bare_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        self.data, self.said = b"", b""
        self.selector = selectors.DefaultSelector()
        for stream, name in ((self.process.stdout, "data"), (self.process.stderr, "said")):
            assert stream
            os.set_blocking(stream.fileno(), False)
            self.selector.register(stream, selectors.EVENT_READ, name)
        wait = Clock(min(READY, clock.left()))
        while b"listening on" not in self.said and wait.left() > 0 and self.process.poll() is None:
            self.read(min(0.1, wait.left()))
        if b"listening on" not in self.said:
            self.read(0.1)
            why = self.said.decode("utf-8", "replace").strip().split("\n")[-1][-200:]
            self.close()
            raise Failed("unsupported", f"tcpdump cannot watch here: {why or 'it did not start in time'}")

    def read(self, seconds: float) -> None:
        for key, _ in self.selector.select(max(0.0, seconds)):
            part = os.read(key.fd, 16384)
            if not part:
                self.selector.unregister(key.fileobj)
            elif len(self.data) + len(self.said) < 256 * 1024:
                setattr(self, key.data, getattr(self, key.data) + part)

    def close(self) -> None:
        self.process.kill()
        self.selector.close()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        self.process.wait()


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    if not ctx.policy.capture:
        raise Failed("denied", "packets are watched only where the vantage's settings say `capture: true`")
    tool = tools.find("tcpdump")
    if tool is None:
        raise Failed("unsupported", "there is no tcpdump on this machine")
    address, port = resolve(args["host"], ctx, ctx.clock.part(0.4)).allowed[0], args["port"]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.bind(("", 0))
        except OSError as error:
            raise Failed("error", f"no local port is free: {error.strerror}") from None
        local: int = sock.getsockname()[1]
        watch = _Watch(tool, address, local, port, ctx.clock)
        try:
            outcome, text, ms = _connect(sock, address, port, ctx.clock, watch)
        finally:
            watch.close()
    seen = [p for p in packets(watch.data) if local in (p.source_port, p.target_port)]
    facts: Facts = {"address": address, "port": port, "connect": outcome, **_told(_once(seen), local)}
    if text:
        facts["error"] = f"TCP to {address} port {port}: {text} ({_words(facts)})"
    return Answer(outcome, facts, ms)


def _connect(
    sock: socket.socket, address: str, port: int, clock: Clock, watch: _Watch
) -> Tuple[str, Optional[str], float]:
    begun = time.monotonic()
    limit = Clock(max(0.1, clock.left() - AFTER - 0.2))
    sock.setblocking(False)
    report_icmp(sock, True)
    code = sock.connect_ex((address, port))
    outcome, text = "timeout", "no answer"
    while limit.left() > 0:
        watch.read(min(0.01, limit.left()))
        try:
            sock.getpeername()
            outcome, text = "ok", ""
            break
        except OSError:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code not in (0, 11, 36, 115):  # not yet: EAGAIN and EINPROGRESS of Linux and BSD
            outcome, text = blame(sock, OSError(code, ""))
            break
    ms = round((time.monotonic() - begun) * 1000, 1)
    after = Clock(AFTER)
    while after.left() > 0:
        watch.read(after.left())
    return outcome, text or None, ms


def _once(seen: List[Packet]) -> List[Packet]:
    """On loopback, and with bridges, one packet is seen more than once at nearly the same time."""
    out: List[Packet] = []
    for packet in seen:
        same = (p for p in out if p[1:] == packet[1:] and abs(p.at - packet.at) < 0.05)
        if next(same, None) is None:
            out.append(packet)
    return out


def _told(seen: List[Packet], local: int) -> Facts:
    ours = [p for p in seen if p.source_port == local and not p.flags.startswith("icmp")]
    theirs = [p for p in seen if p.target_port == local and not p.flags.startswith("icmp")]
    errors = [p for p in seen if p.flags.startswith("icmp")]
    syn_ack = [p for p in theirs if p.flags == "SYN-ACK"]
    rst = [p for p in theirs if "RST" in p.flags]
    facts: Facts = {
        "syn": sum(1 for p in ours if p.flags == "SYN"), "syn_ack": len(syn_ack), "rst": len(rst),
        "icmp": sorted({p.flags for p in errors}), "icmp_from": sorted({p.source for p in errors})[:4],
        "packets": [_row(p, seen[0].at, local) for p in seen[:12]],
    }  # fmt: skip
    if syn_ack:
        facts["ttl_syn_ack"] = syn_ack[0].ttl
    if rst:
        facts["ttl_rst"] = rst[0].ttl
    if not seen:
        facts["pattern"] = "no-packet"
    elif errors:
        facts["pattern"] = "icmp"
    elif rst:
        facts["pattern"] = "reset-after" if syn_ack else "refused"
    else:
        facts["pattern"] = "handshake" if syn_ack else "syn-only"
    return facts


def _row(packet: Packet, start: float, local: int) -> Facts:
    about = packet.flags.startswith("icmp")
    sender = packet.source if about else "us" if packet.source_port == local else "them"
    return {"at_ms": round((packet.at - start) * 1000, 1), "from": sender, "flags": packet.flags, "ttl": packet.ttl}


def _words(facts: Facts) -> str:
    return {
        "syn-only": f"{facts['syn']} SYN went out, nothing came back",
        "refused": "a RST came back",
        "reset-after": "a SYN-ACK came back, then a RST",
        "icmp": f"an ICMP error came back from {', '.join(facts['icmp_from'])}",
        "handshake": "a SYN-ACK came back",
        "no-packet": "no packet left this machine",
    }[facts["pattern"]]


VERB = Verb(
    says="watch one connection attempt with tcpdump, headers alone (only where the settings allow it)",
    args={"host": HOST, "port": PORT, "timeout": TIMEOUT},
    seconds=6.0,
    run=run,
)
