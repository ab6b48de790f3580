"""`dns`: ask a resolver for a name, and tell silence from a refusal from "no such name".

Facts: resolver, rcode, answered, tries, addresses, ttl, cname, tcp (outcome over TCP, tried where UDP is silent or
the answer was cut), types (outcome of A and AAAA), resolvers (each of the system's), system (what getaddrinfo says),
soa and negative_ttl (the zone that denies, and for how many seconds that may be kept), authoritative, recursion
(False: the server asks nobody else), rcodes, slowest, truncated, search, ndots, searched ({name, outcome} in the
order in which libc tries them: the search domains, and the name as it stands), answers_to (the first of them that is
known). `answered` below `tries` with outcome ok: the resolver answers only at times.
"""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional, Tuple

from . import resolvconf
from .dnswire import TYPES
from .net import SystemAnswer, ask_system, resolve
from .resolver import Heard, Server, ask, ask_all, resolvers, show
from .verb import HOST, TIMEOUT, Answer, Arg, Clock, Context, Facts, Failed, Verb, host, one_of, split_port, whole

OWN = frozenset({"control", "system", "own"})


def server(value: Any) -> Optional[Tuple[str, int]]:
    """`10.0.0.2:53`, `[::1]`, `resolver.example:53`; None for the machine's own resolvers (`control`, `system`)."""
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 -- read_args reports ValueErrors
    if value.strip().lower() in OWN:
        return None
    name, port = split_port(value)
    return host(name), port or 53


def run(args: Dict[str, Any], ctx: Context) -> Answer:
    name: str = args["host"]
    types: Tuple[str, ...] = (args["type"],) if args["type"] else ("A", "AAAA")
    reason = ctx.policy.deny_name(name)
    if reason:
        raise Failed("denied", reason)
    if args["server"] is not None:
        heard = ask(_checked(args["server"], ctx), name, types, args["tries"], ctx.clock, args["transport"])
        return Answer(heard.outcome, heard.facts(), heard.ms)
    return _system(name, types, args["tries"], ctx.clock, args["transport"])


def _checked(asked: Server, ctx: Context) -> Server:
    """A resolver named in a log is a target like any other; those that this machine is set to use are not."""
    if asked in resolvers():
        return asked
    allowed = resolve(asked[0], ctx, ctx.clock.part(0.5)).allowed
    return allowed[0], asked[1]


def _system(name: str, types: Tuple[str, ...], tries: int, clock: Clock, transport: str) -> Answer:
    config = resolvconf.read()
    begun = clock.part(0.95)
    with_system = types[0] in ("A", "AAAA")
    box: List[SystemAnswer] = []
    thread = None
    if with_system:
        thread = threading.Thread(target=lambda: box.append(ask_system(name, begun)), daemon=True)
        thread.start()
    heard = ask_all([(address, 53) for address in config.servers], name, types, tries, begun, transport)
    if thread:
        thread.join(begun.left() + 0.1)
    deciding = _deciding(heard)
    facts = deciding.facts()
    facts["resolvers"] = [_brief(one) for one in heard]
    facts.update(search=list(config.search), ndots=config.ndots)
    facts.update(_searched(name, types[0], config, deciding, clock))
    if not config.found:
        facts["note"] = "there is no /etc/resolv.conf: libc then asks 127.0.0.1"
    return _with_system(deciding, facts, _of_type(box[0], types) if box else None)


def _searched(name: str, kind: str, config: resolvconf.Config, heard: Heard, clock: Clock) -> Facts:
    """What the search domains make of a name: with fewer dots than ndots they come first, else only where the name as
    it stands is not known (resolv.conf(5))."""
    first = name.count(".") < config.ndots
    if not config.search or (not first and heard.outcome == "ok"):
        return {}
    longer = [f"{name}.{domain.strip('.')}" for domain in config.search if domain.strip(".")]
    order = [*longer, name] if first else [name, *longer]
    address = next((a for a in config.servers if heard.server == show((a, 53))), config.servers[0])
    box: Dict[str, Heard] = {name: heard}
    wait = clock.part(0.8)

    def one(asked: str) -> None:
        box[asked] = ask((address, 53), asked, (kind,), 1, wait)

    threads = [threading.Thread(target=one, args=(asked,), daemon=True) for asked in longer]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(wait.left() + 0.1)
    rows = [{"name": asked, "outcome": box[asked].outcome if asked in box else "timeout"} for asked in order]
    known = next((row["name"] for row in rows if row["outcome"] == "ok"), None)
    return {"searched": rows, "answers_to": known}


def _of_type(system: SystemAnswer, types: Tuple[str, ...]) -> SystemAnswer:
    """getaddrinfo gives both families; keep the one that was asked for."""
    kept = [a for a in system.addresses if ("AAAA" if ":" in a else "A") in types]
    gone = system.addresses and not kept
    return system._replace(addresses=kept, outcome="nodata" if gone else system.outcome)


def _with_system(heard: Heard, facts: Facts, system: Optional[SystemAnswer]) -> Answer:
    if system is None:
        return Answer(heard.outcome, facts, heard.ms)
    facts["system"] = {"outcome": "servfail" if system.outcome == "unclear" else system.outcome, "ms": system.ms}
    if system.error:
        facts["system"]["error"] = system.error
    if system.outcome == "ok" and heard.outcome != "ok":
        # the hosts file or a search domain knows the name: programs get this answer
        facts.update(addresses=system.addresses, source="the hosts file, a search domain or another name service")
        facts["dns"] = heard.outcome
        return Answer("ok", facts, system.ms)
    if system.addresses:
        facts["system"]["addresses"] = system.addresses
    return Answer(heard.outcome, facts, heard.ms)


def _deciding(heard: List[Heard]) -> Heard:
    """As libc goes through them: the first that knows or denies the name; the first at all when none does."""
    for one in heard:
        if one.outcome in ("ok", "nxdomain", "nodata"):
            return one
    return heard[0]


def _brief(heard: Heard) -> Facts:
    out: Facts = {"resolver": heard.server, "outcome": heard.outcome, "answered": heard.answered, "tries": heard.tries}
    if heard.ms is not None:
        out["ms"] = heard.ms
    if heard.tcp:
        out["tcp"] = heard.tcp
    return out


VERB = Verb(
    says="look up a name: at one resolver, or at all that this machine uses",
    args={
        "host": HOST,
        "server": Arg(server, "a resolver, address[:port]; left out or `control`: this machine's own"),
        "tries": Arg(whole(1, 10), "how often to ask, 1 to 10", default=1),
        "transport": Arg(one_of("auto", "udp", "tcp"), "auto: TCP where UDP is not enough", default="auto"),
        "type": Arg(one_of(*TYPES), "a record type; left out: A and AAAA"),
        "timeout": TIMEOUT,
    },
    seconds=4.0,
    run=run,
)
