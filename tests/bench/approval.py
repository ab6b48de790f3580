"""From the last approval to the request on the wire: `python tests/bench/approval.py [--times 20]`.

The real `serve` between stand-ins, on SQLite. A rollback is asked for, one person approves, and the clock runs from the
moment at which the second person's click leaves until the first request that changes something arrives at Argo CD
(auto-sync is switched off first), and until the rollback itself arrives there.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot.serve.standins.argocd import ArgocdStandIn, Life
from tests.harness import CHANNEL, Town, about, text_of


async def measure(times: int, folder: Path) -> None:
    stand = ArgocdStandIn(app="checkout", automated={"prune": True}, life=Life(operation=0.05))
    stand.deploy("f" * 40)
    first, done = [], []
    async with Town(folder, argo=stand) as town:
        for number in range(times):
            stand.automated = {"prune": True}
            stand.deploy(f"{number:040x}", outcome="degraded")
            known = {m["ts"] for m in town.replies()}
            await town.slack.command("U0ADA", CHANNEL, "rollback checkout")
            asked = await town.until(lambda k=known: _new(town, k), "the request")  # type: ignore[misc]
            await town.slack.click("U0BOB", CHANNEL, asked["ts"], "medic.approve")
            await town.until(lambda m=asked: "1 of 2 approvals" in text_of(m), "the first approval")  # type: ignore[misc]
            writes, sent = _writes(stand), time.perf_counter()
            click = asyncio.create_task(town.slack.click("U0EVE", CHANNEL, asked["ts"], "medic.approve"))
            while _writes(stand) == writes:
                await asyncio.sleep(0.001)
            first.append(time.perf_counter() - sent)
            while stand.count("POST", ".*/rollback") == number:
                await asyncio.sleep(0.001)
            done.append(time.perf_counter() - sent)
            await click
            await town.until(lambda m=asked: about(m)["state"] == "recovered", "the outcome")  # type: ignore[misc]
    for name, took in (("first request that changes something", first), ("the rollback itself", done)):
        print(f"{name}: p50 {statistics.median(took):.3f} s, worst of {times} {max(took):.3f} s (bar: under 1 s)")


def _new(town: Town, known: set[str]) -> dict[str, object] | None:
    return next((m for m in town.replies() if m["ts"] not in known and " of 2 approvals" in text_of(m)), None)


def _writes(stand: ArgocdStandIn) -> int:
    return sum(s.method in ("PATCH", "POST") for s in stand.seen)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=20)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given.times, Path(folder)))


if __name__ == "__main__":
    main()
