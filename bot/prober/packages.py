"""What the probes of package registries have in common: whose address is asked, and how an answer is judged."""

from __future__ import annotations

from typing import Callable, Optional, Tuple

from .exchange import Fetched, fetch
from .sources import Source
from .target import Target
from .verb import Answer, Context, Facts, Failed

_KEPT_TEXT = (
    "via proxy proxy_from address server retry_after ratelimit_limit ratelimit_remaining html title captive_portal "
    "issuer reason ca_count ca_file phases skew proxy_outcome proxy_status phase"
)
_KEPT = tuple(_KEPT_TEXT.split())


def chosen(given: Optional[Target], name: str, tool: str, ask: Callable[[], Optional[Source]]) -> Tuple[str, Facts]:
    """(base address, facts): the caller's, else what this machine names. Raises Failed (`unsupported`)."""
    if given is not None:
        return given.shown().rstrip("/"), {name: given.shown(), f"{name}_from": "the probe's argument"}
    found = ask()
    if found is None:
        raise Failed(
            "unsupported",
            f"nothing on this machine says where {tool} fetches from (no setting, and no {tool} to ask): give {name}=",
        )
    facts: Facts = {name: found.url, f"{name}_from": found.said_by}
    if found.credentials:
        facts["note"] = "the settings have credentials for it, which a probe does not use"
    return found.url, facts


def answered(got: Fetched, facts: Facts, kind: str) -> Answer:
    """The answer of a registry. `kind`: json, html, text: a page for people where data was asked for is a proxy's."""
    facts.update({name: got.facts[name] for name in _KEPT if got.facts.get(name) is not None})
    if got.status is not None:
        facts["status"] = got.status
    if got.outcome != "ok":
        return Answer(got.outcome, {**facts, "error": got.error}, got.ms)
    if kind != "html" and got.facts.get("html"):
        facts.update(captive_portal=True, error=f"{got.url} answers with a page for people")
        return Answer("proxy-error", facts, got.ms)
    return Answer("ok", facts, got.ms)


def head_of(target: Target, ctx: Context, name: str) -> Facts:
    """What became of a HEAD for a file: it often lies on another host than the index."""
    got = fetch(target, ctx, method="HEAD")
    out: Facts = {f"{name}_host": target.host, name: got.outcome}
    if got.status is not None:
        out[f"{name}_status"] = got.status
    if got.error:
        out[f"{name}_error"] = got.error
    return out
