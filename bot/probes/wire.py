"""Requests to the prober and its answers, as the far side may have garbled them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from bot.model.diagnosis import ProbeOutcome, ProbeRequest, ProbeResult
from bot.model.errors import VantageDown
from bot.prober import mask
from bot.prober.run import MAX_DEADLINE, MAX_PROBES
from bot.prober.verb import SCHEMA

MAX_ANSWER = 256 * 1024
"""Bytes of stdout that are read: the answer takes 64 KB, a login's greeting may come before it."""

_OUTCOMES = frozenset(get_args(ProbeOutcome))


def request(probes: Sequence[ProbeRequest], deadline: float, policy: Mapping[str, Any]) -> bytes:
    """The request for the far side. Probes are numbered, so that ids need not be unique. `deadline`: seconds."""
    listed = [{"id": str(i), "verb": p.verb, "args": p.args} for i, p in enumerate(probes)]
    body = {"schema": SCHEMA, "deadline": min(deadline, MAX_DEADLINE), "policy": policy, "probes": listed}
    return json.dumps(body, default=str).encode()


def batches(probes: Sequence[ProbeRequest]) -> list[Sequence[ProbeRequest]]:
    """Parts that one request can hold."""
    return [probes[i : i + MAX_PROBES] for i in range(0, len(probes), MAX_PROBES)]


def answers(output: bytes, probes: Sequence[ProbeRequest], vantage: str, complaint: str = "") -> list[ProbeResult]:
    """One result for each probe, in order. Raises VantageDown when there is no answer in `output`; `complaint` (of
    stderr) then goes into the message."""
    found = _find(output)
    if found is None:
        said = mask.text((complaint or output.decode("utf-8", "replace")).strip()[-250:])
        raise VantageDown(vantage, "the prober gave no answer" + (f"; the machine said: {said}" if said else ""))
    if "error" in found:
        raise VantageDown(vantage, f"the prober could not work: {mask.text(str(found['error']))}")
    listed = found.get("results")
    by_id = (
        {r["id"]: r for r in listed if isinstance(r, dict) and isinstance(r.get("id"), str)}
        if isinstance(listed, list)
        else {}
    )
    return [_result(by_id.get(str(i)), probe, vantage) for i, probe in enumerate(probes)]


def _find(output: bytes) -> dict[str, Any] | None:
    """The answer's line, wherever the login's greeting ends."""
    for line in output.split(b"\n"):
        if line.startswith(b'{"schema": "') and SCHEMA.encode() in line[:60]:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and value.get("schema") == SCHEMA:
                return value
    return None


def _result(raw: dict[str, Any] | None, probe: ProbeRequest, vantage: str) -> ProbeResult:
    if raw is None:
        return not_run(probe, vantage, "the vantage gave no answer to this probe")
    outcome, ms, facts = raw.get("outcome"), raw.get("ms"), raw.get("facts")
    good = isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < 1e7
    return ProbeResult(
        id=probe.id,
        verb=probe.verb,
        vantage=vantage,
        outcome=outcome if isinstance(outcome, str) and outcome in _OUTCOMES else "error",
        ms=float(ms) if good else None,  # type: ignore[arg-type]  # `good` says that it is a number
        facts=mask.facts({str(k)[:60]: v for k, v in facts.items()}) if isinstance(facts, dict) else {},
        ran=raw.get("ran") is not False,
    )


def not_run(probe: ProbeRequest, vantage: str, why: str) -> ProbeResult:
    return ProbeResult(id=probe.id, verb=probe.verb, vantage=vantage, outcome="error", facts={"error": why}, ran=False)
