"""Deliveries: kept before they are worked on, worked on until they are settled.

Whatever comes in (a CI's webhook, a Slack event, a click, a command) is first written down under its sender's own
delivery id, then acknowledged, then worked on here. A crash leaves it pending; an outage delays it.
"""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.model.errors import BuildmedicError, Unavailable
from bot.ports import CaseStore, Delivery
from bot.workflow.context import unix
from bot.workflow.crash import point
from bot.workflow.services import Services

Handler = Callable[[Delivery], Awaitable[str]]
_AT_ONCE = 16
_FAULT_TRIES = 8  # for our own bugs; an outage of others is waited out for _GIVE_UP
_GIVE_UP_TRIES = 3000  # with pauses of at most half a minute: about a day
_LONGEST = 30.0  # seconds between tries: whoever pressed a button during an outage should not wait long after it
_SPOOL_BYTES = 64 * 1024 * 1024


class Inbox:
    """One pump for all sources. `handlers` maps a source name to what works on its deliveries."""

    def __init__(self, store: CaseStore, handlers: Mapping[str, Handler], log: Any, services: Services) -> None:
        self._services = services
        self._store = store
        self._handlers = handlers
        self._log = log
        self._bell = asyncio.Event()
        self._busy: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._spool: dict[tuple[str, str], tuple[dict[str, str], bytes]] = {}
        self._waits: dict[tuple[str, str], str] = {}  # deliveries that wait, and for which service
        self.settled = 0

    def keep(self, source: str, delivery: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Write a delivery down; False if it is known. Raises Unavailable if the store cannot: it is then held in
        memory, as far as there is room, and written down once the store is back (GitHub sends nothing twice)."""
        try:
            new = self._store.keep_delivery(source, delivery, headers, body)
        except Unavailable:
            room = _SPOOL_BYTES - sum(len(b) for _, b in self._spool.values())
            if len(body) <= room:
                self._spool[source, delivery] = (dict(headers), body)
            else:
                self._log.error("a webhook is lost: the store is down, and memory for it is used up", source=source)
            raise
        point("inbox.kept")
        if new:
            self._bell.set()
        return new

    def _unspool(self) -> None:
        """Write down what came while the store was down. Raises Unavailable if it still is."""
        for key in list(self._spool):
            headers, body = self._spool[key]
            self._store.keep_delivery(*key, headers, body)
            del self._spool[key]

    def ring(self) -> None:
        """Something was written down behind our back: look now."""
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._bell.clear()
            room = _AT_ONCE - len(self._busy)
            try:
                self._unspool()
                pending = self._store.pending_deliveries(unix(), _AT_ONCE * 4) if room > 0 else ()
                self._services.up("store")
            except Unavailable as error:
                self._services.down(error)
                pending = ()
            for delivery in pending:
                key = (delivery.source, delivery.delivery)
                if key not in self._busy and room > 0:
                    room -= 1
                    task = asyncio.create_task(self._work(delivery))
                    self._busy[key] = task
                    task.add_done_callback(functools.partial(self._done, key))
            try:
                await asyncio.wait_for(self._bell.wait(), 1)
            except TimeoutError:
                continue

    def _done(self, key: tuple[str, str], _task: asyncio.Task[None]) -> None:
        self._busy.pop(key, None)
        self._bell.set()

    async def close(self) -> None:
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, delivery: Delivery) -> None:
        name = {"source": delivery.source, "delivery": delivery.delivery}
        try:
            outcome = await self._handlers[delivery.source](delivery)
            if (service := self._waits.pop((delivery.source, delivery.delivery), None)) is not None:
                self._services.up(service)
        except Unavailable as error:
            self._services.down(error)
            self._waits[delivery.source, delivery.delivery] = error.service
            self._later(delivery, error, _GIVE_UP_TRIES)
            return
        except (BuildmedicError, KeyError) as error:
            self._log.warning("delivery not usable", why=str(error), **name)
            outcome = f"not usable: {error}"
        except Exception as error:
            self._log.exception("delivery failed", **name)
            self._later(delivery, error, _FAULT_TRIES)
            return
        self._settle(delivery, outcome)

    def _settle(self, delivery: Delivery, outcome: str) -> None:
        point("inbox.worked")
        try:
            self._store.settle_delivery(delivery.source, delivery.delivery, outcome)
            self.settled += 1
            self._log.debug("delivery settled", source=delivery.source, delivery=delivery.delivery, outcome=outcome)
        except Unavailable as error:
            self._services.down(error)  # it stays pending: worked once more, which is harmless

    def _later(self, delivery: Delivery, error: Exception, tries: int) -> None:
        if delivery.tries + 1 >= tries:
            self._log.error("delivery given up", source=delivery.source, delivery=delivery.delivery, why=str(error))
            self._settle(delivery, f"given up: {error}")
            return
        asked = error.retry_after if isinstance(error, Unavailable) else None
        pause = max(asked or 0, min(_LONGEST, 2.0**delivery.tries) * random.uniform(0.5, 1))  # noqa: S311 jitter
        try:
            self._store.delay_delivery(delivery.source, delivery.delivery, unix() + pause, str(error))
        except Unavailable as down:
            self._services.down(down)
