"""The door: what Slack sends, over HTTP or Socket Mode, is verified, written down, acknowledged, and then worked on.

Writing down comes first because Bolt acknowledges events before its listeners run, and because Slack being down must
not turn a signed event into a 500: see DESIGN "Known traps". Everything that is worked on goes through Bolt's dispatch.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from bot.model.errors import BadPayload, BadSignature, BuildmedicError, Unavailable
from bot.model.language import speaking
from bot.ports import CaseStore, Delivery, Desk
from bot.slack import commands
from bot.slack.chat import SlackChat
from bot.slack.envelope import KEPT_HEADERS, MODE, Inbound, read_http, read_socket, verify
from bot.slack.settings import SlackSettings
from bot.workflow.crash import point

SOURCE = "slack"
_BODY_LIMIT = 4 * 1024 * 1024  # Slack's own requests stay far below
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"
log = logging.getLogger("buildmedic.slack")

Answer = tuple[int, str, str]
"""HTTP status, content type, body."""


class SlackDoor:
    """`on_kept` is called after each new delivery, so that whoever works on them need not wait for the next look.
    `clock` tells UNIX time, for the age of signatures."""

    def __init__(
        self,
        settings: SlackSettings,
        store: CaseStore,
        desk: Desk,
        chat: SlackChat,
        *,
        on_kept: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store
        self._desk = desk
        self._chat = chat
        self.on_kept = on_kept
        self._clock = clock
        self._bolt: Any = None
        self._socket: Any = None

    # coming in

    async def receive(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """One HTTP request, answered at once. Raises Unavailable where it could not be written down."""
        lower = {k.lower(): v for k, v in headers.items()}
        if len(body) > _BODY_LIMIT:
            return 413, _TEXT, f"over {_BODY_LIMIT} bytes"
        if "x-slack-signature" not in lower and body.startswith(b"ssl_check=1"):
            return 200, _TEXT, ""  # Slack looks at the certificate, unsigned; nothing is done
        try:
            verify(self._secret(), lower, body, self._clock())
            inbound = read_http(lower.get("content-type", ""), body)
        except BadSignature as error:
            log.warning("request refused: %s", error)
            return 401, _TEXT, "bad or stale signature"
        except BadPayload as error:
            log.warning("signed request not understood: %s", error)
            return 400, _TEXT, str(error)
        if inbound.kind == "url_verification":
            return 200, _TEXT, str(inbound.payload["challenge"])
        if inbound.kind == "ssl_check":
            return 200, _TEXT, ""
        if (ready := self._ready_answer(inbound)) is not None:
            return 200, _JSON, json.dumps(ready)
        self._keep(inbound, {k: lower[k] for k in KEPT_HEADERS if k in lower}, body)
        return 200, _TEXT, ""

    def _ready_answer(self, inbound: Inbound) -> dict[str, Any] | None:
        """The answer to a command that needs no looking up (help, a typing error): given at once, nothing is kept."""
        if inbound.kind != "command":
            return None
        with speaking(self._settings.language_of(str(inbound.payload.get("channel_id") or ""))):
            typed = commands.read(str(inbound.payload.get("text") or ""))
        return {"response_type": "ephemeral", "text": typed.answer} if typed.answer else None

    def _secret(self) -> str | None:
        secret = self._settings.signing_secret
        return secret.get_secret_value() if secret else None

    def _keep(self, inbound: Inbound, headers: Mapping[str, str], body: bytes) -> None:
        new = self._store.keep_delivery(SOURCE, inbound.delivery, headers, body)
        point("inbox.kept")
        if new:
            self.on_kept()
        else:
            log.info("known already: %s", inbound.delivery)

    # working on it

    async def work(self, delivery: Delivery) -> str:
        """Hand a kept request to Bolt and wait until its listener is done. Returns what was done, for the log.

        Raises Unavailable (Slack or a CI is down: try again later) and whatever else the listener raised."""
        from slack_bolt.request.async_request import AsyncBoltRequest

        bolt = self._listeners()
        headers: dict[str, Any] = dict(delivery.headers)
        socket = headers.pop(MODE, None) == "socket_mode"
        text = delivery.body.decode("utf-8")
        request = AsyncBoltRequest(
            body=json.loads(text) if socket else text, headers=headers, mode="socket_mode" if socket else "http"
        )
        request.context["tries"] = delivery.tries
        request.context["received"] = delivery.received
        response = await bolt.async_dispatch(request)
        if (trouble := request.context.get("trouble")) is not None:
            raise trouble
        return str(request.context.get("outcome") or f"not used (Bolt: {response.status})")

    def _listeners(self) -> Any:
        if self._bolt is None:
            from bot.slack.listeners import make_app

            self._bolt = make_app(self._settings, self._desk, self._chat)
        return self._bolt

    # Socket Mode

    async def start(self) -> None:
        """Open the WebSocket where Socket Mode is configured. Slack being down only delays it. Bolt is made ready here:
        its import would otherwise stand between the first click after a restart and what it decides."""
        self._listeners()
        if self._settings.app_token is None or self._socket is not None:
            return
        from bot.slack.socket import Socket

        self._socket = Socket(self._settings, self._envelope)
        self._socket.start()

    @property
    def connected(self) -> bool:
        """Whether Slack can reach us by Socket Mode; always true over HTTP, where Slack has to come to us."""
        return self._settings.app_token is None or (self._socket is not None and self._socket.connected)

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def _envelope(self, kind: str, payload: Any) -> dict[str, Any] | None:
        """One envelope, written down; returns what goes back with its acknowledgement. An error means: no ack."""
        try:
            inbound = read_socket(kind, payload)
        except BadPayload as error:
            log.warning("envelope not understood: %s", error)
            return None
        if (ready := self._ready_answer(inbound)) is not None:
            return ready
        body = json.dumps(payload).encode()
        await asyncio.sleep(0)
        self._keep(inbound, {MODE: "socket_mode", "content-type": "application/json"}, body)
        return None


__all__ = ["SOURCE", "Answer", "BuildmedicError", "SlackDoor", "Unavailable"]
