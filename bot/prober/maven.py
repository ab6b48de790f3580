"""`maven`: the Maven repository that this machine fetches from, asked for an artifact's POM.

Facts: repository, repository_from (who names it), artifact, status, checksum (whether a .sha1 lies beside it),
captive_portal, retry_after, via, proxy, address, issuer, phase, note.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Tuple

from . import sources
from .exchange import fetch
from .packages import answered, chosen
from .target import url
from .verb import TIMEOUT, Answer, Arg, Context, Verb

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,150}")


def artifact(value: Any) -> Tuple[str, str, str]:
    """`group:artifact:version`; a packaging and a classifier in between are passed over. Raises ValueError."""
    parts = value.strip().split(":") if isinstance(value, str) else []
    if len(parts) in (4, 5):  # g:a:packaging[:classifier]:v, as Maven prints it
        parts = [parts[0], parts[1], parts[-1]]
    if len(parts) != 3 or not all(_PART.fullmatch(part) and ".." not in part for part in parts):
        raise ValueError("must be group:artifact:version")
    return parts[0], parts[1], parts[2]


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    base, facts = chosen(args["repository"], "repository", "Maven", sources.maven)
    if args["artifact"] is None:
        got = fetch(url(f"{base}/"), ctx, method="HEAD")
        return answered(got, facts, "html")
    group, name, version = args["artifact"]
    facts["artifact"] = f"{group}:{name}:{version}"
    path = f"{base}/{group.replace('.', '/')}/{name}/{version}/{name}-{version}.pom"
    got = fetch(url(path), ctx)
    if got.outcome == "ok":
        facts["checksum"] = fetch(url(path + ".sha1"), ctx, method="HEAD").outcome == "ok"
    return answered(got, facts, "xml")


VERB = Verb(
    says="ask the Maven repository that this machine fetches from for an artifact's POM",
    args={
        "artifact": Arg(artifact, "group:artifact:version; left out: the repository's root"),
        "repository": Arg(url, "the repository's address; left out: what Maven's settings here name, or Central"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
