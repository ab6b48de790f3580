"""GitHub Actions on this machine: runs, jobs, logs behind a redirect, re-runs, and signed webhooks over real HTTP.

It says no where GitHub says no (bad token, log not written yet, expired link, run already running), and its log store,
on a port of its own, refuses requests that carry the API's credentials. Only what the bot uses is here.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import aiohttp
from aiohttp import web

from bot.serve.standins.door import Door, Fault, Seen, count
from bot.serve.standins.github_shapes import Json, Site, rate_limit

MONTH = 30 * 86400.0
FINISHED = "completed"
_RUN = r"/repos/{owner}/{repo}/actions/runs/{run:\d+}"
_JOB = r"/repos/{owner}/{repo}/actions/jobs/{job:\d+}"


@dataclass(frozen=True)
class JobPlan:
    """What a job will be. `steps`: the last one is where it ends. `log_delay`: seconds from its end until the log is
    there (None: never). `annotations`: what GitHub says beside the log, as `failure`."""

    name: str
    conclusion: str = "failure"
    log: bytes = b""
    steps: tuple[str, ...] = ("Set up job", "Run actions/checkout@v4", "Run go mod download")
    labels: tuple[str, ...] = ("self-hosted", "linux")
    runner: str = "runner-7"
    annotations: tuple[str, ...] = ()
    log_delay: float | None = 0.0


@dataclass
class Job:
    id: int
    plan: JobPlan
    attempt: int
    created: float
    status: str = "queued"
    conclusion: str | None = None
    started: float | None = None
    completed: float | None = None


@dataclass
class Attempt:
    number: int
    jobs: list[Job]
    started: float
    updated: float
    status: str = "queued"
    conclusion: str | None = None


@dataclass
class Run:
    id: int
    number: int
    repository: str
    workflow: str
    event: str
    branch: str
    sha: str
    title: str
    author: str
    actor: str
    created: float
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]


@dataclass(frozen=True)
class Sent:
    """A webhook delivery and what the receiver answered (0: it could not be reached)."""

    event: str
    delivery: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def payload(self) -> Json:
        data: Json = json.loads(self.body)
        return data


class GitHubStandIn:
    """`webhook_url` is where the bot listens (None: nothing is sent). A re-run takes `rerun_seconds` and ends as
    `rerun_conclusion`, or as `rerun_plans` has it, by job name."""

    def __init__(
        self,
        *,
        token: str = "ghp-stand-in-token",  # noqa: S107 it opens nothing but this
        webhook_secret: str = "stand-in-webhook-secret",  # noqa: S107
        webhook_url: str | None = None,
        rerun_seconds: float = 1.0,
        rerun_conclusion: str = "success",
    ) -> None:
        self.token, self.webhook_secret, self.webhook_url = token, webhook_secret, webhook_url
        self.rerun_seconds, self.rerun_conclusion = rerun_seconds, rerun_conclusion
        self.rerun_plans: dict[str, JobPlan] = {}
        self.runs: dict[int, Run] = {}
        self.seen: list[Seen] = []
        self.sent: list[Sent] = []
        self.faults: list[Fault] = []
        self.link_seconds = 60.0  # GitHub: "Look for Location: in the response header ... expires after 1 minute"
        self.gzip_logs = False
        self.cut_log_after: int | None = None
        self.quota = 5000
        self.scopes: str | None = "repo, workflow"  # None: a fine-grained token, of which nothing is told
        self._ids = itertools.count(17_283_940_511)
        self._links: dict[str, tuple[int, float]] = {}
        self._doors = {
            "api": Door("api", self._api_routes(), self, self._admit, self._quota_headers),
            "logs": Door("logs", [web.get("/{link}/job.txt", self._blob)], self),
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    # life

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the URL of API and pages alike. The log store takes a free port of its own."""
        self.host = host
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        await self._doors["api"].open(host, port)
        await self._doors["logs"].open(host, 0)
        return self.url

    async def shut(self, door: str = "api") -> None:
        """From now on connections to this door are refused."""
        await self._doors[door].shut()

    async def reopen(self, door: str = "api") -> None:
        await self._doors[door].open(self.host, self._doors[door].port)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for door in self._doors.values():
            await door.shut()
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> GitHubStandIn:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self._doors['api'].port}"

    @property
    def site(self) -> Site:
        return Site(self.url, self.url)

    def settings(self, name: str = "github", channel: str | None = None) -> Json:
        """The `ci:` entry that leads here."""
        entry = {"name": name, "kind": "github", "api_url": self.url, "web_url": self.url, "token": self.token}
        return {**entry, "webhook_secret": self.webhook_secret, **({"channel": channel} if channel else {})}

    # what happens here

    def add_run(
        self,
        repository: str,
        jobs: Sequence[JobPlan],
        *,
        workflow: str = "CI",
        event: str = "push",
        branch: str = "main",
        title: str = "Add the checkout service",
        author: str = "ada",
        finished: bool = True,
        age: float = 30.0,
    ) -> Run:
        """A run whose first attempt has ended `age` seconds after it began, just now; `finished=False`: is queued,
        and `play` runs it. Nothing is announced."""
        run_id, now = next(self._ids), time.time()
        sha = hashlib.sha1(str(run_id).encode()).hexdigest()  # noqa: S324 git's own ids are such
        run = Run(
            run_id, 482 + len(self.runs), repository, workflow, event, branch, sha, title, author, author, now - age
        )
        begun = now - age if finished else now
        run.attempts.append(Attempt(1, [self._new_job(plan, 1, begun) for plan in jobs], begun, begun))
        self.runs[run_id] = run
        if finished:
            for job in run.last.jobs:
                self._begin(job, begun)
                self._end(job, now)
            self._conclude(run.last, now)
        return run

    def _new_job(self, plan: JobPlan, attempt: int, now: float) -> Job:
        return Job(next(self._ids), plan, attempt, now)

    def _begin(self, job: Job, now: float) -> None:
        job.status, job.started = "in_progress", now

    def _end(self, job: Job, now: float) -> None:
        job.status, job.conclusion, job.completed = FINISHED, job.plan.conclusion, now

    def _conclude(self, attempt: Attempt, now: float) -> None:
        told = {job.conclusion for job in attempt.jobs}
        worst = next((c for c in ("failure", "timed_out", "cancelled") if c in told), "success")
        attempt.status, attempt.updated = FINISHED, now
        attempt.conclusion = "failure" if worst == "timed_out" else worst

    async def announce(self, run: Run, jobs: bool = True) -> None:
        """Send the webhooks of the last attempt's end: each job's, then the run's."""
        for job in run.last.jobs if jobs else ():
            if job.status == FINISHED and job.attempt == run.last.number:
                await self.tell_job(run, job)
        await self.tell_run(run)

    async def play(self, run: Run, seconds: float = 0.0) -> None:
        """Take the last attempt from queued to its end in about so many seconds, with all its webhooks."""
        attempt = run.last
        jobs = [job for job in attempt.jobs if job.status != FINISHED]
        await self.tell_run(run)
        for job in jobs:
            await self.tell_job(run, job)
        await asyncio.sleep(seconds / 2)
        attempt.status = "in_progress"
        await self.tell_run(run)
        for job in jobs:
            self._begin(job, time.time())
            await self.tell_job(run, job)
        await asyncio.sleep(seconds / 2)
        for job in jobs:
            self._end(job, time.time())
            await self.tell_job(run, job)
        self._conclude(attempt, time.time())
        await self.tell_run(run)

    def rerun(self, run: Run) -> Attempt:
        """What a press on "Re-run failed jobs" does."""
        now, number = time.time(), run.last.number + 1
        jobs = [
            job if job.conclusion in ("success", "skipped") else self._new_job(self._again(job.plan), number, now)
            for job in run.last.jobs
        ]
        run.attempts.append(Attempt(number, jobs, now, now))
        task = asyncio.get_running_loop().create_task(self.play(run, self.rerun_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run.last

    def _again(self, plan: JobPlan) -> JobPlan:
        if plan.name in self.rerun_plans:
            return self.rerun_plans[plan.name]
        if self.rerun_conclusion == plan.conclusion:
            return plan
        return replace(plan, conclusion=self.rerun_conclusion, log=b"all is well\n", annotations=())

    # webhooks

    async def tell_run(self, run: Run) -> None:
        attempt = run.last
        action = {FINISHED: "completed", "queued": "requested"}.get(attempt.status, "in_progress")
        shape = self.site.run(run, attempt)
        flow = self.site.workflow(run.repository, run.workflow, run.created)
        await self.send(
            "workflow_run", {"action": action, "workflow_run": shape, "workflow": flow, **self._common(run)}
        )

    async def tell_job(self, run: Run, job: Job) -> None:
        await self.send(
            "workflow_job", {"action": job.status, "workflow_job": self.site.job(run, job), **self._common(run)}
        )

    def _common(self, run: Run) -> Json:
        site = self.site
        return {"repository": site.repository(run.repository, run.created), "sender": site.user(run.actor)}

    async def send(self, event: str, payload: Json, delivery: str | None = None) -> Sent | None:
        """One delivery, signed. GitHub never repeats one by itself; `resend` is its "Redeliver" button."""
        body = json.dumps(payload, separators=(",", ":")).encode()
        key = self.webhook_secret.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/stand-in",
            "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": "1",
            "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
        }
        return await self.resend(Sent(event, headers["X-GitHub-Delivery"], headers, body, 0))

    async def resend(self, sent: Sent) -> Sent | None:
        if self.webhook_url is None or self._session is None:
            return None
        status = 0
        try:
            async with self._session.post(self.webhook_url, data=sent.body, headers=sent.headers) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            pass  # GitHub shows it in the webhook's page and goes on
        done = replace(sent, status=status)
        self.sent.append(done)
        return done

    # the doors

    def count(self, method: str, path: str) -> int:
        """How many such requests came to either door; `path` is a regular expression for all of it."""
        return count(self.seen, method, path)

    def _admit(self, request: web.Request) -> web.StreamResponse | None:
        if request.path.startswith(("/repos/", "/rate_limit", "/user")):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() not in ("bearer", "token"):
                return problem(401, "Requires authentication")
            if not hmac.compare_digest(token.encode(), self.token.encode()):
                return problem(401, "Bad credentials")
        return None

    def _quota_headers(self, answer: web.StreamResponse) -> None:
        answer.headers.setdefault("X-RateLimit-Limit", "5000")
        answer.headers.setdefault("X-RateLimit-Remaining", str(self.quota))
        answer.headers.setdefault("X-RateLimit-Reset", str(int(time.time()) + 1800))
        answer.headers.setdefault("x-github-api-version-selected", "2022-11-28")
        if self.scopes is not None:
            answer.headers.setdefault("X-OAuth-Scopes", self.scopes)

    def _api_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/rate_limit", self._rate_limit),
            web.get(_RUN, self._get_run),
            web.get(_RUN + r"/attempts/{attempt:\d+}", self._get_run),
            web.get(_RUN + r"/attempts/{attempt:\d+}/jobs", self._get_jobs),
            web.get(_RUN + "/jobs", self._get_jobs),
            web.post(_RUN + "/rerun-failed-jobs", self._post_rerun),
            web.get(_JOB, self._get_job),
            web.get(_JOB + "/logs", self._get_log),
            web.get(r"/repos/{owner}/{repo}/check-runs/{job:\d+}/annotations", self._get_annotations),
            web.get(r"/{owner}/{repo}/actions/runs/{run:\d+}{tail:(/.*)?}", self._page),
        ]

    def _run(self, request: web.Request) -> Run:
        run = self.runs.get(int(request.match_info["run"]))
        if run is None or run.repository.lower() != "{owner}/{repo}".format(**request.match_info).lower():
            raise NotFound
        return run

    def _attempt(self, request: web.Request, run: Run) -> Attempt:
        if "attempt" not in request.match_info:
            return run.last
        number = int(request.match_info["attempt"])
        if not 1 <= number <= len(run.attempts):
            raise NotFound
        return run.attempts[number - 1]

    def _job(self, request: web.Request) -> tuple[Run, Job]:
        wanted, name = int(request.match_info["job"]), "{owner}/{repo}".format(**request.match_info).lower()
        for run in self.runs.values():
            for job in (j for attempt in run.attempts for j in attempt.jobs):
                if job.id == wanted and run.repository.lower() == name:
                    return run, job
        raise NotFound

    async def _rate_limit(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(rate_limit(self.quota, int(time.time()) + 1800))

    async def _get_run(self, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        return web.json_response(self.site.run(run, self._attempt(request, run)))

    async def _get_jobs(self, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        jobs = self._attempt(request, run).jobs
        if request.query.get("filter") == "all":
            jobs = [job for attempt in run.attempts for job in attempt.jobs if job.attempt == attempt.number]
        size = min(100, max(1, int(request.query.get("per_page", "30"))))
        page = max(1, int(request.query.get("page", "1")))
        shown = jobs[(page - 1) * size : page * size]
        return web.json_response({"total_count": len(jobs), "jobs": [self.site.job(run, job) for job in shown]})

    async def _get_job(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.site.job(*self._job(request)))

    async def _get_annotations(self, request: web.Request) -> web.StreamResponse:
        run, job = self._job(request)
        said = job.plan.annotations if job.status == FINISHED else ()
        return web.json_response([self.site.annotation(run.repository, run.sha, text) for text in said])

    async def _get_log(self, request: web.Request) -> web.StreamResponse:
        _, job = self._job(request)
        delay = job.plan.log_delay
        if job.completed is None or delay is None or time.time() < job.completed + delay:
            raise NotFound
        link = uuid.uuid4().hex
        self._links[link] = (job.id, time.time() + self.link_seconds)
        place = f"http://{self.host}:{self._doors['logs'].port}/{link}/job.txt?sig=c2VjcmV0"
        return web.Response(status=302, headers={"Location": place})

    async def _post_rerun(self, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        if run.last.status != FINISHED:
            return problem(403, "This workflow is already running")
        if time.time() - run.created > MONTH:
            return problem(403, "Unable to retry this workflow run because it was created over a month ago")
        if all(job.conclusion in ("success", "skipped") for job in run.last.jobs):
            return problem(403, "The workflow run cannot be retried: it has no failed jobs")
        self.rerun(run)
        return web.json_response({}, status=201)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        return web.Response(
            text=f"{run.workflow} #{run.number} of {run.repository}: {run.last.conclusion or run.last.status}\n"
        )

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        """The log store: its links carry their own right, and a foreign credential is an error (as Azure has it)."""
        if "Authorization" in request.headers:
            return web.Response(status=400, text="<Error><Code>InvalidAuthenticationInfo</Code></Error>")
        wanted, until = self._links.get(request.match_info["link"], (0, 0.0))
        if "sig" not in request.query or time.time() > until:
            return web.Response(status=403, text="<Error><Code>AuthenticationFailed</Code></Error>")
        jobs = (j for run in self.runs.values() for attempt in run.attempts for j in attempt.jobs)
        log = next(job.plan.log for job in jobs if job.id == wanted)
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        if self.gzip_logs:
            log = await asyncio.to_thread(gzip.compress, log)
            answer.headers["Content-Encoding"] = "gzip"
        answer.content_length = len(log)
        await answer.prepare(request)
        if self.cut_log_after is not None:
            await answer.write(log[: self.cut_log_after])
            await asyncio.sleep(0.05)  # lets what was written leave before the line is cut
            assert request.transport is not None
            request.transport.abort()
            return answer
        await answer.write(log)
        return answer


class NotFound(web.HTTPNotFound):
    """GitHub's 404, which it also gives for what a token may not see."""

    def __init__(self) -> None:
        super().__init__(text=json.dumps({"message": "Not Found", "status": "404"}), content_type="application/json")


def problem(status: int, message: str) -> web.Response:
    return web.json_response({"message": message, "status": str(status)}, status=status)
