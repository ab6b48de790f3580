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

Handler = Callable[[Delivery], Awaitable[str]]
_AT_ONCE = 16
_FAULT_TRIES = 8  # for our own bugs; an outage of others is waited out for _GIVE_UP
_GIVE_UP_TRIES = 300  # with pauses of at most five minutes: about a day
_LONGEST = 300.0


class Inbox:
    """One pump for all sources. `handlers` maps a source name to what works on its deliveries."""

    def __init__(self, store: CaseStore, handlers: Mapping[str, Handler], log: Any) -> None:
        self._store = store
        self._handlers = handlers
        self._log = log
        self._bell = asyncio.Event()
        self._busy: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._down: set[str] = set()
        self.settled = 0

    def keep(self, source: str, delivery: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Write a delivery down; False if it is known. Raises Unavailable if the store cannot."""
        new = self._store.keep_delivery(source, delivery, headers, body)
        if new:
            self._bell.set()
        return new

    def ring(self) -> None:
        """Something was written down behind our back: look now."""
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._bell.clear()
            room = _AT_ONCE - len(self._busy)
            try:
                pending = self._store.pending_deliveries(unix(), _AT_ONCE * 4) if room > 0 else ()
            except Unavailable as error:
                self._log.error("store is down", why=str(error))
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
            if delivery.source in self._down:
                self._down.discard(delivery.source)
                self._log.info("deliveries are worked again", **name)
        except Unavailable as error:
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
        try:
            self._store.settle_delivery(delivery.source, delivery.delivery, outcome)
            self.settled += 1
            self._log.debug("delivery settled", source=delivery.source, delivery=delivery.delivery, outcome=outcome)
        except Unavailable as error:
            self._log.error("store is down", why=str(error))  # stays pending: worked once more, which is harmless

    def _later(self, delivery: Delivery, error: Exception, tries: int) -> None:
        if delivery.tries + 1 >= tries:
            self._log.error("delivery given up", source=delivery.source, delivery=delivery.delivery, why=str(error))
            self._settle(delivery, f"given up: {error}")
            return
        if delivery.source not in self._down:
            self._down.add(delivery.source)
            self._log.warning("deliveries wait", source=delivery.source, why=str(error))
        asked = error.retry_after if isinstance(error, Unavailable) else None
        pause = max(asked or 0, min(_LONGEST, 2.0**delivery.tries) * random.uniform(0.5, 1))  # noqa: S311 jitter
        try:
            self._store.delay_delivery(delivery.source, delivery.delivery, unix() + pause, str(error))
        except Unavailable as down:
            self._log.error("store is down", why=str(down))
