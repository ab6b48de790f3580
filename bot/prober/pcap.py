"""What tcpdump writes: the headers of packets, read with bounds. No byte behind a TCP header is looked at.

pcap savefile format (pcap-savefile(5)); link types Ethernet, raw IP, Linux cooked 1 and 2; RFC 791, 8200, 9293, 792.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Iterator, NamedTuple, Optional, Tuple

_LINKS = {1: (14, 12), 113: (16, 14), 276: (20, 0)}  # bytes of the header, where the protocol's number is in it
_RAW = (12, 101, 228, 229)
_FLAGS = ((2, "SYN"), (16, "ACK"), (4, "RST"), (1, "FIN"))
MAX_PACKET = 65536


class Packet(NamedTuple):
    """`flags` of TCP joined by `-`, or the kind of an ICMP error (`icmp 3/13`)."""

    at: float  # seconds since the epoch
    source: str
    source_port: int  # of an ICMP error: the ports of the packet that it is about
    target_port: int
    flags: str
    ttl: int
    sequence: int


def packets(data: bytes) -> Iterator[Packet]:
    """Those that can be read; the rest are passed over."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}
    if len(data) < 24 or data[:4] not in order:
        return
    end = order[data[:4]]
    unit = 1e9 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e6
    link = struct.unpack_from(end + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, part, size, _ = struct.unpack_from(end + "IIII", data, at)
        at += 16
        if size > MAX_PACKET or at + size > len(data):
            return
        found = _packet(data[at : at + size], link, seconds + part / unit)
        at += size
        if found is not None:
            yield found


def _packet(frame: bytes, link: int, at: float) -> Optional[Packet]:
    start = 0
    if link in _LINKS:
        start, _ = _LINKS[link]
    elif link not in _RAW:
        return None
    try:
        return _ip(frame, start, at)
    except (struct.error, IndexError, ValueError):
        return None


def _ip(data: bytes, start: int, at: float) -> Optional[Packet]:
    version = data[start] >> 4
    if version == 4:
        size, protocol, ttl = (data[start] & 15) * 4, data[start + 9], data[start + 8]
        source = str(ipaddress.IPv4Address(data[start + 12 : start + 16]))
        errors = 1
    elif version == 6:
        size, protocol, ttl = 40, data[start + 6], data[start + 7]
        source = str(ipaddress.IPv6Address(data[start + 8 : start + 24]))
        errors = 58
    else:
        return None
    inner = start + size
    if protocol == 6:
        ports, sequence, flags = _tcp(data, inner)
        return Packet(at, source, ports[0], ports[1], flags, ttl, sequence)
    if protocol == errors:
        kind, code = data[inner], data[inner + 1]
        quoted = inner + 8
        size = (data[quoted] & 15) * 4 if version == 4 else 40
        ports = struct.unpack_from(">HH", data, quoted + size)
        return Packet(at, source, ports[0], ports[1], f"icmp{'6' if errors == 58 else ''} {kind}/{code}", ttl, 0)
    return None


def _tcp(data: bytes, start: int) -> Tuple[Tuple[int, int], int, str]:
    source, target, sequence = struct.unpack_from(">HHI", data, start)
    bits = data[start + 13]
    return (source, target), sequence, "-".join(name for bit, name in _FLAGS if bits & bit) or "none"
