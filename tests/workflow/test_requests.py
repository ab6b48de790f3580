"""What guards a request around the pure decision: what is bound, what is in the way, what is looked at once more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model.errors import Refused, Unavailable
from bot.ports import Who
from bot.triage.approve import Policy
from bot.workflow import context as clock
from bot.workflow.desk import open_case
from tests.fakes import FakeChat
from tests.workflow.desk_bench import ASKER, BOB, DAN, EVE, OUTSIDERS, TWO, DeskBench, build_of, finding_of


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    made = DeskBench(tmp_path)
    yield made
    made.close()


def audited(bench: DeskBench) -> list[str]:
    return [f"{e.who} {e.what}" for e in bench.store.audit_trail()]


async def test_the_quorum_sets_it_going_once(bench: DeskBench) -> None:
    case = await bench.asked()
    assert "1 more" in str(await bench.press(case, "approve", BOB))
    assert bench.engine.acts == []
    assert await bench.press(case, "approve", EVE) is None
    assert bench.engine.acts == [bench.action(case).id]
    assert "Already decided" in str(await bench.desk.requests.vote(bench.case(case), "approve", DAN, None))


# outsiders, at every entrance


@pytest.mark.parametrize("who", OUTSIDERS.values(), ids=OUTSIDERS)
async def test_outsiders_are_refused_at_every_entrance(bench: DeskBench, who: Who) -> None:
    case = bench.diagnosed()
    offered = bench.change(case.id, offers={"shop": await bench.deploy.plan()})
    button = bench.store.mint_button(case.id, "rollback:shop", "x", 9e12)
    said = [
        await bench.press(case.id, "rerun", who),
        await bench.press(case.id, "right", who),
        await bench.desk.press(button, "C0", who),
        await bench.desk.rerun("https://ci/7", "C0", who),
        await bench.desk.rollback("shop", None, "C0", who),
        await bench.desk.triage("https://ci/7", "C0", who),
        await bench.desk.pause(True, who),
        await bench.desk.pause(False, who),
    ]
    assert all("Not allowed" in str(one) for one in said), said
    assert bench.case(case.id) == offered
    assert bench.store.get_flag("paused") is None
    assert all("in vain" in told for told in audited(bench))
    assert bench.engine.acts == []
    assert bench.store.recent_cases() == [offered]


@pytest.mark.parametrize("who", OUTSIDERS.values(), ids=OUTSIDERS)
@pytest.mark.parametrize("name", ["approve", "decline"])
async def test_outsiders_do_not_vote_nor_make_anything_lapse(bench: DeskBench, who: Who, name: str) -> None:
    case = await bench.asked()
    asked = audited(bench)
    assert "Not allowed" in str(await bench.press(case, name, who))
    bench.change(case, findings=(finding_of("dns-nxdomain"),))  # the evidence has changed since
    assert "Not allowed" in str(await bench.press(case, name, who))
    assert bench.action(case).state == "waiting"
    assert audited(bench) == asked


# what people saw


async def test_new_evidence_makes_a_waiting_request_lapse(bench: DeskBench) -> None:
    case = await bench.asked()
    await bench.press(case, "approve", BOB)
    button = bench.case(case).buttons["approve"]
    bench.change(case, findings=(finding_of("dns-nxdomain"),))
    assert "evidence has changed" in str(await bench.desk.press(button, "C0", EVE))
    assert bench.action(case).state == "lapsed"
    assert bench.engine.acts == []
    assert "U3 rerun lapsed" in audited(bench)


async def test_another_commit_makes_a_waiting_request_lapse(bench: DeskBench) -> None:
    case = await bench.asked()
    build = build_of(bench.case(case))
    bench.change(case, build=build.model_copy(update={"commit": "d" * 40}))
    await bench.press(case, "approve", BOB)
    assert bench.action(case).state == "lapsed"


async def test_a_button_from_before_the_evidence_changed_asks_for_nothing(bench: DeskBench) -> None:
    case = bench.diagnosed()
    bench.change(case.id, findings=(finding_of("dns-nxdomain"),))
    assert "changed since" in str(await bench.press(case.id, "rerun"))
    assert bench.case(case.id).action is None


async def test_a_vote_button_is_for_one_request_alone(bench: DeskBench) -> None:
    case = await bench.asked()
    old = bench.case(case).buttons["approve"]
    await bench.press(case, "decline", BOB)
    assert await bench.press(case, "rerun") is None
    assert bench.action(case).id.endswith("#2")
    assert "changed since" in str(await bench.desk.press(old, "C0", EVE))
    assert bench.action(case).approvals == ()


async def test_a_rollback_button_stands_for_the_plan_that_was_shown(bench: DeskBench) -> None:
    said = await bench.desk.rollback("shop", None, "C0", ASKER)
    assert "Asked for" in str(said)
    case = bench.store.recent_cases()[0].id
    await bench.press(case, "decline", BOB)
    old = bench.case(case).buttons["rollback:shop"]
    bench.deploy.history[-1] = bench.deploy.history[-1].model_copy(update={"id": "9"})
    assert "world has moved" in str(await bench.desk.press(old, "C0", ASKER))
    assert bench.action(case).state == "declined"


# one at a time


async def test_one_request_for_each_case(bench: DeskBench) -> None:
    case = await bench.asked()
    first = bench.action(case)
    assert "Already asked for by <@U1>" in str(await bench.desk.requests.ask(bench.case(case), "rerun", BOB))
    assert await bench.desk.requests.ask(bench.case(case), "rerun", ASKER) is None  # delivered twice
    assert bench.action(case) == first
    for state in ("approved", "sending", "sent", "unknown"):
        bench.change_action(case, state=state)
        assert "Already" in str(await bench.desk.requests.ask(bench.case(case), "rerun", ASKER)), state


async def test_one_rollback_for_each_target(bench: DeskBench) -> None:
    await bench.desk.rollback("shop", None, "C0", ASKER)
    bench.deploy.deploy("c" * 40)  # another release: another case
    said = await bench.desk.rollback("shop", None, "C0", BOB)
    assert "comes first" in str(said)
    assert sum(c.action is not None for c in bench.store.recent_cases()) == 1


@pytest.mark.parametrize("state", ["recovered", "worse", "inconclusive", "diagnosed", "watching"])
async def test_a_restore_that_waits_under_an_old_release_comes_first_too(bench: DeskBench, state: str) -> None:
    await bench.desk.rollback("shop", None, "C0", ASKER)
    case = bench.store.recent_cases()[0].id
    bench.change(case, state=state)
    bench.change_action(case, kind="restore")
    bench.deploy.deploy("c" * 40)
    assert "comes first" in str(await bench.desk.rollback("shop", None, "C0", BOB))


async def test_what_still_runs_is_not_re_run(bench: DeskBench) -> None:
    case = bench.diagnosed()
    bench.change(case.id, build=build_of(case).model_copy(update={"outcome": "running"}))
    assert "under way" in str(await bench.desk.requests.ask(bench.case(case.id), "rerun", ASKER))


# who counts


async def test_the_author_is_known_by_configuration_and_by_e_mail(bench: DeskBench) -> None:
    bench.context.people = {"bobby": "U2"}
    bench.chat.emails = {"eve@acme.example": "U3"}
    for run, author, who in (("7", "Bobby", BOB), ("8", "Eve L <eve@acme.example>", EVE)):
        case = await bench.asked(run=run, author=author)
        assert "wrote the commit" in str(await bench.press(case, "approve", who)), author
        assert bench.action(case).approvals == ()


async def test_the_authors_of_what_is_rolled_back_count_as_authors(bench: DeskBench) -> None:
    bench.context.people = {"bobby": "U2"}
    bench.deploy.history[-1] = bench.deploy.history[-1].model_copy(update={"author": "Bobby"})
    await bench.desk.rollback("shop", None, "C0", ASKER)
    case = bench.store.recent_cases()[0].id
    assert "wrote the commit" in str(await bench.press(case, "approve", BOB))


class Away(FakeChat):
    """Slack, down."""

    async def person_by_email(self, email: str) -> str | None:
        raise Unavailable("slack", "down")

    async def members(self, group: str) -> list[str]:
        raise Unavailable("slack", "down")


class Shut(Away):
    """A Slack app without the scope."""

    async def person_by_email(self, email: str) -> str | None:
        raise Refused("slack", "missing_scope")


async def test_an_author_is_no_stranger_while_slack_cannot_be_asked(bench: DeskBench) -> None:
    case = await bench.asked(author="Bob <bob@acme.example>")
    bench.context.chat = Away()
    with pytest.raises(Unavailable):  # the click is worked on again later
        await bench.press(case, "approve", BOB)
    assert bench.action(case).approvals == ()
    bench.context.chat = Shut()  # never to be known: "where known"
    assert "1 more" in str(await bench.press(case, "approve", BOB))


async def test_a_group_that_slack_does_not_tell_counts_as_no(bench: DeskBench) -> None:
    bench.context.rerun_policy = TWO.model_copy(update={"approvers": ("S1",)})
    bench.chat.groups = {"S1": ["U2"]}
    case = await bench.asked()
    bench.context.chat = Away()
    assert "could not be resolved" in str(await bench.press(case, "approve", BOB))
    bench.context.chat = bench.chat
    assert "1 more" in str(await bench.press(case, "approve", BOB))


async def test_an_environment_that_nobody_described_can_be_approved_by_nobody(bench: DeskBench) -> None:
    bench.context.rerun_policy = Policy()
    case = await bench.asked(environment="nowhere")
    assert "no approvers" in str(await bench.press(case, "approve", BOB))
    assert bench.engine.acts == []


async def test_of_several_environments_the_strictest_decides(bench: DeskBench) -> None:
    """One re-run touches all failed jobs; each job's webhook tells its own environment, in any order."""
    bench.context.environments = {"staging": Policy(), "production": TWO}
    for run, told in (("7", ("staging", "production")), ("8", ("production", "staging"))):
        case = bench.diagnosed(run=run, environment=told[0])
        again = build_of(case).model_copy(
            update={"environment": told[1], "jobs": case.build.jobs if case.build else ()}
        )
        await open_case(bench.context, again)
        await open_case(bench.context, again.model_copy(update={"environment": None}))  # the CI's API tells none
        assert await bench.press(case.id, "rerun") is None
        assert (bench.action(case.id).state, bench.action(case.id).needed) == ("waiting", 2)
    alone = bench.diagnosed(run="9", environment="staging")
    assert await bench.press(alone.id, "rerun") is None
    assert bench.action(alone.id).state == "approved"


# time


async def test_a_button_that_acts_expires(bench: DeskBench, monkeypatch: pytest.MonkeyPatch) -> None:
    case = bench.diagnosed()
    later = clock.unix() + 8 * 86400
    monkeypatch.setattr("bot.workflow.desk.unix", lambda: later)
    assert "button has expired" in str(await bench.press(case.id, "rerun"))
    assert bench.case(case.id).action is None


async def test_a_request_expires_by_itself_and_by_a_late_vote(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await bench.asked(run="7"), await bench.asked(run="8")
    assert await bench.desk.requests.expire() == 0
    later = clock.unix() + 1801
    monkeypatch.setattr("bot.workflow.requests.unix", lambda: later)
    assert "expired" in str(await bench.press(one, "approve", BOB))
    assert await bench.desk.requests.expire() == 1
    assert {bench.action(c).state for c in (one, two)} == {"expired"}


async def test_a_click_that_comes_much_too_late_does_nothing(bench: DeskBench) -> None:
    case = await bench.asked()
    late = clock.unix() - bench.context.pace.click_limit - 60
    assert "nothing was done" in str(await bench.press(case, "approve", BOB, late))
    assert bench.action(case).approvals == ()
    assert "1 more" in str(await bench.press(case, "approve", BOB, late + 120))


async def test_the_kill_switch_is_in_the_audit_log_and_stops_votes(bench: DeskBench) -> None:
    case = await bench.asked()
    await bench.desk.pause(True, BOB)
    assert "paused" in str(await bench.press(case, "approve", EVE))
    assert "U2 pauses actions" in audited(bench)
    await bench.desk.pause(False, BOB)
    assert "1 more" in str(await bench.press(case, "approve", EVE))


@pytest.mark.parametrize("state", ["waiting", "approved", "sending"])
async def test_a_restore_does_not_replace_what_is_under_way(bench: DeskBench, state: str) -> None:
    await bench.desk.rollback("shop", None, "C0", ASKER)
    case = bench.store.recent_cases()[0].id
    bench.change_action(case, state=state)
    plan = bench.action(case).plan
    assert "Already" in str(await bench.desk.requests.ask(bench.case(case), "restore", BOB, plan))
    assert bench.action(case).kind == "rollback"
