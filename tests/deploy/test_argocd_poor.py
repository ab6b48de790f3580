"""Argo CD behind something that lets less through: no PATCH, answers without the application."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.deploy.argocd import Argocd
from bot.deploy.argocd_settings import ArgocdSettings
from bot.model.errors import Refused

GOOD, BAD = "a" * 40, "b" * 40
APP = "/api/v1/applications/shop"


class Poor:
    """`patch`: the HTTP status of a PATCH (200: done, and answered with {}). What it knows of its spec stays whole."""

    def __init__(self) -> None:
        self.patch, self.put = 200, 200
        self.spec: dict[str, Any] = {
            "project": "default", "source": {"repoURL": "https://git.acme.example/shop.git", "path": "deploy"},
            "syncPolicy": {"automated": {"prune": True}, "retry": {"limit": 3}},
        }  # fmt: skip
        self.history = [{"id": "1", "revision": GOOD}, {"id": "2", "revision": BAD}]

    async def look(self, _request: web.Request) -> web.Response:
        status = {"history": self.history, "health": {"status": "Healthy"}, "operationState": {"phase": "Succeeded"}}
        return web.json_response({"metadata": {"name": "shop"}, "spec": self.spec, "status": status})

    async def merge(self, request: web.Request) -> web.Response:
        if self.patch == 200:
            automated = json.loads((await request.json())["patch"])["spec"]["syncPolicy"]["automated"]
            self.spec["syncPolicy"]["automated"] = {**self.spec["syncPolicy"]["automated"], **automated}
        return web.json_response({}, status=self.patch)

    async def replace(self, request: web.Request) -> web.Response:
        if self.put == 200:
            self.spec = await request.json()
        return web.json_response({}, status=self.put)

    async def rollback(self, request: web.Request) -> web.Response:
        if self.spec["syncPolicy"].get("automated", {"enabled": False}).get("enabled") is not False:
            return web.json_response({"error": "rollback cannot be initiated when auto-sync is enabled"}, status=400)
        wanted = str((await request.json())["id"])
        entry = next(e for e in self.history if e["id"] == wanted)
        self.history.append({**entry, "id": str(len(self.history) + 1)})
        return web.json_response({})


@pytest.fixture
async def poor() -> AsyncIterator[tuple[Poor, Argocd]]:
    stand, app = Poor(), web.Application()
    app.router.add_get(APP, stand.look)
    app.router.add_patch(APP, stand.merge)
    app.router.add_put(f"{APP}/spec", stand.replace)
    app.router.add_post(f"{APP}/rollback", stand.rollback)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = {"name": "shop", "url": url, "token": "t", "app": "shop", "environment": "production"}
    deploy = Argocd(ArgocdSettings.model_validate(settings))
    yield stand, deploy
    await deploy.close()
    await runner.cleanup()


@pytest.mark.parametrize("status", [200, 404, 405, 501])
async def test_auto_sync_is_switched_off_and_on_again_whole(poor: tuple[Poor, Argocd], status: int) -> None:
    stand, deploy = poor
    stand.patch = status
    before = json.dumps(stand.spec, sort_keys=True)
    plan = await deploy.plan()
    assert plan.warnings[0] == "the images of the target cannot be told: Argo CD has no manifests of it"
    await deploy.rollback(plan)
    assert stand.spec["syncPolicy"] == {"automated": {"prune": True, "enabled": False}, "retry": {"limit": 3}}
    assert stand.history[-1]["revision"] == GOOD
    assert (await deploy.watch(plan)).state == "good"
    assert await deploy.restore(plan) is not None
    after = {**stand.spec, "syncPolicy": {**stand.spec["syncPolicy"]}}
    after["syncPolicy"]["automated"] = {k: v for k, v in after["syncPolicy"]["automated"].items() if v is not None}
    assert json.dumps(after, sort_keys=True) == before


@pytest.mark.parametrize("put", [403, 404, 405])
async def test_what_neither_way_can_change_is_refused_in_words(poor: tuple[Poor, Argocd], put: int) -> None:
    stand, deploy = poor
    stand.patch, stand.put = 405, put
    with pytest.raises(Refused, match="takes no such request" if put != 403 else "not allowed"):
        await deploy.rollback(await deploy.plan())
    assert len(stand.history) == 2
