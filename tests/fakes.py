"""Small real parts for tests of the workflows: a CI, a deploy system and a chat that live in memory and can be told
to fail."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.model.build import Build, CaseKey, CIEvent, Job, RunRef
from bot.model.case import Case, MessageRef
from bot.model.errors import BadSignature, NotYet, Refused, ServiceError, Unavailable
from bot.model.release import DeployEvent, Health, Plan, Release, Revision, Watched
from bot.ports import Check


@dataclass
class FakeCI:
    """Runs by (run, attempt). `faults` are raised by the next calls of a method, one each."""

    name: str = "github"
    kind: str = "fake"
    channel: str | None = "C0BUILDS"
    builds: dict[tuple[str, int], Build] = field(default_factory=dict)
    logs: dict[str, bytes | ServiceError] = field(default_factory=dict)
    faults: dict[str, list[ServiceError]] = field(default_factory=dict)
    reruns: list[str] = field(default_factory=list)
    lose_answer: bool = False  # the next re-run happens, and its answer is lost

    def _fault(self, method: str) -> None:
        if waiting := self.faults.get(method):
            raise waiting.pop(0)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> CIEvent:
        build = self.builds[(body.decode(), 1)]
        return CIEvent(kind="failed", delivery=headers["delivery"], build=build)

    def recognise(self, url: str) -> RunRef | None:
        if not url.startswith("https://ci/"):
            return None
        return RunRef(ci=self.name, repository="acme/shop", run=url.removeprefix("https://ci/"))

    async def build(self, ref: RunRef) -> Build:
        self._fault("build")
        attempts = [a for run, a in self.builds if run == ref.run]
        attempt = ref.attempt or max(attempts, default=0)
        if (ref.run, attempt) not in self.builds:
            raise Refused(self.name, f"there is no attempt {attempt} of run {ref.run}", 404)
        return self.builds[(ref.run, attempt)]

    async def log(self, build: Build, job: Job) -> AsyncIterator[bytes]:
        self._fault("log")
        there = self.logs.get(job.id, NotYet(self.name, "the log is not written yet"))
        if isinstance(there, ServiceError):
            raise there
        for at in range(0, len(there), 64):
            yield there[at : at + 64]

    async def rerun(self, build: Build) -> None:
        self._fault("rerun")
        self.reruns.append(build.key.id)
        key = build.key.model_copy(update={"attempt": build.key.attempt + 1})
        self.builds.setdefault(
            (key.run, key.attempt), build.model_copy(update={"key": key, "outcome": "running", "jobs": ()})
        )
        if self.lose_answer:
            self.lose_answer = False
            raise Unavailable(self.name, "no answer")

    async def did_rerun(self, build: Build) -> bool | None:
        self._fault("did_rerun")
        return (build.key.run, build.key.attempt + 1) in self.builds

    async def check(self) -> Sequence[Check]:
        return ()

    async def close(self) -> None: ...

    # for tests

    def fail(
        self, run: str, log: bytes | ServiceError, attempt: int = 1, *, jobs: int = 1, finished: bool = True
    ) -> Build:
        key = CaseKey(ci=self.name, repository="acme/shop", run=run, attempt=attempt)
        made = tuple(
            Job(id=f"{run}-{attempt}-{n}", name=f"job {n}", outcome="failure", failed_step="build") for n in range(jobs)
        )
        build = Build(
            key=key, outcome="failure" if finished else "running", title="CI", jobs=made, url=f"https://ci/{run}"
        )
        self.builds[(run, attempt)] = build
        for job in made:
            self.logs[job.id] = log
        return build

    def finish(self, run: str, attempt: int, outcome: str) -> None:
        build = self.builds[(run, attempt)]
        self.builds[(run, attempt)] = Build.model_validate({**build.model_dump(), "outcome": outcome})


@dataclass
class FakeDeploy:
    """One application. `faults` are raised by the next calls of a method, one each. `becomes`: what `watch` says, one
    after the other (the last one again and again)."""

    name: str = "shop"
    kind: str = "fake"
    app: str = "shop"
    environment: str = "production"
    repositories: tuple[str, ...] = ("acme/shop",)
    channel: str | None = "C0BUILDS"
    history: list[Revision] = field(default_factory=list)  # oldest first
    health: Health = "degraded"
    automatic: str | None = None
    busy: str | None = None
    becomes: list[Watched] = field(default_factory=lambda: [Watched(state="good", words="healthy")])
    faults: dict[str, list[ServiceError]] = field(default_factory=dict)
    rollbacks: list[str] = field(default_factory=list)  # revisions, as they were asked for
    restored: list[str] = field(default_factory=list)
    lose_answer: bool = False  # the next rollback happens, and its answer is lost

    def _fault(self, method: str) -> None:
        if waiting := self.faults.get(method):
            raise waiting.pop(0)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> DeployEvent:
        if "delivery" not in headers:
            raise BadSignature(f"{self.name}: not signed")
        return DeployEvent(kind="failed", delivery=headers["delivery"], why=body.decode())

    def recognise(self, url: str) -> bool:
        return url == f"https://deploy/{self.app}"

    async def release(self) -> Release:
        self._fault("release")
        if not self.history:
            raise Refused(self.name, "nothing was ever deployed")
        return Release(
            deploy=self.name, app=self.app, environment=self.environment, current=self.history[-1],
            health=self.health, busy=self.busy, automatic=self.automatic, history=tuple(reversed(self.history)),
        )  # fmt: skip

    async def plan(self, revision: str | None = None) -> Plan:
        self._fault("plan")
        current = (await self.release()).current
        others = {r.revision: r for r in self.history if r.revision != current.revision}
        if revision is not None:
            fits = lambda r: revision == r.id or (len(revision) >= 7 and r.revision.startswith(revision))  # noqa: E731
            if fits(current):
                raise Refused(self.name, f"{current.revision} is what runs already")
            others = {r.revision: r for r in others.values() if fits(r)}
            if len(others) > 1:
                raise Refused(self.name, f"{revision[:100]} fits several entries: {', '.join(others)}")
        if not others:
            raise Refused(self.name, f"there is no {(revision or 'other')[:100]} revision to go back to")
        return Plan(
            deploy=self.name, app=self.app, environment=self.environment, current=current,
            target=list(others.values())[-1], health=self.health, automatic=self.automatic,
            marks={"entries": str(len(self.history))},
            undo={"automatic": self.automatic} if self.automatic else {},
        )  # fmt: skip

    async def rollback(self, plan: Plan) -> None:
        self._fault("rollback")
        if len(self.history) != int(plan.marks["entries"]):
            raise Refused(self.name, "the world has moved since the plan was made")
        self.automatic = None
        self.rollbacks.append(plan.target.revision)
        self.deploy(plan.target.revision)
        if self.lose_answer:
            self.lose_answer = False
            raise Unavailable(self.name, "no answer")

    async def did_rollback(self, plan: Plan) -> bool | None:
        self._fault("did_rollback")
        return any(r.revision == plan.target.revision for r in self.history[int(plan.marks["entries"]) :])

    async def watch(self, plan: Plan) -> Watched:
        self._fault("watch")
        if not await self.did_rollback(plan):
            return Watched(state="unclear", words="no rollback was begun")
        return self.becomes.pop(0) if len(self.becomes) > 1 else self.becomes[0]

    async def restore(self, plan: Plan) -> str | None:
        self._fault("restore")
        if "automatic" not in plan.undo:
            return None
        self.automatic = plan.undo["automatic"]
        self.restored.append(self.automatic)
        return f"{self.automatic} is on again"

    async def check(self) -> Sequence[Check]:
        return ()

    async def close(self) -> None: ...

    # for tests

    def deploy(self, revision: str) -> None:
        self.history.append(Revision(id=str(len(self.history) + 1), revision=revision))


@dataclass
class FakeChat:
    """Keeps messages. `faults` are raised by the next posts or updates."""

    messages: dict[str, Case] = field(default_factory=dict)  # ts -> the case as last shown
    where: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    faults: list[ServiceError] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    lose_answer: bool = False

    async def show(self, case: Case, *, channel: str, thread: str | None, broadcast: bool = False) -> MessageRef:
        if self.faults:
            raise self.faults.pop(0)
        ts = f"{len(self.messages) + 1}.0"
        self.messages[ts], self.where[ts], self.history[ts] = case, (channel, thread), [case.state]
        if self.lose_answer:
            self.lose_answer = False
            raise Unavailable("slack", "no answer")
        return MessageRef(channel=channel, ts=ts)

    async def update(self, case: Case, message: MessageRef) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.messages[message.ts] = case
        self.history[message.ts].append(case.state)

    async def find(self, case_id: str, *, channel: str, thread: str | None) -> MessageRef | None:
        for ts, case in self.messages.items():
            if case.id == case_id and self.where[ts] == (channel, thread):
                return MessageRef(channel=channel, ts=ts)
        return None

    async def link(self, message: MessageRef) -> str | None:
        return f"https://slack/{message.channel}/{message.ts}"

    async def members(self, group: str) -> Sequence[str]:
        if group not in self.groups:
            raise Refused("slack", "no such group")
        return self.groups[group]

    async def person_by_email(self, email: str) -> str | None:
        return self.emails.get(email)

    async def tell(self, user: str, channel: str, text: str, *, thread: str | None = None) -> None:
        self.told.append((user, text))
