"""`git`: whether a git host answers for a repository, over HTTP or SSH, without credentials.

Facts: url, scheme, speaks_git, wants_credentials (the scheme that a 401 names), status, refs (how many were seen), ref
(whether the ref that was asked for is there), banner (of an SSH port), refused (git's own word), address, connect_ms,
dns_ms, via, proxy, phase, server, retry_after, and those of `tls`.
"""

from __future__ import annotations

import re
from typing import Any, Dict

from . import gitwire
from .gitwire import Remote
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Verb

_KEPT = ("via", "proxy", "proxy_from", "address", "server", "retry_after", "phases", "captive_portal", "html", "title")
_TLS = ("issuer", "subject", "names", "not_after", "reason", "verify", "ca_file", "ca_count", "proxy_outcome")


def ref(value: Any) -> str:
    """A branch, a tag or a full ref name (git-check-ref-format(1), and no odd characters)."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._/+-]{1,200}", value) or ".." in value:
        raise ValueError("must be the name of a branch or a tag")
    return value


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    where: Remote = args["url"]
    facts: Facts = {"url": where.shown(), "scheme": where.scheme}
    if where.web is None:
        facts.update(gitwire.greeting(where, ctx))
        if args["ref"]:
            facts["note"] = "over SSH no refs are asked for: that would take a login"
        return Answer("ok", facts)
    got, told = gitwire.advertised(where, ctx, refs=args["ref"] is not None)
    facts.update(told)
    facts.update({k: got.facts[k] for k in (*_KEPT, *_TLS, "phase") if got.facts.get(k) is not None})
    if got.status is not None:
        facts["status"] = got.status
    if got.outcome in ("slow", "short") and told["speaks_git"] is False and got.status == 200:
        facts["note"] = "the list of refs came in part"
    if got.outcome != "ok":
        return Answer(got.outcome, {**facts, "error": got.error}, got.ms)
    if not told["speaks_git"]:
        page = " but a page for people" if got.facts.get("html") else ""
        facts["error"] = f"{where.host} answers, and it is not git{page}"
        return Answer("proxy-error" if got.facts.get("html") else "http-status", facts, got.ms)
    if args["ref"]:
        names = gitwire.names(got.data)
        wanted = {args["ref"], f"refs/heads/{args['ref']}", f"refs/tags/{args['ref']}"}
        facts.update(refs=len(names), ref=bool(wanted & set(names)))
        if not facts["ref"] and got.whole:
            return Answer("nodata", {**facts, "error": f"the repository has no {args['ref']}"}, got.ms)
        if not facts["ref"]:
            facts.update(ref=None, note="there are more refs than were read")
    return Answer("ok", facts, got.ms)


VERB = Verb(
    says="ask a git host for a repository over HTTP, or for its greeting over SSH, without credentials",
    args={
        "url": Arg(gitwire.remote, "https://host/path, ssh://host/path or git@host:path", required=True),
        "ref": Arg(ref, "a branch or tag that should be there (over HTTP)"),
        "timeout": TIMEOUT,
    },
    seconds=8.0,
    run=run,
)
