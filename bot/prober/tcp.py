"""`tcp`: open a connection to every address of a host.

Facts: addresses (those of the host), attempts ({address, outcome, ms, error} each), address and port (of the attempt
that stands for all), failed (how many did not open), dns_ms, skipped (addresses that the policy left out), how (opened,
dropped: no answer at all, refused: a RST, rejected: a filter's ICMP, unreachable: a router's ICMP, no-route: this
machine knows no way), families (outcome of ipv4 and of ipv6), opened and tries (where it was tried more than once).
"""

from __future__ import annotations

import time
from typing import Any, Dict, List

from .net import Attempt, connect_all, resolve, summary
from .verb import HOST, PORT, TIMEOUT, Answer, Arg, Context, Facts, Verb, whole

_HOW = {"ok": "opened", "timeout": "dropped", "refused": "refused", "prohibited": "rejected"}
PAUSE = 0.2  # seconds between one try and the next


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    found = resolve(args["host"], ctx, ctx.clock.part(0.6))
    rounds = _rounds(found.allowed, args["port"], args["tries"], ctx)
    attempts = rounds[0]
    # a success in any round stands for all: that others failed is told beside it
    chosen = summary([summary(one) for one in rounds])
    facts: Facts = {
        "address": chosen.address,
        "port": args["port"],
        "addresses": [a.address for a in attempts],
        "attempts": [a.facts() for a in attempts],
        "failed": sum(1 for a in attempts if a.outcome != "ok"),
        "dns_ms": found.ms,
        "phase": "connect",
        "how": _how(chosen),
        "families": _families(attempts),
    }
    if len(rounds) > 1:
        facts.update(tries=len(rounds), opened=sum(1 for one in rounds if summary(one).outcome == "ok"))
    if found.denied:
        facts["skipped"] = [address for address, _ in found.denied]
    if chosen.error:
        facts["error"] = f"TCP to {chosen.address} port {args['port']}: {chosen.error}"
    return Answer(chosen.outcome, facts, chosen.ms)


def _rounds(addresses: List[str], port: int, tries: int, ctx: Context) -> List[List[Attempt]]:
    rounds: List[List[Attempt]] = []
    while len(rounds) < tries and (not rounds or ctx.clock.left() > PAUSE):
        if rounds:
            time.sleep(PAUSE)
        left = tries - len(rounds)
        rounds.append(connect_all(addresses, port, ctx.clock.part(1 / left)))
    return rounds


def _how(attempt: Attempt) -> str:
    if attempt.outcome == "unreachable":
        return "no-route" if attempt.local else "unreachable"
    return _HOW.get(attempt.outcome, attempt.outcome)


def _families(attempts: List[Attempt]) -> Facts:
    """The outcome of each family that the host has addresses of: one of the two is often broken alone."""
    by_family: Dict[str, List[Attempt]] = {}
    for attempt in attempts:
        by_family.setdefault("ipv6" if ":" in attempt.address else "ipv4", []).append(attempt)
    return {family: summary(tried).outcome for family, tried in by_family.items()}


VERB = Verb(
    says="open a TCP connection to every address of a host",
    args={
        "host": HOST,
        "port": PORT,
        "tries": Arg(whole(1, 10), "how often, 1 to 10", default=1),
        "timeout": TIMEOUT,
    },
    seconds=5.0,
    run=run,
)
