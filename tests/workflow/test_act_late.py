"""Sending once, where a look may come too early to see what is on its way."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model.build import Build, CaseKey
from bot.model.case import Action, Case
from bot.workflow.act import _send
from bot.workflow.context import Pace
from tests.fakes import FakeCI
from tests.workflow.test_loop import World


class Late(FakeCI):
    """Tells of what arrived only when it is asked again."""

    def __init__(self, answers: list[bool | None]) -> None:
        super().__init__()
        self.answers = answers
        self.asked = 0

    async def did_rerun(self, build: Build) -> bool | None:
        return self.answers.pop(0)

    async def rerun(self, build: Build) -> None:
        self.asked += 1


@pytest.mark.parametrize(
    ("answers", "state", "asked"),
    [([False, True], "sent", 0), ([False, None], "unknown", 0), ([False, False], "sent", 1), ([True], "sent", 0)],
)
async def test_a_no_is_believed_when_it_was_said_twice(
    tmp_path: Path, answers: list[bool | None], state: str, asked: int
) -> None:
    world = World(tmp_path)
    world.ci = ci = Late(answers)
    world.start()
    world.context.pace = Pace(doubt=0)
    try:
        now, key = datetime.now(UTC), CaseKey(ci="github", repository="acme/shop", run="7", attempt=1)
        action = Action(kind="rerun", id="rerun:7#1", requested_by="U1", state="sending")
        build = Build(key=key, outcome="failure")
        world.store.open_case(Case(key=key, build=build, action=action, state="acting", opened=now, updated=now))
        assert (await _send(key.id), ci.asked, ci.answers) == (state, asked, [])
    finally:
        world.stop()
