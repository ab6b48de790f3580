"""More than a thousand targets that the bot's own host must not reach, in every spelling, for every verb that connects."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from tests.prober.test_policy import spellings

PRIVATE = ["127.0.0.1", "127.0.0.53", "10.9.9.9", "172.16.5.4", "192.168.7.7", "100.64.1.1", "0.0.0.0", "198.18.0.1"]
METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
PRIVATE_6 = ["::1", "fc00::9", "fd12:3456::1", "fec0::9", "::", "2001:db8::1", "ff02::1", "4000::1", "100::1"]
METADATA_6 = ["fd00:ec2::254", "fe80::a9fe:a9fe", "fd20:ce::254", "fd00:42::42", "fd00:c1::a9fe:a9fe"]
NAMES = ["metadata.google.internal", "METADATA.GOOGLE.INTERNAL", "metadata.google.internal.", "metadata", "metadata.goog",
         "instance-data", "instance-data.ec2.internal", "metadata.azure.internal", "metadata.tencentyun.com"]  # fmt: skip
LOCAL_NAMES = ["localhost", "LOCALHOST", "localhost.", "ip6-localhost"]


def _wide(address: str) -> Iterator[str]:
    """Digits and dots that IDNA takes for the plain ones."""
    yield "".join(chr(0xFF10 + int(c)) if c.isdigit() else "." for c in address)
    for dot in "\u3002\uff0e\uff61":
        yield address.replace(".", dot)
    yield address.replace("1", "\u00b9").replace("2", "\u00b2")
    yield address.replace("1", "\u2460")


def hosts(metadata_only: bool = False) -> list[str]:
    """Spellings of hosts, each once."""
    out: dict[str, None] = {}
    for address in METADATA if metadata_only else PRIVATE + METADATA:
        every = list(spellings(address))
        # thirteen hundred of the four-part mixtures say no more than sixty
        for text in [*every[:2], *every[2::7], *every[-30:], *_wide(address)]:
            out[text] = None
    for address in METADATA_6 if metadata_only else PRIVATE_6 + METADATA_6:
        whole = ipaddress.IPv6Address(address)
        for text in (
            address,
            f"[{address}]",
            whole.exploded,
            whole.exploded.upper(),
            f"[{whole.exploded}]",
            f"{address}%lo",
        ):
            out[text] = None
    for name in NAMES if metadata_only else NAMES + LOCAL_NAMES:
        out[name] = None
    return list(out)


def urls(host: str) -> list[str]:
    """URLs that lead to this host, or look as if they led elsewhere."""
    at = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return [
        f"http://{at}/", f"http://{at}:80/latest/meta-data/", f"http://proxy.golang.org@{at}/", f"http://a:b@{at}:80/x",
        f"http://proxy.golang.org%40{at}/", f"HTTP://{at}/", f"http://{at}#@proxy.golang.org/", f"http://{at}?@proxy.golang.org",
        f"https://{at}/", f"http:///{at}/", f"http:\\\\{at}\\", f"http://{at}\t/", f"http://{at}%00.golang.org/",
        f"http://proxy.golang.org:80@{at}/", f"http://{at}:080/", f"http://{at}:/",
    ]  # fmt: skip


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def probes(host: str, url: str) -> list[tuple[str, dict[str, Any]]]:
    """Every verb that connects, aimed at this host."""
    at = _bracketed(host)
    quick = {"timeout": 2}
    return [
        ("tcp", {"host": host, "port": 80, **quick}), ("tls", {"host": host, "port": 443, **quick}),
        ("http", {"url": url, "via": "direct", **quick}), ("dns", {"host": "a.example", "server": f"{at}:5353", **quick}),
        ("goproxy", {"goproxy": url, **quick}), ("gosumdb", {"gosumdb": f"db.example+0+k {url}", "goproxy": "off", **quick}),
        ("gosumdb", {"gosumdb": "sum.golang.org", "goproxy": url, **quick}),
        ("registry", {"image": f"{at}:80/library/x", **quick}), ("registry", {"image": f"{at}:80/", "scheme": "http", **quick}),
        ("git", {"url": url + "x.git", **quick}), ("git", {"url": f"ssh://git@{at}/x.git", **quick}),
        ("git", {"url": f"git@{at}:x.git", **quick}), ("git", {"url": f"git://{at}/x.git", **quick}),
        ("npm", {"registry": url, **quick}), ("npm", {"registry": url, "package": "x@1.0.0", **quick}),
        ("pypi", {"index": url, **quick}), ("maven", {"repository": url, "artifact": "a:b:1", **quick}),
        ("apt", {"uri": url, **quick}), ("throughput", {"url": url, **quick}), ("clock", {"url": url, **quick}),
        ("capture", {"host": host, "port": 80, **quick}), ("http", {"url": url, **quick}),
    ]  # fmt: skip


def thousand(metadata_only: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """One probe for each spelling, the verbs and the shapes of URLs taking turns; then every verb at a few hosts."""
    out: list[tuple[str, dict[str, Any]]] = []
    for number, host in enumerate(hosts(metadata_only)):
        shapes = urls(host)
        every = probes(host, shapes[number % len(shapes)])
        out.append(every[number % len(every)])
        out.append(every[(number * 7 + 2) % len(every)])
    few = METADATA[:1] + METADATA_6[:1] + ["::ffff:169.254.169.254"]
    few += (
        [] if metadata_only else ["127.0.0.1", "10.9.9.9", "::1", "0x7f.1", "::ffff:10.9.9.9", "2130706433", "fc00::9"]
    )
    for host in few:
        for shape in urls(host):
            out += probes(host, shape)
    seen: dict[str, tuple[str, dict[str, Any]]] = {}
    for verb, args in out:
        seen.setdefault(f"{verb} {sorted(args.items())}", (verb, args))
    return list(seen.values())
