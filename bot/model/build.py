"""A build as every CI has it: a run, its attempt, and its jobs."""

from datetime import datetime
from typing import Literal

from bot.model import Noun

Outcome = Literal["success", "failure", "timed-out", "cancelled", "skipped", "running", "other"]
"""What became of a job or run. `timed-out`: the CI's own time limit stopped it, however the CI records that
(GitHub may say `cancelled`). Vendors' enums are open: what is not known is `other`."""

FAILED: frozenset[Outcome] = frozenset({"failure", "timed-out"})


class RunRef(Noun):
    """What a URL or notice points at; `attempt` and `job` where it says so."""

    ci: str  # the `name` of the ci entry in the configuration
    repository: str  # as the CI spells it, e.g. "acme/shop"
    run: str
    attempt: int | None = None
    job: str | None = None


class CaseKey(Noun):
    """A case is one attempt of one run."""

    ci: str
    repository: str
    run: str
    attempt: int

    @property
    def id(self) -> str:
        """Stable text id, e.g. `github:acme/shop:17283940511:1`."""
        return f"{self.ci}:{self.repository}:{self.run}:{self.attempt}"

    @classmethod
    def parse(cls, case_id: str) -> "CaseKey":
        """Inverse of `id`. Raises ValueError on any other text."""
        ci, rest = case_id.split(":", 1)
        repository, run, attempt = rest.rsplit(":", 2)
        return cls(ci=ci, repository=repository, run=run, attempt=int(attempt))


class Job(Noun):
    id: str
    name: str
    outcome: Outcome
    url: str | None = None
    failed_step: str | None = None  # name of the first step that failed
    runner: str | None = None  # the runner's name
    labels: tuple[str, ...] = ()  # what the job asked of its runner, e.g. ("self-hosted", "linux")
    started: datetime | None = None
    finished: datetime | None = None
    notes: tuple[str, ...] = ()  # what the CI says beside the log (annotations); matched as log lines too


class Build(Noun):
    """One attempt of one run, with the jobs known so far."""

    key: CaseKey
    outcome: Outcome
    title: str = ""  # workflow or pipeline name
    number: str | None = None  # the number that people see, e.g. "482"
    url: str | None = None
    branch: str | None = None
    commit: str | None = None
    author: str | None = None  # login or name of the commit's author, where the CI tells it
    actor: str | None = None  # who or what started the run
    event: str | None = None  # push, pull_request, schedule ...
    environment: str | None = None  # deployment environment, where the run belongs to one
    environments: tuple[str, ...] = ()  # all of them, where its jobs belong to several
    jobs: tuple[Job, ...] = ()

    @property
    def finished(self) -> bool:
        return self.outcome != "running"

    @property
    def failed_jobs(self) -> tuple[Job, ...]:
        return tuple(j for j in self.jobs if j.outcome in FAILED)


class CIEvent(Noun):
    """What a CI's webhook says, read and verified."""

    kind: Literal["failed", "passed", "running", "ignored"]
    delivery: str  # the sender's id of this delivery, for de-duplication
    build: Build | None = None  # what the payload itself tells (jobs may be missing); None when ignored
    why: str = ""  # for `ignored`: the reason, for the log
