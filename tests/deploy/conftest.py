from collections.abc import AsyncIterator

import pytest

from bot.serve.standins.argocd import ArgocdStandIn, Life
from tests.deploy import bench
from tests.deploy.bench import BAD, GOOD, OLD, Clock, later


@pytest.fixture(autouse=True)
async def nothing_stays_open() -> AsyncIterator[None]:
    """Also when a test fails: what stays open shows in another test."""
    yield
    while bench.made:
        await bench.made.pop().close()


@pytest.fixture
async def stand() -> AsyncIterator[ArgocdStandIn]:
    """GOOD is what ran before BAD, which is degraded; an operation takes ten seconds of a clock that tests turn."""
    async with ArgocdStandIn(life=Life(operation=10), clock=Clock()) as made:
        for revision in (OLD, GOOD):
            made.deploy(revision, by="ci")
            later(made, 600)
        made.deploy(BAD, outcome="degraded")
        later(made, 60)
        yield made
