"""How the go command reads its settings: GOPROXY lists, private patterns, escaped paths.

After cmd/go/internal/modfetch/proxy.go and golang.org/x/mod/module (Go 1.27): the rules are theirs, not a guess.
"""

from __future__ import annotations

import os
import re
from typing import Any, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote, urlsplit, urlunsplit

from . import tools
from .verb import Arg, Facts

NAMES = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOFLAGS", "GOTOOLCHAIN", "GOINSECURE")
DEFAULT_PROXY = "https://proxy.golang.org,direct"
DEFAULT_SUMDB = "sum.golang.org"
MODULE = "golang.org/x/text@v0.3.0"
"""Small, old and everywhere: asked for where no module is named."""

WORDS = frozenset({"off", "direct", "noproxy"})
_PATH = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+){0,30}")
_VERSION = re.compile(r"[A-Za-z0-9._+~/-]{1,200}")
_CANONICAL = re.compile(r"v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+incompatible)?")


class Module(NamedTuple):
    path: str
    version: str  # "latest" where none was given

    @property
    def exact(self) -> bool:
        """Whether the version is one that a proxy has to answer with as it stands."""
        return _CANONICAL.fullmatch(self.version) is not None

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"


class Entry(NamedTuple):
    """One entry of the list. `url`: without credentials, or one of `off`, `direct`, `noproxy`."""

    url: str
    any_error: bool  # a `|` follows: the next is tried after any error, not after 404 and 410 alone
    credentials: bool = False  # the list gives some for it: they are not used here


class BadList(Exception):
    """A GOPROXY that the go command refuses; `str()` says why."""


def module(value: Any) -> Module:
    """`path@version`, `path`. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- read_args reports ValueErrors
    path, at, version = value.strip().partition("@")
    if not _PATH.fullmatch(path) or "." in (path[0], path[-1]) or ".." in path or len(path) > 300:
        raise ValueError("must be a module, such as example.com/mod@v1.2.3")
    if at and (not _VERSION.fullmatch(version) or ".." in version):
        raise ValueError("must be a module, such as example.com/mod@v1.2.3")
    return Module(path, version or "latest")


def listing(value: Any) -> str:
    """The text of a GOPROXY list. What is in it is read later, as Go reads it. Raises ValueError."""
    if not isinstance(value, str) or len(value) > 2000 or not value.isprintable() or not value.isascii():
        raise ValueError("must be a GOPROXY list, at most 2000 plain characters")
    return value


def proxies(goproxy: str, gonoproxy: str) -> List[Entry]:
    """The entries in the order in which Go tries them. Raises BadList in Go's words."""
    out = [Entry("noproxy", False)] if gonoproxy and goproxy != "direct" else []
    for text, separator in re.findall(r"([^,|]*)([,|]?)", goproxy)[:64]:
        url = text.strip()
        if not url:
            continue
        out.append(_entry(url, separator == "|"))
        if url in ("off", "direct"):
            break
    if not out or (len(out) == 1 and out[0].url == "noproxy"):
        raise BadList("GOPROXY list is not the empty string, but contains no entries")
    return out


def _entry(url: str, any_error: bool) -> Entry:
    if url in ("off", "direct"):
        return Entry(url, any_error)
    if re.search(r"[.:/]", url) and ":/" not in url and not url.startswith("/"):
        url = "https://" + url
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadList("GOPROXY names something that is no URL") from None
    if not parts.scheme:
        raise BadList(f"invalid proxy URL missing scheme: {url}")
    if parts.scheme not in ("http", "https", "file"):
        raise BadList(f"invalid proxy URL scheme (must be https, http, file): {parts.scheme}")
    if parts.scheme == "file" and (parts.netloc or parts.query or parts.fragment):
        raise BadList("invalid file:// proxy URL with non-path elements")
    bare = parts.netloc.rpartition("@")[2]
    clean = urlunsplit((parts.scheme, bare, parts.path.rstrip("/"), "", ""))
    if parts.scheme == "file":
        clean = "file://" + unquote(parts.path).rstrip("/")
    return Entry(clean, any_error, bare != parts.netloc)


def escape(text: str) -> str:
    """Capital letters as `!x` (module.EscapePath), and that as Go writes it into a URL."""
    return re.sub(r"[A-Z]", lambda found: "%21" + found.group().lower(), text)


def private(globs: str, path: str) -> bool:
    """Whether GOPRIVATE, GONOPROXY ... cover this module (module.MatchPrefixPatterns)."""
    parts = path.split("/")
    for written in globs.split(",")[:200]:
        glob = written[:-1] if written.endswith("/") else written
        depth = glob.count("/") + 1
        if not glob or depth > len(parts):
            continue
        pattern = _regex(glob)
        if pattern is not None and re.fullmatch(pattern, "/".join(parts[:depth])):
            return True
    return False


def _regex(glob: str) -> Optional[str]:
    """A pattern of Go's path.Match; None for a malformed one, which Go passes over."""
    out, at = "", 0
    if len(glob) > 300 or glob.count("*") > 8:  # more would be no module pattern, and slow
        return None
    while at < len(glob):
        char = glob[at]
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[":
            end = glob.find("]", at + 2)
            if end < 0:
                return None
            inner = glob[at + 1 : end]
            not_ = inner.startswith("^")
            chars = re.sub(r"([\[\]^&~|])", r"\\\1", inner[1:] if not_ else inner)
            out += f"[{'^' if not_ else ''}{chars}]"
            at = end
        elif char == "\\":
            at += 1
            if at >= len(glob):
                return None
            out += re.escape(glob[at])
        else:
            out += re.escape(char)
        at += 1
    try:
        re.compile(out)
    except re.error:
        return None
    return out


def settings(seconds: float) -> Facts:
    """goproxy, gosumdb ... by `go env` where there is a go, else by the variables; go_from says which. A login without
    the build's PATH may miss both."""
    path = tools.find("go")
    if path and seconds > 0.2:
        told = _go_env(path, seconds)
        if told is not None:
            return told
    facts: Facts = {name.lower(): os.environ[name] for name in NAMES if name in os.environ}
    facts["go_from"] = "the environment: `go env` gave no answer" if path else "the environment: no go on the PATH"
    return facts


def _go_env(path: str, seconds: float) -> Optional[Facts]:
    home = os.path.expanduser("~")
    env = tools.bare_environment(*(name for name in os.environ if name.startswith("GO")))
    # go's telemetry writes under the home directory
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    env.setdefault("GOENV", os.path.join(config, "go", "env"))
    env["GOPATH"] = os.environ.get("GOPATH") or os.path.join(home, "go")
    said = tools.say([path, "env", *NAMES, "GOVERSION"], env, seconds)
    lines = said.text.split("\n") if said.code == 0 else []
    if len(lines) < len(NAMES) + 2:
        return None
    facts: Facts = {name.lower(): value.strip() for name, value in zip(NAMES, lines)}  # noqa: B905 -- `strict` is of Python 3.10; the length was checked
    facts.update(go_version=lines[len(NAMES)].strip(), go_from="go env")
    return facts


def in_force(asked: Optional[str], name: str, default: str, told: Facts) -> Tuple[str, str]:
    """(the value, where it is from): of the probe's own argument, of this machine, else Go's default."""
    if asked is not None:
        return asked, "the probe's argument"
    value = str(told.get(name) or "")
    return (value, str(told.get("go_from", ""))) if value else (default, "Go's default")


ARGUMENT = Arg(module, "path@version, such as example.com/mod@v1.2.3", default=module(MODULE))
