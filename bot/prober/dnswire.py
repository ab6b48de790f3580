"""DNS messages (RFC 1035), as few of them as a probe needs. Every packet is taken for hostile."""

from __future__ import annotations

import socket
import struct
from typing import Dict, List, NamedTuple, Optional, Tuple

TYPES: Dict[str, int] = {
    "A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
}  # fmt: skip
_RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
MAX_RECORDS = 64
_SOA = 6
MAX_JUMPS = 32


class BadPacket(Exception):
    """Not an answer that can be read."""


class NotOurs(BadPacket):
    """An answer to another question: a stray or a forgery, to be passed over."""


class Reply(NamedTuple):
    rcode: str
    truncated: bool
    values: List[str]  # records of the type that was asked for, CNAMEs followed
    cname: List[str]
    ttl: int  # seconds, the smallest of `values`; 0 without any
    authoritative: bool = False
    recursion: bool = True  # whether the server offers to ask others; one that does not, and knows nothing, is lame
    soa: Optional[str] = None  # of a denial: the zone that denies (RFC 2308)
    negative_ttl: Optional[int] = None  # seconds for which a denial may be kept


def query(ident: int, name: str, qtype: str) -> bytes:
    """A question with recursion desired. Raises BadPacket for a name that DNS cannot carry."""
    encoded = b""
    for label in name.rstrip(".").split("."):
        raw = label.encode("ascii", "replace")
        if not 1 <= len(raw) <= 63:
            raise BadPacket(f"{name} is not a name that DNS can carry")
        encoded += bytes([len(raw)]) + raw
    if len(encoded) > 254:
        raise BadPacket("the name is longer than DNS can carry")
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + encoded + b"\0" + struct.pack(">HH", TYPES[qtype], 1)


def _name(packet: bytes, at: int) -> Tuple[str, int]:
    """The name at `at` and where it ends. Pointers only go backwards, so a loop cannot be made."""
    labels: List[str] = []
    end, limit, total, jumps = -1, at, 0, 0
    while True:
        if at >= len(packet):
            raise BadPacket("a name runs over the end of the packet")
        size = packet[at]
        if size == 0:
            return ".".join(labels) or ".", (at + 1 if end < 0 else end)
        if size & 0xC0 == 0xC0:
            if at + 1 >= len(packet):
                raise BadPacket("a name runs over the end of the packet")
            end = at + 2 if end < 0 else end
            at = (size & 0x3F) << 8 | packet[at + 1]
            jumps += 1
            if at >= limit or jumps > MAX_JUMPS:
                raise BadPacket("a name points at itself")
            limit = at
            continue
        total += size + 1
        if size & 0xC0 or total > 254 or at + 1 + size > len(packet):
            raise BadPacket("a name is malformed")
        raw = packet[at + 1 : at + 1 + size]
        labels.append("".join(chr(b) if 33 <= b <= 126 else "?" for b in raw))
        at += 1 + size


def _value(packet: bytes, kind: int, at: int, size: int) -> str:
    data = packet[at : at + size]
    if kind == TYPES["A"] and size == 4:
        return socket.inet_ntoa(data)
    if kind == TYPES["AAAA"] and size == 16:
        return socket.inet_ntop(socket.AF_INET6, data)
    if kind in (TYPES["NS"], TYPES["CNAME"], TYPES["PTR"]):
        return _name(packet, at)[0]
    if kind == TYPES["MX"] and size > 2:
        return f"{struct.unpack_from('>H', data)[0]} {_name(packet, at + 2)[0]}"
    if kind == TYPES["SRV"] and size > 6:
        return "{} {} {} ".format(*struct.unpack_from(">HHH", data)) + _name(packet, at + 6)[0]
    if kind == TYPES["TXT"] and size:
        return data[1 : 1 + data[0]].decode("ascii", "replace")
    raise BadPacket("a record is malformed")


def parse(packet: bytes, ident: int, name: str, qtype: str) -> Reply:
    """The answer to this very question. Raises NotOurs, BadPacket."""
    if len(packet) < 12:
        raise NotOurs("shorter than a header")
    got, flags, questions, answers, authorities = struct.unpack_from(">HHHHH", packet)
    if got != ident or not flags & 0x8000:
        raise NotOurs("another id")
    rcode = _RCODES.get(flags & 15, f"RCODE {flags & 15}")
    if questions == 0 and flags & 15:
        return Reply(rcode, False, [], [], 0)  # some servers leave the question out of an error
    if questions != 1:
        raise NotOurs("another question")
    asked, at = _name(packet, 12)
    if at + 4 > len(packet):
        raise BadPacket("the packet ends in its question")
    if asked.lower() != name.rstrip(".").lower() or struct.unpack_from(">HH", packet, at) != (TYPES[qtype], 1):
        raise NotOurs("another question")
    truncated = bool(flags & 0x0200)
    values, cname, ttls, at = _records(packet, at + 4, min(answers, MAX_RECORDS), TYPES[qtype], truncated)
    reply = Reply(rcode, truncated, values, cname, min(ttls, default=0), bool(flags & 0x0400), bool(flags & 0x0080))
    if values or answers > MAX_RECORDS:
        return reply
    zone, seconds = _soa(packet, at, min(authorities, MAX_RECORDS))
    return reply._replace(soa=zone, negative_ttl=seconds)


def _soa(packet: bytes, at: int, count: int) -> Tuple[Optional[str], Optional[int]]:
    """(zone, seconds) of the SOA in a denial's authority section. What is malformed there spoils no answer."""
    try:
        for _ in range(count):
            zone, at = _name(packet, at)
            kind, klass, ttl, size = struct.unpack_from(">HHIH", packet, at)
            at += 10
            if kind == _SOA and klass == 1 and size >= 22 and at + size <= len(packet):
                return zone, min(ttl & 0x7FFFFFFF, struct.unpack_from(">I", packet, at + size - 4)[0])
            at += size
    except (BadPacket, struct.error):
        pass
    return None, None


def _records(packet: bytes, at: int, count: int, wanted: int, cut: bool) -> Tuple[List[str], List[str], List[int], int]:
    values: List[str] = []
    cname: List[str] = []
    ttls: List[int] = []
    for _ in range(count):
        if cut and at >= len(packet):
            break
        _, at = _name(packet, at)
        if at + 10 > len(packet):
            raise BadPacket("a record runs over the end of the packet")
        kind, klass, ttl, size = struct.unpack_from(">HHIH", packet, at)
        at += 10
        if at + size > len(packet):
            raise BadPacket("a record runs over the end of the packet")
        if klass == 1 and kind == wanted:
            values.append(_value(packet, kind, at, size))
            ttls.append(ttl & 0x7FFFFFFF)
        elif klass == 1 and kind == TYPES["CNAME"]:
            cname.append(_value(packet, kind, at, size))
        at += size
    return values, cname, ttls, at
