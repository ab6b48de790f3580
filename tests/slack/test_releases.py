"""What the message about a rollback says at each turn. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.model.build import CaseKey
from bot.model.case import Action, Case
from bot.model.release import Plan, Revision
from bot.ports import Status
from bot.slack.commands import approvals_text, read, status_text
from bot.slack.messages import render

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
AT = 1_795_600_800  # 2026-11-25 10:00 UTC


def plan(current: str = "b", target: str = "a") -> Plan:
    return Plan(
        deploy="checkout", app="checkout", environment="production", current=Revision(id="2", revision=current * 40),
        target=Revision(id="1", revision=target * 40), health="degraded",
    )  # fmt: skip


def case(action: Action | None, offered: Plan | None = None, **more: Any) -> Case:
    key = CaseKey(ci="checkout", repository="checkout", run="2.bbb", attempt=1)
    offers = {"checkout": offered or plan()}
    return Case.model_validate({"key": key, "opened": NOW, "updated": NOW, "action": action, "offers": offers, **more})


def action(state: Any, **more: Any) -> Action:
    made = {"kind": "rollback", "id": "x#1", "requested_by": "U0ADA", "state": state, "plan": plan(), "needed": 2}
    return Action.model_validate({**made, **more})


def shown(of: Case) -> str:
    return json.dumps(render(of, NOW)["blocks"], ensure_ascii=False)


def test_who_may_approve_and_until_when_is_said_and_calls_them() -> None:
    text = shown(case(action("waiting", approvers=("U0BOB", "S0SRE", "U0EVE"), approvals=("U0BOB",), expires=AT)))
    assert "May approve: <!subteam^S0SRE>, <@U0EVE>." in text
    assert f"<!date^{AT}^{{date_short_pretty}} at {{time}}|2026-11-25 10:00 UTC>" in text
    assert "May approve" not in shown(case(action("sent", approvers=("U0BOB",))))


@pytest.mark.parametrize("at", [-5.0, 1e30])
def test_no_moment_is_too_far_away_to_be_shown(at: float) -> None:
    assert "Lapses" in shown(case(action("waiting", expires=at or 1.0)))


@pytest.mark.parametrize("state", ["failed", "declined", "expired", "lapsed"])
def test_once_a_request_is_over_the_message_tells_what_its_button_stands_for(state: Any) -> None:
    text = shown(case(action(state), plan("c")))
    assert "now: `ccccccc`" in text
    assert "bbbbbbb" not in text


def test_while_a_request_stands_the_message_tells_what_was_asked_for() -> None:
    for state in ("waiting", "approved", "sending", "sent", "unknown"):
        assert "`bbbbbbb`" in shown(case(action(state), plan("c")))


def test_what_was_left_is_not_said_to_run() -> None:
    assert "runs bbbbbbb" in shown(case(action("waiting")))
    assert "ran bbbbbbb" in shown(case(action("sent"), state="recovered"))


def test_who_approves_is_told_what_changes_in_the_dialog_too() -> None:
    asked = render(case(action("waiting"), buttons={"approve": "1"}), NOW)
    dialog = asked["blocks"][-2]["elements"][0]["confirm"]["text"]["text"]
    assert dialog.startswith("Rollback of checkout (production) from bbbbbbb to aaaaaaa.")


def test_putting_auto_sync_back_does_not_look_like_a_rollback() -> None:
    waits = case(action("waiting", kind="restore"), state="recovered", buttons={"approve": "1"})
    told = render(waits, NOW)
    assert told["text"] == "Switching auto-sync of checkout (production) on again – waits for approval"
    dialog = told["blocks"][-2]["elements"][0]["confirm"]["text"]["text"]
    assert dialog.startswith("Switching auto-sync of checkout (production) on again.")
    assert "putting back of checkout (production):" in approvals_text([(waits, None)])
    done = render(case(action("sent", kind="restore"), state="restored"), NOW)
    assert done["text"] == "Rollback of checkout (production) to aaaaaaa – done; what it had switched off is on again"


def test_lists_say_that_something_waits_and_until_when() -> None:
    waiting = case(action("waiting", expires=AT), state="diagnosed")
    assert "lapses <!date^1795600800^at {time}|2026-11-25 10:00 UTC>" in approvals_text([(waiting, None)])
    assert "rollback waits for approval" in status_text(Status(version="1", recent=(waiting,)))
    assert "Actions are paused by <@U0DAN>" in status_text(Status(version="1", paused="paused by <@U0DAN>"))


def test_nonsense_is_not_led_to_a_command_that_acts() -> None:
    assert "Did you mean `/medic help`" in read("foo").answer
    assert "Did you mean `/medic rollback`" in read("rolback checkout").answer
