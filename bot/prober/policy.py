"""What may be probed. Every address is judged after it was resolved and before it is connected to, redirects included.

`public` (the bot's own host): public addresses, and what `probe_allow` lists. `any` (a build's own machine): all.
Cloud metadata and link-local addresses: never, from anywhere, whatever is listed.
Ranges: the IANA special-purpose registries; own tables, because `ipaddress.is_global` differs between Pythons.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Iterable, Iterator, List, Optional, Tuple, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def _nets(*texts: str) -> Tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_METADATA = _nets(
    "169.254.0.0/16",  # link-local: the metadata services of AWS, GCP, Azure, OpenStack, ECS, Tencent ...
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure's wire server
    "192.0.0.192/32",  # Oracle Classic
    "fe80::/10",  # link-local: OpenStack's fe80::a9fe:a9fe
    "fd00:ec2::/32",  # AWS
    "fd20:ce::/32",  # GCP
    "fd00:42::42/128",  # Scaleway
    "fd00:c1::a9fe:a9fe/128",  # Oracle
)
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal", "metadata.azure.com"}
    | {"instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com", "metadata.platformequinix.com"}
)
_SPECIAL: Tuple[Tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(text), kind)
    for kind, texts in (
        ("a private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10 64:ff9b:1::/48"),
        ("a loopback", "127.0.0.0/8 ::1/128"),
        ("an unspecified", "0.0.0.0/8 ::/128"),
        ("a carrier-grade NAT", "100.64.0.0/10"),
        ("a multicast", "224.0.0.0/4 ff00::/8"),
        ("a documentation", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
        ("a benchmarking", "198.18.0.0/15"),
        ("a reserved", "192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 2001::/23"),
    )
    for text in texts.split()
)
_GLOBAL_V6 = _nets("2000::/3", "64:ff9b::/96")


def parse(text: str) -> Address:
    """An address as the operating system writes it; a zone (`%eth0`) is left out. Raises ValueError."""
    return ipaddress.ip_address(text.split("%", 1)[0])


def _v4(number: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(number & 0xFFFFFFFF)


def embedded(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses inside an IPv6 address: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP."""
    if address.version == 4:
        return
    n = int(address)
    high = n >> 32
    if high in (0xFFFF, 0xFFFF0000, 0x64FF9B << 64) or (high == 0 and n > 1):
        yield _v4(n)
    if high >> 48 == 0x64FF9B0001:  # local-use NAT64, RFC 8215: the prefix may be /48 to /96 (RFC 6052)
        yield _v4(n)
        yield _v4(n >> 24)
        yield _v4((n >> 64 & 0xFFFF) << 16 | n >> 40 & 0xFFFF)
        yield _v4((n >> 64 & 0xFF) << 24 | n >> 32 & 0xFFFFFF)
    if n >> 112 == 0x2002:
        yield _v4(n >> 80)
    if n >> 96 == 0x20010000:
        yield _v4(n >> 64)
        yield _v4(~n)
    if high & 0xFCFFFFFF == 0x5EFE:
        yield _v4(n)


def _inside(address: Address, nets: Iterable[Network]) -> bool:
    return any(address.version == net.version and address in net for net in nets)


def _kind(address: Address) -> Optional[str]:
    """Why an address is not public, in words, or None."""
    for net, kind in _SPECIAL:
        if address.version == net.version and address in net:
            return kind
    if address.version == 6 and not _inside(address, _GLOBAL_V6):
        return "a reserved"
    return None


class Policy:
    """`scope` is "public" or "any"; `allow` lists networks that "public" opens beside; `capture`: whether packets may
    be watched."""

    def __init__(self, scope: str = "public", allow: Iterable[str] = (), capture: bool = False) -> None:
        if scope not in ("public", "any"):
            raise ValueError("policy.scope must be public or any")
        self.scope, self.capture = scope, capture
        self.allow: List[Network] = [ipaddress.ip_network(text) for text in allow]

    @classmethod
    def read(cls, given: Any) -> Policy:
        """Of a request's `policy`. What is missing is closed. Raises ValueError."""
        if not isinstance(given, dict) or set(given) - {"scope", "allow", "capture"}:
            raise ValueError("policy must be a mapping of scope, allow and capture")
        allow = given.get("allow", [])
        if not isinstance(allow, list) or len(allow) > 256 or not all(isinstance(a, str) for a in allow):
            raise ValueError("policy.allow must be a list of networks")
        return cls(given.get("scope", "public"), allow, given.get("capture") is True)

    @property
    def public(self) -> bool:
        return self.scope == "public"

    def deny_name(self, host: str) -> Optional[str]:
        """Why this name is never probed, or None. The addresses it resolves to are judged by `deny`."""
        if host.lower().rstrip(".") in _METADATA_NAMES:
            return f"{host} is a cloud metadata name: those are probed from no vantage"
        return None

    def deny(self, text: str) -> Optional[str]:
        """Why this address is not to be connected to, and what to do about it; None if it may be."""
        try:
            address = parse(text)
        except ValueError:
            return f"{text} is no address"
        inner = list(embedded(address))
        for one in (address, *inner):
            if _inside(one, _METADATA):
                return f"{text} is a cloud metadata or link-local address: those are probed from no vantage"
        if not self.public:
            return None
        mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
        for one in inner if mapped else (address, *inner):
            kind = _kind(one)
            if kind and not _inside(one, self.allow) and not _inside(address, self.allow):
                length = 32 if one.version == 4 else 128
                return (
                    f"{text} is {kind} address, which the bot's own host does not probe: list its range, "
                    f"for example {one}/{length}, under probe_allow to allow it"
                )
        return None
