"""Adapter and stand-in agree with Argo CD's published description, and so cannot agree on a mistake of ours."""

import asyncio

import jsonschema
import pytest

from bot.model.errors import ServiceError
from bot.serve.standins.argocd import ArgocdStandIn, Life
from tests.deploy.bench import BAD, GOOD, OLD, TWO, Exchange, adapter
from tests.deploy.published import Published


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


async def everything(stand: ArgocdStandIn, **other: object) -> list[Exchange]:
    """All that the adapter can do, with and without success. Returns what was said."""
    deploy, said = adapter(stand, **other)
    await deploy.check()
    await deploy.release()
    plan = await deploy.plan()
    await deploy.rollback(plan)
    await deploy.did_rollback(plan)
    while (await deploy.watch(plan)).state == "running":
        await asyncio.sleep(0.02)
    await deploy.restore(plan)
    for call in (deploy.rollback(plan), deploy.plan("f" * 40), deploy.plan()):
        try:
            await call
        except ServiceError:
            continue
    return said


@pytest.mark.shared
@pytest.mark.parametrize("other", [{}, {"project": None}, {"app_namespace": "argocd"}, {"prune": True}])
@pytest.mark.parametrize("knows", [True, False])
async def test_what_we_ask_and_what_it_answers_are_as_published(published: Published, knows: bool, other: dict) -> None:
    life = Life(operation=0.05, reconciles=False)
    automated = {"prune": True, "selfHeal": True}
    async with ArgocdStandIn(life=life, automated=automated, knows_enabled=knows, keeper=60) as stand:
        for revision in (OLD, GOOD):
            stand.deploy(revision)
        stand.deploy(BAD, outcome="degraded")
        said = await everything(stand, **other)
    kinds = {(e.method, e.path.rpartition("/")[2]) for e in said}
    assert {("POST", "rollback"), ("PATCH", "shop"), ("GET", "manifests"), ("GET", "metadata")} <= kinds
    assert any("can-i" in e.path for e in said)
    assert any(name == "refresh" for e in said for name, _ in e.query)
    for one in said:
        published.check(one)


@pytest.mark.shared
async def test_several_sources_are_as_published(published: Published) -> None:
    async with ArgocdStandIn(life=Life(operation=0.02), sources=TWO) as stand:
        for version, values in (("1.4.0", OLD), ("1.5.0", GOOD)):
            stand.deploy(version, values)
        said = await everything(stand)
    assert any(name == "sourcePositions" for e in said for name, _ in e.query)
    assert any(name == "sourceIndex" for e in said for name, _ in e.query)
    for one in said:
        published.check(one)


@pytest.mark.shared
async def test_refusals_are_as_published(published: Published) -> None:
    async with ArgocdStandIn(looks_at="presence", automated={"enabled": False}) as stand:
        stand.deploy(OLD)
        stand.deploy(BAD)
        deploy, said = adapter(stand)
        plan = await deploy.plan()
        for denied in ("get", "sync", "update"):
            stand.denied = {denied}
            with pytest.raises(ServiceError):
                await deploy.rollback(plan)
        stand.denied, stand.token = set(), "another-one"
        with pytest.raises(ServiceError):
            await deploy.release()
    assert {e.status for e in said} == {200, 400, 401, 403}
    for one in said:
        published.check(one)


@pytest.mark.shared
async def test_these_tests_can_fail(published: Published) -> None:
    fine = Exchange("POST", "/api/v1/applications/shop/rollback", (), {"name": "shop", "id": 3}, 200, {})
    published.check(fine)
    for wrong in (
        {**vars(fine), "asked": {"name": "shop", "history": 3}},
        {**vars(fine), "asked": {"name": "shop", "id": "three"}},
        {**vars(fine), "told": {"state": "fine"}},
        {**vars(fine), "told": {"status": {"history": [{"id": "x"}]}}},
        {**vars(fine), "status": 400, "told": {"fault": "x"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            published.check(Exchange(**wrong))
    for wrong in (
        {**vars(fine), "path": "/api/v1/applications/shop/undo"},
        {**vars(fine), "query": (("revision", "x"),)},
        {**vars(fine), "asked": None},
    ):
        with pytest.raises(AssertionError):
            published.check(Exchange(**wrong))
