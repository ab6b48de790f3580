"""The real door, chat and SQLite store against the stand-in workspace over real HTTP; only the desk is a small fake."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.model.case import Case, MessageRef
from bot.model.errors import Unavailable
from bot.ports import Delivery, NoticeVerdict, Status, Who
from bot.serve.standins.slack import SlackStandIn
from bot.slack.app import SlackDoor
from bot.slack.chat import SlackChat
from bot.slack.settings import SlackSettings
from bot.store import open_store


@dataclass
class FakeDesk:
    """Writes down what it is asked; `answer` is what it says, `trouble` what it raises (once for each in the list)."""

    answer: str | None = "done"
    trouble: list[Exception] = field(default_factory=list)
    waiting: list[tuple[Case, str | None]] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def _say(self, *what: Any) -> str:
        self.asked.append(what)
        if self.trouble:
            raise self.trouble.pop(0)
        return self.answer or ""

    async def notice(self, message: MessageRef, urls: Sequence[str], verdict: NoticeVerdict) -> str:
        return self._say("notice", message, tuple(urls), verdict)

    async def triage(self, url: str, channel: str, who: Who) -> str:
        return self._say("triage", url, channel, who)

    async def rerun(self, url: str, channel: str, who: Who) -> str:
        return self._say("rerun", url, channel, who)

    async def rollback(self, deploy: str, revision: str | None, channel: str, who: Who) -> str:
        return self._say("rollback", deploy, revision, channel, who)

    async def approvals(self) -> Sequence[tuple[Case, str | None]]:
        self._say("approvals")
        return self.waiting

    async def press(self, button: str, channel: str, who: Who, at: float | None = None) -> str | None:
        assert at is not None
        return self._say("press", button, channel, who) or None

    async def pause(self, on: bool, who: Who) -> str:
        return self._say("pause", on, who)

    async def status(self) -> Status:
        self._say("status")
        return Status(version="1.2.3", open_cases=2, notices_read=3)


class Bench:
    """`pump()` works on what is pending, as the inbox of `serve` does."""

    def __init__(self, slack: SlackStandIn, path: Path, *, socket_mode: bool) -> None:
        self.slack = slack
        given = {"bot_token": slack.bot_token, "api_url": slack.api_url, "watch": ["C0BUILDS", "C0CIALERTS"]}
        given |= {"app_token": slack.app_token} if socket_mode else {"signing_secret": slack.signing_secret}
        self.settings = SlackSettings.model_validate(given)
        self.store = open_store(f"sqlite:///{path}/bench.db")
        self.desk = FakeDesk()
        self.chat = SlackChat(self.settings, gap=0.0)
        self.door = SlackDoor(self.settings, self.store, self.desk, self.chat)
        self._runner: web.AppRunner | None = None

    @classmethod
    async def open(cls, path: Path, *, socket_mode: bool = False) -> "Bench":
        slack = SlackStandIn()
        await slack.start()
        slack.add_channel("C0CIALERTS", "ci-alerts")
        bench = cls(slack, path, socket_mode=socket_mode)
        if not socket_mode:
            slack.events_url = await bench._serve()
        return bench

    async def _serve(self) -> str:
        async def take(request: web.Request) -> web.Response:
            status, kind, text = await self.door.receive(dict(request.headers), await request.read())
            return web.Response(status=status, text=text, headers={"Content-Type": kind})

        app = web.Application()
        app.router.add_post("/slack/events", take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"

    async def close(self) -> None:
        await self.door.close()
        await self.chat.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.slack.close()
        self.store.close()

    def pending(self) -> Sequence[Delivery]:
        return self.store.pending_deliveries(time.time() + 10_000)

    async def pump(self) -> list[str]:
        """Work on all that is pending; what Slack's being down delays stays pending."""
        done = []
        for delivery in self.pending():
            try:
                outcome = await self.door.work(delivery)
            except Unavailable as error:
                self.store.delay_delivery(delivery.source, delivery.delivery, 0, str(error))
                done.append(f"later: {error}")
            else:
                self.store.settle_delivery(delivery.source, delivery.delivery, outcome)
                done.append(outcome)
        return done

    async def until(self, true: Any) -> None:
        """Wait for something that happens elsewhere; gives up after ten seconds."""
        for _ in range(500):
            if true():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not happen")
