"""The chat in front of a server that answers with the least that one could call Slack's."""

from datetime import UTC, datetime

from aiohttp import web

from bot.model.build import CaseKey
from bot.model.case import Case, MessageRef
from bot.slack.chat import SlackChat
from bot.slack.settings import SlackSettings


async def test_an_answer_without_channel_or_link_is_no_place_called_none() -> None:
    async def least(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "ts": "1.1"})

    app = web.Application()
    app.router.add_post("/{method}", least)
    app.router.add_get("/{method}", least)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    settings = {"bot_token": "xoxb-1", "signing_secret": "s", "api_url": url, "watch": ["C0BUILDS"]}
    chat = SlackChat(SlackSettings.model_validate(settings))
    now = datetime.now(UTC)
    case = Case(key=CaseKey(ci="github", repository="acme/shop", run="1", attempt=1), opened=now, updated=now)
    try:
        posted = await chat.show(case, channel="C0BUILDS", thread=None)
        assert posted == MessageRef(channel="C0BUILDS", ts="1.1")
        assert await chat.link(posted) is None
    finally:
        await chat.close()
        await runner.cleanup()
