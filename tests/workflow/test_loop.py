"""The durable workflows, really durable: DBOS and the store on files, a CI and a chat that can fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import structlog

from bot.model.case import Case, MessageRef
from bot.model.errors import NotYet, Refused, Unavailable
from bot.ports import Who
from bot.serve.library import load
from bot.store import open_store
from bot.triage.approve import Policy
from bot.workflow.context import Context, Pace, use
from bot.workflow.desk import ClinicDesk, open_case
from bot.workflow.engine import Engine
from tests.fakes import FakeChat, FakeCI

FAST = Pace(run_poll=0.2, log_first=0.05, log_poll=0.2, log_limit=1.0, watch_poll=0.1, watch_limit=20, outage_cap=0.1)
DNS = b"go: downloading example.com/x v1.0.0\n" + (
    b'go: example.com/x@v1.0.0: Get "https://proxy.golang.org/example.com/x/@v/v1.0.0.mod": '
    b"dial tcp: lookup proxy.golang.org on 10.0.0.2:53: read udp 10.1.0.9:4711->10.0.0.2:53: i/o timeout\n"
)
ANN = Who(team="T1", user="U1")
BOB = Who(team="T1", user="U2")


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ci, self.chat = FakeCI(), FakeChat()
        self.library = load().library
        self.policy = Policy()

    def start(self) -> None:
        self.engine = Engine(self.folder / "workflows.db")
        self.store = open_store(f"sqlite:///{self.folder}/cases.db")
        self.context = Context(
            store=self.store, chat=self.chat, engine=self.engine, cis={"github": self.ci}, vantages={},
            library=lambda: self.library, rerun_policy=self.policy, home_team=lambda: "T1", pace=FAST,
            log=structlog.get_logger(),
        )  # fmt: skip
        use(self.context)
        self.desk = ClinicDesk(self.context)
        self.engine.lock()
        self.engine.launch()

    def stop(self) -> None:
        self.engine.stop()
        self.engine.close()
        self.store.close()
        use(None)

    def case(self, run: str = "7", attempt: int = 1) -> Case | None:
        return self.store.get_case(f"github:acme/shop:{run}:{attempt}")

    async def until(self, *states: str, run: str = "7", attempt: int = 1) -> Case:
        return await self.wait(lambda: self.case(run, attempt), lambda c: c is not None and c.state in states)

    async def wait(self, get: Callable[[], Case | None], ok: Callable[[Case | None], bool]) -> Case:
        for _ in range(400):
            case = get()
            if ok(case):
                assert case is not None
                await asyncio.sleep(0.3)  # the last update of the message follows the state
                found = get()
                assert found is not None
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"never came: {get()!r}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.start()
    yield made
    made.stop()


async def test_a_failed_run_is_answered_once_and_in_place(world: World) -> None:
    build = world.ci.fail("7", DNS, jobs=2)
    for _ in range(3):
        await open_case(world.context, build)
    case = await world.until("diagnosed")
    assert case.causes == ("dns-timeout",)
    assert len(case.findings) == 2
    assert list(world.chat.messages) == ["1.0"]
    assert world.chat.where["1.0"] == ("C0BUILDS", None)
    shown = world.chat.messages["1.0"]
    assert shown.state == "diagnosed"
    assert "rerun" in shown.buttons
    assert world.chat.history["1.0"][0] == "reading"
    assert "no vantage" in (case.findings[0].untried or "")


async def test_the_reply_goes_under_the_notice(world: World) -> None:
    notice = MessageRef(channel="C9", ts="55.0")
    world.ci.fail("7", DNS)
    said = await world.desk.notice(notice, ["https://elsewhere/", "https://ci/7"], "failed")
    assert said.startswith("opened")
    await world.until("diagnosed")
    assert world.chat.where["1.0"] == ("C9", "55.0")
    assert (await world.desk.notice(notice, ["https://ci/7"], "failed")).startswith("joined")
    assert len(world.chat.messages) == 1


async def test_a_notice_seen_at_the_trigger_gets_the_reply_of_the_webhook(world: World) -> None:
    notice = MessageRef(channel="C9", ts="55.0")
    await world.desk.notice(notice, ["https://ci/7"], "running")
    await open_case(world.context, world.ci.fail("7", DNS))
    await world.until("diagnosed")
    assert world.chat.where["1.0"] == ("C9", "55.0")


async def test_a_notice_after_the_reply_is_linked_to_and_not_answered_again(world: World) -> None:
    await open_case(world.context, world.ci.fail("7", DNS))
    await world.until("diagnosed")
    await world.desk.notice(MessageRef(channel="C9", ts="55.0"), ["https://ci/7"], "failed")
    assert len(world.chat.messages) == 1
    assert world.chat.messages["1.0"].notice_link == "https://slack/C9/55.0"


async def test_a_reply_that_had_nowhere_to_go_is_posted_under_a_later_notice(world: World) -> None:
    world.ci.channel = None
    await open_case(world.context, world.ci.fail("7", DNS))
    await world.until("diagnosed")
    assert world.chat.messages == {}
    await world.desk.notice(MessageRef(channel="C9", ts="55.0"), ["https://ci/7"], "failed")
    assert world.chat.where == {"1.0": ("C9", "55.0")}
    assert world.chat.messages["1.0"].state == "diagnosed"


async def test_a_notice_of_no_configured_ci_is_counted_as_unread(world: World) -> None:
    assert "no link" in await world.desk.notice(MessageRef(channel="C9", ts="1.0"), ["https://other/1"], "failed")
    assert (await world.desk.status()).notices_unread == 1


async def test_a_cancelled_run_without_a_time_limit_is_left_alone(world: World) -> None:
    build = world.ci.fail("7", DNS)
    quiet = build.model_copy(update={"outcome": "cancelled", "jobs": ()})
    world.ci.builds[("7", 1)] = quiet
    await open_case(world.context, quiet)
    assert (await world.until("passed")).reply is None
    assert world.chat.messages == {}


async def test_jobs_that_fail_later_join_the_same_reply(world: World) -> None:
    build = world.ci.fail("7", DNS, finished=False)
    await open_case(world.context, build)
    await world.wait(world.case, lambda c: c is not None and len(c.findings) == 1)
    assert "rerun" not in world.chat.messages["1.0"].buttons
    later = world.ci.fail("7", DNS, jobs=2)
    await open_case(world.context, later)
    assert len((await world.until("diagnosed")).findings) == 2
    assert len(world.chat.messages) == 1


async def test_a_log_that_is_not_written_yet_is_waited_for(world: World) -> None:
    build = world.ci.fail("7", NotYet("github", "not yet"))
    await open_case(world.context, build)
    await asyncio.sleep(0.4)
    world.ci.logs[build.jobs[0].id] = DNS
    assert (await world.until("diagnosed")).causes == ("dns-timeout",)


async def test_a_log_that_never_comes_is_said_to_be_missing(world: World) -> None:
    await open_case(world.context, world.ci.fail("7", NotYet("github", "not yet")))
    case = await world.until("diagnosed")
    assert case.findings[0].log.state == "missing"
    assert case.causes == ("unknown",)


async def test_a_ci_that_refuses_is_said_and_what_the_webhook_told_is_used(world: World) -> None:
    build = world.ci.fail("7", Refused("github", "401: the token is not accepted", 401))
    world.ci.faults["build"] = [Refused("github", "401: the token is not accepted", 401)]
    await open_case(world.context, build)
    case = await world.until("diagnosed")
    assert "401" in (case.trouble or "") or "401" in (case.findings[0].log.note or "")


async def test_outages_of_ci_and_slack_are_waited_out(world: World) -> None:
    build = world.ci.fail("7", DNS)
    world.ci.faults["build"] = [Unavailable("github", "503")] * 3
    world.ci.faults["log"] = [Unavailable("github", "503")] * 2
    world.chat.faults = [Unavailable("slack", "down", 0.1)] * 4
    await open_case(world.context, build)
    assert (await world.until("diagnosed")).causes == ("dns-timeout",)
    assert len(world.chat.messages) == 1


async def test_a_post_whose_answer_was_lost_is_found_again(world: World) -> None:
    world.chat.lose_answer = True
    await open_case(world.context, world.ci.fail("7", DNS))
    await world.until("diagnosed")
    assert len(world.chat.messages) == 1


async def diagnosed(world: World) -> str:
    await open_case(world.context, world.ci.fail("7", DNS))
    case = await world.until("diagnosed")
    return case.buttons["rerun"]


async def test_five_clicks_at_once_re_run_once(world: World) -> None:
    button = await diagnosed(world)
    said = await asyncio.gather(*(world.desk.press(button, "C0BUILDS", w) for w in (ANN, BOB, ANN, BOB, ANN)))
    assert said.count(None) == 1
    assert all("Already" in s for s in said if s)
    await world.until("watching")
    world.ci.finish("7", 2, "success")
    await world.until("recovered")
    assert world.ci.reruns == ["github:acme/shop:7:1"]
    assert "Already" in (await world.desk.press(button, "C0BUILDS", ANN) or "")
    assert world.chat.messages["1.0"].state == "recovered"


async def test_the_same_cause_again_is_said_in_the_same_thread(world: World) -> None:
    await world.desk.press(await diagnosed(world), "C0BUILDS", ANN)
    await world.until("watching")
    world.ci.fail("7", DNS, attempt=2)
    await world.until("same-cause")
    await world.until("diagnosed", attempt=2)
    assert world.chat.where["2.0"] == ("C0BUILDS", "1.0")
    assert len(world.chat.messages) == 2


async def test_a_cancelled_new_attempt_is_inconclusive(world: World) -> None:
    await world.desk.press(await diagnosed(world), "C0BUILDS", ANN)
    await world.until("watching")
    world.ci.finish("7", 2, "cancelled")
    await world.until("inconclusive")


async def test_a_request_whose_answer_was_lost_is_not_sent_twice(world: World) -> None:
    button = await diagnosed(world)
    world.ci.lose_answer = True
    await world.desk.press(button, "C0BUILDS", ANN)
    await world.until("watching")
    assert len(world.ci.reruns) == 1


async def test_a_refused_re_run_is_said_and_may_be_asked_for_again(world: World) -> None:
    button = await diagnosed(world)
    world.ci.faults["rerun"] = [Refused("github", "403: the token may not re-run", 403)]
    await world.desk.press(button, "C0BUILDS", ANN)
    case = await world.wait(world.case, lambda c: c is not None and c.action is not None and c.action.state == "failed")
    assert "403" in (case.action.detail or "") if case.action else False
    assert await world.desk.rerun("https://ci/7", "C0BUILDS", ANN)
    await world.until("watching")
    assert len(world.ci.reruns) == 1


async def test_outsiders_and_paused_bots_do_nothing(world: World) -> None:
    button = await diagnosed(world)
    assert "Not allowed" in (await world.desk.press(button, "C", Who(team="T2", user="U1")) or "")
    await world.desk.pause(True, ANN)
    assert "paused" in (await world.desk.press(button, "C", ANN) or "")
    await world.desk.pause(False, ANN)
    assert await world.desk.press("guessed", "C", ANN)
    assert world.ci.reruns == []


async def test_two_approvals_are_two_people(world: World) -> None:
    world.context.rerun_policy = Policy(approvals=2, approvers=("U1", "U2", "S1"))
    world.chat.groups["S1"] = ["U3"]
    assert await world.desk.press(await diagnosed(world), "C", ANN) is None
    case = world.case()
    assert case is not None
    approve = case.buttons["approve"]
    assert "somebody else" in (await world.desk.press(approve, "C", ANN) or "")
    assert "1 more" in (await world.desk.press(approve, "C", BOB) or "")
    assert world.ci.reruns == []
    assert await world.desk.press(approve, "C", Who(team="T1", user="U3")) is None
    await world.until("watching")
    assert len(world.ci.reruns) == 1


async def test_the_diagnosis_speaks_the_language_of_the_channel(world: World) -> None:
    world.context.language = lambda channel: "zh" if channel == "C9" else "en"
    await world.desk.notice(MessageRef(channel="C9", ts="55.0"), [], "running")
    world.ci.fail("7", DNS)
    await world.desk.notice(MessageRef(channel="C9", ts="55.0"), ["https://ci/7"], "failed")
    chinese = await world.until("diagnosed")
    assert chinese.findings[0].diagnoses[0].title.startswith("DNS 服务器")
    await open_case(world.context, world.ci.fail("8", DNS))
    english = await world.until("diagnosed", run="8")
    assert english.findings[0].diagnoses[0].title.startswith("The resolver")


async def test_a_fault_of_ours_is_told_without_its_secrets(world: World) -> None:
    """The error's own words go into the thread and into the store."""
    build = world.ci.fail("7", DNS)

    def broken() -> None:
        raise ValueError("cannot read https://bob:hunter2@git.example/x")

    world.context.library = broken  # type: ignore[assignment]
    await open_case(world.context, build)
    case = await world.until("stuck")
    assert "cannot read" in str(case.trouble)
    assert "hunter2" not in case.model_dump_json()
