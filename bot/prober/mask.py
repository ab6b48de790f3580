"""Nothing secret leaves: every fact passes through here, is cut to size and loses what looks like a credential."""

from __future__ import annotations

import json
import math
import re
from typing import Any, List

from .verb import Facts

MAX_TEXT = 300
MAX_ITEMS = 32
MAX_DEPTH = 4
MAX_ANSWER = 64 * 1024

_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s/|,?#]+@")
_BARE_USERINFO = re.compile(r"(?<![\w.@-])[^\s/@:|,]+:[^\s/@|,]+@(?=[\w.\[-])")
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{12,}|ASIA[0-9A-Z]{12,}|npm_[A-Za-z0-9]{20,}|dckr_pat_[\w-]{16,}|hvs\.[\w-]{16,}"
    r"|sk-[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?)"
)
_NAMED = re.compile(
    r"((?:(?:token|secret|passw(?:or)?d|api[_-]?key|access[_-]?key|credential|signature)[\w-]{0,20}|\b(?:pwd|sig|auth))"
    r"\s*[=:]\s*)"
    r"[^\s&;,|]+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(Bearer|Basic|Negotiate|NTLM)\s+[A-Za-z0-9+/._~=-]{8,}", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s?#]*)[?#][^\s,|]*")


def text(value: str) -> str:
    """Masked, on one line, at most 300 characters."""
    value = value[: MAX_TEXT * 8]
    value = _USERINFO.sub(r"\1***@", value)
    value = _BARE_USERINFO.sub("***@", value)
    value = _TOKENS.sub("***", value)
    value = _SCHEME.sub(r"\1 ***", value)
    value = _NAMED.sub(r"\1***", value)
    value = _QUERY.sub(r"\1?***", value)
    value = "".join(c if c.isprintable() else " " for c in value)
    return value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"


def fact(value: Any, depth: int = 0) -> Any:
    """Anything as a small JSON value."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)[:40]
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    if isinstance(value, str):
        return text(value)
    if depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        return [fact(item, depth + 1) for item in value[:MAX_ITEMS]]
    if depth < MAX_DEPTH and isinstance(value, dict):
        return {str(key)[:60]: fact(item, depth + 1) for key, item in list(value.items())[:MAX_ITEMS]}
    return text(str(value))


def facts(given: Facts) -> Facts:
    """All facts of a result; None means unknown and is left out."""
    return {key: fact(value) for key, value in given.items() if value is not None}


def fit(results: List[Facts]) -> List[Facts]:
    """Results that take 64 KB of JSON at most together: the largest lose their facts first, and say so."""
    sizes = [len(json.dumps(result)) for result in results]
    while sum(sizes) > MAX_ANSWER - 1024:
        largest = sizes.index(max(sizes))
        results[largest] = {**results[largest], "facts": {"error": "the facts were left out: the answer was too large"}}
        new = len(json.dumps(results[largest]))
        if new >= sizes[largest]:
            break
        sizes[largest] = new
    return results
