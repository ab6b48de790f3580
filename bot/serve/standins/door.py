"""What all stand-ins over HTTP have in common: a door that listens, notes every request, and has faults on order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Seen:
    """One request that came in. `door` is the door's name; `status` is what was answered (0: nothing)."""

    door: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int


@dataclass
class Fault:
    """For the next `times` requests whose "METHOD /path" matches `where`. `after`: the request is carried out first,
    and only its answer is lost. `hang` seconds before anything; `drop`: the connection is cut without an answer."""

    where: str
    status: int = 500
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    hang: float = 0.0
    drop: bool = False
    after: bool = False


class Stand(Protocol):
    seen: list[Seen]
    faults: list[Fault]


class Door:
    """One port. `admit` may refuse a request before its handler sees it, `finish` adds to an answer before it leaves.
    `stand` holds the lists, since it may have several doors and its tests put other lists in their place."""

    def __init__(
        self,
        name: str,
        routes: Iterable[web.RouteDef],
        stand: Stand,
        admit: Callable[[web.Request], web.StreamResponse | None] = lambda _: None,
        finish: Callable[[web.StreamResponse], None] = lambda _: None,
    ) -> None:
        self.name, self.port = name, 0
        self._routes, self._stand = list(routes), stand
        self._admit, self._finish = admit, finish
        self._runner: web.AppRunner | None = None

    async def open(self, host: str, port: int) -> None:
        app = web.Application(middlewares=[self._middleware()])
        app.add_routes(self._routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = int(self._runner.addresses[0][1])

    async def shut(self) -> None:
        """From now on connections are refused."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            status = 0
            try:
                answer = await self._answer(request, handler)
                status = answer.status
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                headers = {name.lower(): value for name, value in request.headers.items()}
                seen = Seen(self.name, request.method, request.path, dict(request.query), headers, status)
                self._stand.seen.append(seen)
            if not answer.prepared:
                self._finish(answer)
            return answer

        return watch

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self._fault(f"{request.method} {request.path}")
        if fault is not None:
            await asyncio.sleep(fault.hang)
            if fault.after:
                await handler(request)
            if fault.drop:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if not fault.hang:
                body = (
                    fault.body if fault.body is not None else {"message": "stand-in fault", "status": str(fault.status)}
                )
                return web.json_response(body, status=fault.status, headers=dict(fault.headers))
        refused = self._admit(request)
        return refused if refused is not None else await handler(request)  # an answer counts as empty, so no `or`

    def _fault(self, line: str) -> Fault | None:
        for fault in self._stand.faults:
            if fault.times > 0 and re.search(fault.where, line):
                fault.times -= 1
                return fault
        return None


def count(seen: Iterable[Seen], method: str, path: str) -> int:
    """How many such requests came; `path` is a regular expression for all of it."""
    return sum(1 for s in seen if s.method == method and re.fullmatch(path, s.path))
