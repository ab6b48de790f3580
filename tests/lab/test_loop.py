"""The whole loop on real failures: `go mod download` fails inside a namespace, GitHub's webhook tells the running bot,
which probes over SSH from that namespace and answers in the thread; five clicks at once re-run the job once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from faults import FAULTS
from netlab import Lab

from bot.serve.standins.github import JobPlan
from tests.harness import CHANNEL, END, Town, about, text_of

pytestmark = pytest.mark.lab


def config(lab: Lab) -> dict[str, Any]:
    ssh = lab.ssh
    runner = {
        "kind": "ssh", "host": ssh.host, "port": ssh.port, "user": ssh.user, "key_file": str(ssh.key_file),
        "known_hosts": str(ssh.known_hosts), "serves": [{"ci": "github", "labels": ["self-hosted"]}],
    }  # fmt: skip
    return {"vantages": {"runner": runner}}


def really_fail(lab: Lab, name: str) -> bytes:
    """The output of the failing command, as a runner would have logged it."""
    fault = FAULTS[name]
    fault.apply(lab)
    project = lab.go_project(sums=fault.sums)  # type: ignore[arg-type]
    status, output = lab.run_in_runner(
        fault.argv, {**lab.go_env(sumdb=fault.sumdb), **fault.env}, cwd=project, timeout=90
    )
    assert status != 0, output
    return b"##[group]Run go mod download\n##[endgroup]\n" + output + b"##[error]Process completed with exit code 1.\n"


@pytest.mark.parametrize("name", ["dns-silent", "egress-drop-quick", "goproxy-404", "tls-untrusted"])
async def test_a_real_failure_comes_back_with_its_cause(lab: Lab, tmp_path: Path, name: str) -> None:
    log = await asyncio.to_thread(really_fail, lab, name)
    async with Town(tmp_path, config(lab)) as town:
        run = town.ci.add_run("acme/shop", [JobPlan(name="build", log=log)])
        await town.ci.announce(run)
        reply = await town.reply(run, "diagnosed", seconds=60)
        told = about(reply)
        print(f"\n{name}: {told['cause']} {told['confidence']:.2f}: {log.splitlines()[-2].decode()[:200]}")
        assert told["cause"] == FAULTS[name].cause, text_of(reply)
        assert told["confidence"] > 0.8, text_of(reply)
        assert "runner" in text_of(reply)
        await asyncio.gather(*(town.slack.click("U0ADA", CHANNEL, reply["ts"], "medic.rerun") for _ in range(5)))
        assert about(await town.reply(run, *END))["state"] == "recovered"
        assert town.reruns(run) == 1
        assert len(town.replies(run)) == 1
