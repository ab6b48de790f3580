"""`tcp`: open a connection to every address of a host.

Facts: addresses (those of the host), attempts ({address, outcome, ms, error} each), address and port (of the attempt
that stands for all), failed (how many did not open), dns_ms, skipped (addresses that the policy left out).
"""

from __future__ import annotations

from typing import Any, Dict

from .net import connect_all, resolve, summary
from .verb import HOST, PORT, TIMEOUT, Answer, Context, Facts, Verb


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    found = resolve(args["host"], ctx, ctx.clock.part(0.6))
    attempts = connect_all(found.allowed, args["port"], ctx.clock)
    chosen = summary(attempts)
    facts: Facts = {
        "address": chosen.address,
        "port": args["port"],
        "addresses": [a.address for a in attempts],
        "attempts": [a.facts() for a in attempts],
        "failed": sum(1 for a in attempts if a.outcome != "ok"),
        "dns_ms": found.ms,
        "phase": "connect",
    }
    if found.denied:
        facts["skipped"] = [address for address, _ in found.denied]
    if chosen.error:
        facts["error"] = f"TCP to {chosen.address} port {args['port']}: {chosen.error}"
    return Answer(chosen.outcome, facts, chosen.ms)


VERB = Verb(
    says="open a TCP connection to every address of a host",
    args={"host": HOST, "port": PORT, "timeout": TIMEOUT},
    seconds=5.0,
    run=run,
)
