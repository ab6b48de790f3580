"""A playbook's beginnings from one line of a log: the pattern with what varies as named groups, an id, a title. Pure.

It proposes; its author decides. What varies is told by form (URLs, addresses, versions, numbers), and gets the standard
name of its fact the first time it stands there.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_LONGEST = 400  # characters of a line that become a pattern: its end, since the last link of a chain counts
_EXTENSIONS = (
    "go|py|js|ts|tsx|jsx|java|kt|rs|c|cc|cpp|h|hpp|cs|rb|php|sh|mod|sum|ya?ml|json|toml|xml|gradle|lock|log|txt|md|so"
    "|tar|gz|tgz|zip|whl|jar|deb|rpm|apk|proto|sql"
)
_PARTS = re.compile(
    rf"""(?P<url>https?://[^\s"'<>]+)
      |(?P<module>\b[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,}}(?:/[\w.~-]+)+@v[\w.+-]+)
      |(?P<stamp>\b\d{{4}}-\d\d-\d\d[T ][\d:.,]+Z?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?)
      |(?P<ip>\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b(?::\d{{1,5}}\b)?)
      |(?P<file>(?:\.{{0,2}}/)?[\w@+-][\w.@+-]*(?:/[\w.@+-]+)*\.(?:{_EXTENSIONS})\b(?::\d+){{0,2}})
      |(?P<path>(?<![\w.])\.{{0,2}}/(?:[\w.@+-]+/)+[\w.@+-]*)
      |(?P<host>\b(?:[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?\.)+[a-z]{{2,24}}\b(?::\d{{1,5}}\b)?(?![\w(]))
      |(?P<duration>\b\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)(?:\d+(?:\.\d+)?(?:ms|s|m))?\b)
      |(?P<seconds>\b\d+(?:\.\d+)?(?=\ (?:seconds|secs?)\b))
      |(?P<status>(?<=\b)[1-5]\d\d\b)
      |(?P<version>\bv?\d+\.\d+(?:\.\d+)*(?:[-+][\w.+-]+)?\b)
      |(?P<hash>\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{{7,64}}\b)
      |(?P<number>\b\d+\b)
      |(?P<secret>\*{{3,}}|\[redacted\])""",
    re.VERBOSE,
)
_STATUS_BEFORE = re.compile(
    r"(?:HTTP/[\d.]+|HTTP|status(?: code)?|error:|code|returned|response:?|answered)[ :=]*$", re.I
)
_WORDS = re.compile(r"[A-Za-z][a-z]+|[A-Z]{2,}")
_DULL = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "to",
        "in",
        "is",
        "was",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "on",
        "at",
        "error",
        "fatal",
        "failed",
        "failure",
        "err",
        "warn",
        "warning",
        "info",
        "log",
        "https",
        "http",
        "com",
        "org",
        "io",
        "net",
        "get",
        "could",
        "can",
        "this",
        "that",
        "it",
        "be",
        "has",
        "have",
    ]
)


class Proposal(NamedTuple):
    id: str
    title: str
    pattern: str
    facts: tuple[str, ...]


def propose(line: str) -> Proposal:
    """From a cleaned and redacted line. Raises ValueError where it holds nothing to know it by."""
    text = line.strip()
    if len(text) > _LONGEST:
        text = text[-_LONGEST:].partition(" ")[2] or text[-_LONGEST:]
    if len(_WORDS.findall(_PARTS.sub(" ", text))) < 2:
        raise ValueError("the line has hardly a word in it, so nothing to know it by again: choose another one")
    names: dict[str, None] = {}
    pattern = "".join(_written(text, names))
    return Proposal(_id(text), _title(text, names), pattern, tuple(names))


def _written(text: str, names: dict[str, None]) -> Iterator[str]:
    """The line as a pattern, piece by piece; the names of its groups are added."""
    at = 0
    for found in _PARTS.finditer(text):
        piece, kind = found.group(), str(found.lastgroup)
        end = found.end()
        if kind == "url":  # what closes a sentence or a bracket is not the URL's
            piece = piece.rstrip(".,;:)]}")
            end = found.start() + len(piece)
        if end <= at:
            continue
        yield _literal(text[at : found.start()])
        yield _KINDS[kind](piece, text[: found.start()], names)
        at = end
    yield _literal(text[at:])


def _literal(text: str) -> str:
    """Escaped for RE2, and no more than it needs to be read."""
    return re.sub(r"([\\.^$|?*+()\[\]{}])", r"\\\1", text)


def _named(name: str, body: str, names: dict[str, None]) -> str:
    """A group the first time, a plain piece of pattern after that: a name stands once."""
    if name in names:
        return f"(?:{body})" if "|" in body else body
    names[name] = None
    return f"(?P<{name}>{body})"


def _url(piece: str, before: str, names: dict[str, None]) -> str:
    if "url" in names or "host" in names:
        return r"https?://[^\s\"']+"
    names.update({"url": None, "host": None})
    return r"(?P<url>https?://(?P<host>[^/:\s\"']+)[^\s\"']*)"


def _module(piece: str, before: str, names: dict[str, None]) -> str:
    return _named("module", r"[\w.~/-]+", names) + "@" + _named("version", r"v[\w.+-]+", names)


def _address(piece: str, before: str, names: dict[str, None], name: str, body: str) -> str:
    """A host or an address, with a port perhaps; after `lookup X on` it is the resolver."""
    if re.search(r"\blookup\b.* on $", before):
        return _named("resolver", r"[\w.:-]+:\d+" if ":" in piece else body, names)
    port = ":" + _named("port", r"\d+", names) if ":" in piece else ""
    return _named(name, body, names) + port if name not in names or not port else body + port


def _number(piece: str, before: str, names: dict[str, None]) -> str:
    return _named("port", r"\d+", names) if before.lower().endswith("port ") else r"\d+"


def _status(piece: str, before: str, names: dict[str, None]) -> str:
    return _named("status", r"\d{3}", names) if _STATUS_BEFORE.search(before) else _number(piece, before, names)


_KINDS: dict[str, Callable[[str, str, dict[str, None]], str]] = {
    "url": _url,
    "module": _module,
    "stamp": lambda piece, before, names: r"[\d:.,TZ -]+",
    "ip": lambda piece, before, names: _address(piece, before, names, "ip", r"[\d.]+"),
    "file": lambda piece, before, names: _named("file", r"[\w./@+-]+", names) + r":\d+" * piece.count(":"),
    "path": lambda piece, before, names: r"[\w./@+-]+",
    "host": lambda piece, before, names: _address(piece, before, names, "host", r"[\w.-]+"),
    "duration": lambda piece, before, names: r"\d[\d.]*[a-z][\d.a-z]*",
    "seconds": lambda piece, before, names: _named("seconds", r"[\d.]+", names),
    "status": _status,
    "version": lambda piece, before, names: _named("version", r"v?\d[\w.+-]*", names),
    "hash": lambda piece, before, names: r"[0-9a-f]+",
    "number": _number,
    "secret": lambda piece, before, names: r"\S+",
}


def _id(text: str) -> str:
    """The first words that say something: `dial-tcp-timeout`."""
    words = [w.lower() for w in _WORDS.findall(_PARTS.sub(" ", text))]
    telling = [w for w in dict.fromkeys(words) if w not in _DULL and w.isascii()][:5] or words[:3]
    return "-".join(telling)[:60].strip("-")


def _title(text: str, names: dict[str, None]) -> str:
    """The last link of the chain, with the host in front of it where there is one. Braces would be holes."""
    links = [re.sub(r"(?:… ?)+", "… ", _PARTS.sub("…", part)).strip(" .:…") for part in text.split(": ")]
    told = [part for part in links if _WORDS.search(part)] or [text]
    last = told[-1] if len(told) < 2 or len(_WORDS.findall(told[-1])) > 1 or "/" in told[-1] else ": ".join(told[-2:])
    last = re.sub(r"[{}\s]+", " ", last).strip()[:100]
    if "host" in names:
        return f"{{host|The server}}: {last}"
    return last[:1].upper() + last[1:]
