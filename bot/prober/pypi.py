"""`pypi`: the Python package index that this machine fetches from: its page of a project, and where the files lie.

Facts: index, index_from (who names it), package, status, files (how many the page lists, as far as it was read),
version (whether a file of the version is there), file_host, file (outcome of a HEAD for one), file_status,
captive_portal, retry_after, via, proxy, address, issuer, phase, note.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urljoin

from . import sources
from .exchange import fetch
from .packages import answered, chosen, head_of
from .target import Target, url
from .verb import TIMEOUT, Answer, Arg, Context, Verb

MAX_PAGE = 2 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9._+!-]{1,80}")


def package(value: Any) -> Tuple[str, str]:
    """`requests==2.31.0`, `requests` -> (normalised name, version or ""). Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    name, _, version = text.partition("==")
    if not _NAME.fullmatch(name) or (version and not _VERSION.fullmatch(version)):
        raise ValueError("must be the name of a project, with ==version perhaps")
    return re.sub(r"[-_.]+", "-", name).lower(), version


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    name, version = args["package"]
    base, facts = chosen(args["index"], "index", "pip", lambda: sources.pip(ctx.clock.left() * 0.5))
    facts["package"] = name
    page = url(f"{base}/{name}/")
    got = fetch(page, ctx, extra=(("Accept", "text/html"),), cap=MAX_PAGE)
    links = _links(got.data)
    if got.outcome != "ok":
        return answered(got, facts, "html")
    facts["files"] = len(links)
    if version:
        # the page's file names write a version as it stands, or with _ for -
        marks = {f"-{version}.", f"-{version}-", f"-{version.replace('-', '_')}-"}
        links = [one for one in links if any(mark in one[1] for mark in marks)]
        facts["version"] = bool(links)
    file = _file(links, got.url)
    if file is None:
        what = f"no file of version {version}" if version else "no file"
        facts["status"] = got.status
        if got.facts.get("title") and not facts["files"] and "links" not in str(got.facts["title"]).lower():
            facts.update(captive_portal=True, error=f"{page.host} answers with a page that is no index")
            return Answer("proxy-error", facts, got.ms)
        return Answer("nodata", {**facts, "error": f"the index lists {what} of {name}"}, got.ms)
    facts.update(head_of(file, ctx, "file"))
    return answered(got, facts, "html")


def _links(page: bytes) -> List[Tuple[str, str]]:
    """(address, text) of each link. No pattern over the whole page: a hostile one would take it minutes."""
    out: List[Tuple[str, str]] = []
    for part in page.decode("utf-8", "replace").split("<a ")[1:50000]:
        tag, _, text = part[:4000].partition(">")
        found = re.search(r"href\s*=\s*[\"']([^\"']+)", tag)
        if found:
            out.append((unescape(found.group(1)), unescape(text.split("<", 1)[0]).strip()))
    return out


def _file(links: List[Tuple[str, str]], page: str) -> Optional[Target]:
    """The last file, which is the newest where indexes sort."""
    for href, _ in reversed(links):
        try:
            return url(urljoin(page, href.split("#")[0]))
        except ValueError:
            continue
    return None


VERB = Verb(
    says="ask the Python package index that this machine fetches from for a project, and for one of its files",
    args={
        "package": Arg(package, "name or name==version", default=("pip", "")),
        "index": Arg(url, "the address of a simple index; left out: what pip's settings here, or pip itself, name"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
