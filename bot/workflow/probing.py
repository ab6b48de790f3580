"""Running a plan at one vantage: cheap probes first, no more than the vantage's budget, and no longer than it takes.

Probes start in waves, the cheap ones a moment before the dear ones, and all of them run side by side: a full diagnosis
takes as long as its slowest probe and less than a second more. Once one hypothesis stands clear, what has not begun is
not begun, and what still runs is given up.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.model.errors import VantageDown
from bot.ports import Vantage
from bot.triage.verb_table import COSTS

HEAD_START = 0.4
"""Seconds between the start of one wave and the next; there are three."""
LATE = 2.0
"""Seconds beyond the deadline that a vantage may take: it keeps the deadline itself, this is the belt to its braces."""


class Budget:
    """How many probes a vantage may be asked for in a minute, whoever asks. One for the whole process."""

    def __init__(self, per_minute: int = 240) -> None:
        self.per_minute = per_minute
        self._spent: dict[str, deque[float]] = {}

    def take(self, vantage: str, wanted: int) -> int:
        """How many of these may run now."""
        spent, now = self._spent.setdefault(vantage, deque()), time.monotonic()
        while spent and spent[0] < now - 60:
            spent.popleft()
        given = max(0, min(wanted, self.per_minute - len(spent)))
        spent.extend([now] * given)
        return given


BUDGET = Budget()


class Found:
    """Results as they come in, from all vantages of one diagnosis. `clear` is set once they settle it."""

    def __init__(self, settled: Callable[[Sequence[ProbeResult]], bool]) -> None:
        self.results: list[ProbeResult] = []
        self.clear = asyncio.Event()
        self._settled = settled

    def add(self, results: Sequence[ProbeResult]) -> None:
        self.results += results
        if self._settled(self.results):
            self.clear.set()


def waves(requests: Sequence[ProbeRequest]) -> list[list[ProbeRequest]]:
    """Cheapest first, in the order of the plan within a wave."""
    by_cost: dict[int, list[ProbeRequest]] = {}
    for request in requests:
        by_cost.setdefault(COSTS.get(request.verb, 2), []).append(request)
    return [by_cost[cost] for cost in sorted(by_cost)]


async def run(
    vantage: Vantage, requests: Sequence[ProbeRequest], deadline: float, found: Found, budget: Budget = BUDGET
) -> tuple[list[ProbeResult], str | None]:
    """One result for each request, those that did not run among them, and why none ran, if none did. `deadline`:
    seconds for all of it. Never raises for a vantage that is down."""
    allowed = budget.take(vantage.name, len(requests))
    spent = [not_run(r, vantage.name, f"{vantage.name} has had its probes for this minute") for r in requests[allowed:]]
    end = time.monotonic() + deadline
    tasks: list[asyncio.Task[Sequence[ProbeResult]]] = []
    done: list[ProbeResult] = []
    down: str | None = None
    late: Literal["timeout", "error"] = "error"
    try:
        for wave in waves(requests[:allowed]):
            if tasks:
                await _wait(tasks, found, HEAD_START)
            if found.clear.is_set() or _failed(tasks):
                break
            tasks.append(asyncio.create_task(_wave(vantage, wave, max(0.1, end - time.monotonic()), found)))
        await _wait(tasks, found, None)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for one in ended:
        if isinstance(one, VantageDown):
            down = down or str(one)
        elif isinstance(one, TimeoutError):
            down, late = down or f"{vantage.name} did not answer within {deadline:.0f} s", "timeout"
        elif isinstance(one, BaseException):
            if not isinstance(one, asyncio.CancelledError):
                raise one
        else:
            done += one
    answered = {r.id for r in [*done, *spent]}
    why = down or "not needed: what was tried before settles it"
    rest = [not_run(r, vantage.name, why, late) for r in requests if r.id not in answered]
    by_id = {r.id: r for r in [*done, *spent, *rest]}
    return [by_id[r.id] for r in requests], down if down and not done else None


async def _wave(
    vantage: Vantage, requests: Sequence[ProbeRequest], deadline: float, found: Found
) -> Sequence[ProbeResult]:
    results = await asyncio.wait_for(vantage.run(requests, deadline), deadline + LATE)
    found.add(results)
    return results


async def _wait(tasks: Sequence["asyncio.Task[Sequence[ProbeResult]]"], found: Found, seconds: float | None) -> None:
    """Until all are done, one has failed, the diagnosis is clear, or the seconds are over."""
    clear = asyncio.create_task(found.clear.wait())
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while not found.clear.is_set() and not _failed(tasks) and (open_ := [t for t in tasks if not t.done()]):
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            await asyncio.wait([clear, *open_], timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        clear.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await clear


def _failed(tasks: Sequence["asyncio.Task[Sequence[ProbeResult]]"]) -> bool:
    return any(t.done() and not t.cancelled() and t.exception() is not None for t in tasks)


def not_run(
    request: ProbeRequest, vantage: str, why: str, outcome: Literal["timeout", "error"] = "error"
) -> ProbeResult:
    return ProbeResult(
        id=request.id, verb=request.verb, vantage=vantage, outcome=outcome, ran=False, facts={"error": why}
    )
