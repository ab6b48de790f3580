"""kill -9 at random moments under load, over triage, re-run and rollback: nothing lost, nothing doubled, all settled.

`BUILDMEDIC_KILLS` says how many (200, as in .ci/run). The seed is printed; `BUILDMEDIC_SEED` repeats one.
"""

import asyncio
import itertools
import os
import random
import time
from pathlib import Path

import pytest

from bot.serve.standins.github import Run
from tests.crashes.supervised import Supervised
from tests.harness import END, about
from tests.stories.test_serve import DNS

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("BUILDMEDIC_KILLS", "200"))
LONG = 240.0  # seconds for one story: under this storm the bot is down half of the time


async def killer(town: Supervised, dice: random.Random) -> None:
    """Each time that the bot listens, let it live for up to three seconds, mostly for less."""
    for _ in range(KILLS):
        before = town.deaths
        await asyncio.sleep(dice.uniform(0, 3) * dice.random() ** 0.5)
        await town.kill()
        while town.deaths == before:  # until it listens again
            await asyncio.sleep(0.02)
        while town.process is None or town.process.returncode is not None:
            await asyncio.sleep(0.02)


async def builds(town: Supervised, done: list[Run], going: asyncio.Event) -> None:
    """One run after the other: fails, is answered, is re-run by a person, recovers."""
    while going.is_set():
        run = await town.fail("acme/shop", DNS)
        reply = await town.reply(run, "diagnosed", *END, seconds=LONG)
        await town.press("U0ADA", reply, "medic.rerun")
        await town.reply(run, *END, seconds=LONG)
        done.append(run)


async def rollbacks(town: Supervised, done: list[int], going: asyncio.Event) -> None:
    """One bad release after the other: rolled back by two people."""
    assert town.argo is not None
    numbers = itertools.count(1)
    while going.is_set():
        if done:
            town.argo.deploy(f"{next(numbers):040x}", outcome="degraded")
        before = len(town.releases())
        await town.type("U0ADA", "rollback checkout")
        await town.until(lambda n=before: len(town.releases()) > n, "the request", LONG)  # type: ignore[misc]
        asked = await town.release(words=" of 2 approvals", seconds=LONG)
        await town.press("U0BOB", asked, "medic.approve")
        asked = await town.release(words="1 of 2 approvals", seconds=LONG)
        await town.press("U0EVE", asked, "medic.approve")
        await town.release(state="recovered", seconds=LONG)
        done.append(town.rollbacks())


async def test_killed_at_random_moments_under_load(tmp_path: Path) -> None:
    seed = int(os.environ.get("BUILDMEDIC_SEED", str(random.randrange(10**6))))
    print(f"\nseed {seed}, {KILLS} kills")
    runs: list[Run] = []
    rolled: list[int] = []
    going = asyncio.Event()
    going.set()
    async with Supervised(tmp_path) as town:
        stories = [asyncio.create_task(builds(town, runs, going)) for _ in range(3)]
        stories.append(asyncio.create_task(rollbacks(town, rolled, going)))
        try:
            storm = asyncio.create_task(killer(town, random.Random(seed)))
            await asyncio.wait([storm, *stories], return_when=asyncio.FIRST_COMPLETED)
            going.clear()
            await storm
            ended = time.monotonic()
            await asyncio.gather(*stories)
        finally:
            for task in stories:
                task.cancel()
        await town.at_rest()
        print(f"{town.deaths} deaths, {len(runs)} builds, {len(rolled)} rollbacks; "
              f"all settled {time.monotonic() - ended:.1f} s after the last restart")  # fmt: skip
        assert town.deaths >= KILLS
        for run in runs:
            assert [about(m)["state"] for m in town.replies(run)] == ["recovered"]
            assert len(run.attempts) == 2
            assert town.reruns(run) == 1
        assert rolled == list(range(1, len(rolled) + 1))
        assert town.rollbacks() == len(rolled)
        assert len(town.releases()) == len(rolled)
        assert [about(m)["state"] for m in town.releases()] == ["recovered"] * len(rolled)
