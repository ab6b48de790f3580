"""How the go command finds a module without a proxy: the repository behind its path, and the version's tag there.

cmd/go/internal/vcs: known hosts by their path, others by the go-import tag of `https://path?go-get=1`.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Optional, Tuple

from . import gitwire, tools
from .exchange import fetch
from .golang import Module
from .target import url
from .verb import Context, Facts, Failed

_KNOWN = re.compile(r"((?:github\.com|bitbucket\.org|gitlab\.com)/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)(/.*)?")
_SUFFIX = re.compile(r"(.+?\.git)(/.*)?")
_META = re.compile(r"<meta\s[^>]{0,2000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([a-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_PSEUDO = re.compile(r"\d{14}-[0-9a-f]{12}$")


def look(module: Module, ctx: Context) -> Facts:
    """Facts where the go command would find it. Raises Failed."""
    git = tools.find("git")
    root, repository, kind = _repository(module, ctx)
    facts: Facts = {"git": bool(git), "repository": repository.shown() if repository else root, "phase": "git"}
    if kind == "mod" or repository is None:
        facts["note"] = f"the path is served by {kind}, which is not followed further"
        return facts
    if not git:
        raise Failed("error", 'go needs git for this: exec: "git": executable file not found in $PATH', **facts)
    if repository.web is None:
        facts.update(gitwire.greeting(repository, ctx))
        return facts
    got, told = gitwire.advertised(repository, ctx, refs=True)
    facts.update(told, status=got.status)
    if got.outcome != "ok":
        raise Failed(got.outcome, got.error or got.outcome, **facts)
    if not told["speaks_git"]:
        raise Failed("error", f"{repository.shown()} is no git repository: it does not speak git over HTTP", **facts)
    return _with_tag(module, root, got.data, got.whole, facts)


def _with_tag(module: Module, root: str, data: bytes, whole: bool, facts: Facts) -> Facts:
    version = module.version.split("+")[0]
    below = re.sub(r"/?v[0-9]+$", "", module.path[len(root) :].strip("/"))
    tag = f"refs/tags/{below}/{version}" if below else f"refs/tags/{version}"
    names = set(gitwire.names(data))
    if not module.exact or _PSEUDO.search(version) or tag in names:
        return facts
    if not whole:
        facts["note"] = "the repository has more refs than were read: whether the tag is there was not seen"
        return facts
    raise Failed("nodata", f"unknown revision: the repository has no tag {tag[10:]}", **facts)


def _repository(module: Module, ctx: Context) -> Tuple[str, Optional[gitwire.Remote], str]:
    """(import path of its root, the repository, the kind of version control). Raises Failed."""
    for pattern in (_KNOWN, _SUFFIX):
        found = pattern.fullmatch(module.path)
        if found:
            return found.group(1), gitwire.remote("https://" + found.group(1)), "git"
    if "." not in module.path.split("/")[0]:
        raise Failed("nodata", f"{module.path}: the first element has no dot, so it is nobody's host", phase="go-get")
    try:
        target = url(f"https://{module.path}?go-get=1")
    except ValueError as error:
        raise Failed("error", f"{module.path} is no path of a module: {error}", phase="go-get") from None
    got = fetch(target, ctx)
    # an answer of 404 may carry the tag all the same
    if got.status is None:
        raise Failed(got.outcome, f"{target.host}: {got.error}", **{**got.facts, "phase": "go-get"})
    return _by_tag(module.path, got.data.decode("utf-8", "replace"), target.host, got.status)


def _by_tag(path: str, page: str, asked: str, status: int) -> Tuple[str, Optional[gitwire.Remote], str]:
    for tag in _META.findall(page):
        found = {k.lower(): unescape(a or b or c) for k, a, b, c in _ATTRIBUTE.findall(tag)}
        words = found.get("content", "").split()
        if found.get("name") != "go-import" or len(words) < 3:
            continue
        root, kind, where = words[0], words[1], words[2]
        if path != root and not path.startswith(root + "/"):
            continue
        try:
            return root, (gitwire.remote(where) if kind == "git" else None), kind
        except ValueError:
            raise Failed("error", f"{asked} names a repository that is no URL", phase="go-get") from None
    outcome = "http-status" if status >= 400 else "nodata"
    raise Failed(
        outcome, f"{asked} answered {status} without a go-import tag for {path}", phase="go-get", status=status
    )
