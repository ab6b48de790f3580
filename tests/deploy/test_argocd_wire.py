"""What Argo CD's JSON means, and what is told from it: cases that the stand-in does not play."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.deploy.argocd_judge import begun, judge, marks
from bot.deploy.argocd_wire import App, images, one_line
from bot.model.release import Plan, Revision
from tests.deploy.bench import BAD, GOOD, NEXT

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def state(revision: str, phase: str = "Succeeded", at: str = "10:00:00", **sync: Any) -> dict[str, Any]:
    told = {"operation": {"sync": {"revision": revision, **sync}}, "phase": phase, "startedAt": f"2026-11-20T{at}Z"}
    return told | ({} if phase == "Running" else {"finishedAt": f"2026-11-20T{at}Z"})


def app(*history: str, **other: Any) -> App:
    entries = [{"id": n, "revision": revision} for n, revision in enumerate(history)]
    status = {"history": entries, **other.pop("status", {})}
    return App.model_validate({"metadata": {"name": "shop", **other.pop("metadata", {})}, "status": status, **other})


def plan(before: App) -> Plan:
    target = Revision(id="0", revision=GOOD)
    return Plan(
        deploy="shop", app="shop", environment="production", current=before.current(), target=target, health="degraded",
        marks=marks(before),
    )  # fmt: skip


def waits(revision: str) -> dict[str, Any]:
    return {"sync": {"revision": revision}}


def test_an_operation_that_waits_hides_the_state_of_the_one_before() -> None:
    seen = app(GOOD, BAD, status={"operationState": state(BAD)}, operation=waits(NEXT))
    assert seen.attempt is not None
    assert (seen.attempt.shown, seen.attempt.phase, seen.current().revision) == (NEXT, "", NEXT)


def test_one_that_waited_when_the_plan_was_made_may_be_the_one_that_runs_now() -> None:
    made = plan(app(GOOD, BAD, operation=waits(GOOD)))
    assert begun(app(GOOD, BAD, operation=waits(GOOD)), made) is False
    for phase in ("Running", "Failed"):
        assert begun(app(GOOD, BAD, status={"operationState": state(GOOD, phase)}), made) is None
    assert begun(app(GOOD, BAD, GOOD, status={"operationState": state(GOOD)}), made) is True


@pytest.mark.parametrize("part", [{"dryRun": True}, {"resources": [{"kind": "Pod"}]}, {"manifests": ["{}"]}])
def test_what_is_no_whole_sync_is_no_rollback_and_no_release(part: dict[str, Any]) -> None:
    made = plan(app(GOOD, BAD))
    after = app(GOOD, BAD, status={"operationState": state(GOOD, **part)})
    assert begun(after, made) is None
    failed = app(GOOD, BAD, status={"operationState": state(NEXT, "Failed", **part)})
    assert failed.current().revision == BAD


def test_a_success_that_is_not_in_the_history_yet_is_not_current_by_itself() -> None:
    """Argo CD writes the entry before the state."""
    assert app(GOOD, BAD, status={"operationState": state(NEXT)}).current().revision == BAD


def test_the_history_of_another_order_and_with_times_that_never_were() -> None:
    entries = [{"id": 7, "revision": BAD, "deployedAt": "0001-01-01T00:00:00Z"}, {"id": "3", "revision": GOOD}]
    seen = app(status={"history": entries, "reconciledAt": None, "operationState": None, "conditions": None})
    assert [entry.id for entry in seen.history] == [3, 7]
    assert (seen.current().revision, seen.current().deployed_at) == (BAD, None)


def test_who_keeps_an_application() -> None:
    owned = {"ownerReferences": [{"kind": "ApplicationSet", "name": "all"}, {"kind": "Other", "name": "x"}]}
    assert app(metadata=owned).keepers == ("the ApplicationSet all",)
    assert app(metadata={"labels": {"app.kubernetes.io/instance": "parent"}}).keepers == ("the application parent",)
    assert app(metadata={"labels": {"app.kubernetes.io/instance": "shop"}}).keepers == ()


def test_images_of_manifests() -> None:
    pod = '{"spec": {"initContainers": [{"image": "b:1"}], "containers": [{"image": "a:1"}, {"name": "x"}, 3]}}'
    cron = '{"spec": {"jobTemplate": {"spec": {"template": {"spec": {"ephemeralContainers": [{"image": "c:1"}]}}}}}}'
    other = '{"data": {"image": "no", "containers": {"image": "no"}}}'
    assert images([pod, cron, other, pod]) == ("a:1", "b:1", "c:1")
    assert len(images(['{"containers": [' + ",".join(f'{{"image": "i:{n}"}}' for n in range(200)) + "]}"])) == 50


def watched(settle: int = 60, now: datetime = NOW, **status: Any) -> str:
    made = plan(app(GOOD, BAD))
    after = app(GOOD, BAD, GOOD, status={"operationState": state(GOOD), **status})
    return judge(after, made, now, timedelta(seconds=settle)).state


@pytest.mark.parametrize(
    ("health", "told"),
    [("Healthy", "good"), ("Degraded", "worse"), ("Progressing", "running"), ("Missing", "unclear"),
     ("Suspended", "unclear"), ("Unknown", "unclear"), ("Splendid", "unclear"), (None, "unclear")],
)  # fmt: skip
def test_health_without_the_times_that_newer_ones_tell(health: str | None, told: str) -> None:
    assert watched(health={"status": health} if health else None) == told


def test_the_grace_begins_when_the_operation_ends() -> None:
    old = {"status": "Degraded", "lastTransitionTime": "2026-11-19T00:00:00Z"}
    ended = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert watched(health=old, now=ended + timedelta(seconds=59)) == "running"
    assert watched(health=old, now=ended + timedelta(seconds=60)) == "worse"


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        ("Running", "running"),
        ("Terminating", "running"),
        ("Failed", "worse"),
        ("Error", "worse"),
        ("Dancing", "unclear"),
    ],
)
def test_phases(phase: str, told: str) -> None:
    made = plan(app(GOOD, BAD))
    healthy = {"health": {"status": "Healthy"}}
    after = app(GOOD, BAD, status={"operationState": state(GOOD, phase), **healthy})
    assert judge(after, made, NOW, timedelta(0)).state == told


def test_nothing_is_said_of_an_operation_that_is_not_told() -> None:
    made = plan(app(GOOD, BAD))
    for after in (app(GOOD, BAD), app()):
        told = judge(after, made, NOW, timedelta(0))
        assert (told.state, "tells of no operation" in told.words) == ("unclear", True)


def test_words_of_argo_cd_lose_their_secrets() -> None:
    assert one_line("fetch\n https://bob:hunter2@git.example/x: EOF") == "fetch https://[redacted]@git.example/x: EOF"


POOR = {"phase": "Succeeded"}  # an operation without its revision and its time


def poor(*history: str, compared: str, health: str = "Healthy", state: object = POOR) -> App:
    status = {"operationState": state, "sync": {"revision": compared}, "health": {"status": health}}
    return app(*history, status=status)


@pytest.mark.parametrize("state", [POOR, None])
@pytest.mark.parametrize("health", ["Healthy", "Degraded"])
def test_where_the_operation_is_not_told_the_history_tells_what_was_done(state: object, health: str) -> None:
    made = plan(poor(GOOD, BAD, compared=BAD, health="Degraded", state=state))
    after = poor(GOOD, BAD, GOOD, compared=BAD, health=health, state=state)
    assert begun(after, made) is True
    assert judge(after, made, NOW, timedelta(0)).state == ("good" if health == "Healthy" else "worse")
    moved = judge(poor(GOOD, BAD, GOOD, NEXT, compared=NEXT, state=state), made, NOW, timedelta(0))
    assert (moved.state, "another operation came after it" in moved.words) == ("unclear", True)


def test_where_nothing_else_is_told_the_comparison_tells_what_was_done() -> None:
    made = plan(poor(GOOD, BAD, compared=BAD, health="Degraded"))
    assert begun(poor(GOOD, BAD, compared=BAD), made) is False
    assert begun(poor(GOOD, BAD, compared=GOOD), made) is True
    assert judge(poor(GOOD, BAD, compared=GOOD), made, NOW, timedelta(0)).state == "good"
    assert begun(poor(GOOD, BAD, compared=GOOD), plan(poor(GOOD, BAD, compared=GOOD))) is False


def test_an_operation_under_way_that_tells_nothing_is_waited_for_and_never_asked_for_again() -> None:
    made = plan(poor(GOOD, BAD, compared=BAD))
    after = poor(GOOD, BAD, compared=BAD, state={"phase": "Running"})
    assert begun(after, made) is None
    assert judge(after, made, NOW, timedelta(0)).state == "running"


def test_a_comparison_says_nothing_where_the_operation_is_told() -> None:
    made = plan(poor(GOOD, BAD, compared=BAD, state=state(BAD)))
    assert begun(poor(GOOD, BAD, compared=GOOD, state=state(BAD)), made) is False


def test_an_operation_told_by_its_result_alone_is_known_again() -> None:
    made = plan(poor(GOOD, BAD, compared=BAD, state={**POOR, "syncResult": {"revision": BAD}}))
    after = poor(GOOD, BAD, compared=GOOD, state={**POOR, "syncResult": {"revision": GOOD}})
    assert begun(after, made) is True
    assert judge(after, made, NOW, timedelta(0)).state == "good"
