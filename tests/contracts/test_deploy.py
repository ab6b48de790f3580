"""The `Deploy` port. Every registered adapter passes this against its stand-in, and so does the fake of the workflows.

An adapter of a new kind needs a world here: a stand-in of its service, and how to make things happen in it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

import pytest

from bot.deploy import kinds, make
from bot.model.errors import BadPayload, BadSignature, ConfigError, Refused, Unavailable
from bot.model.release import Plan, Revision, Watched
from bot.ports import Deploy
from bot.serve.standins.argocd import ArgocdStandIn, Life, Outcome
from bot.serve.standins.door import Fault
from tests.fakes import FakeDeploy

OLD, GOOD, BAD, NEXT = (letter * 40 for letter in "1ab2")


class World(Protocol):
    """A deploy system with one application, of which OLD, GOOD and BAD were deployed, in this order."""

    deploy: Deploy
    signs: bool  # its webhooks can be tested

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def empty(self) -> None:
        """As if nothing had ever been deployed."""

    def ship(self, revision: str) -> None:
        """Somebody deploys another revision."""

    def url(self) -> str: ...
    def automate(self) -> None: ...
    def automated(self) -> bool: ...
    def becomes(self, outcome: Outcome) -> None:
        """What GOOD will be when it is deployed again."""

    def lose_answer(self) -> None:
        """The next rollback happens, and its answer is lost."""

    def rollbacks(self) -> int:
        """Requests for a rollback that came in."""

    async def webhook(self) -> tuple[Mapping[str, str], bytes]: ...
    async def unused(self) -> tuple[Mapping[str, str], bytes]: ...
    async def unreadable(self) -> tuple[Mapping[str, str], bytes]: ...
    async def down(self) -> None: ...
    def revoke(self) -> None:
        """The credentials do not count any more."""


class ArgocdWorld:
    signs = True

    async def start(self) -> None:
        self.stand = ArgocdStandIn(life=Life(operation=0.02))
        await self.stand.start()
        for revision in (OLD, GOOD):
            self.stand.deploy(revision)
        self.stand.deploy(BAD, outcome="degraded")
        settings = kinds()["argocd"].model_validate({**self.stand.settings(), "channel": "C0BUILDS", "settle": "1s"})
        self.deploy = make(settings.model_copy(update={"settle": 0.0}))

    async def stop(self) -> None:
        await self.stand.stop()

    def empty(self) -> None:
        self.stand.history, self.stand.op = [], None

    def ship(self, revision: str) -> None:
        self.stand.deploy(revision)

    def url(self) -> str:
        return f"{self.stand.url}/applications/shop"

    def automate(self) -> None:
        self.stand.automated = {"prune": True}

    def automated(self) -> bool:
        return self.stand.auto

    def becomes(self, outcome: Outcome) -> None:
        self.stand.life.outcomes[GOOD] = outcome

    def lose_answer(self) -> None:
        self.stand.faults.append(Fault("POST .*/rollback", drop=True, after=True))

    def rollbacks(self) -> int:
        return self.stand.count("POST", ".*/rollback")

    async def webhook(self) -> tuple[Mapping[str, str], bytes]:
        return self.stand.notice("on-sync-failed")

    async def unused(self) -> tuple[Mapping[str, str], bytes]:
        return self.stand.notice("on-something-else")

    async def unreadable(self) -> tuple[Mapping[str, str], bytes]:
        return self.stand.notice("on-sync-failed")[0], b'{"trigger": 1}'

    async def down(self) -> None:
        await self.stand.shut()

    def revoke(self) -> None:
        self.stand.token = "another-one"


class FakeWorld:
    signs = False

    async def start(self) -> None:
        self.fake = FakeDeploy()
        self.deploy: Deploy = self.fake
        for revision in (OLD, GOOD, BAD):
            self.fake.deploy(revision)

    async def stop(self) -> None: ...

    def empty(self) -> None:
        self.fake.history = []

    def ship(self, revision: str) -> None:
        self.fake.deploy(revision)

    def url(self) -> str:
        return "https://deploy/shop"

    def automate(self) -> None:
        self.fake.automatic = "auto-sync"

    def automated(self) -> bool:
        return self.fake.automatic is not None

    def becomes(self, outcome: Outcome) -> None:
        states = {"healthy": "good", "degraded": "worse", "failed": "worse", "stuck": "running"}
        self.fake.becomes = [Watched.model_validate({"state": states.get(outcome, "running"), "words": outcome})]

    def lose_answer(self) -> None:
        self.fake.lose_answer = True

    def rollbacks(self) -> int:
        return len(self.fake.rollbacks)

    async def webhook(self) -> tuple[Mapping[str, str], bytes]:
        raise NotImplementedError

    unused = unreadable = webhook

    async def down(self) -> None:
        methods = ("release", "plan", "rollback", "did_rollback", "watch", "restore")
        self.fake.faults = {m: [Unavailable("shop", "down") for _ in range(9)] for m in methods}

    def revoke(self) -> None: ...


WORLDS: dict[str, Callable[[], World]] = {"argocd": ArgocdWorld, "fake": FakeWorld}


@pytest.fixture(params=[*kinds(), "fake"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    assert request.param in WORLDS, f"the deploy kind {request.param!r} has no world in {__name__}: write one"
    made = WORLDS[request.param]()
    await made.start()
    yield made
    await made.deploy.close()
    await made.stop()


@pytest.fixture
def signing(world: World) -> World:
    if not world.signs:
        pytest.skip("the fake sends no webhooks")
    return world


async def settled(world: World, plan: Plan) -> Watched:
    while (told := await world.deploy.watch(plan)).state == "running":
        await asyncio.sleep(0.02)
    return told


def test_settings_of_no_kind_are_refused() -> None:
    with pytest.raises(ConfigError, match="no deploy kind takes Revision"):
        make(Revision(id="1", revision="x"))


def test_every_kind_refuses_keys_that_it_does_not_know() -> None:
    for kind, settings in kinds().items():
        assert settings.model_config.get("extra") == "forbid", kind
        assert settings.model_config.get("frozen"), kind
        known = {"name", "kind", "app", "environment", "repositories", "channel"}
        assert known <= set(settings.model_fields), kind


async def test_what_runs(world: World) -> None:
    release = await world.deploy.release()
    assert (release.deploy, release.app, release.environment) == (world.deploy.name, "shop", "production")
    assert (release.current.revision, release.health) == (BAD, "degraded")
    assert [r.revision for r in release.history] == [BAD, GOOD, OLD]
    assert release.history[0] == release.current
    assert (release.busy, release.automatic) == (None, None)


async def test_the_plan_changes_nothing(world: World) -> None:
    world.automate()
    before = await world.deploy.release()
    plan = await world.deploy.plan()
    assert (plan.current.revision, plan.target.revision, plan.health) == (BAD, GOOD, "degraded")
    assert plan.automatic == before.automatic is not None
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert await world.deploy.release() == before
    assert world.rollbacks() == 0


async def test_a_plan_for_a_named_revision(world: World) -> None:
    history = (await world.deploy.release()).history
    for name in (OLD, OLD[:7], history[-1].id):
        assert (await world.deploy.plan(name)).target.revision == OLD, name


@pytest.mark.parametrize("name", ["f" * 40, OLD[:6], "", "99", BAD, "x" * 10_000, "'; --"])
async def test_a_plan_that_is_refused(world: World, name: str) -> None:
    with pytest.raises(Refused) as caught:
        await world.deploy.plan(name)
    assert str(caught.value).startswith(f"{world.deploy.name}: ")
    assert len(str(caught.value)) < 1000


async def test_a_name_that_fits_several_is_refused(world: World) -> None:
    world.ship("c" * 39 + "1")
    world.ship("c" * 39 + "2")
    world.ship(NEXT)
    with pytest.raises(Refused, match="fits several"):
        await world.deploy.plan("c" * 10)


async def test_nothing_to_go_back_to(world: World) -> None:
    world.empty()
    for call in (world.deploy.release, world.deploy.plan):
        with pytest.raises(Refused):
            await call()
    world.ship(NEXT)
    with pytest.raises(Refused):
        await world.deploy.plan()


async def test_a_rollback_that_helps(world: World) -> None:
    plan = await world.deploy.plan()
    assert await world.deploy.did_rollback(plan) is False
    assert (await world.deploy.watch(plan)).state == "unclear"
    await world.deploy.rollback(plan)
    assert await world.deploy.did_rollback(plan) is True
    assert (await settled(world, plan)).state == "good"
    release = await world.deploy.release()
    assert release.current.revision == GOOD
    assert await world.deploy.did_rollback(plan) is True
    assert world.rollbacks() == 1
    assert await world.deploy.restore(plan) is None


@pytest.mark.parametrize("outcome", ["degraded", "failed"])
async def test_a_rollback_that_does_not_help(world: World, outcome: Outcome) -> None:
    world.becomes(outcome)
    plan = await world.deploy.plan()
    await world.deploy.rollback(plan)
    told = await settled(world, plan)
    assert told.state == "worse"
    assert told.words


async def test_a_rollback_that_never_ends(world: World) -> None:
    world.becomes("stuck")
    plan = await world.deploy.plan()
    await world.deploy.rollback(plan)
    for _ in range(3):
        assert (await world.deploy.watch(plan)).state == "running"
        await asyncio.sleep(0.02)


async def test_a_plan_is_good_once(world: World) -> None:
    plan = await world.deploy.plan()
    await world.deploy.rollback(plan)
    await settled(world, plan)
    with pytest.raises(Refused):
        await world.deploy.rollback(plan)
    assert world.rollbacks() == 1


async def test_a_plan_is_not_for_another_world(world: World) -> None:
    plan = await world.deploy.plan()
    world.ship(NEXT)
    with pytest.raises(Refused, match="moved"):
        await world.deploy.rollback(plan)
    assert world.rollbacks() == 0


async def test_a_lost_answer_can_be_asked_after(world: World) -> None:
    plan = await world.deploy.plan()
    world.lose_answer()
    with pytest.raises(Unavailable):
        await world.deploy.rollback(plan)
    assert await world.deploy.did_rollback(plan) is True
    assert (await settled(world, plan)).state == "good"
    assert world.rollbacks() == 1


async def test_what_was_switched_off_is_put_back(world: World) -> None:
    world.automate()
    plan = await world.deploy.plan()
    await world.deploy.rollback(plan)
    assert not world.automated()
    assert (await settled(world, plan)).state == "good"
    for _ in range(2):
        assert "on again" in (await world.deploy.restore(plan) or "")
        assert world.automated()


async def test_a_service_that_is_down(world: World) -> None:
    plan = await world.deploy.plan()
    undo = plan.model_copy(update={"undo": {"automated": "{}", "automatic": "auto-sync"}})
    await world.down()
    deploy = world.deploy
    calls = (
        deploy.release, deploy.plan, lambda: deploy.rollback(plan), lambda: deploy.did_rollback(plan),
        lambda: deploy.watch(plan), lambda: deploy.restore(undo),
    )  # fmt: skip

    async def one(call) -> None:
        with pytest.raises(Unavailable) as caught:
            await call()
        assert str(caught.value).startswith(f"{world.deploy.name}: ")

    await asyncio.gather(*(one(call) for call in calls))
    assert all(check.detail for check in await world.deploy.check())


async def test_a_check_tells_whether_the_credentials_work(signing: World) -> None:
    assert all(check.ok for check in await signing.deploy.check())
    signing.revoke()
    bad = [check for check in await signing.deploy.check() if not check.ok]
    assert bad
    assert all(check.what and check.detail for check in bad)


async def test_links(world: World) -> None:
    assert world.deploy.recognise(world.url())
    for url in ("", "hello", "https://elsewhere.example/applications/shop", "http://[", "https://", "x" * 100_000):
        assert not world.deploy.recognise(url)


async def test_a_webhook_tells_of_a_failure(signing: World) -> None:
    headers, body = await signing.webhook()
    event = signing.deploy.read_webhook(headers, body)
    assert event.kind == "failed"
    assert event.delivery
    assert signing.deploy.read_webhook({k.lower(): v for k, v in headers.items()}, body) == event
    assert signing.deploy.channel == "C0BUILDS"


async def test_webhooks_that_are_not_believed(signing: World) -> None:
    _, body = await signing.webhook()
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}, {"Authorization": "Basic eDp5"}):
        with pytest.raises(BadSignature):
            signing.deploy.read_webhook(given, body)


async def test_webhooks_that_are_not_used(signing: World) -> None:
    event = signing.deploy.read_webhook(*await signing.unused())
    assert event.kind == "ignored"
    assert event.why


async def test_a_signed_webhook_of_another_shape(signing: World) -> None:
    with pytest.raises(BadPayload):
        signing.deploy.read_webhook(*await signing.unreadable())
