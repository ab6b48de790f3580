"""Stories through the front doors: signed webhooks and Slack requests in, thread replies and re-runs out."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bot.serve.standins.github import Fault as CIFault
from bot.serve.standins.github import JobPlan
from bot.serve.standins.slack import Fault as SlackFault
from tests.harness import CHANNEL, END, Town, about, text_of

DNS = (
    b"2026-11-24T02:03:07.1184430Z ##[group]Run go mod download\n2026-11-24T02:03:07.2184430Z ##[endgroup]\n"
    b'2026-11-24T02:03:08.1184430Z go: example.com/x@v1.0.0: Get "https://proxy.golang.org/example.com/x/@v/v1.0.0.mod":'
    b" dial tcp: lookup proxy.golang.org on 10.9.0.2:53: read udp 10.1.0.9:4711->10.9.0.2:53: i/o timeout\n"
    b"2026-11-24T02:03:08.2184430Z ##[error]Process completed with exit code 1.\n"
)
TEST = (
    b"--- FAIL: TestTotal (0.02s)\n    cart_test.go:12: got 3, want 4: i/o timeout\nFAIL\nFAIL\texample.com/x\t0.02s\n"
)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One bot for all stories, as in life; each story has a run of its own."""
    async with Town(tmp_path_factory.mktemp("town")) as made:
        yield made


async def test_the_whole_loop_with_five_clicks_at_once(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS), JobPlan(name="lint", log=DNS)])
    await town.ci.announce(run)
    reply = await town.reply(run, "diagnosed")
    assert about(reply)["cause"] == "dns-timeout"
    assert "not tried" in text_of(reply).lower()
    assert "dig " in text_of(reply)
    before = len(town.slack.ephemerals())
    await asyncio.gather(
        *(town.slack.click(u, CHANNEL, reply["ts"], "medic.rerun") for u in ["U0ADA", "U0BOB"] * 2 + ["U0ADA"])
    )
    end = await town.reply(run, *END)
    assert about(end)["state"] == "recovered"
    assert town.reruns(run) == 1
    await town.until(lambda: len(town.slack.ephemerals()) >= before + 4, "a word to those who came too late")
    assert len(town.replies(run)) == 1


async def test_the_same_cause_again_is_answered_in_the_thread(town: Town) -> None:
    plan = JobPlan(name="fails again", log=DNS)
    town.ci.rerun_plans[plan.name] = plan
    run = town.ci.add_run("acme/shop", [plan])
    await town.ci.announce(run)
    reply = await town.reply(run, "diagnosed")
    await town.slack.click("U0ADA", CHANNEL, reply["ts"], "medic.rerun")
    await town.reply(run, "same-cause")
    second = await town.reply(run, "diagnosed", attempt=2)
    assert second["thread_ts"] == reply["ts"]


async def test_a_failing_test_is_no_timeout_and_offers_no_rerun(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="test", log=TEST)])
    await town.ci.announce(run)
    reply = await town.reply(run, "diagnosed")
    assert about(reply)["cause"] == "test-failure"
    with pytest.raises(LookupError):
        town.slack.button(CHANNEL, reply["ts"], "medic.rerun")


async def test_a_time_limit_that_github_calls_cancelled_is_a_failure(town: Town) -> None:
    plan = JobPlan(
        name="build", conclusion="cancelled", log=b"building ...\n##[error]The operation was canceled.\n",
        annotations=("The job running on runner runner-7 has exceeded the maximum execution time of 5 minutes.",),
    )  # fmt: skip
    run = town.ci.add_run("acme/shop", [plan])
    await town.ci.announce(run)
    reply = await town.reply(run, "diagnosed")
    assert about(reply)["cause"] == "job-time-limit-exceeded"


async def test_webhooks_in_any_order_and_repeated_are_one_reply(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    await town.ci.announce(run)
    for sent in list(town.ci.sent) * 2:
        await town.ci.resend(sent)
    await town.ci.tell_run(run)
    await town.reply(run, "diagnosed")
    await asyncio.sleep(1)
    assert len(town.replies(run)) == 1


async def test_slack_down_and_ci_failing_lose_nothing(town: Town) -> None:
    town.slack.faults.append(
        SlackFault("chat.postMessage", times=2, error="ratelimited", status=429, headers={"Retry-After": "1"})
    )
    town.slack.faults.append(SlackFault("chat.postMessage", times=2, status=503))
    town.ci.faults.append(CIFault("/logs", status=500, times=2))
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    await town.ci.announce(run)
    await town.reply(run, "diagnosed")
    assert len(town.replies(run)) == 1


async def test_commands(town: Town) -> None:
    run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=DNS)])
    await town.slack.command("U0ADA", CHANNEL, f"triage {town.ci.url}/acme/shop/actions/runs/{run.id}")
    await town.reply(run, "diagnosed")
    for text in ("help", "status", "triage https://example.com/x", "nonsense"):
        before = len(town.slack.ephemerals())
        await town.slack.command("U0BOB", CHANNEL, text)
        await town.until(lambda before=before: len(town.slack.ephemerals()) > before, text)
    await town.slack.command("U0ADA", CHANNEL, f"rerun {town.ci.url}/acme/shop/actions/runs/{run.id}")
    await town.reply(run, "recovered")
    assert town.reruns(run) == 1


async def test_doors_refuse_what_is_not_signed(town: Town) -> None:
    base = f"http://127.0.0.1:{town.port}"
    async with aiohttp.ClientSession() as http:
        for path, body, headers, status in [
            ("/webhooks/github", b"{}", {"X-GitHub-Event": "workflow_run"}, 401),
            ("/webhooks/github", b"{}", {"X-GitHub-Event": "workflow_run", "X-Hub-Signature-256": "sha256=00"}, 401),
            ("/webhooks/nobody", b"{}", {}, 404),
            ("/slack/events", b"{}", {}, 401),
        ]:
            async with http.post(base + path, data=body, headers=headers) as answer:
                assert answer.status == status, path
        for path in ("/healthz", "/readyz", "/metrics"):
            async with http.get(base + path) as answer:
                assert answer.status == 200, path


async def test_a_second_bot_on_the_same_store_refuses_to_start(town: Town) -> None:
    from tests.harness import free_port

    port, first = town.port, town.process
    town.port = free_port()
    with pytest.raises(AssertionError, match="already serving"):
        await town.start()
    town.port, town.process = port, first
