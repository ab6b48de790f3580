"""From a log's scan to diagnoses: plan the probes, run them where the build ran and at a control, conclude.

The one place that does so: the durable triage and the command line both call `diagnose`.
"""

import asyncio
import time
from collections.abc import Sequence

from bot.model import Noun
from bot.model.diagnosis import Diagnosis, ProbeRequest, ProbeResult, Scan
from bot.model.language import Language
from bot.ports import Vantage
from bot.triage.diagnose import Library, conclude, hypotheses, plan, settled
from bot.workflow import probing


class Examined(Noun):
    diagnoses: tuple[Diagnosis, ...]
    vantage: str | None = None  # where the build's probes ran
    untried: str | None = None  # why none did, in words
    probe_ms: float = 0


async def diagnose(
    library: Library,
    scan: Scan,
    build: Vantage | None,
    controls: Sequence[Vantage] = (),
    deadline: float = 20,
    no_vantage: str | None = None,
    *,
    language: Language = "en",
    step: str | None = None,
) -> Examined:
    """Weigh what the log shows, with probes. Without `build`, `no_vantage` says why; the first of `controls` is used
    for control probes. A vantage that is down makes the answer say so; it is never an error. `deadline`: seconds;
    `language`: that of the answer; `step`: what the CI calls the step that failed."""
    hyps = hypotheses(library, scan)
    requests = plan(library, hyps)
    if not requests:
        return Examined(diagnoses=conclude(library, scan, hyps, (), language=language, step=step))
    started = time.monotonic()
    here = [r for r in requests if r.at == "build"]
    there = [r for r in requests if r.at == "control"]
    shared = probing.Found(lambda results: settled(library, hyps, results))
    (built, untried), (checked, _) = await asyncio.gather(
        _run(build, here, deadline, no_vantage or "no vantage was named", shared),
        _run(controls[0] if controls else None, there, deadline, "there is no control vantage", shared),
    )
    results = [*built, *checked]
    found = conclude(library, scan, hyps, results, untried if here else None, language=language, step=step)
    ran = build.name if build is not None and untried is None else None
    elapsed = (time.monotonic() - started) * 1000
    return Examined(diagnoses=found, vantage=ran, untried=untried if here else None, probe_ms=round(elapsed, 1))


async def _run(
    vantage: Vantage | None, requests: Sequence[ProbeRequest], deadline: float, none: str, found: probing.Found
) -> tuple[Sequence[ProbeResult], str | None]:
    """Results, and why they did not run."""
    if not requests:
        return (), None
    if vantage is None:
        return [probing.not_run(r, "", none) for r in requests], none
    return await probing.run(vantage, requests, deadline, found)
