"""What guards the sending of what was decided: intent first, the kill switch once more, one request whatever breaks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.model.case import Action, Case
from bot.model.errors import Moved, Refused, Unavailable
from bot.workflow import act
from bot.workflow.deeds import DEEDS, Rerun
from tests.workflow.desk_bench import ASKER, BOB, EVE, DeskBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    made = DeskBench(tmp_path)
    yield made
    made.close()


async def approved(bench: DeskBench, kind: str = "rerun") -> str:
    """A case whose action was approved and has not been sent."""
    if kind == "rerun":
        case = await bench.asked()
    else:
        await bench.desk.rollback("shop", None, "C0", ASKER)
        case = bench.store.recent_cases()[0].id
    await bench.press(case, "approve", BOB)
    await bench.press(case, "approve", EVE)
    assert bench.action(case).state == "approved"
    return case


async def test_it_is_sent_once_and_never_again(bench: DeskBench) -> None:
    case = await approved(bench)
    assert await act._send(case) == "sent"
    assert await act._send(case) == "sent"
    assert len(bench.ci.reruns) == 1
    trail = [e.what for e in bench.store.audit_trail(case)]
    assert trail[-2:] == ["rerun intended", "rerun sent"]


@pytest.mark.parametrize("state", ["waiting", "declined", "expired", "lapsed", "failed", "unknown", "sent"])
async def test_what_is_not_approved_is_not_sent(bench: DeskBench, state: str) -> None:
    case = await approved(bench)
    bench.change_action(case, state=state)
    assert await act._send(case) == state
    assert bench.ci.reruns == []


@pytest.mark.parametrize("kind", ["rerun", "rollback"])
async def test_the_kill_switch_is_looked_at_again_before_sending(bench: DeskBench, kind: str) -> None:
    case = await approved(bench, kind)
    await bench.desk.pause(True, EVE)
    assert await act._send(case) == "failed"
    assert "paused before it was sent" in str(bench.action(case).detail)
    assert (bench.ci.reruns, bench.deploy.rollbacks) == ([], [])


@pytest.mark.parametrize("kind", ["rerun", "rollback"])
async def test_after_a_crash_what_arrived_is_not_sent_again(bench: DeskBench, kind: str) -> None:
    case = await approved(bench, kind)
    bench.ci.lose_answer = bench.deploy.lose_answer = True
    assert await act._send(case) == "again"
    assert bench.action(case).state == "sending"
    assert await act._send(case) == "sent"
    assert len(bench.ci.reruns) + len(bench.deploy.rollbacks) == 1


async def test_after_a_crash_before_the_request_it_is_sent(bench: DeskBench) -> None:
    case = await approved(bench)
    bench.change_action(case, state="sending")
    assert await act._send(case) == "sent"
    assert len(bench.ci.reruns) == 1


class Mute(Rerun):
    """Nobody can tell whether it happened."""

    async def happened(self, context: Any, case: Case, action: Action) -> bool | None:
        return None


async def test_what_nobody_can_tell_goes_to_a_person(bench: DeskBench, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await approved(bench)
    monkeypatch.setitem(DEEDS, "rerun", Mute())
    bench.change_action(case, state="sending")
    assert await act._send(case) == "unknown"
    assert bench.ci.reruns == []
    assert "Already" in str(await bench.desk.requests.ask(bench.case(case), "rerun", ASKER))


class Slow(Rerun):
    """Something else changes the action between the look and the claim."""

    def __init__(self, bench: DeskBench, state: str) -> None:
        self.bench, self.state = bench, state

    async def happened(self, context: Any, case: Case, action: Action) -> bool | None:
        self.bench.change_action(case.id, state=self.state)
        return False


async def test_an_action_that_changed_under_our_hands_is_looked_at_anew(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await approved(bench)
    bench.change_action(case, state="sending")
    monkeypatch.setitem(DEEDS, "rerun", Slow(bench, "sent"))
    assert await act._send(case) == "again"
    assert bench.ci.reruns == []
    assert bench.action(case).state == "sent"


@pytest.mark.parametrize(
    ("error", "state"), [(Moved("shop", "the world has moved"), "lapsed"), (Refused("shop", "403"), "failed")]
)
async def test_a_no_of_the_other_side_is_final(bench: DeskBench, error: Refused, state: str) -> None:
    case = await approved(bench, "rollback")
    bench.deploy.faults["rollback"] = [error]
    assert await act._send(case) == state
    assert await act._send(case) == state
    assert bench.deploy.rollbacks == []
    assert str(error) in str(bench.action(case).detail)


async def test_whoever_gives_up_asks_first_whether_the_last_try_arrived(bench: DeskBench) -> None:
    case = await approved(bench)
    bench.ci.lose_answer = True
    assert await act._send(case) == "again"
    assert await act._give_up(case) == "sent"
    assert bench.action(case).new_attempt == 2


async def test_giving_up_on_what_did_not_arrive(bench: DeskBench, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await approved(bench)
    bench.ci.faults["rerun"] = [Unavailable("github", "503")]
    assert await act._send(case) == "again"
    assert await act._give_up(case) == "failed"
    assert "nothing was done" in str(bench.action(case).detail)
    monkeypatch.setitem(DEEDS, "rerun", Mute())
    bench.change_action(case, state="sending")
    assert await act._give_up(case) == "unknown"
