"""From a webhook to the reply in the thread, through the real `serve`: `python tests/bench/loop.py [--seconds 30]`.

The bot runs as a process of its own on SQLite, between stand-ins for Slack and GitHub on loopback, which answer at once:
what the CI, Slack and probes take is not measured. Failures are spread over as many channels (one `ci` entry each) as
keep each of them under Slack's one post a second; the bot keeps that pace itself. Prints p50 and p95 from the moment that
the run's webhook is sent to the reply's first appearance, and to its final diagnosis.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot.serve.standins.github import JobPlan
from tests.harness import Town, about

LOG = (
    b"2026-11-24T02:03:07.1184430Z ##[group]Run go mod download\n2026-11-24T02:03:07.2184430Z ##[endgroup]\n"
    + b"2026-11-24T02:03:07.9184430Z go: downloading example.com/module v1.0.0\n" * 500
    + b"2026-11-24T02:03:08.1184430Z go: example.com/x@v1.0.0: dial tcp: lookup proxy.golang.org on 10.9.0.2:53: "
    b"read udp 10.1.0.9:4711->10.9.0.2:53: i/o timeout\n"
    b"2026-11-24T02:03:08.2184430Z ##[error]Process completed with exit code 1.\n"
)
BAR = 1.0  # seconds


async def measure(seconds: float, rate: float, channels: int) -> tuple[list[float], list[float], int]:
    """Seconds to the first appearance and to the diagnosis, and how many replies never came."""
    with tempfile.TemporaryDirectory(prefix="medic-loop-") as folder:
        town = Town(Path(folder))
        async with _Spread(town, channels):
            sent: dict[int, float] = {}
            seen: dict[int, float] = {}
            final: dict[int, float] = {}
            watch = asyncio.create_task(_watch(town, seen, final))
            began = time.perf_counter()
            for number in range(int(seconds * rate)):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=LOG)])
                town.ci.webhook_url = f"http://127.0.0.1:{town.port}/webhooks/github{number % channels}"
                sent[run.id] = time.perf_counter()
                await town.ci.announce(run, jobs=False)
            for _ in range(600):
                if len(final) == len(sent):
                    break
                await asyncio.sleep(0.05)
            watch.cancel()
            return (
                [seen[i] - at for i, at in sent.items() if i in seen],
                [final[i] - at for i, at in sent.items() if i in final],
                len(sent) - len(final),
            )


class _Spread:
    """A town whose CI has as many names as there are channels."""

    def __init__(self, town: Town, channels: int) -> None:
        self.town, self.channels = town, channels

    async def __aenter__(self) -> None:
        town = self.town
        await town.slack.start()
        await town.ci.start()
        names = [f"C0BENCH{i}" for i in range(self.channels)]
        for name in names:
            town.slack.add_channel(name, name.lower())
        town.config = {"ci": [town.ci.settings(f"github{i}", channel=name) for i, name in enumerate(names)]}
        town.slack.events_url = f"http://127.0.0.1:{town.port}/slack/events"
        await town.start()

    async def __aexit__(self, *_: object) -> None:
        await self.town.__aexit__(None, None, None)


async def _watch(town: Town, seen: dict[int, float], final: dict[int, float]) -> None:
    while True:
        now = time.perf_counter()
        for message in town.replies():
            told: dict[str, Any] = about(message)
            run = int(told["case"].split(":")[-2])
            seen.setdefault(run, now)
            if told["state"] == "diagnosed":
                final.setdefault(run, now)
        await asyncio.sleep(0.01)


def main() -> None:
    asked = argparse.ArgumentParser(description="Webhook to thread reply, on SQLite.")
    asked.add_argument("--seconds", type=float, default=30)
    asked.add_argument("--rate", type=float, default=5, help="failures a second")
    asked.add_argument("--channels", type=int, default=10)
    given = asked.parse_args()
    seen, final, lost = asyncio.run(measure(given.seconds, given.rate, given.channels))
    if len(final) < 2:
        raise SystemExit(f"{lost} replies never came")
    print(f"{len(final)} failures, {given.rate:g} a second over {given.channels} channels; {lost} never answered")
    for what, times in (("first appearance", seen), ("final diagnosis", final)):
        cut = statistics.quantiles(times, n=20)
        held = "yes" if cut[18] < BAR else "NO"
        print(f"{what}: p50 {statistics.median(times):.2f} s, p95 {cut[18]:.2f} s (< {BAR:g} s: {held}), "
              f"most {max(times):.2f} s")  # fmt: skip
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
