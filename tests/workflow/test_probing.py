"""Waves, budgets, a vantage that is down or hangs, and stopping once the answer is clear."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.model.build import Job
from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.model.errors import VantageDown
from bot.ports import Check
from bot.triage.playbook import VerbName
from bot.triage.verb_table import COSTS, VERBS
from bot.workflow import probing


class Place:
    """A vantage of which each verb takes its own time; `down` is raised instead."""

    kind = "fake"

    def __init__(self, down: str | None = None, **seconds: float) -> None:
        self.name, self.down, self.seconds = "runner", down, seconds
        self.asked: list[list[str]] = []
        self.cancelled = self.running = self.most = 0

    def serves(self, ci: str, repository: str, job: Job) -> bool:
        return True

    async def run(self, requests: Sequence[ProbeRequest], deadline: float) -> Sequence[ProbeResult]:
        self.asked.append([r.verb for r in requests])
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(max((self.seconds.get(r.verb, 0) for r in requests), default=0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self.down:
            raise VantageDown(self.name, self.down)
        return [ProbeResult(id=r.id, verb=r.verb, vantage=self.name, outcome="ok", ms=1) for r in requests]

    async def check(self) -> Sequence[Check]:
        return []

    async def close(self) -> None: ...


def asks(*verbs: str) -> list[ProbeRequest]:
    return [ProbeRequest(id=f"{verb}-{i}", verb=verb) for i, verb in enumerate(verbs)]


def never(_: Sequence[ProbeResult]) -> bool:
    return False


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "HEAD_START", 0.05)


def test_every_verb_has_a_cost() -> None:
    assert set(COSTS) == set(VERBS)
    assert set(VerbName.__args__) == set(VERBS)  # type: ignore[attr-defined]


async def test_cheap_ones_first_and_answers_in_the_order_of_the_plan() -> None:
    place = Place()
    requests = asks("throughput", "http", "dns", "goproxy", "tcp")
    results, why = await probing.run(place, requests, 5, probing.Found(never), probing.Budget())
    assert place.asked == [["dns", "tcp"], ["http"], ["throughput", "goproxy"]]
    assert [r.id for r in results] == [r.id for r in requests]
    assert (why, all(r.ok for r in results)) == (None, True)


async def test_a_slow_cheap_probe_holds_nobody_up() -> None:
    place = Place(dns=0.6, http=0.6, throughput=0.6)
    results, _ = await probing.run(place, asks("dns", "http", "throughput"), 5, probing.Found(never), probing.Budget())
    assert all(r.ok for r in results)
    assert place.most == 3  # side by side


async def test_what_is_clear_needs_no_more() -> None:
    place = Place(http=30, dns=0.0)
    found = probing.Found(lambda results: any(r.verb == "dns" for r in results))
    results, why = await probing.run(place, asks("http", "dns", "throughput"), 60, found, probing.Budget())
    assert place.asked == [["dns"]]
    assert [r.ran for r in results] == [False, True, False]
    assert "not needed" in results[0].facts["error"]
    assert why is None


async def test_what_still_runs_is_given_up_once_it_is_clear() -> None:
    place = Place(throughput=30, http=0.2)
    found = probing.Found(lambda results: any(r.verb == "http" for r in results))
    results, _ = await probing.run(place, asks("dns", "http", "throughput"), 60, found, probing.Budget())
    assert (len(place.asked), place.cancelled) == (3, 1)
    assert [r.ran for r in results] == [True, True, False]


async def test_a_vantage_that_is_down_is_asked_once_and_told() -> None:
    place = Place("no route to it")
    results, why = await probing.run(place, asks("dns", "http", "goproxy"), 20, probing.Found(never), probing.Budget())
    assert len(place.asked) == 1
    assert why is not None
    assert "no route to it" in why
    assert all(not r.ran and "no route" in r.facts["error"] for r in results)


async def test_a_vantage_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "LATE", 0.1)
    place = Place(dns=60, http=60)
    results, why = await probing.run(place, asks("dns", "http"), 0.2, probing.Found(never), probing.Budget())
    assert {r.outcome for r in results} == {"timeout"}
    assert why is not None
    assert "did not answer" in why
    assert place.cancelled >= 1


async def test_a_budget_is_for_the_vantage_and_not_for_a_case() -> None:
    place, budget = Place(), probing.Budget(per_minute=3)
    first, _ = await probing.run(place, asks("dns", "tcp"), 5, probing.Found(never), budget)
    second, why = await probing.run(place, asks("dns", "tcp"), 5, probing.Found(never), budget)
    assert [r.ran for r in [*first, *second]] == [True, True, True, False]
    assert "had its probes for this minute" in second[1].facts["error"]
    assert why is None
