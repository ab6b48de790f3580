"""URLs as people copy and paste them. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_LONGEST = 2000


def split(text: str) -> tuple[tuple[str, int], str, str] | None:
    """Host and port, path, query; None for what no browser shows."""
    url = text.strip()
    if url.startswith("<"):
        url = url[1:].partition(">")[0].partition("|")[0]
    url = url.rstrip(">)].,;'\"")
    if len(url) > _LONGEST or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        return None
    if "://" not in url.partition("?")[0].partition("#")[0]:
        url = "https://" + url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc or not parts.hostname:
        return None
    return (parts.hostname.lower().rstrip("."), _port(port)), parts.path, parts.query


def _port(port: int | None) -> int:
    """80 and 443 are one: http links to an https server are common, and nothing is sent to what is recognised."""
    return 443 if port in (None, 80, 443) else port


def below(base: str, place: tuple[str, int], path: str) -> str | None:
    """What is left of `path` below the URL `base`, without closing slashes; None where it is not below it."""
    parts = urlsplit(base)
    if place != ((parts.hostname or "").lower(), _port(parts.port)):
        return None
    prefix = parts.path.rstrip("/") + "/"
    if not path.startswith(prefix) or "//" in path:
        return None
    return path.removeprefix(prefix).rstrip("/")
