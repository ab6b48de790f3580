"""The URL of an `http` probe, taken apart and checked."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .verb import host

_URL = re.compile(r"[!-~]{8,2048}")


class Target(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        at = f"[{self.host}]" if ":" in self.host else self.host
        return at if self.port == (443 if self.scheme == "https" else 80) else f"{at}:{self.port}"

    def shown(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def url(value: Any) -> Target:
    """An absolute http or https URL. User information is dropped: a probe takes no credentials."""
    if not isinstance(value, str) or not _URL.fullmatch(value.strip()) or "\\" in value:
        raise ValueError("must be an http or https URL, at most 2048 plain ASCII characters")
    try:
        parts = urlsplit(value.strip())
        name, number = host(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL that can be asked for: {error}") from None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or number == 0:
        raise ValueError("must be an http or https URL")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, name, number or (443 if scheme == "https" else 80), path)
