"""The real `buildmedic serve` as a process of its own, between a stand-in Slack and a stand-in GitHub on loopback."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bot.serve.standins.argocd import ArgocdStandIn
from bot.serve.standins.github import GitHubStandIn, Run
from bot.serve.standins.slack import SlackStandIn

CHANNEL = "C0BUILDS"
END = ("recovered", "same-cause", "other-cause", "inconclusive", "worse")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Town:
    """Slack, GitHub and the bot. `async with Town(folder) as town`. The bot keeps its port over restarts."""

    def __init__(
        self, folder: Path, config: Mapping[str, Any] | None = None, argo: ArgocdStandIn | None = None, **github: Any
    ) -> None:
        """`argo`: a deploy system stands beside, as the deploys entry `checkout` of production; two of U0BOB, U0EVE
        and U0DAN have to approve."""
        self.folder, self.config, self.argo = folder, dict(config or {}), argo
        self.slack = SlackStandIn()
        self.ci = GitHubStandIn(rerun_seconds=0.4, **github)
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None
        self.log = folder / "serve.log"

    async def __aenter__(self) -> "Town":
        await self.slack.start()
        await self.ci.start()
        if self.argo is not None:
            await self.argo.start()
            for user, name in (("U0EVE", "eve"), ("U0DAN", "dan")):
                self.slack.add_user(user, name=name)
            self.slack.channels[CHANNEL].members.update(("U0EVE", "U0DAN"))
        url = f"http://127.0.0.1:{self.port}"
        self.slack.events_url, self.ci.webhook_url = f"{url}/slack/events", f"{url}/webhooks/github"
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.ci.stop()
        if self.argo is not None:
            await self.argo.stop()
        await self.slack.close()

    def _write(self) -> Path:
        config: dict[str, Any] = {
            "slack": {
                "bot_token": self.slack.bot_token,
                "signing_secret": self.slack.signing_secret,
                "api_url": self.slack.api_url,
                "watch": [CHANNEL],
            },
            "ci": [self.ci.settings(channel=CHANNEL)],
            "storage": {"url": "sqlite:///town.db"},
            "http": {"host": "127.0.0.1", "port": self.port},
        }
        if self.argo is not None:
            config["deploys"] = [self.argo.settings("checkout", "production", ["acme/checkout"])]
            config["environments"] = {"production": {"approvals": 2, "approvers": ["U0BOB", "U0EVE", "U0DAN"]}}
        config |= self.config
        file = self.folder / "town.yaml"
        file.write_text(yaml.safe_dump(config))
        return file

    async def start(self, **env: str) -> None:
        """Start the bot and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.serve.cli", "serve", "--config", str(self._write()),
                stdout=asyncio.subprocess.PIPE, stderr=log, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **env},
            )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        assert b"listens on" in line, self.log.read_text()[-3000:]

    async def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        """SIGTERM, as a supervisor does."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 15)
            except TimeoutError:
                await self.kill()

    # looking

    def replies(self, run: Run | None = None) -> list[dict[str, Any]]:
        """The bot's case messages, oldest first; of one run where it is named."""
        found = [m for c in self.slack.channels for m in self.slack.channels[c].messages.values() if _about(m)]
        return [m for m in found if run is None or f":{run.id}:" in _about(m)["case"]]

    async def reply(self, run: Run, *states: str, attempt: int = 1, seconds: float = 45) -> dict[str, Any]:
        """The reply about an attempt, once it is in one of these states."""

        def there() -> dict[str, Any] | None:
            for message in self.replies(run):
                about = _about(message)
                if about["case"].endswith(f":{run.id}:{attempt}") and about["state"] in states:
                    return message
            return None

        return await self.until(there, f"a reply in {states}", seconds)

    async def until(self, look: Callable[[], Any], what: str, seconds: float = 30) -> Any:
        for _ in range(int(seconds / 0.05)):
            if found := look():
                return found
            await asyncio.sleep(0.05)
        shown = [_about(m) for m in self.replies()]
        raise AssertionError(f"never came: {what}\nreplies: {shown}\n{self.log.read_text()[-6000:]}")

    def reruns(self, run: Run) -> int:
        """Re-run requests that GitHub carried out or refused."""
        return self.ci.count("POST", f"/repos/{run.repository}/actions/runs/{run.id}/rerun-failed-jobs")


def _about(message: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (message.get("metadata") or {}).get("event_payload") or {}
    return told


def about(message: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a reply: case, cause, confidence, state."""
    return _about(message)


def text_of(message: Mapping[str, Any]) -> str:
    """Everything that a message shows, as one text."""
    return json.dumps(message.get("blocks"), ensure_ascii=False) + str(message.get("text"))
