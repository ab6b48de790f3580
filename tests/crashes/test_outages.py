"""Slack, the CI, the deploy system or the store away for a while: told once, waited out, and everything pending is done
once afterwards."""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.serve.standins.github import JobPlan
from bot.serve.standins.slack import Fault
from tests.crashes.supervised import Supervised
from tests.harness import CHANNEL, END, about
from tests.stories.test_serve import DNS

pytestmark = pytest.mark.crash

AWAY = 20.0  # seconds
AFTER = 75.0  # seconds until all is done afterwards: the longest pause between tries, and some


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Supervised]:
    async with Supervised(tmp_path) as made:
        yield made


async def readiness(town: Supervised) -> tuple[int, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{town.port}/readyz") as answer:
        told: dict[str, Any] = await answer.json()
        return answer.status, told["checks"]


def changes(town: Supervised, service: str) -> list[str]:
    """The lines of the log that tell a change of this service's state: down, up ..."""
    found = []
    for line in town.log.read_text().splitlines():
        said = re.search(r"service is (up|down)", line)
        if said and re.search(rf"service={service}\b", line):
            found.append(said[1])
    return found


async def test_slacks_api_fails_for_a_while(town: Supervised) -> None:
    before = await town.fail("acme/shop", DNS)
    asked = await town.reply(before, "diagnosed")
    town.slack.faults.append(Fault("", times=10**6, status=503))
    during = await town.fail("acme/shop", DNS)
    await town.press("U0ADA", asked, "medic.rerun")
    await town.press("U0BOB", asked, "medic.rerun")
    await town.type("U0ADA", "rollback checkout")
    await asyncio.sleep(AWAY)
    status, checks = await readiness(town)
    assert status == 503
    assert checks["slack"] != "ok"
    assert town.replies(during) == []
    town.slack.faults.clear()
    assert about(await town.reply(during, "diagnosed", seconds=AFTER))["state"] == "diagnosed"
    assert about(await town.reply(before, *END, seconds=AFTER))["state"] == "recovered"
    await town.release(words="0 of 2 approvals", seconds=AFTER)
    await town.until(lambda: any("Already" in e["text"] for e in town.slack.ephemerals()), "who came second", AFTER)
    await town.at_rest()
    assert (len(town.replies(before)), len(town.replies(during)), len(town.releases())) == (1, 1, 1)
    assert town.reruns(before) == 1
    assert changes(town, "slack") == ["up", "down", "up"]


async def test_the_ci_is_away_for_a_while(town: Supervised) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    ready = await town.fail("acme/shop", DNS)
    asked = await town.reply(ready, "diagnosed")
    await town.ci.announce(run)
    await town.ci.shut()
    await town.press("U0ADA", asked, "medic.rerun")
    await asyncio.sleep(AWAY)
    status, checks = await readiness(town)
    assert status == 200
    assert "github" in checks
    assert checks["github"] != "ok"
    await town.ci.reopen()
    await town.reply(run, "diagnosed", seconds=AFTER)
    end = await town.reply(ready, *END, seconds=AFTER)
    await town.at_rest()
    assert about(end)["state"] == "recovered"
    assert len(ready.attempts) == 2
    assert changes(town, "github") == ["up", "down", "up"]


async def test_the_deploy_system_is_away_when_it_is_asked_and_when_it_is_approved(town: Supervised) -> None:
    assert town.argo is not None
    await town.argo.shut()
    await town.type("U0ADA", "rollback checkout")
    await town.until(lambda: any("keep trying" in e["text"] for e in town.slack.ephemerals("U0ADA")), "told of it")
    await town.argo.reopen()
    asked = await town.release(words="0 of 2 approvals", seconds=AFTER)
    await town.press("U0BOB", asked, "medic.approve")
    asked = await town.release(words="1 of 2 approvals")
    await town.argo.shut()
    await town.press("U0EVE", asked, "medic.approve")
    await asyncio.sleep(AWAY)
    assert (await readiness(town))[1]["checkout"] != "ok"
    await town.argo.reopen()
    await town.release(state="recovered", seconds=AFTER)
    await town.at_rest()
    assert town.rollbacks() == 1
    seen = changes(town, "checkout")
    assert seen[-4:] == ["down", "up", "down", "up"]
    assert seen[:-4] in ([], ["up"])  # whether it was looked at before the first outage


async def test_the_store_cannot_be_written_for_a_while(town: Supervised) -> None:
    ready = await town.fail("acme/shop", DNS)
    asked = await town.reply(ready, "diagnosed")
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    with contextlib.closing(sqlite3.connect(town.folder / "town.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await town.ci.announce(run)  # GitHub never sends it again
        assert {s.status for s in town.ci.sent[-2:]} == {503}
        assert await town.slack.click("U0ADA", CHANNEL, asked["ts"], "medic.rerun") == 503  # Slack tells the person
        await asyncio.sleep(AWAY)
        status, checks = await readiness(town)
        assert status == 503
        assert checks["store"] != "ok"
        other.execute("ROLLBACK")
    await town.reply(run, "diagnosed", seconds=AFTER)
    await town.press("U0ADA", asked, "medic.rerun")
    assert about(await town.reply(ready, *END, seconds=AFTER))["state"] == "recovered"
    await town.at_rest()
    assert len(town.replies(run)) == 1
    assert changes(town, "store") == ["up", "down", "up"]
