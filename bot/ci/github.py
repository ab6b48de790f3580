"""GitHub Actions (github.com, GitHub Enterprise Server, and whatever speaks their API).

Facts: GitHub's REST documentation of 2022-11-28 and its published OpenAPI description. What the token needs:
`actions: read` for runs and logs, `actions: write` to re-run, `checks: read` for annotations (a classic token: `repo`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, field_validator

from bot.ci import github_hook, github_links, github_wire, register
from bot.ci.github_check import check as check_service
from bot.ci.github_words import explain
from bot.model.build import FAILED, Build, CIEvent, Job, RunRef
from bot.model.errors import NotYet, Refused, ServiceError, Unavailable
from bot.outbound import Answer, Outbound, refuse_metadata
from bot.ports import Check

M = TypeVar("M")

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_PAGE = 100
_PAGES = 30  # 3,000 jobs; one matrix has 256 at most
_ANNOTATED = 25  # failed jobs whose annotations are fetched: as many as are triaged
_AT_ONCE = 4
_LOG_GRACE = timedelta(minutes=10)  # a log is usually there in seconds; later than this it does not come any more
_SETTLED = timedelta(minutes=5)  # annotations that are not there by then do not come
_REDIRECTS = 3
_REMEMBERED = 500
_ANNOTATIONS = TypeAdapter(tuple[github_wire.Annotation, ...])


class GitHubSettings(BaseModel):
    """One `ci:` entry of kind github (CONTRACT "Configuration")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["github"] = "github"
    api_url: str = "https://api.github.com"
    web_url: str = "https://github.com"  # how people's links to it begin
    token: SecretStr
    webhook_secret: SecretStr | None = None  # without it webhooks are refused; watched channels work
    channel: str | None = Field(default=None, pattern=r"^[CGD][A-Z0-9]+$")  # for failures told by webhook alone

    @field_validator("api_url", "web_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/\s@?#]+(/[^\s?#]*)?", value):
            raise ValueError("must be an http(s) URL without user, query and fragment, like https://api.github.com")
        return value.rstrip("/")

    @field_validator("token", "webhook_secret")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*", value.get_secret_value()):
            raise ValueError("must not be empty, and holds printable ASCII characters only (a line break got in?)")
        return value


@register("github", GitHubSettings)
class GitHub:
    """`bot.ports.CI` for GitHub Actions. `http` and `now` are for tests."""

    kind = "github"

    def __init__(
        self,
        settings: GitHubSettings,
        http: Outbound | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name, self.channel = settings.name, settings.channel
        self._settings, self._now = settings, now
        self._http = http or Outbound(
            settings.name,
            settings.api_url,
            headers=_HEADERS,
            private={"Authorization": f"Bearer {settings.token.get_secret_value()}"},
            write_gap=1.0,  # GitHub's best practices: a second between requests that change something
        )
        self._notes: dict[str, tuple[str, ...]] = {}  # job id -> annotations; a finished job's do not change

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> CIEvent:
        """See `bot.ports.CI`. A cancelled run or job comes as `failed` with the outcome `cancelled`: whether a time
        limit stopped it only `build()` can tell."""
        secret = self._settings.webhook_secret
        return github_hook.read(self.name, secret.get_secret_value() if secret else None, headers, body)

    def recognise(self, url: str) -> RunRef | None:
        link = github_links.read_link(url, self._settings.web_url, self._settings.api_url)
        if link is None:
            return None
        return RunRef(ci=self.name, repository=link.repository, run=link.run, attempt=link.attempt, job=link.job)

    # reading

    async def build(self, ref: RunRef) -> Build:
        """See `bot.ports.CI`. A ref whose run is "?" (a link to a bare check run) is resolved by its job. Raises
        Refused with status 404 where the run, or that attempt of it, is not there."""
        ref = await self._resolve(ref)
        run = await self._run(ref)
        repository = run.repository.full_name if run.repository else ref.repository
        wires, unlisted = await self._jobs(ref.repository, run)
        jobs = await self._annotate(ref.repository, wires)
        if unlisted:
            more = Job(id=f"unlisted-{run.id}", name=f"{unlisted} more jobs, not listed here", outcome="other")
            jobs = (*jobs, more)
        return run.noun(self.name, repository, jobs)

    async def _resolve(self, ref: RunRef) -> RunRef:
        """The attempt that a link to a job means: the job's own, which need not be the latest."""
        if ref.job is None or (ref.attempt is not None and ref.run != github_links.UNKNOWN_RUN):
            return ref
        what = f"job {ref.job} of {ref.repository}"
        job = await self._get(github_wire.WireJob, f"{_repo(ref.repository)}/actions/jobs/{ref.job}", what)
        if ref.run not in (github_links.UNKNOWN_RUN, str(job.run_id)):
            raise Refused(self.name, f"{what} belongs to run {job.run_id}, not to {ref.run}", 404)
        return ref.model_copy(update={"run": str(job.run_id), "attempt": job.run_attempt})

    async def _run(self, ref: RunRef) -> github_wire.WireRun:
        path, what = f"{_repo(ref.repository)}/actions/runs/{ref.run}", f"run {ref.run} of {ref.repository}"
        if ref.attempt is None:
            return await self._get(github_wire.WireRun, path, what)
        what = f"attempt {ref.attempt} of {what}"
        try:
            return await self._get(github_wire.WireRun, f"{path}/attempts/{ref.attempt}", what)
        except Refused as error:
            if error.status != 404:
                raise
            run = await self._get(github_wire.WireRun, path, what)  # a server that has no attempts, or none yet
            if run.run_attempt != ref.attempt:
                raise error from None
            return run

    async def _jobs(self, repository: str, run: github_wire.WireRun) -> tuple[list[github_wire.WireJob], int]:
        """The jobs of the attempt, and how many there are beyond those that were listed."""
        base = f"{_repo(repository)}/actions/runs/{run.id}"
        try:
            return await self._pages(f"{base}/attempts/{run.run_attempt}/jobs", {}, run)
        except Refused as error:
            if error.status != 404:
                raise
        found, more = await self._pages(f"{base}/jobs", {"filter": "all"}, run)
        return [job for job in found if job.run_attempt == run.run_attempt], more

    async def _pages(
        self, path: str, params: Mapping[str, str], run: github_wire.WireRun
    ) -> tuple[list[github_wire.WireJob], int]:
        found: dict[int, github_wire.WireJob] = {}  # a page that moved while we read shows a job twice
        total = 0
        for page in range(1, _PAGES + 1):
            query: dict[str, str | int] = {**params, "per_page": _PAGE, "page": page}
            answer = await self._get(github_wire.JobsPage, path, f"the jobs of run {run.id}", query)
            found.update((job.id, job) for job in answer.jobs)
            total = answer.total_count
            if len(answer.jobs) < _PAGE or page * _PAGE >= total:
                return list(found.values()), 0
        return list(found.values()), max(0, total - len(found))

    async def _annotate(self, repository: str, wires: Sequence[github_wire.WireJob]) -> tuple[Job, ...]:
        """The jobs with what GitHub says beside their logs."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(wire: github_wire.WireJob) -> Job:
            async with gate:
                return github_wire.annotated(wire.noun(), await self._said(repository, wire))

        bad = [w for w in wires if w.noun().outcome in (*FAILED, "cancelled")]
        bad.sort(key=lambda w: w.conclusion == "cancelled")  # those that failed come first, if not all can be asked
        done = await asyncio.gather(*(one(w) for w in bad[:_ANNOTATED]))
        by_id = {job.id: job for job in done}
        return tuple(by_id.get(str(w.id)) or w.noun() for w in wires)

    async def _said(self, repository: str, wire: github_wire.WireJob) -> tuple[str, ...] | None:
        """The annotations; None where they cannot be had: the log remains. Raises Unavailable for a cancelled job,
        since without them its outcome would be a guess."""
        key = str(wire.id)
        if key in self._notes:
            return self._notes[key]
        path = f"{_repo(repository)}/check-runs/{wire.check_run}/annotations"
        words = self._words(f"the annotations of {wire.name}", "checks: read")
        try:
            answer = await self._http.request("GET", path, params={"per_page": _PAGE}, explain=words)
            said = github_wire.notes(_ANNOTATIONS.validate_python(answer.json()))
        except Unavailable:
            if wire.conclusion == "cancelled":
                raise
            return None
        except (ServiceError, ValidationError):
            return None
        finished = wire.noun().finished
        if said or (finished and self._now() - finished > _SETTLED):
            if len(self._notes) >= _REMEMBERED:
                self._notes.clear()
            self._notes[key] = said
        return said

    async def _get(self, model: type[M], path: str, what: str, params: Mapping[str, str | int] | None = None) -> M:
        """Renamed and transferred repositories answer 301 within the API: followed."""
        answer = await self._http.request("GET", path, params=params, explain=self._words(what), redirects=_REDIRECTS)
        return self._read(model, answer, what)

    def _read(self, model: type[M], answer: Answer, what: str) -> M:
        try:
            return TypeAdapter(model).validate_python(answer.json())
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            path = ".".join(str(part) for part in first["loc"])
            why = f"the answer for {what} is not what GitHub documents: {path[:200]}: {first['msg'].lower()[:200]}"
            raise Refused(self.name, why, answer.status) from None

    def _words(self, what: str, need: str = "actions: read") -> Callable[[Answer], ServiceError | None]:
        return lambda answer: explain(self.name, answer, what, need)

    # the log

    async def log(self, build: Build, job: Job) -> AsyncIterator[bytes]:
        """See `bot.ports.CI`. The job's own log alone, never the run's archive (it cuts names and lacks jobs)."""
        if not job.id.isdecimal():
            raise Refused(self.name, f"{job.name} is no job with a log")
        path = f"{_repo(build.key.repository)}/actions/jobs/{job.id}/logs"
        for again in (False, True):
            try:
                async for block in self._follow(path, build, job):
                    yield block
            except _LinkExpired as error:  # the link to the log lasts a minute: ask for another one, once
                if again:
                    raise Unavailable(self.name, f"the log store refuses the link to the log of {job.name}") from error
            else:
                return

    async def _follow(self, url: str, build: Build, job: Job) -> AsyncIterator[bytes]:
        what = f"the log of {job.name}"
        words = lambda answer: self._no_log(answer, build, job)  # noqa: E731
        for _ in range(_REDIRECTS + 1):
            async with self._http.stream(url, explain=words) as stream:
                target = stream.redirect
                if target is None:
                    if stream.status != 200:
                        raise Refused(self.name, f"{what}: an answer {stream.status} that leads nowhere", stream.status)
                    async for block in stream.blocks():
                        yield block
                    return
            try:
                await refuse_metadata(self.name, target)
            except Refused as error:
                raise Refused(self.name, f"{what} {error.args[0].partition(': ')[2]}") from None
            url, words = target, lambda answer: self._no_blob(answer, build, job)
        raise Refused(self.name, f"{what} is redirected more than {_REDIRECTS} times")

    def _no_log(self, answer: Answer, build: Build, job: Job) -> ServiceError | None:
        """The API's own no."""
        if answer.status == 404:
            return self._missing(build, job)
        if answer.status == 410:
            return Refused(self.name, f"the log of {job.name} has expired and was deleted", 410)
        return explain(self.name, answer, f"the log of {job.name}", "actions: read")

    def _no_blob(self, answer: Answer, build: Build, job: Job) -> ServiceError | None:
        """The log store's no: a link that ran out (Azure says 403), or a log that was not written yet."""
        if answer.status in (400, 401, 403, 410):
            return _LinkExpired(self.name, f"the log store answered {answer.status}", answer.status)
        return self._missing(build, job) if answer.status == 404 else None

    def _missing(self, build: Build, job: Job) -> ServiceError:
        """404 means both "not written yet" and "gone": the time tells (actions/runner#886)."""
        young = job.finished is None or self._now() - job.finished < _LOG_GRACE
        if young or not build.finished:
            return NotYet(self.name, f"the log of {job.name} is not written yet")
        return Refused(
            self.name,
            f"the log of {job.name} is gone: it has expired, was deleted, was never written (a runner that died), "
            "or the token may not see it (needs `actions: read`)",
            404,
        )

    # acting

    async def rerun(self, build: Build) -> None:
        """See `bot.ports.CI`. Looks first, so that a run which somebody else has re-run is left alone. Raises Refused
        with GitHub's reason; Unavailable where the request may or may not have got through: ask `did_rerun`."""
        key = build.key
        path, what = f"{_repo(key.repository)}/actions/runs/{key.run}", f"run {key.run} of {key.repository}"
        run = await self._get(github_wire.WireRun, path, what)
        if run.run_attempt > key.attempt:
            raise Refused(self.name, f"{what} was re-run already: attempt {run.run_attempt} exists", 409)
        words = self._words(f"the re-run of {what}", "actions: write")
        await self._http.request("POST", f"{path}/rerun-failed-jobs", explain=words, redirects=1)

    async def did_rerun(self, build: Build) -> bool | None:
        """See `bot.ports.CI`. None also where the finished run has begun to move without a new attempt yet, and where
        GitHub refuses to tell. Raises Unavailable."""
        key = build.key
        path = f"{_repo(key.repository)}/actions/runs/{key.run}"
        try:
            run = await self._get(github_wire.WireRun, path, f"run {key.run} of {key.repository}")
        except Refused:
            return None
        if run.run_attempt > key.attempt:
            return True
        moving = github_wire.outcome(run.status, run.conclusion) == "running"
        return None if moving and build.finished else False

    async def check(self) -> Sequence[Check]:
        return await check_service(self.name, self._http, self._settings.webhook_secret is not None, self._now())

    async def close(self) -> None:
        await self._http.close()


class _LinkExpired(Refused):
    """Inner signal: never leaves `log()`."""


def _repo(repository: str) -> str:
    """The path of a repository. Raises Refused for what is no owner/name: a ref may come from stored or typed text."""
    if not github_wire.FULL_NAME.fullmatch(repository):
        raise Refused("github", f"{repository[:100]!r} is not owner/name")
    return f"/repos/{repository}"
