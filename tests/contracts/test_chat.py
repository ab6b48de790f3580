"""The `Chat` port over real HTTP: what it promises to the workflows, and what it makes of each of Slack's refusals."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "slack"))

from slack_cases import case

from bot.model.case import MessageRef
from bot.model.errors import Refused, Unavailable
from bot.serve.standins.slack import Fault, SlackStandIn
from bot.slack.calls import MessageGone
from bot.slack.chat import SlackChat
from bot.slack.settings import SlackSettings


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    made = SlackStandIn()
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def chat(slack: SlackStandIn) -> AsyncIterator[SlackChat]:
    made = SlackChat(settings(slack), gap=0.0)
    yield made
    await made.close()


def settings(slack: SlackStandIn, **more: Any) -> SlackSettings:
    given = {"bot_token": slack.bot_token, "signing_secret": "s", "api_url": slack.api_url, "watch": ["C0BUILDS"]}
    return SlackSettings.model_validate(given | more)


async def test_show_update_and_find(slack: SlackStandIn, chat: SlackChat) -> None:
    root = await slack.post_notice({"channel": "C0BUILDS", "ts": "1.1", "bot_id": "B1", "text": "CI failed"})
    shown = await chat.show(case(state="reading", findings=()), channel="C0BUILDS", thread=root)
    await chat.update(case(), shown)
    thread = slack.thread("C0BUILDS", root)
    assert [m["ts"] for m in thread] == [root, shown.ts]
    assert thread[1]["text"].startswith("The resolver 10.0.0.2:53 did not answer")
    assert thread[1]["metadata"]["event_payload"]["state"] == "diagnosed"
    assert await chat.find(case().id, channel="C0BUILDS", thread=root) == shown
    assert await chat.find("github:acme/shop:1:1", channel="C0BUILDS", thread=root) is None
    assert await chat.find(case().id, channel="C0BUILDS", thread=None) is None


async def test_find_in_a_channel_passes_over_others_copies_and_pages(slack: SlackStandIn, chat: SlackChat) -> None:
    shown = await chat.show(case(), channel="C0BUILDS", thread=None)
    messages = slack.channels["C0BUILDS"].messages
    copy = {**messages[shown.ts], "bot_id": "B0EVIL", "user": "U0EVIL"}
    for number in range(450):
        ts = f"9999999999.{number:06}"
        messages[ts] = {**copy, "ts": ts}
    assert await chat.find(case().id, channel="C0BUILDS", thread=None) == shown


async def test_link_tell_and_members(slack: SlackStandIn, chat: SlackChat) -> None:
    shown = await chat.show(case(), channel="C0BUILDS", thread=None)
    assert (await chat.link(shown) or "").startswith(slack.url)
    assert await chat.link(MessageRef(channel="C0BUILDS", ts="1.1")) is None
    await chat.tell("U0ADA", "C0BUILDS", "no <!channel>, <@U0BOB> did", thread=shown.ts)
    assert slack.ephemerals("U0ADA")[0]["text"] == "no &lt;!channel&gt;, <@U0BOB> did"
    assert slack.messages("C0BUILDS")[-1]["ts"] == shown.ts
    slack.groups["S0SRE"] = ["U0ADA"]
    assert list(await chat.members("S0SRE")) == ["U0ADA"]
    with pytest.raises(Refused):
        await chat.members("S0NONE")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("not_in_channel", "/invite @buildmedic"),
        ("channel_not_found", "/invite @buildmedic"),
        ("is_archived", "archived"),
        ("invalid_auth", "slack.bot_token"),
        ("token_revoked", "install the Slack app again"),
        ("account_inactive", "install the Slack app again"),
        ("something_new", "something_new"),
    ],
)
async def test_refusals_say_what_to_do(slack: SlackStandIn, chat: SlackChat, error: str, words: str) -> None:
    slack.faults.append(Fault("chat.postMessage", error=error))
    with pytest.raises(Refused, match=words) as caught:
        await chat.show(case(), channel="C0BUILDS", thread=None)
    assert error in str(caught.value)
    assert "C0BUILDS" in str(caught.value) or "channel" not in error


async def test_a_missing_scope_is_named(slack: SlackStandIn, chat: SlackChat) -> None:
    slack.scopes = "chat:write"
    with pytest.raises(Refused, match="scope users:read"):
        await chat.person("U0ADA")


async def test_a_deleted_message_is_said_to_be_gone(slack: SlackStandIn, chat: SlackChat) -> None:
    with pytest.raises(MessageGone, match="deleted"):
        await chat.update(case(), MessageRef(channel="C0BUILDS", ts="1.1"))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_passes_over(slack: SlackStandIn, chat: SlackChat, status: int) -> None:
    shown = await chat.show(case(), channel="C0BUILDS", thread=None)
    slack.faults.append(Fault("chat.update", status=status))
    await chat.update(case(), shown)


async def test_a_short_rate_limit_is_waited_out_and_a_long_one_handed_on(slack: SlackStandIn, chat: SlackChat) -> None:
    slack.faults.append(Fault("chat.postMessage", status=429, headers={"Retry-After": "0"}))
    await chat.show(case(), channel="C0BUILDS", thread=None)
    slack.faults.append(Fault("chat.postMessage", status=429, headers={"Retry-After": "45"}))
    with pytest.raises(Unavailable) as caught:
        await chat.show(case(), channel="C0BUILDS", thread=None)
    assert caught.value.retry_after == 45


async def test_an_answer_that_was_lost_makes_no_second_message(slack: SlackStandIn, chat: SlackChat) -> None:
    slack.faults.append(Fault("chat.postMessage", status=504, after=True))
    with pytest.raises(Unavailable):
        await chat.show(case(), channel="C0BUILDS", thread=None)
    shown = await chat.show(case(), channel="C0BUILDS", thread=None)
    assert [m["ts"] for m in slack.messages("C0BUILDS")] == [shown.ts]


@pytest.mark.parametrize("error", ["msg_too_long", "msg_blocks_too_long", "invalid_blocks"])
async def test_what_does_not_fit_is_shown_shorter(slack: SlackStandIn, chat: SlackChat, error: str) -> None:
    shown = await chat.show(case(), channel="C0BUILDS", thread=None)
    full = len(str(slack.messages("C0BUILDS")[0]))
    slack.faults.append(Fault("chat.update", error=error))
    await chat.update(case(), shown)
    assert len(str(slack.messages("C0BUILDS")[0])) < full
    slack.faults.append(Fault("chat.update", times=2, error=error))
    await chat.update(case(), shown)
    assert slack.messages("C0BUILDS")[0]["blocks"] == []
    assert "The resolver" in slack.messages("C0BUILDS")[0]["text"]


async def test_nobody_there_is_unavailable() -> None:
    gone = SlackStandIn()
    await gone.start()
    chat = SlackChat(settings(gone))
    await gone.close()
    with pytest.raises(Unavailable):
        await chat.show(case(), channel="C0BUILDS", thread=None)
    await chat.close()


@pytest.mark.parametrize("body", [b"hello", b"[]", b'"x"', b"{}", b"\xff\xfe"])
@pytest.mark.parametrize("content", ["text/plain", "application/json", "text/html"])
async def test_something_else_that_answers_for_slack_is_unavailable(body: bytes, content: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = {"bot_token": "x", "signing_secret": "s", "api_url": f"http://127.0.0.1:{port}/api/"}
    chat = SlackChat(SlackSettings.model_validate(given))
    with pytest.raises(Unavailable):
        await chat.identity()
    await chat.close()
    server.close()
    await server.wait_closed()


async def test_bursts_go_through_until_slack_has_had_enough(slack: SlackStandIn) -> None:
    chat = SlackChat(settings(slack), gap=60)
    for _ in range(5):
        await chat.show(case(), channel="C0BUILDS", thread=None)
    await chat.close()


async def test_after_a_429_posts_are_paced(slack: SlackStandIn) -> None:
    chat = SlackChat(settings(slack), gap=0.2)
    slack.faults.append(Fault("chat.postMessage", status=429, headers={"Retry-After": "0"}))
    loop = asyncio.get_running_loop()
    await chat.show(case(), channel="C0BUILDS", thread=None)
    started = loop.time()
    await asyncio.gather(*(chat.show(case(), channel="C0BUILDS", thread=None) for _ in range(3)))
    assert loop.time() - started >= 0.4
    await chat.close()


async def test_check_tells_what_would_not_work(slack: SlackStandIn) -> None:
    slack.add_channel("C0QUIET", "quiet", with_bot=False)
    slack.scopes = "chat:write,commands,channels:history"
    chat = SlackChat(settings(slack, watch=["C0BUILDS", "C0QUIET", "C0NONE"], team_id="T0ELSE"))
    checks = {c.what: c for c in await chat.check()}
    assert checks["slack"].ok
    assert "T0ELSE" in checks["slack.team_id"].detail
    assert "users:read" in checks["slack scopes"].detail
    assert checks["slack.watch C0BUILDS"].ok
    assert "/invite @buildmedic" in checks["slack.watch C0QUIET"].detail
    assert not checks["slack.watch C0NONE"].ok
    await chat.close()


async def test_a_proxy_of_the_environment_is_not_used_for_loopback(
    slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    chat = SlackChat(settings(slack))
    assert (await chat.identity()).team == "T0ACME"
    await chat.close()
