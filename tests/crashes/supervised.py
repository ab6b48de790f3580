"""A supervisor for the bot, as systemd is one, and people who press again when they are told that it did not work."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from bot.serve.standins.argocd import ArgocdStandIn, Life
from bot.serve.standins.github import JobPlan, Run
from tests.harness import CHANNEL, Town, about, text_of

GOOD, BAD = "a" * 40, "b" * 40
SETTLES = 60  # seconds from a restart until everything stands


class Supervised(Town):
    """A town whose bot is started again whenever it dies. The first start gets `crash_at`; once it has died, no more."""

    def __init__(self, folder: Path, crash_at: str = "") -> None:
        stand = ArgocdStandIn(app="checkout", automated={"prune": True}, life=Life(operation=0.2))
        stand.deploy(GOOD)
        stand.deploy(BAD, outcome="degraded")
        super().__init__(folder, argo=stand)
        self.crash_at, self.deaths = crash_at, 0
        self._guard: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Supervised":
        await super().__aenter__()
        self._guard = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._guard is not None:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
        await super().__aexit__()

    async def start(self, **env: str) -> None:
        await super().start(BUILDMEDIC_CRASH_AT=self.crash_at, **env)

    async def _watch(self) -> None:
        while True:
            assert self.process is not None
            await self.process.wait()
            self.deaths += 1
            self.crash_at = ""
            with contextlib.suppress(AssertionError):  # killed again while it started
                await self.start()

    # people and senders who do not give up

    async def press(self, user: str, message: dict[str, Any], action: str) -> None:
        """Press until it is taken. A button that is gone by now is what a person finds too."""
        for _ in range(600):
            try:
                status = await self.slack.click(user, CHANNEL, message["ts"], action)
            except LookupError:
                return
            if status == 200:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"nobody took {action}")

    async def type(self, user: str, text: str) -> None:
        for _ in range(600):
            if await self.slack.command(user, CHANNEL, text) == 200:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"nobody took /medic {text}")

    async def fail(self, repository: str, log: bytes) -> Run:
        """A run fails. GitHub sends nothing twice: a person presses "Redeliver" where a delivery failed."""
        run = self.ci.add_run(repository, [JobPlan(name="build", log=log)])
        for _ in range(600):
            before = len(self.ci.sent)
            await self.ci.announce(run)
            if all(s.status in (200, 202) for s in self.ci.sent[before:]):
                return run
            await asyncio.sleep(0.1)
        raise AssertionError("nobody took the webhook")

    # looking

    def releases(self) -> list[dict[str, Any]]:
        return [m for m in self.replies() if about(m)["case"].startswith("checkout:")]

    async def release(self, *, words: str = "", state: str = "", seconds: float = SETTLES) -> dict[str, Any]:
        """The latest message about the release, once it says these words and is in this state."""

        def there() -> dict[str, Any] | None:
            for shown in self.releases()[-1:]:
                if words in text_of(shown) and state in ("", about(shown)["state"]):
                    return shown
            return None

        found: dict[str, Any] = await self.until(there, f"the release {state} {words!r}", seconds)
        return found

    def rollbacks(self) -> int:
        """How many rollbacks Argo CD has begun. (Its history forgets, what came in does not.)"""
        assert self.argo is not None
        return sum(s.method == "POST" and s.path.endswith("/rollback") and s.status == 200 for s in self.argo.seen)

    async def at_rest(self) -> None:
        """Nothing that was kept waits any more, and the audit chain is whole."""

        def pending() -> bool:
            with contextlib.closing(sqlite3.connect(self.folder / "town.db")) as db:
                return bool(db.execute("SELECT 1 FROM deliveries WHERE outcome IS NULL").fetchall())

        await self.until(lambda: not pending(), "the end of the deliveries", SETTLES)
        argv = [sys.executable, "-m", "bot.serve.cli", "audit", "verify", "--config", str(self.folder / "town.yaml")]
        told = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
