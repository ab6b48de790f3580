"""GitHub's JSON, as the API and the webhooks have it, and what it means in our nouns. Pure.

Only the fields that are used are named; enums are open. Sources: GitHub's published OpenAPI description
(@octokit/openapi) and webhook schemas (@octokit/webhooks-schemas).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from bot.model.build import Build, CaseKey, Job, Outcome

OWNER = r"[A-Za-z0-9_-]{1,100}"
REPOSITORY = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,100}"
FULL_NAME = re.compile(rf"{OWNER}/{REPOSITORY}")

_OUTCOMES: dict[str, Outcome] = {
    "success": "success", "failure": "failure", "startup_failure": "failure", "timed_out": "timed-out",
    "cancelled": "cancelled", "skipped": "skipped",
}  # fmt: skip
# GitHub records a job that hit its limit as `cancelled`; only an annotation of its check run says why:
# "The job running on runner X has exceeded the maximum execution time of 360 minutes."
_TIME_LIMIT = re.compile(r"exceeded the maximum execution time", re.IGNORECASE)
_BY_SOMEBODY = re.compile(r"run was cancell?ed by|canceling since a higher priority", re.IGNORECASE)
_DEFAULT_LIMIT_MINUTES = (359.5, 366.0)  # `timeout-minutes` is 360 unless the workflow says otherwise
_NOREPLY = re.compile(r"(?:\d+\+)?([A-Za-z0-9-]+)@users\.noreply\.github\.com")


def outcome(status: str | None, conclusion: str | None) -> Outcome:
    """What `status` and `conclusion` of a run or job mean. Unknown words are `other`, never a failure."""
    if status not in (None, "completed"):
        return "running"
    if conclusion is None:
        return "other" if status else "running"
    return _OUTCOMES.get(conclusion, "other")


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


Id = Annotated[StrictInt, Field(ge=1, le=2**63 - 1)]
FullName = Annotated[str, StringConstraints(pattern=rf"^{OWNER}/[A-Za-z0-9._-]{{1,100}}$")]


class User(_Wire):
    login: str | None = None


class Author(_Wire):
    name: str | None = None
    email: str | None = None
    username: str | None = None

    @property
    def shown(self) -> str | None:
        """The login where GitHub tells it (also by its own no-reply address), else the name."""
        found = _NOREPLY.fullmatch(self.email or "")
        return self.username or (found.group(1) if found else None) or self.name


class Commit(_Wire):
    author: Author | None = None


class Repository(_Wire):
    full_name: FullName
    html_url: str | None = None


class Step(_Wire):
    name: str = ""
    status: str | None = None
    conclusion: str | None = None


class WireJob(_Wire):
    """`workflow_job` of a webhook, `job` of the API."""

    id: Id
    run_id: Id
    run_attempt: Id = 1
    name: str
    status: str | None = None
    conclusion: str | None = None
    html_url: str | None = None
    check_run_url: str | None = None
    steps: tuple[Step, ...] | None = None
    runner_name: str | None = None
    labels: tuple[str, ...] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    workflow_name: str | None = None
    head_branch: str | None = None
    head_sha: str | None = None

    def noun(self) -> Job:
        what = outcome(self.status, self.conclusion)
        return Job(
            id=str(self.id),
            name=self.name,
            outcome=what,
            url=self.html_url,
            failed_step=self.failed_step if what in ("failure", "timed-out", "cancelled") else None,
            runner=self.runner_name or None,
            labels=self.labels or (),
            started=_time(self.started_at),
            finished=_time(self.completed_at) if what != "running" else None,
        )

    @property
    def failed_step(self) -> str | None:
        """The first step that failed; else the one that was under way when the job was stopped or its runner died."""
        steps = self.steps or ()
        for step in steps:
            if step.conclusion in ("failure", "timed_out"):
                return step.name
        for step in steps:
            if step.conclusion == "cancelled" or (step.status == "in_progress" and step.conclusion is None):
                return step.name
        return None

    @property
    def check_run(self) -> str:
        """The id of its check run: the job's own id, but let GitHub say so."""
        tail = (self.check_run_url or "").rpartition("/")[2]
        return tail if tail.isdecimal() else str(self.id)


class WireRun(_Wire):
    """`workflow_run` of a webhook and of the API."""

    id: Id
    run_attempt: Id = 1
    run_number: int | None = None
    name: str | None = None
    path: str | None = None
    event: str | None = None
    status: str | None = None
    conclusion: str | None = None
    html_url: str | None = None
    head_branch: str | None = None
    head_sha: str | None = None
    head_commit: Commit | None = None
    actor: User | None = None
    triggering_actor: User | None = None
    repository: Repository | None = None

    def noun(self, ci: str, repository: str, jobs: tuple[Job, ...] = ()) -> Build:
        author = self.head_commit.author if self.head_commit else None
        actor = self.triggering_actor or self.actor
        return Build(
            key=CaseKey(ci=ci, repository=repository, run=str(self.id), attempt=self.run_attempt),
            outcome=_with_jobs(outcome(self.status, self.conclusion), jobs),
            title=self.name or self.path or "",
            number=str(self.run_number) if self.run_number is not None else None,
            url=self.html_url,
            branch=self.head_branch,
            commit=self.head_sha,
            author=author.shown if author else None,
            actor=actor.login if actor else None,
            event=self.event,
            jobs=jobs,
        )


class JobsPage(_Wire):
    total_count: int = 0
    jobs: tuple[WireJob, ...]


class Annotation(_Wire):
    path: str | None = None
    annotation_level: str | None = None
    title: str | None = None
    message: str | None = None


def _with_jobs(run: Outcome, jobs: Iterable[Job]) -> Outcome:
    """A run that was cancelled because a job hit its limit was stopped by the limit."""
    return "timed-out" if run == "cancelled" and any(j.outcome == "timed-out" for j in jobs) else run


def _time(value: datetime | None) -> datetime | None:
    """GitHub writes the year 1 for what never happened, and older servers leave the zone out."""
    if value is None or value.year < 1971:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


NOTES = 20  # of one job
NOTE_LENGTH = 1000


def notes(annotations: Iterable[Annotation]) -> tuple[str, ...]:
    """What annotations of the level `failure` say: GitHub's own first (path `.github`), bounded, each once."""
    bad = [a for a in annotations if a.annotation_level == "failure" and a.message]
    bad.sort(key=lambda a: a.path != ".github")
    texts = (" ".join((a.message or "").split())[:NOTE_LENGTH] for a in bad)
    return tuple(list(dict.fromkeys(texts))[:NOTES])


def annotated(job: Job, said: tuple[str, ...] | None) -> Job:
    """The job with its annotations; a `cancelled` one that hit its time limit becomes `timed-out`.

    `said` None: they could not be read. Then, and where they give no reason, a duration of GitHub's default limit
    (360 minutes) counts as the limit.
    """
    job = job.model_copy(update={"notes": said or ()})
    if job.outcome != "cancelled":
        return job
    if any(_TIME_LIMIT.search(text) for text in job.notes):
        return job.model_copy(update={"outcome": "timed-out"})
    if any(_BY_SOMEBODY.search(text) for text in job.notes) or not job.started or not job.finished:
        return job
    minutes = (job.finished - job.started).total_seconds() / 60
    if _DEFAULT_LIMIT_MINUTES[0] <= minutes <= _DEFAULT_LIMIT_MINUTES[1]:
        why = f"The job was cancelled after {minutes:.0f} minutes: GitHub's own limit for a job is 360 minutes."
        return job.model_copy(update={"outcome": "timed-out", "notes": (*job.notes, why)})
    return job
