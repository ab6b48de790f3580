"""`npm`: the npm registry that this machine fetches from: its index of a package, and where the tarball lies.

Facts: registry, registry_from (who names it), package, version (that was found), status, tarball_host, tarball
(outcome of a HEAD for it), tarball_status, html, captive_portal, retry_after, via, proxy, address, issuer, phase, note.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Optional, Tuple
from urllib.parse import quote

from . import sources
from .exchange import Fetched, fetch, read_json
from .packages import answered, chosen, head_of
from .target import Target, url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Verb

_NAME = re.compile(r"(?:(@[a-z0-9~-][a-z0-9._~-]*)/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*")
_VERSION = re.compile(r"[A-Za-z0-9._+~^-]{1,100}")


def package(value: Any) -> Tuple[str, str]:
    """`left-pad@1.3.0`, `@acme/app` -> (name, version or ""). Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    name, _, version = text[1:].partition("@")
    name = text[:1] + name
    if not _NAME.fullmatch(name) or len(name) > 214 or (version and not _VERSION.fullmatch(version)):
        raise ValueError("must be the name of a package, with @version perhaps")
    return name, version


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    wanted: Optional[Tuple[str, str]] = args["package"]
    scope = wanted[0].split("/")[0] if wanted and wanted[0].startswith("@") else ""
    base, facts = chosen(args["registry"], "registry", "npm", lambda: sources.npm(scope, ctx.clock.left() * 0.5))
    if wanted is None:
        got = fetch(url(f"{base}/-/ping"), ctx, extra=(("Accept", "application/json"),))
        return answered(got, facts, "json")
    name, version = wanted
    facts["package"] = name + (f"@{version}" if version else "")
    # one version's document is small, where the whole of a package may take megabytes
    path = f"{quote(name, safe='@')}/{quote(version or 'latest', safe='')}"
    got = fetch(url(f"{base}/{path}"), ctx, extra=(("Accept", "application/json"),), cap=1024 * 1024)
    tarball = _tarball(got, facts)
    if tarball is not None:
        facts.update(head_of(tarball, ctx, "tarball"))
    return answered(got, facts, "json")


def _tarball(got: Fetched, facts: Facts) -> Optional[Target]:
    try:
        given = read_json(got.data)
        facts["version"] = str(given["version"])[:60]
        return url(given["dist"]["tarball"])
    except (ValueError, KeyError, TypeError):
        return None


VERB = Verb(
    says="ask the npm registry that this machine fetches from for a package, and for its tarball",
    args={
        "package": Arg(package, "name or name@version; left out: a ping"),
        "registry": Arg(url, "the registry's address; left out: what npm's settings here, or npm itself, name"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
