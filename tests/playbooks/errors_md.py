"""The rows of ERRORS.md as log lines: placeholders filled in, alternatives apart, each in a plausible log of its tool.

ERRORS.md lies beside the checkout, not in it. Its grammar: `‹x›` is variable text, `‹a\\|b›` one of these, ` / `
between backticks another form of the same row, ` + ` a line that comes with it.
"""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

_CODES = {
    "DNS_NX": "dns-resolution-failure", "DNS_TEMP": "dns-resolution-failure", "DNS_TIMEOUT": "dns-timeout",
    "TCP_TIMEOUT": "network-egress-blocked", "TCP_NOROUTE": "network-egress-blocked", "NOROUTE": "network-egress-blocked",
    "TCP_REFUSED": "network-egress-blocked registry-unavailable goproxy-unset-or-unreachable connection-refused",
    "TCP_RESET": "flaky-network-reset", "EOF": "flaky-network-reset", "H2": "flaky-network-reset",
    "TLS_TIMEOUT": "tls-handshake-timeout", "TLS_CERT": "tls-interception-or-untrusted-ca",
    "TLS_PROTO": "http-proxy-misconfigured goproxy-misconfigured tls-interception-or-untrusted-ca",
    "STALL": "slow-download-timeout", "HTTP_5XX": "registry-unavailable", "RATE_LIMIT": "rate-limited",
    "AUTH": "registry-auth-failure private-module-auth goproxy-misconfigured",
    "FORBIDDEN": "registry-auth-failure private-module-auth goproxy-misconfigured",
    "NOT_FOUND": "dependency-not-found private-module-auth goproxy-misconfigured", "CHECKSUM": "checksum-mismatch",
    "PROXY": "http-proxy-misconfigured goproxy-misconfigured", "DISK": "disk-full", "OOM": "out-of-memory",
    "RUNNER_LOST": "runner-lost", "JOB_TIMEOUT": "job-time-limit-exceeded", "CANCELLED": "not-a-failure",
    "CODE": "compile-error test-failure lint-failure dependency-not-found",
}  # fmt: skip
_FILL = {
    "url": "https://proxy.golang.org/github.com/acme/shop/@v/v1.2.3.zip", "u": "https://pkg.example.com/shop", "h": "pkg.example.com",
    "ip": "192.0.2.7", "ip:port": "192.0.2.7:443", "ip6": "2001:db8::7", "h:p": "kube.example.com:6443", "n": "3", "d": "30s", "c": "503",
    "v": "v1.2.3", "m": "github.com/acme/greet", "p": "github.com/acme/greet", "e": "dial tcp 192.0.2.7:443: i/o timeout", "t": "10s",
    "net error": "dial tcp 192.0.2.7:443: i/o timeout", "Go net error": "dial tcp 192.0.2.7:443: i/o timeout", "img": "golang:1.22",
    "ref": "docker.io/library/golang:1.22", "r": "acme/shop", "i": "acme/shop:1", "base": "https://goproxy.example.com", "text": "Service Unavailable",
    "a": "10.0.0.5:41234", "b": "192.0.2.7:443", "dgst": "sha256:0c1d", "mt": "application/vnd.oci.image.index.v1+json", "l": "7", "ver": "v1.2.3",
    "mod": "github.com/acme/greet", "g:a:v": "com.acme:lib:jar:1.0", "id": "central", "f": "/var/lib/dpkg/lock-frontend", "name": "unattended-upgr",
    "w": "1.20.5", "k": "6B05F25D762E3157", "s": "5", "sha": "5c3a0e4", "xxxx": "<htm", "arch": "arm64", "status": "503 Service Unavailable",
    "goX.Y.Z": "go1.22.1", "json error": "invalid character '<' looking for beginning of value", "json err": "invalid character '<' looking for beginning of value",
    "url ": "x", "size": "9.71GB", "cmd": "make", "docker error": "toomanyrequests: Rate exceeded", "realm": "https://auth.example.com/token",
    "blob url": "https://registry.example.com/v2/acme/shop/blobs/sha256:0c1d", "git error": "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
    "exc": "NewConnectionError(\"HTTPSConnection(host='pkg.example.com', port=443): Failed to establish a new connection: [Errno 111] Connection refused\")",
    "reason": "connection error", "code": "503", "tag": "1.0", "origin": "origin", "T": "TestPay", "pkg": "github.com/acme/shop", "q": "latest",
    "os": "linux", "file": "main", "main": "github.com/acme/shop", "realm ": "", "main ": "",
}  # fmt: skip


class Row(NamedTuple):
    """`line`: where it stands in ERRORS.md. `forms`: each a log of one or a few lines."""

    line: int
    section: int
    template: str
    cause: str
    marks: str
    forms: tuple[str, ...]


def rows(text: str) -> Iterator[Row]:
    """Those of sections 1 to 9 that give a template."""
    section = 0
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"## (\d)\.", line):
            section = int(found[1])
        if not section or not line.startswith("| ") or line.startswith(("| template", "| #")):
            continue
        cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\) ?\|(?: |$)", line)[1:-1]]
        if "`" in cells[0]:
            marks = cells[2] if len(cells) > 2 else ""
            yield Row(number, section, cells[0], cells[1], marks, tuple(dict.fromkeys(_forms(cells[0]))))


def marked(row: Row) -> bool:
    """S: read in source; R: printed by the real tool."""
    return re.search(r"\b[SR]\b", row.marks) is not None


def expected(row: Row) -> frozenset[str]:
    """The ids that the row's codes may mean; empty where the row names no code that can be translated."""
    found: set[str] = set()
    for code, ids in _CODES.items():
        if re.search(rf"(?<![A-Z_]){code}(?![A-Z_])", row.cause):
            found.update(ids.split())
    return frozenset(found)


def _forms(template: str) -> Iterator[str]:
    """Each form between backticks; ` + ` joins the next to the one before it, `(+` and `then` as well."""
    lines: list[str] = []
    made: list[list[str]] = []
    for before, code in re.findall(r"([^`]*)`((?:\\`|[^`])*)`", template.replace("\\`", "\x00")):
        joined = bool(lines) and (re.search(r"\+|then|→", before) or before.strip() in {"", "("})
        if made and joined:
            made[-1].append(code)
        else:
            made.append([code])
        lines.append(code)
    for group in made:
        yield from _expanded("\n".join(group).replace("\x00", "`"))


def _expanded(text: str) -> Iterator[str]:
    parts = re.split(r"‹([^›]*)›", text.replace("\\n", "\n").replace("\\t", "\t"))
    choices = [[p] if i % 2 == 0 else _choices(p) for i, p in enumerate(parts)]
    most = max(map(len, choices))
    for i in range(most):  # each alternative once, not each combination
        yield "".join(c[min(i, len(c) - 1)] for c in choices).replace("…", "")


def _choices(name: str) -> list[str]:
    options = name.split("|") if "|" in name else [name]
    return list(itertools.chain.from_iterable([_FILL.get(o, o)] for o in options))
