"""The adapter for Argo CD, in front of the stand-in: what the port's own suite does not say."""

import asyncio
import json

import httpx
import pytest
from aiohttp import web
from pydantic import ValidationError

from bot.deploy import make
from bot.deploy.argocd_settings import ArgocdSettings
from bot.model.errors import Refused, Unavailable
from bot.model.release import Plan
from bot.serve.standins.argocd import ArgocdStandIn, Life
from bot.serve.standins.door import Fault
from tests.deploy.bench import AUTO, BAD, GOOD, NEXT, OLD, TWO, Clock, adapter, later

SENTENCE = "auto-sync with prune and self-heal"


def patches(stand: ArgocdStandIn) -> int:
    return stand.count("PATCH", ".*")


def posts(stand: ArgocdStandIn) -> int:
    return stand.count("POST", ".*/rollback")


# what a person is shown


async def test_the_plan_says_what_changes(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    assert plan.target.images == (f"registry.acme.example/shop:{GOOD[:7]}",)
    assert plan.current.images == (f"registry.acme.example/shop:{BAD[:7]}",)
    assert (plan.target.id, plan.target.deployed_by, plan.current.deployed_by) == ("1", "ci", "ada")
    assert (plan.current.author, plan.current.message) == ("Ada <ada@acme.example>", "Change the checkout service")
    assert plan.target.deployed_at is not None
    assert plan.url == f"{stand.url}/applications/argocd/shop"
    assert (plan.automatic, plan.warnings, plan.undo) == (None, (), {})


async def test_the_plan_says_what_brings_the_current_revision_back(stand: ArgocdStandIn) -> None:
    stand.automated, stand.kept, stand.keeper = AUTO, AUTO, 60.0
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    assert plan.automatic == SENTENCE
    assert any("git still says" in line for line in plan.warnings)
    assert any("the application all-apps manages" in line for line in plan.warnings)
    assert json.loads(plan.undo["automated"]) == AUTO


async def test_images_and_commits_are_nice_to_know(stand: ArgocdStandIn) -> None:
    for fault in (
        Fault("GET .*/manifests", 500, times=9),
        Fault("GET .*/manifests", 200, times=9, body={"manifests": 3}),
        Fault("GET .*/manifests", 200, times=9, body={"manifests": ["{", "[]", "3", "[" * 100_000]}),
    ):
        stand.faults = [fault, Fault("GET .*/metadata", 404, times=9)]
        deploy, _ = adapter(stand)
        plan = await deploy.plan()
        assert plan.target.images == ()
        assert plan.warnings[0].startswith("the images of the target cannot be told")
        assert len(plan.warnings[0]) < 400
        assert (plan.target.author, plan.target.message) == (None, None)


async def test_manifests_beyond_all_measure(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    stand.faults = [Fault("GET .*/manifests", 200, body={"manifests": ["x" * (9 << 20)]})]
    assert "more than 8388608 bytes" in (await deploy.plan()).warnings[0]


async def test_another_application_than_the_one_asked_for(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    body = stand.shown()
    body["metadata"] = {"name": "another"}
    stand.faults = [Fault("GET", 200, body=body)]
    with pytest.raises(Refused, match="asked for shop, Argo CD answers 'another'"):
        await deploy.release()


async def test_a_sync_that_failed_since_the_plan_is_a_move_too(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    stand.deploy(NEXT, outcome="failed")
    with pytest.raises(Refused, match="the world has moved"):
        await deploy.rollback(plan)
    assert posts(stand) == 0


async def test_a_new_entry_is_a_move_even_where_the_operation_is_not_told(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    body = stand.shown()
    body["status"]["history"] = [*body["status"]["history"], {"id": 9, "revision": NEXT}]
    del body["status"]["operationState"]
    stand.faults = [Fault("GET", 200, body=body)]
    with pytest.raises(Refused, match="the world has moved"):
        await deploy.rollback(plan)


async def test_a_refusal_for_auto_sync_that_is_not_there_is_not_repeated(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    said = {"message": "rollback cannot be initiated when auto-sync is enabled", "code": 9}
    stand.faults = [Fault("POST", 400, body=said, times=9)]
    with pytest.raises(Refused, match="came back on"):
        await deploy.rollback(plan)
    assert (patches(stand), posts(stand)) == (0, 1)


async def test_what_is_nice_to_know_is_not_waited_for(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    deploy._api.manifest_seconds = deploy._api.commit_seconds = 0.05
    stand.faults = [Fault("GET .*/(manifests|metadata)", hang=1, times=9)]
    plan = await deploy.plan()
    assert plan.warnings == ("the images of the target cannot be told: Argo CD did not make its manifests within 0 s",)
    assert plan.target.author is None


async def test_a_commit_is_asked_for_once(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    for _ in range(3):
        await deploy.plan()
    assert stand.count("GET", ".*/metadata") == 2


# which entry


async def test_after_a_sync_that_failed_the_way_back_is_what_ran_before(stand: ArgocdStandIn) -> None:
    stand.deploy(NEXT, outcome="failed")
    deploy, _ = adapter(stand)
    release = await deploy.release()
    assert (release.current.revision, release.current.id) == (NEXT, "")
    assert release.failed is not None
    assert release.failed.startswith("Failed: one or more objects failed to apply")
    assert [r.revision for r in release.history] == [NEXT, BAD, GOOD, OLD]
    plan = await deploy.plan()
    assert (plan.current.revision, plan.target.revision) == (NEXT, BAD)
    assert plan.current.author == "Ada <ada@acme.example>"
    await deploy.rollback(plan)
    later(stand, 30)
    assert stand.live is not None
    assert (await deploy.watch(plan)).state == "worse"  # BAD was not healthy before either
    assert stand.live.parts == (BAD,)


async def test_the_same_revision_that_failed_again_is_current_all_the_same(stand: ArgocdStandIn) -> None:
    stand.life.outcomes[BAD] = "failed"
    stand.sync(stand.versions[-1], "ada")
    later(stand, 30)
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    assert (plan.current.id, plan.current.revision, plan.target.revision) == ("2", BAD, GOOD)


async def test_a_second_rollback_goes_further_back_not_forth(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    await deploy.rollback(await deploy.plan())
    later(stand, 30)
    plan = await deploy.plan()
    assert (plan.current.revision, plan.target.revision) == (GOOD, OLD)
    assert (await deploy.plan(BAD)).target.revision == BAD
    await deploy.rollback(plan)
    later(stand, 30)
    with pytest.raises(Refused, match=f"nothing to go back to before {OLD[:7]}.*can be named: .*{BAD[:7]}"):
        await deploy.plan()


async def test_a_rollback_that_failed_is_not_answered_with_the_bad_revision(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    stand.life.outcomes[GOOD] = "failed"
    await deploy.rollback(await deploy.plan())
    later(stand, 30)
    plan = await deploy.plan()
    assert (plan.current.revision, plan.current.id, plan.target.revision) == (GOOD, "", OLD)


async def test_one_commit_with_other_settings_is_another_entry(stand: ArgocdStandIn) -> None:
    for number, tag in enumerate(("v1", "v2")):
        stand.sources = [{**stand.sources[0], "kustomize": {"images": [f"shop:{tag}"]}}]
        stand.deploy(NEXT, images=(f"shop:{tag}",), by=f"ada{number}")
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    assert (plan.current.revision, plan.target.revision, plan.target.deployed_by) == (NEXT, NEXT, "ada0")
    assert any("same revision" in line for line in plan.warnings)
    assert any("settings have changed" in line for line in plan.warnings)
    with pytest.raises(Refused, match="fits several"):
        await deploy.plan(NEXT)


async def test_a_source_that_follows_another_branch_is_the_same(stand: ArgocdStandIn) -> None:
    stand.sources = [{**stand.sources[0], "targetRevision": "release"}]
    stand.deploy(BAD)
    deploy, _ = adapter(stand)
    assert (await deploy.plan()).target.revision == GOOD


async def test_several_sources() -> None:
    async with ArgocdStandIn(sources=TWO, clock=Clock(), life=Life(operation=5)) as stand:
        for version, values in (("1.4.0", OLD), ("1.5.0", OLD), ("1.5.0", GOOD)):
            stand.deploy(version, values)
        deploy, said = adapter(stand)
        plan = await deploy.plan()
        assert (plan.current.revision, plan.target.revision) == (f"1.5.0, {GOOD}", f"1.5.0, {OLD}")
        assert plan.target.author == "Ada <ada@acme.example>"
        assert {e.path.split("/")[-2] for e in said if e.path.endswith("/metadata")} == {OLD, GOOD}
        assert (await deploy.plan("1.4.0")).target.id == "0"
        with pytest.raises(Refused, match="fits several"):
            await deploy.plan("1.5.0")
        await deploy.rollback(plan)
        later(stand, 30)
        assert await deploy.did_rollback(plan) is True
        assert (await deploy.watch(plan)).state == "good"


# auto-sync


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("automated", [AUTO, {}, {"enabled": True, "prune": True}, {"allowEmpty": True}])
async def test_auto_sync_is_switched_off_and_put_back_exactly(
    stand: ArgocdStandIn, knows: bool, automated: dict
) -> None:
    if not knows:
        automated = {key: value for key, value in automated.items() if key != "enabled"}
    stand.automated, stand.knows_enabled = dict(automated), knows
    deploy, said = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    assert not stand.auto
    assert stand.automated == ({**automated, "enabled": False} if knows else None)
    first = next(e for e in said if e.method == "PATCH")
    assert json.loads(first.asked["patch"]) == {"spec": {"syncPolicy": {"automated": {"enabled": False}}}}
    later(stand, 30)
    assert (await deploy.watch(plan)).state == "good"
    for _ in range(2):
        words = await deploy.restore(plan)
        assert words is not None
        assert "is on again" in words
        assert stand.automated == automated
    assert patches(stand) == (2 if knows else 3)  # the second time nothing was left to do


async def test_an_argo_cd_whose_rollback_minds_only_that_automated_is_there(stand: ArgocdStandIn) -> None:
    stand.automated, stand.looks_at = dict(AUTO), "presence"
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    await deploy.rollback(plan)
    assert (posts(stand), stand.automated) == (2, None)
    later(stand, 30)
    assert (await deploy.watch(plan)).state == "good"
    await deploy.restore(plan)
    assert stand.automated == AUTO


async def test_auto_sync_that_is_off_by_its_own_word_is_not_touched(stand: ArgocdStandIn) -> None:
    stand.automated = {"enabled": False, "prune": True}
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    assert (plan.automatic, plan.undo) == (None, {})
    await deploy.rollback(plan)
    assert patches(stand) == 0


async def test_auto_sync_that_is_put_back_at_once_is_said(stand: ArgocdStandIn) -> None:
    stand.automated = stand.kept = dict(AUTO)
    stand.keeper = 0.0
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    with pytest.raises(Refused, match=r"on again at once .the application all-apps manages"):
        await deploy.rollback(plan)
    assert (patches(stand), posts(stand)) == (2, 0)


async def test_auto_sync_that_comes_back_before_the_rollback_is_said(stand: ArgocdStandIn) -> None:
    stand.automated = stand.kept = dict(AUTO)
    stand.keeper = 30.0
    deploy, _ = adapter(stand)
    plan = await deploy.plan()

    async def slowly(_: httpx.Request) -> None:
        later(stand, 31)

    deploy._api.http.client.event_hooks["request"].append(slowly)
    with pytest.raises(Refused, match=r"came back on before the rollback .the application all-apps"):
        await deploy.rollback(plan)
    assert posts(stand) == 1


async def test_a_crash_between_switching_off_and_rolling_back(stand: ArgocdStandIn) -> None:
    stand.automated = dict(AUTO)
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    stand.faults = [Fault("POST .*/rollback", drop=True)]
    with pytest.raises(Unavailable):
        await deploy.rollback(plan)
    assert not stand.auto
    assert await deploy.did_rollback(plan) is False
    again, _ = adapter(stand)  # the process that comes after
    await again.rollback(Plan.model_validate_json(plan.model_dump_json()))
    assert (patches(stand), await again.did_rollback(plan)) == (1, True)
    await again.restore(plan)
    assert stand.automated == AUTO


async def test_a_change_of_auto_sync_that_got_no_answer_is_made_again(stand: ArgocdStandIn) -> None:
    stand.automated = dict(AUTO)
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    for after in (False, True):
        stand.automated, stand.faults = dict(AUTO), [Fault("PATCH", drop=True, after=after)]
        with pytest.raises(Unavailable):
            await deploy.rollback(plan)
        assert posts(stand) == 0
    await deploy.rollback(plan)
    assert posts(stand) == 1


async def test_auto_sync_that_changed_since_the_plan(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    stand.automated = dict(AUTO)
    with pytest.raises(Refused, match="switched on or changed"):
        await deploy.rollback(plan)
    plan = await deploy.plan()
    stand.automated = {"prune": False}
    with pytest.raises(Refused, match="switched on or changed"):
        await deploy.rollback(plan)
    assert (patches(stand), posts(stand)) == (0, 0)


async def test_a_rollback_that_is_refused_says_that_auto_sync_stays_off(stand: ArgocdStandIn) -> None:
    stand.automated, stand.denied = dict(AUTO), {"sync"}
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    with pytest.raises(Refused, match=r"needs `applications, sync`.*auto-sync is off and stays off"):
        await deploy.rollback(plan)
    await deploy.restore(plan)
    assert stand.automated == AUTO


# refusals and outages


@pytest.mark.parametrize("status", [400, 412, 500])
async def test_a_certain_no_is_no_outage_whatever_its_status(stand: ArgocdStandIn, status: int) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    said = "error setting app operation: another operation is already in progress"
    stand.faults = [Fault("POST", status, body={"error": said, "code": 2, "message": said})]
    with pytest.raises(Refused, match="another operation is under way"):
        await deploy.rollback(plan)


async def test_an_operation_under_way_is_waited_for(stand: ArgocdStandIn) -> None:
    stand.deploy(NEXT, outcome="stuck")
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    assert (plan.current.revision, plan.target.revision) == (NEXT, BAD)
    assert "under way" in plan.warnings[0]
    assert "by ada" in ((await deploy.release()).busy or "")
    with pytest.raises(Refused, match="wait for it, or stop it"):
        await deploy.rollback(plan)
    assert posts(stand) == 0


async def test_an_entry_that_has_left_the_history(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan(OLD)
    del stand.history[0]
    with pytest.raises(Refused, match="no entry 0"):
        await deploy.rollback(plan)
    stand.history.insert(0, {"id": 0, "revision": "c" * 40})
    with pytest.raises(Refused, match="no entry 0 with the planned revision"):
        await deploy.rollback(plan)
    assert posts(stand) == 0


async def test_a_plan_of_another_application(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    for other in ({"deploy": "else"}, {"app": "else"}):
        with pytest.raises(Refused, match="the plan is for"):
            await deploy.rollback(plan.model_copy(update=other))


async def test_missing_and_forbidden(stand: ArgocdStandIn) -> None:
    for other, words in (
        ({"app": "nope"}, "not found"),
        ({"app": "nope", "project": None}, "not allowed, or there is no such application"),
        ({"app_namespace": "team-a"}, "not found"),
        ({"token": "wrong"}, "the token is refused"),
    ):
        deploy, _ = adapter(stand, **other)
        with pytest.raises(Refused, match=words) as caught:
            await deploy.release()
        assert "argocd-stand-in-token" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [{}, {"metadata": {}}, {"metadata": {"name": "shop"}, "status": {"history": [{"id": "x"}]}}, [], "text",
     {"metadata": {"name": "another"}}, {"metadata": {"name": "shop"}, "status": {"history": [{"id": 2**64}]}}],
)  # fmt: skip
async def test_answers_that_are_not_argo_cds(stand: ArgocdStandIn, body: object) -> None:
    deploy, _ = adapter(stand)
    stand.faults = [Fault("GET", 200, body=body, times=9)]  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        await deploy.release()
    assert "\n" not in str(caught.value)


async def test_limits_and_outages(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand, read=0.2)
    plan = await deploy.plan()
    for fault in (
        Fault("", 429, headers={"Retry-After": "60"}, times=9),
        Fault("", 503, times=9),
        Fault("", 504, body={"error": "context deadline exceeded", "code": 4}, times=9),
        Fault("", drop=True, times=9),
        Fault("", hang=1, times=9),
    ):
        stand.faults = [fault]
        with pytest.raises(Unavailable):
            await deploy.did_rollback(plan)
        assert posts(stand) == 0


async def test_the_token_goes_nowhere_else(stand: ArgocdStandIn) -> None:
    got = []

    async def elsewhere(request: web.Request) -> web.Response:
        got.append(dict(request.headers))
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    deploy, _ = adapter(stand)
    plan = await deploy.plan()
    target = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1/applications/shop"
    stand.faults = [Fault("", 307, headers={"Location": target}, times=9)]
    for call in (deploy.release, deploy.plan, lambda: deploy.rollback(plan), lambda: deploy.watch(plan)):
        with pytest.raises(Refused, match="redirect"):
            await call()
    assert got == []
    await runner.cleanup()


# configuration


async def test_check_names_the_rights_that_are_missing(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    stand.denied = {"sync", "update"}
    bad = {c.what: c.detail for c in await deploy.check() if not c.ok}
    assert list(bad) == ["shop: may sync"]
    assert "p, ACCOUNT, applications, sync, default/shop, allow" in bad["shop: may sync"]
    stand.automated = dict(AUTO)
    bad = {c.what: c.detail for c in await deploy.check() if not c.ok}
    assert list(bad) == ["shop: may sync", "shop: may update"]
    stand.faults = [Fault("GET .*/can-i/", 404, times=9)]
    assert all(c.ok for c in await deploy.check())


@pytest.mark.parametrize(
    ("key", "value"),
    [("url", "argocd.internal"), ("url", "https://user@argocd.internal"), ("url", "https://a/?x"), ("token", ""),
     ("token", "a\nb"), ("webhook_secret", ""), ("app", "../x"), ("app", "a/b"), ("app", ""), ("channel", "#deploys"),
     ("settle", 60), ("settle", "soon"), ("project", "a b"), ("app_namespace", "")],
)  # fmt: skip
def test_settings_that_are_refused(key: str, value: object) -> None:
    entry = {"name": "shop", "kind": "argocd", "url": "https://argocd.internal", "token": "t", "app": "shop"}
    good = {**entry, "environment": "production"}
    assert ArgocdSettings.model_validate(good).web == "https://argocd.internal"
    with pytest.raises(ValidationError):
        ArgocdSettings.model_validate({**good, key: value})


async def test_making_one_opens_nothing() -> None:
    settings = ArgocdSettings.model_validate(
        {"name": "s", "url": "https://127.0.0.1:1", "token": "t", "app": "s", "environment": "e"}
    )
    deploy = make(settings)
    assert (deploy.name, deploy.kind, deploy.app, deploy.environment, deploy.channel) == ("s", "argocd", "s", "e", None)


async def test_many_at_once_do_not_disturb_each_other(stand: ArgocdStandIn) -> None:
    deploy, _ = adapter(stand)
    plans = await asyncio.gather(*(deploy.plan() for _ in range(5)))
    assert all(plan == plans[0] for plan in plans)
    done = await asyncio.gather(*(deploy.rollback(plan) for plan in plans), return_exceptions=True)
    assert sum(result is None for result in done) == 1
    assert all(isinstance(result, Refused) for result in done if result is not None)
    assert len(stand.history) == 3
