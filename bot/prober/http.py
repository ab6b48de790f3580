"""`http`: one request, directly or through the proxy that the environment names, in curl's phases.

Facts: status, url, final_url and redirects, via (direct, proxy), proxy, proxy_from (the variable), phase, phases
({dns, connect, tls, ttfb, total} in ms), address, server, content_type, location, retry_after, ratelimit_*, date and
skew (seconds that the server's clock is ahead of ours), bytes, expected, bytes_per_second, html, title, captive_portal,
and those of `tls`. Where a proxy failed: proxy_outcome, proxy_status, proxy_authenticate.
"""

from __future__ import annotations

from typing import Any, Dict, List

from .exchange import MACHINE, MAX_REDIRECTS, Hop, following
from .httpwire import Head
from .target import Target, url
from .verb import TIMEOUT, Answer, Arg, Context, Facts, Failed, Verb, one_of


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    target: Target = args["url"]
    seen: List[str] = []
    portal: Facts = {}
    for _ in range(MAX_REDIRECTS + 1):
        hop = Hop(target, args["method"], args["via"], ctx)
        try:
            head = hop.run()
        except Failed as failure:
            if seen:
                failure.facts.update(redirects=seen, final_url=target.shown())
            failure.facts.setdefault("url", args["url"].shown())
            failure.facts["phases"]["total"] = ctx.clock.ms()
            raise
        onward = following(head, target)
        if onward is None:
            break
        seen.append(onward.shown())
        if onward.host != target.host and MACHINE.search(target.path) and onward.scheme == "http":
            portal = {"captive_portal": True}
        target = onward
    return _answer(hop, head, seen, portal, ctx)


def _answer(hop: Hop, head: Head, seen: List[str], portal: Facts, ctx: Context) -> Answer:
    hop.phases["total"] = ctx.clock.ms()
    facts: Facts = {**hop.tls_facts, **hop.facts, **portal, "phases": hop.phases}
    if seen:
        facts.update(redirects=seen, final_url=hop.target.shown())
    if head.status >= 400:
        through = f" (through the proxy {hop.proxy.shown()})" if hop.proxy else ""
        facts["error"] = f"{hop.target.host} answered {head.status}{through}"
        return Answer("http-status", facts)
    return Answer("ok", facts)


VERB = Verb(
    says="ask for a URL, directly or through the environment's proxy",
    args={
        "url": Arg(url, "an http or https URL", required=True),
        "method": Arg(one_of("GET", "HEAD"), "GET (at most 64 KB are read) or HEAD", default="GET"),
        "via": Arg(one_of("auto", "proxy", "direct"), "auto: as the environment says", default="auto"),
        "timeout": TIMEOUT,
    },
    seconds=10.0,
    run=run,
)
