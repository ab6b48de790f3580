"""One request in, one answer out: every probe in a thread of its own, all under one deadline.

    {"schema": "buildmedic.probe/1", "deadline": seconds, "policy": {"scope": ..., "allow": [...]},
     "probes": [{"id", "verb", "args"}]}
    {"schema": "buildmedic.probe/1", "results": [{"id", "verb", "outcome", "ms", "facts"}]}     or {"schema", "error"}

A result has `"ran": false` where the probe was not run at all (unknown verb, bad argument, denied by the policy).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import pkgutil
import threading
from typing import Any, Dict, List, Optional

from . import mask
from .policy import Policy
from .verb import MAX_SECONDS, NOT_RUN, SCHEMA, BadArgument, Clock, Context, Facts, Failed, Verb, read_args

MAX_REQUEST = 256 * 1024
MAX_PROBES = 64
MAX_DEADLINE = 120.0
MARGIN = 0.1  # seconds kept of the deadline for writing the answer

# files of this package that are no verbs
_PARTS_TEXT = (
    "__init__ __main__ blame boot der dnswire dockerignore exchange gitwire godirect golang httpwire mask net ociname "
    "packages pcap policy proxyenv resolvconf resolver run sources target tools verb"
)
_PARTS = frozenset(_PARTS_TEXT.split())


class BadRequest(Exception):
    """The request as a whole cannot be read."""


def verb_names() -> List[str]:
    """The verbs: every file of this package that is not a part of the machinery."""
    package = importlib.import_module(__package__ or "prober")
    names = getattr(package.__loader__, "names", None)  # the in-memory loader of boot.py
    found = names() if names else [m.name for m in pkgutil.iter_modules(package.__path__)]
    return sorted(name for name in found if name not in _PARTS)


def verb(name: str) -> Optional[Verb]:
    """One verb by name; None if there is none."""
    if name not in verb_names():
        return None
    module = importlib.import_module(f"{__package__}.{name}")
    found: Verb = module.VERB
    return found


def serve(raw: bytes) -> bytes:
    """The answer to a request, as one line of ASCII JSON. Never raises."""
    try:
        answer: Facts = {"schema": SCHEMA, "results": mask.fit(answer_all(_read(raw)))}
    except BadRequest as error:
        answer = {"schema": SCHEMA, "error": mask.text(str(error))}
    return json.dumps(answer).encode("ascii") + b"\n"


def _read(raw: bytes) -> Dict[str, Any]:
    if len(raw) > MAX_REQUEST:
        raise BadRequest(f"the request is larger than {MAX_REQUEST} bytes")
    try:
        given = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadRequest("the request is not JSON") from None
    if not isinstance(given, dict) or given.get("schema") != SCHEMA:
        raise BadRequest(f"the request is not of the schema {SCHEMA}")
    deadline, probes = given.get("deadline"), given.get("probes")
    if isinstance(deadline, bool) or not isinstance(deadline, (int, float)) or not 0 < deadline <= MAX_DEADLINE:
        raise BadRequest(f"deadline must be a number of seconds up to {MAX_DEADLINE:.0f}")
    if not isinstance(probes, list) or len(probes) > MAX_PROBES or not all(isinstance(p, dict) for p in probes):
        raise BadRequest(f"probes must be a list of at most {MAX_PROBES} mappings")
    try:
        given["policy"] = Policy.read(given.get("policy", {}))
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return given


def answer_all(given: Dict[str, Any]) -> List[Facts]:
    """Results in the order of the probes. One that is not done at the deadline is a `timeout`."""
    whole = Clock(max(0.05, given["deadline"] - MARGIN))
    done: Dict[int, Facts] = {}
    threads: List[threading.Thread] = []
    for probe in given["probes"]:
        _preload(probe.get("verb"))
    for index, probe in enumerate(given["probes"]):
        thread = threading.Thread(target=_into, args=(done, index, probe, given["policy"], whole), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(whole.left())
    out = []
    for index, probe in enumerate(given["probes"]):
        late = {"outcome": "timeout", "ms": whole.ms(), "facts": {"error": "not done when the time was up"}}
        found = done.get(index, late)
        out.append({"id": str(probe.get("id", ""))[:100], "verb": str(probe.get("verb", ""))[:40], **found})
    return out


def _preload(name: Any) -> None:
    """Import here: threads that import each other's modules at once can stand in each other's way."""
    with contextlib.suppress(Exception):  # told by the probe that needs it
        verb(str(name))


def _into(done: Dict[int, Facts], index: int, probe: Dict[str, Any], policy: Policy, whole: Clock) -> None:
    done[index] = one(probe, policy, whole)


def one(probe: Dict[str, Any], policy: Policy, whole: Clock) -> Facts:
    """One probe. Whatever goes wrong is its result."""
    name, given = probe.get("verb"), probe.get("args", {})
    try:
        found = verb(name) if isinstance(name, str) else None
    except Exception as error:
        return _result("error", {"error": f"the verb {name} cannot be loaded: {error}"}, None, False)
    if found is None:
        known = ", ".join(verb_names())
        return _result("unsupported", {"error": f"unknown verb {str(name)[:40]!r} (known: {known})"}, None, False)
    try:
        args = read_args(found, given)
    except BadArgument as error:
        return _result("error", {"error": str(error)}, None, False)
    seconds = min(args.get("timeout") or found.seconds, MAX_SECONDS, whole.left())
    clock = Clock(seconds)
    try:
        answer = found.run(args, Context(policy, clock))
    except Failed as failure:
        facts = {**failure.facts, "error": failure.error}
        return _result(failure.outcome, facts, clock.ms(), failure.outcome not in NOT_RUN)
    except Exception as error:  # a fault of ours must not cost the other probes their answers
        return _result("error", {"error": f"the probe itself failed: {type(error).__name__}: {error}"}, clock.ms())
    ms = clock.ms() if answer.ms is None else answer.ms
    return _result(answer.outcome, answer.facts, ms, answer.outcome not in NOT_RUN)


def _result(outcome: str, facts: Facts, ms: Optional[float], ran: bool = True) -> Facts:
    out: Facts = {"outcome": outcome, "ms": ms, "facts": mask.facts(facts)}
    if not ran:
        out["ran"] = False
    return out
