"""`config check` against real adapters and servers on loopback."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.ports import Check
from bot.serve.check import check_all
from bot.serve.cli import run
from bot.serve.settings import Settings
from bot.serve.standins.argocd import ArgocdStandIn

SCOPES = "chat:write,commands,channels:history,users:read"


class Workspace:
    """The few methods of Slack's Web API that a check calls, over real HTTP."""

    def __init__(self) -> None:
        self.scopes = SCOPES
        self.token = "xoxb-good"
        self.member = True
        self.url = ""

    async def auth_test(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        body = {"ok": True, "team_id": "T0ACME", "team": "Acme", "user": "medic", "user_id": "U0BOT", "bot_id": "B0BOT"}
        return web.json_response(body, headers={"x-oauth-scopes": self.scopes})

    async def info(self, request: web.Request) -> web.Response:
        body = {"ok": True, "channel": {"id": "C0BUILDS", "name": "builds", "is_member": self.member}}
        return web.json_response(body)


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    space = Workspace()
    app = web.Application()
    app.router.add_route("*", "/api/auth.test", space.auth_test)
    app.router.add_route("*", "/api/conversations.info", space.info)
    async with TestServer(app) as server:
        space.url = str(server.make_url("/api/"))
        yield space


def settings(folder: Path, text: str, **env: str) -> Settings:
    file = folder / "buildmedic.yaml"
    file.write_text(text)
    return Settings.load(file, env)


def slack_part(space: Workspace) -> str:
    return f"slack: {{bot_token: ${{TOKEN}}, signing_secret: s, api_url: '{space.url}', watch: [C0BUILDS]}}\n"


def faults(found: list[Check]) -> dict[str, str]:
    return {c.what: c.detail for c in found if not c.ok}


async def test_a_workspace_in_order(tmp_path: Path, slack: Workspace) -> None:
    found = await check_all(settings(tmp_path, slack_part(slack), TOKEN="xoxb-good"))
    of_slack = [c for c in found if c.what.startswith("slack")]
    assert len(of_slack) >= 3
    assert all(c.ok for c in of_slack), of_slack
    assert {"playbooks", "storage"} <= {c.what for c in found}


async def test_what_is_wrong_is_said_with_what_to_do(tmp_path: Path, slack: Workspace) -> None:
    slack.scopes, slack.member = "chat:write", False
    wrong = faults(await check_all(settings(tmp_path, slack_part(slack), TOKEN="xoxb-good")))
    assert "commands" in wrong["slack scopes"]
    assert "/invite @medic" in wrong["slack.watch C0BUILDS"]


async def test_a_refused_token(tmp_path: Path, slack: Workspace) -> None:
    wrong = faults(await check_all(settings(tmp_path, slack_part(slack), TOKEN="xoxb-bad")))
    assert "slack" in wrong
    assert "xoxb-bad" not in json.dumps(wrong)


async def test_one_missing_variable_hides_nothing_else(tmp_path: Path, slack: Workspace) -> None:
    wrong = faults(await check_all(settings(tmp_path, slack_part(slack) + "playbooks: [nope]\n")))
    assert "TOKEN is not set" in wrong["slack"]
    assert "nope is not a directory" in wrong["playbooks"]


async def test_a_service_that_never_answers_is_given_up(tmp_path: Path) -> None:
    class Hangs:
        closed = False

        async def check(self) -> Any:
            import asyncio

            await asyncio.sleep(3600)

        async def close(self) -> None:
            self.closed = True

    from bot.serve.check import _one

    part = Hangs()
    (only,) = await _one("ci x", lambda: part, 0.05)
    assert not only.ok
    assert "no answer within" in only.detail
    assert part.closed


async def test_storage_and_other_faults_that_need_no_network(tmp_path: Path) -> None:
    wrong = faults(await check_all(settings(tmp_path, "storage: {url: 'postgresql://db/x'}\n")))
    assert "PostgreSQL is not in this release" in wrong["storage"]
    wrong = faults(await check_all(settings(tmp_path, "storage: {url: 'sqlite:///no/such/x.db'}\n")))
    assert "make it" in wrong["storage"]


async def test_a_vantage_that_serves_nobody(tmp_path: Path) -> None:
    text = (
        "ci: [{name: github, kind: github, token: t, webhook_secret: s, api_url: 'http://127.0.0.1:9'}]\n"
        "vantages: {runner: {kind: local, serves: [{ci: githib}]}}\n"
    )
    found = await check_all(settings(tmp_path, text))
    assert any("serves the ci 'githib'" in c.detail for c in found if not c.ok)
    assert any(c.what.startswith("ci") or "github" in c.what for c in found if not c.ok)


async def test_a_deploy_is_reached_as_a_ci_is(tmp_path: Path) -> None:
    async with ArgocdStandIn() as stand:
        stand.deploy("a" * 40)
        entry = {**stand.settings(), "token": "${ARGOCD_TOKEN}"}
        text = json.dumps({"deploys": [entry], "environments": {"production": {}}})
        good = await check_all(settings(tmp_path, text, ARGOCD_TOKEN=stand.token))
        assert {c.what: c.ok for c in good if c.what.startswith("shop")} == {
            "shop: shop": True, "shop: may sync": True, "shop: may update": True, "shop: webhook_secret": True,
        }  # fmt: skip
        bad = await check_all(settings(tmp_path, text, ARGOCD_TOKEN="wrong"))
        assert any("the token is refused" in c.detail for c in bad if not c.ok)
        unset = await check_all(settings(tmp_path, text))
        assert any(c.what == "deploy shop" and "ARGOCD_TOKEN" in c.detail for c in unset if not c.ok)
    down = await check_all(settings(tmp_path, text, ARGOCD_TOKEN="x"))
    assert any(c.what == "shop: shop" and not c.ok for c in down)


def test_the_command_says_it_and_exits_1(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "buildmedic.yaml"
    file.write_text("slack: {bot_token: '${NO_SUCH_VARIABLE}', signing_secret: s}\n")
    assert run(["config", "check", "--config", str(file)]) == 1
    out = capsys.readouterr().out
    assert "FAULT  slack: " in out
    assert "NO_SUCH_VARIABLE is not set" in out
    assert run(["config", "check", "--config", str(file), "--json"]) == 1
    assert any(c["what"] == "slack" and not c["ok"] for c in json.loads(capsys.readouterr().out))


def test_what_is_not_used_yet_is_said(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "buildmedic.yaml"
    file.write_text("alerts: [{name: am, kind: alertmanager, bearer: x}]\n")
    run(["config", "check", "--config", str(file)])
    assert "not used in this release" in capsys.readouterr().out
