"""Values of probe arguments out of logs, brought to one form or refused.

They are hostile: what is not plainly a host, a port, a URL, a module ... never becomes an argument.
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from bot.prober.policy import Policy

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9:/?#@!$&'()*+,;=%._~\[\]-]{1,2048}")
_POLICY = Policy("any")  # what no vantage may probe; the bot's own host may do less, and its prober sees to that
_REDACTED = re.compile(r"\*\*\*|redacted", re.IGNORECASE)
_MODULE = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+){0,30}")


def host(value: str) -> str | None:
    """A host name or address fit to be probed, else None. Cloud metadata addresses never are."""
    value = value.strip().removesuffix(".")
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    if _POLICY.deny_name(value) or not 0 < len(value) <= 253:
        return None
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        named = all(_LABEL.fullmatch(label) for label in value.split("."))
        # a last label of digits alone is a mistyped or obfuscated address (127.1, 0x7f.1), no name
        return value if named and not re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", value.split(".")[-1]) else None
    return None if _POLICY.deny(str(address)) else str(address)


def port(value: str) -> int | None:
    """1 to 65535, in plain ASCII digits."""
    if not re.fullmatch(r"[0-9]{1,5}", value):
        return None
    return int(value) if 1 <= int(value) <= 65535 else None


def server(value: str) -> str | None:
    """A resolver: host or address, with a port perhaps (`10.0.0.2:53`, `[fd00::1]:53`)."""
    if whole := host(value):
        return whole
    name, colon, number = value.rpartition(":")
    known, numbered = host(name), port(number)
    if not colon or known is None or numbered is None:
        return None
    return f"[{known}]:{numbered}" if ":" in known else f"{known}:{numbered}"


def url(value: str) -> str | None:
    """An absolute http or https URL without credentials and without anything blanked out, at most 2048 characters."""
    if not _URL_CHARACTERS.fullmatch(value) or _REDACTED.search(value):
        return None
    try:
        parts = urlsplit(value)
        number = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or "@" in parts.netloc or number == 0:
        return None
    return value if parts.hostname and host(parts.hostname) else None


def count(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[1-9]|10", value) else None


def seconds(value: str) -> float | None:
    return float(value) if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", value) and 0.1 <= float(value) <= 30 else None


def one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda value: value if value in allowed else None


def module(value: str) -> str | None:
    """A Go module, with `@version` perhaps."""
    path, at, version = value.partition("@")
    good = _MODULE.fullmatch(path) and ".." not in value and len(value) <= 300 and "." not in (path[0], path[-1])
    return value if good and (not at or re.fullmatch(r"[A-Za-z0-9._+~/-]{1,200}", version)) else None


def listing(value: str) -> str | None:
    """A value of GOPROXY, GONOPROXY or GOSUMDB, without anything that is, or was, a credential."""
    fits = re.fullmatch(r"[!-~ ]{1,2000}", value) and "@" not in value and not _REDACTED.search(value)
    return value if fits else None


def _fits(pattern: str) -> Callable[[str], str | None]:
    """What matches as a whole, and climbs out of nowhere."""
    compiled = re.compile(pattern)
    return lambda value: value if compiled.fullmatch(value) and ".." not in value else None


ref = _fits(r"[A-Za-z0-9._/+-]{1,200}")
npm_package = _fits(
    r"(?:@[a-z0-9~-][a-z0-9._~-]{0,100}/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]{0,200}(?:@[A-Za-z0-9._+~^-]{1,100})?"
)
pypi_package = _fits(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?(?:==[A-Za-z0-9._+!-]{1,80})?")
artifact = _fits(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,150}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,150}){2,4}")
suite = _fits(r"[a-z0-9][a-z0-9._/-]{0,80}")
path = _fits(r"/[A-Za-z0-9._/@+~ -]{0,500}")
inside = _fits(r"[A-Za-z0-9._@+~-][A-Za-z0-9._/@+~ -]{0,300}")
_IMAGE = re.compile(
    r"(?:(?P<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](?::[0-9]{1,5})?)/)?(?P<path>[a-z0-9._/-]*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,128})?"
)


def image(value: str) -> str | None:
    """An image reference, or `registry.example/`."""
    found = _IMAGE.fullmatch(value)
    if not found or ".." in value or len(value) > 600 or not value:
        return None
    named = found["host"]
    return value if named is None or host(named.partition(":")[0] if "[" not in named else named) else None


def git_url(value: str) -> str | None:
    """A repository over HTTP, SSH or git's own protocol, without credentials (a user's name alone is none)."""
    if value.lower().startswith(("http://", "https://")):
        return url(value)
    found = re.fullmatch(r"(?:ssh|git)://(?:[A-Za-z0-9_.-]+@)?([^/@\s:]+)(:[0-9]{1,5})?/[!-~]{0,500}", value)
    found = found or re.fullmatch(r"(?:[A-Za-z0-9_.-]+@)?([A-Za-z0-9_.-]+):(?!//)[!-~]{1,500}()", value)
    return value if found and host(found[1]) and not _REDACTED.search(value) else None


def size(value: str) -> int | None:
    """Bytes of a download: 1 KiB to 32 MiB."""
    return int(value) if re.fullmatch(r"[0-9]{4,8}", value) and 1024 <= int(value) <= 32 * 1024 * 1024 else None
