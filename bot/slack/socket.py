"""Socket Mode: slack_sdk's client, kept trying until Slack lets it in, and acknowledging only what was written down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bot.model.errors import BuildmedicError, Unavailable
from bot.slack.calls import call, handlers, proxy_for
from bot.slack.settings import SlackSettings

log = logging.getLogger("buildmedic.slack")
_LONGEST = 60.0  # seconds between tries to connect
_PATIENCE = 30.0  # seconds that a connection may be down before it is given up
_LOOK = 2.0

Take = Callable[[str, Any], Awaitable[dict[str, Any] | None]]


class Socket:
    """One connection; it reconnects by itself. `take` writes an envelope down and returns the ack's payload."""

    def __init__(self, settings: SlackSettings, take: Take) -> None:
        self._settings = settings
        self._take = take
        self._client: Any = None
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        session = getattr(self._client, "current_session", None)
        return session is not None and not session.closed

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_up())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._drop()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        tasks = [client.message_processor, client.message_receiver, client.current_session_monitor]
        await client.close()
        await asyncio.gather(*(t for t in tasks if t is not None), return_exceptions=True)

    async def _keep_up(self) -> None:
        """The client reconnects by itself, but tries one stale address for ever when that fails (slack_sdk's connect()
        asks for a new one only once): one that stays down is replaced by a new one."""
        pause = 1.0
        while True:
            if await self._connect():
                pause = 1.0
                down = 0.0
                while down < _PATIENCE:
                    await asyncio.sleep(_LOOK)
                    down = 0.0 if self.connected else down + _LOOK
                log.warning("Socket Mode is down since %.0f s: connecting anew", down)
            await self._drop()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST)

    async def _connect(self) -> bool:
        self._client = self._make()
        try:
            await call(
                lambda: asyncio.wait_for(self._client.connect_to_new_endpoint(), _PATIENCE), "apps.connections.open"
            )
        except Unavailable as error:
            log.warning("Socket Mode: %s; trying on", error)
            await asyncio.sleep(error.retry_after or 0)
        except BuildmedicError as error:
            log.error("Socket Mode: %s (slack.app_token must be an xapp- token with connections:write)", error)
        else:
            log.info("Socket Mode is connected")
            return True
        return False

    def _make(self) -> Any:
        from slack_sdk.socket_mode.aiohttp import SocketModeClient
        from slack_sdk.web.async_client import AsyncWebClient

        url = self._settings.api_url
        assert self._settings.app_token is not None
        token = self._settings.app_token.get_secret_value()
        web = AsyncWebClient(base_url=url, timeout=15, retry_handlers=handlers())
        web.proxy = proxy_for(url)
        client = SocketModeClient(token, web_client=web, logger=log)
        client.proxy = proxy_for(url)
        client.socket_mode_request_listeners.append(self._listen)
        return client

    async def _listen(self, client: Any, request: Any) -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse

        try:
            answer = await self._take(request.type, request.payload)
        except Unavailable as error:
            log.error("not acknowledged, Slack will send it again: %s", error)
            return
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=answer))
