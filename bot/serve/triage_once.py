"""One triage from the command line: a log file, standard input, or a run of a configured CI; nothing is stored.

The scan and the diagnosis are those of the bot (`bot.workflow.examine`); this module only brings the bytes.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.model.diagnosis import Diagnosis, LogState, LogSummary, Remedy, Scan, Timings, TriageReport
from bot.model.errors import NotYet, Refused, Unavailable, UsageError
from bot.model.language import current, tr
from bot.workflow.examine import Examined, diagnose

if TYPE_CHECKING:
    from bot.model.build import Build, Job
    from bot.ports import CI, Vantage
    from bot.serve.defaults import Options
    from bot.triage.diagnose import Library

BLOCK = 1 << 20
DEADLINE = 20.0  # seconds for all probes together
_MOST_THREADS = 4  # the weighing of hits is done by one; more would only wait for it
_JOBS_AT_MOST = 25  # of one run; a broken matrix has hundreds alike


@dataclass(frozen=True)
class JobReport:
    """What one log told. `name` is None for a log that was given by itself."""

    name: str | None
    log: LogSummary
    examined: Examined
    scan_ms: float


@dataclass(frozen=True)
class Triage:
    """What a command prints: the object of CONTRACT, and what only people are told."""

    report: TriageReport
    jobs: tuple[JobReport, ...]
    title: str | None = None  # of the run, where there is one
    note: str | None = None  # e.g. jobs that were not read
    vantage: str | None = None  # where the build's probes ran
    untried: str | None = None  # why none did


def blocks(log: str) -> Iterator[bytes]:
    """A file's bytes (`-`: standard input), 1 MiB at a time. Raises UsageError where it cannot be read."""
    try:
        if log == "-":
            yield from iter(lambda: sys.stdin.buffer.read(BLOCK), b"")
            return
        with Path(log).open("rb") as stream:
            yield from iter(lambda: stream.read(BLOCK), b"")
    except (OSError, ValueError) as error:
        raise _unreadable("standard input" if log == "-" else log, error) from None


def check_log(log: str, settings: Options) -> None:
    """Raises UsageError for a log that cannot be read, before any work is done for it."""
    if is_url(log):
        if not settings.ci:
            raise UsageError(
                f"{log} is a URL: name the configuration file with its CI (--config FILE), or save the log"
            )
    elif log != "-":
        _readable(log)


def _readable(log: str) -> None:
    """Without opening it: a named pipe would lose its writer."""
    try:
        if Path(log).is_dir():
            raise IsADirectoryError
        if not os.access(log, os.R_OK):
            Path(log).stat()
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        raise _unreadable(log, error) from None


def _unreadable(what: str, error: OSError | ValueError) -> UsageError:
    reason = "it is a directory" if isinstance(error, IsADirectoryError) else getattr(error, "strerror", None)
    return UsageError(f"the log cannot be read: {what}: {reason or error}")


def is_url(log: str) -> bool:
    return log.startswith(("http://", "https://"))


async def triage_file(library: Library, log: str, vantages: Sequence[Vantage], deadline: float = DEADLINE) -> Triage:
    """Triage one log. Raises UsageError if it cannot be read; whatever is in it is an answer."""
    began = time.monotonic()
    scan = scan_file(library, log)
    scan_ms = _since(began)
    examined = await _examine(library, scan, vantages, deadline)
    job = JobReport(None, scan.log, examined, scan_ms)
    return _combine((job,), _since(began))


def scan_file(library: Library, log: str) -> Scan:
    scanner = library.ruleset.scanner(threads=min(_cores(), _MOST_THREADS))
    for block in blocks(log):
        scanner.feed(block)
    found: Scan = scanner.finish()
    return found


def _cores() -> int:
    """Cores that this process may use; none is left over where there is one."""
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        found = os.cpu_count() or 1
    return found if found > 1 else 0


@dataclass(frozen=True)
class Read:
    """A run of a CI, and the scans of its failed jobs (or of the one that was named)."""

    build: Build
    job: str | None  # the job that the URL names
    failed: int
    scans: tuple[tuple[Job, Scan, float], ...]  # job, scan, milliseconds

    @property
    def title(self) -> str:
        return f"{self.build.title or 'run'} {self.build.number or self.build.key.run} of {self.build.key.repository}"


async def read_run(library: Library, url: str, cis: Sequence[CI]) -> Read:
    """Raises UsageError for a URL that no configured CI knows, and the CI's own errors where it does not answer."""
    for ci in cis:
        if (ref := ci.recognise(url)) is not None:
            break
    else:
        names = ", ".join(c.name for c in cis) or "none"
        raise UsageError(f"no configured CI knows this URL: {url} (configured: {names})")
    build = await ci.build(ref)
    wanted = tuple(j for j in build.jobs if j.id == ref.job) if ref.job else build.failed_jobs
    scans = []
    for job in wanted[:_JOBS_AT_MOST]:
        began = time.monotonic()
        scans.append((job, await _scan_stream(library, ci.log(build, job), job), _since(began)))
    return Read(build, ref.job, len(wanted), tuple(scans))


async def triage_url(
    library: Library, url: str, cis: Sequence[CI], vantages: Sequence[Vantage], deadline: float = DEADLINE
) -> Triage:
    """Triage the failed jobs of a run (or the one job that the URL names). Raises as `read_run` does."""
    began = time.monotonic()
    run = await read_run(library, url, cis)
    if not run.scans:
        return Triage(report=_nothing_failed(run.build, run.job), jobs=(), title=run.title)
    jobs = []
    for job, scan, ms in run.scans:
        found = await _examine(library, scan, vantages, deadline, job.failed_step)
        jobs.append(JobReport(job.name, scan.log, found, ms))
    unread = run.failed - len(jobs)
    note = (
        tr("{n} jobs failed; the logs of the first {read} were read", n=run.failed, read=len(jobs)) if unread else None
    )
    return _combine(jobs, _since(began), title=run.title, note=note)


async def _scan_stream(library: Library, stream: AsyncIterator[bytes], job: Job) -> Scan:
    """A log that cannot be had, or only in part, is an answer too."""
    scanner: Any = library.ruleset.scanner()
    read = 0
    state: LogState = "read"
    note = None
    try:
        async for block in stream:
            read += len(block)
            scanner.feed(block)
    except NotYet as error:
        state, note = "missing", f"{error}: ask again in a while"
    except (Refused, Unavailable) as error:
        state, note = ("partial" if read else "missing"), str(error)
    if job.notes:  # what the CI says beside the log counts as lines after it
        scanner.feed(b"\n" + "\n".join(job.notes).encode() + b"\n")
    found: Scan = scanner.finish(state, note)
    return found


async def _examine(
    library: Library, scan: Scan, vantages: Sequence[Vantage], deadline: float, step: str | None = None
) -> Examined:
    build = vantages[0] if vantages else None
    return await diagnose(
        library, scan, build, vantages[1:], deadline, "no vantage was named (--vantage NAME probes from there)",
        language=current(), step=step,
    )  # fmt: skip


def _combine(
    jobs: Sequence[JobReport],
    total_ms: float,
    *,
    title: str | None = None,
    note: str | None = None,
) -> Triage:
    """One report from all jobs: each distinct cause once, as the job that is surest of it tells it; a job's own best
    cause goes before any job's second guesses. Bytes, lines and times are sums."""
    ranked: list[tuple[bool, float, Diagnosis]] = []
    for job in jobs:
        for place, found in enumerate(job.examined.diagnoses):
            ranked.append((place > 0, -found.confidence, _of_job(found, job.name) if len(jobs) > 1 else found))
    if len(jobs) > 1:
        ranked.sort(key=lambda item: item[:2])
    best: dict[tuple[str, str | None], Diagnosis] = {}
    for _, _, found in ranked:
        best.setdefault((found.cause, found.playbook), found)
    diagnoses = [d for d in best.values() if d.cause != "unknown"] or list(best.values())[:1]
    report = TriageReport(
        diagnoses=tuple(diagnoses),
        log=_sum(jobs),
        ms=Timings(
            scan=round(sum(j.scan_ms for j in jobs), 1),
            probes=round(sum(j.examined.probe_ms for j in jobs), 1),
            total=round(total_ms, 1),
        ),
    )
    ran = next((j.examined.vantage for j in jobs if j.examined.vantage), None)
    untried = next((j.examined.untried for j in jobs if j.examined.untried), None)
    return Triage(report, tuple(jobs), title, note, ran, untried)


def _of_job(found: Diagnosis, name: str | None) -> Diagnosis:
    return found.model_copy(update={"because": (tr("from the log of job {name}", name=repr(name)), *found.because)})


def _sum(jobs: Sequence[JobReport]) -> LogSummary:
    if len(jobs) == 1:
        return jobs[0].log
    states = [j.log.state for j in jobs]
    worst: LogState = next((s for s in ("failed", "missing", "partial") if s in states), "read")
    notes = [f"{j.name}: {j.log.note}" for j in jobs if j.log.note]
    return LogSummary(
        bytes=sum(j.log.bytes for j in jobs),
        lines=sum(j.log.lines for j in jobs),
        state=worst,
        note="; ".join(notes) or None,
    )


def _nothing_failed(build: Build, job: str | None) -> TriageReport:
    """A run without a failed job: passed, cancelled, or not finished."""
    if job and build.jobs:
        raise UsageError(f"run {build.key.run} has no job {job}")
    if not build.finished:
        cause, title, do = (
            "unknown",
            tr("The run has not finished, and no job has failed so far"),
            tr("Ask again when it ends"),
        )
    elif build.outcome in ("success", "skipped", "cancelled"):
        cause, title, do = (
            "not-a-failure",
            tr("The run did not fail: {outcome}", outcome=build.outcome),
            tr("Nothing to do"),
        )
    else:
        cause, do = "unknown", tr("Look at the run's own page")
        title = tr("The run failed, and none of its jobs did")
    found = Diagnosis(
        cause=cause,
        title=title,
        confidence=0.0 if cause == "unknown" else 1.0,
        because=(tr("the CI says: {outcome}", outcome=build.outcome),),
        remedy=Remedy(summary=do),
    )
    return TriageReport(diagnoses=(found,), log=LogSummary(state="missing", note="no failed job, so no log was read"))


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


def check_names(settings: Options, names: Sequence[str]) -> None:
    """Raises UsageError for an unknown vantage, ConfigError for one that lacks a variable."""
    known = settings.vantage_names
    for name in names:
        if name not in known:
            raise UsageError(f"unknown vantage {name!r} (known: {', '.join(known)})")
        settings.vantage(name)


def make_vantages(settings: Options, names: Sequence[str]) -> list[Vantage]:
    """The named vantages, each once, in order."""
    if not names:
        return []
    from bot.probes import make

    return [make(name, settings.vantage(name), settings.probe_allow) for name in dict.fromkeys(names)]


async def close_all(things: Sequence[Any]) -> None:
    await asyncio.gather(*(thing.close() for thing in things), return_exceptions=True)
