"""Killed at every named point of every workflow, and started again: nothing lost, nothing doubled, all settled.

Each story goes through the front doors; the process dies (SIGKILL, by itself) the first, second ... time that it gets
to the point. A point that a story never reaches fails its test.
"""

from pathlib import Path

import pytest

from bot.workflow.crash import POINTS
from tests.crashes.supervised import BAD, SETTLES, Supervised
from tests.harness import END, about, text_of
from tests.stories.test_serve import DNS

pytestmark = pytest.mark.crash

RERUN = (
    "inbox.kept", "inbox.kept#3", "inbox.worked", "inbox.worked#3", "case.opened", "triage.looked", "reply.before-post",
    "reply.after-post", "triage.examined", "triage.closed", "request.recorded", "act.before-intent", "act.after-intent",
    "act.after-request", "act.recorded", "act.watched", "act.settled",
)  # fmt: skip
ROLLBACK = (
    "inbox.kept", "inbox.kept#2", "inbox.kept#3", "inbox.worked", "inbox.worked#2", "inbox.worked#3", "case.opened",
    "reply.before-post", "reply.after-post", "request.recorded", "vote.recorded", "vote.recorded#2",
    "act.before-intent", "act.after-intent", "act.after-request", "act.recorded", "act.watched", "act.settled",
)  # fmt: skip
NOTICE = ("inbox.kept", "case.opened", "release.looked", "reply.before-post", "reply.after-post")


def test_every_point_is_died_at() -> None:
    assert {p.partition("#")[0] for p in (*RERUN, *ROLLBACK, *NOTICE)} == set(POINTS)


def tell(story: str, point: str, town: Supervised) -> None:
    """A row of the crash table (`pytest -s`)."""
    said = sorted({e["text"].split("\n")[0][:110] for e in town.slack.shown_alone})
    ends = [f"{about(m)['state']}" for m in town.replies()]
    print(f"\n| {story} | {point} | deaths {town.deaths}; replies {ends} | {'; '.join(said) or 'only the thread'} |")


@pytest.mark.parametrize("point", RERUN)
async def test_triage_and_rerun(tmp_path: Path, point: str) -> None:
    async with Supervised(tmp_path, point) as town:
        run = await town.fail("acme/shop", DNS)
        reply = await town.reply(run, "diagnosed", *END, seconds=SETTLES)
        await town.press("U0ADA", reply, "medic.rerun")
        end = await town.reply(run, *END, seconds=SETTLES)
        await town.at_rest()
        tell("triage, re-run", point, town)
        assert town.deaths == 1
        assert about(end)["state"] == "recovered"
        assert len(town.replies(run)) == 1
        assert len(run.attempts) == 2
        assert town.reruns(run) == 1


@pytest.mark.parametrize("point", ROLLBACK)
async def test_rollback(tmp_path: Path, point: str) -> None:
    async with Supervised(tmp_path, point) as town:
        await town.type("U0ADA", "rollback checkout")
        asked = await town.release(words=" of 2 approvals")
        await town.press("U0BOB", asked, "medic.approve")
        asked = await town.release(words="1 of 2 approvals")
        await town.press("U0EVE", asked, "medic.approve")
        end = await town.release(state="recovered")
        await town.at_rest()
        tell("rollback", point, town)
        assert town.deaths == 1
        assert town.rollbacks() == 1
        assert town.argo is not None
        assert town.argo.count("POST", ".*/rollback") == 1
        assert len(town.releases()) == 1
        assert "approved by" in text_of(end)


@pytest.mark.parametrize("point", NOTICE)
async def test_notice_of_a_failed_release(tmp_path: Path, point: str) -> None:
    async with Supervised(tmp_path, point) as town:
        assert town.argo is not None
        notice = await town.slack.post_notice({
            "type": "message", "user": "U0ARGOCD01", "bot_id": "B0ARGOCD01", "channel": "C0BUILDS", "ts": "1.1",
            "text": ":x: Application checkout has degraded",
            "attachments": [{"title": "checkout", "title_link": f"{town.argo.url}/applications/checkout"}],
        })  # fmt: skip
        shown = await town.release(state="diagnosed", words=BAD[:7])
        await town.at_rest()
        tell("notice", point, town)
        assert town.deaths == 1
        assert shown["thread_ts"] == notice
        assert len(town.releases()) == 1
        assert town.slack.button("C0BUILDS", shown["ts"], "medic.rollback")
