"""Which facts are fit to stand in code that people paste. Facts come out of logs, so they are hostile: a value that is
not plainly what its name says (a host, a port, a module path ...) never gets there.

What passes is made of letters, digits and `. _ : / @ % + = -` alone: no shell, YAML, JSON or Dockerfile reads more into
it, quoted or not.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping

from bot.triage import verbs

# one word of a shell, one scalar of YAML or JSON: begins with a letter or digit (or the @ of a scoped npm package)
_WORD = re.compile(r"@?[A-Za-z0-9](?:[A-Za-z0-9._:/@%+=-]{0,198}[A-Za-z0-9._/@%+=-])?")
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)*(?:@[A-Za-z0-9.+-]+)?")
_VERSION = re.compile(r"[A-Za-z]{0,8}[0-9][0-9A-Za-z._+-]*")
_IMAGE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._/-]*(?::[0-9]+/[A-Za-z0-9._/-]+)?(?::[A-Za-z0-9._-]+)?(?:@sha256:[0-9a-f]{64})?"
)
_PACKAGE = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9._/+@=-]*")
_FILE = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_.][A-Za-z0-9_.+-]*)*")
_TOOL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_FORGES = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com"})
_NUMBER = re.compile(r"[0-9]{1,9}")


def _shaped(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda value: value if pattern.fullmatch(value) and ".." not in value.split("/") else None


def _ip(value: str) -> str | None:
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        return None


def _port(value: str) -> str | None:
    number = verbs.port(value)
    return None if number is None else str(number)


def _proxy(value: str) -> str | None:
    return verbs.url(value) if "://" in value else verbs.server(value)


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "host": verbs.host, "server": verbs.host, "port": _port, "ip": _ip, "resolver": verbs.server, "url": verbs.url,
    "proxy": _proxy, "module": _shaped(_MODULE), "version": _shaped(_VERSION), "have": _shaped(_VERSION),
    "image": _shaped(_IMAGE), "package": _shaped(_PACKAGE), "file": _shaped(_FILE), "tool": _shaped(_TOOL),
    "status": _shaped(_NUMBER), "seconds": _shaped(_NUMBER), "registry": verbs.server,
}  # fmt: skip


def _cidr(ip: str) -> str | None:
    """Exactly this address, as a network."""
    known = _ip(ip)
    return None if known is None else f"{known}/{128 if ':' in known else 32}"


def _module_owner(module: str) -> str | None:
    """What GOPRIVATE names: everything of this owner on a public forge, everything on a host of one's own."""
    name, _, path = module.partition("@")[0].partition("/")
    if "." not in name or verbs.host(name) is None:
        return None
    return f"{name}/{path.partition('/')[0]}" if name in _FORGES and path else name


def _minor(version: str) -> str | None:
    """The image tag that follows patch releases: 1.24.3 -> 1.24."""
    found = re.match(r"(?:go)?(\d+\.\d+)", version)
    return found.group(1) if found else None


DERIVED: Mapping[str, tuple[str, Callable[[str], str | None]]] = {
    "cidr": ("ip", _cidr),
    "module_owner": ("module", _module_owner),
    "minor": ("version", _minor),
}
"""Facts made from others, for code: name -> the fact it needs, and how it is made."""

NAMES = frozenset(_CHECKS) | frozenset(DERIVED)
"""The standard names: shared steps may ask for them in any playbook."""


def fit(name: str, facts: Mapping[str, object]) -> str | None:
    """The value of a fact as it may stand in code; None where there is none, or it is not what its name says."""
    if name in DERIVED and name not in facts:
        source, make = DERIVED[name]
        known = fit(source, facts)
        return make(known) if known else None
    value = facts.get(name)
    if value is None or isinstance(value, list | tuple | dict | bool):
        return None
    check = _CHECKS.get(name)
    text = check(str(value)) if check else str(value)
    return text if text and _plain(text) else None


def _plain(text: str) -> bool:
    # an IPv6 address may begin and end with colons
    return _WORD.fullmatch(text) is not None or (_ip(text) is not None and ":" in text)
