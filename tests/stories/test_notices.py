"""CI notices in a watched channel, as the samples have them: the reply goes into their threads, once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.serve.standins.github import JobPlan
from tests.harness import Town, about
from tests.stories.test_serve import DNS

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAMPLES = Path(__file__).parents[1] / "slack" / "samples"
CHANNEL = "C0CIALERTS"


class Watching(Town):
    """GitHub's pages are at github.com, its API is the stand-in; no channel for failures told by webhook alone."""

    def _write(self) -> Path:
        entry: dict[str, Any] = {**self.ci.settings(), "web_url": "https://github.com"}
        slack = {
            "bot_token": self.slack.bot_token, "signing_secret": self.slack.signing_secret,
            "api_url": self.slack.api_url, "watch": [CHANNEL],
        }  # fmt: skip
        self.config = {"ci": [entry], "slack": slack}
        return super()._write()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with Watching(tmp_path_factory.mktemp("town")) as made:
        made.slack.add_channel(CHANNEL, "ci-alerts")
        yield made


def sample(name: str, run: int) -> dict[str, Any]:
    text = (SAMPLES / f"{name}.json").read_text().replace("17283940511", str(run))
    event: dict[str, Any] = json.loads(text)
    return event


async def test_the_github_apps_notice_is_edited_into_a_failure(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    notice = await town.slack.post_notice(sample("github_app_workflow_01_started", run.id))
    await town.slack.post_notice(sample("github_app_workflow_02_failed_message_changed", run.id))
    reply = await town.reply(run, "diagnosed")
    assert reply["thread_ts"] == notice
    assert about(reply)["cause"] == "dns-timeout"
    await town.ci.announce(run)
    await town.slack.post_notice(sample("github_app_workflow_02_failed_message_changed", run.id))
    assert len(town.replies(run)) == 1


async def test_an_attachment_only_notice_without_text(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    notice = await town.slack.post_notice(sample("ravsamhq_notify_slack_action_failed", run.id))
    assert (await town.reply(run, "diagnosed"))["thread_ts"] == notice


async def test_the_webhook_first_and_the_notice_later(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    await town.ci.announce(run)
    await town.until(lambda: "nowhere to reply" in town.log.read_text(), "a line in the log")
    notice = await town.slack.post_notice(sample("github_app_workflow_01_started", run.id))
    await town.slack.post_notice(sample("github_app_workflow_02_failed_message_changed", run.id) | {})
    assert (await town.reply(run, "diagnosed"))["thread_ts"] == notice


async def test_notices_of_others_are_left_alone_and_told_in_the_log(town: Town) -> None:
    before = len(town.replies())
    for name in ("jenkins_ci_app_freestyle_failure", "gitlab_for_slack_app_pipeline_failed", "travis_ci_failed"):
        await town.slack.post_notice(json.loads((SAMPLES / f"{name}.json").read_text()))
    await town.slack.command("U0ADA", CHANNEL, "status")
    await town.until(lambda: town.slack.ephemerals("U0ADA"), "the status")
    assert len(town.replies()) == before
