"""The `CI` port. Every registered adapter passes this against its stand-in, and so does the fake of the workflow tests.

An adapter of a new kind needs a world here: a stand-in of its service, and how to make things happen in it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol, cast

import pytest

from bot.ci import kinds, make
from bot.model.build import Build, Job
from bot.model.errors import BadPayload, BadSignature, ConfigError, NotYet, Refused, Unavailable
from bot.ports import CI
from bot.serve.standins.github import GitHubStandIn, JobPlan, Sent
from tests.fakes import FakeCI

LOG = b"go: github.com/acme/x: dial tcp: lookup proxy.golang.org: i/o timeout\n" * 10


class World(Protocol):
    """A CI service with one project. URLs are those that people copy."""

    ci: CI
    signs: bool  # its webhooks can be tested

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def fail(self, log: bytes | None) -> str:
        """A run with one failed job of two; None: its log is not written. Returns its URL."""

    def missing(self) -> str: ...
    async def webhook(self, url: str) -> tuple[Mapping[str, str], bytes]:
        """What is sent about the failure of this run."""

    async def unused(self) -> tuple[Mapping[str, str], bytes]: ...
    def reruns(self) -> int:
        """Requests for a re-run that came in."""

    async def down(self) -> None: ...
    async def settle(self, url: str) -> None:
        """Until the newest attempt has ended."""

    def revoke(self) -> None:
        """The credentials do not count any more."""


class GitHubWorld:
    signs = True

    async def start(self) -> None:
        self.stand = GitHubStandIn(webhook_url="http://127.0.0.1:1/", rerun_seconds=0.02)
        await self.stand.start()
        self.ci = make(kinds()["github"].model_validate(self.stand.settings(channel="C0BUILDS")))

    async def stop(self) -> None:
        await self.stand.stop()

    def fail(self, log: bytes | None) -> str:
        broken = JobPlan("build", log=log or b"", log_delay=None if log is None else 0)
        run = self.stand.add_run("acme/shop", [broken, JobPlan("lint", "success")])
        return f"{self.stand.url}/acme/shop/actions/runs/{run.id}"

    def missing(self) -> str:
        return f"{self.stand.url}/acme/shop/actions/runs/1"

    def _run(self, url: str) -> int:
        return int(url.rpartition("/")[2])

    async def webhook(self, url: str) -> tuple[Mapping[str, str], bytes]:
        await self.stand.announce(self.stand.runs[self._run(url)])
        sent = self.stand.sent[-1]
        return sent.headers, sent.body

    async def unused(self) -> tuple[Mapping[str, str], bytes]:
        sent = cast(Sent, await self.stand.send("star", {"action": "created"}))
        return sent.headers, sent.body

    def reruns(self) -> int:
        return self.stand.count("POST", ".*/rerun-failed-jobs")

    async def down(self) -> None:
        await self.stand.shut()

    async def settle(self, url: str) -> None:
        while self.stand.runs[self._run(url)].last.status != "completed":
            await asyncio.sleep(0.01)

    def revoke(self) -> None:
        self.stand.token = "another-one"


class FakeWorld:
    signs = False

    async def start(self) -> None:
        self.fake = FakeCI()
        self.ci: CI = self.fake
        self.count = 0

    async def stop(self) -> None: ...

    def fail(self, log: bytes | None) -> str:
        self.count += 1
        self.fake.fail(str(self.count), log if log is not None else NotYet("github", "not written yet"))
        return f"https://ci/{self.count}"

    def missing(self) -> str:
        return "https://ci/999"

    async def webhook(self, url: str) -> tuple[Mapping[str, str], bytes]:
        raise NotImplementedError

    async def unused(self) -> tuple[Mapping[str, str], bytes]:
        raise NotImplementedError

    def reruns(self) -> int:
        return len(self.fake.reruns)

    async def down(self) -> None:
        methods = ("build", "log", "rerun", "did_rerun")
        self.fake.faults = {m: [Unavailable("github", "down") for _ in range(9)] for m in methods}

    async def settle(self, url: str) -> None:
        key = max(key for key in self.fake.builds if key[0] == url.rpartition("/")[2])
        self.fake.finish(*key, "success")

    def revoke(self) -> None: ...


WORLDS: dict[str, Callable[[], World]] = {"github": GitHubWorld, "fake": FakeWorld}


@pytest.fixture(params=[*kinds(), "fake"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    assert request.param in WORLDS, f"the CI kind {request.param!r} has no world in {__name__}: write one"
    made = WORLDS[request.param]()
    await made.start()
    yield made
    await made.ci.close()
    await made.stop()


@pytest.fixture
def signing(world: World) -> World:
    if not world.signs:
        pytest.skip("the fake sends no webhooks")
    return world


async def look(world: World, url: str) -> Build:
    ref = world.ci.recognise(url)
    assert ref is not None
    return await world.ci.build(ref)


async def read(world: World, build: Build, job: Job) -> bytes:
    return b"".join([block async for block in world.ci.log(build, job)])


def test_settings_of_no_kind_are_refused() -> None:
    from bot.model.build import RunRef

    with pytest.raises(ConfigError, match="no CI kind takes RunRef"):
        make(RunRef(ci="x", repository="y", run="1"))


def test_every_kind_refuses_keys_that_it_does_not_know() -> None:
    for kind, settings in kinds().items():
        assert settings.model_config.get("extra") == "forbid", kind
        assert settings.model_config.get("frozen"), kind
        assert {"name", "kind", "channel"} <= set(settings.model_fields), kind


async def test_a_failed_run_is_read(world: World) -> None:
    url = world.fail(LOG)
    build = await look(world, url)
    assert (build.key.ci, build.key.attempt, build.outcome, build.finished) == (world.ci.name, 1, "failure", True)
    assert build.url
    job = build.failed_jobs[0]
    assert job.failed_step
    assert await read(world, build, job) == LOG
    assert await read(world, build, job) == LOG


async def test_what_is_not_ours_is_not_recognised(world: World) -> None:
    for url in (
        "",
        "hello",
        "https://elsewhere.example/acme/shop/actions/runs/1",
        "http://[",
        "https://",
        "x" * 100_000,
    ):
        assert world.ci.recognise(url) is None


async def test_a_run_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(Refused) as caught:
        await look(world, world.missing())
    assert caught.value.status == 404
    assert str(caught.value).startswith(f"{world.ci.name}: ")


async def test_a_log_that_is_not_written_yet(world: World) -> None:
    build = await look(world, world.fail(None))
    with pytest.raises(NotYet):
        await read(world, build, build.failed_jobs[0])


async def test_a_rerun_happens_once_and_can_be_asked_after(world: World) -> None:
    url = world.fail(LOG)
    build = await look(world, url)
    assert await world.ci.did_rerun(build) is False
    await world.ci.rerun(build)
    assert world.reruns() == 1
    assert await world.ci.did_rerun(build) is True
    await world.settle(url)
    after = await look(world, url)
    assert (after.key.run, after.key.attempt, after.outcome) == (build.key.run, 2, "success")
    first = await world.ci.build(world_ref(world, url, attempt=1))
    assert (first.key, first.outcome) == (build.key, "failure")


def world_ref(world: World, url: str, attempt: int):
    ref = world.ci.recognise(url)
    assert ref is not None
    return ref.model_copy(update={"attempt": attempt})


async def test_an_attempt_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(Refused):
        await world.ci.build(world_ref(world, world.fail(LOG), attempt=7))


async def test_a_service_that_is_down(world: World) -> None:
    url = world.fail(LOG)
    build = await look(world, url)
    await world.down()
    calls = (
        lambda: look(world, url),
        lambda: read(world, build, build.failed_jobs[0]),
        lambda: world.ci.rerun(build),
        lambda: world.ci.did_rerun(build),
    )

    async def one(call) -> None:
        with pytest.raises(Unavailable) as caught:
            await call()
        assert str(caught.value).startswith(f"{world.ci.name}: ")

    await asyncio.gather(*(one(call) for call in calls))
    assert all(check.detail for check in await world.ci.check())


async def test_a_check_tells_whether_the_credentials_work(signing: World) -> None:
    assert all(check.ok for check in await signing.ci.check())
    signing.revoke()
    bad = [check for check in await signing.ci.check() if not check.ok]
    assert bad
    assert all(check.what and check.detail for check in bad)


async def test_a_webhook_tells_of_the_same_case_as_the_service(signing: World) -> None:
    url = signing.fail(LOG)
    headers, body = await signing.webhook(url)
    event = signing.ci.read_webhook(headers, body)
    build = await look(signing, url)
    assert event.kind == "failed"
    assert event.delivery
    assert event.build is not None
    assert event.build.key == build.key
    assert signing.ci.read_webhook({k.lower(): v for k, v in headers.items()}, body) == event
    assert signing.ci.channel == "C0BUILDS"


async def test_webhooks_that_are_not_believed(signing: World) -> None:
    headers, body = await signing.webhook(signing.fail(LOG))
    for given, text in (({}, body), (headers, body + b" "), (headers, b""), ({}, b""), (headers, b"\xff" * 1000)):
        with pytest.raises(BadSignature):
            signing.ci.read_webhook(given, text)


async def test_webhooks_that_are_not_used(signing: World) -> None:
    event = signing.ci.read_webhook(*await signing.unused())
    assert (event.kind, event.build) == ("ignored", None)
    assert event.why


async def test_a_signed_webhook_of_another_shape(signing: World) -> None:
    assert isinstance(signing, GitHubWorld), "sign `body` as the service of this world does"
    for event in ("workflow_run", "workflow_job"):
        sent = cast(Sent, await signing.stand.send(event, {"action": "completed"}))
        with pytest.raises(BadPayload):
            signing.ci.read_webhook(sent.headers, sent.body)
