"""The stand-in for Argo CD: that it does what Argo CD's server and controller do. (That it speaks as they do is held
against the published description in tests/deploy.)"""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from bot.serve.standins.argocd import ArgocdStandIn, Life
from bot.serve.standins.door import Fault

APP = "/api/v1/applications/shop"


class Clock:
    at = 1_795_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def stand() -> AsyncIterator[ArgocdStandIn]:
    async with ArgocdStandIn(clock=Clock(), life=Life(pick_up=1, operation=10, health=5)) as made:
        made.deploy("a" * 40)
        made.deploy("b" * 40, outcome="degraded")
        yield made


@pytest.fixture
async def client(stand: ArgocdStandIn) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stand.token}"}
    async with httpx.AsyncClient(base_url=stand.url, headers=headers) as made:
        yield made


def later(stand: ArgocdStandIn, seconds: float) -> None:
    stand.clock.at += seconds  # type: ignore[attr-defined]


async def app(client: httpx.AsyncClient) -> dict:
    answer = await client.get(APP)
    assert answer.status_code == 200
    return answer.json()


async def patch(client: httpx.AsyncClient, automated: dict | None) -> dict:
    text = json.dumps({"spec": {"syncPolicy": {"automated": automated}}})
    answer = await client.patch(APP, json={"name": "shop", "patch": text, "patchType": "merge"})
    assert answer.status_code == 200
    return answer.json()["spec"]["syncPolicy"]


async def test_a_rollback_clears_the_state_and_goes_its_way(stand: ArgocdStandIn, client: httpx.AsyncClient) -> None:
    assert (await app(client))["status"]["operationState"]["phase"] == "Succeeded"
    answer = await client.post(f"{APP}/rollback", json={"name": "shop", "id": 0})
    assert answer.status_code == 200
    for one in (answer.json(), await app(client)):
        assert one["operation"]["sync"]["revision"] == "a" * 40
        assert "operationState" not in one["status"]
    assert (await client.post(f"{APP}/rollback", json={"name": "shop", "id": 0})).status_code == 500
    later(stand, 1)
    assert (await app(client))["status"]["operationState"]["phase"] == "Running"
    later(stand, 10)
    status = (await app(client))["status"]
    assert status["operationState"]["phase"] == "Succeeded"
    assert [entry["id"] for entry in status["history"]] == [0, 1, 2]
    assert status["sync"] == {"status": "OutOfSync", "revision": "b" * 40}  # git has not moved
    assert status["health"]["status"] == "Progressing"
    later(stand, 5)
    assert (await app(client))["status"]["health"]["status"] == "Healthy"
    assert stand.count("POST", ".*/rollback") == 2


async def test_auto_sync_stands_in_the_way_and_goes_after_git(stand: ArgocdStandIn, client: httpx.AsyncClient) -> None:
    assert (await patch(client, {"prune": True}))["automated"] == {"prune": True}
    answer = await client.post(f"{APP}/rollback", json={"name": "shop", "id": 0})
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    assert (await patch(client, {"enabled": False}))["automated"] == {"prune": True, "enabled": False}
    assert (await client.post(f"{APP}/rollback", json={"name": "shop", "id": "0"})).status_code == 200
    later(stand, 30)
    await app(client)
    await patch(client, {"enabled": None})
    later(stand, 30)
    assert (await app(client))["status"]["history"][-1]["revision"] == "b" * 40
    stand.push("c" * 40, outcome="failed")
    for _ in range(3):
        later(stand, 30)
        await app(client)
    state = (await app(client))["status"]["operationState"]
    assert (state["phase"], state["syncResult"]["revision"]) == ("Failed", "c" * 40)
    assert "operation" not in await app(client)  # the same revision is not tried again


async def test_an_older_one_drops_the_word(stand: ArgocdStandIn, client: httpx.AsyncClient) -> None:
    stand.knows_enabled = False
    assert (await patch(client, {"prune": True, "enabled": False}))["automated"] == {"prune": True}
    assert "automated" not in await patch(client, None)


async def test_who_may(stand: ArgocdStandIn, client: httpx.AsyncClient) -> None:
    assert (await client.get(APP, headers={"Authorization": "Bearer x"})).status_code == 401
    assert (await client.get("/api/v1/applications/nope")).status_code == 403
    assert (await client.get("/api/v1/applications/nope?project=default")).status_code == 404
    assert (await client.get(f"{APP}?project=other")).status_code == 403
    stand.denied = {"sync"}
    assert (await client.get("/api/v1/account/can-i/applications/sync/default/shop")).json() == {"value": "no"}
    assert (await client.post(f"{APP}/rollback", json={"id": 0})).status_code == 403
    assert stand.history[-1]["id"] == 1
    assert "Degraded" in (await client.get("/applications/argocd/shop", headers={"Authorization": ""})).text


async def test_faults_before_and_after_the_effect(stand: ArgocdStandIn, client: httpx.AsyncClient) -> None:
    stand.faults = [Fault("POST", drop=True), Fault("POST", 502, after=True)]
    with pytest.raises(httpx.TransportError):
        await client.post(f"{APP}/rollback", json={"id": 0})
    assert "operation" not in await app(client)
    assert (await client.post(f"{APP}/rollback", json={"id": 0})).status_code == 502
    assert "operation" in await app(client)
    await stand.shut()
    with pytest.raises(httpx.ConnectError):
        await client.get(APP)
    await stand.reopen()
    assert "operation" in await app(client)


async def test_the_history_keeps_ten(stand: ArgocdStandIn) -> None:
    for number in range(12):
        stand.deploy(f"{number:040x}")
    assert [entry["id"] for entry in stand.history] == list(range(4, 14))


async def test_a_notice_is_sent_with_its_secret(stand: ArgocdStandIn) -> None:
    got = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["Authorization"], await request.json()))
        return web.Response(status=202)

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/webhooks/shop", take)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand.webhook_url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/shop"
    assert await stand.tell("on-health-degraded") == 202
    await runner.cleanup()
    assert await stand.tell("on-health-degraded") == 0
    ((secret, payload),) = got
    assert secret == f"Bearer {stand.webhook_secret}"
    assert (payload["app"], payload["trigger"], payload["health"]) == ("shop", "on-health-degraded", "Degraded")
