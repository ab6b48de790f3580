"""The leaf certificate out of its DER bytes: who issued it, for whom, from when to when.

`getpeercert()` is empty for a certificate that was not verified, and those are the ones that a diagnosis is about.
A small reader of X.509 (RFC 5280), bounds checked at every step, for bytes from hostile servers.
"""

from __future__ import annotations

import calendar
import ipaddress
import re
import time
from typing import Iterator, List, NamedTuple, Tuple

MAX_SIZE = 65536
MAX_NAMES = 20

_ATTRIBUTES = {
    b"\x55\x04\x03": "CN", b"\x55\x04\x06": "C", b"\x55\x04\x07": "L", b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O", b"\x55\x04\x0b": "OU",
}  # fmt: skip
_SAN = b"\x55\x1d\x11"


class BadCertificate(Exception):
    """Not a certificate that can be read."""


class Leaf(NamedTuple):
    issuer: str
    subject: str
    names: List[str]  # subjectAltName: host names and addresses
    not_before: str  # ISO 8601, UTC
    not_after: str
    self_signed: bool  # issuer and subject are the same

    def not_before_s(self) -> float:
        return float(calendar.timegm(time.strptime(self.not_before, "%Y-%m-%dT%H:%M:%SZ")))

    def not_after_s(self) -> float:
        return float(calendar.timegm(time.strptime(self.not_after, "%Y-%m-%dT%H:%M:%SZ")))


def _read(data: bytes, at: int, end: int) -> Tuple[int, int, int]:
    """(tag, start of the value, end of the value) of the element at `at`."""
    if at + 2 > end:
        raise BadCertificate("cut off")
    tag, size, start = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 3 or start + count > end:
            raise BadCertificate("a length that cannot be")
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > end:
        raise BadCertificate("cut off")
    return tag, start, start + size


def _items(data: bytes, start: int, end: int) -> Iterator[Tuple[int, int, int, int]]:
    """(tag, start of the element, start of its value, end) of each element of a sequence."""
    while start < end:
        tag, inner, after = _read(data, start, end)
        yield tag, start, inner, after
        start = after


def _text(data: bytes, tag: int) -> str:
    text = data.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)[:120]


def _dn(data: bytes, start: int, end: int) -> str:
    """A distinguished name as `CN=..., O=...`."""
    parts: List[str] = []
    for _, _, rdn, rdn_end in _items(data, start, end):
        for _, _, pair, pair_end in _items(data, rdn, rdn_end):
            _, oid, oid_end = _read(data, pair, pair_end)
            tag, value, value_end = _read(data, oid_end, pair_end)
            name = _ATTRIBUTES.get(data[oid:oid_end])
            if name and len(parts) < 10:
                parts.append(f"{name}={_text(data[value:value_end], tag)}")
    return ", ".join(reversed(parts))


def _time(data: bytes, tag: int) -> str:
    text = data.decode("ascii", "replace")
    if tag == 0x17 and re.fullmatch(r"\d{12}Z", text):
        text = ("20" if int(text[:2]) < 50 else "19") + text
    if not re.fullmatch(r"\d{14}Z", text):
        raise BadCertificate("a date that cannot be")
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}Z"


def _san(data: bytes, start: int, end: int) -> List[str]:
    names: List[str] = []
    _, inner, inner_end = _read(data, start, end)
    for tag, _, value, after in _items(data, inner, inner_end):
        if len(names) >= MAX_NAMES:
            break
        raw = data[value:after]
        if tag == 0x82:
            names.append(_text(raw, 0x16))
        elif tag == 0x87 and len(raw) in (4, 16):
            names.append(str(ipaddress.ip_address(raw)))
    return names


def _extensions(data: bytes, start: int, end: int) -> List[str]:
    _, inner, inner_end = _read(data, start, end)
    for _, _, extension, extension_end in _items(data, inner, inner_end):
        parts = list(_items(data, extension, extension_end))
        if len(parts) >= 2 and data[parts[0][2] : parts[0][3]] == _SAN:
            _, _, value, after = parts[-1]
            return _san(data, value, after)
    return []


def leaf(data: bytes) -> Leaf:
    """Read a certificate. Raises BadCertificate."""
    if len(data) > MAX_SIZE:
        raise BadCertificate("larger than a certificate is")
    try:
        _, start, end = _read(data, 0, len(data))
        _, start, end = _read(data, start, end)
        parts = list(_items(data, start, end))
        if parts and parts[0][0] == 0xA0:
            parts = parts[1:]  # the version
        issuer, validity, subject = parts[2], parts[3], parts[4]
        dates = [_time(data[v:a], tag) for tag, _, v, a in _items(data, validity[2], validity[3])]
        names = next((_extensions(data, v, a) for tag, _, v, a in parts[6:] if tag == 0xA3), [])
        same = data[issuer[1] : issuer[3]] == data[subject[1] : subject[3]]
        found = Leaf(
            _dn(data, issuer[2], issuer[3]), _dn(data, subject[2], subject[3]), names, dates[0], dates[1], same
        )
        found.not_before_s(), found.not_after_s()
    except (IndexError, ValueError) as error:
        raise BadCertificate(f"not a certificate: {error}") from None
    return found
