"""The stand-in says no where Slack would."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.serve.standins.slack import SlackStandIn
from bot.serve.standins.slack_rules import faults


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    made = SlackStandIn()
    await made.start()
    yield made
    await made.close()


async def call(slack: SlackStandIn, method: str, token: str | None = "xoxb-stand-in", **args: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = slack.api_url + method
    async with aiohttp.ClientSession() as session, session.post(url, json=args, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
        return answer


async def test_tokens_and_membership(slack: SlackStandIn) -> None:
    assert (await call(slack, "auth.test"))["team_id"] == "T0ACME"
    assert (await call(slack, "auth.test", None))["error"] == "not_authed"
    assert (await call(slack, "auth.test", "xoxb-other"))["error"] == "invalid_auth"
    assert (await call(slack, "apps.connections.open"))["error"] == "invalid_auth"
    slack.add_channel("C0QUIET", "quiet", with_bot=False)
    for channel, error in (("C0QUIET", "not_in_channel"), ("C0NONE", "channel_not_found")):
        assert (await call(slack, "chat.postMessage", channel=channel, text="x"))["error"] == error
    assert (await call(slack, "no.such"))["error"] == "unknown_method"


async def test_messages_are_checked(slack: SlackStandIn) -> None:
    async def post(**args: Any) -> Any:
        return (await call(slack, "chat.postMessage", channel="C0BUILDS", **args)).get("error")

    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    assert await post() == "no_text"
    assert await post(text="x", blocks=[section] * 51) == "invalid_blocks"
    assert await post(text="x", blocks=[{**section, "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5) == (
        "msg_blocks_too_long"
    )
    assert await post(text="x", metadata={"event_type": "a"}) == "invalid_metadata_format"
    assert await post(text="x", blocks=[section], metadata={"event_type": "a", "event_payload": {"b": 1}}) is None
    ts = slack.messages("C0BUILDS")[0]["ts"]
    assert (await call(slack, "chat.update", channel="C0BUILDS", ts=ts, text="x" * 4001))["error"] == "msg_too_long"
    assert (await call(slack, "chat.update", channel="C0BUILDS", ts="1.1", text="x"))["error"] == "message_not_found"


async def test_time_stamps_are_unique_and_rise(slack: SlackStandIn) -> None:
    for _ in range(20):
        await call(slack, "chat.postMessage", channel="C0BUILDS", text="x")
    stamps = [m["ts"] for m in slack.messages("C0BUILDS")]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 20


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": "x"}, "action_id": "a"} | changes


@pytest.mark.parametrize(
    "block",
    [
        {"type": "mystery"},
        {"type": "section"},
        {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        {"type": "context", "elements": []},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
        {"type": "actions", "elements": [button(), button()]},
        {"type": "actions", "elements": [button(value="x" * 2001)]},
        {"type": "actions", "elements": [button(style="blue")]},
        {"type": "actions", "elements": [button(confirm={"title": {"type": "plain_text", "text": "x" * 101}})]},
    ],
)
def test_faults_of_blocks(block: dict[str, Any]) -> None:
    assert faults([block])


async def test_an_event_is_tried_again_until_it_is_taken(slack: SlackStandIn) -> None:
    seen: list[str | None] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(request.headers.get("X-Slack-Retry-Num"))
        return web.Response(status=200 if len(seen) == 3 else 500)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    slack.retry_pause = 0.0
    assert await slack.event({"type": "message"}) == 200
    assert seen == [None, "1", "2"]
    await runner.cleanup()


async def test_changes_are_told(slack: SlackStandIn) -> None:
    told: list[tuple[str, str]] = []
    slack.on_change = lambda kind, what: told.append((kind, what["text"]))
    posted = await call(slack, "chat.postMessage", channel="C0BUILDS", text="one")
    await call(slack, "chat.update", channel="C0BUILDS", ts=posted["ts"], text="two")
    await call(slack, "chat.postEphemeral", channel="C0BUILDS", user="U0ADA", text="three")
    assert told == [("message", "one"), ("edit", "two"), ("ephemeral", "three")]
    with pytest.raises(LookupError):
        slack.button("C0BUILDS", posted["ts"], "medic.rerun")
