"""Which proxy the environment asks for, as curl and Go read it: http_proxy, https_proxy, all_proxy, no_proxy."""

from __future__ import annotations

import ipaddress
import os
from typing import Mapping, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit

from .verb import Failed, host


class Proxy(NamedTuple):
    scheme: str
    host: str
    port: int
    user: Optional[str]  # "user:password", for the proxy alone; never shown
    variable: str  # where it was found

    def shown(self) -> str:
        at = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{at}:{self.port}"


def choose(scheme: str, name: str, port: int, environ: Optional[Mapping[str, str]] = None) -> Optional[Proxy]:
    """The proxy for a URL, or None. Raises Failed (`proxy-error`) for a value that is no proxy's address."""
    env = os.environ if environ is None else environ
    if bypass(no_proxy(env), name, port):
        return None
    for variable in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
        value = env.get(variable, "").strip()
        if value:
            return _read(value, variable)
    return None


def no_proxy(env: Mapping[str, str]) -> str:
    return env.get("no_proxy") or env.get("NO_PROXY") or ""


def _read(value: str, variable: str) -> Proxy:
    text = value if "://" in value else "http://" + value
    try:
        parts = urlsplit(text)
        name, number = host(parts.hostname or ""), parts.port
    except ValueError:
        raise Failed("proxy-error", f"{variable} is not the address of a proxy", phase="proxy") from None
    scheme = parts.scheme.lower()
    user = None
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    default = {"http": 80, "https": 443}.get(scheme, 1080)
    return Proxy(scheme, name, number or default, user, variable)


def bypass(value: str, name: str, port: int) -> bool:
    """Whether no_proxy names this host: `*`, a name and all below it, name:port, an address, a network."""
    name = name.lower().rstrip(".")
    for written in value.replace(",", " ").lower().split()[:500]:
        if written == "*":
            return True
        entry, wanted = _entry_port(written)
        if wanted is not None and wanted != port:
            continue
        if _in_network(entry, name):
            return True
        bare = entry.lstrip("*").lstrip(".").rstrip(".")
        if bare and (name == bare or name.endswith("." + bare)):
            return True
    return False


def _entry_port(entry: str) -> Tuple[str, Optional[int]]:
    head, colon, tail = entry.rpartition(":")
    if colon and tail.isdigit() and ("]" in head or ":" not in head):
        return head.strip("[]"), int(tail)
    return entry.strip("[]"), None


def _in_network(entry: str, name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
        return address in ipaddress.ip_network(entry, strict=False)
    except (ValueError, TypeError):
        return False
