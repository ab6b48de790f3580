"""`local`: the same bytes in a subprocess that sees no secret and is gone when the time is up."""

import ast
import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path

import pytest

from bot.model.build import Job
from bot.model.diagnosis import ProbeRequest
from bot.model.errors import ConfigError, VantageDown
from bot.probes import kinds, make, pack, verbs, wire
from bot.probes.local import LocalSettings, environment
from tests.prober.servers import answering, hang_up, listening, silent

JOB = Job(id="1", name="test", outcome="failure", labels=("self-hosted", "Linux"), runner="ci-7")


def ask(verb: str, **args: object) -> ProbeRequest:
    return ProbeRequest(id=f"{verb}!", verb=verb, args=args)


async def test_results_in_order_with_ids_that_repeat() -> None:
    vantage = make("local", None, ["127.0.0.0/8"])
    with listening(hang_up) as server:
        requests = [ask("tcp", host="127.0.0.1", port=server.port), ask("nope"), ask("tcp", host="10.0.0.1")]
        results = await vantage.run([*requests, requests[0]], 8)
    assert [(r.id, r.outcome, r.ran) for r in results] == [
        ("tcp!", "ok", True), ("nope!", "unsupported", False), ("tcp!", "denied", False), ("tcp!", "ok", True)
    ]  # fmt: skip
    assert {r.vantage for r in results} == {"local"}
    assert "probe_allow" in results[2].facts["error"]


async def test_more_probes_than_one_request_holds() -> None:
    results = await make("local").run([ask("tcp", host="10.0.0.1") for _ in range(130)], 10)
    assert [r.outcome for r in results] == ["denied"] * 130


async def test_no_probe_costs_nothing() -> None:
    assert await make("local").run([], 5) == []


async def test_the_deadline_holds_and_no_process_stays() -> None:
    vantage = make("local", None, ["127.0.0.1/32"])
    begun = time.monotonic()
    with listening(silent) as server:
        (result,) = await vantage.run([ask("tls", host="127.0.0.1", port=server.port, timeout=30)], 1)
    assert (result.outcome, result.ran) == ("timeout", True)
    assert time.monotonic() - begun < 10
    assert not _children()


async def test_a_cancelled_run_leaves_no_process() -> None:
    vantage = make("local", None, ["127.0.0.1/32"])
    with listening(silent) as server:
        task = asyncio.create_task(vantage.run([ask("tls", host="127.0.0.1", port=server.port, timeout=20)], 20))
        while not server.accepted:
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not _children()


def _children() -> list[str]:
    mine = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [p for p in mine if b"sys.stdin.buffer" in Path(f"/proc/{p}/cmdline").read_bytes()]


async def test_a_python_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(VantageDown, match="local: the prober cannot be started"):
        await make("local").run([ask("env")], 3)


async def test_no_secret_of_ours_reaches_the_prober(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("GOPROXY", "https://p.example")
    monkeypatch.setenv("GOAUTH", "x")
    kept = environment(os.environ)
    assert "SLACK_BOT_TOKEN" not in kept
    assert "GOAUTH" not in kept
    assert kept["GOPROXY"] == "https://p.example"


async def test_hostile_hosts_in_a_request_are_data() -> None:
    for host in ("$(touch /tmp/x)", "a;b", "-oProxyCommand=x", "'", '"', "\\", "a\nb", "`id`"):
        (result,) = await make("local").run([ask("tcp", host=host)], 5)
        assert (result.outcome, result.ran) == ("error", False)


async def test_check() -> None:
    (check,) = await make("local").check()
    assert check.ok
    assert check.detail.startswith("Python 3.")


def test_whom_it_serves() -> None:
    assert not make("local").serves("github", "acme/shop", JOB)
    entry = {"ci": "github", "repository": "acme/*", "labels": ["linux"], "runner": "ci-*"}
    here = make("local", LocalSettings.model_validate({"serves": [entry]}))
    assert here.serves("github", "ACME/shop", JOB)
    assert not here.serves("gitlab", "acme/shop", JOB)
    assert not here.serves("github", "other/shop", JOB)
    assert not here.serves("github", "acme/shop", JOB.model_copy(update={"labels": ("self-hosted",)}))
    assert not here.serves("github", "acme/shop", JOB.model_copy(update={"runner": "x"}))


def test_kinds_and_settings() -> None:
    assert set(kinds()) == {"local", "ssh"}
    with pytest.raises(ConfigError, match="probe_allow"):
        make("local", None, ["10.0.0.0/99"])
    # importing the kinds must not import asyncssh: commands start fast
    code = "import sys; from bot.probes import kinds, make; kinds(); make('local'); print('asyncssh' in sys.modules)"
    import subprocess

    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_command_is_plain_for_every_shell() -> None:
    assert not set("$`!\\'\n%^&|<>~#*?{}") & set(pack.COMMAND)
    assert pack.archive() == pack.archive.__wrapped__()


@pytest.mark.parametrize("verb", verbs())
def test_a_request_is_small(verb: str) -> None:
    """Some ways to a machine carry 64 KB of text at most."""
    sent = pack.stdin(json.dumps({"probes": [{"verb": verb}]}).encode())
    assert len(base64.b64encode(sent)) < 64_000


GOOD = {"id": "0", "verb": "tcp", "outcome": "ok", "ms": 1.0, "facts": {"a": 1}}


@pytest.mark.parametrize(
    ("results", "outcome", "ran"),
    [
        ([GOOD], "ok", True), ([], "error", False), ("x", "error", False), ([1, None], "error", False),
        ([{**GOOD, "outcome": "pwned"}], "error", True), ([{**GOOD, "ms": "1"}], "ok", True),
        ([{**GOOD, "ms": -5}], "ok", True), ([{**GOOD, "facts": [1]}], "ok", True),
        ([{**GOOD, "id": 0}], "error", False),
        ([{**GOOD, "ran": False}], "ok", False), ([{**GOOD, "outcome": []}], "error", True),
    ],
)  # fmt: skip
def test_answers_that_were_garbled(results: object, outcome: str, ran: bool) -> None:
    import json

    output = b"Welcome to ci-7!\n\x00\xff\n" + json.dumps({"schema": "buildmedic.probe/1", "results": results}).encode()
    (result,) = wire.answers(output + b"\nlogout\n", [ask("tcp", host="a")], "runner")
    assert (result.outcome, result.ran) == (outcome, ran)


@pytest.mark.parametrize("output", [b"", b"no python", b'{"schema": "buildmedic.probe/1", ', b"[" * 99999, b"\xff"])
def test_no_answer(output: bytes) -> None:
    with pytest.raises(VantageDown, match="runner: the prober gave no answer"):
        wire.answers(output, [ask("env")], "runner")


def test_facts_of_a_hostile_machine_are_cut_and_masked() -> None:
    import json

    facts = {"x" * 999: "y" * 9999, "t": "ghp_0123456789abcdefghijABCDEF", "n": 10**500, "\ud800": "\ud800"}
    output = json.dumps({"schema": "buildmedic.probe/1", "results": [{**GOOD, "facts": facts}]}).encode()
    (result,) = wire.answers(output, [ask("env")], "runner")
    assert "ghp_" not in str(result.facts)
    assert len(json.dumps(result.facts)) < 2000
    result.model_dump_json()


async def test_http_through_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with listening(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as server:
        (result,) = await make("local", None, ["127.0.0.1"]).run(
            [ask("http", url=f"http://127.0.0.1:{server.port}/")], 5
        )
    assert (result.outcome, result.facts["status"]) == ("http-status", 503)


def test_what_is_sent_is_the_same_program() -> None:
    def shape(source: bytes) -> str:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            first = next(
                iter(getattr(node, "body", None) or [] if not isinstance(node, ast.Lambda | ast.IfExp) else []), None
            )
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                first.value.value = ""
        return ast.dump(tree)

    for name, sent in pack._sources().items():
        assert shape(sent) == shape((Path(pack.__file__).parents[1] / "prober" / f"{name}.py").read_bytes()), name


def test_complaints_of_a_hostile_machine_are_masked() -> None:
    for output, complaint in (
        (b"", "token=hunter2hunter2"),
        (b"token=hunter2hunter2", ""),
        (b'{"schema": "buildmedic.probe/1", "error": "token=hunter2hunter2"}', ""),
    ):
        with pytest.raises(VantageDown, match=r"token=\*\*\*"):
            wire.answers(output, [ask("env")], "runner", complaint)


async def test_the_bots_own_host_opens_what_probe_allow_lists_and_no_more() -> None:
    with listening(hang_up) as server:
        here = ask("tcp", host="127.0.0.1", port=server.port)
        (closed,) = await make("local").run([here], 5)
        (other,) = await make("local", None, ["10.0.0.0/8"]).run([here], 5)
        (opened,) = await make("local", None, ["127.0.0.0/8"]).run([here], 5)
        (never,) = await make("local", None, ["0.0.0.0/0", "::/0"]).run([ask("tcp", host="169.254.169.254")], 5)
    assert [r.outcome for r in (closed, other, opened, never)] == ["denied", "denied", "ok", "denied"]
