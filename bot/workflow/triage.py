"""The durable order of a triage: look at the run, read the failed jobs' logs, probe, answer; again until it is final.

Crash anywhere and restart: finished steps keep their results, the interrupted one is repeated. Reading and probing
change nothing in the world, so repeating them is safe; the one thing that does (the reply) looks before it posts.
"""

import asyncio
from typing import Any

from dbos import DBOS

from bot.model.build import FAILED, Build, Job, RunRef
from bot.model.case import OVER, Case, CaseState, JobFinding
from bot.model.diagnosis import Diagnosis, LogSummary, Remedy, Scan
from bot.model.errors import NotYet, Refused, Unavailable
from bot.triage.redact import redact
from bot.workflow.context import Context, current, insist, unix
from bot.workflow.crash import point
from bot.workflow.engine import wait
from bot.workflow.examine import diagnose
from bot.workflow.offers import mint
from bot.workflow.release import rollbacks
from bot.workflow.reply import place, show

TRIAGE_STATES: tuple[CaseState, ...] = ("new", "reading", "probing", "open")
_JOBS_AT_ONCE = 4
_JOBS_AT_MOST = 25  # of one run; the others are named, not read (a broken matrix has hundreds alike)


@DBOS.workflow(name="triage")
async def triage(case_id: str) -> str:
    """Follow one attempt of one run until every failed job has its finding. Returns the case's state."""
    try:
        return await _triage(case_id)
    except Exception as error:  # our own fault: it is said in the thread, not left as a message that reads for ever
        current().log.exception("triage failed", case=case_id)
        await insist("failed", _stuck, case_id, f"{type(error).__name__}: {error}")
        await insist("show", show, case_id)
        return "stuck"


async def _stuck(case_id: str, why: str) -> str:
    trouble = f"buildmedic itself failed here ({redact(why)[:300]}); its log has the details."
    return _end(current(), case_id, "stuck", trouble)


async def _triage(case_id: str) -> str:
    pace = current().pace
    began: dict[str, float] = {}
    waited = 0.0
    while True:
        seen = await insist("look", _look, case_id)
        if seen["state"] != "go":
            if await insist("has-reply", _has_reply, case_id):
                await insist("show", show, case_id)
            return str(seen["state"])
        pending: list[str] = []
        if seen["fresh"]:
            await insist("show", show, case_id)
            now = await insist("now", _now)
            for job in seen["fresh"]:
                began.setdefault(job, now)
            last = [job for job in seen["fresh"] if now - began[job] >= pace.log_limit]
            pending = await insist("examine", _examine, case_id, seen["fresh"], last)
            await insist("show", show, case_id)
        if pending:
            # first seconds count: a log is usually written moments after the job ends
            age = (await insist("now", _now)) - min(began[j] for j in pending)
            await wait(min(pace.log_poll, max(pace.log_first, age)))
        elif seen["finished"] or waited >= pace.run_limit:
            break
        else:
            waited += pace.run_poll
            if await wait(pace.run_poll):
                waited -= pace.run_poll
    await insist("close", _close, case_id)
    await insist("show", show, case_id)
    return "diagnosed"


async def _now() -> float:
    return unix()


async def _has_reply(case_id: str) -> bool:
    case = current().store.get_case(case_id)
    return case is not None and (case.reply is not None or case.posting or case.asked_by is not None)


async def _look(case_id: str) -> dict[str, Any]:
    """Ask the CI how the run stands; what its webhook told already is kept where the CI tells less."""
    context = current()
    case = context.store.get_case(case_id)
    if case is None:
        return {"state": "gone"}
    trouble = None
    try:
        told = await context.cis[case.key.ci].build(
            RunRef(ci=case.key.ci, repository=case.key.repository, run=case.key.run, attempt=case.key.attempt)
        )
        build = merge(case.build, told)
    except Refused as error:
        trouble = str(error)
        context.log.error("the CI refuses us", case=case_id, why=trouble)
        if case.build is None or not case.build.failed_jobs:
            return {"state": _end(context, case_id, "stuck", trouble)}
        build = case.build  # go on with what its webhook said
    except Unavailable as error:
        await _say_trouble(context, case, f"{error}. Trying on.")
        raise
    failed = build.failed_jobs
    if build.finished and not failed and build.outcome not in FAILED:
        context.store.change_case(case_id, lambda c: _update(c, build=build, state="passed"))
        return {"state": "passed"}
    jobs = failed[:_JOBS_AT_MOST]
    if build.finished and not failed:
        jobs = (_whole_run(build),)
    known = {f.job for f in case.findings}
    fresh = [j.id for j in jobs if j.id not in known]
    state: CaseState | None = None
    if case.state in TRIAGE_STATES and fresh:
        state = "reading"
    if len(failed) > _JOBS_AT_MOST:
        trouble = f"{len(failed)} jobs failed; the logs of the first {_JOBS_AT_MOST} were read."
    context.store.change_case(case_id, lambda c: _update(c, build=build, state=state, trouble=trouble))
    point("triage.looked")
    return {"state": "go", "fresh": fresh, "finished": build.finished}


async def _say_trouble(context: Context, case: Case, trouble: str) -> None:
    """While the CI is down, people who see a failure notice should not stare at silence."""
    if case.trouble == trouble or case.build is None or not case.build.failed_jobs:
        return
    context.store.change_case(case.id, lambda c: _update(c, trouble=trouble))
    await show(case.id)


def _end(context: Context, case_id: str, state: CaseState, trouble: str) -> str:
    context.store.change_case(case_id, lambda c: _update(c, state=state, trouble=trouble))
    return state


def _whole_run(build: Build) -> Job:
    """A run that failed before any job did (an invalid workflow file, no runner allowed ...) still gets an answer."""
    return Job(id=f"run-{build.key.run}", name=build.title or "the run", outcome="failure", url=build.url)


def merge(known: Build | None, told: Build) -> Build:
    """What the CI's API tells, completed by what its webhook told: poorer answers never lose a job or a field."""
    if known is None:
        return told
    fields = {n: v for n, v in known if n not in ("jobs", "outcome") and v and not getattr(told, n)}
    listed = {j.id for j in told.jobs}
    missing = tuple(j for j in known.jobs if j.id not in listed)
    touched = [e for b in (told, known) for e in (b.environment, *b.environments) if e is not None]
    if len(several := tuple(dict.fromkeys(touched))) > 1:
        fields["environments"] = several
    return told.model_copy(update={**fields, "jobs": (*told.jobs, *missing)})


def _update(case: Case, **fields: Any) -> Case:
    if fields.get("state") is None:
        fields.pop("state", None)
    return case.model_copy(update={**fields, "updated": current().now()})


async def _examine(case_id: str, jobs: list[str], last_try: list[str]) -> list[str]:
    """Read, probe and conclude for these jobs; returns those whose log is not written yet."""
    context = current()
    case = context.store.get_case(case_id)
    if case is None or case.build is None:
        return []
    build = case.build
    wanted = {j.id: j for j in (*build.jobs, _whole_run(build)) if j.id in jobs}
    gate = asyncio.Semaphore(_JOBS_AT_ONCE)

    async def one(job: Job) -> str | None:
        async with gate:
            scan = await _read(context, build, job, last=job.id in last_try)
            if scan is None:
                return job.id
            finding = await _find(context, case, job, scan)
            with context.store.atomic():
                context.store.change_case(case_id, lambda c: _add(c, finding))
                if probed := _probed(finding):
                    told = {"job": finding.name, "vantage": finding.vantage, "probes": probed}
                    context.store.audit("buildmedic", "probes", case_id, told, unix())
            return None

    results = await asyncio.gather(*(one(job) for job in wanted.values()))
    point("triage.examined")
    return [job for job in results if job is not None]


def _probed(finding: JobFinding) -> list[list[str]]:
    """Every probe that ran for a job, once: where, what, and what came of it."""
    ran = [(p.vantage, p.verb, p.id, p.outcome) for d in finding.diagnoses for p in d.probes if p.ran]
    return [list(one) for one in dict.fromkeys(ran)]


def _add(case: Case, finding: JobFinding) -> Case:
    others = tuple(f for f in case.findings if f.job != finding.job)
    return _update(case, findings=(*others, finding))


async def _read(context: Context, build: Build, job: Job, *, last: bool) -> Scan | None:
    """Scan the job's log as it streams; None while it is not written. One that cannot be had is a Scan that says so."""
    scanner = context.library().ruleset.scanner()
    read = 0
    if job.id.startswith("run-"):
        return scanner.finish("missing", "the run failed before any of its jobs did: there is no job log")
    try:
        async for block in context.cis[build.key.ci].log(build, job):
            read += len(block)
            scanner.feed(block)
            await asyncio.sleep(0)  # a large log must not hold up the clicks
    except NotYet as error:
        if not last:
            return None
        return _with_notes(scanner, job, "missing", f"no log after {context.pace.log_limit:.0f} s: {error}")
    except Refused as error:
        return _with_notes(scanner, job, "missing" if not read else "partial", str(error))
    except Unavailable as error:
        if not read and not last:
            raise
        if not last:
            return None  # cut short: ask for all of it once more, it is usually whole then
        return _with_notes(scanner, job, "partial", f"{error}; read up to byte {read}")
    return _with_notes(scanner, job, "read", None)


def _with_notes(scanner: Any, job: Job, state: Any, note: str | None) -> Scan:
    """Close the scan; what the CI says beside the log (annotations) is matched as lines after it."""
    if job.notes:
        scanner.feed(b"\n" + "\n".join(job.notes).encode() + b"\n")
    scan: Scan = scanner.finish(state, note)
    return scan


async def _find(context: Context, case: Case, job: Job, scan: Scan) -> JobFinding:
    vantage = context.vantage_for(case, job)
    labels = ", ".join(job.labels) or "no labels"
    none = f"no vantage is configured for the runner of this job ({job.runner or 'name unknown'}; {labels})"
    language = context.language(place(context, case).channel)
    try:
        done = await diagnose(
            context.library(), scan, vantage, context.controls_for(vantage), context.pace.probe_deadline, none,
            language=language, step=job.failed_step,
        )  # fmt: skip
    except Exception as error:  # a playbook's fault must not lose the case: it is said, and a person reads the log
        context.log.exception("diagnosis failed", case=case.id, job=job.id)
        log = LogSummary(bytes=scan.log.bytes, lines=scan.log.lines, state="failed", note=f"engine fault: {error}")
        return JobFinding(job=job.id, name=job.name, log=log, diagnoses=(_engine_fault(),))
    return JobFinding(
        job=job.id,
        name=job.name,
        log=scan.log,
        diagnoses=done.diagnoses,
        vantage=done.vantage,
        untried=done.untried,
    )


def _engine_fault() -> Diagnosis:
    return Diagnosis(
        cause="unknown",
        title="The diagnosis itself failed",
        confidence=0,
        because=("buildmedic's own engine failed on this log; its log has the details",),
        remedy=Remedy(summary="Read the job's log, and report this to the bot's owner"),
    )


async def _close(case_id: str) -> str:
    """Final: the buttons that act appear."""
    context = current()
    case = context.store.get_case(case_id)
    if case is None:
        return "gone"
    offers = await rollbacks(context, case)

    def final(stands: Case) -> Case:
        state = "diagnosed" if stands.state in TRIAGE_STATES else stands.state
        closed = _update(stands, offers=offers, state=state)
        if closed.action is not None and closed.action.state not in OVER:
            return closed
        return _update(closed, buttons=mint(context, closed))

    with context.store.atomic():
        context.store.change_case(case_id, final)
    point("triage.closed")
    return "diagnosed"
