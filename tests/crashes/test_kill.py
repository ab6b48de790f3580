"""kill -9 at chosen and at random moments of triage and re-run, and a restart: no case lost, no reply or re-run doubled."""

import asyncio
import random
from pathlib import Path

import pytest

from bot.serve.standins.github import Fault as CIFault
from bot.serve.standins.github import JobPlan
from bot.serve.standins.slack import Fault as SlackFault
from tests.harness import CHANNEL, END, Town, about
from tests.stories.test_serve import DNS

pytestmark = pytest.mark.crash


async def test_killed_right_after_the_webhook_was_taken(tmp_path: Path) -> None:
    async with Town(tmp_path) as town:
        run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
        await town.ci.announce(run)
        await town.kill()
        await town.start()
        await town.reply(run, "diagnosed")
        assert len(town.replies(run)) == 1


async def test_killed_after_slack_took_the_reply_and_before_its_answer(tmp_path: Path) -> None:
    async with Town(tmp_path) as town:
        town.slack.faults.append(SlackFault("chat.postMessage", status=500, after=True))
        run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
        await town.ci.announce(run)
        await town.until(lambda: town.replies(run), "the post")
        await town.kill()
        await town.start()
        await town.reply(run, "diagnosed")
        assert len(town.replies(run)) == 1


async def test_killed_after_github_took_the_rerun_and_before_its_answer(tmp_path: Path) -> None:
    async with Town(tmp_path) as town:
        run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
        await town.ci.announce(run)
        reply = await town.reply(run, "diagnosed")
        town.ci.faults.append(CIFault("rerun-failed-jobs", drop=True, after=True))
        await town.slack.click("U0ADA", CHANNEL, reply["ts"], "medic.rerun")
        await town.until(lambda: len(run.attempts) == 2, "the re-run")
        await town.kill()
        await town.start()
        assert about(await town.reply(run, *END))["state"] == "recovered"
        assert len(run.attempts) == 2


async def test_a_click_while_the_bot_is_down_is_not_taken_and_one_before_is_kept(tmp_path: Path) -> None:
    async with Town(tmp_path) as town:
        run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
        await town.ci.announce(run)
        reply = await town.reply(run, "diagnosed")
        assert await town.slack.click("U0ADA", CHANNEL, reply["ts"], "medic.rerun") == 200
        await town.kill()
        assert await town.slack.click("U0BOB", CHANNEL, reply["ts"], "medic.rerun", button={"value": "x"}) == 0
        await town.start()
        assert about(await town.reply(run, *END))["state"] == "recovered"
        assert len(run.attempts) == 2


@pytest.mark.parametrize("seed", range(3))
async def test_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    """Two runs, clicks on both, four kills: each run has one reply and one re-run at the end."""
    dice = random.Random(seed)
    async with Town(tmp_path) as town:
        runs = [town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)]) for _ in range(2)]
        for run in runs:
            await town.ci.announce(run)
            for sent in town.ci.sent[-2:]:
                assert sent.status in (200, 202)
        for _ in range(2):
            await asyncio.sleep(dice.uniform(0, 1.2))
            await town.kill()
            await town.start()
        for run in runs:
            reply = await town.reply(run, "diagnosed")
            assert await town.slack.click("U0ADA", CHANNEL, reply["ts"], "medic.rerun") == 200
        for _ in range(2):
            await asyncio.sleep(dice.uniform(0, 1.2))
            await town.kill()
            await town.start()
        for run in runs:
            assert about(await town.reply(run, *END))["state"] == "recovered"
            assert len(run.attempts) == 2
            assert len(town.replies(run)) == 1
