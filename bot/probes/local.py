"""`local`: the bot's own host. The prober's bytes run in a subprocess, which is killed when the time is up."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Literal

from bot.model.build import Job
from bot.model.diagnosis import ProbeRequest, ProbeResult
from bot.model.errors import VantageDown
from bot.ports import Check
from bot.probes import checking, pack, wire
from bot.probes.registry import register
from bot.probes.serving import Settings

GRACE = 1.0
"""Seconds beyond the deadline in which the prober may still write its answer."""

_KEPT = frozenset(
    {"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LOCALDOMAIN", "RES_OPTIONS", "XDG_CONFIG_HOME", "SSL_CERT_FILE"}
    | {"SSL_CERT_DIR", "LD_LIBRARY_PATH"}
)


def environment(whole: Mapping[str, str]) -> dict[str, str]:
    """What a prober needs to see of our environment: no token of ours is among it."""
    return {
        k: v
        for k, v in whole.items()
        if k in _KEPT or k.lower().endswith("_proxy") or (k.startswith("GO") and "TOKEN" not in k and k != "GOAUTH")
    }


class LocalSettings(Settings):
    kind: Literal["local"] = "local"


class Local:
    """Implements ports.Vantage."""

    kind = "local"

    def __init__(self, name: str, settings: Settings, probe_allow: Sequence[str]) -> None:
        self.name, self.settings = name, settings
        self._policy = {"scope": "public", "allow": list(probe_allow), "capture": settings.capture}

    def serves(self, ci: str, repository: str, job: Job) -> bool:
        return self.settings.fits(ci, repository, job)

    async def run(self, requests: Sequence[ProbeRequest], deadline: float) -> Sequence[ProbeResult]:
        parts = wire.batches(requests)
        found = await asyncio.gather(*(self._run(part, deadline) for part in parts))
        return [result for part in found for result in part]

    async def _run(self, requests: Sequence[ProbeRequest], deadline: float) -> list[ProbeResult]:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", pack.BOOT, stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/",
                env=environment(os.environ), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise VantageDown(self.name, f"the prober cannot be started: {error}") from None
        sent = pack.stdin(wire.request(requests, deadline, self._policy))
        try:
            output, complaint = await asyncio.wait_for(process.communicate(sent), deadline + GRACE)
        except TimeoutError:
            raise VantageDown(self.name, f"the prober did not answer within {deadline:.0f} s") from None
        finally:
            await _end(process)
        return wire.answers(output[: wire.MAX_ANSWER], requests, self.name, complaint.decode("utf-8", "replace"))

    async def check(self) -> Sequence[Check]:
        return await checking.check(self)

    async def close(self) -> None:
        """Nothing is kept open."""


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the prober and what it started, and wait for it: no process is left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), 5)


register("local", LocalSettings, Local)
