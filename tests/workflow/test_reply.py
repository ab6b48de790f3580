"""The one reply of a case, where Slack lets us post and not read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model.build import CaseKey
from bot.model.case import Case, MessageRef
from bot.model.errors import Refused, Unavailable
from bot.workflow.reply import show
from tests.fakes import FakeChat
from tests.workflow.test_loop import World


class Unreadable(FakeChat):
    async def find(self, case_id: str, *, channel: str, thread: str | None) -> MessageRef | None:
        raise Refused("slack", "conversations.history: missing_scope")


async def test_a_channel_that_may_not_be_read_still_gets_its_reply_after_a_lost_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.chat = chat = Unreadable(faults=[Unavailable("slack", "HTTP 500")])
    world.start()
    try:
        now, key = datetime.now(UTC), CaseKey(ci="github", repository="acme/shop", run="7", attempt=1)
        world.store.open_case(Case(key=key, opened=now, updated=now, channel="C0BUILDS"))
        with pytest.raises(Unavailable):
            await show(key.id)
        assert await show(key.id)
        assert await show(key.id)
        assert len(chat.messages) == 1
    finally:
        world.stop()
