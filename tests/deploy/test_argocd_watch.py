"""Argo CD: whether a rollback happened, and what became of it."""

import pytest

from bot.model.release import Watched
from bot.serve.standins.argocd import ArgocdStandIn
from bot.serve.standins.door import Fault
from tests.deploy.bench import AUTO, BAD, GOOD, NEXT, adapter, later


async def test_another_operation_leaves_it_open_whether_it_happened(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    stand.deploy(NEXT)
    assert await deploy.did_rollback(plan) is None
    assert (await deploy.watch(plan)).words == f"another operation came after it: {NEXT[:7]} by ada (Succeeded)"


async def test_it_happened_and_somebody_deployed_after_it(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 30)
    stand.advance()
    stand.deploy(NEXT)
    assert await deploy.did_rollback(plan) is True
    told = await deploy.watch(plan)
    assert told.state == "unclear"
    assert "another operation" in told.words


async def test_it_failed_and_is_known_to_have_happened(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    stand.life.outcomes[GOOD] = "failed"
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 30)
    assert await deploy.did_rollback(plan) is True
    assert (await deploy.watch(plan)).state == "worse"


async def test_a_dry_run_is_no_rollback(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    before = (await deploy._look()).model_dump(mode="json")
    before["status"]["operationState"]["operation"]["sync"] |= {"dryRun": True, "revision": GOOD}
    before["status"]["operationState"] |= {"startedAt": "2026-11-30T00:00:00Z", "syncResult": None}
    before["metadata"]["annotations"] = {}
    stand.faults = [Fault("GET", 200, body=before, times=9)]
    assert await deploy.did_rollback(plan) is None


async def test_an_argo_cd_that_refuses_to_tell(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    stand.denied = {"get"}
    assert await deploy.did_rollback(plan) is None


async def test_ids_may_be_texts(stand: ArgocdStandIn) -> None:
    deploy, said = adapter(stand)
    body = stand.shown()
    body["status"]["history"] = [{**entry, "id": str(entry["id"])} for entry in body["status"]["history"]]
    stand.faults = [Fault("GET .*/shop$", 200, body=body, times=2)]
    plan = await deploy.plan()
    await deploy.rollback(plan)
    assert [e.asked["id"] for e in said if e.method == "POST"] == [1]


# what became of it


async def test_the_steps_of_a_rollback(stand: ArgocdStandIn) -> None:
    stand.life.pick_up, stand.life.health = 5.0, 20.0
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    seen = []
    for _ in range(50):
        told = await deploy.watch(plan)
        if not seen or seen[-1] != told:
            seen.append(told)
        later(stand, 1)
    assert [t.state for t in seen] == ["running", "running", "running", "good"]
    assert ["waits to be taken up" in seen[0].words, "runs" in seen[1].words, "progressing" in seen[2].words] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("outcome", "state"), [("degraded", "worse"), ("missing", "unclear"), ("progressing", "running")]
)
async def test_bad_health_has_a_little_time(stand: ArgocdStandIn, outcome: str, state: str) -> None:
    stand.life.outcomes[GOOD] = outcome  # type: ignore[assignment]
    deploy, _ = adapter(stand, settle="60s")
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 10 + 59)
    told = await deploy.watch(plan)
    assert told.state == "running"
    assert outcome in told.words
    later(stand, 1)
    assert (await deploy.watch(plan)).state == state


async def test_health_that_breaks_later_has_its_own_time(stand: ArgocdStandIn) -> None:
    stand.life.outcomes[GOOD], stand.life.health = "degraded", 200.0
    deploy, _ = adapter(stand, settle="60s")
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 10 + 200 + 59)
    assert (await deploy.watch(plan)).state == "running"
    later(stand, 1)
    assert (await deploy.watch(plan)).state == "worse"


async def test_health_of_before_the_end_does_not_count(stand: ArgocdStandIn) -> None:
    stand.life.reconciles = False
    deploy, said = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 30)
    stand.advance()
    body = stand.shown()
    stand.faults = [Fault("GET", 200, body=body, times=2)]
    assert (await deploy.watch(plan)) == Watched(
        state="running", words=f"{GOOD[:7]} was deployed; Argo CD has not looked at its health since"
    )
    assert said[-1].query[0] == ("refresh", "normal")
    assert (await deploy.watch(plan)).state == "good"


async def test_auto_sync_that_comes_back_afterwards(stand: ArgocdStandIn) -> None:
    stand.automated = dict(AUTO)
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 5)
    stand.advance()
    assert (await deploy.watch(plan)).state == "running"
    later(stand, 6)
    stand.advance()
    body = stand.shown()
    body["spec"]["syncPolicy"]["automated"] = AUTO
    stand.faults = [Fault("GET", 200, body=body)]
    told = await deploy.watch(plan)
    assert (told.state, "auto-sync is on again" in told.words) == ("unclear", True)
    await deploy.restore(plan)
    later(stand, 30)
    told = await deploy.watch(plan)  # Argo CD has gone back to what git says
    assert (told.state, BAD[:7] in told.words) == ("unclear", True)


async def test_a_refresh_that_fails_leaves_what_is_at_hand(stand: ArgocdStandIn) -> None:
    stand.life.reconciles = False
    deploy, said = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    later(stand, 30)
    stand.advance()
    body = stand.shown()
    stand.faults = [Fault("GET", 200, body=body), Fault("GET", 503, times=3)]
    assert (await deploy.watch(plan)).state == "running"
    assert [e.status for e in said[-4:]] == [200, 503, 503, 503]
